//! Working files, on each back end.

use std::fs;
use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;
use pileus_blobs::{Digests, Error, Piece, WorkingDir, WorkingFile};

use crate::site::{Site, content, list, names_in, read, store_blob};

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
async fn several_pieces_are_written_and_read_at_once() {
    for site in sites().await {
        let dir = working(&site).await;
        let key = store_blob(&site.store, &content(1, MIB)).await;
        let mut expected = content(1, MIB).to_vec();
        let file = dir.create_over(1, &key, MIB as u64).await.unwrap();
        let pieces = [
            (10_u64, "first"),
            (12, "other"),
            (u64::MAX, "lost"),
            (MIB as u64 + 7, "end"),
        ];
        let written = file.write_all(pieces.map(|(at, text)| (at, text.into())).to_vec());
        let written: Vec<bool> = written.await.unwrap().iter().map(Result::is_ok).collect();
        assert_eq!(written, [true, true, false, true]);
        assert_eq!(file.size(), MIB as u64 + 10);
        expected[10..17].copy_from_slice(b"fiother");
        expected.extend(b"\0\0\0\0\0\0\0end");
        let ranges = vec![0..100, 5..5, 4000..200_000, 0..file.size()];
        let read = file.read_all(ranges.clone()).await.unwrap();
        let wanted = ranges
            .iter()
            .map(|range| &expected[range.start as usize..range.end as usize]);
        assert!(read.iter().eq(wanted));

        let ranges = vec![0..100, 5..5, 300_000..MIB as u64];
        let whole = content(1, MIB);
        for keeps in [false, true] {
            let read = site.store.read_all(&key, ranges.clone(), keeps);
            let mut kept = 0;
            for (range, piece) in ranges.iter().zip(read.await.unwrap()) {
                kept += usize::from(matches!(piece, Piece::Kept(_)));
                let wanted = &whole[range.start as usize..range.end as usize];
                assert!(piece.into_bytes().unwrap() == wanted);
            }
            assert_eq!(kept, usize::from(keeps && site.is_disk()));
            let too_far = vec![0..1, 0..MIB as u64 + 1];
            assert!(site.store.read_all(&key, too_far, keeps).await.is_err());
        }
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

/// Compares a file, or what it became, with what it has to be.
async fn assert_holds(file: &WorkingFile, expected: &[u8]) {
    assert_eq!(file.size(), expected.len() as u64);
    assert!(bytes_of(file, 0..file.size()).await == expected);
}

#[tokio::test]
async fn a_file_over_a_blob_is_changed_and_the_blob_is_not() {
    for site in sites().await {
        let dir = working(&site).await;
        let original = content(1, 3 * MIB + 1000);
        let key = store_blob(&site.store, &original).await;
        let file = dir
            .create_over(1, &key, original.len() as u64)
            .await
            .unwrap();
        let mut expected = original.to_vec();
        assert_holds(&file, &expected).await;
        // Within a block, over the edge of one, whole blocks, and over the end.
        for (seed, offset, length) in [
            (2, 10, 20),
            (3, 8190, 4),
            (4, 40_000, 100_000),
            (5, 4096 * 20, 4096),
            (6, 3 * MIB + 990, 5000),
            (7, 0, 1),
        ] {
            let bytes = content(seed, length);
            expected.resize(expected.len().max(offset + length), 0);
            expected[offset..offset + length].copy_from_slice(&bytes);
            file.write_at(offset as u64, bytes).await.unwrap();
            assert_holds(&file, &expected).await;
        }
        // What was cut off does not come back.
        for size in [2 * MIB + 77, 4 * MIB, 3 * MIB] {
            expected.resize(size, 0);
            file.set_size(size as u64).await.unwrap();
            assert_holds(&file, &expected).await;
        }
        file.write_at(5 * MIB as u64, "far away".into())
            .await
            .unwrap();
        expected.resize(5 * MIB, 0);
        expected.extend(b"far away");
        assert_holds(&file, &expected).await;

        // It is found again as it was, by a process that goes on.
        drop(file);
        let file = dir.reopen(1).await.unwrap().unwrap();
        assert_holds(&file, &expected).await;
        let published = file.publish().await.unwrap();
        dir.remove(1).await.unwrap();
        let size = expected.len() as u64;
        let is_disk = site.leftovers().is_empty() && published.base.is_some();
        assert_eq!(published.base, is_disk.then_some(key));
        assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
        assert!(
            read(&site.store, &key, 0..original.len() as u64)
                .await
                .unwrap()
                == original
        );

        // Once it is settled it needs nothing else.
        let digests = site.store.settle(&published.key, size).await.unwrap();
        assert_eq!(digests, Digests::of(&expected));
        site.store.delete(&key).await.unwrap();
        assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
        assert_eq!(
            site.store.settle(&published.key, size).await.unwrap(),
            digests
        );
        site.store.delete(&published.key).await.unwrap();
        assert!(list(&site.store).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_chain_of_changes_stays_short() {
    let site = Site::disk().await;
    let dir = working(&site).await;
    let mut expected = content(1, 4 * MIB).to_vec();
    let first = store_blob(&site.store, &Bytes::from(expected.clone())).await;
    let mut key = first;
    for round in 0..20 {
        let file = dir
            .create_over(round, &key, expected.len() as u64)
            .await
            .unwrap();
        assert_eq!(file.base(), Some(first));
        let (offset, bytes) = (round as usize * 100_000, content(round as u64 + 2, 5000));
        expected[offset..offset + 5000].copy_from_slice(&bytes);
        file.write_at(offset as u64, bytes).await.unwrap();
        key = file.publish().await.unwrap().key;
        dir.remove(round).await.unwrap();
        assert!(
            read(&site.store, &key, 0..expected.len() as u64)
                .await
                .unwrap()
                == expected
        );
    }
    assert!(dir.list().await.unwrap().is_empty());
    let digests = site
        .store
        .settle(&key, expected.len() as u64)
        .await
        .unwrap();
    assert_eq!(digests, Digests::of(&expected));
}

#[tokio::test]
async fn settling_goes_on_where_it_was_interrupted() {
    let site = Site::disk().await;
    let dir = working(&site).await;
    let original = content(1, 2 * MIB);
    let key = store_blob(&site.store, &original).await;
    let file = dir
        .create_over(1, &key, original.len() as u64)
        .await
        .unwrap();
    file.write_at(MIB as u64, content(2, 10)).await.unwrap();
    let published = file.publish().await.unwrap();
    let mut expected = original.to_vec();
    expected[MIB..MIB + 10].copy_from_slice(&content(2, 10));
    let size = expected.len() as u64;
    for _ in 0..3 {
        let settling = site.store.settle(&published.key, size);
        // Dropped somewhere on the way.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), settling).await;
        assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
    }
    site.store.settle(&published.key, size).await.unwrap();
    assert!(read(&site.store, &published.key, 0..size).await.unwrap() == expected);
}

#[tokio::test]
async fn whoever_looks_need_not_open_the_directory() {
    let site = Site::disk().await;
    let folder = site.dir.path().join("working");
    let look = || async { WorkingDir::look(&folder).await.unwrap() };
    assert_eq!((look().await.name, look().await.files), (None, Vec::new()));
    let dir = working(&site).await;
    let file = dir.create(3).await.unwrap();
    file.write_at(0, "bytes".into()).await.unwrap();
    fs::write(folder.join("7.over"), "a record").unwrap();
    let look = look().await;
    assert_eq!(look.name.as_deref(), Some(dir.name()));
    let seen: Vec<_> = look.files.iter().map(|file| (file.id, file.size)).collect();
    assert_eq!(seen, [(3, Some(5)), (7, None)]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_secs().abs_diff(look.files[0].modified);
    assert!(age < 60, "{age}");
}

#[tokio::test]
async fn a_file_that_was_not_begun_to_its_end_is_none() {
    let site = Site::disk().await;
    let dir = working(&site).await;
    fs::write(site.dir.path().join("working/7.new"), "half").unwrap();
    fs::write(site.dir.path().join("working/7.over"), "a record").unwrap();
    assert!(dir.reopen(7).await.unwrap().is_none());
    assert_eq!(dir.list().await.unwrap(), [7]);
    dir.remove(7).await.unwrap();
    assert!(dir.list().await.unwrap().is_empty());
    let missing = store_blob(&site.store, &content(1, 10)).await;
    site.store.delete(&missing).await.unwrap();
    let refused = dir.create_over(8, &missing, 10).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
}
