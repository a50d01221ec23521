//! The data that comes with a call: files of an upload.

use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The connection broke, stalled or sent something malformed before the data was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// A future of a [`Source`].
pub type Pull<'a, T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + Send + 'a>>;

/// What announces a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileHead {
    /// Raw bytes of the name that the transport carries, if it carries one. Not checked in any way.
    pub name: Option<Vec<u8>>,
    /// Bytes of the file, if they are known before they arrive.
    pub length: Option<u64>,
}

/// Where data comes from: a front end's view of a request body.
pub trait Source: Send {
    /// Goes to the next file, skipping what is left of the present one.
    fn next_file(&mut self) -> Pull<'_, Option<FileHead>>;
    /// The next bytes of the present file; `None` at its end.
    fn chunk(&mut self) -> Pull<'_, Option<Bytes>>;
}

/// The files that come with a call.
pub struct Body<'a> {
    /// The lock is never taken: it only lets a body be shared by reference across threads.
    source: Option<Mutex<Box<dyn Source + 'a>>>,
    /// Bytes of the whole body, if it told.
    pub total: Option<u64>,
    received: Arc<AtomicU64>,
    broken: bool,
    may_be_empty_file: bool,
}

impl<'a> Body<'a> {
    /// A call without data.
    pub fn none() -> Self {
        Self {
            source: None,
            total: None,
            received: Arc::default(),
            broken: false,
            may_be_empty_file: false,
        }
    }

    /// A call without data, which may stand for a file without bytes: the official Java codec of the binary protocol
    /// leaves the data away if there is none of it, and an empty POST looks the same with a file as without.
    pub fn none_or_empty() -> Self {
        Self {
            may_be_empty_file: true,
            ..Self::none()
        }
    }

    /// A call with data. `total` is the length of the body, overhead included; `received` is counted up by the front
    /// end as bytes arrive.
    pub fn new(source: impl Source + 'a, total: Option<u64>, received: Arc<AtomicU64>) -> Self {
        Self {
            source: Some(Mutex::new(Box::new(source))),
            total,
            received,
            broken: false,
            may_be_empty_file: false,
        }
    }

    /// Whether a call without data may bring a file without bytes, if it names one.
    pub fn may_be_empty_file(&self) -> bool {
        self.may_be_empty_file
    }

    /// Whether any data came with the call.
    pub fn is_none(&self) -> bool {
        self.source.is_none()
    }

    /// Bytes of the body that have arrived, overhead included.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The counter behind [`Self::received`], for somebody who watches from elsewhere.
    pub fn received_counter(&self) -> Arc<AtomicU64> {
        self.received.clone()
    }

    /// Whether the data ended early. The connection is then of no further use.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Goes to the next file.
    pub async fn next_file(&mut self) -> Result<Option<FileHead>, Broken> {
        let Some(source) = &mut self.source else {
            return Ok(None);
        };
        let next = source
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .next_file()
            .await;
        self.broken |= next.is_err();
        next
    }

    /// The next bytes of the present file; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(source) = &mut self.source else {
            return Ok(None);
        };
        let chunk = source
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .chunk()
            .await;
        self.broken |= chunk.is_err();
        chunk
    }

    /// Reads on and throws away, at most `limit` bytes. Answers whether the end was reached.
    pub async fn drain(&mut self, limit: u64) -> bool {
        let mut left = limit;
        loop {
            match self.chunk().await {
                Err(Broken) => return false,
                Ok(Some(bytes)) => match left.checked_sub(bytes.len() as u64) {
                    Some(rest) => left = rest,
                    None => return false,
                },
                Ok(None) => match self.next_file().await {
                    Err(Broken) => return false,
                    Ok(Some(_)) => {}
                    Ok(None) => return true,
                },
            }
        }
    }
}
