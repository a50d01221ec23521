//! The bytes that follow the head of an answer, in whichever way their end is marked.

use bytes::{Bytes, BytesMut};

use crate::channel::Channel;
use crate::error::Error;

/// Longest line of a chunked body: a chunk's size with extensions, or a trailer.
const MAX_LINE_BYTES: usize = 8 << 10;

/// Most trailers after a chunked body.
const MAX_TRAILERS: usize = 64;

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Nothing: it is complete.
    Nothing,
    /// That many bytes.
    Length(u64),
    /// HTTP's chunks: that many bytes of one that has begun, then others. `opening` is true before
    /// the first.
    Chunks { left: u64, opening: bool },
    /// Everything until the server closes the connection.
    UntilClose,
}

impl Incoming {
    /// The chunked body that begins here.
    pub(crate) const CHUNKED: Incoming = Incoming::Chunks {
        left: 0,
        opening: true,
    };

    /// How many bytes are left, if that is known.
    pub(crate) fn length(self) -> Option<u64> {
        match self {
            Incoming::Nothing => Some(0),
            Incoming::Length(left) => Some(left),
            Incoming::Chunks { .. } | Incoming::UntilClose => None,
        }
    }

    /// Receives the next bytes, at least one; `None` at the end.
    pub(crate) async fn next(&mut self, channel: &mut Channel) -> Result<Option<Bytes>, Error> {
        loop {
            match self {
                Incoming::Nothing => return Ok(None),
                Incoming::Length(0) => *self = Incoming::Nothing,
                Incoming::Length(left) => return Ok(Some(some_of(left, channel).await?)),
                Incoming::Chunks { left: 0, opening } => {
                    if !std::mem::replace(opening, false) && !line(channel).await?.is_empty() {
                        return Err(Error::protocol("a chunk is longer than it says"));
                    }
                    match chunk_size(channel).await? {
                        0 => {
                            skip_trailers(channel).await?;
                            *self = Incoming::Nothing;
                        }
                        size => {
                            *self = Incoming::Chunks {
                                left: size,
                                opening: false,
                            }
                        }
                    }
                }
                Incoming::Chunks { left, .. } => return Ok(Some(some_of(left, channel).await?)),
                Incoming::UntilClose => {
                    if !channel.inbox.is_empty() {
                        return Ok(Some(channel.inbox.split().freeze()));
                    }
                    match channel.fill(usize::MAX).await {
                        Ok(()) => {}
                        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                            *self = Incoming::Nothing;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
    }

    /// Receives everything that is left, if it is not more than `max` bytes.
    pub(crate) async fn all(&mut self, channel: &mut Channel, max: usize) -> Result<Bytes, Error> {
        if let Incoming::Length(length) = *self {
            let length = usize::try_from(length).map_err(|_| too_long(max))?;
            if length > max {
                return Err(too_long(max));
            }
            let all = channel.take(length).await?;
            *self = Incoming::Nothing;
            return Ok(all);
        }
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next(channel).await? {
            if bytes.len() > max - all.len() {
                return Err(too_long(max));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }
}

/// The error for an answer that exceeds [`Options::max_answer_bytes`](crate::Options).
pub(crate) fn too_long(max: usize) -> Error {
    Error::Protocol(format!("the answer has more than {max} bytes"))
}

/// Takes at least one and at most `left` bytes, and counts `left` down.
async fn some_of(left: &mut u64, channel: &mut Channel) -> Result<Bytes, Error> {
    let most = usize::try_from(*left).unwrap_or(usize::MAX);
    if channel.inbox.is_empty() {
        channel.fill(most).await?;
    }
    let taken = most.min(channel.inbox.len());
    *left -= taken as u64;
    Ok(channel.inbox.split_to(taken).freeze())
}

/// Takes one line and answers it without its end.
async fn line(channel: &mut Channel) -> Result<Bytes, Error> {
    let mut searched = 0;
    loop {
        let end = channel.inbox[searched..].iter().position(|&b| b == b'\n');
        if let Some(end) = end {
            let line = channel.inbox.split_to(searched + end + 1).freeze();
            return Ok(line.slice(..line.trim_ascii_end().len()));
        }
        searched = channel.inbox.len();
        if searched > MAX_LINE_BYTES {
            return Err(Error::protocol("a line of a chunked answer does not end"));
        }
        channel.fill(0).await?;
    }
}

async fn chunk_size(channel: &mut Channel) -> Result<u64, Error> {
    let bad = || Error::protocol("malformed chunk");
    let line = line(channel).await?;
    let end = line.iter().position(|&b| b == b';').unwrap_or(line.len());
    let digits = line[..end].trim_ascii();
    // `from_str_radix` would take a sign too.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(bad());
    }
    let digits = std::str::from_utf8(digits).map_err(|_| bad())?;
    u64::from_str_radix(digits, 16).map_err(|_| bad())
}

async fn skip_trailers(channel: &mut Channel) -> Result<(), Error> {
    for _ in 0..=MAX_TRAILERS {
        if line(channel).await?.is_empty() {
            return Ok(());
        }
    }
    Err(Error::protocol("too many trailers"))
}
