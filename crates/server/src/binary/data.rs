//! The data behind a request, as the one file it is.

use super::wire::Wire;
use crate::body::{Broken, FileHead, Pull, Source};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};

/// Data that is announced and comes next on the wire.
pub(super) struct Data<'a, S> {
    wire: &'a mut Wire<S>,
    length: u64,
    received: Arc<AtomicU64>,
    is_begun: bool,
}

impl<'a, S> Data<'a, S> {
    /// `length` bytes, which are counted in `received` as they arrive.
    pub(super) fn new(wire: &'a mut Wire<S>, length: u64, received: Arc<AtomicU64>) -> Self {
        Self {
            wire,
            length,
            received,
            is_begun: false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Data<'_, S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let left = self
            .length
            .saturating_sub(self.received.load(Ordering::Relaxed));
        if left == 0 {
            return Ok(None);
        }
        let bytes = self.wire.data(left).await.map_err(|_| Broken)?;
        self.received
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(Some(bytes))
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Source for Data<'_, S> {
    fn next_file(&mut self) -> Pull<'_, Option<FileHead>> {
        Box::pin(async {
            if !self.is_begun {
                self.is_begun = true;
                return Ok(Some(FileHead {
                    name: None,
                    length: Some(self.length),
                }));
            }
            while self.next().await?.is_some() {}
            Ok(None)
        })
    }

    fn chunk(&mut self) -> Pull<'_, Option<Bytes>> {
        Box::pin(async {
            // Nothing belongs to no file.
            if self.is_begun {
                self.next().await
            } else {
                Ok(None)
            }
        })
    }
}
