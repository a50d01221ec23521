//! Several transfers at once, and trying again.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::error::Error;
use super::progress::Progress;

/// Transfers that run at the same time.
const AT_ONCE: usize = 4;

/// How often a transfer is tried before it counts as failed.
const ATTEMPTS: u32 = 5;

/// The wait before the second attempt; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Does all the jobs, up to four at a time, and tells which fail.
pub async fn all<Job>(
    jobs: Vec<Job>,
    progress: &Progress,
    work: impl AsyncFn(Job) -> Result<(), Error>,
) {
    let work = &work;
    stream::iter(jobs)
        .for_each_concurrent(AT_ONCE, async |job| {
            if let Err(error) = work(job).await {
                progress.failed(&error);
            }
        })
        .await;
}

/// Tries something up to five times, as long as it fails in a way that may pass.
pub async fn persist<T>(mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_transient() => tokio::time::sleep(wait).await,
            done => return done,
        }
        wait *= 2;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use super::*;

    fn broken() -> Error {
        let why = io::Error::from(io::ErrorKind::ConnectionReset).into();
        let what = "x".into();
        Error::Remote { what, why }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
        let mut tried = 0;
        let done = persist(async || {
            tried += 1;
            if tried < 3 { Err(broken()) } else { Ok(tried) }
        });
        assert_eq!(done.await.ok(), Some(3));

        let mut tried = 0;
        let done = persist(async || {
            tried += 1;
            Err::<(), _>(broken())
        });
        assert!(done.await.is_err());
        assert_eq!(tried, ATTEMPTS);

        let mut tried = 0;
        let done = persist(async || {
            tried += 1;
            Err::<(), _>(Error::Wish("no".into()))
        });
        assert!(done.await.is_err());
        assert_eq!(tried, 1);
    }

    #[tokio::test]
    async fn every_job_is_done_and_few_at_once() {
        let (running, most, done) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let progress = Progress::new();
        all((0..50).collect(), &progress, async |job: u32| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            tokio::task::yield_now().await;
            running.set(running.get() - 1);
            done.set(done.get() + 1);
            if job == 7 {
                Err(Error::Wish("seven".into()))
            } else {
                Ok(())
            }
        })
        .await;
        assert_eq!((done.get(), most.get()), (50, AT_ONCE));
        assert_eq!(progress.finish("done"), 1);
    }
}
