//! Fetching content from the addresses that links name.

use std::fmt::Write;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use pileus_api::streaming::LinkReply;

use crate::address::Address;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::data::Data;
use crate::error::Error;
use crate::pool::Lease;

/// A file, or a part of one, that arrives from a content server.
#[derive(Debug)]
pub struct Download {
    /// Where the part begins in the file, in bytes.
    pub start: u64,
    /// The bytes of the whole file.
    pub size: u64,
    /// The content.
    pub data: Data,
}

impl Client {
    /// Fetches a range of bytes of the content that a link leads to; `..` is all of it. A range
    /// may end behind the end of the file, but not begin there.
    ///
    /// The hosts of the link are tried in their order until one can be reached.
    ///
    /// # Errors
    /// [`Error::Http`] with status 410 or 404 if the link has expired, with 416 if the range is
    /// not in the file; [`Error::Transport`] if no host can be reached.
    pub async fn download(
        &self,
        link: &LinkReply,
        range: impl RangeBounds<u64>,
    ) -> Result<Download, Error> {
        let range = Range::new(range)?;
        let mut failure = Error::protocol("the link names no host");
        for host in &link.hosts {
            let address = Address::of_content(host, self.address().tls)?;
            match self.fetch(&address, &link.path, range).await {
                Err(error @ Error::Transport(_)) => failure = error,
                done => return done,
            }
        }
        Err(failure)
    }

    async fn fetch(&self, address: &Address, path: &str, range: Range) -> Result<Download, Error> {
        let mut lease = self.lease(address, false).await?;
        // The path holds its own secret; an account's does not belong to a content server.
        lease.connection.set_credentials(Credentials::None);
        let mut request = Request::get(path);
        if let Some(range) = range.header() {
            request = request.header(header::RANGE, range);
        }
        let request = request.body(Bytes::new()).map_err(Error::protocol)?;
        lease.connection.send_http(&request).await?;
        let head = lease.connection.receive_http_head().await?;
        let start = range.start;
        let size = match head.status {
            StatusCode::OK if range.is_all() => lease.connection.data_length(),
            StatusCode::PARTIAL_CONTENT => head
                .headers
                .get(header::CONTENT_RANGE)
                .and_then(|sent| size_if_from(sent.as_bytes(), start)),
            StatusCode::OK => return Err(Error::protocol("the server ignores ranges")),
            status => return Err(refused(lease, status).await),
        };
        let size = size.ok_or_else(|| Error::protocol("the content is not what was asked for"))?;
        Ok(Download {
            start,
            size,
            data: Data::new(lease, self.max_answer_bytes()),
        })
    }
}

/// Skips the body of a refusal, if it is a page and not a file, and keeps the connection.
async fn refused(mut lease: Lease, status: StatusCode) -> Error {
    if lease.connection.read_data().await.is_ok() {
        lease.release();
    }
    Error::Http {
        status: status.as_u16(),
    }
}

/// Bytes from `start` to `last`, both included.
#[derive(Clone, Copy)]
struct Range {
    start: u64,
    last: Option<u64>,
}

impl Range {
    fn new(range: impl RangeBounds<u64>) -> Result<Range, Error> {
        let start = match range.start_bound() {
            Bound::Unbounded => Some(0),
            Bound::Included(start) => Some(*start),
            Bound::Excluded(before) => before.checked_add(1),
        };
        let last = match range.end_bound() {
            Bound::Unbounded => Some(None),
            Bound::Included(last) => Some(Some(*last)),
            Bound::Excluded(end) => end.checked_sub(1).map(Some),
        };
        match (start, last) {
            (Some(start), Some(last)) if last.is_none_or(|last| start <= last) => {
                Ok(Range { start, last })
            }
            _ => Err(Error::protocol("a range to download cannot be empty")),
        }
    }

    fn is_all(self) -> bool {
        self.start == 0 && self.last.is_none()
    }

    fn header(self) -> Option<String> {
        if self.is_all() {
            return None;
        }
        let mut header = format!("bytes={}-", self.start);
        if let Some(last) = self.last {
            // Writing to a string cannot fail.
            let _ = write!(header, "{last}");
        }
        Some(header)
    }
}

/// The size of the file that a `Content-Range` such as `bytes 5-9/20` tells, if its part begins at
/// `start`.
fn size_if_from(content_range: &[u8], start: u64) -> Option<u64> {
    let text = std::str::from_utf8(content_range).ok()?;
    let (part, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = part.split_once('-')?;
    match first.parse::<u64>().ok()? == start {
        true => size.parse().ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let header = |range: Result<Range, Error>| range.ok().and_then(Range::header);
        assert_eq!(header(Range::new(..)), None);
        assert_eq!(header(Range::new(0..)), None);
        assert_eq!(header(Range::new(5..)), Some("bytes=5-".into()));
        assert_eq!(header(Range::new(5..9)), Some("bytes=5-8".into()));
        assert_eq!(header(Range::new(..=0)), Some("bytes=0-0".into()));
        assert!(Range::new(5..5).is_err());
        assert!(Range::new(..0).is_err());
    }

    #[test]
    fn content_ranges() {
        assert_eq!(size_if_from(b"bytes 5-9/20", 5), Some(20));
        assert_eq!(size_if_from(b"bytes 5-9/20", 4), None);
        assert_eq!(size_if_from(b"bytes 5-9/*", 5), None);
        assert_eq!(size_if_from(b"bytes */20", 5), None);
    }
}
