//! Closing a connection without destroying the answer that is on its way.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a client may take to close its side.
const LINGER: Duration = Duration::from_secs(2);
/// How much of what it still sends is taken in meanwhile.
const LINGER_BYTES: u64 = 64 << 20;

/// Ends the sending side, and reads on for a moment if the client may still be sending.
///
/// A kernel answers bytes for a closed socket with a reset, and a reset makes the other end forget what it has received
/// and not yet read: a client that is refused in the middle of an upload would never see why.
pub async fn close(mut io: impl AsyncRead + AsyncWrite + Unpin, may_be_sending: bool) {
    let close = async {
        if io.shutdown().await.is_ok() && may_be_sending {
            let mut rest = io.take(LINGER_BYTES);
            // An error ends it as well as the end does: nobody is there to be told.
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
    };
    let _ = timeout(LINGER, close).await;
}
