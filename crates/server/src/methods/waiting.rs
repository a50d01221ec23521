//! Waiting for news of an account.

use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::metrics::Gauge;
use std::time::Duration;

/// How a wait ended.
pub enum Waited<T> {
    /// By what was waited for.
    News(T),
    /// By the client, which sent something else or is gone.
    Interrupted,
    /// By the time.
    TimedOut,
}

/// Waits until `look` finds something new about an account. No database connection is held while waiting.
pub async fn wait_for<T: Send + 'static>(
    cx: &Cx<'_, '_>,
    account: i64,
    longest: Duration,
    look: impl Fn(&mut View<'_, '_>) -> Answer<Option<T>> + Clone + Send + 'static,
) -> Answer<Waited<T>> {
    let waiter = cx.app.feed.register(account);
    let deadline = tokio::time::sleep(longest);
    tokio::pin!(deadline);
    loop {
        let changed = waiter.changed();
        tokio::pin!(changed);
        // Registered before the look: what is committed between the look and the sleep wakes the sleep.
        changed.as_mut().enable();
        // Told at once: what belongs together was committed together, so there is nothing to collect.
        if let Some(found) = cx.view(look.clone()).await? {
            return Ok(Waited::News(found));
        }
        if cx.call.conn.interrupt.is_raised() {
            return Ok(Waited::Interrupted);
        }
        let _waiting = Gauge::enter(&cx.app.metrics.waiting);
        tokio::select! {
            () = &mut changed => {}
            () = cx.call.conn.interrupt.raised() => return Ok(Waited::Interrupted),
            () = &mut deadline => return Ok(Waited::TimedOut),
            () = cx.app.stopped() => return Ok(Waited::TimedOut),
        }
    }
}
