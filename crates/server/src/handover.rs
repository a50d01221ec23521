//! Connections that change hands: what a method answers may be the last thing that is said in a front end's own
//! protocol. From there on the method speaks, and the front end only moves bytes for it.

use bytes::Bytes;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

/// A future of a [`Line`] or a [`Takeover`].
pub type Moving<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// The bytes of a connection, as a front end lends them. Clients that take nothing for too long are given up there.
pub trait Line: Send {
    /// What arrives next, a few KiB at most; `None` if the client has finished sending. Waiting longer than `idle` is an
    /// error.
    fn receive(&mut self, idle: Duration) -> Moving<'_, Option<Bytes>>;
    /// Sends bytes; ready when the system has taken them.
    fn send(&mut self, bytes: Bytes) -> Moving<'_, ()>;
}

/// Somebody who takes a connection over.
pub trait Takeover: Send {
    /// Speaks on the connection until it is of no more use. It is closed afterwards.
    fn run<'a>(self: Box<Self>, line: &'a mut dyn Line) -> Moving<'a, ()>;
}
