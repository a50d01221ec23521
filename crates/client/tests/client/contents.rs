//! Uploads, downloads and answers with content.

use std::io;
use std::sync::{Arc, Mutex};

use crate::responder::{Reply, Responder, fields, refusal, scripted};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use pileus_api::args::{FolderRef, IntoFolderArg};
use pileus_api::file::{ReadFile, UploadFile};
use pileus_api::streaming::LinkReply;
use pileus_api::{Code, UnixTime};
use pileus_client::{Body, Client, Error, Options};
use pileus_wire::Tree;

async fn client(url: &str) -> Client {
    Client::connect(url, Options::default()).await.unwrap()
}

fn into_root() -> UploadFile {
    UploadFile {
        folder: IntoFolderArg(FolderRef::Id(0)),
        filename: None,
        nopartial: true,
        progresshash: None,
        renameifexists: false,
        mtime: None,
        ctime: None,
        ifhash: None,
        encrypted: false,
    }
}

fn read(offset: u64, count: u64) -> ReadFile {
    ReadFile {
        fileid: 3,
        hash: None,
        offset,
        count,
    }
}

/// Bytes that differ from place to place.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// A server that takes uploads and says nothing about them but their length, as `fileids`.
async fn taker() -> Responder {
    Responder::start(|call| {
        let name = call.text("filename");
        let data = call.data.unwrap_or_default();
        if data != noise(data.len()) || name != "ä b.txt" {
            return refusal(5001, "not what was sent");
        }
        Reply::Fields(fields([
            ("result", Tree::Num(0)),
            ("fileids", Tree::List(vec![Tree::Num(data.len() as u64)])),
            ("metadata", Tree::List(vec![])),
            ("checksums", Tree::List(vec![])),
        ]))
    })
    .await
}

#[tokio::test]
async fn uploads_of_any_size_arrive() {
    let server = taker().await;
    for url in server.urls() {
        let client = client(&url).await;
        for length in [0, 1, 70_000, 5_000_000] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let sees = Arc::clone(&seen);
            let pieces: Vec<_> = noise(length)
                .chunks(100_000)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            let body = Body::from_stream(length as u64, stream::iter(pieces))
                .on_progress(move |sent| sees.lock().unwrap().push(sent));
            let reply = client.upload(&into_root(), "ä b.txt", body).await.unwrap();
            assert_eq!(reply.fileids, [length as u64]);
            let seen = seen.lock().unwrap();
            assert_eq!(seen.len(), length.div_ceil(100_000));
            assert!(seen.is_sorted());
            assert_eq!(seen.last().copied().unwrap_or(0), length as u64);
        }
    }
}

#[tokio::test]
async fn files_are_uploaded_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    std::fs::write(&path, noise(1_000_000)).unwrap();
    let server = taker().await;
    for url in server.urls() {
        let body = Body::from_file(&path).await.unwrap();
        assert_eq!(body.length(), 1_000_000);
        let reply = client(&url)
            .await
            .upload(&into_root(), "ä b.txt", body)
            .await
            .unwrap();
        assert_eq!(reply.fileids, [1_000_000]);
    }
}

#[tokio::test]
async fn content_of_another_length_than_announced_is_not_sent_as_if_it_were_right() {
    let server = taker().await;
    for url in server.urls() {
        let client = client(&url).await;
        for length in [9, 11] {
            let piece: io::Result<Bytes> = Ok(Bytes::from(noise(10)));
            let body = Body::from_stream(length, stream::iter([piece]));
            let error = client
                .upload(&into_root(), "ä b.txt", body)
                .await
                .err()
                .unwrap();
            assert!(matches!(error, Error::Source(_)), "{error}");
        }
        let body = Body::from_stream(9, stream::iter([Err(io::Error::other("disk"))]));
        let error = client
            .upload(&into_root(), "ä b.txt", body)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, Error::Source(_)), "{error}");
        // Broken connections have not been kept.
        let body = Body::from(noise(10));
        client.upload(&into_root(), "ä b.txt", body).await.unwrap();
    }
}

/// A server may refuse before it has read everything. The rest of the upload is then never read by
/// anybody, so this test ends only because sending does.
#[tokio::test]
async fn an_early_refusal_of_an_upload_is_heard() {
    let json = r#"{"result":2008,"error":"Full."}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{json}",
        json.len()
    );
    let port = scripted(answer).await;
    let client = client(&format!("http://127.0.0.1:{port}")).await;
    let forever = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 65_536])));
    let body = Body::from_stream(u64::MAX, forever);
    let error = client.upload(&into_root(), "x", body).await.err().unwrap();
    assert!(error.is(Code::OVER_QUOTA), "{error}");
}

#[tokio::test]
async fn content_in_answers_is_received() {
    let server = Responder::start(|call| match call.params.uint("count") {
        Some(count) if count > 0 => Reply::Content(noise(count as usize)),
        Some(_) => Reply::Content(Vec::new()),
        None => refusal(1011, "Give count."),
    })
    .await;
    for (before, url) in server.urls().into_iter().enumerate() {
        let client = client(&url).await;
        for count in [0, 1, 3_000_000] {
            let data = client.call_for_data(&read(0, count)).await.unwrap();
            assert_eq!(data.length(), Some(count));
            assert_eq!(data.collect().await.unwrap(), noise(count as usize));
        }
        let data = client.call_for_data(&read(0, 500_000)).await.unwrap();
        let pieces: Vec<Bytes> = data.into_stream().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), noise(500_000));
        // Each of them gave its connection back.
        assert_eq!(server.connections(), before + 1);
    }
}

#[tokio::test]
async fn a_refusal_in_place_of_content_is_an_error() {
    let server = Responder::start(|_| refusal(2009, "Gone.")).await;
    for url in server.urls() {
        let error = client(&url)
            .await
            .call_for_data(&read(0, 1))
            .await
            .err()
            .unwrap();
        assert!(error.is(Code::FILE_MISSING), "{error}");
    }
}

fn link(hosts: Vec<String>) -> LinkReply {
    LinkReply {
        path: "/secret/file%20name.bin".into(),
        hosts,
        expires: UnixTime(0),
        dwltag: "t".into(),
        hash: 1,
        size: 1000,
    }
}

/// Serves 1000 bytes, whole or by range, and nothing to those who bring credentials.
async fn content_server() -> Responder {
    Responder::start(|call| {
        let content: String = (0..1000)
            .map(|at| char::from(b'a' + at as u8 % 26))
            .collect();
        if call.headers.contains_key("authorization") || call.params.get("auth").is_some() {
            return Reply::Http("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n".into());
        }
        let Some(range) = call.headers.get("range") else {
            return Reply::Content(content.into_bytes());
        };
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let first: usize = first.parse().unwrap();
        let last: usize = last.parse().unwrap_or(999).min(999).max(first);
        Reply::Http(match content.get(first..=last) {
            None => "HTTP/1.1 416 No\r\nContent-Length: 4\r\n\r\nnope".into(),
            Some(part) => format!(
                "HTTP/1.1 206 Part\r\nContent-Length: {}\r\n\
                 Content-Range: bytes {first}-{last}/1000\r\n\r\n{part}",
                part.len()
            ),
        })
    })
    .await
}

#[tokio::test]
async fn links_are_downloaded_whole_and_in_parts() {
    let server = content_server().await;
    for url in server.urls() {
        let client = client(&url).await.with_bearer("secret");
        let link = link(vec![server.host()]);
        let all = client.download(&link, ..).await.unwrap();
        assert_eq!((all.start, all.size), (0, 1000));
        let all = all.data.collect().await.unwrap();
        assert_eq!(all.len(), 1000);
        for (part, expected) in [
            (client.download(&link, 10..20).await.unwrap(), &all[10..20]),
            (client.download(&link, 990..).await.unwrap(), &all[990..]),
            (
                client.download(&link, 990..5000).await.unwrap(),
                &all[990..],
            ),
        ] {
            assert_eq!(part.size, 1000);
            assert_eq!(part.data.collect().await.unwrap(), expected);
        }
        let error = client.download(&link, 1000..).await.unwrap_err();
        assert!(matches!(error, Error::Http { status: 416 }), "{error}");
    }
}

#[tokio::test]
async fn another_host_is_tried_if_one_cannot_be_reached() {
    let server = content_server().await;
    // A port that was free a moment ago.
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = unused.local_addr().unwrap().to_string();
    drop(unused);
    let client = client(&server.url("bin")).await;
    let part = client
        .download(&link(vec![dead.clone(), server.host()]), ..9)
        .await
        .unwrap();
    assert_eq!(part.data.collect().await.unwrap(), "abcdefghi");
    let error = client.download(&link(vec![dead]), ..).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    let error = client.download(&link(vec![]), ..).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_sends_another_part_is_found_out() {
    for (answer, range) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 1..),
        (
            "HTTP/1.1 206 OK\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc",
            1..,
        ),
        ("HTTP/1.1 206 OK\r\nContent-Length: 3\r\n\r\nabc", 1..),
    ] {
        let port = scripted(answer).await;
        let client = client(&format!("http://127.0.0.1:{port}")).await;
        let link = link(vec![format!("127.0.0.1:{port}")]);
        let error = client.download(&link, range).await.unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_is_an_error() {
    let port = scripted("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
    let client = client(&format!("http://127.0.0.1:{port}")).await;
    let link = link(vec![format!("127.0.0.1:{port}")]);
    let mut download = client.download(&link, ..).await.unwrap();
    assert_eq!(
        download.data.chunk().await.unwrap(),
        Some(Bytes::from("abc"))
    );
    let error = download.data.chunk().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
}
