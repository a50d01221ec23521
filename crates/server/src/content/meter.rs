//! Counting the bytes that are sent for a public link.

use crate::app::App;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use pileus_store::public_link_counts::LinkUse;
use std::sync::Arc;

/// Bytes of a long download that are counted together.
const REPORTED_BYTES: u64 = 1 << 20;

/// Counts what one answer sends. What it has not told is told when it is dropped, and so when the connection breaks.
pub(super) struct Meter {
    app: Arc<App>,
    link: i64,
    /// Sent and not counted yet.
    untold: u64,
    /// Charged before and not sent yet. What is sent then needs no counting.
    charged: Option<u64>,
}

impl Meter {
    /// Of an answer whose bytes count when they are sent.
    pub(super) fn new(app: Arc<App>, link: i64) -> Self {
        Self {
            app,
            link,
            untold: 0,
            charged: None,
        }
    }

    /// Of an answer whose bytes have been counted already.
    pub(super) fn charged(app: Arc<App>, link: i64, bytes: u64) -> Self {
        let mut meter = Self::new(app, link);
        meter.charged = Some(bytes);
        meter
    }

    /// Notes that bytes have been handed to the connection.
    pub(super) fn sent(&mut self, bytes: u64) {
        if let Some(left) = &mut self.charged {
            *left = left.saturating_sub(bytes);
            return;
        }
        self.untold += bytes;
        if self.untold >= REPORTED_BYTES {
            self.tell();
        }
    }

    /// Counts what goes through a stream.
    pub(super) fn watch(
        mut self,
        bytes: BoxStream<'static, pileus_blobs::Result<Bytes>>,
    ) -> BoxStream<'static, pileus_blobs::Result<Bytes>> {
        bytes
            .inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    self.sent(chunk.len() as u64);
                }
            })
            .boxed()
    }

    fn tell(&mut self) {
        let sent = i64::try_from(std::mem::take(&mut self.untold)).unwrap_or(i64::MAX);
        let unsent = i64::try_from(self.charged.take().unwrap_or(0)).unwrap_or(i64::MAX);
        if sent != unsent {
            let used = LinkUse {
                traffic: sent - unsent,
                ..LinkUse::default()
            };
            self.app.link_counts.add(self.link, used);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.tell();
    }
}
