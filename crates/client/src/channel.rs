//! A connection's bytes: sending them, and receiving them through a buffer.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;

use crate::connect::Stream;

/// Room made for reading a call's answer.
const READ_BYTES: usize = 16 << 10;

/// The most room made at once, which reading content uses.
const BULK_BYTES: usize = 256 << 10;

/// Both directions of a connection.
///
/// While it sends it also receives, up to `max_inbox` bytes. Without that, a client with many
/// requests under way and a server with many answers could each wait for the other to read.
pub(crate) struct Channel {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    /// Received and not yet consumed.
    pub(crate) inbox: BytesMut,
    /// Why nothing can be sent any more.
    ///
    /// A server that refuses an upload may answer and hang up before it has read everything. The
    /// answer then says more than the failure to send, which is told only if no answer comes.
    unsent: Option<io::Error>,
    /// Whether the server will send nothing more.
    ended: bool,
    stall: Duration,
    max_inbox: usize,
}

impl Channel {
    pub(crate) fn new(stream: Stream, stall: Duration, max_inbox: usize) -> Channel {
        let (reader, writer) = tokio::io::split(stream);
        Channel {
            reader,
            writer,
            inbox: BytesMut::new(),
            unsent: None,
            ended: false,
            stall,
            max_inbox,
        }
    }

    /// Sends `bytes`, unless an earlier attempt to send has failed, which a later
    /// [`Channel::fill`] tells.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && self.unsent.is_none() {
            match self.step(Step::Write(bytes)).await? {
                0 => self.unsent = Some(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        if self.unsent.is_none() {
            // TLS keeps finished records until it is told that nothing follows.
            self.step(Step::Flush).await?;
        }
        Ok(())
    }

    /// Takes one step of sending, and receives meanwhile. Answers how many bytes were sent.
    async fn step(&mut self, step: Step<'_>) -> io::Result<usize> {
        let Channel {
            reader,
            writer,
            inbox,
            unsent,
            ended,
            stall,
            max_inbox,
        } = self;
        let sending = async {
            match step {
                Step::Write(bytes) => writer.write(bytes).await,
                Step::Flush => writer.flush().await.map(|()| 0),
                Step::Finish => writer.shutdown().await.map(|()| 0),
            }
        };
        tokio::pin!(sending);
        loop {
            inbox.reserve(READ_BYTES);
            let may_receive = !*ended && inbox.len() < *max_inbox;
            let moved = async {
                tokio::select! {
                    // Sending goes first, or a busy server could keep it from getting on.
                    biased;
                    sent = &mut sending => Moved::Sent(sent),
                    received = reader.read_buf(inbox), if may_receive => Moved::Received(received),
                }
            };
            match timeout(*stall, moved).await.map_err(|_| stalled())? {
                Moved::Sent(Ok(sent)) => return Ok(sent),
                Moved::Sent(Err(error)) => {
                    *unsent = Some(error);
                    return Ok(0);
                }
                Moved::Received(Ok(received)) => *ended = received == 0,
                Moved::Received(Err(error)) => {
                    *ended = true;
                    *unsent = Some(error);
                    return Ok(0);
                }
            }
        }
    }

    /// Whether sending has failed, so that producing more to send would be a waste.
    pub(crate) fn is_broken(&self) -> bool {
        self.unsent.is_some()
    }

    /// Waits until more bytes have been received, but not longer than a connection may stall.
    /// `want` is how many will be needed, as far as that is known.
    pub(crate) async fn fill(&mut self, want: usize) -> io::Result<()> {
        self.fill_within(want, self.stall).await
    }

    /// The same with another limit of time.
    pub(crate) async fn fill_within(&mut self, want: usize, limit: Duration) -> io::Result<()> {
        if self.ended {
            return Err(self.closed());
        }
        self.inbox.reserve(want.clamp(READ_BYTES, BULK_BYTES));
        let received = timeout(limit, self.reader.read_buf(&mut self.inbox));
        match received.await.map_err(|_| stalled())? {
            Ok(0) => {
                self.ended = true;
                Err(self.closed())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(self.unsent.take().unwrap_or(error)),
        }
    }

    /// Waits until `count` bytes are in the inbox and takes them out.
    pub(crate) async fn take(&mut self, count: usize) -> io::Result<Bytes> {
        while self.inbox.len() < count {
            self.fill(count - self.inbox.len()).await?;
        }
        Ok(self.inbox.split_to(count).freeze())
    }

    /// Tells the server that nothing more will be sent.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.step(Step::Finish).await.map(|_| ())
    }

    /// Whether a connection that expects nothing is in order: nothing has arrived, not even its
    /// end.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.inbox.is_empty() && !self.ended && self.unsent.is_none() && {
            self.inbox.reserve(READ_BYTES);
            self.reader
                .read_buf(&mut self.inbox)
                .now_or_never()
                .is_none()
        }
    }

    fn closed(&mut self) -> io::Error {
        self.unsent.take().unwrap_or_else(|| {
            let what = "the server closed the connection";
            io::Error::new(io::ErrorKind::UnexpectedEof, what)
        })
    }
}

enum Step<'a> {
    Write(&'a [u8]),
    Flush,
    Finish,
}

enum Moved {
    Sent(io::Result<usize>),
    Received(io::Result<usize>),
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server took too long")
}
