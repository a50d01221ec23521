//! Fetching from URLs, through a crash of the server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use pileus_api::args::{FileRef, FolderRef, IntoFolderArg, VersionArg};
use pileus_api::file::{ChecksumFile, DownloadArg, DownloadFileAsync, UploadProgress};
use pileus_api::progress::{Downloading, ProgressReply};
use pileus_client::{Client, Options};
use rustix::process::Signal;
use sha1::Digest;

use crate::server::{PASSWORD, Server, USER, noise};

const FLAGS: [&str; 2] = ["--set", "downloads.allow=127.0.0.0/8"];
const BYTES: usize = 3_000_000;

/// Where the files come from. The second one does not come to its end when it is asked for first.
#[derive(Default)]
struct Source {
    first: AtomicU64,
    second: AtomicU64,
}

impl Source {
    fn start() -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let source = Arc::new(Self::default());
        let shared = Arc::clone(&source);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (source, stream) = (Arc::clone(&shared), stream.unwrap());
                thread::spawn(move || source.answer(stream));
            }
        });
        (address, source)
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut head = [0; 1024];
        let read = stream.read(&mut head).unwrap();
        let is_first = head[..read].starts_with(b"GET /first");
        let bytes = noise(BYTES);
        let visits = if is_first { &self.first } else { &self.second };
        let visit = visits.fetch_add(1, Ordering::SeqCst);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n");
        if !is_first && visit == 0 {
            let _ = stream.write_all(&bytes[..BYTES / 2]);
            // Until the other side is gone.
            let _ = stream.read(&mut head);
        } else {
            let _ = stream.write_all(&bytes);
        }
    }
}

async fn client(server: &Server) -> Client {
    let url = format!("http://{}", server.address);
    let client = Client::connect(&url, Options::default()).await.unwrap();
    client.login(USER, PASSWORD).await.unwrap();
    client
}

/// The progress, once it is as expected.
async fn progress(client: &Client, is_expected: impl Fn(&Downloading) -> bool) -> Downloading {
    let asked = UploadProgress {
        progresshash: "key".into(),
    };
    for _ in 0..600 {
        let ProgressReply::Download(progress) = client.call(&asked).await.unwrap() else {
            panic!("that is no upload");
        };
        if is_expected(&progress) {
            return progress;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the download does not go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_after_a_crash() {
    let mut server = Server::start_with(&FLAGS);
    let (address, source) = Source::start();
    let before = client(&server).await;
    let order = DownloadArg {
        url: format!("http://{address}/first http://{address}/second"),
        folder: IntoFolderArg(FolderRef::Id(0)),
        target: None,
        progresshash: Some("key".into()),
    };
    before.call(&DownloadFileAsync { order }).await.unwrap();
    let half = progress(&before, |progress| {
        progress.urlready == 1 && source.second.load(Ordering::SeqCst) == 1
    });
    let first = half.await.files[0].metadata.clone().unwrap();
    drop(before);
    server.stop(Signal::KILL);
    server.start_again(&FLAGS);

    let after = client(&server).await;
    let whole = progress(&after, |progress| progress.finished).await;
    assert_eq!(whole.urlready, 2);
    assert_eq!(whole.files[0].metadata.as_ref(), Some(&first));
    assert_eq!(
        source.first.load(Ordering::SeqCst),
        1,
        "what is there is not fetched again"
    );
    assert_eq!(source.second.load(Ordering::SeqCst), 2);
    let second = whole.files[1].metadata.as_ref().unwrap();
    assert_eq!(second.name, "second");
    let file = VersionArg {
        file: FileRef::Id(second.file().unwrap().fileid),
        revisionid: None,
    };
    let checksums = after.call(&ChecksumFile { file }).await.unwrap();
    assert_eq!(
        checksums.sha1,
        hex::encode(sha1::Sha1::digest(noise(BYTES)))
    );
}
