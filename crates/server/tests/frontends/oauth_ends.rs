//! What ends on the pages of OAuth, and what does not: logins, requests, codes and grants.

use crate::http_client::{Client, Response, get};
use crate::oauth_browser::{
    CODE, EMAIL, SECRET, add_app, between, form, form_at, is_asking_for_a_login, log_in, page,
    page_at, seal_of, set_password, start,
};
use crate::server::Server;
use pileus_store::apps::FOLDER;
use pileus_store::{StoreError, Stored};
use pileus_wire::Tree;

const APPS: &str = "/oauth2/apps";
const WAITS: &str =
    "client_id=FolderApp01&response_type=poll_token&request_id=0123456789abcdef0123456789abcdef";
const TOKEN: &str =
    "client_id=FolderApp01&response_type=token&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn call(server: &Server, path: &str) -> Response {
    Client::connect(server).await.get(path).await
}

/// Answers the question that the page asks.
async fn decide(server: &Server, query: &str, cookie: &str, wish: &str) -> Response {
    let seal = seal_of(&page(server, query, cookie).await);
    form(server, query, cookie, &format!("do={wish}&seal={seal}")).await
}

#[tokio::test]
async fn logging_out_ends_the_login_for_whoever_kept_the_cookie() {
    let server = start().await;
    let cookie = log_in(&server, CODE).await;
    let other = log_in(&server, CODE).await;
    let seal = seal_of(&page_at(&server, APPS, &cookie).await);
    let out = format!("do=logout&seal={seal}");
    // Not without the seal.
    assert_eq!(
        form_at(&server, APPS, &cookie, "do=logout").await.status,
        403
    );
    assert!(!is_asking_for_a_login(
        &page_at(&server, APPS, &cookie).await
    ));
    assert_eq!(form_at(&server, APPS, &cookie, &out).await.status, 303);
    assert!(is_asking_for_a_login(
        &page_at(&server, APPS, &cookie).await
    ));
    assert!(is_asking_for_a_login(&page(&server, CODE, &cookie).await));
    assert!(is_asking_for_a_login(
        &form_at(&server, APPS, &cookie, &out).await
    ));
    assert!(!is_asking_for_a_login(
        &page_at(&server, APPS, &other).await
    ));
    // So it is at the question about an app.
    assert_eq!(decide(&server, CODE, &other, "logout").await.status, 303);
    assert!(is_asking_for_a_login(&page(&server, CODE, &other).await));
}

#[tokio::test]
async fn logins_end_with_the_password_and_with_the_account() {
    let server = start().await;
    let cookie = log_in(&server, CODE).await;
    set_password(&server).await;
    assert!(is_asking_for_a_login(
        &page_at(&server, APPS, &cookie).await
    ));
    let cookie = log_in(&server, CODE).await;
    let give_up = |tx: &mut pileus_store::Tx<'_>| -> Stored<()> {
        let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        tx.deactivate_account(account.id, 0)
    };
    server.app.db.edit(give_up).await.unwrap();
    assert!(is_asking_for_a_login(
        &page_at(&server, APPS, &cookie).await
    ));
}

#[tokio::test]
async fn logins_have_a_bound() {
    let server = start().await;
    let account = |tx: &mut pileus_store::Tx<'_>| -> Stored<()> {
        let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        for number in 0..100_u8 {
            tx.insert_mail_code(&pileus_store::mail_codes::NewMailCode {
                secret_hash: &[number; 32],
                account: account.id,
                purpose: pileus_store::mail_codes::PAGE_LOGIN,
                detail: "0",
                created: 0,
                expires: i64::MAX,
            })?;
        }
        Ok(())
    };
    server.app.db.edit(account).await.unwrap();
    let form = crate::oauth_browser::login_form(EMAIL, crate::oauth_browser::PASSWORD);
    let answer = form_at(&server, APPS, "", &form).await;
    assert!(answer.text().contains("Too many"), "{}", answer.text());
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn a_request_is_for_the_login_that_opened_it_first() {
    let server = start().await;
    add_app(&server, "FolderApp01", FOLDER).await;
    let waits = "/oauth2_token?client_id=FolderApp01&request_id=0123456789abcdef0123456789abcdef";
    let first = log_in(&server, WAITS).await;
    let second = log_in(&server, WAITS).await;
    let question = page(&server, WAITS, &first).await;
    assert!(question.text().contains("value=\"allow\""));
    let late = page(&server, WAITS, &second).await;
    assert!(
        late.text().contains("somebody else has opened it"),
        "{}",
        late.text()
    );
    assert!(!late.text().contains("value=\"allow\""));

    // Loading it again changes nothing, and logging out leaves the request to the next login.
    let again = page(&server, WAITS, &first).await;
    assert!(again.text().contains("value=\"allow\""));
    assert_eq!(decide(&server, WAITS, &first, "logout").await.status, 303);
    assert!(
        page(&server, WAITS, &second)
            .await
            .text()
            .contains("value=\"allow\"")
    );
    let first = log_in(&server, WAITS).await;
    assert!(
        !page(&server, WAITS, &first)
            .await
            .text()
            .contains("value=\"allow\"")
    );

    // Nobody has decided so far: a call waits, and gets what the one who was asked decides.
    let mut waiting = Client::connect(&server).await;
    waiting.send(get(waits)).await;
    server.waiting(1).await;
    assert_eq!(decide(&server, WAITS, &second, "allow").await.status, 200);
    assert_eq!(waiting.response().await.result(), 0);
    // A decided one is opened by nobody.
    let done = page(&server, WAITS, &second).await;
    assert!(!done.text().contains("value=\"allow\""));

    // Who opens one and never decides keeps it for ten minutes.
    let other = WAITS.replace("0123456789abcdef0123", "1123456789abcdef0123");
    assert!(
        page(&server, &other, &second)
            .await
            .text()
            .contains("value=\"allow\"")
    );
    assert!(
        !page(&server, &other, &first)
            .await
            .text()
            .contains("value=\"allow\"")
    );
    server.later(601);
    assert!(
        page(&server, &other, &first)
            .await
            .text()
            .contains("value=\"allow\"")
    );
    assert!(
        !page(&server, &other, &second)
            .await
            .text()
            .contains("value=\"allow\"")
    );
}

/// Asks for a code with a challenge, and answers it.
async fn code_for(server: &Server, query: &str, cookie: &str) -> String {
    let answer = decide(server, query, cookie, "allow").await;
    between(
        answer.header("location").unwrap(),
        "https://app.example/cb?code=",
        "&",
    )
}

async fn exchange(server: &Server, code: &str, more: &str) -> u64 {
    let path =
        format!("/oauth2_token?client_id=TestApp0001&client_secret={SECRET}&code={code}{more}");
    call(server, &path).await.result()
}

#[tokio::test]
async fn a_code_that_was_asked_for_with_a_challenge_needs_the_proof() {
    let server = start().await;
    let asked =
        format!("{CODE}&force_reapprove=1&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let cookie = log_in(&server, &asked).await;
    let code = code_for(&server, &asked, &cookie).await;
    for wrong in [
        "",
        "&code_verifier=",
        &format!("&code_verifier={CHALLENGE}"),
        &format!("&code_verifier={VERIFIER}x"),
    ] {
        assert_eq!(exchange(&server, &code, wrong).await, 2012, "{wrong}");
    }
    let proof = format!("&code_verifier={VERIFIER}");
    assert_eq!(exchange(&server, &code, &proof).await, 0);

    // Apps that send no challenge need no proof. One that shows a proof has sent a challenge, and somebody has lost it.
    let plain = format!("{CODE}&force_reapprove=1");
    let code = code_for(&server, &plain, &cookie).await;
    assert_eq!(exchange(&server, &code, &proof).await, 2012);
    assert_eq!(exchange(&server, &code, "").await, 0);

    // Ten minutes are not prolonged by it.
    let code = code_for(&server, &asked, &cookie).await;
    server.later(601);
    assert_eq!(exchange(&server, &code, &proof).await, 2074);
}

#[tokio::test]
async fn a_challenge_that_proves_nothing_is_refused() {
    let server = start().await;
    for bad in [
        format!("code_challenge={CHALLENGE}"),
        format!("code_challenge={CHALLENGE}&code_challenge_method=plain"),
        format!("code_challenge={CHALLENGE}&code_challenge_method=s256"),
        "code_challenge=short&code_challenge_method=S256".to_owned(),
        format!("code_challenge={CHALLENGE}%3D&code_challenge_method=S256"),
        "code_challenge_method=S256".to_owned(),
    ] {
        let answer = page(&server, &format!("{CODE}&{bad}"), "").await;
        assert_eq!(
            answer.header("location"),
            Some("https://app.example/cb?error=invalid_request"),
            "{bad}"
        );
    }
}

/// Lets the app in that sees a folder; answers its token.
async fn let_in(server: &Server, cookie: &str) -> String {
    let query = format!("{TOKEN}&force_reapprove=1");
    let answer = decide(server, &query, cookie, "allow").await;
    let location = answer.header("location").unwrap().to_owned();
    between(&location, "#access_token=", "&")
}

async fn unlink(server: &Server, cookie: &str) {
    let shown = page_at(server, APPS, cookie).await;
    let app = between(shown.text(), "name=\"app\" value=\"", "\"");
    let body = format!("do=unlink&app={app}&seal={}", seal_of(&shown));
    assert_eq!(form_at(server, APPS, cookie, &body).await.status, 303);
}

/// Names of what an app sees.
async fn seen(server: &Server, token: &str) -> Vec<String> {
    let answer = call(
        server,
        &format!("/listfolder?folderid=0&access_token={token}"),
    )
    .await;
    assert_eq!(answer.result(), 0, "{}", answer.text());
    let tree = answer.tree();
    let contents = tree
        .get("metadata")
        .and_then(|folder| folder.get("contents"));
    let Some(Tree::List(entries)) = contents else {
        panic!("{}", answer.text());
    };
    let name = |entry: &Tree| entry.get("name").and_then(Tree::as_str).map(str::to_owned);
    entries.iter().filter_map(name).collect()
}

#[tokio::test]
async fn an_app_that_is_let_in_again_finds_its_folder() {
    let server = start().await;
    add_app(&server, "FolderApp01", FOLDER).await;
    let own = &server.token;
    let cookie = log_in(&server, TOKEN).await;
    let token = let_in(&server, &cookie).await;
    let make = format!("/createfolder?folderid=0&name=mine&access_token={token}");
    assert_eq!(call(&server, &make).await.result(), 0);

    unlink(&server, &cookie).await;
    assert_eq!(call(&server, &make).await.result(), 2094);
    let token = let_in(&server, &cookie).await;
    assert_eq!(seen(&server, &token).await, ["mine"]);

    // Also where somebody has moved it to meanwhile.
    unlink(&server, &cookie).await;
    let listed = call(
        &server,
        &format!("/listfolder?path=/Applications&auth={own}"),
    )
    .await;
    let id = between(listed.text(), "\"contents\"", "}");
    let id = between(&id, "\"folderid\":", ",");
    let id = id.trim();
    let moved = format!("/renamefolder?folderid={id}&tofolderid=0&toname=moved&auth={own}");
    assert_eq!(call(&server, &moved).await.result(), 0);
    let token = let_in(&server, &cookie).await;
    assert_eq!(seen(&server, &token).await, ["mine"]);

    // What was deleted does not come back.
    unlink(&server, &cookie).await;
    let delete = format!("/deletefolderrecursive?folderid={id}&auth={own}");
    assert_eq!(call(&server, &delete).await.result(), 0);
    let token = let_in(&server, &cookie).await;
    assert!(seen(&server, &token).await.is_empty());
}
