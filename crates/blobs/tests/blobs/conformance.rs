//! What a caller can rely on, whatever the back end.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use pileus_blobs::{BlobKey, Digests, Error, Place};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::site::{Site, content, list, read, store_blob, write};

const MIB: usize = 1024 * 1024;

/// Declares each check as a test of each back end.
macro_rules! on_every_backend {
    ($($check:ident),* $(,)?) => {
        on_every_backend!(@ memory: $($check),*);
        on_every_backend!(@ disk: $($check),*);
        on_every_backend!(@ s3: $($check),*);
    };
    (@ $backend:ident: $($check:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $check() {
                    let site = crate::site::Site::$backend().await;
                    super::$check(&site).await;
                    site.wait_until_clean().await;
                }
            )*
        }
    };
}

on_every_backend!(
    what_is_written_can_be_read,
    digests_are_those_of_the_standards,
    ranges,
    what_is_missing_is_not_found,
    deleting_twice_is_deleting_once,
    a_listing_is_complete,
    a_dropped_writer_leaves_nothing,
    a_cancelled_write_breaks_the_writer,
    a_blob_is_invisible_until_it_is_finished,
    writers_do_not_disturb_each_other,
    splitting_makes_no_difference,
    a_copy_keeps_its_name,
    the_probe_leaves_nothing,
);

async fn what_is_written_can_be_read(site: &Site) {
    let around = |size: usize| [size - 1, size, size + 1];
    let mut sizes = vec![0, 1, 20 * MIB];
    for size in [4096, 32 * 1024, 64 * 1024, 256 * 1024, MIB, 8 * MIB] {
        sizes.extend(around(size));
    }
    for (seed, size) in (0..).zip(sizes) {
        let content = content(seed, size);
        for inline_max in [0, 32 * 1024] {
            let stored = write(&site.store, inline_max, &content, 60_000)
                .await
                .unwrap();
            assert_eq!(stored.digests, Digests::of(&content), "{size} bytes");
            match stored.place {
                Place::Inline(inline) => {
                    assert!(size <= inline_max);
                    assert_eq!(inline, content);
                }
                Place::Key(key) => {
                    assert!(size > inline_max);
                    assert_eq!(site.store.size(&key).await.unwrap(), Some(size as u64));
                    let back = read(&site.store, &key, 0..size as u64).await.unwrap();
                    assert!(back == content, "{size} bytes came back differently");
                }
            }
        }
    }
}

async fn digests_are_those_of_the_standards(site: &Site) {
    let million = Bytes::from(vec![b'a'; 1_000_000]);
    for inline_max in [0, MIB] {
        let stored = write(&site.store, inline_max, &million, 1000)
            .await
            .unwrap();
        let digests = stored.digests;
        assert_eq!(digests.size, 1_000_000);
        assert_eq!(
            hex::encode(digests.sha1),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        );
        assert_eq!(
            hex::encode(digests.sha256),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
        assert_eq!(hex::encode(digests.md5), "7707d6ae4e027c70eea2a935c2296f21");
        assert_eq!(digests.crc32, 0xdc25_bfbc);
    }
}

async fn a_copy_keeps_its_name(site: &Site) {
    for size in [1, 300_000, 9 * MIB] {
        let key = store_blob(&site.store, &content(2, size)).await;
        // Once over what is there, as after an interrupted copy, and once anew.
        for seed in [3, 4] {
            let content = content(seed, size);
            let mut writer = site.store.writer_of(key);
            writer.write(content.clone()).await.unwrap();
            let stored = writer.finish().await.unwrap();
            assert_eq!(stored.place, Place::Key(key));
            assert_eq!(stored.digests, Digests::of(&content));
            let back = read(&site.store, &key, 0..size as u64).await.unwrap();
            assert!(back == content, "{size} bytes came back differently");
            assert_eq!(list(&site.store).await.unwrap().len(), 1);
            site.store.delete(&key).await.unwrap();
        }
    }
}

async fn ranges(site: &Site) {
    let size = 600_000;
    let content = content(1, size);
    let key = store_blob(&site.store, &content).await;
    let edges = [
        0,
        1,
        4096,
        262_143,
        262_144,
        262_145,
        524_288,
        size - 1,
        size,
    ];
    for start in edges {
        for end in edges {
            let expected = content.get(start..end).unwrap_or_default();
            let back = read(&site.store, &key, start as u64..end as u64)
                .await
                .unwrap();
            assert!(back == expected, "{start}..{end}");
        }
    }
    // The caller knows the size: a blob that is shorter is damaged.
    let size = size as u64;
    for range in [
        0..size + 1,
        size - 1..size + 1,
        size..size + 1,
        size + 1..size + 2,
        0..u64::MAX,
    ] {
        let result = read(&site.store, &key, range.clone()).await;
        assert!(
            matches!(result, Err(Error::Corrupt { .. })),
            "{range:?}: {result:?}"
        );
    }
}

async fn what_is_missing_is_not_found(site: &Site) {
    let key = BlobKey::from_bytes([7; 16]);
    for range in [0..1, 0..0, 5..10] {
        let result = read(&site.store, &key, range).await;
        assert!(
            matches!(result, Err(Error::NotFound(missing)) if missing == key),
            "{result:?}"
        );
    }
    assert_eq!(site.store.size(&key).await.unwrap(), None);
    site.store.delete(&key).await.unwrap();
    assert!(list(&site.store).await.unwrap().is_empty());
}

async fn deleting_twice_is_deleting_once(site: &Site) {
    let content = content(1, 100_000);
    let gone = store_blob(&site.store, &content).await;
    let kept = store_blob(&site.store, &content).await;
    site.store.delete(&gone).await.unwrap();
    site.store.delete(&gone).await.unwrap();
    assert_eq!(site.store.size(&gone).await.unwrap(), None);
    let result = read(&site.store, &gone, 0..1).await;
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    assert_eq!(read(&site.store, &kept, 0..100_000).await.unwrap(), content);
    let listed = list(&site.store).await.unwrap();
    assert_eq!(
        listed.iter().map(|listed| listed.key).collect::<Vec<_>>(),
        [kept]
    );
}

async fn a_listing_is_complete(site: &Site) {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    let before = now();
    let contents: Vec<_> = (1..=100).map(|n| content(n, n as usize * 100)).collect();
    let keys = join_all(
        contents
            .iter()
            .map(|content| store_blob(&site.store, content)),
    )
    .await;
    let expected: BTreeMap<_, _> = keys
        .into_iter()
        .zip(contents.iter().map(Bytes::len))
        .collect();

    let listed = list(&site.store).await.unwrap();
    assert_eq!(listed.len(), expected.len());
    for listed in listed {
        assert_eq!(expected.get(&listed.key), Some(&(listed.size as usize)));
        // File systems keep time with the coarse clock of the kernel, which may lag a little.
        assert!(
            (before - 1..=now() + 1).contains(&listed.modified),
            "{listed:?}"
        );
    }
}

async fn a_dropped_writer_leaves_nothing(site: &Site) {
    for size in [0, 1, 100_000, 300_000, MIB, 20 * MIB] {
        let mut writer = site.store.writer(0);
        writer.write(content(1, size)).await.unwrap();
        drop(writer);
    }
    site.wait_until_clean().await;
    assert!(list(&site.store).await.unwrap().is_empty());
}

async fn a_cancelled_write_breaks_the_writer(site: &Site) {
    let mut writer = site.store.writer(0);
    // Far more than may be on its way, so the first poll cannot take all of it.
    let large = content(1, 64 * MIB);
    {
        let write = pin!(writer.write(large));
        let poll = write.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Pending));
    }
    assert!(writer.write(Bytes::from_static(b"more")).await.is_err());
    assert!(writer.finish().await.is_err());
    site.wait_until_clean().await;
    assert!(list(&site.store).await.unwrap().is_empty());
}

async fn a_blob_is_invisible_until_it_is_finished(site: &Site) {
    let content = content(1, 10 * MIB);
    let mut writer = site.store.writer(0);
    writer.write(content.clone()).await.unwrap();
    assert!(list(&site.store).await.unwrap().is_empty());
    let stored = writer.finish().await.unwrap();
    let listed = list(&site.store).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(Place::Key(listed[0].key), stored.place);
}

async fn writers_do_not_disturb_each_other(site: &Site) {
    // As tasks, which also proves that the futures may move between threads.
    let tasks = (0..24).map(|n| {
        let store = site.store.clone();
        tokio::spawn(async move {
            let content = content(n, 50_000 + n as usize * 61_803);
            let stored = write(&store, 0, &content, 10_000).await.unwrap();
            assert_eq!(stored.digests, Digests::of(&content));
            let Place::Key(key) = stored.place else {
                panic!("{stored:?}")
            };
            assert!(read(&store, &key, 0..content.len() as u64).await.unwrap() == content);
            store.size(&key).await.unwrap();
            store.probe().await.unwrap();
            list(&store).await.unwrap();
            store.delete(&key).await.unwrap();
        })
    });
    try_join_all(tasks).await.unwrap();
}

async fn splitting_makes_no_difference(site: &Site) {
    let cases = (
        0usize..700_000,
        prop_oneof![Just(0), Just(32 * 1024), 0usize..700_000],
        prop::collection::vec(
            prop_oneof![0usize..10, 0usize..40_000, 0usize..400_000],
            1..8,
        ),
    );
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner
            .run(&cases, |(size, inline_max, pieces)| {
                let content = content(size as u64, size);
                let stored = runtime.block_on(async {
                    let mut writer = site.store.writer(inline_max);
                    let mut rest = content.clone();
                    // An empty piece now and then must not end the loop, hence the last one.
                    for piece in pieces.iter().cycle().take(100).chain([&usize::MAX]) {
                        writer
                            .write(rest.split_to(rest.len().min(*piece)))
                            .await
                            .unwrap();
                    }
                    writer.finish().await.unwrap()
                });
                prop_assert_eq!(&stored.digests, &Digests::of(&content));
                let back = match stored.place {
                    Place::Inline(inline) => {
                        prop_assert!(size <= inline_max);
                        inline.to_vec()
                    }
                    Place::Key(key) => {
                        prop_assert!(size > inline_max);
                        runtime
                            .block_on(read(&site.store, &key, 0..size as u64))
                            .unwrap()
                    }
                };
                prop_assert!(back == content, "{} bytes came back differently", size);
                Ok(())
            })
            .unwrap();
    });
}

async fn the_probe_leaves_nothing(site: &Site) {
    site.store.probe().await.unwrap();
    assert!(list(&site.store).await.unwrap().is_empty());
    site.wait_until_clean().await;
}
