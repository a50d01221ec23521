//! Sending pieces of files that the kernel has kept.

use super::Wire;
use crate::listen::socket::Transport;
use bytes::{Buf, BytesMut};
use pileus_blobs::{Kept, Piece};
use rustix::net::{SendFlags, send};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::TcpStream;

impl<S: Transport> Wire<S> {
    /// Sends a piece behind everything before. The last of it may wait for [`Wire::flush`].
    pub(in crate::binary) async fn send_piece(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Kept(mut kept) if self.io.plain().is_some() => {
                poll_fn(|cx| self.poll_send_kept(cx, &mut kept)).await
            }
            piece => {
                let bytes = piece.into_bytes().map_err(io::Error::other)?;
                self.send(bytes).await
            }
        }
    }

    fn poll_send_kept(&mut self, cx: &mut Context<'_>, kept: &mut Kept) -> Poll<io::Result<()>> {
        while !kept.is_sent() {
            let Some(tcp) = self.io.plain() else {
                return Poll::Ready(Err(ErrorKind::Unsupported.into()));
            };
            let sent = poll_send_next(cx, tcp, &self.out, kept);
            let of_out = ready!(self.in_time(cx, sent))?;
            self.out.advance(of_out);
        }
        if self.out.is_empty() {
            // Connections that are quiet hold no buffer.
            self.out = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes some of the answers that have waited, or if there are none of the bytes that come behind them. Answers how
/// many bytes of answers went.
fn poll_send_next(
    cx: &mut Context<'_>,
    tcp: &TcpStream,
    answers: &[u8],
    kept: &mut Kept,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        let sent = tcp.try_io(Interest::WRITABLE, || {
            if answers.is_empty() {
                kept.send(tcp).map(|_| 0)
            } else {
                // They are short, and would be a packet of their own.
                Ok(send(tcp, answers, SendFlags::MORE | SendFlags::NOSIGNAL)?)
            }
        });
        match sent {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            sent => return Poll::Ready(sent),
        }
    }
}
