//! Time limits: a benchmark must end whatever the servers do.

use crate::error::Result;
use std::future::Future;
use std::time::Duration;

/// How long it may take to open a connection.
pub const CONNECT: Duration = Duration::from_secs(10);
/// How long a single call may take that is not meant to wait.
pub const CALL: Duration = Duration::from_secs(300);

/// What `work` answers, or an error when it is not done within `limit`.
pub async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("{what} took more than {} seconds", limit.as_secs()).into()),
    }
}
