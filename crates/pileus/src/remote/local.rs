//! What `get` and `put` need to know about local files.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pileus_api::UnixTime;
use sha1::{Digest, Sha1};

/// How much of a file is hashed at once.
const READ_BYTES: usize = 256 << 10;

/// The metadata of a file or folder; `None` if there is nothing.
pub fn stat(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The modification time in whole seconds, as the API has it; `None` where the system has none or
/// it lies before 1970, which the API cannot express.
pub fn modified_seconds(metadata: &Metadata) -> Option<u64> {
    let since = metadata
        .modified()
        .ok()?
        .duration_since(SystemTime::UNIX_EPOCH);
    Some(since.ok()?.as_secs())
}

/// Gives a file the modification time that the server has for it.
pub fn set_modified(path: &Path, time: UnixTime) -> io::Result<()> {
    let seconds = Duration::from_secs(time.0.unsigned_abs());
    let time = match time.0 {
        0.. => SystemTime::UNIX_EPOCH.checked_add(seconds),
        _ => SystemTime::UNIX_EPOCH.checked_sub(seconds),
    };
    match time {
        Some(time) => File::options().append(true).open(path)?.set_modified(time),
        None => Ok(()),
    }
}

/// The SHA-1 of a file in lower-case hex.
pub async fn sha1(path: PathBuf) -> io::Result<String> {
    let hash = tokio::task::spawn_blocking(move || {
        let mut file = File::open(path)?;
        let mut hash = Sha1::new();
        let mut block = vec![0; READ_BYTES];
        loop {
            match file.read(&mut block)? {
                0 => return io::Result::Ok(hex::encode(hash.finalize())),
                read => hash.update(&block[..read]),
            }
        }
    });
    hash.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_to_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "x").unwrap();
        let time = || modified_seconds(&stat(&path).unwrap().unwrap());
        set_modified(&path, UnixTime(1_363_890_705)).unwrap();
        assert_eq!(time(), Some(1_363_890_705));
        set_modified(&path, UnixTime(-5)).unwrap();
        assert_eq!(time(), None);
    }

    #[tokio::test]
    async fn contents_are_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha1(path).await.unwrap(),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert!(stat(&folder.path().join("b")).unwrap().is_none());
    }
}
