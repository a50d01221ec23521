//! A waiting call ends when the client sends anything more, or nothing more: over HTTP, in every way that bytes can arrive.

use crate::http_client::{Client, get, with_body, with_chunks};
use crate::server::Server;
use tokio::io::AsyncWriteExt;

/// The path of a call that waits until something changes, which nothing does here.
async fn waiting_diff(server: &Server) -> String {
    let token = &server.token;
    let now = Client::connect(server)
        .await
        .get(&format!("/diff?last=0&auth={token}"))
        .await;
    let diffid = now.tree().get("diffid").unwrap().as_u64().unwrap();
    format!("/diff?block=1&diffid={diffid}&id=poll&auth={token}")
}

#[tokio::test]
async fn a_later_request_ends_the_wait() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    server.waiting(1).await;
    client.send(get("/nop?id=next")).await;
    assert_eq!(client.response().await.id(), "poll");
    assert_eq!(client.response().await.id(), "next");
}

#[tokio::test]
async fn a_request_in_the_same_segment_ends_the_wait() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(get(&waiting_diff(&server).await) + &get("/nop?id=next"))
        .await;
    assert_eq!(client.response().await.id(), "poll");
    assert_eq!(client.response().await.id(), "next");
}

#[tokio::test]
async fn a_single_byte_ends_the_wait() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    server.waiting(1).await;
    let next = get("/nop?id=next");
    client.send(&next[..1]).await;
    assert_eq!(client.response().await.id(), "poll");
    client.send(&next[1..]).await;
    assert_eq!(client.response().await.id(), "next");
}

#[tokio::test]
async fn two_waits_in_a_row_end_one_after_the_other() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let diff = waiting_diff(&server).await;
    client.send(get(&diff) + &get(&diff)).await;
    assert_eq!(client.response().await.id(), "poll");
    server.waiting(1).await;
    client.send(get("/nop?id=next")).await;
    assert_eq!(client.response().await.id(), "poll");
    assert_eq!(client.response().await.id(), "next");
}

#[tokio::test]
async fn a_body_is_no_further_request() {
    let server = Server::start().await;
    let diff = waiting_diff(&server).await;
    let (path, query) = diff.split_once('?').unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let parts: Vec<String> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        })
        .collect();
    let parts = parts.concat() + "--b--\r\n";
    let (first, second) = query.as_bytes().split_at(7);
    let requests = [
        with_body("POST", path, form, query),
        with_chunks("POST", path, form, &[query.as_bytes()]),
        with_chunks("POST", path, form, &[first, second]),
        with_chunks(
            "POST",
            path,
            form,
            &[second.len().to_string().as_bytes(), b"=&", query.as_bytes()],
        ),
        with_body("POST", path, multipart, &parts),
        with_chunks("POST", path, multipart, &[parts.as_bytes()]),
        // Blank lines inside a body end nothing.
        with_chunks(
            "POST",
            path,
            form,
            &[b"x=\r\n\r\n&", query.as_bytes(), b"&y=\r\n\r\n"],
        ),
        with_body("PUT", &diff, "", b"\r\n\r\nignored\r\n\r\n"),
        with_chunks("PUT", &diff, "", &[b"\r\n\r\n", b"ignored\r\n", b"\r\n"]),
        with_body("POST", &diff, "Content-Type: text/plain\r\n", b""),
        with_body("GET", &diff, "", b""),
    ];
    for request in requests {
        // By itself, it waits.
        let mut client = Client::connect(&server).await;
        client.send(&request).await;
        server.waiting(1).await;
        client.send(get("/nop?id=next")).await;
        assert_eq!(client.response().await.id(), "poll");
        assert_eq!(client.response().await.id(), "next");
        server.waiting(0).await;

        // With a further request in the same segment, it does not.
        let mut client = Client::connect(&server).await;
        client
            .send([request, get("/nop?id=next").into_bytes()].concat())
            .await;
        assert_eq!(client.response().await.id(), "poll");
        assert_eq!(client.response().await.id(), "next");
    }
}

#[tokio::test]
async fn a_head_may_come_in_any_pieces() {
    let server = Server::start().await;
    let request = get(&waiting_diff(&server).await);
    let next = get("/nop?id=next");
    for cut in [
        1,
        3,
        request.len() - 3,
        request.len() - 2,
        request.len() - 1,
    ] {
        let mut client = Client::connect(&server).await;
        client.send(&request[..cut]).await;
        // Whatever is sent at once may arrive as one; this may not.
        server.connected(1).await;
        client.send(&request[cut..]).await;
        server.waiting(1).await;
        client.send(&next).await;
        assert_eq!(client.response().await.id(), "poll");
        assert_eq!(client.response().await.id(), "next");
        drop(client);
        server.connected(0).await;
    }
}

#[tokio::test]
async fn who_finishes_sending_still_gets_the_answer() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    client.end().await;
    assert_eq!(client.response().await.id(), "poll");
    assert!(client.is_closed().await);

    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    server.waiting(1).await;
    client.end().await;
    assert_eq!(client.response().await.id(), "poll");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn who_is_gone_is_not_waited_for() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    server.waiting(1).await;
    drop(client);
    server.waiting(0).await;
    server.connected(0).await;

    // The same with a reset.
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    server.waiting(1).await;
    client.io.set_zero_linger().unwrap();
    drop(client);
    server.waiting(0).await;
    server.connected(0).await;
}

#[tokio::test]
async fn an_upload_behind_a_wait_arrives_whole() {
    let server = Server::start().await;
    let content: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251) as u8).collect();
    let put = format!(
        "/uploadfile?folderid=0&filename=big&id=upload&auth={}",
        server.token
    );
    let mut client = Client::connect(&server).await;
    client.send(get(&waiting_diff(&server).await)).await;
    let (mut reader, mut writer) = tokio::io::split(client.io);
    let request = with_body("PUT", &put, "", &content);
    let writing = tokio::spawn(async move {
        writer.write_all(&request).await.unwrap();
        writer
    });
    let mut client = Client::over(tokio::io::join(&mut reader, tokio::io::sink()));
    assert_eq!(client.response().await.id(), "poll");
    let uploaded = client.response().await;
    assert_eq!(uploaded.id(), "upload");
    writing.await.unwrap();

    let fileid = uploaded.tree().get("fileids").unwrap().as_list().unwrap()[0]
        .as_u64()
        .unwrap();
    let path = format!(
        "/readfile?fileid={fileid}&offset=0&count=9000000&auth={}",
        server.token
    );
    assert_eq!(
        Client::connect(&server).await.get(&path).await.body,
        content
    );
}

#[tokio::test]
async fn an_account_waits_64_times_at_once() {
    let server = Server::start().await;
    let diff = waiting_diff(&server).await;
    let mut waiting = Vec::new();
    for number in 1..=64 {
        let mut client = Client::connect(&server).await;
        client.send(get(&diff)).await;
        server.waiting(number).await;
        waiting.push(client);
    }
    let mut one_more = Client::connect(&server).await;
    let refused = one_more.get(&diff).await;
    assert_eq!(refused.tree().get("result").unwrap().as_u64(), Some(4010));
    // What does not wait is not in the way: there is something new since the beginning.
    let news = one_more
        .get(&diff.replace("diffid=", "diffid=0&was="))
        .await;
    assert_eq!(news.tree().get("result").unwrap().as_u64(), Some(0));
    // The place of one that has gone is free.
    waiting.pop();
    server.waiting(63).await;
    one_more.send(get(&diff)).await;
    server.waiting(64).await;
    one_more.send(get("/nop?id=next")).await;
    assert_eq!(one_more.response().await.id(), "poll");
}
