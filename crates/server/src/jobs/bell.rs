//! Telling the runners of this process that there is a new job, so that it begins at once.

use std::sync::Arc;
use tokio::sync::Notify;

/// Rung when a job was added. Runners of other processes find it when they look by themselves.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// There is a new job, and it is committed.
    pub fn ring(&self) {
        self.0.notify_waiters();
    }

    /// Resolves at the next ring after this call.
    pub fn rung(&self) -> tokio::sync::futures::Notified<'_> {
        self.0.notified()
    }
}
