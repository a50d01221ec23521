//! The one thread that edits: group commit.
//!
//! All edits that are waiting share one transaction and one wait for the disk.
//! Each has a savepoint, so one that refuses or fails leaves the others alone.
//! Nobody gets an answer before the commit, not even a refusal: it may rest upon
//! what another edit of the same transaction did.

use crate::error::{StoreError, Stored};
use crate::ids::{self, Ids};
use crate::job::{self, BoxedWork, Ran, Verdict};
use crate::queue::Queue;
use crate::sqlite::session::Session;
use crate::sqlite::{checkpoint, is_failed_sync, spawn, store_error};
use crate::tx::{Remains, Tx};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The most edits in one commit.
const GROUP_LIMIT: usize = 256;

/// A commit is not put off for longer than this by further edits, so that quick
/// ones do not wait for many slow ones.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// How often an edit is run again because it needs more ids. The number of ids at
/// least doubles each time.
const HUNGRY_RUNS: u32 = 16;

pub(super) fn start(
    connection: Connection,
    edits: Arc<Queue<BoxedWork>>,
    checkpointer: SyncSender<()>,
) -> Stored<JoinHandle<()>> {
    spawn("sqlite-write".to_owned(), move || {
        let mut writer = Writer {
            session: Session::new(&connection),
            ids: Ids::default(),
            checkpointer,
            broken: None,
            waiting: VecDeque::new(),
        };
        while edits.pop_many(GROUP_LIMIT, |work| writer.waiting.push_back(work.into())) {
            while !writer.waiting.is_empty() {
                writer.group();
            }
        }
    })
}

struct Writer<'c> {
    session: Session<'c>,
    ids: Ids,
    checkpointer: SyncSender<()>,
    /// Set once an fsync has failed: no edit is accepted from then on.
    broken: Option<StoreError>,
    /// Edits taken from the queue, in order.
    waiting: VecDeque<Edit>,
}

/// An edit on its way to a commit.
struct Edit {
    work: BoxedWork,
    /// Ids drawn for this edit, because it ran out of them before.
    ids: Range<i64>,
    /// How often it ran out of them.
    hungry_runs: u32,
}

impl From<BoxedWork> for Edit {
    fn from(work: BoxedWork) -> Self {
        Self {
            work,
            ids: 0..0,
            hungry_runs: 0,
        }
    }
}

/// How an edit went, before the commit of its group.
enum Outcome {
    Done(Remains),
    Answered(Verdict),
    OutOfIds { wanted: u64 },
}

impl Writer<'_> {
    /// Commits one group of the waiting edits and answers them.
    fn group(&mut self) {
        if self.ids.is_low() {
            // Should this fail, an edit that needs ids tries again and answers for it.
            let _ = self.draw(ids::BLOCK).map(|drawn| self.ids.put(drawn));
        }
        if let Err(error) = self.begin() {
            for edit in self.waiting.drain(..) {
                edit.work.answer(Verdict::Void(error.clone()));
            }
            return;
        }
        let mut group = Vec::new();
        match self.run_group(&mut group).and_then(|()| self.commit()) {
            Ok(()) => {
                for (edit, outcome) in group {
                    self.settle(edit, outcome);
                }
                self.tend_log();
            }
            Err(error) => {
                for (edit, _) in group {
                    edit.work.answer(Verdict::Void(error.clone()));
                }
            }
        }
    }

    /// Runs waiting edits until the group is full. An error means that the whole
    /// transaction is lost.
    fn run_group(&mut self, group: &mut Vec<(Edit, Outcome)>) -> Stored<()> {
        let begun = Instant::now();
        while begun.elapsed() < GROUP_TIME
            && let Some(mut edit) = self.waiting.pop_front()
        {
            match self.run(&mut edit) {
                Ok(outcome) => group.push((edit, outcome)),
                Err(error) => {
                    group.push((edit, Outcome::Answered(Verdict::Stands)));
                    return self.roll_back().and(Err(error));
                }
            }
        }
        Ok(())
    }

    /// Runs one edit in a savepoint. An error means that the whole transaction is
    /// lost.
    fn run(&mut self, edit: &mut Edit) -> Stored<Outcome> {
        self.control("SAVEPOINT edit")?;
        let own_ids = std::mem::take(&mut edit.ids);
        let tx = Tx::new(&mut self.session, &self.ids, own_ids);
        let ran = job::run(edit.work.as_mut(), tx);
        if self.session.is_idle() {
            // After errors like a full disk SQLite rolls back everything by itself.
            return Err(match ran {
                Ran::Failed(error) => error,
                Ran::Done(_) | Ran::Refused => {
                    StoreError::Other("the transaction has ended by itself".to_owned())
                }
            });
        }
        if !matches!(ran, Ran::Done(_)) {
            self.control("ROLLBACK TO edit")?;
        }
        self.control("RELEASE edit")?;
        Ok(match ran {
            Ran::Done(remains) => Outcome::Done(remains),
            Ran::Refused => Outcome::Answered(Verdict::Stands),
            Ran::Failed(StoreError::OutOfIds { wanted }) if edit.hungry_runs < HUNGRY_RUNS => {
                Outcome::OutOfIds { wanted }
            }
            Ran::Failed(error) => Outcome::Answered(Verdict::Failed(error)),
        })
    }

    /// Ends an edit whose group is committed, or prepares its next run.
    fn settle(&mut self, mut edit: Edit, outcome: Outcome) {
        match outcome {
            Outcome::Done(remains) => {
                job::run_hooks(remains);
                edit.work.answer(Verdict::Stands);
            }
            Outcome::Answered(verdict) => edit.work.answer(verdict),
            Outcome::OutOfIds { wanted } => match self.draw(wanted.max(ids::BLOCK)) {
                Ok(drawn) => {
                    edit.ids = drawn;
                    edit.hungry_runs += 1;
                    self.waiting.push_front(edit);
                }
                Err(error) => edit.work.answer(Verdict::Void(error)),
            },
        }
    }

    /// Draws ids in a transaction of its own.
    fn draw(&mut self, count: u64) -> Stored<Range<i64>> {
        self.begin()?;
        let mut tx = Tx::new(&mut self.session, &self.ids, 0..0);
        let drawn = ids::draw(&mut tx, count);
        match drawn {
            Ok(drawn) => self.commit().map(|()| drawn),
            Err(error) => self.roll_back().and(Err(error)),
        }
    }

    fn begin(&mut self) -> Stored<()> {
        match &self.broken {
            Some(error) => Err(error.clone()),
            // Immediate: a transaction that reads first and writes later could
            // find that another process has written in between.
            None => self.control("BEGIN IMMEDIATE"),
        }
    }

    fn commit(&mut self) -> Stored<()> {
        let Err(error) = self.session.control("COMMIT") else {
            return Ok(());
        };
        tracing::error!(%error, "a commit failed");
        let trouble = store_error(&error);
        if is_failed_sync(&error) {
            self.broken = Some(trouble.clone());
        }
        self.roll_back().and(Err(trouble))
    }

    fn roll_back(&mut self) -> Stored<()> {
        if self.session.is_idle() {
            return Ok(());
        }
        self.control("ROLLBACK")
    }

    fn control(&mut self, text: &'static str) -> Stored<()> {
        self.session
            .control(text)
            .map_err(|error| store_error(&error))
    }

    /// Keeps the write-ahead log from growing without end.
    fn tend_log(&mut self) {
        let outcome = match self.session.number(checkpoint::MEASURE, 1) {
            Ok(pages) if pages >= checkpoint::HELPED_PAGES => {
                self.session.number(checkpoint::PASSIVE, 1).map(drop)
            }
            Ok(pages) if pages >= checkpoint::EAGER_PAGES => {
                // Full means that the thread has been poked already.
                let _ = self.checkpointer.try_send(());
                Ok(())
            }
            outcome => outcome.map(drop),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "a checkpoint of the write-ahead log failed");
        }
    }
}
