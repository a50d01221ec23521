//! Looking at the feed of an account, and waiting for news of it.

use crate::call::Answer;
use crate::cx::{Cx, View, edit_owed};
use crate::metrics::Gauge;
use pileus_api::Code;
use std::collections::BTreeSet;
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

/// Looks at the feed of an account when everything has its place there that has happened so far in the folders that it
/// follows.
pub async fn look_at_feed<T: Send + 'static>(
    cx: &Cx<'_, '_>,
    account: i64,
    look: impl FnOnce(&mut View<'_, '_>) -> Answer<T> + Clone + Send + 'static,
) -> Answer<T> {
    let first = look.clone();
    let seen = cx.view(move |view| {
        if view.tx.news_of_followed(account)?.is_empty() {
            first(view).map(Some)
        } else {
            Ok(None)
        }
    });
    if let Some(seen) = seen.await? {
        return Ok(seen);
    }
    edit_owed(cx.app, account, move |edit| edit.place_news(account)).await?;
    cx.view(look).await
}

/// Waits until `look` finds something new about an account. If it looks at the feed, what happens in the folders that the
/// account follows ends the wait too. No database connection is held while waiting.
pub async fn wait_for<T: Send + 'static>(
    cx: &Cx<'_, '_>,
    account: i64,
    at_feed: bool,
    longest: Duration,
    look: impl Fn(&mut View<'_, '_>) -> Answer<Option<T>> + Clone + Send + 'static,
) -> Answer<Waited<T>> {
    let waiter = cx.app.feed.register(account);
    let look = move |view: &mut View<'_, '_>| match look(view)? {
        None if at_feed => Ok((
            None,
            view.tx.followed_folders(account)?.into_iter().collect(),
        )),
        found => Ok((found, BTreeSet::new())),
    };
    let deadline = tokio::time::sleep(longest);
    tokio::pin!(deadline);
    loop {
        let changed = waiter.changed();
        tokio::pin!(changed);
        // Registered before the look: what is committed between the look and the sleep wakes the sleep.
        changed.as_mut().enable();
        // Told at once: what belongs together was committed together, so there is nothing to collect.
        let (found, followed) = if at_feed {
            look_at_feed(cx, account, look.clone()).await?
        } else {
            cx.view(look.clone()).await?
        };
        if let Some(found) = found {
            return Ok(Waited::News(found));
        }
        if waiter.follow(followed) {
            continue;
        }
        if cx.call.conn.interrupt.is_raised() {
            return Ok(Waited::Interrupted);
        }
        if !waiter.may_sleep() {
            return Err(Code::REQUESTS_LIMITED.into());
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
