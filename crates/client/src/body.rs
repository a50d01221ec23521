//! Content to upload.

use std::fmt;
use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::error::Error;

/// How much of a file is read at once.
const FILE_READ_BYTES: usize = 256 << 10;

/// Content of a known length that is sent with a call.
pub struct Body {
    length: u64,
    left: u64,
    pieces: BoxStream<'static, io::Result<Bytes>>,
    progress: Option<Box<dyn FnMut(u64) + Send>>,
}

impl Body {
    /// Content that comes in pieces, `length` bytes altogether.
    pub fn from_stream(
        length: u64,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Body {
        Body {
            length,
            left: length,
            pieces: pieces.boxed(),
            progress: None,
        }
    }

    /// The content of a local file, as long as it is now.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub async fn from_file(path: impl AsRef<Path>) -> io::Result<Body> {
        let file = File::open(path).await?;
        let length = file.metadata().await?.len();
        // What is appended during the upload belongs to the next one.
        let content = ReaderStream::with_capacity(file.take(length), FILE_READ_BYTES);
        Ok(Body::from_stream(length, content))
    }

    /// Has `report` called with the number of bytes sent so far, each time that some were.
    pub fn on_progress(mut self, report: impl FnMut(u64) + Send + 'static) -> Body {
        self.progress = Some(Box::new(report));
        self
    }

    /// Bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece, never empty; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Source`] if the content cannot be read, or does not have the announced length.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let wrong = |kind, what| Err(Error::Source(io::Error::new(kind, what)));
        loop {
            match self.pieces.next().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                    Some(left) => {
                        self.left = left;
                        return Ok(Some(piece));
                    }
                    None => {
                        return wrong(io::ErrorKind::InvalidData, "it is longer than announced");
                    }
                },
                Some(Err(error)) => return Err(Error::Source(error)),
                None if self.left == 0 => return Ok(None),
                None => {
                    return wrong(io::ErrorKind::UnexpectedEof, "it is shorter than announced");
                }
            }
        }
    }

    /// Tells the listener that everything handed out so far has been sent.
    pub(crate) fn report(&mut self) {
        if let Some(report) = &mut self.progress {
            report(self.length - self.left);
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.length)
    }
}

impl From<Bytes> for Body {
    fn from(content: Bytes) -> Body {
        Body::from_stream(content.len() as u64, stream::iter([Ok(content)]))
    }
}

impl From<Vec<u8>> for Body {
    fn from(content: Vec<u8>) -> Body {
        Body::from(Bytes::from(content))
    }
}

impl From<&'static str> for Body {
    fn from(content: &'static str) -> Body {
        Body::from(Bytes::from_static(content.as_bytes()))
    }
}
