//! The bytes of a request's body, on their way from hyper to whoever wants them.

use super::line::Line;
use crate::body::{Broken, FileHead, Pull, Source};
use bytes::Bytes;
use futures_util::stream::Stream;
use hyper::body::{Body as _, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

/// A request's body. Counts what arrives, and tells the connection where it ends.
pub(super) struct Feed {
    incoming: Incoming,
    line: Arc<Line>,
    received: Arc<AtomicU64>,
}

impl Feed {
    pub(super) fn new(incoming: Incoming, line: Arc<Line>) -> Self {
        Self {
            incoming,
            line,
            received: Arc::default(),
        }
    }

    /// Bytes of the whole body, if it is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Counts the bytes that arrive.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        self.received.clone()
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx))
            .await
            .transpose()
    }
}

impl Stream for Feed {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Pending => {
                    self.line.body_awaited(cx);
                    Poll::Pending
                }
                Poll::Ready(None) => {
                    self.line.body_ended();
                    Poll::Ready(None)
                }
                Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Broken))),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers mean nothing here.
                    let Ok(bytes) = frame.into_data() else {
                        continue;
                    };
                    self.received
                        .fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    Poll::Ready(Some(Ok(bytes)))
                }
            };
        }
    }
}

/// A body that is one file.
pub(super) struct Raw {
    feed: Feed,
    is_begun: bool,
}

impl Raw {
    pub(super) fn new(feed: Feed) -> Self {
        Self {
            feed,
            is_begun: false,
        }
    }
}

impl Source for Raw {
    fn next_file(&mut self) -> Pull<'_, Option<FileHead>> {
        Box::pin(async {
            if !self.is_begun {
                self.is_begun = true;
                return Ok(Some(FileHead {
                    name: None,
                    length: self.feed.total(),
                }));
            }
            while self.feed.next().await?.is_some() {}
            Ok(None)
        })
    }

    fn chunk(&mut self) -> Pull<'_, Option<Bytes>> {
        Box::pin(async {
            // Nothing belongs to no file.
            if self.is_begun {
                self.feed.next().await
            } else {
                Ok(None)
            }
        })
    }
}
