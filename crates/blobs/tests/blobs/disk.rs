//! What only the file system can show.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use futures_util::TryStreamExt;
use pileus_blobs::{BlobKey, BlobStore, Digests, Error, Place, READ_CHUNK_BYTES};
use tempfile::TempDir;

use crate::site::{Site, content, list, names_in, read, store_blob, write};

const MIB: usize = 1024 * 1024;

fn path_of(root: &Path, key: &BlobKey) -> PathBuf {
    let name = key.to_string();
    root.join("blobs")
        .join(&name[..2])
        .join(&name[2..4])
        .join(&name)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn blobs_are_private_files_in_two_levels_of_directories() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("deep").join("down");
    let store = BlobStore::disk(&root).await.unwrap();
    let content = content(1, 100_000);
    let key = store_blob(&store, &content).await;
    let path = path_of(&root, &key);
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(mode(&path), 0o600);
    for dir in path.ancestors().skip(1).take(4) {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    assert_eq!(mode(&root.join("staging")), 0o700);
    assert!(names_in(&root.join("staging")).is_empty());
}

#[tokio::test]
async fn a_store_is_found_again() {
    let Site { store, dir, .. } = Site::disk().await;
    let content = content(1, 100_000);
    let key = store_blob(&store, &content).await;
    drop(store);
    let store = BlobStore::disk(dir.path()).await.unwrap();
    assert_eq!(read(&store, &key, 0..100_000).await.unwrap(), content);
    // A blob in a directory that an earlier run has made.
    store_blob(&store, &content).await;
    assert_eq!(list(&store).await.unwrap().len(), 2);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed_and_nothing_else() {
    let Site { store, dir, .. } = Site::disk().await;
    let key = store_blob(&store, &content(1, 100_000)).await;
    drop(store);
    let staging = dir.path().join("staging");
    fs::write(
        staging.join("0123456789abcdef0123456789abcdef"),
        "half a blob",
    )
    .unwrap();
    fs::write(staging.join("notes.txt"), "somebody's own").unwrap();
    let store = BlobStore::disk(dir.path()).await.unwrap();
    assert_eq!(names_in(&staging), ["notes.txt"]);
    assert_eq!(store.size(&key).await.unwrap(), Some(100_000));
}

#[tokio::test]
async fn opening_a_second_time_disturbs_no_writer() {
    let Site { store, dir, .. } = Site::disk().await;
    let content = content(1, 3 * MIB);
    let mut writer = store.writer(0);
    writer.write(content.slice(..2 * MIB)).await.unwrap();
    // The file appears on a thread, some time after the write.
    while names_in(&dir.path().join("staging")).is_empty() {
        tokio::task::yield_now().await;
    }

    let second = BlobStore::disk(dir.path()).await.unwrap();
    writer.write(content.slice(2 * MIB..)).await.unwrap();
    let Place::Key(key) = writer.finish().await.unwrap().place else {
        panic!("inline")
    };
    assert!(read(&second, &key, 0..3 * MIB as u64).await.unwrap() == content);
}

#[tokio::test]
async fn foreign_files_are_not_listed() {
    let Site { store, dir, .. } = Site::disk().await;
    let key = store_blob(&store, &content(1, 100_000)).await;
    let leaf = path_of(dir.path(), &key).parent().unwrap().to_owned();
    fs::write(leaf.join("notes.txt"), "somebody's own").unwrap();
    fs::write(dir.path().join("blobs").join("notes.txt"), "somebody's own").unwrap();
    fs::create_dir(leaf.join("0123456789abcdef0123456789abcdef")).unwrap();
    let listed = list(&store).await.unwrap();
    assert_eq!(
        listed.iter().map(|listed| listed.key).collect::<Vec<_>>(),
        [key]
    );
}

#[tokio::test]
async fn a_shortened_blob_is_damaged() {
    let Site { store, dir, .. } = Site::disk().await;
    let key = store_blob(&store, &content(1, 2 * MIB)).await;
    let file = fs::File::options()
        .write(true)
        .open(path_of(dir.path(), &key))
        .unwrap();

    let mut reader = store.read(&key, 0..2 * MIB as u64).await.unwrap();
    reader.try_next().await.unwrap().unwrap();
    file.set_len(MIB as u64).unwrap();
    let result = reader.try_collect::<Vec<_>>().await;
    assert!(
        matches!(result, Err(Error::Corrupt { .. })),
        "while reading: {result:?}"
    );

    let result = store.read(&key, 0..2 * MIB as u64).await;
    assert!(
        matches!(result, Err(Error::Corrupt { .. })),
        "at the start: {result:?}"
    );
}

#[tokio::test]
async fn a_reader_is_at_most_one_chunk_ahead() {
    let Site { store, dir, .. } = Site::disk().await;
    let size = 8 * READ_CHUNK_BYTES;
    let content = content(1, size);
    let key = store_blob(&store, &content).await;
    let mut reader = store.read(&key, 0..size as u64).await.unwrap();
    reader.try_next().await.unwrap().unwrap();

    // Bytes that change now were not read yet.
    let file = fs::File::options()
        .write(true)
        .open(path_of(dir.path(), &key))
        .unwrap();
    let unread = 2 * READ_CHUNK_BYTES;
    file.write_all_at(&vec![0; size - unread], unread as u64)
        .unwrap();
    let rest = reader.try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(rest[..READ_CHUNK_BYTES] == content[READ_CHUNK_BYTES..unread]);
    assert!(rest[READ_CHUNK_BYTES..].iter().all(|&byte| byte == 0));
}

#[test]
fn writers_clean_up_after_the_runtime_is_gone() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let writer = runtime.block_on(async {
        let store = BlobStore::disk(dir.path()).await.unwrap();
        let mut writer = store.writer(0);
        writer.write(content(1, MIB)).await.unwrap();
        writer
    });
    // Waits for the threads that write.
    drop(runtime);
    drop(writer);
    assert!(names_in(&dir.path().join("staging")).is_empty());
}

/// A file system of its own. Needs the rights of root.
struct Mount(TempDir);

impl Mount {
    fn new(options: &str) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", options, "tmpfs"], dir.path());
        if !mounted {
            eprintln!("skipped: mounting a file system needs the rights of root");
        }
        mounted.then_some(Self(dir))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    Command::new("mount")
        .args(arguments)
        .arg(at)
        .status()
        .is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_can_be_used_again() {
    let Some(mount) = Mount::new("size=4m") else {
        return;
    };
    let store = BlobStore::disk(mount.0.path()).await.unwrap();
    for _ in 0..3 {
        let result = write(&store, 0, &content(1, 16 * MIB), 64 * 1024).await;
        assert!(matches!(result, Err(Error::Full { .. })), "{result:?}");
        let staging = mount.0.path().join("staging");
        while !names_in(&staging).is_empty() {
            tokio::task::yield_now().await;
        }
    }
    let content = content(2, 2 * MIB);
    let key = store_blob(&store, &content).await;
    assert!(read(&store, &key, 0..2 * MIB as u64).await.unwrap() == content);
    assert_eq!(list(&store).await.unwrap().len(), 1);
    // Contents that stay in memory need no room.
    let small = content.slice(..1000);
    let stored = write(&store, 1000, &small, 100).await.unwrap();
    assert_eq!(stored.digests, Digests::of(&small));
}

#[tokio::test]
async fn a_read_only_disk_serves_readers_and_refuses_writers() {
    let Some(mount) = Mount::new("size=16m") else {
        return;
    };
    let store = BlobStore::disk(mount.0.path()).await.unwrap();
    let content = content(1, 100_000);
    let key = store_blob(&store, &content).await;
    assert!(self::mount(&["-o", "remount,ro"], mount.0.path()));

    let reopened = BlobStore::disk(mount.0.path()).await.unwrap();
    for store in [store, reopened] {
        let result = store.probe().await;
        assert!(matches!(result, Err(Error::Denied { .. })), "{result:?}");
        let result = write(&store, 0, &content, 10_000).await;
        assert!(matches!(result, Err(Error::Denied { .. })), "{result:?}");
        let result = store.delete(&key).await;
        assert!(matches!(result, Err(Error::Denied { .. })), "{result:?}");
        assert_eq!(read(&store, &key, 0..100_000).await.unwrap(), content);
        assert_eq!(list(&store).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    for root in [file.clone(), file.join("below")] {
        let result = BlobStore::disk(&root).await;
        assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a directory");
}
