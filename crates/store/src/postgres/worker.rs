//! A thread that runs transactions on a connection of its own.

use crate::error::{StoreError, Stored};
use crate::ids::{self, Ids};
use crate::job::{self, BoxedWork, Ran, Verdict, Work};
use crate::postgres::Notices;
use crate::postgres::session::Session;
use crate::queue::Queue;
use crate::tx::{Remains, Tx};
use postgres::Config;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an edit is run again after losing against other transactions.
const CONFLICT_RUNS: u32 = 10;

/// How often an edit is run again because it needs more ids. The number of ids at
/// least doubles each time.
const HUNGRY_RUNS: u32 = 16;

/// How often an edit is run again because it has learned what to lock first.
const AGAIN_RUNS: u32 = 16;

/// The first pause after a lost conflict; it doubles up to the longest.
const CONFLICT_PAUSE: Duration = Duration::from_millis(2);
const CONFLICT_PAUSE_LONGEST: Duration = Duration::from_millis(200);

/// The first pause after a failed attempt to connect; it doubles up to the
/// longest. Meanwhile jobs are refused at once instead of piling up.
const CONNECT_PAUSE: Duration = Duration::from_millis(50);
const CONNECT_PAUSE_LONGEST: Duration = Duration::from_secs(1);

/// Which queue a worker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Edits,
    Views,
}

impl Kind {
    /// The beginning of the thread's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edits => "postgres-edit",
            Self::Views => "postgres-view",
        }
    }

    fn begin(self) -> &'static str {
        match self {
            // Edits lock the rows they decide on, so each statement may see what
            // others have committed while it waited for the lock.
            Self::Edits => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            Self::Views => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// A database thread's state.
pub(super) struct Worker {
    kind: Kind,
    config: Config,
    ids: Arc<Ids>,
    notices: Notices,
    session: Option<Session>,
    outage: Option<Outage>,
}

/// Why there is no connection, and when to try again.
struct Outage {
    error: StoreError,
    pause: Duration,
    until: Instant,
}

impl Worker {
    /// A worker that connects when it has something to do.
    pub(super) fn new(kind: Kind, config: Config, ids: Arc<Ids>, notices: Notices) -> Self {
        Self {
            kind,
            config,
            ids,
            notices,
            session: None,
            outage: None,
        }
    }

    /// Serves the queue until it is closed and empty.
    pub(super) fn serve(mut self, queue: &Queue<BoxedWork>) {
        while let Some(work) = queue.pop() {
            match self.kind {
                Kind::Edits => self.edit(work),
                Kind::Views => self.view(work),
            }
        }
    }

    fn view(&mut self, mut work: BoxedWork) {
        if work.is_abandoned() {
            return;
        }
        if let Err(error) = self.begin() {
            return work.answer(Verdict::Void(error));
        }
        let verdict = match self.run(work.as_mut(), 0..0) {
            Ok(Ran::Done(_) | Ran::Refused) => Verdict::Stands,
            Ok(Ran::Failed(StoreError::OutOfIds { .. })) => {
                Verdict::Void(StoreError::ReadOnly("a view asked for an id".to_owned()))
            }
            Ok(Ran::Failed(error)) => Verdict::Failed(error),
            Err(error) => Verdict::Void(error),
        };
        // Nothing depends on how a transaction ends that has only read, so the
        // caller does not wait for it.
        work.answer(verdict);
        self.roll_back();
    }

    fn edit(&mut self, mut work: BoxedWork) {
        if self.ids.is_low() {
            // Should this fail, an edit that needs ids tries again and answers for it.
            let _ = self.refill();
        }
        let mut own_ids = 0..0;
        let mut hungry_runs = 0;
        let mut again_runs = 0;
        let mut conflicts = 0;
        let verdict = loop {
            if let Err(error) = self.begin() {
                break Verdict::Void(error);
            }
            let ran = match self.run(work.as_mut(), std::mem::take(&mut own_ids)) {
                Ok(Ran::Done(remains)) => match self.commit() {
                    Ok(()) => {
                        self.committed(remains);
                        break Verdict::Stands;
                    }
                    Err(error) if error.is_conflict() => Ran::Failed(error),
                    Err(error) => break Verdict::Void(error),
                },
                Ok(ran) => ran,
                Err(error) => break Verdict::Void(error),
            };
            self.roll_back();
            match ran {
                Ran::Failed(StoreError::OutOfIds { wanted }) if hungry_runs < HUNGRY_RUNS => {
                    hungry_runs += 1;
                    match self.draw(wanted.max(ids::BLOCK)) {
                        Ok(drawn) => own_ids = drawn,
                        Err(error) => break Verdict::Void(error),
                    }
                }
                Ran::Failed(StoreError::Again) if again_runs < AGAIN_RUNS => again_runs += 1,
                Ran::Failed(error) if error.is_conflict() && conflicts < CONFLICT_RUNS => {
                    std::thread::sleep(conflict_pause(conflicts));
                    conflicts += 1;
                }
                Ran::Failed(error) => break Verdict::Failed(error),
                Ran::Done(_) | Ran::Refused => break Verdict::Stands,
            }
        };
        work.answer(verdict);
    }

    fn committed(&self, mut remains: Remains) {
        self.notices.tell(std::mem::take(&mut remains.notices));
        job::run_hooks(remains);
    }

    /// Begins a transaction. A connection that turns out to have died since its
    /// last use is replaced, which is safe because nothing has been done on it yet.
    fn begin(&mut self) -> Stored<()> {
        let begin = self.kind.begin();
        if self.session.is_some() {
            match self.on_session(|session| session.control(begin)) {
                Err(StoreError::Unavailable(_)) => {}
                outcome => return outcome,
            }
        }
        self.connect()?;
        self.on_session(|session| session.control(begin))
    }

    fn run(&mut self, work: &mut dyn Work, own_ids: Range<i64>) -> Stored<Ran> {
        let session = self.session.as_mut().ok_or(StoreError::Closed)?;
        let tx = Tx::new(session, &self.ids, own_ids);
        let ran = job::run(work, tx);
        if matches!(ran, Ran::Failed(StoreError::Unavailable(_))) {
            self.session = None;
        }
        Ok(ran)
    }

    fn commit(&mut self) -> Stored<()> {
        self.on_session(|session| session.control("COMMIT"))
    }

    /// Ends the transaction, giving up the connection if that fails.
    fn roll_back(&mut self) {
        if self.session.is_some()
            && let Err(error) = self.on_session(|session| session.control("ROLLBACK"))
        {
            tracing::warn!(%error, "a rollback failed; the connection is given up");
            self.session = None;
        }
    }

    /// Draws a block for everybody, unless another thread has just done so.
    fn refill(&mut self) -> Stored<()> {
        let ids = self.ids.clone();
        let _refilling = ids.refilling();
        if ids.is_low() {
            ids.put(self.draw(ids::BLOCK)?);
        }
        Ok(())
    }

    /// Draws ids in a transaction of its own.
    fn draw(&mut self, count: u64) -> Stored<Range<i64>> {
        self.begin()?;
        let ids = self.ids.clone();
        let drawn = self.on_session(|session| ids::draw(&mut Tx::new(session, &ids, 0..0), count));
        match drawn {
            Ok(drawn) => self.commit().map(|()| drawn),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// Does something on the connection and gives the connection up if it is lost.
    fn on_session<T>(&mut self, act: impl FnOnce(&mut Session) -> Stored<T>) -> Stored<T> {
        let session = self.session.as_mut().ok_or(StoreError::Closed)?;
        let outcome = act(session);
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            self.session = None;
        }
        outcome
    }

    fn connect(&mut self) -> Stored<()> {
        if let Some(outage) = &self.outage
            && Instant::now() < outage.until
        {
            return Err(outage.error.clone());
        }
        match Session::connect(&self.config) {
            Ok(session) => {
                self.session = Some(session);
                self.outage = None;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "connecting to PostgreSQL failed");
                let pause = self.outage.as_ref().map_or(CONNECT_PAUSE, |outage| {
                    (outage.pause * 2).min(CONNECT_PAUSE_LONGEST)
                });
                self.outage = Some(Outage {
                    error: error.clone(),
                    pause,
                    until: Instant::now() + pause,
                });
                Err(error)
            }
        }
    }
}

/// The pause before run `conflicts + 2`: doubling, and random by half, so that
/// those who met once do not meet again.
fn conflict_pause(conflicts: u32) -> Duration {
    let longest = CONFLICT_PAUSE
        .saturating_mul(1 << conflicts.min(16))
        .min(CONFLICT_PAUSE_LONGEST);
    // Any random number will do; the hasher's seed is one.
    let random = RandomState::new().hash_one(conflicts) % 1024;
    longest / 2 + longest / 2 * (random as u32) / 1024
}
