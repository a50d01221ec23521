//! Reading a range of an object, over as many requests as it takes.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};
use tokio::time::timeout;

use super::{REQUEST_TIMEOUT, S3, within};
use crate::reader::READ_CHUNK_BYTES;
use crate::{BlobKey, Error, Result};

/// Context of errors.
const READING: &str = "reading a blob";

/// How often in a row reading is resumed without getting a single byte.
const MAX_RESUMES: u32 = 3;

type Body = BoxStream<'static, object_store::Result<Bytes>>;

impl S3 {
    /// Asks for the range, so that a missing object is an error here and now.
    pub(crate) async fn read(
        self: &Arc<Self>,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        if range.is_empty() {
            self.require(key, &range).await?;
            return Ok(stream::empty().boxed());
        }
        let body = self.get(key, range.clone()).await?;
        let rest = Rest {
            s3: Arc::clone(self),
            key,
            range,
            body,
            received: Bytes::new(),
            resumes: 0,
        };
        let chunks = stream::try_unfold(rest, |mut rest| async move {
            Ok(rest.next().await?.map(|chunk| (chunk, rest)))
        });
        Ok(chunks.boxed())
    }

    async fn get(&self, key: BlobKey, range: Range<u64>) -> Result<Body> {
        let options = GetOptions {
            range: Some(range.clone().into()),
            ..GetOptions::default()
        };
        let object = self.blob(&key);
        let request = async {
            let refusal = match self.bucket.get_opts(&object, options).await {
                Ok(got) if got.range == range => return Ok(Ok(got.into_stream())),
                Err(object_store::Error::NotFound { .. }) => return Ok(Err(Error::NotFound(key))),
                Ok(_) => None,
                Err(error) => Some(error),
            };
            // A range behind the end is cut or refused, depending on where it begins.
            match refusal {
                Some(error) if self.bucket.head(&object).await?.size >= range.end => Err(error),
                _ => Ok(Err(damaged(key, &range))),
            }
        };
        within(READING, REQUEST_TIMEOUT, request).await?
    }

    /// Checks that the object reaches to the end of the range.
    async fn require(&self, key: BlobKey, range: &Range<u64>) -> Result<()> {
        match self.size(&key).await? {
            None => Err(Error::NotFound(key)),
            Some(size) if size < range.end => Err(damaged(key, range)),
            Some(_) => Ok(()),
        }
    }
}

fn damaged(key: BlobKey, range: &Range<u64>) -> Error {
    Error::Corrupt {
        key,
        detail: format!("shorter than bytes {range:?} that were asked for"),
    }
}

/// What is left to read.
struct Rest {
    s3: Arc<S3>,
    key: BlobKey,
    /// What was not received yet.
    range: Range<u64>,
    body: Body,
    /// What was received and not handed out yet.
    received: Bytes,
    resumes: u32,
}

impl Rest {
    /// The next chunk.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.received.is_empty() {
            if self.range.is_empty() {
                return Ok(None);
            }
            self.received = self.receive().await?;
            self.range.start += self.received.len() as u64;
        }
        let length = self.received.len().min(READ_CHUNK_BYTES);
        Ok(Some(self.received.split_to(length)))
    }

    /// Receives some bytes. A service may well close the connection of a slow reader, so
    /// reading goes on with a new request where the old one ended.
    async fn receive(&mut self) -> Result<Bytes> {
        loop {
            match self.receive_once().await {
                Ok(bytes) => {
                    self.resumes = 0;
                    return Ok(bytes);
                }
                Err(error) if self.resumes == MAX_RESUMES => return Err(error),
                Err(error) => {
                    tracing::debug!(key = %self.key, %error, "resuming a read");
                    self.resumes += 1;
                    self.body = self.s3.get(self.key, self.range.clone()).await?;
                }
            }
        }
    }

    async fn receive_once(&mut self) -> Result<Bytes> {
        let unavailable = |source| Error::Unavailable {
            doing: READING,
            source,
        };
        match timeout(REQUEST_TIMEOUT, self.body.next()).await {
            // More than was asked for would be somebody else's error, and must not become ours.
            Ok(Some(Ok(bytes))) if bytes.len() as u64 <= self.range.end - self.range.start => {
                Ok(bytes)
            }
            Ok(Some(Err(error))) => Err(unavailable(error.into())),
            Ok(_) => Err(unavailable(
                "the body has not the length that was announced".into(),
            )),
            Err(elapsed) => Err(unavailable(elapsed.into())),
        }
    }
}
