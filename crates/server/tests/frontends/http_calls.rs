//! Requests and responses: forms, pipelining, headers, refusals.

use crate::http_client::{Client, Response, get, with_body};
use crate::server::Server;
use pileus_wire::Tree;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn a_call_is_answered_in_json() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let response = client.get("/nop?id=x").await;
    assert_eq!(response.text(), r#"{"result":0,"id":"x"}"#);
    assert_eq!(
        response.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(response.header("cache-control"), Some("private, max-age=0"));
    assert_eq!(response.header("vary"), Some("Accept-Encoding"));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        response.header("access-control-expose-headers"),
        Some("X-Error, Content-Length")
    );
    assert_eq!(response.header("x-error"), None);
    assert!(response.header("date").is_some());

    let response = client.get("/listfolder/?folderid=1").await;
    assert_eq!(
        (response.result(), response.header("x-error")),
        (1000, Some("1000"))
    );
    assert_eq!(
        client.get("/nop/").await.result(),
        0,
        "the connection goes on"
    );
}

#[tokio::test]
async fn all_forms_of_a_request_carry_parameters() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = part("id", "a b") + &part("x", "") + "--b--\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=\"b\"\r\n";
    for request in [
        get("/nop?id=a+b").into_bytes(),
        get("http://x/nop?id=a%20b").into_bytes(),
        with_body("POST", "/nop", form, "id=a+b"),
        with_body("POST", "/nop?id=lost", form, "id=a%20b"),
        with_body("POST", "/nop?id=lost", multipart, parts),
        with_body("POST", "/nop?id=a+b", "", ""),
        with_body(
            "POST",
            "/nop?id=a+b",
            "Content-Type: application/octet-stream\r\n",
            "id=lost",
        ),
        with_body("PUT", "/nop?id=a+b", "", ""),
        with_body("PUT", "/nop?id=a+b", form, "id=lost"),
        with_body("GET", "/nop?id=a+b", form, ""),
        b"GET /nop?id=lost HTTP/1.1\r\nHost: x\r\nCookie: id=a%20b; Path=/\r\n\r\n".to_vec(),
        with_body(
            "POST",
            "/nop",
            &format!("Cookie: id=\"a%20b\"\r\nCookie: y=z\r\n{form}"),
            "id=lost",
        ),
        b"\r\nGET /nop?id=a+b HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"POST /nop?id=a+b HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    ] {
        client.send(&request).await;
        let response = client.response().await;
        assert_eq!(
            response.id(),
            "a b",
            "{}",
            String::from_utf8_lossy(&request)
        );
    }
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let client = Client::connect(&server).await;
    let (reader, mut writer) = client.io.into_split();
    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let requests: String = (0..10_000)
            .map(|number| get(&format!("/nop?id={number}")))
            .collect();
        writer.write_all(requests.as_bytes()).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut client = Client::over(tokio::io::join(reader, tokio::io::sink()));
    for number in 0..10_000 {
        assert_eq!(client.response().await.id(), number.to_string());
    }
    sending.await.unwrap();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn answers_to_requests_that_came_together_are_complete() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    // The second request is not there yet when the first one is answered.
    let (first, second) = (get("/nop?id=1"), get("/nop?id=2"));
    client.send(format!("{first}{}", &second[..10])).await;
    assert_eq!(client.response().await.id(), "1");
    client.send(&second[10..]).await;
    assert_eq!(client.response().await.id(), "2");
    // The last one ends the connection.
    client
        .send(format!(
            "{first}{first}GET /nop?id=2 HTTP/1.0\r\n\r\n{first}"
        ))
        .await;
    for id in ["1", "1", "2"] {
        assert_eq!(client.response().await.id(), id);
    }
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn head_and_options_are_answered() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send("HEAD /nop HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let response = client.head().await;
    assert_eq!(
        (response.status, response.header("content-length")),
        (200, Some("12"))
    );
    client
        .send("OPTIONS /uploadfile?auth=x HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n")
        .await;
    let response = client.response().await;
    assert_eq!(response.status, 204);
    assert_eq!(
        response.header("access-control-allow-methods"),
        Some("GET, POST, PUT, HEAD, OPTIONS")
    );
    assert!(
        response
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    assert_eq!(response.header("access-control-max-age"), Some("86400"));
    assert_eq!(client.get("/nop").await.result(), 0);
}

#[tokio::test]
async fn what_is_no_call_is_refused_and_not_repeated() {
    let server = Server::start().await;
    let requests = [
        (get("/nosuchmethod?auth=secret"), 404),
        (get("/Nop?auth=secret"), 404),
        (get("/nop//?auth=secret"), 404),
        (get("/../nop?auth=secret"), 404),
        ("DELETE /nop?auth=secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), 405),
        ("PUT /uploadfile?auth=secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), 411),
        ("POST /nop?auth=secret HTTP/1.1\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx".into(), 400),
        ("GET /nop?auth=secret\r\nnonsense\r\n\r\n".into(), 400),
        ("GET /nop?auth=secret HTTP/1.1\r\nHost : x\r\n\r\n".into(), 400),
        ("GET /nop?auth=secret HTTP/1.1\r\nA: b\r\n c: folded\r\n\r\n".into(), 400),
        ("POST /nop?auth=secret HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".into(), 400),
        ("POST /nop?auth=secret HTTP/1.1\r\nContent-Length: +1\r\n\r\nx".into(), 400),
        ("POST /nop?auth=secret HTTP/1.1\r\nTransfer-Encoding: gzip, secret\r\n\r\nx".into(), 400),
        ("TRACE /nop?auth=secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), 405),
    ];
    for (request, status) in requests {
        let mut client = Client::connect(&server).await;
        client.send(&request).await;
        let response = client.response().await;
        assert_eq!(response.status, status, "{request}");
        assert_eq!(response.header("connection"), Some("close"), "{request}");
        let everything = response.head.clone() + response.text();
        assert!(!everything.contains("secret"), "{everything}");
        assert!(client.is_closed().await, "{request}");
    }
}

/// Two readings of where a request ends are how one client's request becomes another's, behind a proxy.
#[tokio::test]
async fn a_length_beside_chunks_does_not_hide_a_request() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let hidden = get("/nop?id=hidden");
    let body = format!("0\r\n\r\n{hidden}");
    let length = body.len();
    client
        .send(format!(
            "POST /nop?id=outer HTTP/1.1\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ))
        .await;
    // Chunks win, as RFC 9112 says; then the connection must not go on, or the request must be refused at once.
    let first = client.response().await;
    assert!(first.status == 400 || first.id() == "outer");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn cookies_of_foreign_pages_do_not_log_in() {
    let server =
        Server::with(|config| config.allowed_origins = vec!["https://cloud.example".into()]).await;
    let token = &server.token;
    for (header, result) in [
        ("", 0),
        ("Origin: https://cloud.example\r\n", 0),
        ("Referer: https://cloud.example/page\r\n", 0),
        ("Origin: https://evil.example\r\n", 1000),
        ("Referer: https://evil.example/page\r\n", 1000),
        ("Origin: null\r\n", 1000),
    ] {
        let mut client = Client::connect(&server).await;
        let cookie = format!("Cookie: auth={token}; timeformat=timestamp\r\n");
        client
            .send(format!(
                "GET /listfolder?folderid=0 HTTP/1.1\r\nHost: x\r\n{cookie}{header}\r\n"
            ))
            .await;
        let response = client.response().await;
        assert_eq!(response.result(), result, "{header}");
        if result == 0 {
            let modified = response.tree().get("metadata.modified").cloned();
            assert!(
                matches!(modified, Some(Tree::Num(_))),
                "other cookies are parameters: {modified:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_login_stays_with_the_connection() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let list = "/listfolder?folderid=0";
    assert_eq!(client.get(list).await.result(), 1000);
    assert_eq!(
        client
            .get(&format!("{list}&auth={}", server.token))
            .await
            .result(),
        0
    );
    assert_eq!(client.get(list).await.result(), 0);
    // A request that comes through a proxy has no part in it.
    let server =
        Server::with(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let mut client = Client::connect(&server).await;
    let proxied = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
    };
    client
        .send(proxied(&format!("{list}&auth={}", server.token)))
        .await;
    assert_eq!(client.response().await.result(), 0);
    client.send(proxied(list)).await;
    assert_eq!(client.response().await.result(), 1000);
    client.send(proxied("/getip")).await;
    assert_eq!(
        client
            .response()
            .await
            .tree()
            .get("ip")
            .and_then(Tree::as_str),
        Some("192.0.2.1")
    );
}

/// The pause itself is what is tested, so this sleeps: longer than a connection keeps what it needs for a request.
#[tokio::test]
async fn a_connection_survives_a_pause() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(
        client
            .get(&format!("/userinfo?auth={}", server.token))
            .await
            .result(),
        0
    );
    let pause = Duration::from_millis(1300);
    sleep(pause).await;
    assert_eq!(
        client.get("/listfolder?folderid=0").await.result(),
        0,
        "the login is still there"
    );
    let request = get("/nop?id=1");
    client.send(&request[..5]).await;
    sleep(pause).await;
    client.send(&request[5..]).await;
    assert_eq!(client.response().await.id(), "1");
    sleep(pause).await;
    client.end().await;
    assert!(client.is_closed().await);
    server.connected(0).await;
}

#[tokio::test]
async fn a_long_answer_comes_in_chunks() {
    let server = Server::start().await;
    let token = &server.token;
    let mut client = Client::connect(&server).await;
    let names = 0..1500;
    let creations: String = names
        .clone()
        .map(|number| {
            get(&format!(
                "/createfolder?folderid=0&name={number:0100}&auth={token}"
            ))
        })
        .collect();
    let sending = async { client.send(creations).await };
    sending.await;
    for _ in names {
        assert_eq!(client.response().await.result(), 0);
    }
    let listing = client.get("/listfolder?folderid=0").await;
    assert_eq!(
        listing
            .tree()
            .get("metadata.contents")
            .unwrap()
            .as_list()
            .unwrap()
            .len(),
        1500
    );
    is_chunked(&listing);
    client
        .send("HEAD /listfolder?folderid=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_eq!(client.head().await.status, 200);
    // A client of 1994 gets it too, up to the end of the connection.
    client
        .send("GET /listfolder?folderid=0 HTTP/1.0\r\n\r\n")
        .await;
    let old = client.head().await;
    assert_eq!(old.header("transfer-encoding"), None);
}

fn is_chunked(response: &Response) {
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("content-length"), None);
}

#[tokio::test]
async fn what_clients_have_deleted_is_no_trouble_of_the_server() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let auth = format!("auth={}", server.token);
    for (call, code) in [
        ("file_open?flags=0x42&path=/a", 0),
        ("deletefile?path=/a", 0),
        ("file_read?fd=1&count=1", 5004),
        ("file_truncate?fd=1&length=1", 5003),
        ("getvideolink?path=/a", 5002),
    ] {
        let answer = client.get(&format!("/{call}&{auth}")).await;
        assert_eq!(
            answer.tree().get("result").unwrap().as_u64(),
            Some(code),
            "{call}"
        );
    }
    // What counts as broken is logged as an error.
    let broken = &server.app.metrics.calls_broken;
    assert_eq!(broken.load(std::sync::atomic::Ordering::Relaxed), 0);
}
