//! What the pages of accounts say, and the page on which accounts are made.

use crate::http_client::{Client, Response, with_body};
use crate::server::Server;
use pileus_server::config::Registration;
use pileus_server::secrets::fingerprint;
use pileus_store::accounts::Account;
use pileus_store::mail_codes::{NewMailCode, RESET, VERIFY};
use pileus_store::share_requests::ShareRequest;
use pileus_store::{StoreError, Stored, Tx};

const EMAIL: &str = "ann@example.org";
const REGISTER: &str = "/account/register";
const FORM: &str =
    "mail=new%40example.org&password=a+good+one&termsaccepted=yes&language=de&lang=de";

async fn open() -> Server {
    Server::with(|config| config.registration = Registration::Open).await
}

async fn get(server: &Server, path: &str) -> Response {
    Client::connect(server).await.get(path).await
}

async fn post(server: &Server, origin: &str, path: &str, body: &str) -> Response {
    let headers = format!("{origin}Content-Type: application/x-www-form-urlencoded\r\n");
    let mut client = Client::connect(server).await;
    client.send(with_body("POST", path, &headers, body)).await;
    client.response().await
}

/// As a browser does that shows a page of this server.
async fn send(server: &Server, path: &str, body: &str) -> Response {
    post(server, "Origin: http://x\r\n", path, body).await
}

async fn account(server: &Server, email: &'static str) -> Option<Account> {
    let found = server.app.db.view(move |tx| tx.account_by_email(email));
    found.await.unwrap()
}

async fn put_code(server: &Server, secret: &'static str, purpose: i64, expires: i64) {
    let put = move |tx: &mut Tx<'_>| -> Stored<()> {
        let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        tx.insert_mail_code(&NewMailCode {
            secret_hash: &fingerprint(secret),
            account: account.id,
            purpose,
            detail: EMAIL,
            created: 0,
            expires,
        })
    };
    server.app.db.edit(put).await.unwrap();
}

/// Offers a folder to an address; the code of its mail is `offer`.
async fn offer(server: &Server, email: &'static str) {
    let made = get(
        server,
        &format!("/createfolder?folderid=0&name=plans&auth={}", server.token),
    )
    .await;
    let folder = made.tree().get("metadata.folderid").cloned();
    let Some(pileus_wire::Tree::Num(folder)) = folder else {
        panic!("{}", made.text());
    };
    let put = move |tx: &mut Tx<'_>| -> Stored<()> {
        let owner = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        let request = ShareRequest {
            id: tx.id()?,
            folder: i64::try_from(folder).unwrap(),
            owner: owner.id,
            email: email.into(),
            permissions: 5,
            name: "plans".into(),
            message: None,
            created: 0,
            expires: i64::MAX,
        };
        tx.insert_share_request(&request, &fingerprint("offer"))
    };
    server.app.db.edit(put).await.unwrap();
}

#[tokio::test]
async fn visitors_make_accounts_where_they_may() {
    let server = open().await;
    let page = get(
        &server,
        &format!("{REGISTER}?invite=a%22%3E%3Cb%3E&mail=%3Cb%3E"),
    )
    .await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<b>"), "{}", page.text());
    assert!(page.text().contains("name=\"invite\""));
    assert_eq!(
        page.header("content-security-policy"),
        Some(
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    );
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));

    let made = send(&server, REGISTER, FORM).await;
    assert_eq!(made.status, 303);
    let next = made.header("location").unwrap().to_owned();
    assert_eq!(next, "/account/register?lang=de&made=1");
    let said = get(&server, &next).await;
    assert!(said.text().contains("Dein Konto ist angelegt"));
    assert!(!said.text().contains("/account/share"));
    let new = account(&server, "new@example.org").await.unwrap();
    assert_eq!((new.email_verified, new.language.as_str()), (false, "de"));

    // The rules are those of the method.
    for (body, problem) in [
        (FORM.to_owned(), "schon ein Konto"),
        (FORM.replace("new", "a b"), "keine g\u{fc}ltige Mailadresse"),
        (FORM.replace("a+good+one", "short"), "mindestens 6 Zeichen"),
        (FORM.replace("=yes", "=no"), "stimme den Bedingungen"),
    ] {
        let told = send(&server, REGISTER, &body).await;
        assert_eq!(told.status, 400, "{body}");
        assert!(told.text().contains(problem), "{}", told.text());
    }
    // What was typed is still there, but for the password.
    let told = send(&server, REGISTER, &FORM.replace("a+good+one", "short")).await;
    assert!(told.text().contains("value=\"new@example.org\""));
    assert!(!told.text().contains("short\""));
}

#[tokio::test]
async fn forms_of_other_sites_make_no_accounts() {
    let server = open().await;
    for origin in [
        "",
        "Origin: null\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: http://x:81\r\n",
        "Referer: http://x/account/register\r\n",
    ] {
        let answer = post(&server, origin, REGISTER, FORM).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    assert!(account(&server, "new@example.org").await.is_none());
}

#[tokio::test]
async fn nobody_makes_an_account_where_administrators_do() {
    let server = Server::start().await;
    let page = get(&server, &format!("{REGISTER}?invite=x")).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("administrator"));
    assert_eq!(send(&server, REGISTER, FORM).await.status, 403);
    assert!(account(&server, "new@example.org").await.is_none());
    // The offer says so as well.
    offer(&server, "new@example.org").await;
    let share = get(&server, "/account/share?code=offer").await;
    assert!(share.text().contains("administrator"), "{}", share.text());
    assert!(!share.text().contains(REGISTER));
}

#[tokio::test]
async fn an_offer_to_a_stranger_leads_to_an_account_and_on() {
    let server = open().await;
    offer(&server, "new@example.org").await;
    let share = get(&server, "/account/share?code=offer").await;
    assert_eq!(share.status, 200);
    let text = share.text();
    assert!(text.contains("You may see its contents, add to them and delete them."));
    assert!(
        text.contains("no account with this mail address yet"),
        "{text}"
    );
    assert!(!text.contains("type=\"password\""), "{text}");
    let register = "/account/register?lang=en&#38;mail=new%40example%2Eorg&#38;offer=offer";
    assert!(text.contains(register), "{text}");
    let page = get(&server, &register.replace("&#38;", "&")).await;
    assert!(page.text().contains("value=\"new@example.org\""));
    assert!(page.text().contains("name=\"offer\" value=\"offer\""));
    let made = send(&server, REGISTER, &format!("{FORM}&offer=offer")).await;
    let said = get(&server, made.header("location").unwrap()).await;
    assert!(
        said.text()
            .contains("/account/share?lang=de&#38;code=offer")
    );
    let body = "code=offer&password=a+good+one";
    assert_eq!(send(&server, "/account/share", body).await.status, 200);
}

#[tokio::test]
async fn an_offer_can_be_declined_without_an_account() {
    let server = Server::start().await;
    offer(&server, "new@example.org").await;
    let share = get(&server, "/account/share?code=offer").await;
    assert!(
        share
            .text()
            .contains("/account/declineshare?lang=en&#38;code=offer")
    );
    let page = get(&server, "/account/declineshare?code=offer").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("plans"));
    // Looking declines nothing.
    assert_eq!(get(&server, "/account/share?code=offer").await.status, 200);
    for (body, status) in [
        ("code=other", 400),
        ("code=offer", 200),
        ("code=offer", 400),
    ] {
        let answer = send(&server, "/account/declineshare", body).await;
        assert_eq!(answer.status, status, "{body}");
    }
    assert_eq!(get(&server, "/account/share?code=offer").await.status, 400);
}

#[tokio::test]
async fn a_link_that_does_not_work_says_so_at_once() {
    let server = Server::start().await;
    let now = server.app.clock.now().0;
    put_code(&server, "late", RESET, now - 1).await;
    put_code(&server, "good", RESET, now + 600).await;
    put_code(&server, "verify", VERIFY, now + 600).await;
    for (path, problem) in [
        ("reset?code=late", "has expired"),
        ("reset?code=verify", "does not work"),
        ("verify?code=good", "does not work"),
        ("newmail?code=x", "does not work"),
        ("confirmmail?code=x", "does not work"),
        ("deactivate?code=x", "does not work"),
        ("newsletter?code=x", "does not work"),
        ("unsubscribe?code=x", "does not work"),
    ] {
        let answer = get(&server, &format!("/account/{path}")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains(problem), "{}", answer.text());
        assert!(!answer.text().contains("<form"), "{}", answer.text());
    }
    // Looking at a good one uses nothing up.
    for _ in 0..2 {
        let answer = get(&server, "/account/reset?code=good").await;
        assert!(answer.text().contains("type=\"password\""));
    }
    // Whoever looks for codes is stopped as if he had sent them: that were seven wrong ones, and three more make ten.
    for _ in 0..3 {
        get(&server, "/account/reset?code=x").await;
    }
    let limited = get(&server, "/account/reset?code=good").await;
    assert_eq!(limited.status, 429);
}

#[tokio::test]
async fn a_new_password_shuts_apps_out_if_that_is_wanted() {
    let server = Server::start().await;
    let now = server.app.clock.now().0;
    put_code(&server, "first", RESET, now + 600).await;
    let page = get(&server, "/account/reset?code=first").await;
    assert!(page.text().contains("name=\"endapps\" type=\"checkbox\""));
    let secret = "an app's token";
    let let_in = move |tx: &mut Tx<'_>| -> Stored<()> {
        let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        tx.put_grant(account.id, 7, 0, 0)?;
        let token = pileus_store::tokens::NewToken {
            id: tx.id()?,
            account: account.id,
            secret_hash: fingerprint(secret).to_vec(),
            app: Some(7),
            expires: i64::MAX / 2,
            idle_seconds: i64::MAX / 2,
            ..pileus_store::tokens::NewToken::default()
        };
        tx.insert_token(&token)
    };
    server.app.db.edit(let_in).await.unwrap();
    let left = || async {
        let look = move |tx: &mut Tx<'_>| -> Stored<(bool, usize)> {
            let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
            let token = tx.token_by_secret(&fingerprint(secret))?;
            Ok((token.is_some(), tx.grants(account.id)?.len()))
        };
        server.app.db.view(look).await.unwrap()
    };
    let body = "code=first&newpassword=a+good+one";
    assert_eq!(send(&server, "/account/reset", body).await.status, 200);
    assert_eq!(left().await, (true, 1));
    put_code(&server, "second", RESET, now + 600).await;
    let body = "code=second&newpassword=another+good+one&endapps=1";
    assert_eq!(send(&server, "/account/reset", body).await.status, 200);
    assert_eq!(left().await, (false, 0));
}
