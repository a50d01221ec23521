//! Working files, on each back end.

use std::fs;
use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;
use pileus_blobs::{Digests, Error, WorkingDir, WorkingFile};

use crate::site::{Site, content, list, names_in, read};

const MIB: usize = 1024 * 1024;

async fn sites() -> [Site; 3] {
    [Site::memory().await, Site::disk().await, Site::s3().await]
}

async fn working(site: &Site) -> WorkingDir {
    let dir = site.dir.path().join("working");
    WorkingDir::open(&site.store, dir).await.unwrap()
}

async fn bytes_of(file: &WorkingFile, range: Range<u64>) -> Vec<u8> {
    let chunks: Vec<Bytes> = file.read(range).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn a_file_is_written_anywhere_and_published() {
    for site in sites().await {
        let dir = working(&site).await;
        let file = dir.create(7).await.unwrap();
        assert_eq!((file.id(), file.size()), (7, 0));
        let mut expected = vec![0; 3 * MIB];
        for (seed, offset) in [(1, 2 * MIB), (2, 0), (3, 100)] {
            let bytes = content(seed, MIB);
            expected[offset..offset + MIB].copy_from_slice(&bytes);
            file.write_at(offset as u64, bytes).await.unwrap();
        }
        assert_eq!(file.size(), 3 * MIB as u64);
        assert!(bytes_of(&file, 0..3 * MIB as u64).await == expected);
        assert!(bytes_of(&file, 90..200).await == expected[90..200]);
        file.set_size(2 * MIB as u64).await.unwrap();
        file.set_size(2 * MIB as u64 + 5).await.unwrap();
        expected.truncate(2 * MIB);
        expected.extend([0; 5]);

        let published = file.publish().await.unwrap();
        let size = expected.len() as u64;
        let digests = Digests::of(&expected);
        assert!(published.digests.is_none_or(|known| known == digests));
        assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
        // It can be read until it is removed, and not be written any more.
        assert!(bytes_of(&file, 0..size).await == expected);
        let refused = file.write_at(0, "late".into()).await;
        assert!(matches!(refused, Err(Error::Io { .. })));
        dir.remove(7).await.unwrap();
        dir.remove(7).await.unwrap();
        assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
        assert_eq!(list(&site.store).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_written_is_found_again() {
    for site in sites().await {
        let dir = working(&site).await;
        let file = dir.create(1).await.unwrap();
        file.write_at(10, "kept".into()).await.unwrap();
        file.sync().await.unwrap();
        dir.create(2).await.unwrap();
        let name = dir.name().to_owned();
        drop((file, dir));
        let dir = working(&site).await;
        assert_eq!(dir.name(), name);
        let mut ids = dir.list().await.unwrap();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2]);
        let file = dir.reopen(1).await.unwrap().unwrap();
        assert_eq!(bytes_of(&file, 8..14).await, b"\0\0kept");
        assert!(dir.reopen(3).await.unwrap().is_none());
        assert!(dir.create(2).await.is_err());
    }
}

#[tokio::test]
async fn a_blob_that_nobody_wanted_does_not_end_the_file() {
    for site in sites().await {
        let dir = working(&site).await;
        let file = dir.create(1).await.unwrap();
        file.write_at(0, content(1, 100_000)).await.unwrap();
        let published = file.publish().await.unwrap();
        site.store.delete(&published.key).await.unwrap();
        let file = dir.reopen(1).await.unwrap().unwrap();
        file.write_at(100_000, "more".into()).await.unwrap();
        let published = file.publish().await.unwrap();
        let end = read(&site.store, &published.key, 100_000..100_004).await;
        assert_eq!(end.unwrap(), b"more");
    }
}

#[tokio::test]
async fn two_processes_do_not_work_in_one_directory() {
    let site = Site::disk().await;
    let dir = working(&site).await;
    let again = WorkingDir::open(&site.store, site.dir.path().join("working")).await;
    assert!(again.is_err());
    drop(dir);
    working(&site).await;
}

#[tokio::test]
async fn foreign_files_are_left_alone() {
    let site = Site::disk().await;
    let dir = working(&site).await;
    let path = site.dir.path().join("working");
    fs::write(path.join("notes.txt"), "somebody's own").unwrap();
    assert!(dir.list().await.unwrap().is_empty());
    assert!(names_in(&path).contains(&"notes.txt".to_owned()));
}

#[tokio::test]
async fn offsets_have_an_end() {
    let site = Site::disk().await;
    let file = working(&site).await.create(1).await.unwrap();
    for offset in [u64::MAX, i64::MAX as u64] {
        assert!(file.write_at(offset, "x".into()).await.is_err());
    }
    assert_eq!(file.size(), 0);
}
