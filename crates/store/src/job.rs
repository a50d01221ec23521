//! A caller's job on its way through the queue and back.

use crate::error::StoreError;
use crate::tx::{Remains, Tx};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;

/// A queued job without its types.
pub(crate) trait Work: Send {
    /// Runs the job's code; `true` asks for a commit. May be called again after a
    /// rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Whether the caller has gone away. A view need not run then; an edit was handed
    /// in and counts.
    fn is_abandoned(&self) -> bool;

    /// Sends the caller the answer. The job is over.
    fn answer(self: Box<Self>, verdict: Verdict);
}

/// What the engine has to say about a job's answer.
pub(crate) enum Verdict {
    /// The answer stands: its transaction is committed, or the job refused.
    Stands,
    /// The last run ended with this error of the engine. The job's own error, made
    /// from it and perhaps richer, goes to the caller if there is one.
    Failed(StoreError),
    /// Whatever the last run answered is void, because of this.
    Void(StoreError),
}

/// A job as the engines hold it.
pub(crate) type BoxedWork = Box<dyn Work>;

struct Job<F, T, E> {
    code: F,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// Wraps a job for the queue, together with the place where its answer arrives.
pub(crate) fn pack<F, T, E>(code: F) -> (BoxedWork, oneshot::Receiver<Result<T, E>>)
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    let job = Job {
        code,
        result: None,
        caller,
    };
    (Box::new(job), answer)
}

impl<F, T, E> Work for Job<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.result = None;
        let result = (self.code)(tx);
        let commit = result.is_ok();
        self.result = Some(result);
        commit
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn answer(self: Box<Self>, verdict: Verdict) {
        let result = match (verdict, self.result) {
            (Verdict::Stands, Some(result)) => result,
            (Verdict::Stands, None) => Err(E::from(StoreError::Panicked)),
            (Verdict::Failed(_), Some(Err(own))) => Err(own),
            (Verdict::Failed(error) | Verdict::Void(error), _) => Err(E::from(error)),
        };
        // The caller may have gone away. The edit counts all the same.
        let _ = self.caller.send(result);
    }
}

/// How a run of a job ended, before any commit.
pub(crate) enum Ran {
    /// To be committed.
    Done(Remains),
    /// To be rolled back and answered with what the job itself said.
    Refused,
    /// To be rolled back because of this error, and perhaps to be repeated.
    Failed(StoreError),
}

/// Runs a job in a transaction that has begun. A panic is a failure of this job
/// only.
pub(crate) fn run(work: &mut dyn Work, mut tx: Tx<'_>) -> Ran {
    let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut tx)));
    let mut remains = tx.finish();
    match (outcome, remains.failed.take()) {
        (Err(_), _) => Ran::Failed(StoreError::Panicked),
        (Ok(_), Some(error)) => Ran::Failed(error),
        (Ok(true), None) => Ran::Done(remains),
        (Ok(false), None) => Ran::Refused,
    }
}

/// Runs what was registered for after the commit. A panic in one hook does not
/// keep the others from running, nor the caller from its answer.
pub(crate) fn run_hooks(remains: Remains) {
    for hook in remains.hooks {
        if catch_unwind(AssertUnwindSafe(hook)).is_err() {
            tracing::error!("an after-commit hook panicked");
        }
    }
}
