//! Stores on fresh ground, and what tests need to look at them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt;
use pileus_blobs::{BlobKey, BlobStore, Digests, Error, Listed, Place, S3Config, Stored};
use tempfile::TempDir;

use crate::s3_server::S3Server;

pub const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";
pub const BUCKET: &str = "bucket";

/// A store and the ground it stands on.
pub struct Site {
    pub store: BlobStore,
    pub dir: TempDir,
    pub server: Option<S3Server>,
    /// Where unfinished things lie, and how their names begin.
    unfinished: Option<(PathBuf, &'static str)>,
}

impl Site {
    pub async fn memory() -> Self {
        let store = BlobStore::memory().unwrap();
        Self {
            store,
            dir: TempDir::new().unwrap(),
            server: None,
            unfinished: None,
        }
    }

    pub async fn disk() -> Self {
        let dir = TempDir::new().unwrap();
        let store = BlobStore::disk(dir.path()).await.unwrap();
        let unfinished = Some((dir.path().join("staging"), ""));
        Self {
            store,
            dir,
            server: None,
            unfinished,
        }
    }

    pub async fn s3() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let server = S3Server::start(dir.path(), ACCESS_KEY, SECRET_KEY).unwrap();
        let store = BlobStore::s3(&s3_config(&server)).unwrap();
        let unfinished = Some((dir.path().to_owned(), ".upload"));
        Self {
            store,
            dir,
            server: Some(server),
            unfinished,
        }
    }

    /// Whether blobs are files.
    pub fn is_disk(&self) -> bool {
        self.server.is_none() && self.unfinished.is_some()
    }

    /// What unfinished writers have left behind up to now.
    pub fn leftovers(&self) -> Vec<String> {
        let Some((dir, prefix)) = &self.unfinished else {
            return Vec::new();
        };
        let names = names_in(dir);
        names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect()
    }

    /// Waits until nothing is left behind: writers clean up in the background.
    pub async fn wait_until_clean(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.leftovers().is_empty() {
            assert!(
                Instant::now() < deadline,
                "left behind: {:?}",
                self.leftovers()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub fn s3_config(server: &S3Server) -> S3Config {
    S3Config {
        endpoint: Some(format!("http://{}", server.address)),
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        prefix: "some/prefix".to_owned(),
        allow_http: true,
    }
}

pub fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// `size` bytes that do not repeat, different for each `seed`.
pub fn content(seed: u64, size: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// Writes `content` in pieces, as it would come from the network.
pub async fn write(
    store: &BlobStore,
    inline_max: usize,
    content: &Bytes,
    piece: usize,
) -> Result<Stored, Error> {
    let mut writer = store.writer(inline_max);
    let mut rest = content.clone();
    while !rest.is_empty() {
        writer.write(rest.split_to(piece.min(rest.len()))).await?;
    }
    assert_eq!(writer.written(), content.len() as u64);
    writer.finish().await
}

/// Writes `content` as a blob.
pub async fn store_blob(store: &BlobStore, content: &Bytes) -> BlobKey {
    let stored = write(store, 0, content, 64 * 1024).await.unwrap();
    assert_eq!(stored.digests, Digests::of(content));
    let Place::Key(key) = stored.place else {
        panic!("{} bytes came back", content.len())
    };
    key
}

pub async fn read(
    store: &BlobStore,
    key: &BlobKey,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, Error> {
    let chunks: Vec<Bytes> = store.read(key, range).await?.try_collect().await?;
    for chunk in &chunks {
        assert!(!chunk.is_empty() && chunk.len() <= pileus_blobs::READ_CHUNK_BYTES);
    }
    Ok(chunks.concat())
}

pub async fn list(store: &BlobStore) -> Result<Vec<Listed>, Error> {
    let mut listed: Vec<_> = store.list().try_collect().await?;
    listed.sort_by_key(|listed| listed.key);
    Ok(listed)
}
