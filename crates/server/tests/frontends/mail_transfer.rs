//! Mail transfers: nothing of one that breaks off is kept, and none gets past the limits.

use crate::http_client::{Client, with_body};
use crate::server::Server;
use futures_util::StreamExt;
use pileus_server::jobs::janitor;
use pileus_store::Engine;
use pileus_store::testing::{TestDatabase, engines};

const PATH: &str = "/uploadtransfer?sendermail=sam@example.com&filename=a.bin&receivermails=";

async fn server(database: Option<&TestDatabase>) -> Server {
    Server::with(|config| {
        config.transfer.enabled = true;
        config.transfer.per_network = 1000;
        config.transfer.per_sender = 3;
        if let Some(database) = database {
            config.database = database.url();
        }
    })
    .await
}

/// An upload of a file that does not fit into the database.
fn put(receiver: &str) -> Vec<u8> {
    let path = format!("{PATH}{receiver}");
    with_body("PUT", &path, "", vec![7; 100_000])
}

/// Contents in the blob store.
async fn contents(server: &Server) -> usize {
    server.app.blobs.list().count().await
}

async fn mails_wait(server: &Server) -> bool {
    let found = server.app.db.view(|tx| tx.has_more_mails_than(0)).await;
    found.unwrap()
}

/// Bytes that all transfers use.
async fn used(server: &Server) -> i64 {
    let found = server.app.db.view(|tx| tx.account_by_email("transfers"));
    found.await.unwrap().unwrap().used
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    let mut request = put("bob@example.com");
    request.truncate(request.len() - 10);
    client.send(request).await;
    client.end().await;
    // There may be an answer, but it is no success.
    assert!(client.is_closed().await || client.response().await.result() == 2041);
    assert_eq!(contents(&server).await, 0);
    assert!(!mails_wait(&server).await);
    assert_eq!(used(&server).await, 0);

    // A form whose second file is refused takes the first one along.
    let part = |name: &str, content: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=f; filename=\"{name}\"\r\n\r\n{content}\r\n"
        )
    };
    let large = "x".repeat(100_000);
    let form = format!("{}{}--b--\r\n", part("good", &large), part(".", "x"));
    let path = "/uploadtransfer?sendermail=sam@example.com&receivermails=bob@example.com";
    let headers = "Content-Type: multipart/form-data; boundary=b\r\n";
    let mut client = Client::connect(&server).await;
    client.send(with_body("POST", path, headers, form)).await;
    assert_eq!(client.response().await.result(), 2001);
    assert_eq!(contents(&server).await, 0);
    assert!(!mails_wait(&server).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_no_more_pass_than_an_address_may_send() {
    for engine in engines() {
        let database = (engine == Engine::Postgres).then(|| TestDatabase::new(engine));
        let server = server(database.as_ref()).await;
        let uploads: Vec<_> = (0..20)
            .map(|number| {
                let address = server.address;
                tokio::spawn(async move {
                    let mut client = Client::to(address).await;
                    client.send(put(&format!("r{number}@example.com"))).await;
                    client.response().await.result()
                })
            })
            .collect();
        let mut passed = 0;
        for upload in uploads {
            match upload.await.unwrap() {
                0 => passed += 1,
                result => assert_eq!(result, 4010),
            }
        }
        assert_eq!(passed, 3, "{engine:?}");
        assert_eq!(used(&server).await, 300_000);
        // All sent the same bytes, which are kept once.
        assert_eq!(contents(&server).await, 1);
    }
}

#[tokio::test]
async fn files_go_when_their_time_is_over() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    client.send(put("bob@example.com")).await;
    assert_eq!(client.response().await.result(), 0);
    let day = 86_400;
    server.later(6 * day);
    janitor::tidy(&server.app).await.unwrap();
    assert_eq!((used(&server).await, contents(&server).await), (100_000, 1));
    server.later(7 * day + 60);
    janitor::tidy(&server.app).await.unwrap();
    assert_eq!(used(&server).await, 0);
    // A download that has begun may finish.
    assert_eq!(contents(&server).await, 1);
    server.later(8 * day);
    janitor::tidy(&server.app).await.unwrap();
    assert_eq!(contents(&server).await, 0);
}
