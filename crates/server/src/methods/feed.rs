//! The change feed: `diff` and `getfilehistory`.

use crate::call::{Answer, Fail};
use crate::cx::{Cx, View};
use crate::dispatch::Waits;
use crate::methods::waiting::{Waited, look_at_feed, wait_for};
use crate::rules::access::rights;
use crate::rules::audience::permissions_of;
use crate::rules::events::AccountDetail;
use crate::rules::metadata::wire_id;
use crate::rules::share_detail::ShareDetail;
use pileus_api::event::{Event, EventKind, FeedReply, Payload};
use pileus_api::general::{AccountState, Diff, GetFileHistory, NEVER};
use pileus_api::metadata::{FileFacts, Kind, Metadata};
use pileus_api::{Code, UnixTime};
use pileus_store::StoreError;
use pileus_store::events::{self, Event as Row};
use pileus_store::names::Object;
use std::collections::HashSet;
use std::time::Duration;

/// Events of one answer at most, whatever the client asks for. It goes on from the answer's `diffid`.
pub(super) const EVENTS_MAX: u64 = 100_000;

/// One answer of the feed.
pub(super) struct Page {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Where the next call goes on.
    pub diffid: u64,
}

impl Waits for Diff {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<FeedReply> {
        let account = cx.user()?.account.id;
        let limit = self.limit.unwrap_or(EVENTS_MAX).clamp(1, EVENTS_MAX);
        let (diffid, after, last) = (self.diffid, self.after, self.last);
        let look = move |view: &mut View<'_, '_>| {
            let from = match (diffid, last, after) {
                (Some(diffid), _, _) => diffid,
                (None, Some(0), _) => {
                    return Ok(Page {
                        events: Vec::new(),
                        diffid: wire_id(view.user.account.diffid),
                    });
                }
                (None, Some(last), _) => {
                    let last = i64::try_from(last).unwrap_or(i64::MAX);
                    wire_id(view.tx.position_before_newest(account, last)?)
                }
                (None, None, Some(after)) => match view.tx.first_event_since(account, after.0.0)? {
                    Some(first) => wire_id(first - 1),
                    None => wire_id(view.user.account.diffid),
                },
                (None, None, None) => 0,
            };
            page(view, from, limit)
        };
        let known = match (self.block, self.diffid) {
            (true, Some(known)) => known,
            _ => {
                let page = look_at_feed(cx, account, look).await?;
                return Ok(FeedReply::diff(page.events, page.diffid));
            }
        };
        let deadline = Duration::from_secs(cx.app.config.diff_block_seconds);
        let look = move |view: &mut View<'_, '_>| news(view, known, limit);
        match wait_for(cx, account, true, deadline, look).await? {
            Waited::News(page) => Ok(FeedReply::diff(page.events, page.diffid)),
            Waited::Interrupted | Waited::TimedOut => Ok(FeedReply::diff(Vec::new(), known)),
        }
    }
}

/// The events after a position, if there are any.
pub(super) fn news(view: &mut View<'_, '_>, known: u64, limit: u64) -> Answer<Option<Page>> {
    let page = page(view, known, limit)?;
    Ok(Some(page).filter(|page| !page.events.is_empty()))
}

/// The events after a position. An answer that is cut goes on from its own `diffid`; it is empty only if there is
/// nothing left, since clients take an empty answer for the end.
fn page(view: &mut View<'_, '_>, from: u64, limit: u64) -> Answer<Page> {
    let newest = view.user.account.diffid;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let known = i64::try_from(from).ok().filter(|&known| known <= newest);
    let mut events = Vec::new();
    // A position that this account never had: the client has to begin anew.
    if known.is_none() {
        let kind = EventKind::Reset;
        events.push(Event {
            kind,
            time: view.now,
            diffid: 0,
            payload: Payload::None,
        });
    }
    let mut at = known.unwrap_or(0);
    loop {
        let rows = view.tx.events_after(view.user.account.id, at, limit)?;
        let is_full = rows.len() as u64 >= limit.unsigned_abs();
        let newest_row = rows.last().map(|row| row.diffid);
        let seen = view.seen_feed(rows)?;
        let is_cut = is_full || seen.ends_early.is_some();
        let last = seen.ends_early.or(newest_row);
        for row in without_cancelled(seen.events) {
            events.push(event(view, row)?);
        }
        match last {
            Some(last) if is_cut && events.is_empty() => at = last,
            Some(last) if is_cut => {
                return Ok(Page {
                    events,
                    diffid: wire_id(last),
                });
            }
            _ => {
                return Ok(Page {
                    events,
                    diffid: wire_id(newest),
                });
            }
        }
    }
}

/// Leaves out objects that were made and deleted within these events, unless an event that stays refers to them: as
/// the folder it happened in, or as the file that was replaced.
fn without_cancelled(rows: Vec<Row>) -> Vec<Row> {
    let is_kind =
        |row: &Row, kinds: [EventKind; 2]| kinds.iter().any(|&kind| kind as i64 == row.kind);
    let mut made = HashSet::new();
    let mut cancelled = HashSet::new();
    for row in &rows {
        let Some(object) = row.object() else { continue };
        if is_kind(row, [EventKind::CreateFile, EventKind::CreateFolder]) {
            // Restored from the trash: it is there again.
            cancelled.remove(&object);
            made.insert(object);
        } else if is_kind(row, [EventKind::DeleteFile, EventKind::DeleteFolder])
            && made.contains(&object)
        {
            cancelled.insert(object);
        }
    }
    // An object whose first event here is a deletion was known before, so its whole story has to be told.
    let mut begun = HashSet::new();
    for row in &rows {
        let Some(object) = row.object() else { continue };
        let is_made = is_kind(row, [EventKind::CreateFile, EventKind::CreateFolder]);
        // An object that took the place of another one carries the only news that the other is gone.
        if (begun.insert(object) && !is_made) || row.replaced_file.is_some() {
            cancelled.remove(&object);
        }
    }
    loop {
        let mut needed = Vec::new();
        for row in rows.iter().filter(|row| {
            !row.object()
                .is_some_and(|object| cancelled.contains(&object))
        }) {
            needed.extend(row.parent.map(Object::folder));
            needed.extend(row.replaced_file.map(Object::file));
        }
        let before = cancelled.len();
        for object in needed {
            cancelled.remove(&object);
        }
        if cancelled.len() == before {
            break;
        }
    }
    if cancelled.is_empty() {
        return rows;
    }
    rows.into_iter()
        .filter(|row| {
            !row.object()
                .is_some_and(|object| cancelled.contains(&object))
        })
        .collect()
}

/// An event as the account saw its object at that moment.
fn event(view: &View<'_, '_>, row: Row) -> Answer<Event> {
    let kind = EventKind::from_number(row.kind).ok_or_else(|| damaged(&row))?;
    let payload = match (&row.file, &row.folder) {
        (None, None) if kind == EventKind::ModifyUserInfo => {
            Payload::UserInfo(Box::new(account_state(&row)?))
        }
        (None, None) => {
            let detail: ShareDetail =
                serde_json::from_str(detail(&row)?).map_err(Fail::internal)?;
            Payload::Share(Box::new(detail.into()))
        }
        _ => Payload::Metadata(Box::new(metadata(view, &row, kind)?)),
    };
    Ok(Event {
        kind,
        time: UnixTime(row.time),
        diffid: wire_id(row.diffid),
        payload,
    })
}

fn detail(row: &Row) -> Answer<&str> {
    row.detail.as_deref().ok_or_else(|| damaged(row))
}

fn damaged(row: &Row) -> Fail {
    StoreError::Corrupt(format!(
        "event {} of account {} has no meaning",
        row.diffid, row.account
    ))
    .into()
}

fn metadata(view: &View<'_, '_>, row: &Row, event: EventKind) -> Answer<Metadata> {
    let kind = match (row.file, row.folder) {
        (Some(file), _) => Kind::File(FileFacts {
            fileid: wire_id(file),
            size: wire_id(row.size.unwrap_or(0)),
            hash: row.hash.map_or(0, |hash| hash.0),
            deletedfileid: row.replaced_file.map(wire_id),
            revisionid: None,
            conflicted: false,
            media: None,
        }),
        (None, Some(folder)) => Kind::Folder {
            folderid: view.wire_folder(folder),
        },
        (None, None) => return Err(damaged(row)),
    };
    Ok(Metadata {
        kind,
        name: row.name.clone().ok_or_else(|| damaged(row))?,
        parentfolderid: row.parent.map(|parent| view.wire_folder(parent)),
        rights: row
            .owner
            .filter(|owner| *owner != row.account)
            .map(|owner| rights(owner, permissions_of(row.flags))),
        isshared: row.flags & events::SHARED != 0,
        isdeleted: matches!(event, EventKind::DeleteFile | EventKind::DeleteFolder),
        origparentfolderid: None,
        created: UnixTime(row.created.unwrap_or(0)),
        modified: UnixTime(row.modified.unwrap_or(0)),
        path: None,
    })
}

fn account_state(row: &Row) -> Answer<AccountState> {
    let detail: AccountDetail = serde_json::from_str(detail(row)?).map_err(Fail::internal)?;
    Ok(AccountState {
        userid: wire_id(row.account),
        email: detail.email,
        emailverified: detail.verified,
        premium: true,
        premiumexpires: Some(NEVER),
        quota: wire_id(detail.quota),
        usedquota: wire_id(detail.used),
        language: detail.language,
        plan: 0,
        business: false,
        premiumlifetime: true,
        cryptosetup: false,
        cryptosubscription: false,
    })
}

impl Waits for GetFileHistory {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<FeedReply> {
        let file = i64::try_from(self.fileid).map_err(|_| Code::FILE_MISSING)?;
        let account = cx.user()?.account.id;
        let entries = look_at_feed(cx, account, move |view| history(view, file)).await?;
        Ok(FeedReply::history(entries))
    }
}

fn history(view: &mut View<'_, '_>, file: i64) -> Answer<Vec<Event>> {
    let me = view.user.account.id;
    let limit = i64::try_from(EVENTS_MAX).unwrap_or(i64::MAX);
    let rows = view.tx.events_of_file(me, file, limit)?;
    let rows = view.seen_history(rows)?;
    // Whoever has not been told of a file learns nothing from how long it takes to look for it.
    if rows.is_empty() {
        return Err(Code::FILE_MISSING.into());
    }
    // The feed of a former recipient keeps what he was told, but the file is not there for him any more.
    let is_hidden = match (view.tx.file(file)?, rows.last()) {
        (Some(file), _) => file.owner != me && !view.sees_file(&file)?,
        (None, last) => last.is_some_and(|row| row.owner.is_some_and(|owner| owner != me)),
    };
    if is_hidden {
        return Err(Code::FILE_MISSING.into());
    }
    rows.into_iter().map(|row| event(view, row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(diffid: i64, kind: EventKind, object: (bool, i64), parent: i64) -> Row {
        let (is_file, id) = object;
        Row {
            account: 1,
            diffid,
            time: 0,
            kind: kind as i64,
            folder: (!is_file).then_some(id),
            file: is_file.then_some(id),
            parent: Some(parent),
            name: Some("x".into()),
            owner: Some(1),
            flags: 0,
            created: None,
            modified: None,
            revisionid: None,
            blob: None,
            size: None,
            hash: None,
            replaced_file: None,
            detail: None,
        }
    }

    fn left(rows: Vec<Row>) -> Vec<i64> {
        without_cancelled(rows)
            .into_iter()
            .map(|row| row.diffid)
            .collect()
    }

    #[test]
    fn made_and_deleted_cancel() {
        use EventKind::{CreateFile, CreateFolder, DeleteFile, DeleteFolder, ModifyFile};
        let (folder, file) = ((false, 10), (true, 10));
        let story = vec![
            row(1, CreateFolder, folder, 5),
            row(2, CreateFile, file, 10),
            row(3, ModifyFile, file, 10),
            row(4, DeleteFile, file, 10),
            row(5, DeleteFolder, folder, 5),
        ];
        assert_eq!(left(story.clone()), [0i64; 0]);
        assert_eq!(
            left(story[1..].to_vec()),
            [5],
            "a folder known before is told to be gone"
        );
    }

    #[test]
    fn what_is_referred_to_stays() {
        use EventKind::{CreateFile, CreateFolder, DeleteFile, DeleteFolder, ModifyFile};
        let (folder, file) = ((false, 10), (true, 11));
        // The file survives because it was moved out before its folder was deleted.
        let moved_out = vec![
            row(1, CreateFolder, folder, 5),
            row(2, CreateFile, file, 10),
            row(3, ModifyFile, file, 5),
            row(4, DeleteFolder, folder, 5),
        ];
        assert_eq!(left(moved_out), [1, 2, 3, 4]);
        let mut replaced = vec![
            row(1, CreateFile, file, 5),
            row(2, ModifyFile, (true, 12), 5),
            row(3, DeleteFile, file, 5),
        ];
        replaced[1].replaced_file = Some(11);
        assert_eq!(left(replaced), [1, 2, 3]);
    }

    #[test]
    fn what_replaced_something_stays() {
        use EventKind::{CreateFile, DeleteFile, ModifyFile};
        let file = (true, 11);
        let mut story = vec![
            row(1, CreateFile, file, 5),
            row(2, ModifyFile, file, 5),
            row(3, DeleteFile, file, 5),
        ];
        story[1].replaced_file = Some(9);
        assert_eq!(left(story), [1, 2, 3]);
    }

    #[test]
    fn restored_objects_stay() {
        use EventKind::{CreateFile, DeleteFile};
        let file = (true, 11);
        let story = vec![
            row(1, CreateFile, file, 5),
            row(2, DeleteFile, file, 5),
            row(3, CreateFile, file, 5),
        ];
        assert_eq!(left(story.clone()), [1, 2, 3]);
        assert_eq!(left(story[1..].to_vec()), [2, 3]);
    }
}
