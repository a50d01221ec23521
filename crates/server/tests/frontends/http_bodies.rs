//! Files over HTTP: as raw bodies and in forms, whole and broken.

use crate::http_client::{Client, Response, get, with_body, with_chunks};
use crate::server::Server;
use pileus_wire::Tree;

/// Uploads by a request made of path and token, and reads back what was stored.
struct Uploads {
    server: Server,
    client: Client,
}

impl Uploads {
    async fn new() -> Self {
        let server = Server::start().await;
        let client = Client::connect(&server).await;
        Self { server, client }
    }

    fn path(&self, more: &str) -> String {
        format!("/uploadfile?folderid=0&auth={}{more}", self.server.token)
    }

    /// Sends a request; answers names and contents of the files that came of it.
    async fn upload(&mut self, request: Vec<u8>) -> Vec<(String, Vec<u8>)> {
        self.client.send(request).await;
        let response = self.client.response().await;
        self.files(&response).await
    }

    async fn files(&mut self, response: &Response) -> Vec<(String, Vec<u8>)> {
        assert_eq!(response.result(), 0, "{}", response.text());
        let answer = response.tree();
        let mut files = Vec::new();
        for metadata in answer.get("metadata").unwrap().as_list().unwrap() {
            let name = metadata
                .get("name")
                .and_then(Tree::as_str)
                .unwrap()
                .to_owned();
            let fileid = metadata.get("fileid").and_then(Tree::as_u64).unwrap();
            let path = format!(
                "/readfile?fileid={fileid}&offset=0&count=100000000&auth={}",
                self.server.token
            );
            let content = self.client.get(&path).await;
            assert_eq!(
                content.header("x-error"),
                None,
                "{}",
                String::from_utf8_lossy(&content.body)
            );
            assert_eq!(
                content.header("content-type"),
                Some("application/octet-stream")
            );
            files.push((name, content.body));
        }
        files
    }
}

const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=b\r\n";

fn file(name: &str, content: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
    )
}

fn field(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn stored(name: &str, content: &str) -> (String, Vec<u8>) {
    (name.to_owned(), content.as_bytes().to_vec())
}

#[tokio::test]
async fn a_body_is_a_file() {
    let mut uploads = Uploads::new().await;
    let path = uploads.path("&filename=a.txt");
    let text = "Content-Type: text/html\r\n";
    for (request, content) in [
        (with_body("PUT", &path, "", "hello"), "hello"),
        (
            with_body("PUT", &path, text, "hel\r\n\r\nlo"),
            "hel\r\n\r\nlo",
        ),
        (
            with_body(
                "PUT",
                &path,
                "Content-Type: application/x-www-form-urlencoded\r\n",
                "a=b",
            ),
            "a=b",
        ),
        (with_body("PUT", &path, "", ""), ""),
        (with_body("POST", &path, text, "posted"), "posted"),
        (with_body("POST", &path, "", "posted"), "posted"),
        (with_body("POST", &path, text, ""), ""),
        (
            with_chunks(
                "PUT",
                &path,
                "",
                &[b"one ", b"two\r\n", b"\r\n", b"\r\n\r\n", b"three"],
            ),
            "one two\r\n\r\n\r\n\r\nthree",
        ),
        (with_chunks("PUT", &path, "", &[]), ""),
        (with_chunks("POST", &path, text, &[b"\r\n\r\n"]), "\r\n\r\n"),
    ] {
        assert_eq!(uploads.upload(request).await, [stored("a.txt", content)]);
    }
}

#[tokio::test]
async fn forms_carry_files() {
    let mut uploads = Uploads::new().await;
    let path = uploads.path("");
    let bare = "/uploadfile";
    let auth = field("folderid", "0") + &field("auth", &uploads.server.token);
    for (path, body, files) in [
        (
            path.as_str(),
            file("a", "x") + "--b--\r\n",
            vec![stored("a", "x")],
        ),
        (
            &path,
            file("a", "x") + &file("b", "") + "--b--",
            vec![stored("a", "x"), stored("b", "")],
        ),
        (
            bare,
            auth.clone() + &file("a", "x") + "--b--\r\n",
            vec![stored("a", "x")],
        ),
        // What a browser sends for a control that nobody touched.
        (
            &path,
            file("", "") + &file("a", "x") + &file("", "") + "--b--\r\n",
            vec![stored("a", "x")],
        ),
        // Parameters behind a file come too late.
        (
            &path,
            file("a", "x") + &field("folderid", "99") + "--b--\r\n",
            vec![stored("a", "x")],
        ),
        (
            &path,
            file("gr\u{fc}n.txt", "x") + "--b--\r\n",
            vec![stored("grün.txt", "x")],
        ),
        (
            &path,
            file("q%22.txt", "x") + "--b--\r\n",
            vec![stored("q\".txt", "x")],
        ),
        (
            &path,
            file("/a/b/c.txt", "x") + "--b--\r\n",
            vec![stored("c.txt", "x")],
        ),
        (
            &path,
            file("a", " --b --b-- \r\n-\r\r\n--") + "--b--",
            vec![stored("a", " --b --b-- \r\n-\r\r\n--")],
        ),
        (
            &path,
            "--b  \r\nContent-disposition: form-data; filename=a\r\n\r\nx\r\n--b--\r\nrest".into(),
            vec![stored("a", "x")],
        ),
        (
            &path,
            "preamble\r\n".to_owned() + &file("a", "x") + "--b--\r\n",
            vec![stored("a", "x")],
        ),
        (&path, "--b--\r\n".into(), vec![]),
    ] {
        let whole = with_body("POST", path, MULTIPART, &body);
        assert_eq!(uploads.upload(whole).await, files, "{body}");
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        let in_pieces = with_chunks("POST", path, MULTIPART, &pieces);
        assert_eq!(uploads.upload(in_pieces).await, files, "{body}");
    }
}

#[tokio::test]
async fn a_failed_upload_leaves_the_connection_usable() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let path = format!("/uploadfile?folderid=99&filename=a&auth={}", server.token);
    let content = vec![7; 3_000_000];
    for request in [
        with_body("PUT", &path, "", &content),
        with_chunks("PUT", &path, "", &[&content, &content]),
        with_body(
            "POST",
            &path,
            MULTIPART,
            [file("a", "").as_bytes(), &content, b"\r\n--b--\r\n"].concat(),
        ),
        with_body("PUT", "/nop", "", &content),
    ] {
        client.send(request).await;
        let response = client.response().await;
        assert_ne!(response.header("connection"), Some("close"));
        assert_eq!(client.get("/nop?id=next").await.id(), "next");
    }
}

#[tokio::test]
async fn a_huge_failed_upload_is_not_waited_for() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let path = format!("/uploadfile?folderid=99&filename=a&auth={}", server.token);
    client
        .send(format!(
            "PUT {path} HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n"
        ))
        .await;
    client.send(vec![7; 3_000_000]).await;
    let response = client.response().await;
    assert_eq!(
        (response.result(), response.header("connection")),
        (2005, Some("close"))
    );
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn who_expects_to_be_asked_is_asked_only_for_what_is_wanted() {
    let server = Server::start().await;
    let token = &server.token;
    let expecting = |folder: u64| {
        let path = format!("/uploadfile?folderid={folder}&filename=a&auth={token}");
        format!("PUT {path} HTTP/1.1\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
    };
    let mut client = Client::connect(&server).await;
    client.send(expecting(0)).await;
    assert_eq!(client.response().await.status, 100);
    client.send(vec![7; 100_000]).await;
    assert_eq!(client.response().await.result(), 0);

    client.send(expecting(99)).await;
    let response = client.response().await;
    assert_eq!(
        (response.result(), response.header("connection")),
        (2005, Some("close"))
    );
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_that_is_cut_short_ends_the_connection() {
    let server = Server::start().await;
    let path = format!(
        "/uploadfile?folderid=0&filename=a&nopartial=1&auth={}",
        server.token
    );
    let chunked =
        |body: &str| format!("PUT {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let multipart =
        |body: &str| String::from_utf8(with_body("POST", &path, MULTIPART, body)).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for request in [
        format!("PUT {path} HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhello"),
        format!("PUT {path} HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"),
        chunked("5\r\nhello\r\n"),
        chunked("5\r\nhel"),
        chunked("5\r\nhello\r\n0\r\n"),
        chunked("no number\r\n"),
        chunked("5\r\nhellooo\r\n0\r\n\r\n"),
        multipart(&file("a", "x")),
        multipart("--b\r\nContent-Disposition: form-data; filename=a\r\n"),
        multipart("no boundary"),
        multipart(&field("x", "y")),
        format!("POST /nop HTTP/1.1\r\n{form}Content-Length: 1000\r\n\r\nid=1"),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(&request).await;
        client.end().await;
        // There may be an answer, but it is no success, and the end.
        if !client.is_closed().await {
            let response = client.response().await;
            assert!(
                response.status == 400 || response.result() != 0,
                "{request} {}",
                response.text()
            );
            assert!(client.is_closed().await, "{request}");
        }
    }
    let mut client = Client::connect(&server).await;
    let list = client
        .get(&format!("/listfolder?folderid=0&auth={}", server.token))
        .await;
    assert_eq!(
        list.tree()
            .get("metadata.contents")
            .unwrap()
            .as_list()
            .unwrap()
            .len(),
        0
    );
    drop(client);
    server.connected(0).await;
}

#[tokio::test]
async fn requests_behind_a_body_are_found() {
    let mut uploads = Uploads::new().await;
    let path = uploads.path("&filename=a.txt");
    let next = get("/nop?id=next").into_bytes();
    for request in [
        with_body("PUT", &path, "", "hel\r\n\r\nlo"),
        with_chunks("PUT", &path, "", &[b"hel\r\n\r\n", b"lo"]),
        with_chunks("PUT", &path, "", &[b"hel\r\n\r\nlo"]),
    ] {
        uploads
            .client
            .send([request, next.clone(), next.clone()].concat())
            .await;
        let response = uploads.client.response().await;
        for _ in 0..2 {
            assert_eq!(uploads.client.response().await.id(), "next");
        }
        assert_eq!(
            uploads.files(&response).await,
            [stored("a.txt", "hel\r\n\r\nlo")]
        );
    }
}

#[tokio::test]
async fn feedback_keeps_64_kib_of_a_message() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    // Two bytes a letter, after one of one byte: the bound falls into the middle of a letter.
    let message = format!("x{}", "é".repeat(40_000));
    let form = format!("mail=x@example.net&reason=long&message={message}");
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    client
        .send(with_body("POST", "/feedback", headers, form))
        .await;
    let answer = client.response().await;
    assert_eq!(answer.tree().get("result").unwrap().as_u64(), Some(0));
    let kept = std::fs::read_to_string(server.app.config.data.join("feedback.jsonl")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let kept = kept["message"].as_str().unwrap();
    assert!(message.starts_with(kept));
    assert_eq!(kept.len(), 64 * 1024 - 1);
}
