//! Lending the bytes of a connection to whoever has taken it over.

use super::wire::Wire;
use crate::handover::{Line, Moving};
use bytes::Bytes;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Line for Wire<S> {
    fn receive(&mut self, idle: Duration) -> Moving<'_, Option<Bytes>> {
        Box::pin(self.any(idle))
    }

    fn send(&mut self, bytes: Bytes) -> Moving<'_, ()> {
        Box::pin(Wire::send(self, bytes))
    }
}
