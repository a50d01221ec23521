//! Uploading a content of unknown size: one request if it is small, a multipart upload if not.

use std::sync::Arc;

use bytes::Bytes;
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
    key: BlobKey,
    /// The part that is being gathered.
    part: Vec<Bytes>,
    part_bytes: usize,
    /// Present as soon as the content is larger than one part.
    multipart: Option<Multipart>,
}

impl Upload {
    pub(crate) fn new(s3: Arc<S3>, key: BlobKey) -> Self {
        Self {
            s3,
            key,
            part: Vec::new(),
            part_bytes: 0,
            multipart: None,
        }
    }

    /// Takes the next bytes, and waits when too many parts are on their way.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        let sent = self
            .multipart
            .as_ref()
            .map_or(0, |multipart| multipart.sent);
        if self.part_bytes >= part_size(sent) {
            let part = self.take_part();
            let multipart = match &mut self.multipart {
                Some(multipart) => multipart,
                none => none.insert(Multipart::begin(&self.s3, &self.key).await?),
            };
            multipart.send(part).await?;
        }
        self.part_bytes += bytes.len();
        self.part.push(bytes);
        Ok(())
    }

    /// Waits until the object exists.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let part = self.take_part();
        let Some(mut multipart) = self.multipart.take() else {
            return self.s3.put(self.s3.blob(&self.key), part).await;
        };
        multipart.send(part).await?;
        multipart.complete().await
    }

    fn take_part(&mut self) -> PutPayload {
        self.part_bytes = 0;
        PutPayload::from_iter(std::mem::take(&mut self.part))
    }
}

/// The size of the part after `sent` others.
fn part_size(sent: usize) -> usize {
    let doublings = u32::try_from(sent / PARTS_PER_SIZE).unwrap_or(u32::MAX);
    PART_BYTES
        .checked_shl(doublings.min(8))
        .map_or(MAX_PART_BYTES, |size| size.min(MAX_PART_BYTES))
}

/// A multipart upload: invisible until completed, and paid for until aborted.
struct Multipart {
    object: Path,
    /// `None` when there is nothing to abort any more.
    upload: Option<Box<dyn MultipartUpload>>,
    parts: JoinSet<Result<()>>,
    sent: usize,
}

impl Multipart {
    async fn begin(s3: &S3, key: &BlobKey) -> Result<Self> {
        let object = s3.blob(key);
        let upload = within(WRITING, REQUEST_TIMEOUT, s3.bucket.put_multipart(&object)).await?;
        Ok(Self {
            object,
            upload: Some(upload),
            parts: JoinSet::new(),
            sent: 0,
        })
    }

    async fn send(&mut self, part: PutPayload) -> Result<()> {
        while self.parts.len() >= PARTS_IN_FLIGHT {
            self.wait_for_part().await?;
        }
        if let Some(upload) = &mut self.upload {
            let limit = payload_timeout(part.content_length());
            let request = upload.put_part(part);
            self.parts.spawn(sign_and_send(WRITING, limit, request));
            self.sent += 1;
        }
        Ok(())
    }

    async fn wait_for_part(&mut self) -> Result<()> {
        match self.parts.join_next().await {
            None => Ok(()),
            Some(Ok(sent)) => sent,
            Some(Err(ended)) => Err(Error::io(WRITING, std::io::Error::other(ended))),
        }
    }

    async fn complete(mut self) -> Result<()> {
        while !self.parts.is_empty() {
            self.wait_for_part().await?;
        }
        if let Some(upload) = &mut self.upload {
            within(WRITING, COMPLETE_TIMEOUT, upload.complete()).await?;
        }
        self.upload = None;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else {
            return;
        };
        let object = std::mem::take(&mut self.object);
        let mut parts = std::mem::take(&mut self.parts);
        let abort = async move {
            // A part that arrives after the abort would stay.
            parts.shutdown().await;
            if let Err(error) = within("aborting an upload", REQUEST_TIMEOUT, upload.abort()).await
            {
                tracing::warn!(%object, %error, "an unfinished upload was left behind");
            }
        };
        // Outside a runtime, which is where a program ends, only the service's own rule for
        // unfinished uploads can help.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(abort);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_sizes_reach_far_enough() {
        let mib = 1024 * 1024;
        assert_eq!(part_size(0), 8 * mib);
        assert_eq!(part_size(999), 8 * mib);
        assert_eq!(part_size(1000), 16 * mib);
        assert_eq!(part_size(3000), 64 * mib);
        assert_eq!(part_size(9999), 64 * mib);
        let total: usize = (0..10_000).map(part_size).sum();
        assert!(total > 480 * 1024 * mib, "{total}");
    }
}
