//! Measures the blob store on a directory: `cargo run --release -p pileus-blobs --example
//! speed -- DIR`.
//!
//! Prints one line per figure. What is written is removed again.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use pileus_blobs::{BlobKey, BlobStore, Digests, Place};
use sha1::Digest as _;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let dir = std::env::args().nth(1).ok_or("usage: speed DIR")?;
    let dir = tempfile::tempdir_in(dir)?;
    let store = BlobStore::disk(dir.path()).await?;

    hashes();
    small_contents(&store).await?;
    large_content(&store).await?;
    many_writers(&store).await?;
    Ok(())
}

/// What the processor can do: the limits for everything else.
fn hashes() {
    let content = vec![0x5a; 64 * MIB];
    let rate = |name: &str, hash: &dyn Fn(&[u8])| {
        let start = Instant::now();
        for batch in content.chunks(256 * KIB) {
            hash(batch);
        }
        report_rate(name, content.len(), start.elapsed());
    };
    rate("MD5 of the md-5 crate", &|bytes| {
        _ = black_box(md5::Md5::digest(bytes))
    });
    rate("SHA-1", &|bytes| _ = black_box(sha1::Sha1::digest(bytes)));
    rate("SHA-256", &|bytes| {
        _ = black_box(sha2::Sha256::digest(bytes))
    });
    rate("all hashes on one thread", &|bytes| {
        _ = black_box(Digests::of(bytes))
    });
    for size in [4 * KIB, 32 * KIB] {
        let start = Instant::now();
        for _ in 0..1000 {
            black_box(Digests::of(black_box(&content[..size])));
        }
        let micros = start.elapsed().as_secs_f64() * 1e6 / 1000.0;
        println!(
            "{:<44} {micros:>9.1} µs",
            format!("all hashes of {} KiB", size / KIB)
        );
    }
}

async fn small_contents(store: &BlobStore) -> Result<()> {
    for size in [4 * KIB, 32 * KIB] {
        let content = Bytes::from(vec![0x5a; size]);
        let rounds = 5000;
        let start = Instant::now();
        for _ in 0..rounds {
            write(store, 32 * KIB, &content, 16 * KIB).await?;
        }
        report_each(
            &format!("inline content of {} KiB", size / KIB),
            rounds,
            start.elapsed(),
        );
    }
    for size in [40 * KIB, 200 * KIB, MIB] {
        let content = Bytes::from(vec![0x5a; size]);
        let rounds = 100;
        let mut keys = Vec::new();
        let start = Instant::now();
        for _ in 0..rounds {
            keys.push(write(store, 32 * KIB, &content, 16 * KIB).await?);
        }
        report_each(
            &format!("durable blob of {} KiB", size / KIB),
            rounds,
            start.elapsed(),
        );
        let start = Instant::now();
        for key in keys.iter().flatten() {
            read(store, key, size).await?;
        }
        report_each(
            &format!("cached read of {} KiB", size / KIB),
            rounds,
            start.elapsed(),
        );
        delete(store, keys).await?;
    }
    Ok(())
}

async fn large_content(store: &BlobStore) -> Result<()> {
    let content = Bytes::from(vec![0x5a; GIB]);
    for piece in [16 * KIB, 64 * KIB, MIB] {
        for _ in 0..2 {
            let start = Instant::now();
            let key = write(store, 32 * KIB, &content, piece).await?;
            let name = format!("durable 1 GiB from pieces of {} KiB", piece / KIB);
            report_rate(&name, GIB, start.elapsed());
            let start = Instant::now();
            if let Some(key) = &key {
                read(store, key, GIB).await?;
            }
            report_rate("cached read of 1 GiB", GIB, start.elapsed());
            delete(store, vec![key]).await?;
        }
    }
    Ok(())
}

async fn many_writers(store: &BlobStore) -> Result<()> {
    for (writers, size) in [(64, 100 * KIB), (16, 32 * MIB)] {
        let content = Bytes::from(vec![0x5a; size]);
        let start = Instant::now();
        let tasks = (0..writers).map(|_| {
            let (store, content) = (store.clone(), content.clone());
            tokio::spawn(async move { write(&store, 32 * KIB, &content, 16 * KIB).await })
        });
        let keys = try_join_all(tasks).await?;
        let elapsed = start.elapsed();
        let name = format!("{writers} at once, durable, {} KiB each", size / KIB);
        report_rate(&name, writers * size, elapsed);
        report_each(&name, writers, elapsed);
        delete(store, keys.into_iter().collect::<Result<_>>()?).await?;
    }
    Ok(())
}

async fn write(
    store: &BlobStore,
    inline_max: usize,
    content: &Bytes,
    piece: usize,
) -> Result<Option<BlobKey>> {
    let mut writer = store.writer(inline_max);
    let mut rest = content.clone();
    while !rest.is_empty() {
        writer.write(rest.split_to(piece.min(rest.len()))).await?;
    }
    Ok(match writer.finish().await?.place {
        Place::Inline(_) => None,
        Place::Key(key) => Some(key),
    })
}

async fn read(store: &BlobStore, key: &BlobKey, size: usize) -> Result<()> {
    let mut reader = store.read(key, 0..size as u64).await?;
    while let Some(chunk) = reader.try_next().await? {
        black_box(chunk);
    }
    Ok(())
}

async fn delete(store: &BlobStore, keys: Vec<Option<BlobKey>>) -> Result<()> {
    for key in keys.into_iter().flatten() {
        store.delete(&key).await?;
    }
    Ok(())
}

fn report_rate(name: &str, bytes: usize, elapsed: Duration) {
    let rate = bytes as f64 / 1e6 / elapsed.as_secs_f64();
    println!(
        "{name:<44} {rate:>9.0} MB/s  ({:.3} s)",
        elapsed.as_secs_f64()
    );
}

fn report_each(name: &str, rounds: usize, elapsed: Duration) {
    let micros = elapsed.as_secs_f64() * 1e6 / rounds as f64;
    println!("{name:<44} {micros:>9.1} µs each");
}
