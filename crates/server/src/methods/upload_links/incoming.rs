//! Files that come through an upload link.

use crate::call::{Answer, Fail};
use crate::cx::{Cx, Edit, edit_for, edit_within};
use crate::dispatch::{Streamed, Streams, Writes};
use crate::intake::{Intake, Keeper, Received, discard, is_clearly_more, key_of};
use crate::methods::file::new_content;
use crate::progress::Running;
use crate::rules::guesses::{check_guesses, noting_guesses};
use crate::rules::save::Held;
use crate::rules::upload_links::{Open, open};
use pileus_api::name::check_name;
use pileus_api::reply::Done;
use pileus_api::upload_links::{CopyToLink, UploadToLink};
use pileus_api::{Code, Metadata};
use pileus_store::contents::NewContent;
use pileus_store::upload_links::UploadLink;

impl Streams for UploadToLink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        check_guesses(cx.app, cx.call.client)?;
        let (code, now) = (self.code.clone(), cx.now);
        let found = cx.app.db.view(move |tx| open(tx, &code, now)).await;
        let Open { link, room } = noting_guesses(cx.app, cx.call.client, found)?;
        if is_clearly_more(cx, room) {
            return Err(Code::LINK_SPACE_USED.into());
        }
        let mut intake = Intake {
            filename: self.filename.as_deref(),
            nopartial: self.nopartial,
            running: Running::new(
                &cx.app.progresses,
                link.id,
                self.progresshash.as_ref(),
                cx.body,
            ),
        };
        let mut files = Files {
            link,
            room,
            from: self.names.clone(),
        };
        match intake.receive(cx, &mut files).await? {
            0 => Err(Code::NO_FILES.into()),
            _ => Ok(Streamed::Reply(Done)),
        }
    }
}

/// Files that become those of a link's owner.
struct Files {
    link: UploadLink,
    /// Bytes that may come; the limits are checked exactly when a file is saved.
    room: u64,
    /// Who the visitor claims to be.
    from: Option<String>,
}

impl Keeper for Files {
    const FULL: Code = Code::LINK_SPACE_USED;

    fn room(&self) -> u64 {
        self.room
    }

    async fn keep(&mut self, cx: &Cx<'_, '_>, received: Received) -> Answer<Option<Metadata>> {
        let key = key_of(&received.stored);
        let content = new_content(received.stored)?;
        let size = content.size.unsigned_abs();
        let (link, name, from) = (self.link.id, received.name, self.from.clone());
        let saved = edit_for(cx.app, self.link.owner, move |edit| {
            keep_through(edit, link, &name, &content, from.as_deref())
        })
        .await;
        let is_needed = saved.as_ref().is_ok_and(|is_new| *is_new);
        if let Some(key) = key.filter(|_| !is_needed) {
            discard(cx.app, key).await;
        }
        saved.map_err(|fail| {
            // The owner has been locked out, or has given up the account.
            if fail.code == Code::LOGIN_FAILED {
                Fail::from(Code::LINK_DELETED)
            } else {
                fail
            }
        })?;
        self.room = self.room.saturating_sub(size);
        // Visitors learn nothing of what is in the folder, not even of what they put there.
        Ok(None)
    }
}

/// Saves a stored content through a link; answers whether its bytes were not there already.
fn keep_through(
    edit: &mut Edit<'_, '_>,
    link: i64,
    name: &str,
    content: &NewContent,
    from: Option<&str>,
) -> Answer<bool> {
    let kept = edit.tx.keep_content(content)?;
    let held = Held {
        blob: kept.id,
        size: content.size,
        hash: content.hash,
    };
    edit.save_through(link, name, held, from)?;
    Ok(!kept.duplicate)
}

impl Writes for CopyToLink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let client = cx.call.map(|call| call.client).ok_or(Code::INTERNAL)?;
        check_guesses(cx.app, client)?;
        let now = cx.now;
        let found = open(cx.tx, &self.code, now);
        let Open { link, .. } = noting_guesses(cx.app, client, found)?;
        let file = cx.version(&self.file)?.file;
        let name = self.toname.as_deref().unwrap_or(&file.name);
        check_name(name)?;
        let held = cx.hold(&file)?;
        // The caller may have no right to the folder; the owner has.
        let app = cx.app.clone();
        edit_within(cx.tx, &app, link.owner, now, |owner| {
            owner.save_through(link.id, name, held, None)
        })?;
        Ok(Done)
    }
}
