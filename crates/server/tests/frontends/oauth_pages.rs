//! The pages of OAuth, as a browser and as an attacker see them.

use crate::http_client::{Client, get, with_body};
use crate::oauth_browser::{
    CODE, EMAIL, PASSWORD, between, cookie_of, form, form_from, is_asking_for_a_login, log_in,
    login_form, page, page_at, seal_of, set_password, start,
};
use pileus_server::rules::second_factor;
use pileus_server::totp::Factor;
use pileus_store::apps::DISABLED;
use pileus_store::{StoreError, Stored};
use pileus_wire::Tree;
use std::sync::Arc;

#[tokio::test]
async fn pages_cannot_be_framed_kept_or_scripted() {
    let server = start().await;
    let login = page(&server, CODE, "").await;
    let cookie = log_in(&server, CODE).await;
    let question = page(&server, CODE, &cookie).await;
    for answer in [&login, &question] {
        assert_eq!(answer.status, 200);
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        // What an administrator calls an app is text.
        assert!(!answer.text().contains("<b>"), "{}", answer.text());
        assert!(answer.text().contains("&#38; app"), "{}", answer.text());
    }
    assert!(question.text().contains("app.example"));
    // The page of its makers is a way out, which tells nothing about the question and shows nothing of theirs here.
    let makers = "<a href=\"https://makers.example/?a=&#34;&#60;b&#62;&#38;c\" target=\"_blank\" rel=\"noopener noreferrer\">";
    assert!(question.text().contains(makers), "{}", question.text());
    assert!(!question.text().contains("<img"));
}

#[tokio::test]
async fn nobody_is_led_to_a_foreign_address() {
    let server = start().await;
    let cookie = log_in(&server, CODE).await;
    for redirect in [
        "https%3A%2F%2Fevil.example%2Fcb",
        "https%3A%2F%2Fapp.example",
        "https%3A%2F%2Fapp.example%2Fcb%2F..%2Fx",
        "https%3A%2F%2Fapp.example%2Fcb%3Fx",
        "https%3A%2F%2Fapp.example%2Fcb%23x",
        "https%3A%2F%2Fapp.example%2Fcb%0Ahttp%3A%2F%2Flocalhost%2F",
        "https%3A%2F%2Fapp.example%2Fcb%0D%0ASet-Cookie%3A%20a%3Db",
        "%2F%2Fevil.example",
        "http%3A%2F%2Flocalhost%3A80%40evil.example%2F",
        "javascript%3Aalert(1)",
    ] {
        for kind in ["code", "token", "nonsense"] {
            let query =
                format!("client_id=TestApp0001&response_type={kind}&redirect_uri={redirect}");
            for cookie in ["", &cookie] {
                let answer = page(&server, &query, cookie).await;
                assert_eq!(answer.status, 400, "{query}");
                assert_eq!(answer.header("location"), None, "{query}");
            }
            let answer = form(&server, &query, &cookie, "do=deny").await;
            assert_eq!((answer.status, answer.header("location")), (400, None));
        }
    }
    // The body of a form does not change what the address says, and of two values the last one is checked and used.
    let body = format!(
        "{}&redirect_uri=https%3A%2F%2Fevil.example",
        login_form(EMAIL, PASSWORD)
    );
    let answer = form(&server, CODE, "", &body).await;
    assert!(!answer.header("location").unwrap().contains("evil"));
    let twice = format!("{CODE}&redirect_uri=https%3A%2F%2Fevil.example");
    assert_eq!(page(&server, &twice, &cookie).await.status, 400);
    for client in ["", "nobody", "testapp0001", "TestApp0001%00"] {
        let query = CODE.replace("TestApp0001", client);
        let answer = page(&server, &query, &cookie).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
}

#[tokio::test]
async fn an_app_is_told_what_is_wrong() {
    let server = start().await;
    let told = |query: &'static str| {
        let server = &server;
        async move {
            let answer = page(server, query, "").await;
            assert_eq!(answer.status, 303, "{query}");
            answer.header("location").unwrap().to_owned()
        }
    };
    let base =
        "client_id=TestApp0001&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=a%20%26%0D%0Ab";
    let base: &'static str = Box::leak(base.to_owned().into_boxed_str());
    assert_eq!(
        told(base).await,
        "https://app.example/cb?error=invalid_request&state=a%20%26%0D%0Ab"
    );
    for (more, error) in [
        ("response_type=magic", "?error=unsupported_response_type"),
        ("response_type=token", "#error=unauthorized_client"),
        (
            "response_type=code&permissions=manageshares",
            "?error=invalid_scope",
        ),
    ] {
        let query = Box::leak(format!("{base}&{more}").into_boxed_str());
        let location = told(query).await;
        assert!(
            location.starts_with(&format!("https://app.example/cb{error}&state=")),
            "{location}"
        );
    }
    // Whoever waits elsewhere, and whoever has no address, cannot be told; the visitor is.
    let answer = page(&server, "client_id=TestApp0001&response_type=magic", "").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_code_goes_to_the_address_and_is_worth_a_token() {
    let server = start().await;
    let query = format!("{CODE}&state=x");
    let cookie = log_in(&server, &query).await;
    let question = page(&server, &query, &cookie).await;
    let body = format!("do=allow&seal={}", seal_of(&question));
    let answer = form(&server, &query, &cookie, &body).await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location").unwrap();
    let code = between(location, "https://app.example/cb?code=", "&");
    let host = server.app.api_hosts().swap_remove(0);
    assert_eq!(
        location.split_once('&').unwrap().1,
        format!("locationid=1&hostname={host}&state=x")
    );

    // Who was let in before gets a code at once, unless the app wants the question asked.
    let again = page(&server, &query, &cookie).await;
    assert_eq!(again.status, 303);
    let asked = page(&server, &format!("{query}&force_reapprove=true"), &cookie).await;
    assert_eq!(asked.status, 200);

    // As the Go library sends it: credentials in the header first.
    let headers = "Authorization: Basic VGVzdEFwcDAwMDE6YXBwLXNlY3JldA==\r\n\
                   Content-Type: application/x-www-form-urlencoded\r\n";
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
    );
    let mut client = Client::connect(&server).await;
    client
        .send(with_body("POST", "/oauth2_token", headers, body))
        .await;
    let answer = client.response().await;
    assert_eq!(answer.result(), 0, "{}", answer.text());
    let tree = answer.tree();
    let token = tree.get("access_token").and_then(Tree::as_str).unwrap();
    let bearer = format!("\r\nAuthorization: Bearer {token}\r\n\r\n");
    client
        .send(get("/userinfo").replace("\r\n\r\n", &bearer))
        .await;
    assert_eq!(client.response().await.result(), 0);

    // A program that no web page stands before reads the fragment.
    let program = "client_id=TestApp0001&response_type=code&redirect_uri=app%3A%2F%2Fcallback";
    let answer = page(&server, program, &cookie).await;
    let location = answer.header("location").unwrap();
    let (query, fragment) = location
        .strip_prefix("app://callback?")
        .unwrap()
        .split_once('#')
        .unwrap();
    assert_eq!(query, fragment);
    assert!(fragment.contains("&userid="), "{fragment}");
}

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let server = start().await;
    let login = login_form(EMAIL, PASSWORD);
    for origin in [
        "",
        "Origin: null\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: http://x.evil.example\r\n",
        "Origin: http://x:81\r\n",
        "Origin: x\r\n",
        "Referer: http://x/oauth2/authorize\r\n",
    ] {
        let answer = form_from(&server, origin, CODE, "", &login).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(cookie_of(&answer), None, "{origin}");
    }
    let cookie = log_in(&server, CODE).await;
    let seal = seal_of(&page(&server, CODE, &cookie).await);
    let allow = format!("do=allow&seal={seal}");
    let answer = form_from(
        &server,
        "Origin: https://evil.example\r\n",
        CODE,
        &cookie,
        &allow,
    )
    .await;
    assert_eq!(answer.status, 403);

    // The seal fits the login and the question it was made for, and nothing else.
    let other_cookie = log_in(&server, CODE).await;
    let wider = format!("{CODE}&state=other");
    for (query, cookie, body) in [
        (CODE, cookie.as_str(), "do=allow"),
        (CODE, &cookie, "do=allow&seal="),
        (CODE, &cookie, "do=allow&seal=00"),
        (CODE, &other_cookie, &allow),
        (&wider, &cookie, &allow),
    ] {
        let answer = form(&server, query, cookie, body).await;
        assert_eq!(answer.status, 403, "{query} {body}");
        assert_eq!(answer.header("location"), None);
    }
    assert!(is_asking_for_a_login(
        &form(&server, CODE, "", &allow).await
    ));
    assert_eq!(form(&server, CODE, &cookie, &allow).await.status, 303);
}

#[tokio::test]
async fn a_login_to_the_page_is_good_for_nothing_else_and_ends() {
    let server = start().await;
    let cookie = log_in(&server, CODE).await;
    let mut client = Client::connect(&server).await;
    let with_cookie = format!("\r\nCookie: {cookie}\r\n\r\n");
    client
        .send(get("/userinfo").replace("\r\n\r\n", &with_cookie))
        .await;
    assert_eq!(client.response().await.result(), 1000);

    let mut forged = cookie.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    for bad in ["pileus_page=1-1-9999999999-00.00", "pileus_page=", &forged] {
        assert!(is_asking_for_a_login(&page(&server, CODE, bad).await));
    }
    // A cookie that another site has put before ours is passed over.
    let both = format!("pileus_page=nonsense; {cookie}");
    assert!(!is_asking_for_a_login(&page(&server, CODE, &both).await));

    server.later(3601);
    assert!(is_asking_for_a_login(&page(&server, CODE, &cookie).await));
    server.later(0);
    assert!(!is_asking_for_a_login(&page(&server, CODE, &cookie).await));
    set_password(&server).await;
    assert!(is_asking_for_a_login(&page(&server, CODE, &cookie).await));
}

#[tokio::test]
async fn a_failed_login_does_not_tell_whether_there_is_an_account() {
    let server = start().await;
    let shown = |email: &'static str| {
        let server = &server;
        async move {
            let answer = form(server, CODE, "", &login_form(email, "wrong")).await;
            assert_eq!(cookie_of(&answer), None);
            (answer.status, answer.text().replace(email, "<email>"))
        }
    };
    let known = shown(EMAIL).await;
    assert!(known.1.contains("are wrong"));
    assert_eq!(known, shown("nobody@example.org").await);
    for _ in 0..8 {
        shown(EMAIL).await;
    }
    let locked = form(&server, CODE, "", &login_form(EMAIL, PASSWORD)).await;
    assert!(
        locked.text().contains("Too many tries"),
        "{}",
        locked.text()
    );
    assert_eq!(cookie_of(&locked), None);
}

#[tokio::test]
async fn an_account_with_a_second_factor_needs_it_here_too() {
    let server = start().await;
    let app: Arc<_> = server.app.clone();
    let codes = server
        .app
        .db
        .edit(move |tx| {
            let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
            let factor = Factor::random().map_err(pileus_server::call::Fail::internal)?;
            second_factor::switch_on(tx, &app, account.id, &factor)
        })
        .await
        .unwrap();
    let asked = form(&server, CODE, "", &login_form(EMAIL, PASSWORD)).await;
    assert_eq!(asked.status, 200);
    assert_eq!(cookie_of(&asked), None);
    let pending = between(asked.text(), "name=\"pending\" value=\"", "\"");
    let send = |code: String, pending: String| {
        let server = &server;
        async move {
            let body = format!("do=code&pending={pending}&code={code}");
            form(server, CODE, "", &body).await
        }
    };
    let wrong = send("000000".into(), pending.clone()).await;
    assert!(
        wrong.text().contains("This code is wrong"),
        "{}",
        wrong.text()
    );
    assert_eq!(cookie_of(&wrong), None);
    let made_up = send(codes[0].clone(), "made-up".into()).await;
    assert!(is_asking_for_a_login(&made_up));
    let answer = send(codes[0].clone(), pending.clone()).await;
    let cookie = cookie_of(&answer).expect("a cookie");
    assert!(page(&server, CODE, &cookie).await.text().contains("allow"));
    // Both the code and the login that waited are used up.
    assert_eq!(cookie_of(&send(codes[0].clone(), pending).await), None);
}

#[tokio::test]
async fn other_ways_to_the_page() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    let answer = client.get(&format!("/authorize?{CODE}")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        answer.header("location"),
        Some(format!("/oauth2/authorize?{CODE}").as_str())
    );
    assert_eq!(client.get("/oauth2/nothing").await.status, 404);
    // One slash behind an address does no harm, as with methods.
    let answer = page_at(&server, &format!("/authorize/?{CODE}"), "").await;
    assert_eq!(
        answer.header("location"),
        Some(format!("/oauth2/authorize?{CODE}").as_str())
    );
    for path in [
        format!("/oauth2/authorize/?{CODE}"),
        "/oauth2/apps/".to_owned(),
    ] {
        assert!(
            is_asking_for_a_login(&page_at(&server, &path, "").await),
            "{path}"
        );
    }
    assert_eq!(page_at(&server, "/authorize//", "").await.status, 404);
    let mut client = Client::connect(&server).await;
    let asked = client.get("/oauth2/apps").await;
    assert!(is_asking_for_a_login(&asked));

    // An app that is switched off asks nobody.
    let disable = |tx: &mut pileus_store::Tx<'_>| -> Stored<()> {
        let mut app = tx
            .app_by_client_id("TestApp0001")?
            .ok_or(StoreError::Missing)?;
        app.state = DISABLED;
        tx.set_app(&app)
    };
    server.app.db.edit(disable).await.unwrap();
    assert_eq!(page(&server, CODE, "").await.status, 400);
}

#[tokio::test]
async fn german_pages_speak_to_friends() {
    let server = start().await;
    let query = format!("{CODE}&lang=de&force_reapprove=1");
    let cookie = log_in(&server, &query).await;
    let apps = "/oauth2/apps?lang=de";
    let wrong = form(&server, &query, "", &login_form(EMAIL, "wrong")).await;
    let shown = form(
        &server,
        "client_id=TestApp0001&response_type=code&lang=de",
        &cookie,
        "do=allow",
    )
    .await;
    for (answer, said) in [
        (page(&server, &query, "").await, "Anmelden"),
        (wrong, "sind falsch"),
        (page(&server, &query, &cookie).await, "dein Konto nutzen"),
        (page_at(&server, apps, &cookie).await, "dein Konto"),
        (shown, "Gehe zurück"),
    ] {
        let text = answer.text();
        assert!(text.contains(said), "{text}");
        for stiff in [" Sie ", "Ihr ", "Ihre", " Ihnen"] {
            assert!(!text.contains(stiff), "{text}");
        }
    }
}
