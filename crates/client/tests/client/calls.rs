//! Calls, logins and credentials.

use crate::responder::{Reply, Responder, echo, echoed, fields, refusal};
use pileus_api::Code;
use pileus_api::general::{GetIp, SetLanguage};
use pileus_client::{Client, Credentials, Error, Options, check, password_digest};
use pileus_wire::{Params, Tree};

async fn client(url: &str) -> Client {
    Client::connect(url, Options::default()).await.unwrap()
}

fn ip(country: Tree) -> Reply {
    Reply::Fields(fields([
        ("result", Tree::Num(0)),
        ("ip", Tree::Text("10.0.0.9".into())),
        ("country", country),
    ]))
}

#[tokio::test]
async fn a_typed_call_sends_its_parameters_and_reads_its_reply() {
    let server = Responder::start(|call| match call.name.as_str() {
        "getip" => ip(Tree::Bool(false)),
        "setlanguage" if call.text("language") == "d+e &=ü" => echo(""),
        _ => refusal(1000, "unexpected"),
    })
    .await;
    for url in server.urls() {
        let client = client(&url).await;
        assert_eq!(client.call(&GetIp {}).await.unwrap().ip, "10.0.0.9");
        let language = "d+e &=ü".into();
        client.call(&SetLanguage { language }).await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_has_code_and_text() {
    let server = Responder::start(|_| refusal(2009, "No such file.")).await;
    for url in server.urls() {
        let error = client(&url).await.call(&GetIp {}).await.err().unwrap();
        assert!(error.is(Code::FILE_MISSING));
        assert_eq!(error.code(), Some(2009));
        assert_eq!(error.to_string(), "No such file. (2009)");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_reply_of_the_wrong_form_is_a_protocol_error() {
    let server = Responder::start(|_| ip(Tree::Num(7))).await;
    for url in server.urls() {
        let error = client(&url).await.call(&GetIp {}).await.err().unwrap();
        assert!(matches!(error, Error::Protocol(_)), "{error}");
    }
}

#[tokio::test]
async fn any_name_and_any_parameters_can_be_sent() {
    let server = Responder::start(|call| {
        let shown: Vec<String> = call
            .params
            .iter()
            .map(|(name, _)| {
                let name = String::from_utf8_lossy(name).into_owned();
                let value = call.text(&name);
                format!("{name}={value}")
            })
            .collect();
        echo(format!("{}: {}", call.name, shown.join(" ")))
    })
    .await;
    let mut params = Params::new();
    params.set("a b", "1&2").unwrap();
    params.set("n", u64::MAX).unwrap();
    params.set("f", true).unwrap();
    for url in server.urls() {
        let answer = client(&url)
            .await
            .call_raw("publink/some-thing", &params)
            .await
            .unwrap();
        let expected = format!("publink/some-thing: a b=1&2 n={} f=1", u64::MAX);
        assert_eq!(echoed(&answer), expected);
    }
}

#[tokio::test]
async fn an_answer_by_name_is_given_whatever_its_result() {
    let server = Responder::start(|_| refusal(2011, "Too slow.")).await;
    for url in server.urls() {
        let answer = client(&url)
            .await
            .call_raw("getfilelink", &Params::new())
            .await
            .unwrap();
        assert_eq!(answer.get("result").and_then(Tree::as_u64), Some(2011));
        assert!(check(&answer).unwrap_err().is(Code::SPEED_TOO_LOW));
    }
}

/// A server with one account; `digest` says whether it can do digest logins.
async fn server_with_account(digest: bool) -> Responder {
    Responder::start(move |call| {
        let user = call.text("username");
        match call.name.as_str() {
            "getdigest" => Reply::Fields(fields([
                ("result", Tree::Num(0)),
                ("digest", Tree::Text("d1".into())),
                ("expires", Tree::Num(1_800_000_000)),
            ])),
            "login" if !call.text("digest").is_empty() && !digest => refusal(2237, "No digests."),
            "login" => {
                let by_digest = call.text("passworddigest") == password_digest(&user, "pw", "d1");
                if user != "ann@example.com" || !(by_digest || call.text("password") == "pw") {
                    return refusal(2000, "Log in failed.");
                }
                let way = if by_digest { "digest" } else { "password" };
                let text = |text: &str| Tree::Text(text.into());
                let fixed = ["premium", "premiumlifetime", "haspassword", "emailverified"]
                    .map(|key| (key.to_owned(), Tree::Bool(true)));
                let flags = ["business", "cryptosetup", "cryptosubscription"]
                    .map(|key| (key.to_owned(), Tree::Bool(false)));
                let numbers = [
                    "userid",
                    "quota",
                    "usedquota",
                    "plan",
                    "trashrevretentiondays",
                ]
                .map(|key| (key.to_owned(), Tree::Num(5)));
                let Tree::Hash(mut all) = fields([
                    ("result", Tree::Num(0)),
                    ("auth", text(&format!("token-by-{way}"))),
                    ("email", text(&user)),
                    ("language", text("en")),
                    ("registered", Tree::Num(1_700_000_000)),
                ]) else {
                    unreachable!("a hash was made")
                };
                all.extend(fixed.into_iter().chain(flags).chain(numbers));
                Reply::Fields(Tree::Hash(all))
            }
            _ => echo(call.text("auth")),
        }
    })
    .await
}

#[tokio::test]
async fn a_login_keeps_the_token_and_hides_the_password() {
    for (digest, expected) in [(true, "token-by-digest"), (false, "token-by-password")] {
        let server = server_with_account(digest).await;
        for url in server.urls() {
            let client = client(&url).await;
            let account = client.login("ann@example.com", "pw").await.unwrap();
            assert_eq!(account.email, "ann@example.com");
            assert_eq!(client.credentials(), Credentials::Token(expected.into()));
            let answer = client.call_raw("nop", &Params::new()).await.unwrap();
            assert_eq!(echoed(&answer), expected);
        }
    }
}

#[tokio::test]
async fn a_failed_login_changes_nothing() {
    let server = server_with_account(true).await;
    for url in server.urls() {
        let client = client(&url).await.with_token("old");
        let error = client
            .login("ann@example.com", "wrong")
            .await
            .err()
            .unwrap();
        assert!(error.is(Code::LOGIN_FAILED), "{error}");
        assert_eq!(client.credentials(), Credentials::Token("old".into()));
    }
}

#[tokio::test]
async fn tokens_go_with_every_call() {
    let server = Responder::start(|call| {
        let header = call.headers.get("authorization").cloned();
        let all = [
            call.text("auth"),
            call.text("access_token"),
            header.unwrap_or_default(),
        ];
        echo(all.join("|"))
    })
    .await;
    let [http, binary] = server.urls();
    let call = async |client: Client| {
        let answer = client.call_raw("nop", &Params::new()).await.unwrap();
        echoed(&answer).to_owned()
    };
    assert_eq!(call(client(&http).await).await, "||");
    assert_eq!(call(client(&http).await.with_token("t")).await, "t||");
    assert_eq!(call(client(&binary).await.with_token("t")).await, "t||");
    assert_eq!(
        call(client(&http).await.with_bearer("b")).await,
        "||Bearer b"
    );
    assert_eq!(call(client(&binary).await.with_bearer("b")).await, "|b|");
    // What cannot stand in a header still cannot break out of one.
    assert_eq!(
        call(client(&http).await.with_bearer("b\r\nX: y")).await,
        "|b\r\nX: y|"
    );

    let mut own = Params::new();
    own.set("auth", "own").unwrap();
    let client = client(&http).await.with_token("t");
    let answer = client.call_raw("nop", &own).await.unwrap();
    assert_eq!(echoed(&answer), "own||");
}

#[tokio::test]
async fn an_http_error_is_told_by_its_status() {
    let server = Responder::start(|_| {
        Reply::Http("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait".into())
    })
    .await;
    let error = client(&server.url("http"))
        .await
        .call(&GetIp {})
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Http { status: 503 }), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn bad_set_up_is_told_at_once() {
    let setup = async |url: &str, options: Options| {
        let error = Client::connect(url, options).await.err().unwrap();
        assert!(matches!(error, Error::Setup(_)), "{error}");
    };
    setup("ftp://localhost", Options::default()).await;
    let ca_file = Some("/nonexistent/ca.pem".into());
    setup(
        "https://localhost",
        Options {
            ca_file,
            ..Options::default()
        },
    )
    .await;
    let user_agent = "a\r\nb".into();
    setup(
        "http://localhost",
        Options {
            user_agent,
            ..Options::default()
        },
    )
    .await;
}
