//! What depends on a connection, and the connections a client keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::responder::{Reply, Responder, echo, echoed};
use bytes::Bytes;
use http::{Method, Request};
use pileus_api::general::UserInfo;
use pileus_client::{Body, Client, Connection, Error, Options};
use pileus_wire::Params;
use tokio::task::JoinSet;

async fn client(url: &str) -> Client {
    Client::connect(url, Options::default()).await.unwrap()
}

fn numbered(number: u64) -> Params {
    let mut params = Params::new();
    params.set("n", number).unwrap();
    params
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let server = Responder::start(|call| echo(call.connection.to_string())).await;
    for (before, url) in server.urls().into_iter().enumerate() {
        let client = client(&url).await;
        for _ in 0..10 {
            client.call_raw("nop", &Params::new()).await.unwrap();
        }
        assert_eq!(server.connections(), before + 1);
    }
}

#[tokio::test]
async fn calls_at_once_share_few_connections() {
    let server = Responder::start(|call| echo(call.text("n"))).await;
    let options = Options {
        max_connections: 3,
        ..Options::default()
    };
    for (before, url) in server.urls().into_iter().enumerate() {
        let client = Client::connect(&url, options.clone()).await.unwrap();
        let mut calls = JoinSet::new();
        for number in 0..100 {
            let client = client.clone();
            calls.spawn(async move {
                let answer = client.call_raw("nop", &numbered(number)).await.unwrap();
                assert_eq!(echoed(&answer), number.to_string());
            });
        }
        calls.join_all().await;
        assert!(server.connections() <= 3 * (before + 1));
    }
}

#[tokio::test]
async fn other_credentials_need_other_connections() {
    let server = Responder::start(|call| echo(call.connection.to_string())).await;
    for url in server.urls() {
        let client = client(&url).await;
        let first = client.call_raw("nop", &Params::new()).await.unwrap();
        let client = client.with_token("t");
        let second = client.call_raw("nop", &Params::new()).await.unwrap();
        assert_ne!(echoed(&first), echoed(&second));
    }
}

/// A connection dies while it is idle in a way that shows only when it is used: the server hangs up
/// upon the next request.
#[tokio::test]
async fn reading_calls_survive_a_dead_connection_and_others_do_not() {
    let hang_up = Arc::new(AtomicBool::new(false));
    let hangs_up = Arc::clone(&hang_up);
    let server = Responder::start(move |_| match hangs_up.swap(false, Ordering::SeqCst) {
        true => Reply::HangUp,
        false => echo(""),
    })
    .await;
    for url in server.urls() {
        let client = client(&url).await;
        client.call_raw("nop", &Params::new()).await.unwrap();
        hang_up.store(true, Ordering::SeqCst);
        let read = client
            .call(&UserInfo {
                getapiserver: false,
            })
            .await;
        // The call got through again: what came back is not a userinfo reply.
        assert!(matches!(read, Err(Error::Protocol(_))));
        assert!(!hang_up.load(Ordering::SeqCst));

        hang_up.store(true, Ordering::SeqCst);
        let write = client.call_raw("createfolder", &Params::new()).await;
        assert!(matches!(write, Err(Error::Transport(_))));
    }
}

#[tokio::test]
async fn connections_that_the_server_closes_are_not_used_again() {
    let server = Responder::start(|_| {
        let json = r#"{"result":0}"#;
        let head = "Content-Type: application/json\r\nContent-Length: 12\r\nConnection: close";
        Reply::Http(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{json}"))
    })
    .await;
    let client = client(&server.url("http")).await;
    for _ in 0..3 {
        client
            .call_raw("createfolder", &Params::new())
            .await
            .unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests() {
    let server = Responder::start(|call| echo(call.text("n"))).await;
    for url in server.urls() {
        let mut connection = Connection::open(&url, Options::default()).await.unwrap();
        for number in 0..100 {
            connection.send("nop", &numbered(number)).await.unwrap();
        }
        for number in 0..100 {
            let answer = connection.receive().await.unwrap();
            assert_eq!(echoed(&answer), number.to_string());
        }
    }
}

/// 16 MiB of answers do not fit into the buffers of the sockets: a client that only sent would wait
/// for a server that waits for it.
#[tokio::test]
async fn many_requests_with_large_answers_do_not_block_each_other() {
    const ANSWER_BYTES: usize = 256 << 10;
    let server = Responder::start(|_| echo("x".repeat(ANSWER_BYTES))).await;
    let padding = "y".repeat(60_000);
    for url in server.urls() {
        let mut connection = Connection::open(&url, Options::default()).await.unwrap();
        let mut params = Params::new();
        params.set("padding", padding.as_str()).unwrap();
        for _ in 0..64 {
            connection.send("nop", &params).await.unwrap();
        }
        for _ in 0..64 {
            let answer = connection.receive().await.unwrap();
            assert_eq!(echoed(&answer).len(), ANSWER_BYTES);
        }
    }
}

#[tokio::test]
async fn content_that_is_not_wanted_is_skipped() {
    let server = Responder::start(|call| match call.name.as_str() {
        "readfile" => Reply::Content(vec![7; 300_000]),
        _ => echo("after"),
    })
    .await;
    for url in server.urls() {
        let mut connection = Connection::open(&url, Options::default()).await.unwrap();
        connection.send("readfile", &Params::new()).await.unwrap();
        connection.send("nop", &Params::new()).await.unwrap();
        let answer = connection.receive().await.unwrap();
        assert_eq!(answer.data_len(), Some(300_000));
        assert!(!connection.data_chunk().await.unwrap().unwrap().is_empty());
        assert_eq!(echoed(&connection.receive().await.unwrap()), "after");
    }
}

#[tokio::test]
async fn uploads_and_other_calls_mix_on_one_connection() {
    let server = Responder::start(|call| {
        echo(format!(
            "{} {}",
            call.name,
            call.data.map_or(0, |data| data.len())
        ))
    })
    .await;
    for url in server.urls() {
        let mut connection = Connection::open(&url, Options::default()).await.unwrap();
        let data = Body::from(vec![1; 100_000]);
        connection.send("nop", &Params::new()).await.unwrap();
        connection
            .send_with_data("uploadfile", &Params::new(), data)
            .await
            .unwrap();
        connection.send("nop", &Params::new()).await.unwrap();
        for expected in ["nop 0", "uploadfile 100000", "nop 0"] {
            assert_eq!(echoed(&connection.receive().await.unwrap()), expected);
        }
    }
}

#[tokio::test]
async fn plain_http_requests_can_be_made() {
    let server = Responder::start(|call| {
        let probe = call.headers.get("x-probe").cloned().unwrap_or_default();
        Reply::Http(match call.name.as_str() {
            "head" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".into(),
            _ => format!("HTTP/1.1 404 No\r\nContent-Length: 3\r\nX-Probe: {probe}\r\n\r\nabc"),
        })
    })
    .await;
    let mut connection = Connection::open(&server.url("http"), Options::default())
        .await
        .unwrap();
    let head = Request::head("/head").body(Bytes::new()).unwrap();
    let get = Request::get("/x?y=z")
        .header("X-Probe", "17")
        .body(Bytes::new())
        .unwrap();
    connection.send_http(&head).await.unwrap();
    connection.send_http(&get).await.unwrap();
    let answer = connection.receive_http().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
    let answer = connection.receive_http().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(answer.headers()["x-probe"], "17");
    assert_eq!(&answer.body()[..], b"abc");

    let post = Request::builder()
        .method(Method::POST)
        .uri("/a")
        .body(Bytes::from("q"))
        .unwrap();
    connection.send_http(&post).await.unwrap();
    assert_eq!(
        connection.receive_http().await.unwrap().status().as_u16(),
        404
    );
}

#[tokio::test]
async fn raw_bytes_can_be_sent_and_received() {
    let server = Responder::start(|call| echo(call.name)).await;
    let mut connection = Connection::open(&server.url("http"), Options::default())
        .await
        .unwrap();
    connection.send_raw(b"GET /a HTT").await.unwrap();
    connection.send_raw(b"P/1.1\r\n\r\n").await.unwrap();
    assert_eq!(echoed(&connection.receive().await.unwrap()), "a");
    connection
        .send_raw(b"GET /b HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    connection.finish_sending().await.unwrap();
    let mut received = Vec::new();
    while let Some(bytes) = connection.receive_raw().await.unwrap() {
        received.extend_from_slice(&bytes);
    }
    assert!(received.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(received.ends_with(br#"{"result":0,"echo":"b"}"#));
}
