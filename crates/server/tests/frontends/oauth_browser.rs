//! A person with a browser before the pages of OAuth.

use crate::http_client::{Client, Response, get, with_body};
use crate::server::Server;
use pileus_server::secrets::fingerprint;
use pileus_store::apps::{ACTIVE, App, FULL};
use pileus_store::{StoreError, Stored};

pub const EMAIL: &str = "ann@example.org";
pub const PASSWORD: &str = "correct horse";
pub const SECRET: &str = "app-secret";
pub const CODE: &str =
    "client_id=TestApp0001&response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";

/// A server with an app, whose only account has a password.
pub async fn start() -> Server {
    let server = Server::start().await;
    set_password(&server).await;
    add_app(&server, "TestApp0001", FULL).await;
    server
}

/// Registers an app. One that sees everything gets no tokens without its secret, one that sees a folder does.
pub async fn add_app(server: &Server, client_id: &'static str, access: i64) {
    let add = move |tx: &mut pileus_store::Tx<'_>| -> Stored<bool> {
        let app = App {
            id: tx.id()?,
            client_id: client_id.into(),
            secret_hash: fingerprint(SECRET).to_vec(),
            name: "<b>Test & app</b>".into(),
            description: String::new(),
            home_page: "https://makers.example/?a=\"<b>&c".into(),
            redirects: "https://app.example/cb\napp://callback\nhttp://localhost/".into(),
            access,
            implicit: access != FULL,
            permissions: 0,
            state: ACTIVE,
            created: 0,
        };
        tx.insert_app(&app)
    };
    assert!(server.app.db.edit(add).await.unwrap());
}

pub async fn set_password(server: &Server) {
    let hash = server.app.hashing.hash(PASSWORD.into()).await.unwrap();
    let set = move |tx: &mut pileus_store::Tx<'_>| -> Stored<()> {
        let account = tx.account_by_email(EMAIL)?.ok_or(StoreError::Missing)?;
        tx.set_account_password(account.id, &hash, None)
    };
    server.app.db.edit(set).await.unwrap();
}

pub async fn page(server: &Server, query: &str, cookie: &str) -> Response {
    page_at(server, &format!("/oauth2/authorize?{query}"), cookie).await
}

pub async fn page_at(server: &Server, path: &str, cookie: &str) -> Response {
    let mut client = Client::connect(server).await;
    let request = get(path);
    let cookie = format!("\r\nCookie: {cookie}\r\n\r\n");
    client.send(request.replace("\r\n\r\n", &cookie)).await;
    client.response().await
}

/// Sends a form as a browser does that shows the page of this server.
pub async fn form(server: &Server, query: &str, cookie: &str, body: &str) -> Response {
    form_from(server, "Origin: http://x\r\n", query, cookie, body).await
}

pub async fn form_at(server: &Server, path: &str, cookie: &str, body: &str) -> Response {
    form_from_at(server, "Origin: http://x\r\n", path, cookie, body).await
}

pub async fn form_from(
    server: &Server,
    origin: &str,
    query: &str,
    cookie: &str,
    body: &str,
) -> Response {
    let path = format!("/oauth2/authorize?{query}");
    form_from_at(server, origin, &path, cookie, body).await
}

pub async fn form_from_at(
    server: &Server,
    origin: &str,
    path: &str,
    cookie: &str,
    body: &str,
) -> Response {
    let headers =
        format!("{origin}Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    let mut client = Client::connect(server).await;
    client.send(with_body("POST", path, &headers, body)).await;
    client.response().await
}

pub fn login_form(email: &str, password: &str) -> String {
    format!("do=login&email={email}&password={password}")
}

/// Logs in to the page; answers the cookie.
pub async fn log_in(server: &Server, query: &str) -> String {
    let answer = form(server, query, "", &login_form(EMAIL, PASSWORD)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(
        answer.header("location"),
        Some(format!("/oauth2/authorize?{query}").as_str())
    );
    cookie_of(&answer).expect("a cookie")
}

pub fn cookie_of(answer: &Response) -> Option<String> {
    let cookie = answer.header("set-cookie")?;
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(cookie.contains("; Path=/oauth2/"), "{cookie}");
    Some(cookie.split(';').next().unwrap().to_owned())
}

pub fn seal_of(answer: &Response) -> String {
    between(answer.text(), "name=\"seal\" value=\"", "\"")
}

pub fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    rest.split_once(after).unwrap().0.to_owned()
}

pub fn is_asking_for_a_login(answer: &Response) -> bool {
    answer.status == 200 && answer.text().contains("name=\"password\"")
}
