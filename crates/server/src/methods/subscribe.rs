//! `subscribe`: waiting for any of several sources.

use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::dispatch::Waits;
use crate::methods::feed::{EVENTS_MAX, news};
use crate::methods::notifications::notification;
use crate::methods::waiting::{Waited, wait_for};
use crate::rules::metadata::wire_id;
use pileus_api::Code;
use pileus_api::event::FeedReply;
use pileus_api::general::Subscribe;
use std::time::Duration;

/// What a client knows of each source it asks for; `None` where it does not ask.
#[derive(Clone)]
struct Known {
    /// Position in the change feed, and events of one answer.
    diff: Option<(u64, u64)>,
    publinkid: Option<u64>,
    uploadlinkid: Option<u64>,
    notificationid: Option<u64>,
    /// The people at the beginning of the wait. Clients have no position among them, so only what changes meanwhile is
    /// told.
    contacts: Option<Vec<String>>,
    /// The newest notification that was read at the beginning of the wait: another client may read some meanwhile.
    last_read: i64,
}

impl Waits for Subscribe {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<FeedReply> {
        let account = cx.user()?.account.id;
        let asked = self.subscribefor.as_deref().unwrap_or_default();
        let wants = |source: &str| asked.split(',').any(|asked| asked.trim() == source);
        let limit = self.difflimit.unwrap_or(EVENTS_MAX).clamp(1, EVENTS_MAX);
        let mut known = Known {
            diff: wants("diff").then(|| (self.diffid.unwrap_or(0), limit)),
            publinkid: self.publinkid.filter(|_| wants("publinks")),
            uploadlinkid: self.uploadlinkid.filter(|_| wants("uploadlinks")),
            notificationid: self.notificationid.filter(|_| wants("notifications")),
            contacts: None,
            last_read: 0,
        };
        let (with_contacts, with_notices) = (wants("contacts"), known.notificationid.is_some());
        if with_contacts || with_notices {
            (known.contacts, known.last_read) = cx
                .view(move |view| {
                    let contacts = with_contacts
                        .then(|| view.tx.contacts(account))
                        .transpose()?;
                    let last_read = if with_notices {
                        view.tx.last_read_notification(account)?
                    } else {
                        0
                    };
                    Ok((contacts, last_read))
                })
                .await?;
        }
        let longest = Duration::from_secs(cx.app.config.subscribe_seconds);
        let at_feed = known.diff.is_some();
        let look = move |view: &mut View<'_, '_>| known.news(view);
        match wait_for(cx, account, at_feed, longest, look).await? {
            Waited::News(reply) => Ok(reply),
            Waited::Interrupted => Err(Code::WAIT_CANCELLED.into()),
            Waited::TimedOut => Err(Code::WAIT_TIMED_OUT.into()),
        }
    }
}

impl Known {
    /// The first source that has news, in the order in which the sync client wants them. There are neither teams nor
    /// users of a business, so these two never have any.
    fn news(&self, view: &mut View<'_, '_>) -> Answer<Option<FeedReply>> {
        if let Some((diffid, limit)) = self.diff
            && let Some(page) = news(view, diffid, limit)?
        {
            let reply = FeedReply::diff(page.events, page.diffid).from_source("diff");
            return Ok(Some(reply));
        }
        let account = view.user.account.clone();
        let has_moved =
            |known: Option<u64>, now: i64| known.is_some_and(|known| known != wire_id(now));
        if has_moved(self.publinkid, account.publinkid) {
            return Ok(Some(FeedReply::publinks(wire_id(account.publinkid))));
        }
        if has_moved(self.uploadlinkid, account.uploadlinkid) {
            return Ok(Some(FeedReply::uploadlinks(wire_id(account.uploadlinkid))));
        }
        if let Some(contacts) = &self.contacts
            && view.tx.contacts(account.id)? != *contacts
        {
            return Ok(Some(FeedReply::default().from_source("contacts")));
        }
        let Some(known) = self.notificationid else {
            return Ok(None);
        };
        let is_moved = has_moved(Some(known), account.notificationid);
        if !is_moved && view.tx.last_read_notification(account.id)? == self.last_read {
            return Ok(None);
        }
        let after = i64::try_from(known).unwrap_or(i64::MAX);
        // What was read somewhere else is told with everything, so that the client sees which ones.
        let after = if is_moved && after <= account.notificationid {
            after
        } else {
            0
        };
        let rows = view.tx.notifications_after(account.id, after)?;
        let notices = rows.into_iter().map(|row| notification(view, row));
        let notices = notices.collect::<Answer<_>>()?;
        Ok(Some(FeedReply::notifications(
            wire_id(account.notificationid),
            notices,
        )))
    }
}
