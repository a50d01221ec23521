//! The listener for operators.

use crate::http_client::Client;
use crate::server::Server;
use pileus_server::{admin, listen};
use std::net::SocketAddr;

#[tokio::test]
async fn operators_see_whether_the_server_works() {
    let server = Server::start().await;
    let listeners = listen::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap();
    let address = listeners.addresses()[0];
    let serving = tokio::spawn(admin::serve(listeners, server.app.clone()));
    let mut client = Client::to(address).await;
    let health = client.get("/healthz").await;
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    let ready = client.get("/readyz").await;
    assert_eq!((ready.status, ready.text()), (200, "ready\n"));

    assert_eq!(Client::connect(&server).await.get("/nop").await.result(), 0);
    let metrics = client.get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    assert!(
        metrics
            .text()
            .contains("\npileus_calls_succeeded_total 1\n"),
        "{}",
        metrics.text()
    );
    assert_eq!(client.get("/nop").await.status, 404);

    // Who asks at the moment of the stop is told that no further clients should come.
    server.app.stopping.send_replace(true);
    serving.await.unwrap();
}
