//! Uploading a content of unknown size: one request if it is small, a multipart upload if not.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::{COMPLETE_TIMEOUT, REQUEST_TIMEOUT, S3, payload_timeout, sign_and_send, within};
use crate::{BlobKey, Error, Result};

/// The size of the first parts, and of the largest content that is sent with one request.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// How many parts are on their way at the same time.
const PARTS_IN_FLIGHT: usize = 2;

/// S3 takes 10,000 parts at most. So parts double in size every thousand parts, up to 64 MiB,
/// which makes room for about 490 GiB. Some services want all parts but the last of equal
/// size; they get that up to about 8 GiB.
const PARTS_PER_SIZE: usize = 1000;

/// The largest part.
const MAX_PART_BYTES: usize = 64 * 1024 * 1024;

/// Context of errors.
const WRITING: &str = "writing a blob";

/// A content on its way to a bucket. Dropping it before the end aborts the upload.
pub(crate) struct Upload {
    s3: Arc<S3>,
    /// The part that is being gathered.
    part: Vec<Bytes>,
    part_bytes: usize,
    /// Present as soon as the content is larger than one part.
    multipart: Option<Multipart>,
}

impl Upload {
    pub(crate) fn new(s3: Arc<S3>) -> Self {
        Self { s3, part: Vec::new(), part_bytes: 0, multipart: None }
    }

    /// Takes the next bytes, and waits when too many parts are on their way.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        let sent = self.multipart.as_ref().map_or(0, |multipart| multipart.sent);
        if self.part_bytes >= part_size(sent) {
            self.send_part().await?;
        }
        self.part_bytes += bytes.len();
        self.part.push(bytes);
        Ok(())
    }

    /// Waits until the object exists.
    pub(crate) async fn finish(mut self) -> Result<BlobKey> {
        if self.multipart.is_none() {
            let key = random_key()?;
            let payload = PutPayload::from_iter(self.part);
            self.s3.put(self.s3.blob(&key), payload).await?;
            return Ok(key);
        }
        self.send_part().await?;
        match self.multipart {
            Some(multipart) => multipart.complete().await,
            None => Err(Error::io(WRITING, std::io::ErrorKind::InvalidInput.into())),
        }
    }

    /// Sends what is gathered as the next part.
    async fn send_part(&mut self) -> Result<()> {
        let multipart = match &mut self.multipart {
            Some(multipart) => multipart,
            none => none.insert(Multipart::begin(&self.s3).await?),
        };
        self.part_bytes = 0;
        multipart.send(PutPayload::from_iter(std::mem::take(&mut self.part))).await
    }
}

/// The size of the part after `sent` others.
fn part_size(sent: usize) -> usize {
    let doublings = u32::try_from(sent / PARTS_PER_SIZE).unwrap_or(u32::MAX);
    PART_BYTES.checked_shl(doublings.min(8)).map_or(MAX_PART_BYTES, |size| size.min(MAX_PART_BYTES))
}

fn random_key() -> Result<BlobKey> {
    BlobKey::random().map_err(|e| Error::io("creating a blob", e))
}

/// A multipart upload: invisible until completed, and paid for until aborted.
struct Multipart {
    key: BlobKey,
    object: Path,
    /// `None` when there is nothing to abort any more.
    upload: Option<Box<dyn MultipartUpload>>,
    parts: JoinSet<Result<()>>,
    sent: usize,
}
