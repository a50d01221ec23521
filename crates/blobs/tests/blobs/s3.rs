//! What only a network service can show.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use pileus_blobs::{BlobKey, BlobStore, Error, S3Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::site::{BUCKET, Site, content, list, read, s3_config, store_blob, write};

const MIB: usize = 1024 * 1024;

/// How long a service that is away may be waited for, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

fn at(address: SocketAddr, site: &Site) -> BlobStore {
    let endpoint = Some(format!("http://{address}"));
    let config = S3Config {
        endpoint,
        ..s3_config(site.server.as_ref().unwrap())
    };
    BlobStore::s3(&config).unwrap()
}

/// Asserts that every operation says that the service is away, soon.
async fn assert_away(store: &BlobStore, key: &BlobKey) {
    let start = Instant::now();
    let (small, large) = (content(1, 100_000), content(2, 9 * MIB));
    let (read, size, deleted, listed, probed, small, large) = tokio::join!(
        read(store, key, 0..1),
        store.size(key),
        store.delete(key),
        list(store),
        store.probe(),
        write(store, 0, &small, 10_000),
        write(store, 0, &large, MIB),
    );
    let elapsed = start.elapsed();
    assert!(elapsed < PATIENCE, "{elapsed:?}");
    let errors = [
        read.unwrap_err(),
        size.unwrap_err(),
        deleted.unwrap_err(),
        listed.unwrap_err(),
        probed.unwrap_err(),
        small.unwrap_err(),
        large.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.is_temporary());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_is_away() {
    let mut site = Site::s3().await;
    let key = store_blob(&site.store, &content(1, 100_000)).await;
    // One writer is in the middle of a multipart upload, one reader in the middle of a blob.
    let large = store_blob(&site.store, &content(2, 40 * MIB)).await;
    let mut reader = site.store.read(&large, 0..40 * MIB as u64).await.unwrap();
    reader.try_next().await.unwrap().unwrap();
    let mut writer = site.store.writer(0);
    writer.write(content(3, 20 * MIB)).await.unwrap();

    site.server = None;
    let written = async {
        loop {
            if let Err(error) = writer.write(content(4, 8 * MIB)).await {
                return error;
            }
        }
    };
    let (written, read) = tokio::join!(written, reader.try_collect::<Vec<_>>());
    assert!(matches!(written, Error::Unavailable { .. }), "{written:?}");
    assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
    assert_away(&site.store, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_says_nothing_is_away() {
    let site = Site::s3().await;
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let store = at(silent.local_addr().unwrap(), &site);
    let accepting = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            connections.push(connection);
        }
    });
    assert_away(&store, &BlobKey::from_bytes([1; 16])).await;
    accepting.abort();
}

/// Forwards connections to `target` and cuts each one after `limit` bytes of answer.
async fn cutting_proxy(target: SocketAddr, limit: u64) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(target).await?;
                let (mut from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let mut answer = from_server.take(limit);
                tokio::select! {
                    copied = tokio::io::copy(&mut answer, &mut to_client) => copied?,
                    copied = tokio::io::copy(&mut from_client, &mut to_server) => copied?,
                };
                to_client.shutdown().await
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_where_the_connection_broke() {
    let site = Site::s3().await;
    let content = content(1, 5 * MIB);
    let key = store_blob(&site.store, &content).await;
    // A dozen cuts: more than are forgiven without any progress.
    let server = site.server.as_ref().unwrap().address;
    let proxy = cutting_proxy(server, 400 * 1024).await;
    let back = read(&at(proxy, &site), &key, 1..5 * MIB as u64)
        .await
        .unwrap();
    assert!(back == content[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_always_breaks_is_given_up() {
    let site = Site::s3().await;
    let key = store_blob(&site.store, &content(1, 100_000)).await;
    let server = site.server.as_ref().unwrap().address;
    let proxy = cutting_proxy(server, 20).await;
    let result = read(&at(proxy, &site), &key, 0..100_000).await;
    assert!(
        matches!(result, Err(Error::Unavailable { .. })),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused() {
    let site = Site::s3().await;
    let config = s3_config(site.server.as_ref().unwrap());
    let store = BlobStore::s3(&S3Config {
        secret_key: "wrong".to_owned(),
        ..config
    })
    .unwrap();
    let written = write(&store, 0, &content(1, 100_000), 10_000).await;
    assert!(matches!(written, Err(Error::Denied { .. })), "{written:?}");
    let probed = store.probe().await;
    assert!(matches!(probed, Err(Error::Denied { .. })), "{probed:?}");
    assert!(list(&store).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_not_a_missing_blob() {
    let site = Site::s3().await;
    let config = s3_config(site.server.as_ref().unwrap());
    let store = BlobStore::s3(&S3Config {
        bucket: "other".to_owned(),
        ..config
    })
    .unwrap();
    // Writing is not tried: this service makes buckets by itself.
    let listed = list(&store).await;
    assert!(
        matches!(listed, Err(Error::Unavailable { .. })),
        "{listed:?}"
    );
}

#[tokio::test]
async fn impossible_configurations_are_refused() {
    let config = S3Config {
        endpoint: Some("https://s3.example.com".to_owned()),
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "secret".to_owned(),
        prefix: String::new(),
        allow_http: false,
    };
    assert!(BlobStore::s3(&config).is_ok());
    let no_bucket = S3Config {
        bucket: String::new(),
        ..config.clone()
    };
    let odd_prefix = S3Config {
        prefix: "a//b".to_owned(),
        ..config.clone()
    };
    let in_clear = S3Config {
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..config.clone()
    };
    let no_url = S3Config {
        endpoint: Some("s3.example.com".to_owned()),
        ..config
    };
    for config in [no_bucket, odd_prefix, in_clear, no_url] {
        assert!(BlobStore::s3(&config).is_err(), "{config:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_object_is_damaged() {
    let site = Site::s3().await;
    let key = store_blob(&site.store, &content(1, 100_000)).await;
    let name = key.to_string();
    let bucket = site.dir.path().join(BUCKET);
    let object = bucket
        .join("some/prefix/blobs")
        .join(&name[..2])
        .join(&name[2..4])
        .join(&name);
    fs::File::options()
        .write(true)
        .open(object)
        .unwrap()
        .set_len(50_000)
        .unwrap();
    for range in [0..100_000, 50_000..100_000, 99_999..100_000] {
        let result = read(&site.store, &key, range).await;
        assert!(matches!(result, Err(Error::Corrupt { .. })), "{result:?}");
    }
    assert_eq!(
        read(&site.store, &key, 0..50_000).await.unwrap().len(),
        50_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_objects_are_not_listed() {
    let site = Site::s3().await;
    let key = store_blob(&site.store, &content(1, 100_000)).await;
    let bucket = site.dir.path().join(BUCKET);
    fs::write(bucket.join("some/prefix/blobs/notes.txt"), "somebody's own").unwrap();
    fs::write(bucket.join("notes.txt"), "somebody's own").unwrap();
    let listed = list(&site.store).await.unwrap();
    assert_eq!(
        listed.iter().map(|listed| listed.key).collect::<Vec<_>>(),
        [key]
    );
}
