//! Runs durable jobs: takes those that are due with a lease, renews it while they run, and tries again what failed.
//!
//! Any node may take any job. What a crash interrupts is due again when its lease is over, and goes on from the
//! progress that was written. A job whose lease was lost, because its node was stopped for too long, notices at its
//! next write and gives up; so no step is done twice as long as a step and the note of it are one transaction.

use crate::app::App;
use crate::call::{Answer, Fail};
use pileus_store::jobs::{Job, Lease};
use pileus_store::{Engine, StoreError};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a job is taken for.
const LEASE_SECONDS: i64 = 60;

/// How often a lease is renewed; several renewals may fail before it is over.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// How often a runner looks for jobs that nobody told it of: those of other nodes, and those put off.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Wait before the second attempt; it doubles with each further one.
const RETRY_SECONDS: i64 = 5;

/// A kind of job.
pub trait Work: 'static {
    /// Its number in the database.
    const KIND: i64;
    /// Its name in the log.
    const NAME: &'static str;
    /// Jobs of the kind that one node works on at the same time.
    const AT_ONCE: usize;
    /// Attempts until a job that fails is given up.
    const ATTEMPTS: i64;
    /// How long a job is kept when it is over, for those who ask how it went.
    const KEPT_SECONDS: i64;

    /// Does what is left to do. May be dropped at any await, and run again from the progress that was written.
    fn work(app: Arc<App>, taken: Taken) -> impl Future<Output = Answer<()>> + Send;
}

/// A job that this node has.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The job as it was when it was taken.
    pub job: Job,
    /// The right to it.
    pub lease: Lease,
}

/// Works on jobs of a kind until the server stops. What is under way then is given back.
pub async fn run<W: Work>(app: Arc<App>) {
    // SQLite belongs to one process, so whatever was taken was taken by one that is gone.
    if app.db.engine() == Engine::Sqlite
        && let Err(error) = app.db.edit(|tx| tx.release_jobs(W::KIND)).await
    {
        tracing::warn!(%error, kind = W::NAME, "interrupted jobs wait until their leases are over");
    }
    let mut running = JoinSet::new();
    loop {
        let rung = app.bell.rung();
        tokio::pin!(rung);
        // Registered before the look: what is added between the look and the sleep ends the sleep.
        rung.as_mut().enable();
        let free = W::AT_ONCE.saturating_sub(running.len());
        match take::<W>(&app, free).await {
            Ok(taken) => {
                for taken in taken {
                    running.spawn(attempt::<W>(app.clone(), taken));
                }
            }
            Err(fail) => tracing::warn!(cause = ?fail, kind = W::NAME, "cannot look for jobs"),
        }
        tokio::select! {
            () = app.stopped() => break,
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = &mut rung => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    // Each gives its job back and ends.
    while running.join_next().await.is_some() {}
}

async fn take<W: Work>(app: &Arc<App>, free: usize) -> Answer<Vec<Taken>> {
    let now = app.clock.now().0;
    // Looking is cheap; writing transactions are not, and there is mostly nothing to do.
    if free == 0 || !app.db.view(move |tx| tx.has_due_job(W::KIND, now)).await? {
        return Ok(Vec::new());
    }
    let node = app.node.clone();
    let limit = i64::try_from(free).unwrap_or(i64::MAX);
    let jobs = app
        .db
        .edit(move |tx| tx.take_jobs(W::KIND, &node, now, now + LEASE_SECONDS, limit))
        .await?;
    let taken = jobs.into_iter().map(|job| Taken {
        lease: Lease {
            job: job.id,
            node: job.node.clone(),
            attempt: job.attempts,
        },
        job,
    });
    Ok(taken.collect())
}

/// One attempt at a job, and what comes of it.
async fn attempt<W: Work>(app: Arc<App>, taken: Taken) {
    let (lease, account) = (taken.lease.clone(), taken.job.account);
    let worked = if lease.attempt > W::ATTEMPTS {
        // It took the whole process along each time.
        Err(Fail::internal("the job was interrupted too often"))
    } else {
        tokio::select! {
            worked = W::work(app.clone(), taken) => worked,
            () = lost(&app, &lease) => return,
            () = app.stopped() => {
                let now = app.clock.now().0;
                let given = app.db.edit(move |tx| tx.give_job_back(&lease, now)).await;
                return complain::<W>(given);
            }
        }
    };
    if let Err(fail) = worked {
        tracing::warn!(cause = ?fail, kind = W::NAME, attempt = lease.attempt, "a job failed");
        if lease.attempt < W::ATTEMPTS {
            let wait = RETRY_SECONDS << (lease.attempt - 1).clamp(0, 10);
            let run_at = app.clock.now().0 + wait;
            let put_off = app.db.edit(move |tx| tx.put_off_job(&lease, run_at)).await;
            return complain::<W>(put_off);
        }
    }
    complain::<W>(end::<W>(&app, lease, account).await);
}

/// What could not be noted about a job shows when its lease is over: it is due again then.
fn complain<W: Work>(noted: Result<bool, StoreError>) {
    if let Err(error) = noted {
        tracing::warn!(%error, kind = W::NAME, "a job waits until its lease is over");
    }
}

/// Renews a lease until it cannot be renewed.
async fn lost(app: &Arc<App>, lease: &Lease) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let (until, mine) = (app.clock.now().0 + LEASE_SECONDS, lease.clone());
        match app.db.edit(move |tx| tx.renew_job(&mine, until)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
        }
    }
}

async fn end<W: Work>(
    app: &Arc<App>,
    lease: Lease,
    account: Option<i64>,
) -> Result<bool, StoreError> {
    let forget_at = app.clock.now().0 + W::KEPT_SECONDS;
    let feed = app.feed.clone();
    app.db
        .edit(move |tx| {
            let is_ours = tx.end_job(&lease, forget_at)?;
            // Whoever waits for the job waits for news of its account.
            if let Some(account) = account.filter(|_| is_ours)
                && let Some(account) = tx.account(account)?
            {
                feed.wake_after_commit(tx, account.id, account.diffid);
            }
            Ok(is_ours)
        })
        .await
}
