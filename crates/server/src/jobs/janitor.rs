//! Clears away what has outlived its time: old trash, old revisions, files that were sent by mail, upload sessions that
//! nobody went on with, accounts that were given up, used-up codes and mails, devices that are trusted no more, contents
//! that nothing refers to, and bytes that no row knows.
//!
//! Every step is a short transaction of its own, and each is safe beside running calls and beside janitors of other
//! nodes. Rows go first, bytes after: bytes without a row are found again, a row without bytes must never exist.

use crate::app::App;
use crate::call::Answer;
use crate::cx::edit_within;
use crate::mail;
use crate::rules::offers::End;
use crate::rules::purge;
use crate::rules::trash::retention_start;
use crate::rules::{mail_codes, mail_transfer, newsletter, second_factor};
use crate::sessions;
use futures_util::StreamExt;
use pileus_blobs::BlobKey;
use pileus_store::contents::GarbageContent;
use pileus_store::jobs::{DOWNLOAD, JOIN, NAMES};
use std::sync::Arc;
use std::time::Duration;

/// Pause between rounds.
const EVERY: Duration = Duration::from_secs(60);

/// Rounds between two looks through the whole blob store for bytes without rows.
const SWEEP_EVERY_ROUNDS: u64 = 24 * 60;

/// How long contents stay after the last reference is gone, for downloads that are still running.
const GRACE_SECONDS: i64 = 3600;

const DAY_SECONDS: i64 = 86_400;

/// How old bytes without a row must be before they are taken for leftovers of a crash. An upload commits its row right
/// after its bytes, so a day is far on the safe side.
const ORPHAN_SECONDS: i64 = DAY_SECONDS;

/// How often a part of the index of names is looked at, to see how much of it is still of use.
const NAMES_TIDY_SECONDS: i64 = 7 * 86_400;

/// Works until the server stops.
pub async fn run(app: Arc<App>) {
    let mut round: u64 = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
        round += 1;
        if let Err(fail) = tidy(&app).await {
            tracing::warn!(cause = ?fail, "the janitor could not finish its round");
        }
        if round.is_multiple_of(SWEEP_EVERY_ROUNDS)
            && let Err(fail) = sweep(&app).await
        {
            tracing::warn!(cause = ?fail, "the janitor could not look through the blob store");
        }
    }
}

/// One round: everything whose time is over.
pub async fn tidy(app: &Arc<App>) -> Answer<()> {
    let now = app.clock.now().0;
    let before = retention_start(app, now);
    while clear_trash(app, before, now).await? > 0 {}
    while clear_revisions(app, before, now).await? > 0 {}
    while mail_transfer::clear(app, now).await? > 0 {}
    while clear_uploads(app, now.saturating_sub(sessions::KEPT_SECONDS)).await? > 0 {}
    while end_old_offers(app).await? > 0 {}
    while erase_accounts(app, now).await? > 0 {}
    app.db
        .edit(move |tx| -> Answer<()> {
            tx.clear_mails(now.saturating_sub(mail::WINDOW_SECONDS))?;
            tx.clear_mail_codes(now.saturating_sub(mail_codes::REMEMBERED_SECONDS))?;
            tx.clear_old_trusted_devices(now.saturating_sub(second_factor::TRUST_SECONDS))?;
            tx.clear_counted_paths(now)?;
            tx.clear_subscribers(now.saturating_sub(newsletter::CONSENT_SECONDS))?;
            Ok(())
        })
        .await?;
    // A day longer than they work, so that whoever is late or shows one twice is told so.
    let codes_before = now.saturating_sub(DAY_SECONDS);
    app.db
        .edit(move |tx| tx.clear_old_app_codes(codes_before))
        .await?;
    while clear_contents(app, now).await? > 0 {}
    for kind in [DOWNLOAD, JOIN, NAMES] {
        app.db.edit(move |tx| tx.forget_jobs(kind, now)).await?;
    }
    let before = now.saturating_sub(NAMES_TIDY_SECONDS);
    app.db.edit(move |tx| tx.tidy_names(before, now)).await?;
    Ok(())
}

/// Removes one batch of old trash; answers how many entries it was.
async fn clear_trash(app: &Arc<App>, before: i64, now: i64) -> Answer<usize> {
    app.db
        .edit(move |tx| -> Answer<usize> {
            let entries = tx.old_trash_entries(before)?;
            for entry in &entries {
                // What was restored or cleared meanwhile has left only its entry behind.
                if let Some(id) = entry.folder {
                    match tx.folder(id)?.filter(|folder| folder.deleted == entry.id) {
                        Some(folder) => purge::folder(tx, folder, now)?,
                        None => tx.remove_trash_entry_of_folder(entry.id, id)?,
                    }
                } else if let Some(id) = entry.file {
                    match tx.file(id)?.filter(|file| file.deleted == entry.id) {
                        Some(file) => purge::file(tx, &file, now)?,
                        None => tx.remove_trash_entry_of_file(entry.id, id)?,
                    }
                }
            }
            Ok(entries.len())
        })
        .await
}

/// Removes one batch of old revisions; answers how many it was.
async fn clear_revisions(app: &Arc<App>, before: i64, now: i64) -> Answer<usize> {
    app.db
        .edit(move |tx| -> Answer<usize> {
            let revisions = tx.old_revisions(before)?;
            for revision in &revisions {
                tx.remove_revision(revision.id)?;
                tx.release_content(revision.blob, now)?;
            }
            Ok(revisions.len())
        })
        .await
}

/// Ends one batch of old upload sessions; answers how many it was.
async fn clear_uploads(app: &Arc<App>, before: i64) -> Answer<usize> {
    let ended = app
        .db
        .edit(move |tx| -> Answer<Vec<i64>> {
            let old = tx.old_uploads(before)?;
            for &id in &old {
                tx.remove_upload(id)?;
            }
            Ok(old)
        })
        .await?;
    for &id in &ended {
        app.sessions.get(id).lock().await.forget();
        let Ok(working) = app.working_dir() else {
            continue;
        };
        if let Err(error) = working.remove(id).await {
            // The next start of the server finds it.
            tracing::warn!(%error, "the bytes of an upload session could not be removed");
        }
    }
    Ok(ended.len())
}

/// Erases a few accounts that their owners have given up long enough ago; answers how many it was.
async fn erase_accounts(app: &Arc<App>, now: i64) -> Answer<usize> {
    let kept_seconds = i64::try_from(app.config.deactivated_days)
        .unwrap_or(i64::MAX)
        .saturating_mul(86_400);
    let before = now.saturating_sub(kept_seconds);
    let accounts = app.db.view(move |tx| tx.given_up_accounts(before)).await?;
    for &id in &accounts {
        // From here on the account cannot be brought back. A stop of the server in between does no harm: the account
        // is found again.
        if !app
            .db
            .edit(move |tx| -> Answer<bool> { Ok(tx.begin_erasing(id, before)?) })
            .await?
        {
            continue;
        }
        // Piece by piece, so that other accounts can write in between.
        while !app
            .db
            .edit(move |tx| -> Answer<bool> { Ok(tx.remove_account_piece(id, now)?) })
            .await?
        {}
        tracing::info!(user.id = id, "an account that was given up is erased");
    }
    Ok(accounts.len())
}

/// Ends one batch of offers to share that nobody has answered in time; answers how many it was.
async fn end_old_offers(app: &Arc<App>) -> Answer<usize> {
    let now = app.clock.now();
    let offers = app
        .db
        .view(move |tx| tx.expired_share_requests(now.0))
        .await?;
    for offer in &offers {
        let (shared, id) = (app.clone(), offer.id);
        app.db
            .edit(move |tx| -> Answer<()> {
                // It may have been taken back meanwhile.
                match tx.share_request(id)? {
                    Some(offer) => edit_within(tx, &shared, offer.owner, now, |edit| {
                        edit.end_offer(&offer, End::Cancelled)
                    }),
                    None => Ok(()),
                }
            })
            .await?;
    }
    Ok(offers.len())
}

/// Removes one batch of contents without references; answers how many it was.
async fn clear_contents(app: &Arc<App>, now: i64) -> Answer<usize> {
    let before = now.saturating_sub(GRACE_SECONDS);
    let (count, keys) = app
        .db
        .edit(move |tx| -> Answer<(usize, Vec<Vec<u8>>)> {
            let mut keys = Vec::new();
            let mut count = 0;
            for GarbageContent { id, storage_key } in tx.garbage_contents(before)? {
                // A reference may have been taken since; then the row stays, and so do the bytes.
                if tx.remove_content(id, now)? {
                    keys.extend(storage_key);
                    count += 1;
                }
            }
            Ok((count, keys))
        })
        .await?;
    for key in keys {
        delete_blob(app, &key).await;
    }
    Ok(count)
}

async fn delete_blob(app: &App, key: &[u8]) {
    let Ok(key) = <[u8; 16]>::try_from(key) else {
        return;
    };
    if let Err(error) = app.blobs.delete(&BlobKey::from_bytes(key)).await {
        // The next look through the blob store finds it again.
        tracing::warn!(%error, "a blob could not be removed");
    }
}

/// Looks through the whole blob store for bytes that no row knows.
pub async fn sweep(app: &Arc<App>) -> Answer<()> {
    let oldest = app.clock.now().0.saturating_sub(ORPHAN_SECONDS);
    let mut listed = app.blobs.list();
    while let Some(blob) = listed.next().await {
        let blob = blob.map_err(crate::call::Fail::internal)?;
        if i64::try_from(blob.modified).is_ok_and(|modified| modified > oldest) {
            continue;
        }
        let key = blob.key.as_bytes().to_vec();
        let known = app.db.view(move |tx| tx.has_storage_key(&key)).await?;
        if !known {
            tracing::info!(key = %blob.key, "removing bytes that no row knows");
            delete_blob(app, blob.key.as_bytes()).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::cx::edit_for;
    use crate::rules::accounts::{NewUser, add_user};
    use crate::rules::administration::{self, Changes};
    use crate::rules::offers::Offer;
    use crate::start;
    use pileus_api::event::EventKind;
    use pileus_store::accounts::{ACTIVE, DEACTIVATED};

    /// A server that does not serve, with one account, and the file that its clock follows.
    async fn site(place: &std::path::Path) -> (Arc<App>, i64) {
        let clock = place.join("clock");
        std::fs::write(&clock, "0").unwrap();
        let config = Config {
            data: place.join("data"),
            deactivated_days: 3,
            ..Config::default()
        };
        let app = start::open(config, Clock::new(Some(clock))).await.unwrap();
        let new = NewUser {
            email: "ann@example.com".into(),
            email_verified: true,
            password_hash: String::new(),
            password_sealed: None,
            language: "en".into(),
            quota: 1,
        };
        let now = app.clock.now();
        let id = app
            .db
            .edit(move |tx| add_user(tx, &new, now))
            .await
            .unwrap();
        (app, id)
    }

    fn go_on(place: &std::path::Path, seconds: i64) {
        std::fs::write(place.join("clock"), seconds.to_string()).unwrap();
    }

    async fn state(app: &App, id: i64) -> Option<i64> {
        let account = app.db.view(move |tx| tx.account(id)).await.unwrap();
        account.map(|account| account.state)
    }

    async fn give_up(app: &App, id: i64) {
        let now = app.clock.now().0;
        app.db
            .edit(move |tx| tx.deactivate_account(id, now))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn offers_that_nobody_answers_end() {
        let place = tempfile::tempdir().unwrap();
        let (app, id) = site(place.path()).await;
        edit_for(&app, id, |edit| {
            let mut root = edit.root()?;
            let folder = edit.make_folder(&mut root, "plans", None)?;
            edit.make_offer(Offer {
                folder,
                email: "bob@example.com",
                permissions: 0,
                name: "plans",
                message: None,
            })
        })
        .await
        .unwrap();
        let kinds = || {
            app.db.view(move |tx| -> Answer<(usize, Vec<i64>)> {
                let open = tx.share_requests_made(id)?.len();
                let events = tx.events_after(id, 0, 100)?;
                Ok((open, events.iter().map(|event| event.kind).collect()))
            })
        };
        go_on(place.path(), 20 * 86_400);
        tidy(&app).await.unwrap();
        let (open, before) = kinds().await.unwrap();
        assert_eq!(open, 1);
        go_on(place.path(), 21 * 86_400);
        tidy(&app).await.unwrap();
        let (open, after) = kinds().await.unwrap();
        assert_eq!(open, 0);
        let ended = [EventKind::CancelledShareOut, EventKind::ModifyFolder];
        assert_eq!(after[before.len()..], ended.map(|kind| kind as i64));
    }

    #[tokio::test]
    async fn devices_are_trusted_for_sixty_days_and_the_newest_fifty() {
        let place = tempfile::tempdir().unwrap();
        let (app, id) = site(place.path()).await;
        let device = |number: usize| {
            let named = format!("0123456789abcdef{number}");
            second_factor::device_fingerprint(&app, id, &named).unwrap()
        };
        let trust = async |number: usize| {
            let (device, now) = (device(number), app.clock.now());
            app.db
                .edit(move |tx| second_factor::trust(tx, id, &device, now))
                .await
                .unwrap();
        };
        let trusted = async |number: usize| {
            let (device, now) = (Some(device(number)), app.clock.now());
            app.db
                .view(move |tx| second_factor::is_trusted(tx, id, device, now))
                .await
                .unwrap()
        };
        let count = || app.db.view(move |tx| tx.count_trusted_devices(id));
        for number in 0..50 {
            go_on(place.path(), 10 + i64::try_from(number).unwrap());
            trust(number).await;
        }
        // The oldest is renewed, so another one goes.
        go_on(place.path(), 100);
        trust(0).await;
        trust(50).await;
        assert_eq!(count().await.unwrap(), 50);
        assert!(trusted(0).await && trusted(50).await && trusted(2).await);
        assert!(!trusted(1).await);

        go_on(place.path(), 60 * 86_400 + 99);
        tidy(&app).await.unwrap();
        assert!(trusted(0).await && !trusted(2).await);
        assert_eq!(count().await.unwrap(), 2);
        go_on(place.path(), 60 * 86_400 + 100);
        tidy(&app).await.unwrap();
        assert!(!trusted(0).await);
        assert_eq!(count().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn accounts_that_were_given_up_are_erased_in_time() {
        let place = tempfile::tempdir().unwrap();
        let (app, id) = site(place.path()).await;
        give_up(&app, id).await;
        tidy(&app).await.unwrap();
        assert_eq!(state(&app, id).await, Some(DEACTIVATED));

        // Brought back in time, it stays.
        go_on(place.path(), 2 * 86_400);
        let changes = Changes {
            enabled: Some(true),
            ..Changes::default()
        };
        let now = app.clock.now();
        app.db
            .edit(move |tx| administration::change(tx, id, &changes, now))
            .await
            .unwrap();
        go_on(place.path(), 4 * 86_400);
        tidy(&app).await.unwrap();
        assert_eq!(state(&app, id).await, Some(ACTIVE));

        give_up(&app, id).await;
        go_on(place.path(), 6 * 86_400);
        tidy(&app).await.unwrap();
        assert_eq!(state(&app, id).await, Some(DEACTIVATED));
        go_on(place.path(), 8 * 86_400);
        tidy(&app).await.unwrap();
        assert_eq!(state(&app, id).await, None);
    }

    #[tokio::test]
    async fn an_account_that_is_being_erased_cannot_be_brought_back() {
        let place = tempfile::tempdir().unwrap();
        let (app, id) = site(place.path()).await;
        give_up(&app, id).await;
        go_on(place.path(), 4 * 86_400);
        let now = app.clock.now();
        let began = app.db.edit(move |tx| tx.begin_erasing(id, now.0)).await;
        assert!(began.unwrap());
        let changes = Changes {
            enabled: Some(true),
            ..Changes::default()
        };
        let refused = app
            .db
            .edit(move |tx| administration::change(tx, id, &changes, now))
            .await;
        assert!(refused.is_err());
        // What a stop of the server has left undone is finished.
        tidy(&app).await.unwrap();
        assert_eq!(state(&app, id).await, None);
    }
}
