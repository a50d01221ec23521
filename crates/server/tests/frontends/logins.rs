//! Logins and other tries: many at once, and what is kept of them.

use crate::http_client::{Client, Response};
use crate::server::Server;
use pileus_server::password::{digest_answer, hash};
use pileus_server::rules::accounts::{NewUser, add_user, sealed};
use pileus_server::rules::second_factor;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct horse battery";
/// Wrong tries that are allowed.
const WRONG_MAX: usize = 10;
/// Tries at once.
const TRIES: usize = 40;

/// Makes an account that can log in.
async fn user(server: &Server, email: &str, is_sealed: bool) -> i64 {
    let new = NewUser {
        email: email.into(),
        email_verified: true,
        password_hash: hash(PASSWORD).unwrap(),
        password_sealed: sealed(&server.app, PASSWORD).unwrap().filter(|_| is_sealed),
        language: "en".into(),
        quota: 1,
    };
    let now = server.app.clock.now();
    let added = server.app.db.edit(move |tx| add_user(tx, &new, now));
    added.await.unwrap()
}

async fn get(server: &Server, path: &str) -> Response {
    Client::connect(server).await.get(path).await
}

/// Makes many calls at the same time, each on a connection of its own; answers how often each result came.
async fn at_once(server: &Server, path: impl Fn(usize) -> String) -> Vec<(u64, usize)> {
    let mut calls = JoinSet::new();
    for number in 0..TRIES {
        let (mut client, path) = (Client::connect(server).await, path(number));
        calls.spawn(async move { client.get(&path).await.result() });
    }
    let mut results = calls.join_all().await;
    results.sort_unstable();
    let alike = results.chunk_by(|a, b| a == b);
    alike.map(|group| (group[0], group.len())).collect()
}

fn limited(code: u64) -> Vec<(u64, usize)> {
    vec![(code, WRONG_MAX), (4000, TRIES - WRONG_MAX)]
}

#[tokio::test]
async fn wrong_logins_at_once_are_no_more_than_one_after_the_other() {
    let server = Server::start().await;
    let path = |number| format!("/userinfo?username=ann@example.org&password=wrong{number}");
    assert_eq!(at_once(&server, path).await, limited(2000));
}

#[tokio::test]
async fn right_logins_at_once_all_succeed() {
    let server = Server::start().await;
    user(&server, "bob@example.org", true).await;
    let path = |_| {
        format!(
            "/userinfo?username=bob@example.org&password={}",
            PASSWORD.replace(' ', "+")
        )
    };
    assert_eq!(at_once(&server, path).await, [(0, TRIES)]);
}

#[tokio::test]
async fn wrong_codes_at_once_are_no_more_than_one_after_the_other() {
    let server = Server::start().await;
    let path = |number| format!("/resetpassword?code={number}&newpassword=a+good+one");
    assert_eq!(at_once(&server, path).await, limited(2012));

    let server = Server::start().await;
    let path = |number| format!("/oauth2_token?client_id=x&client_secret={number}&code=x");
    assert_eq!(at_once(&server, path).await, limited(2000));

    let server = Server::start().await;
    let path =
        |number| format!("/userinfo?username=x@example.org&digest=x&passworddigest={number}");
    // An account of this server has no password that digests could be checked with.
    assert_eq!(at_once(&server, path).await, limited(2237));
}

#[tokio::test]
async fn wrong_second_factors_at_once_are_no_more_than_one_after_the_other() {
    let server = Server::start().await;
    let bob = user(&server, "bob@example.org", true).await;
    let now = server.app.clock.now();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let wait = server
            .app
            .db
            .edit(move |tx| second_factor::wait(tx, bob, 1, now));
        waiting.push(wait.await.unwrap());
    }
    let path = |number| {
        let token = &waiting[number % waiting.len()];
        format!("/tfa_login?token={token}&code=a")
    };
    assert_eq!(at_once(&server, path).await, limited(2012));
}

async fn by_digest(server: &Server, email: &str, password: &str) -> u64 {
    let response = get(server, "/getdigest").await;
    let text = String::from_utf8(response.body).unwrap();
    let digest = text
        .split('"')
        .skip_while(|part| *part != "digest")
        .nth(2)
        .unwrap();
    let answer = digest_answer(email, password.as_bytes(), digest);
    let path = format!("/userinfo?username={email}&digest={digest}&passworddigest={answer}");
    get(server, &path).await.result()
}

#[tokio::test]
async fn digests_do_not_tell_whose_password_cannot_be_read() {
    let server = Server::start().await;
    user(&server, "sealed@example.org", true).await;
    user(&server, "other@example.org", false).await;
    // The only account of a new server has none either.
    let names = [
        "sealed@example.org",
        "other@example.org",
        "unknown@example.org",
    ];
    for name in names {
        assert_eq!(by_digest(&server, name, "wrong").await, 2237, "{name}");
    }
    assert_eq!(by_digest(&server, "sealed@example.org", PASSWORD).await, 0);
    assert_eq!(
        by_digest(&server, "other@example.org", PASSWORD).await,
        2237
    );
    // A login by password makes digests possible.
    let password = PASSWORD.replace(' ', "+");
    let path = format!("/userinfo?username=other@example.org&password={password}");
    assert_eq!(get(&server, &path).await.result(), 0);
    assert_eq!(by_digest(&server, "other@example.org", PASSWORD).await, 0);
    // They count: four so far.
    for _ in 4..WRONG_MAX {
        assert_eq!(
            by_digest(&server, "unknown@example.org", "wrong").await,
            2237
        );
    }
    assert_eq!(
        by_digest(&server, "unknown@example.org", "wrong").await,
        4000
    );
}

#[tokio::test]
async fn an_answer_has_one_token() {
    let server = Server::with(|config| {
        config.registration = pileus_server::config::Registration::Open;
    })
    .await;
    let token = &server.token;
    let paths = [
        format!(
            "/register?auth={token}&mail=new@example.org&password=a+good+one&termsaccepted=yes&getauth=1"
        ),
        "/register?mail=two@example.org&password=a+good+one&termsaccepted=yes&getauth=1".into(),
        "/changepassword?username=two@example.org&password=a+good+one&oldpassword=a+good+one\
         &newpassword=a+better+one&regetauth=1&getauth=1"
            .into(),
    ];
    for path in paths {
        let response = get(&server, &path).await;
        let text = String::from_utf8(response.body.clone()).unwrap();
        assert_eq!(response.result(), 0, "{text}");
        assert_eq!(text.matches("\"auth\"").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn the_database_does_not_hold_what_stands_in_for_a_code() {
    const DEVICE: &str = "f00dfeedf00dfeedf00dfeedf00dfeed";
    let server = Server::start().await;
    let bob = user(&server, "bob@example.org", true).await;
    let now = server.app.clock.now();
    let app = server.app.clone();
    let codes = server
        .app
        .db
        .edit(move |tx| {
            let factor = second_factor::prepare(tx, &app, bob, now)?;
            second_factor::switch_on(tx, &app, bob, &factor)
        })
        .await
        .unwrap();
    let password = PASSWORD.replace(' ', "+");
    let login = format!(
        "/login?username=bob@example.org&password={password}&deviceid={DEVICE}&device=desk-of-bob"
    );
    let response = get(&server, &login).await;
    assert_eq!(response.result(), 2297);
    let text = String::from_utf8(response.body).unwrap();
    let token = text
        .split('"')
        .skip_while(|part| *part != "token")
        .nth(2)
        .unwrap();
    let second = format!(
        "/tfa_loginwithrecoverycode?token={token}&code={}&trustdevice=1&deviceid={DEVICE}&device=desk-of-bob",
        codes[0]
    );
    assert_eq!(get(&server, &second).await.result(), 0);
    assert_eq!(get(&server, &login).await.result(), 0);
    let holds = |wanted: &str| {
        let files = std::fs::read_dir(&server.app.config.data).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .any(|path| {
                let bytes = std::fs::read(path).unwrap();
                bytes
                    .windows(wanted.len())
                    .any(|part| part == wanted.as_bytes())
            })
    };
    assert!(holds("desk-of-bob"));
    assert!(!holds(DEVICE));
}
