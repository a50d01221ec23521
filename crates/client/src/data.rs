//! Content that arrives.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};

use crate::error::Error;
use crate::incoming::too_long;
use crate::pool::Lease;

/// Content that arrives with an answer or from a content server, piece by piece.
///
/// It occupies a connection of its client until its end has been received or it is dropped.
pub struct Data {
    /// `None` once everything has been received.
    lease: Option<Lease>,
    length: Option<u64>,
    max: usize,
}

impl Data {
    pub(crate) fn new(lease: Lease, max: usize) -> Data {
        Data {
            length: lease.connection.data_length(),
            lease: Some(lease),
            max,
        }
    }

    /// Bytes altogether, if the server told.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Receives the next bytes, at least one; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`] if the connection breaks before the end, [`Error::Protocol`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(lease) = &mut self.lease else {
            return Ok(None);
        };
        let chunk = lease.connection.data_chunk().await?;
        if chunk.is_none()
            && let Some(lease) = self.lease.take()
        {
            lease.release();
        }
        Ok(chunk)
    }

    /// Receives everything, at most [`Options::max_answer_bytes`](crate::Options).
    ///
    /// # Errors
    /// As [`Data::chunk`].
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > self.max - all.len() {
                return Err(too_long(self.max));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The content as a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::try_unfold(self, |mut data| async move {
            Ok(data.chunk().await?.map(|chunk| (chunk, data)))
        })
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Some(length) => write!(f, "Data({length} bytes)"),
            None => f.write_str("Data"),
        }
    }
}
