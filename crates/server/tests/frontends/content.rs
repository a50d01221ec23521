//! The content endpoint: links, ranges, conditions, headers.

use crate::http_client::{Client, Response, get, with_body};
use crate::server::Server;
use pileus_server::content::{self, Link};
use pileus_wire::Tree;
use std::time::Instant;

/// A server with one file on it.
struct Shelf {
    server: Server,
    client: Client,
    fileid: u64,
}

impl Shelf {
    async fn new(name: &str, content: &[u8]) -> Self {
        let server = Server::start().await;
        let mut client = Client::connect(&server).await;
        let path = format!(
            "/uploadfile?folderid=0&filename={name}&mtime=783459811&auth={}",
            server.token
        );
        client.send(with_body("PUT", &path, "", content)).await;
        let answer = client.response().await.tree();
        let fileid = answer.get("fileids").unwrap().as_list().unwrap()[0]
            .as_u64()
            .unwrap();
        Self {
            server,
            client,
            fileid,
        }
    }

    /// The path of a link, made with further parameters.
    async fn link(&mut self, more: &str) -> String {
        let path = format!(
            "/getfilelink?fileid={}{more}&auth={}",
            self.fileid, self.server.token
        );
        let answer = self.client.get(&path).await.tree();
        answer
            .get("path")
            .and_then(Tree::as_str)
            .unwrap()
            .to_owned()
    }

    async fn fetch(&mut self, path: &str, headers: &str) -> Response {
        self.client
            .send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n"))
            .await;
        self.client.response().await
    }
}

/// Both kinds of storage: in the database and in the blob store.
fn contents() -> [Vec<u8>; 3] {
    [0, 1000, 1_000_000].map(|size| (0..size).map(|i| (i % 251) as u8).collect())
}

#[tokio::test]
async fn a_link_yields_the_content() {
    for expected in contents() {
        let mut shelf = Shelf::new("a.txt", &expected).await;
        let path = shelf.link("").await;
        assert!(
            path.starts_with("/c/") && path.ends_with("/a.txt"),
            "{path}"
        );
        let response = shelf.fetch(&path, "Cookie: dwltag=wrong\r\n").await;
        assert_eq!(response.status, 200);
        assert!(response.body == expected);
        assert!(response.head.len() < 4000);
        let length = expected.len().to_string();
        for (name, value) in [
            ("content-length", length.as_str()),
            ("content-type", "text/plain"),
            (
                "content-disposition",
                "inline; filename=\"a.txt\"; filename*=UTF-8''a.txt",
            ),
            ("last-modified", "Sat, 29 Oct 1994 19:43:31 GMT"),
            ("accept-ranges", "bytes"),
            ("connection", "Keep-Alive"),
            ("keep-alive", "timeout=60"),
            ("x-content-type-options", "nosniff"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "private, max-age=21600"),
        ] {
            let found = response.header(name).unwrap_or_else(|| panic!("no {name}"));
            let is_close = name == "cache-control" && found.starts_with("private, max-age=215");
            assert!(found == value || is_close, "{name}: {found}");
        }
        assert_eq!(response.header("transfer-encoding"), None);
        shelf
            .client
            .send(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        let head = shelf.client.head().await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some(length.as_str()))
        );
        assert_eq!(head.header("etag"), response.header("etag"));
        // The name is decoration.
        let (token, _) = path.rsplit_once('/').unwrap();
        for path in [
            token.to_owned(),
            format!("{token}/"),
            format!("{token}/other%2Fname/and/more?query"),
        ] {
            assert_eq!(shelf.fetch(&path, "").await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn parts_are_sent() {
    for content in contents().into_iter().skip(1) {
        let mut shelf = Shelf::new("a.bin", &content).await;
        let path = shelf.link("").await;
        let size = content.len();
        for (range, expected) in [
            ("0-0", 0..1),
            ("10-19", 10..20),
            ("990-", 990..size),
            ("-7", size - 7..size),
            ("5-99999999999", 5..size),
        ] {
            let response = shelf
                .fetch(&path, &format!("Range: bytes={range}\r\n"))
                .await;
            assert_eq!(response.status, 206, "{range}");
            assert!(response.body == content[expected.clone()], "{range}");
            let told = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
            assert_eq!(response.header("content-range"), Some(told.as_str()));
        }
        for range in ["bytes=0-1,5-6", "lines=1-2", "bytes=x"] {
            assert_eq!(
                shelf
                    .fetch(&path, &format!("Range: {range}\r\n"))
                    .await
                    .status,
                200
            );
        }
        let beyond = shelf
            .fetch(&path, &format!("Range: bytes={size}-\r\n"))
            .await;
        assert_eq!((beyond.status, beyond.body.len()), (416, 0));
        assert_eq!(
            beyond.header("content-range"),
            Some(format!("bytes */{size}").as_str())
        );

        let etag = beyond.header("etag").unwrap().to_owned();
        let part = |condition: String| format!("Range: bytes=1-2\r\n{condition}\r\n");
        for (condition, status) in [
            (format!("If-Range: {etag}"), 206),
            ("If-Range: \"1\"".into(), 200),
            ("If-Range: Sat, 29 Oct 1994 19:43:31 GMT".into(), 206),
            ("If-Range: Sat, 29 Oct 1994 19:43:30 GMT".into(), 200),
            (format!("If-None-Match: {etag}"), 304),
            ("If-None-Match: \"1\"".into(), 206),
            (
                "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT".into(),
                304,
            ),
        ] {
            assert_eq!(
                shelf.fetch(&path, &part(condition.clone())).await.status,
                status,
                "{condition}"
            );
        }
    }
}

#[tokio::test]
async fn requests_for_parts_are_answered_in_order() {
    let content: Vec<u8> = (0..1_000_000).map(|i| (i % 251) as u8).collect();
    let mut shelf = Shelf::new("a.bin", &content).await;
    let path = shelf.link("").await;
    let request = |start: usize| {
        let end = start + 99_999;
        format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={start}-{end}\r\nX-Range-Next: 1-2\r\n\r\n"
        )
    };
    let starts = (0..1_000_000).step_by(100_000);
    shelf
        .client
        .send(starts.clone().map(request).collect::<String>())
        .await;
    for start in starts {
        let response = shelf.client.response().await;
        assert!(response.body == content[start..start + 100_000]);
    }
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_saved() {
    let mut shelf = Shelf::new("a.html", b"<script>alert(1)</script>").await;
    for (more, content_type, kind) in [
        ("", "text/html", "attachment"),
        ("&contenttype=text%2Fplain", "text/plain", "inline"),
        (
            "&contenttype=image%2Fsvg%2Bxml",
            "image/svg+xml",
            "attachment",
        ),
        ("&contenttype=video%2Fmp4", "video/mp4", "inline"),
        ("&forcedownload=1", "application/octet-stream", "attachment"),
        (
            "&forcedownload=1&contenttype=text%2Fplain",
            "application/octet-stream",
            "attachment",
        ),
    ] {
        let path = shelf.link(more).await;
        let response = shelf.fetch(&path, "").await;
        assert_eq!(
            response.header("content-type"),
            Some(content_type),
            "{more}"
        );
        assert!(
            response
                .header("content-disposition")
                .unwrap()
                .starts_with(kind),
            "{more}"
        );
        assert!(
            response
                .header("content-security-policy")
                .unwrap()
                .starts_with("sandbox"),
            "{more}"
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    }
    // Nor does content become a page by way of the API.
    let path = format!(
        "/readfile?fileid={}&offset=0&count=99&auth={}",
        shelf.fileid, shelf.server.token
    );
    let response = shelf.client.get(&path).await;
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn names_stay_inside_their_header() {
    let mut shelf = Shelf::new("a%22%0D%0AX-Evil%3A%20b%1B%C3%BC.txt", b"x").await;
    let path = shelf.link("").await;
    let response = shelf.fetch(&path, "").await;
    assert_eq!(response.header("x-evil"), None);
    let disposition = response.header("content-disposition").unwrap();
    let name = "a%22%0D%0AX-Evil%3A%20b%1B%C3%BC.txt";
    assert_eq!(
        disposition,
        format!("inline; filename=\"a___X-Evil: b__.txt\"; filename*=UTF-8''{name}")
    );
}

#[tokio::test]
async fn links_end() {
    let mut shelf = Shelf::new("a.txt", b"content").await;
    let path = shelf.link("").await;
    assert_eq!(shelf.fetch(&path, "").await.status, 200);
    // A later version leaves a link to the former one alone.
    let put = format!(
        "/uploadfile?folderid=0&filename=a.txt&auth={}",
        shelf.server.token
    );
    shelf
        .client
        .send(with_body("PUT", &put, "", "changed"))
        .await;
    assert_eq!(shelf.client.response().await.result(), 0);
    assert_eq!(shelf.fetch(&path, "").await.text(), "content");

    let delete = format!(
        "/deletefile?fileid={}&auth={}",
        shelf.fileid, shelf.server.token
    );
    assert_eq!(shelf.client.get(&delete).await.result(), 0);
    let mut client = Client::connect(&shelf.server).await;
    client.send(get(&path)).await;
    assert_eq!(client.response().await.status, 410);

    let mut shelf = Shelf::new("a.txt", b"content").await;
    let path = shelf.link("").await;
    shelf.server.later(6 * 3600 + 10);
    assert_eq!(shelf.fetch(&path, "").await.status, 410);
}

#[tokio::test]
async fn forged_links_lead_nowhere() {
    let mut shelf = Shelf::new("a.txt", b"content").await;
    let path = shelf.link("&skipfilename=1").await;
    assert!(!path.ends_with("a.txt"));
    let token = path.strip_prefix("/c/").unwrap();
    let mut forged = vec![
        "/c/".to_owned(),
        "/c/x".into(),
        "/c/%20/a.txt".into(),
        format!("/c/{}", "A".repeat(5000)),
    ];
    for at in 0..token.len() {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        forged.push(format!("/c/{}{other}{}", &token[..at], &token[at + 1..]));
    }
    for path in forged {
        let mut client = Client::connect(&shelf.server).await;
        let response = client.get(&path).await;
        assert_eq!(
            (response.status, response.text()),
            (404, "Not Found"),
            "{path}"
        );
    }
    // A link of another server does not fit either.
    let other = Server::start().await;
    let link = content::parse(&shelf.server.app, token).unwrap();
    let path = content::path(&other.app, &link, None);
    assert!(content::parse(&shelf.server.app, path.strip_prefix("/c/").unwrap()).is_none());
    let own = content::path(
        &shelf.server.app,
        &Link {
            maxspeed: 12_345,
            ..link.clone()
        },
        Some("ü/x"),
    );
    assert!(own.ends_with("/%C3%BC%2Fx"), "{own}");
    assert_eq!(
        content::parse(&shelf.server.app, &own[3..])
            .unwrap()
            .maxspeed,
        12_345
    );
    let tag = content::dwltag(&shelf.server.app, &link);
    assert!((1..=40).contains(&tag.len()));
}

#[tokio::test]
async fn a_speed_limit_is_kept() {
    let mut shelf = Shelf::new("a.bin", &[7; 100_000]).await;
    let path = shelf.link("&maxspeed=200000").await;
    let begun = Instant::now();
    assert_eq!(shelf.fetch(&path, "").await.body.len(), 100_000);
    let seconds = begun.elapsed().as_secs_f64();
    assert!((0.2..2.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn only_reading_is_possible() {
    let mut shelf = Shelf::new("a.txt", b"content").await;
    let path = shelf.link("").await;
    shelf.client.send(with_body("POST", &path, "", "x")).await;
    assert_eq!(shelf.client.response().await.status, 405);
}
