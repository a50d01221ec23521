//! Notices to the account, and the people it has to do with.

use crate::call::{Answer, Fail};
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::rules::metadata::wire_id;
use crate::rules::notices::Notice;
use pileus_api::UnixTime;
use pileus_api::notifications::{
    Contact, ContactList, ContactsReply, ListNotifications, Notification, NotificationsReply,
    ReadNotifications,
};
use pileus_api::reply::Done;
use pileus_store::notifications::Notification as Row;

impl Reads for ListNotifications {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<NotificationsReply> {
        let account = cx.user.account.clone();
        let after = self.notificationid.unwrap_or(0);
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = cx.tx.notifications_after(account.id, after)?;
        let notifications = rows.into_iter().map(|row| notification(cx, row));
        Ok(NotificationsReply {
            notificationid: wire_id(account.notificationid),
            notifications: notifications.collect::<Answer<_>>()?,
        })
    }
}

/// A notice as clients show it.
pub(super) fn notification(view: &View<'_, '_>, row: Row) -> Answer<Notification> {
    let notice = Notice::read(row.kind, &row.detail).map_err(Fail::internal)?;
    let folder = notice.folder().map(|folder| view.wire_folder(folder));
    let request = notice.request().map(wire_id);
    Ok(Notification {
        notificationid: wire_id(row.id),
        notification: notice.text(),
        mtime: UnixTime(row.created),
        isnew: !row.was_read,
        iconid: 0,
        action: match (folder, request) {
            (Some(_), _) => "gotofolder",
            (None, Some(_)) => "opensharerequest",
            (None, None) => "none",
        }
        .into(),
        folderid: folder,
        sharerequestid: request,
    })
}

impl Writes for ReadNotifications {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let account = cx.user.account.id;
        let up_to = self.notificationid.unwrap_or(u64::MAX);
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        if cx.tx.read_notifications(account, up_to)? > 0 {
            cx.wake(account)?;
        }
        Ok(Done)
    }
}

impl Reads for ContactList {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<ContactsReply> {
        let contacts = cx.tx.contacts(cx.user.account.id)?;
        let contacts = contacts.into_iter().map(|email| Contact {
            name: email.clone(),
            value: email,
            source: 1,
        });
        Ok(ContactsReply {
            contacts: contacts.collect(),
        })
    }
}
