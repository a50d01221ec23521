//! Bodies of type `multipart/form-data` (RFC 7578), read as they arrive.
//!
//! Memory is bounded whatever a client sends: contents pass through in the pieces they come in, and what has to be kept
//! until it is complete (a part's headers) has a limit.

use super::disposition::{self, Disposition};
use crate::body::{Broken, FileHead, Pull, Source};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{Stream, StreamExt};
use memchr::memmem::{self, Finder};
use memchr::memrchr;

/// The most bytes of a part's headers, and of what may stand before the first and after the last part.
const MAX_OVERHEAD_BYTES: usize = 16 * 1024;
/// RFC 2046 allows no more.
const MAX_BOUNDARY_BYTES: usize = 70;

const LINE_END: &[u8] = b"\r\n";

/// The boundary that a `Content-Type` of `multipart/form-data` names.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (_, mut params) = content_type.split_once(';')?;
    loop {
        let (name, rest) = params.split_once('=')?;
        let rest = rest.trim_start();
        let (value, next) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(';').unwrap_or(rest.len())),
        };
        if name
            .trim_matches([' ', '\t', ';'])
            .eq_ignore_ascii_case("boundary")
        {
            let value = value.trim_end();
            return (1..=MAX_BOUNDARY_BYTES)
                .contains(&value.len())
                .then_some(value);
        }
        params = next;
    }
}

/// The parts of a body.
pub(super) struct Parts<F> {
    feed: F,
    /// What ends a part: a line end and the boundary.
    delimiter: Finder<'static>,
    /// What has arrived and was not handed out yet.
    held: Bytes,
    place: Place,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// What stands before the first delimiter; nothing, as a rule.
    Preamble,
    /// The content of a part.
    Content,
    /// What follows a delimiter.
    Delimiter,
    /// Nothing.
    End,
}

impl<F: Stream<Item = Result<Bytes, Broken>> + Unpin> Parts<F> {
    /// The parts of what `feed` yields.
    pub(super) fn new(feed: F, boundary: &str) -> Self {
        let delimiter = [LINE_END, b"--", boundary.as_bytes()].concat();
        Self {
            feed,
            delimiter: Finder::new(&delimiter).into_owned(),
            // The first delimiter may stand at the very beginning, where no line end is before it.
            held: Bytes::from_static(LINE_END),
            place: Place::Preamble,
        }
    }

    /// Goes to the next part, skipping what is left of the present one.
    pub(super) async fn next_part(&mut self) -> Result<Option<Disposition>, Broken> {
        let mut skipped = 0_usize;
        let is_preamble = self.place == Place::Preamble;
        while let Some(content) = self.content().await? {
            skipped = skipped.saturating_add(content.len());
            if is_preamble && skipped > MAX_OVERHEAD_BYTES {
                return Err(Broken);
            }
        }
        if self.place == Place::End {
            return Ok(None);
        }
        while self.held.len() < 2 {
            self.more().await?;
        }
        if self.held.starts_with(b"--") {
            return self.end().await;
        }
        let block = self.headers().await?;
        let mut lines = memmem::find_iter(&block, LINE_END).map(|at| at + LINE_END.len());
        // The delimiter's own line may end with blanks (RFC 2046), and with nothing else.
        let first = lines.next().unwrap_or(block.len());
        if !block[..first].trim_ascii().is_empty() {
            return Err(Broken);
        }
        self.place = Place::Content;
        Ok(Some(disposition::of_headers(&block[first..])))
    }

    /// The next bytes of the present part; `None` at its end.
    pub(super) async fn content(&mut self) -> Result<Option<Bytes>, Broken> {
        if let Place::Delimiter | Place::End = self.place {
            return Ok(None);
        }
        loop {
            let ready = match self.delimiter.find(&self.held) {
                Some(0) => {
                    self.held.advance(self.delimiter.needle().len());
                    self.place = Place::Delimiter;
                    return Ok(None);
                }
                Some(at) => at,
                None => self.held.len() - self.begun_delimiter(),
            };
            if ready > 0 {
                return Ok(Some(self.held.split_to(ready)));
            }
            self.more().await?;
        }
    }

    /// How many bytes at the end of what is held may turn out to be the beginning of a delimiter.
    fn begun_delimiter(&self) -> usize {
        let delimiter = self.delimiter.needle();
        let tail = &self.held[self.held.len().saturating_sub(delimiter.len() - 1)..];
        // A delimiter has no carriage return but its first byte, so only the last one can begin one.
        match memrchr(b'\r', tail) {
            Some(at) if delimiter.starts_with(&tail[at..]) => tail.len() - at,
            _ => 0,
        }
    }

    /// The rest of the delimiter's line and the headers behind it, through the blank line.
    async fn headers(&mut self) -> Result<Bytes, Broken> {
        const BLANK_LINE: &[u8] = b"\r\n\r\n";
        let mut searched = 0;
        loop {
            if let Some(at) = memmem::find(&self.held[searched..], BLANK_LINE) {
                return Ok(self.held.split_to(searched + at + BLANK_LINE.len()));
            }
            if self.held.len() > MAX_OVERHEAD_BYTES {
                return Err(Broken);
            }
            searched = self.held.len().saturating_sub(BLANK_LINE.len() - 1);
            self.more().await?;
        }
    }

    /// Behind the last delimiter: reads to the end of the body.
    async fn end<T>(&mut self) -> Result<Option<T>, Broken> {
        self.place = Place::End;
        let mut read = std::mem::take(&mut self.held).len();
        while read <= MAX_OVERHEAD_BYTES {
            match self.feed.next().await {
                None => return Ok(None),
                Some(more) => read = read.saturating_add(more?.len()),
            }
        }
        Err(Broken)
    }

    /// Waits for further bytes. There must be some: a body without its last delimiter is cut short.
    async fn more(&mut self) -> Result<(), Broken> {
        let more = self.feed.next().await.ok_or(Broken)??;
        if self.held.is_empty() {
            self.held = more;
        } else {
            let mut both = BytesMut::with_capacity(self.held.len() + more.len());
            both.extend_from_slice(&self.held);
            both.extend_from_slice(&more);
            self.held = both.freeze();
        }
        Ok(())
    }
}

/// The files among the parts.
pub(super) struct Files<F> {
    parts: Parts<F>,
    /// A file that was come upon before anybody asked for one.
    found: Option<FileHead>,
    /// The first bytes of a file, read ahead of time.
    first: Option<Bytes>,
}

impl<F: Stream<Item = Result<Bytes, Broken>> + Unpin + Send> Files<F> {
    /// The files of a body, of which `found` is the first one, and whose content comes next.
    pub(super) fn new(parts: Parts<F>, found: Option<FileHead>) -> Self {
        Self {
            parts,
            found,
            first: None,
        }
    }

    async fn next(&mut self) -> Result<Option<FileHead>, Broken> {
        self.first = None;
        let mut found = self.found.take();
        loop {
            let name = match found.take() {
                // One that has no name was known for a file by something else.
                Some(file @ FileHead { name: None, .. }) => return Ok(Some(file)),
                Some(file) => file.name,
                None => match self.parts.next_part().await? {
                    None => return Ok(None),
                    // Parameters have to come before the files.
                    Some(part) => part.file_name,
                },
            };
            let Some(name) = name else { continue };
            if name.is_empty() {
                // What browsers send for a file control that nobody has touched.
                self.first = self.parts.content().await?;
                if self.first.is_none() {
                    continue;
                }
            }
            return Ok(Some(FileHead {
                name: Some(name),
                length: None,
            }));
        }
    }
}

impl<F: Stream<Item = Result<Bytes, Broken>> + Unpin + Send> Source for Files<F> {
    fn next_file(&mut self) -> Pull<'_, Option<FileHead>> {
        Box::pin(self.next())
    }

    fn chunk(&mut self) -> Pull<'_, Option<Bytes>> {
        Box::pin(async {
            match self.first.take() {
                Some(first) => Ok(Some(first)),
                None if self.found.is_some() => Ok(None),
                None => self.parts.content().await,
            }
        })
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
