//! Stopping: no call is lost, and nobody is waited for in vain.

use crate::binary_client;
use crate::http_client::{Client, get};
use crate::server::{PATIENCE, Server};
use pileus_wire::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn waits_are_answered_and_idle_connections_closed() {
    let server = Server::start().await;
    let token = server.token.clone();
    let silent = TcpStream::connect(server.address).await.unwrap();
    let mut idle = Client::connect(&server).await;
    assert_eq!(
        idle.get(&format!("/userinfo?auth={token}")).await.result(),
        0
    );
    let now = idle.get("/diff?last=0").await;
    let diffid = now.tree().get("diffid").unwrap().as_u64().unwrap();
    let mut waiting = Client::connect(&server).await;
    waiting
        .send(get(&format!("/diff?block=1&diffid={diffid}&auth={token}")))
        .await;
    let mut binary = binary_client::Client::connect(&server).await;
    let params = [
        ("auth", Value::from(token.as_str())),
        ("diffid", Value::from(diffid)),
        ("block", Value::from(true)),
    ];
    binary
        .send(binary_client::request("diff", &params, None))
        .await;
    server.waiting(2).await;
    server.connected(4).await;

    server.app.stopping.send_replace(true);
    assert_eq!(waiting.response().await.result(), 0);
    assert!(waiting.is_closed().await);
    assert_eq!(binary_client::result(&binary.answer().await), 0);
    assert!(binary.is_closed().await);
    assert!(idle.is_closed().await);
    timeout(PATIENCE, server.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    drop(silent);
}

#[tokio::test]
async fn an_upload_that_goes_on_is_finished() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let path = format!("/uploadfile?folderid=0&filename=a&auth={}", server.token);
    client
        .send(format!(
            "PUT {path} HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
        ))
        .await;
    client.send(vec![7; 100_000]).await;
    server.connected(1).await;
    // The request has been read once nothing of it is left to be taken in.
    tokio::task::yield_now().await;
    server.app.stopping.send_replace(true);
    client.send(vec![7; 100_000]).await;
    let response = client.response().await;
    assert_eq!(
        (response.result(), response.header("connection")),
        (0, Some("close"))
    );
    assert!(client.is_closed().await);
    timeout(PATIENCE, server.serving).await.unwrap().unwrap();
}
