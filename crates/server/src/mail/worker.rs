//! Delivers mails, one after the other, until the server stops.
//!
//! A mail is taken by moving its time: while one node works on it, it is not due for any other, and if that node dies
//! it becomes due again. So a mail is delivered at least once, and twice only if the node dies between the mail
//! server's word and its own note of it.

use super::letter::Mail;
use super::post::{Post, Undelivered};
use crate::app::App;
use crate::call::{Answer, Fail};
use pileus_store::mail::DueMail;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked for mails that other processes wrote, or that are to be tried again.
const EVERY: Duration = Duration::from_secs(5);

/// How long a taken mail belongs to its node. A mail server gets a minute for each of the twenty that are taken at once.
const LEASE_SECONDS: i64 = 1800;

/// How long a delivery may go on once the server is to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Pause before the second attempt; it doubles with each further one.
const FIRST_PAUSE_SECONDS: i64 = 60;

/// Longest pause between two attempts.
const LONGEST_PAUSE_SECONDS: i64 = 3600;

/// How long a mail is tried. The codes of most are useless earlier.
const LIFE_SECONDS: i64 = 3 * 86_400;

/// Attempts for a mail that the mail server refuses for good. More than one, since what it refuses may also be our
/// login, which an administrator can put right.
const REFUSALS_MAX: i64 = 5;

/// Works until the server stops.
pub async fn run(app: Arc<App>) {
    let post = match Post::new(&app.config) {
        Ok(post) => post,
        Err(error) => {
            tracing::error!(error, "mails cannot be sent");
            return;
        }
    };
    loop {
        tokio::select! {
            () = app.mailroom.arrived.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
        if let Err(fail) = deliver_due(&app, &post).await {
            tracing::warn!(cause = ?fail, "mails could not be looked after");
        }
    }
}

/// Delivers everything that is due.
async fn deliver_due(app: &Arc<App>, post: &Post) -> Answer<()> {
    loop {
        let now = app.clock.now().0;
        // Most of the time there is nothing, and a look takes no lock.
        if !app.db.view(move |tx| tx.has_due_mails(now)).await? {
            return Ok(());
        }
        let until = now.saturating_add(LEASE_SECONDS);
        let due = app
            .db
            .edit(move |tx| -> Answer<_> { Ok(tx.lease_mails(now, until)?) })
            .await?;
        if due.is_empty() {
            return Ok(());
        }
        for mail in due {
            if *app.stopping.borrow() {
                // What is left becomes due at once, for whoever is there.
                give_back(app, mail.id).await?;
            } else {
                deliver(app, post, mail).await?;
            }
        }
        if *app.stopping.borrow() {
            return Ok(());
        }
    }
}

async fn give_back(app: &Arc<App>, id: i64) -> Answer<()> {
    let now = app.clock.now().0;
    app.db
        .edit(move |tx| -> Answer<()> { Ok(tx.retry_mail(id, now)?) })
        .await
}

/// Tries one mail, and notes what came of it.
async fn deliver(app: &Arc<App>, post: &Post, due: DueMail) -> Answer<()> {
    let id = due.id;
    let attempts = due.attempts.saturating_add(1);
    let outcome = match open(app, &due) {
        Some(mail) => tokio::select! {
            delivered = post.deliver(app, &mail, id, due.created) => delivered,
            () = stopped_for_long(app) => Err(Undelivered::for_now("the server stops")),
        },
        // Sealed under a key that is gone; nobody will ever read it.
        None => {
            tracing::error!(mail.id = id, "a mail cannot be opened and is dropped");
            Ok(())
        }
    };
    let now = app.clock.now().0;
    let retry_at = outcome.err().and_then(|undelivered| {
        let is_old = now.saturating_sub(due.created) > LIFE_SECONDS;
        let cause = undelivered.cause;
        if is_old || (undelivered.is_final && attempts >= REFUSALS_MAX) {
            tracing::error!(mail.id = id, attempts, cause, "a mail is given up");
            return None;
        }
        tracing::warn!(mail.id = id, attempts, cause, "a mail will be tried again");
        Some(now.saturating_add(pause_seconds(attempts)))
    });
    app.db
        .edit(move |tx| -> Answer<()> {
            match retry_at {
                Some(at) => tx.retry_mail(id, at)?,
                None => tx.finish_mail(id)?,
            }
            Ok(())
        })
        .await
        .map_err(|fail| Fail::internal(format!("mail {id}: {fail:?}")))
}

/// Resolves when the server is to stop and a mail server has had a moment to finish what it began.
async fn stopped_for_long(app: &App) {
    app.stopped().await;
    tokio::time::sleep(STOP_PATIENCE).await;
}

fn open(app: &App, due: &DueMail) -> Option<Mail> {
    let clear = app.secrets.unseal(due.sealed.as_deref()?)?;
    serde_json::from_slice(&clear).ok()
}

/// How long to wait after so many attempts.
fn pause_seconds(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    (FIRST_PAUSE_SECONDS << doublings).min(LONGEST_PAUSE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::pause_seconds;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<i64> = [0, 1, 2, 3, 7, 100, i64::MAX].map(pause_seconds).into();
        assert_eq!(pauses, [60, 60, 120, 240, 3600, 3600, 3600]);
    }
}
