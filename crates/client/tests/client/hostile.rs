//! Servers that misbehave: each ends with an error, soon and without taking memory.

use std::time::Duration;

use crate::responder::scripted;
use pileus_client::{Connection, Error, Options};
use pileus_wire::{Params, Tree};

/// Short limits, since some of these servers only stop.
fn options() -> Options {
    Options {
        answer_timeout: Duration::from_millis(200),
        stall_timeout: Duration::from_millis(200),
        max_answer_bytes: 1000,
        ..Options::default()
    }
}

async fn call(scheme: &str, answer: &[u8]) -> Result<Tree, Error> {
    let port = scripted(answer).await;
    let url = format!("{scheme}://127.0.0.1:{port}");
    let mut connection = Connection::open(&url, options()).await?;
    connection.call_raw("nop", &Params::new()).await
}

async fn error(scheme: &str, answer: &[u8]) -> String {
    match call(scheme, answer).await {
        Err(error) => error.to_string(),
        Ok(tree) => panic!("{} became {tree:?}", String::from_utf8_lossy(answer)),
    }
}

fn json(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{head}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn http_bodies_end_in_every_allowed_way() {
    for answer in [
        json("Content-Length: 12\r\n", "{\"result\":0}"),
        json(
            "Content-Length: 12\r\nContent-Length: 12\r\n",
            "{\"result\":0}",
        ),
        json(
            "Transfer-Encoding: chunked\r\n",
            "5\r\n{\"res\r\n7;x=y\r\nult\":0}\r\n0\r\n\r\n",
        ),
        json(
            "Transfer-Encoding: chunked\r\n",
            "C\r\n{\"result\":0}\r\n0\r\nA: b\r\n\r\n",
        ),
        // Chunks beat a length, as RFC 9112 wants it.
        json(
            "Transfer-Encoding: Chunked\r\nContent-Length: 3\r\n",
            "c\r\n{\"result\":0}\r\n0\r\n\r\n",
        ),
        json("", "{\"result\":0}"),
        json("Connection: close\r\n", "{\"result\":0}"),
        [
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n".to_vec(),
            json("Content-Length: 12\r\n", "{\"result\":0}"),
        ]
        .concat(),
    ] {
        let tree = call("http", &answer).await.unwrap();
        assert_eq!(tree, Tree::Hash(vec![("result".into(), Tree::Num(0))]));
    }
}

#[tokio::test]
async fn malformed_http_is_an_error() {
    for answer in [
        b"what?\r\n\r\n".to_vec(),
        b"HTTP/1.1 999999 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n1".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".to_vec(),
        json(
            "Transfer-Encoding: chunked\r\n",
            "x\r\n{\"result\":0}\r\n0\r\n\r\n",
        ),
        json(
            "Transfer-Encoding: chunked\r\n",
            "\r\n{\"result\":0}\r\n0\r\n\r\n",
        ),
        json("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"),
        json(
            "Transfer-Encoding: chunked\r\n",
            "2\r\n{\"result\":0}\r\n0\r\n\r\n",
        ),
        json("Content-Length: 5\r\n", "{\"a\":"),
        json("Content-Length: 2\r\n", "17"),
        json("Content-Length: 13\r\n", "{\"result\":\"0\""),
        // Content whose length is not told.
        b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec(),
        [b"HTTP/1.1 100 Continue\r\n\r\n".repeat(40), json("", "{}")].concat(),
        b"HTTP/1.1 200 OK\r\n"
            .iter()
            .chain(&b"A: b\r\n".repeat(200))
            .copied()
            .collect(),
        format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(100_000)).into_bytes(),
    ] {
        match call("http", &answer).await {
            Err(Error::Protocol(_)) => {}
            Ok(tree) if pileus_client::check(&tree).is_err() => {}
            other => panic!("{}: {other:?}", String::from_utf8_lossy(&answer)),
        }
    }
}

#[tokio::test]
async fn malformed_binary_answers_are_errors() {
    for answer in [
        &b"\x02\0\0\0\x11\xff"[..],
        b"\x01\0\0\0\x10",
        b"\x03\0\0\0\x10\xff\xff",
        b"\x05\0\0\0\x10\x65a\x20\xff",
        b"\0\0\0\0",
    ] {
        assert!(
            error("bin", answer).await.starts_with("protocol error"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn answers_over_the_limit_are_refused_before_they_are_read() {
    let long = "x".repeat(2000);
    let chunk = format!("7d0\r\n{long}\r\n0\r\n\r\n");
    for (scheme, answer) in [
        ("bin", b"\xff\xff\xff\xff\x10".to_vec()),
        ("http", json("Content-Length: 1001\r\n", "")),
        ("http", json("Content-Length: 18446744073709551615\r\n", "")),
        ("http", json("Transfer-Encoding: chunked\r\n", &chunk)),
        ("http", json("", &long)),
    ] {
        let error = error(scheme, &answer).await;
        assert!(error.contains("more than 1000 bytes"), "{error}");
    }
}

#[tokio::test]
async fn connections_that_end_early_are_errors() {
    for (scheme, answer) in [
        ("bin", &b""[..]),
        ("bin", b"\x02"),
        ("bin", b"\x09\0\0\0\x10"),
        ("http", b""),
        ("http", b"HTTP/1.1 200"),
        (
            "http",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        ),
        (
            "http",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
              Transfer-Encoding: chunked\r\n\r\n9\r\n{",
        ),
    ] {
        let error = error(scheme, answer).await;
        assert!(error.contains("closed the connection"), "{error}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for scheme in ["http", "bin"] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let mut connection = Connection::open(&url, options()).await.unwrap();
        let error = connection
            .call_raw("nop", &Params::new())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the connection failed: the server took too long"
        );
    }
}
