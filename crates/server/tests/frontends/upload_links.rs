//! Upload links: limits that hold whatever comes at once, and uploads that break off.

use crate::http_client::{Client, Response, get, with_body, with_chunks};
use crate::server::{Server, until};
use pileus_store::Engine;
use pileus_store::testing::{TestDatabase, engines};
use pileus_wire::Tree;
use std::collections::BTreeMap;

/// A server and its account, which has links.
struct Site {
    server: Server,
    client: Client,
    /// Lives as long as the server does.
    _database: Option<TestDatabase>,
}

impl Site {
    async fn new() -> Self {
        Self::on(Engine::Sqlite).await
    }

    async fn on(engine: Engine) -> Self {
        let database = (engine == Engine::Postgres).then(|| TestDatabase::new(engine));
        let url = database.as_ref().map(TestDatabase::url);
        let server = Server::with(|config| {
            if let Some(url) = url {
                config.database = url;
            }
        })
        .await;
        let client = Client::connect(&server).await;
        Self {
            server,
            client,
            _database: database,
        }
    }

    /// A call of the owner.
    async fn own(&mut self, call: &str) -> Tree {
        let token = &self.server.token;
        let response = self.client.get(&format!("/{call}&auth={token}")).await;
        assert_eq!(response.result(), 0, "{call}: {}", response.text());
        response.tree()
    }

    /// Makes a link to the root; answers its code.
    async fn link(&mut self, options: &str) -> String {
        let call = format!("createuploadlink?folderid=0&comment=x{options}");
        let link = self.own(&call).await;
        link.get("code").and_then(Tree::as_str).unwrap().to_owned()
    }

    /// Names and sizes in the root.
    async fn files(&mut self) -> BTreeMap<String, u64> {
        let listing = self.own("listfolder?folderid=0").await;
        let contents = listing.get("metadata").unwrap().get("contents").unwrap();
        let entry = |entry: &Tree| {
            let name = entry.get("name").and_then(Tree::as_str).unwrap().to_owned();
            (name, entry.get("size").and_then(Tree::as_u64).unwrap())
        };
        contents.as_list().unwrap().iter().map(entry).collect()
    }

    /// What the only link has taken: files and bytes.
    async fn taken(&mut self) -> (u64, u64) {
        let links = self.own("listuploadlinks?").await;
        let link = &links.get("uploadlinks").unwrap().as_list().unwrap()[0];
        let number = |name| link.get(name).and_then(Tree::as_u64).unwrap();
        (number("files"), number("space"))
    }

    async fn used(&mut self) -> u64 {
        let answer = self.own("userinfo?").await;
        answer.get("usedquota").and_then(Tree::as_u64).unwrap()
    }

    /// Uploads files of `size` bytes and one name, all at once; answers the results, sorted.
    async fn rush(&self, code: &str, count: u8, size: usize) -> Vec<u64> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(Client::connect(&self.server).await);
        }
        let uploads = clients.into_iter().zip(0..).map(|(mut client, number)| {
            let path = format!("/uploadtolink?code={code}&filename=a.txt");
            let request = with_body("PUT", &path, "", vec![number; size]);
            tokio::spawn(async move {
                client.send(request).await;
                client.response().await.result()
            })
        });
        let mut results = Vec::new();
        for upload in uploads.collect::<Vec<_>>() {
            results.push(upload.await.unwrap());
        }
        results.sort_unstable();
        results
    }
}

fn put(code: &str, more: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let path = format!("/uploadtolink?code={code}&filename=a.txt{more}");
    with_body("PUT", &path, "", body)
}

/// The beginning of an upload of 100,000 bytes: the head, and half of them.
fn half(code: &str, more: &str) -> Vec<u8> {
    let mut request = put(code, more, vec![7; 100_000]);
    request.truncate(request.len() - 50_000);
    request
}

async fn result_of(client: &mut Client, request: Vec<u8>) -> u64 {
    client.send(request).await;
    client.response().await.result()
}

/// What `rush` has to answer if ten of fifty uploads fit.
fn ten_of_fifty(refused: u64) -> Vec<u64> {
    let mut results = vec![0; 10];
    results.resize(50, refused);
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_files_come_than_a_link_takes() {
    for engine in engines() {
        // Small files lie in the database, larger ones beside it.
        for size in [100, 40_000] {
            let mut site = Site::on(engine).await;
            let code = site.link("&maxfiles=10").await;
            let results = site.rush(&code, 50, size).await;
            assert_eq!(results, ten_of_fifty(7008), "{engine:?} {size}");
            let files = site.files().await;
            let expected: BTreeMap<_, _> = (1..=10)
                .map(|number| match number {
                    1 => ("a.txt".to_owned(), size as u64),
                    number => (format!("a ({number}).txt"), size as u64),
                })
                .collect();
            assert_eq!(files, expected);
            assert_eq!(site.taken().await, (10, 10 * size as u64));
            assert_eq!(site.used().await, 10 * size as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_bytes_come_than_a_link_takes() {
    for engine in engines() {
        let mut site = Site::on(engine).await;
        let code = site.link("&maxspace=10999").await;
        let results = site.rush(&code, 50, 1000).await;
        assert_eq!(results, ten_of_fifty(7007), "{engine:?}");
        assert_eq!(site.files().await.len(), 10);
        assert_eq!(site.taken().await, (10, 10_000));
        assert_eq!(site.used().await, 10_000);
    }
}

#[tokio::test]
async fn what_is_known_to_be_too_much_is_refused_before_it_comes() {
    let mut site = Site::new().await;
    let code = site.link("&maxspace=1000").await;
    let head = format!(
        "PUT /uploadtolink?code={code}&filename=a HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    let mut client = Client::connect(&site.server).await;
    assert_eq!(result_of(&mut client, head.into_bytes()).await, 7007);
    // Of a form only the length of the whole is known, so what is over by little is found on the way. Bodies of up to 64 MiB
    // are read all the same, so that the connection can go on.
    let head = format!(
        "POST /uploadtolink?code={code} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"
    );
    let mut client = Client::connect(&site.server).await;
    client.send(head).await;
    let refused = client.response().await;
    assert_eq!(refused.result(), 7007);
    assert_eq!(site.files().await, BTreeMap::new());
}

#[tokio::test]
async fn a_file_of_unknown_size_that_passes_the_limit_is_refused_whole() {
    let mut site = Site::new().await;
    let code = site.link("&maxspace=100000").await;
    let chunk = vec![1; 60_000];
    let path = format!("/uploadtolink?code={code}&filename=a.txt");
    let mut client = Client::connect(&site.server).await;
    let request = with_chunks("PUT", &path, "", &[&chunk, &chunk]);
    assert_eq!(result_of(&mut client, request).await, 7007);
    assert_eq!(site.files().await, BTreeMap::new());
    let mut client = Client::connect(&site.server).await;
    let request = with_chunks("PUT", &path, "", &[&chunk]);
    assert_eq!(result_of(&mut client, request).await, 0);
    assert_eq!(site.taken().await, (1, 60_000));
    assert_eq!(site.used().await, 60_000);
}

#[tokio::test]
async fn what_breaks_off_is_kept_unless_the_visitor_minds() {
    let mut site = Site::new().await;
    let code = site.link("").await;
    for more in ["&nopartial=1", ""] {
        let mut client = Client::connect(&site.server).await;
        client.send(half(&code, more)).await;
        client.end().await;
        // There may be an answer, but it is no success.
        assert!(client.is_closed().await || client.response().await.result() == 2041);
    }
    let kept = BTreeMap::from([("a.txt".to_owned(), 50_000)]);
    assert_eq!(site.files().await, kept);
    assert_eq!(site.taken().await, (1, 50_000));
}

#[tokio::test]
async fn an_upload_can_be_watched_while_it_runs() {
    let mut site = Site::new().await;
    let code = site.link("").await;
    let mut client = Client::connect(&site.server).await;
    client.send(half(&code, "&progresshash=one")).await;
    let mut visitor = Client::connect(&site.server).await;
    let path = format!("/uploadlinkprogress?code={code}&progresshash=one");
    let progress = loop {
        let response = visitor.get(&path).await;
        let answer = response.tree();
        if response.result() == 0
            && answer.get("currentfileuploaded").and_then(Tree::as_u64) == Some(50_000)
        {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    let number = |name| progress.get(name).and_then(Tree::as_u64);
    assert_eq!(
        (number("total"), number("uploaded")),
        (Some(100_000), Some(50_000))
    );
    assert_eq!(number("filenumber"), Some(1));
    let text = |name| progress.get(name).and_then(Tree::as_str);
    assert_eq!(text("currentfile"), Some("a.txt"));
    assert_eq!(
        progress.get("finished").and_then(Tree::as_bool),
        Some(false)
    );
    client.send(vec![7; 50_000]).await;
    assert_eq!(client.response().await.result(), 0);
    let ended = visitor.get(&path).await.tree();
    assert_eq!(ended.get("finished").and_then(Tree::as_bool), Some(true));
}

#[tokio::test]
async fn an_upload_that_runs_outlives_its_link_but_no_limit() {
    let mut site = Site::new().await;
    let ends = [
        ("deleteuploadlink?", 0),
        ("changeuploadlink?expire=1&", 7004),
        ("changeuploadlink?maxspace=99999&", 7007),
        ("changeuploadlink?maxfiles=0&", 0),
    ];
    for (change, expected) in ends {
        let code = site.link("&maxfiles=1").await;
        let mut client = Client::connect(&site.server).await;
        let before = site
            .server
            .app
            .metrics
            .bytes_received
            .load(std::sync::atomic::Ordering::Relaxed);
        client.send(half(&code, "")).await;
        let received = || {
            site.server
                .app
                .metrics
                .bytes_received
                .load(std::sync::atomic::Ordering::Relaxed)
        };
        until(|| received() >= before + 50_000).await;
        let links = site.own("listuploadlinks?").await;
        let link = links
            .get("uploadlinks")
            .unwrap()
            .as_list()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        let id = link.get("uploadlinkid").and_then(Tree::as_u64).unwrap();
        site.own(&format!("{change}uploadlinkid={id}")).await;
        client.send(vec![7; 50_000]).await;
        assert_eq!(client.response().await.result(), expected, "{change}");
    }
}

#[tokio::test]
async fn guessing_codes_does_not_go_on() {
    let mut site = Site::new().await;
    let code = site.link("").await;
    let mut client = Client::connect(&site.server).await;
    let guess = async |client: &mut Client, number: u32| -> Response {
        let path = match number % 3 {
            0 => "/showuploadlink?code=guess",
            1 => "/uploadlinkprogress?code=guess&progresshash=x",
            _ => "/uploadtolink?code=guess",
        };
        client.get(path).await
    };
    for number in 0..100 {
        assert_eq!(guess(&mut client, number).await.result(), 7001);
    }
    for number in 0..3 {
        assert_eq!(guess(&mut client, number).await.result(), 4000);
    }
    client
        .send(get(&format!("/showuploadlink?code={code}")))
        .await;
    assert_eq!(client.response().await.result(), 4000);
}
