//! Copying contents from one blob store to another.

use super::error::{Error, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use pileus_blobs::{BlobKey, BlobStore};
use pileus_store::Db;
use pileus_store::contents::Content;

/// Contents that are copied at once.
const COPIES: usize = 4;

/// What became of the contents that a database knows.
#[derive(Debug, Default)]
pub struct Copied {
    /// Contents that were copied.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Contents that were there already.
    pub present: u64,
    /// What is wrong with those that are missing or damaged.
    pub damaged: Vec<String>,
}

enum Outcome {
    Copied,
    Present,
    Damaged(String),
}

/// Copies the bytes of every content that somebody holds and that is not in the database itself. What is there already
/// in the right length stays as it is. Everything that is copied is compared with its checksum.
///
/// # Errors
/// When the target cannot be written, or a store cannot be reached. Damage of single contents is no error.
pub async fn copy_contents(db: &Db, from: &BlobStore, to: &BlobStore) -> Result<Copied> {
    let mut sum = Copied::default();
    let mut after = i64::MIN;
    loop {
        let page = db.view(move |tx| tx.contents_after(after)).await?;
        let Some(last) = page.last() else {
            return Ok(sum);
        };
        after = last.id;
        let wanted = page.into_iter().filter(|content| content.refs > 0);
        let copies = stream::iter(wanted).map(|content| copy_content(content, from, to));
        let mut copies = copies.buffer_unordered(COPIES);
        while let Some(copy) = copies.next().await {
            match copy? {
                None => {}
                Some((_, Outcome::Present)) => sum.present += 1,
                Some((content, Outcome::Copied)) => {
                    sum.copied += 1;
                    sum.copied_bytes += content.size.unsigned_abs();
                }
                Some((content, Outcome::Damaged(trouble))) => {
                    sum.damaged
                        .push(format!("content {}: {trouble}", content.id));
                }
            }
        }
    }
}

/// Copies one content; `None` if its bytes are in the database.
async fn copy_content(
    content: Content,
    from: &BlobStore,
    to: &BlobStore,
) -> Result<Option<(Content, Outcome)>> {
    let Some(key) = content.storage_key.as_deref() else {
        return Ok(None);
    };
    let Ok(key) = key.try_into().map(BlobKey::from_bytes) else {
        let damaged = Outcome::Damaged("its key is none".into());
        return Ok(Some((content, damaged)));
    };
    let size = content.size.unsigned_abs();
    if to.size(&key).await? == Some(size) {
        return Ok(Some((content, Outcome::Present)));
    }
    // While its checksums are being computed there is nothing to compare it with.
    let sha256 = (!content.pending).then_some(content.sha256.as_slice());
    let outcome = copy_blob(key, size, sha256, from, to).await?;
    Ok(Some((content, outcome)))
}

async fn copy_blob(
    key: BlobKey,
    size: u64,
    sha256: Option<&[u8]>,
    from: &BlobStore,
    to: &BlobStore,
) -> Result<Outcome> {
    let mut chunks = match from.read(&key, 0..size).await {
        Ok(chunks) => chunks,
        Err(error) => return damage_or_error(error),
    };
    let mut writer = to.writer_of(key);
    while let Some(chunk) = chunks.next().await {
        let chunk: Bytes = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return damage_or_error(error),
        };
        writer.write(chunk).await?;
    }
    let stored = writer.finish().await?;
    if sha256.is_none_or(|sha256| stored.digests.sha256[..] == *sha256) {
        return Ok(Outcome::Copied);
    }
    to.delete(&key).await?;
    let text = format!("the bytes of blob {key} are not those that were stored");
    Ok(Outcome::Damaged(text))
}

/// Tells a store that lacks one content from one that cannot be read at all.
fn damage_or_error(error: pileus_blobs::Error) -> Result<Outcome> {
    match error {
        pileus_blobs::Error::NotFound(_) | pileus_blobs::Error::Corrupt { .. } => {
            Ok(Outcome::Damaged(error.to_string()))
        }
        error => Err(Error::from(error)),
    }
}
