//! Limits of public links under downloads that come at the same time, and downloads that break off.

use crate::http_client::{Client, with_body};
use crate::server::{PATIENCE, Server};
use pileus_wire::Tree;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

/// A server with a file and a link to it.
struct Linked {
    server: Server,
    client: Client,
    code: String,
    size: usize,
}

fn text(answer: &Tree, name: &str) -> String {
    answer.get(name).and_then(Tree::as_str).unwrap().to_owned()
}

impl Linked {
    async fn new(size: usize, options: &str) -> Self {
        let server = Server::start().await;
        let mut client = Client::connect(&server).await;
        let auth = &server.token;
        let path = format!("/uploadfile?folderid=0&filename=a&auth={auth}");
        client
            .send(with_body("PUT", &path, "", vec![7; size]))
            .await;
        assert_eq!(client.response().await.result(), 0);
        let path = format!("/getfilepublink?path=/a{options}&auth={auth}");
        let code = text(&client.get(&path).await.tree(), "code");
        Self {
            server,
            client,
            code,
            size,
        }
    }

    /// A path to the content, given to a visitor.
    async fn path(&mut self) -> String {
        let path = format!("/getpublinkdownload?code={}", self.code);
        text(&self.client.get(&path).await.tree(), "path")
    }

    /// Result of asking for another path.
    async fn asked(&mut self) -> u64 {
        let path = format!("/getpublinkdownload?code={}", self.code);
        self.client.get(&path).await.result()
    }

    /// Downloads and traffic, as the owner is told.
    async fn counted(&mut self) -> (u64, u64) {
        let path = format!("/listpublinks?auth={}", self.server.token);
        let answer = self.client.get(&path).await.tree();
        let link = &answer.get("publinks").unwrap().as_list().unwrap()[0];
        let number = |name| link.get(name).unwrap().as_u64().unwrap();
        (number("downloads"), number("traffic"))
    }

    /// Fetches all paths at the same time, each on a connection of its own; answers how many were served.
    async fn fetch(&mut self, paths: Vec<String>) -> usize {
        let start = Arc::new(Barrier::new(paths.len()));
        let mut fetching = Vec::new();
        for path in paths {
            let mut client = Client::connect(&self.server).await;
            let (start, size) = (start.clone(), self.size);
            fetching.push(tokio::spawn(async move {
                start.wait().await;
                let response = client.get(&path).await;
                match response.status {
                    200 => assert_eq!(response.body.len(), size),
                    other => assert_eq!(other, 410),
                }
                response.status == 200
            }));
        }
        let mut served = 0;
        for fetching in fetching {
            served += usize::from(fetching.await.unwrap());
        }
        served
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_downloads_are_ten_of_a_hundred_at_once() {
    for size in [1000, 200_000] {
        let mut linked = Linked::new(size, "&maxdownloads=10").await;
        let mut paths = Vec::new();
        for _ in 0..100 {
            paths.push(linked.path().await);
        }
        assert_eq!(linked.fetch(paths).await, 10);
        assert_eq!(linked.counted().await, (10, 10 * size as u64));
        assert_eq!(linked.asked().await, 7006);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_path_is_one_download_however_often_it_is_fetched_at_once() {
    for options in ["", "&maxdownloads=1"] {
        let mut linked = Linked::new(200_000, options).await;
        let path = linked.path().await;
        assert_eq!(linked.fetch(vec![path; 40]).await, 40);
        assert_eq!(linked.counted().await, (1, 40 * 200_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_ends_with_the_download_that_reaches_the_limit() {
    let mut linked = Linked::new(100_000, "&maxtraffic=250000").await;
    let mut paths = Vec::new();
    for _ in 0..50 {
        paths.push(linked.path().await);
    }
    assert_eq!(linked.fetch(paths).await, 3);
    assert_eq!(linked.counted().await, (3, 300_000));
    assert_eq!(linked.asked().await, 7005);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_does_not_count() {
    const SIZE: usize = 64 << 20;
    for options in ["", "&maxtraffic=1000"] {
        let mut linked = Linked::new(SIZE, options).await;
        let path = linked.path().await;
        let mut client = Client::connect(&linked.server).await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        assert_eq!(client.head().await.status, 200);
        if !options.is_empty() {
            // While it runs, all of it is taken for sent.
            assert_eq!(linked.counted().await, (1, SIZE as u64));
        }
        drop(client);
        let settled = async {
            loop {
                let (downloads, traffic) = linked.counted().await;
                if downloads == 1 && traffic > 0 && traffic < SIZE as u64 {
                    break;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, settled)
            .await
            .expect("what was sent is not told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_ends_for_everybody_on_the_network() {
    let mut linked = Linked::new(10, "").await;
    for _ in 0..100 {
        let guess = linked.client.get("/showpublink?code=guess").await;
        assert_eq!(guess.result(), 7001);
    }
    let own = format!("/showpublink?code={}", linked.code);
    assert_eq!(linked.client.get(&own).await.result(), 4000);
    let page = format!("/publink/show?code={}", linked.code);
    assert_eq!(linked.client.get(&page).await.status, 429);
}
