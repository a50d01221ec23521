//! The byte stream of a binary connection: whole requests in, answers out, within time limits.

mod pieces;

use crate::conn::Conn;
use crate::listen::deadline::Deadline;
use crate::listen::linger;
use crate::listen::patience::Patience;
use bytes::{Buf, Bytes, BytesMut};
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

/// How much is read at a time while there is no data to come. It is read to the stack: connections that say nothing hold no
/// buffer.
const SMALL_READ_BYTES: usize = 4096;
/// How much is read at a time of data, and the room that makes a new buffer worth its while.
const DATA_READ_BYTES: usize = 256 * 1024;
const DATA_ROOM_BYTES: usize = 16 * 1024;
/// How many bytes of further requests are taken in while a call runs. The rest waits in the kernel and at the client.
const AHEAD_BYTES: usize = 64 * 1024;
/// How many bytes of answers may wait for further answers.
const TOGETHER_BYTES: usize = 64 * 1024;

const LENGTH_BYTES: usize = 2;

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Request,
    Rest,
    Data,
}

/// See the [module](self).
pub(super) struct Wire<S> {
    io: S,
    /// What has arrived and was not read yet.
    held: BytesMut,
    /// Answers that wait for further ones.
    out: BytesMut,
    /// Whether the stream may have kept something back; TLS does.
    is_unflushed: bool,
    /// Whether the client has finished sending.
    has_ended: bool,
    patience: &'static Patience,
    waits_for: Option<Wait>,
    reading: Deadline,
    writing: Deadline,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Wraps a stream of which `first` has been read already.
    pub(super) fn new(io: S, first: &[u8], patience: &'static Patience) -> Self {
        Self {
            io,
            held: BytesMut::from(first),
            out: BytesMut::new(),
            is_unflushed: false,
            has_ended: false,
            patience,
            waits_for: None,
            reading: Deadline::default(),
            writing: Deadline::default(),
        }
    }

    /// The next request without its length; `None` if there is none. Before it waits for one, all answers leave.
    pub(super) async fn request(&mut self, is_logged_in: bool) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(length) = self.complete_request() {
                self.waits_for = None;
                self.held.advance(LENGTH_BYTES);
                return Ok(Some(self.held.split_to(length).freeze()));
            }
            self.flush().await?;
            if self.held.is_empty() {
                // What is left of a buffer for data.
                self.held = BytesMut::new();
            }
            let (wait, limit) = match self.held.is_empty() {
                true => (Wait::Request, self.patience.idle(is_logged_in)),
                false => (Wait::Rest, self.patience.request(is_logged_in)),
            };
            if self.waits_for != Some(wait) {
                self.waits_for = Some(wait);
                self.reading.set(limit);
            }
            if !poll_fn(|cx| self.poll_read(cx, SMALL_READ_BYTES)).await? {
                return Ok(None);
            }
        }
    }

    /// The length of the request that is held whole, if there is one.
    fn complete_request(&self) -> Option<usize> {
        let (length, rest) = self.held.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::from(u16::from_le_bytes(*length));
        (rest.len() >= length).then_some(length)
    }

    /// The next bytes of data, at most `limit`, which is not 0.
    pub(super) async fn data(&mut self, limit: u64) -> io::Result<Bytes> {
        if self.held.is_empty() {
            self.waits_for = Some(Wait::Data);
            self.reading.set(self.patience.data);
            if !poll_fn(|cx| self.poll_read(cx, DATA_READ_BYTES)).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let count = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(self.held.len());
        // The rest of a large buffer stays, to be filled by the next read.
        Ok(self.held.split_to(count).freeze())
    }

    /// Waits until so many bytes of data are held, and answers whether they are: whoever reads on after a failure meets
    /// it again. Before it waits, all answers leave.
    pub(super) async fn gather(&mut self, count: usize) -> bool {
        if self.held.len() < count {
            self.waits_for = Some(Wait::Data);
            self.reading.set(self.patience.data);
        }
        while self.held.len() < count {
            let read = poll_fn(|cx| Poll::Ready(self.poll_read(cx, DATA_READ_BYTES))).await;
            let read = match read {
                Poll::Ready(read) => read,
                Poll::Pending => match self.flush().await {
                    Ok(()) => poll_fn(|cx| self.poll_read(cx, DATA_READ_BYTES)).await,
                    Err(error) => Err(error),
                },
            };
            if !matches!(read, Ok(true)) {
                return false;
            }
        }
        true
    }

    /// The next request without its length, if all of it is held, and so is the data behind it, of which `wanted` tells
    /// the length; and if it is wanted.
    pub(super) fn next_held<T>(
        &mut self,
        wanted: impl FnOnce(&[u8]) -> Option<(T, usize)>,
    ) -> Option<(T, Bytes)> {
        let head = LENGTH_BYTES + self.complete_request()?;
        let (next, length) = wanted(&self.held[LENGTH_BYTES..head])?;
        if self.held.len() - head < length {
            return None;
        }
        self.held.advance(head);
        Some((next, self.take(length)))
    }

    /// Bytes that are held.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        self.held.split_to(count).freeze()
    }

    /// The next bytes, whatever they are; `None` if there are none. Waits for them no longer than `idle`.
    pub(super) async fn any(&mut self, idle: Duration) -> io::Result<Option<Bytes>> {
        if self.held.is_empty() {
            self.held = BytesMut::new();
            self.waits_for = None;
            self.reading.set(idle);
            if !poll_fn(|cx| self.poll_read(cx, SMALL_READ_BYTES)).await? {
                return Ok(None);
            }
        }
        Ok(Some(self.held.split().freeze()))
    }

    /// Reads once. Answers whether there was anything to read before the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, size: usize) -> Poll<io::Result<bool>> {
        if self.has_ended {
            return Poll::Ready(Ok(false));
        }
        let read = if size <= SMALL_READ_BYTES {
            let mut space = [MaybeUninit::uninit(); SMALL_READ_BYTES];
            let mut buf = ReadBuf::uninit(&mut space);
            let read = Pin::new(&mut self.io).poll_read(cx, &mut buf);
            self.held.extend_from_slice(buf.filled());
            read.map_ok(|()| buf.filled().len())
        } else {
            if self.held.capacity() - self.held.len() < DATA_ROOM_BYTES {
                self.held.reserve(size);
            }
            poll_read_buf(Pin::new(&mut self.io), cx, &mut self.held)
        };
        match read {
            Poll::Ready(read) => {
                self.has_ended = !matches!(read, Ok(1..));
                Poll::Ready(read.map(|count| count > 0))
            }
            Poll::Pending => self
                .reading
                .poll(cx)
                .map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }

    /// What goes on while a call runs: answers leave, and further requests come in. Raises the interrupt of the connection
    /// once anything follows the request, or nothing can any more. Never ends.
    pub(super) async fn meanwhile(&mut self, conn: &Conn) -> Infallible {
        self.reading.clear();
        let mut is_alive = self.flush().await.is_ok();
        while is_alive && self.held.len() < AHEAD_BYTES {
            if !self.held.is_empty() {
                conn.interrupt.raise();
            }
            is_alive = matches!(
                poll_fn(|cx| self.poll_read(cx, SMALL_READ_BYTES)).await,
                Ok(true)
            );
        }
        if is_alive {
            conn.interrupt.raise();
        } else {
            conn.interrupt.end();
        }
        pending().await
    }

    /// Whether anything has arrived behind the present request.
    pub(super) fn is_followed(&self) -> bool {
        !self.held.is_empty() || self.has_ended
    }

    /// Sends an answer, perhaps together with the next ones.
    pub(super) async fn answer(&mut self, answer: Vec<u8>) -> io::Result<()> {
        if self.out.is_empty() {
            self.out = BytesMut::from(Bytes::from(answer));
        } else {
            self.out.extend_from_slice(&answer);
        }
        if self.out.len() > TOGETHER_BYTES {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// Sends everything.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends bytes as they are, behind everything before. The last of them may wait for [`Wire::flush`].
    pub(super) async fn send(&mut self, mut bytes: Bytes) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx, &mut bytes)).await
    }

    /// Writes bytes together with the answers that have waited: one of these is short, and would be a packet of its own.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<io::Result<()>> {
        while !bytes.is_empty() {
            let out = std::mem::take(&mut self.out);
            let written = self.poll_write(cx, &[IoSlice::new(&out), IoSlice::new(bytes)]);
            self.out = out;
            let count = ready!(written)?;
            let of_out = count.min(self.out.len());
            self.out.advance(of_out);
            bytes.advance(count - of_out);
        }
        if self.out.is_empty() {
            // Connections that are quiet hold no buffer.
            self.out = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(cx))?;
        if self.is_unflushed {
            let flushed = Pin::new(&mut self.io).poll_flush(cx);
            ready!(self.in_time(cx, flushed))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the answers that have waited.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let out = std::mem::take(&mut self.out);
            let written = self.poll_write(cx, &[IoSlice::new(&out)]);
            self.out = out;
            self.out.advance(ready!(written)?);
        }
        self.out = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_unflushed = true;
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        match ready!(self.in_time(cx, written))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => Poll::Ready(Ok(count)),
        }
    }

    /// Looks whether a client has taken no bytes for too long.
    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing.clear();
            return written;
        }
        if !self.writing.is_set() {
            self.writing.set(self.patience.answer);
        }
        ready!(self.writing.poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Ends the connection, of which some was perhaps left unread.
    pub(super) async fn close(mut self, is_unread: bool) {
        if self.flush().await.is_ok() {
            linger::close(self.io, is_unread && !self.has_ended).await;
        }
    }
}

#[cfg(test)]
mod tests;
