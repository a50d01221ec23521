//! Limits on what a client may send, and on how slowly.

use crate::http_client::{Client, get, with_body, with_chunks};
use crate::server::Server;

async fn refused(server: &Server, request: Vec<u8>, status: u16) {
    let mut client = Client::connect(server).await;
    client.send(&request).await;
    let response = client.response().await;
    let begin = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    assert_eq!(response.status, status, "{begin}");
    assert_eq!(response.header("connection"), Some("close"), "{begin}");
    assert!(client.is_closed().await, "{begin}");
}

fn many(count: usize) -> String {
    (0..count).map(|number| format!("p{number}=1&")).collect()
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let server = Server::start().await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let part = |size: usize| {
        let value = "x".repeat(size);
        format!("--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{value}\r\n--b--\r\n")
    };
    let header =
        |size: usize| format!("GET /nop HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(size)).into_bytes();
    let headers = (0..200)
        .map(|number| format!("A{number}: b\r\n"))
        .collect::<String>();
    refused(&server, header(70_000), 431).await;
    refused(
        &server,
        format!("GET /nop HTTP/1.1\r\n{headers}\r\n").into_bytes(),
        431,
    )
    .await;
    refused(
        &server,
        get(&format!("/nop?{}", many(256))).into_bytes(),
        431,
    )
    .await;
    refused(&server, with_body("POST", "/nop", form, many(256)), 413).await;
    refused(
        &server,
        with_body("POST", "/nop", form, vec![b'x'; (16 << 20) + 1]),
        413,
    )
    .await;
    refused(
        &server,
        with_chunks(
            "POST",
            "/nop",
            form,
            &[&vec![b'x'; 9 << 20], &vec![b'x'; 9 << 20]],
        ),
        413,
    )
    .await;
    refused(
        &server,
        with_body("POST", "/nop", multipart, part((1 << 20) + 1)),
        413,
    )
    .await;
    let endless = format!("--b\r\nX: {}", "x".repeat(100_000));
    refused(&server, with_body("POST", "/nop", multipart, endless), 400).await;
    refused(
        &server,
        with_body("POST", "/nop", multipart, "x".repeat(100_000)),
        400,
    )
    .await;

    let mut client = Client::connect(&server).await;
    client.send(header(60_000)).await;
    assert_eq!(client.response().await.result(), 0);
    assert_eq!(client.get(&format!("/nop?{}", many(255))).await.result(), 0);
    client
        .send(with_body("POST", "/nop", form, many(255)))
        .await;
    assert_eq!(client.response().await.result(), 0);
    client
        .send(with_body("POST", "/nop", multipart, part(1 << 20)))
        .await;
    assert_eq!(client.response().await.result(), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = Server::with(|config| config.max_connections = 2).await;
    let mut clients = [
        Client::connect(&server).await,
        Client::connect(&server).await,
    ];
    for client in &mut clients {
        assert_eq!(client.get("/nop").await.result(), 0);
    }
    let mut third = Client::connect(&server).await;
    third.send(get("/nop?id=third")).await;
    server.connected(2).await;
    let [first, _second] = clients;
    drop(first);
    assert_eq!(third.response().await.id(), "third");
}
