//! Reading a range of a blob.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream};

use crate::Result;

/// The size of the chunks a [`BlobReader`] yields, in bytes: large enough that the cost of
/// going to a thread or to the network does not count, small enough for many readers at once.
pub const READ_CHUNK_BYTES: usize = 256 * 1024;

/// A stream of the bytes of a range of a blob.
///
/// It yields exactly the bytes of the range, in chunks of [`READ_CHUNK_BYTES`] or less, or
/// ends with an error. It reads one chunk ahead of the consumer and not further.
pub struct BlobReader {
    chunks: BoxStream<'static, Result<Bytes>>,
}

impl BlobReader {
    /// Reads from any stream, for example of bytes that are kept somewhere else.
    pub fn new(chunks: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { chunks }
    }
}

impl Stream for BlobReader {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.chunks.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader").finish_non_exhaustive()
    }
}
