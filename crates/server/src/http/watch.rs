//! The byte stream under hyper. It gives hyper no byte beyond the request that is being handled, and so it knows what
//! the API needs to know and hyper does not tell: whether a client has sent more, or has finished sending, while a call
//! waits.
//!
//! - At most the bytes up to the next blank line are given while a head is read. When hyper hands the request to its
//!   handler, what it was given ends exactly with that head, and so the announced length of the body says where the
//!   request ends. See [`Pause`] for bodies in chunks.
//! - While the call runs, hyper gets nothing. What arrives, or has arrived in the same segment, raises the connection's
//!   [`Interrupt`](crate::conn::Interrupt). So does the end of input, which hyper would take for a reason to give up:
//!   it is held back until the answer is out. Inside a body it is not: there it means that the body is cut short.
//! - Nor does hyper hear of a broken connection while a call runs, so no call is ever dropped half-way.
//! - Answers to requests that came together leave together.
//! - Time limits on both directions.

use super::line::{Line, Pause, Phase};
use crate::listen::deadline::Deadline;
use crate::listen::linger;
use crate::listen::patience::Patience;
use bytes::{Buf, BytesMut};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read ahead while a call runs. It is kept for as long as the call takes, so it is little.
const AHEAD_BYTES: usize = 1024;
/// How many bytes of answers may wait for further answers.
const TOGETHER_BYTES: usize = 16 * 1024;

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Request,
    Head,
    Body,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Watch<S> {
    io: S,
    line: Arc<Line>,
    /// What has arrived and may not be given yet.
    held: BytesMut,
    /// How the client finished sending, once it did: properly, or with an error that hyper is still to hear of.
    ended: Option<Result<(), io::Error>>,
    /// What precedes the next byte to be given.
    blank: BlankLine,
    /// Whether any byte of a head has been given.
    head_begun: bool,
    /// Answers that wait for further ones.
    out: BytesMut,
    /// Whether writing has failed.
    is_broken: bool,
    patience: &'static Patience,
    waits_for: Option<Wait>,
    reading: Deadline,
    writing: Deadline,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watch<S> {
    /// Wraps a stream of which `first` has been read already.
    pub(super) fn new(io: S, first: &[u8], line: Arc<Line>, patience: &'static Patience) -> Self {
        Self {
            io,
            line,
            held: BytesMut::from(first),
            ended: None,
            blank: BlankLine::No,
            head_begun: false,
            out: BytesMut::new(),
            is_broken: false,
            patience,
            waits_for: None,
            reading: Deadline::default(),
            writing: Deadline::default(),
        }
    }

    /// Ends the connection, once hyper is done with it.
    pub(super) async fn close(mut self) {
        let is_written = poll_fn(|cx| self.poll_write_out(cx)).await.is_ok();
        if is_written && !self.is_broken {
            let is_unread = self.head_begun || !self.held.is_empty() || self.line.is_body_left();
            linger::close(self.io, is_unread && self.ended.is_none()).await;
        }
    }

    /// Notes what hyper was given.
    fn given(&mut self, phase: Phase, bytes: &[u8]) {
        let next = match phase {
            Phase::Head => {
                // Some clients send a line end behind a body. That is no request yet.
                self.head_begun |= bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
                // The whole head has to come within one limit, however many pieces it comes in.
                self.waits_for = self.waits_for.filter(|wait| *wait == Wait::Head);
                return;
            }
            Phase::Body(left) => match left.saturating_sub(bytes.len() as u64) {
                0 => Phase::Call,
                left => Phase::Body(left),
            },
            Phase::Chunks(_) if self.blank == BlankLine::Found => Phase::Chunks(Pause::AtBlankLine),
            Phase::Chunks(_) => Phase::Chunks(Pause::No),
            Phase::Call | Phase::Answer | Phase::Answered => return,
        };
        self.waits_for = None;
        self.line.state().phase = next;
    }

    /// Gives hyper what it may have now.
    fn give(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            // What told the protocols apart is three bytes. Given alone, they would have hyper make room twice.
            if phase == Phase::Head && memchr::memchr(b'\n', &self.held).is_none() {
                self.read_ahead(cx);
            }
            let fitting = &self.held[..self.held.len().min(buf.remaining())];
            let count = allowance(phase, &mut self.blank, fitting);
            let bytes = self.held.split_to(count);
            if self.held.is_empty() {
                self.held = BytesMut::new();
            }
            buf.put_slice(&bytes);
            self.given(phase, &bytes);
            return Poll::Ready(Ok(()));
        }
        if let Some(ended) = &mut self.ended {
            return Poll::Ready(std::mem::replace(ended, Ok(())));
        }
        let start = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => return self.poll_limit(cx, phase),
            Poll::Ready(Err(error)) => {
                self.ended = Some(Ok(()));
                return Poll::Ready(Err(error));
            }
            Poll::Ready(Ok(())) => {}
        }
        let arrived = &buf.filled()[start..];
        if arrived.is_empty() {
            self.ended = Some(Ok(()));
            return Poll::Ready(Ok(()));
        }
        let count = allowance(phase, &mut self.blank, arrived);
        self.held.extend_from_slice(&arrived[count..]);
        self.given(phase, &arrived[..count]);
        buf.set_filled(start + count);
        Poll::Ready(Ok(()))
    }

    /// Nothing has arrived: looks whether it has been too long.
    fn poll_limit(&mut self, cx: &mut Context<'_>, phase: Phase) -> Poll<io::Result<()>> {
        let is_logged_in = self.line.conn.is_logged_in();
        let (wait, limit) = match phase {
            Phase::Head if self.head_begun => (Wait::Head, self.patience.request(is_logged_in)),
            Phase::Head => (Wait::Request, self.patience.pause),
            Phase::Body(_) | Phase::Chunks(_) => (Wait::Body, self.patience.data),
            Phase::Call | Phase::Answer | Phase::Answered => return Poll::Pending,
        };
        if self.waits_for != Some(wait) {
            self.waits_for = Some(wait);
            self.reading.set(limit);
        }
        ready!(self.reading.poll(cx));
        if wait == Wait::Request {
            self.line.state().is_paused = true;
            return Poll::Pending;
        }
        self.give_up(wait);
        Poll::Ready(match wait {
            // hyper takes it for the end of an unfinished head, and closes.
            Wait::Request | Wait::Head => Ok(()),
            Wait::Body => Err(io::ErrorKind::TimedOut.into()),
        })
    }

    /// The client has been silent for too long.
    fn give_up(&mut self, wait: Wait) {
        tracing::debug!(peer = %self.line.conn.peer, ?wait, "a client was silent for too long");
        self.ended = Some(Ok(()));
    }

    /// Waits for the end of a pause, without hyper. Answers whether there is anything to read.
    pub(super) async fn wakes(&mut self) -> bool {
        self.line.state().is_paused = false;
        self.reading
            .set(self.patience.idle(self.line.conn.is_logged_in()));
        let is_woken = poll_fn(|cx| match self.look_ahead(cx) {
            true => Poll::Ready(true),
            false => self.reading.poll(cx).map(|()| false),
        });
        let is_woken = is_woken.await;
        self.waits_for = None;
        if !is_woken {
            self.give_up(Wait::Request);
        }
        is_woken && !(self.held.is_empty() && self.ended.is_some())
    }

    /// Looks for what follows the request that is being handled. Answers whether anything does.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> bool {
        !self.held.is_empty() || self.read_ahead(cx)
    }

    /// Reads a little. Answers whether anything has arrived, be it the end.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> bool {
        if self.ended.is_none() {
            let mut space = [MaybeUninit::uninit(); AHEAD_BYTES];
            let mut buf = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.io).poll_read(cx, &mut buf) {
                Poll::Pending => return false,
                Poll::Ready(Err(error)) => self.ended = Some(Err(error)),
                Poll::Ready(Ok(())) if buf.filled().is_empty() => self.ended = Some(Ok(())),
                Poll::Ready(Ok(())) => self.held.extend_from_slice(buf.filled()),
            }
        }
        true
    }

    /// Whether an answer of this size is to wait for the answers to requests that have already arrived.
    fn waits_for_others(&self, size: usize) -> bool {
        let has_company = !self.held.is_empty() || !self.out.is_empty();
        has_company && self.out.len().saturating_add(size) <= TOGETHER_BYTES
    }

    /// Writes the answers that have waited.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.out);
            let count = ready!(self.written(cx, written))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(count);
        }
        self.out = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Looks whether a client has taken no bytes for too long.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Pending => {
                if !self.writing.is_set() {
                    self.writing.set(self.patience.answer);
                }
                self.writing
                    .poll(cx)
                    .map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Ready(written) => {
                self.writing.clear();
                Poll::Ready(written)
            }
        }
    }

    /// Notes that writing has failed. hyper hears of it when it has an answer to write, but not while a call runs.
    fn broken(&mut self, error: io::Error) -> io::Result<()> {
        self.is_broken = true;
        self.out = BytesMut::new();
        let is_call = self.line.state().phase.is_call();
        if !is_call {
            return Err(error);
        }
        self.line.conn.interrupt.end();
        Ok(())
    }

    /// Begins to wait for the next request, now that the answer to the last one is out.
    fn next_request(&mut self, cx: &mut Context<'_>) {
        self.head_begun = false;
        self.blank = BlankLine::No;
        self.waits_for = None;
        // hyper was told to wait while the call ran, and reads on only when it is woken. If there is nothing to read, it
        // is enough that the stream or the time limit wakes it later.
        if self.look_ahead(cx) || self.poll_limit(cx, Phase::Head).is_ready() {
            self.line.state().wake_reader();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watch<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = &mut *self;
        let phase = {
            let mut state = me.line.state();
            match state.phase {
                Phase::Head | Phase::Body(_) | Phase::Chunks(Pause::No) => {}
                Phase::Chunks(_) => {
                    state.hyper_asks(cx);
                    return Poll::Pending;
                }
                Phase::Call | Phase::Answer | Phase::Answered => {
                    state.reader = Some(cx.waker().clone())
                }
            }
            state.phase
        };
        match phase {
            Phase::Call => {
                let is_followed = me.look_ahead(cx);
                let interrupt = &me.line.conn.interrupt;
                match (is_followed, &me.ended) {
                    (true, Some(_)) => interrupt.end(),
                    (true, None) if !interrupt.is_raised() => interrupt.raise(),
                    _ => {}
                }
                Poll::Pending
            }
            Phase::Answer | Phase::Answered => Poll::Pending,
            Phase::Head | Phase::Body(_) | Phase::Chunks(_) => me.give(cx, phase, buf),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watch<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = &mut *self;
        let size = slices.iter().map(|slice| slice.len()).sum();
        if me.is_broken {
            return Poll::Ready(me.broken(io::ErrorKind::BrokenPipe.into()).map(|()| size));
        }
        if me.waits_for_others(size) {
            for slice in slices {
                me.out.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(size));
        }
        let written = match me.poll_write_out(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => {
                let written = Pin::new(&mut me.io).poll_write_vectored(cx, slices);
                ready!(me.written(cx, written))
            }
        };
        Poll::Ready(written.or_else(|error| me.broken(error).map(|()| size)))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        let is_answered = me.line.state().phase == Phase::Answered;
        // A further request may be answered at once. If it is not, hyper flushes again before it waits for anything.
        let is_followed = is_answered && !me.held.is_empty();
        if !is_followed && !me.is_broken {
            let flushed = match ready!(me.poll_write_out(cx)) {
                Ok(()) => {
                    let flushed = Pin::new(&mut me.io).poll_flush(cx);
                    ready!(me.written(cx, flushed))
                }
                Err(error) => Err(error),
            };
            flushed.or_else(|error| me.broken(error))?;
        }
        if is_answered {
            me.line.state().phase = Phase::Head;
            me.next_request(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// How many of these bytes hyper may have.
fn allowance(phase: Phase, blank: &mut BlankLine, bytes: &[u8]) -> usize {
    match phase {
        Phase::Head | Phase::Chunks(_) => blank.find(bytes).unwrap_or(bytes.len()),
        Phase::Body(left) => usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()),
        Phase::Call | Phase::Answer | Phase::Answered => 0,
    }
}

/// Finds the first blank line, however the bytes are cut into pieces.
///
/// This is a superset of what ends a head: hyper takes bare line feeds for line ends too. Finding one too many only means
/// that hyper asks once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlankLine {
    /// What came last has nothing to do with one.
    No,
    /// A line has ended.
    LineFeed,
    /// A line has ended, and the next one begins with a carriage return.
    CarriageReturn,
    /// What came last was one.
    Found,
}

impl BlankLine {
    /// The length of `bytes` through the next blank line, if there is one.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            *self = match (*self, byte) {
                (Self::LineFeed | Self::CarriageReturn, b'\n') => Self::Found,
                (Self::LineFeed, b'\r') => Self::CarriageReturn,
                (_, b'\n') => Self::LineFeed,
                _ => {
                    *self = Self::No;
                    // Most bytes are of no interest.
                    at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
                    continue;
                }
            };
            if *self == Self::Found {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
