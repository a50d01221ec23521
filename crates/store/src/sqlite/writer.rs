//! The one thread that edits: group commit.
//!
//! All edits that are waiting share one transaction and one wait for the disk.
//! Nobody gets an answer before the commit, not even a refusal: it may rest upon
//! what another edit of the same transaction did.
//!
//! An edit that refuses or fails leaves the others alone. Nearly always there is
//! nothing to undo, since edits decide before they write. So a group is run without
//! savepoints, for which SQLite would keep a copy of every page that an edit changes.
//! Should an edit give up half-way, the whole group is rolled back and run again,
//! each edit in a savepoint.

use crate::error::{StoreError, Stored};
use crate::ids::{self, Ids};
use crate::job::{self, BoxedWork, Ran, Verdict};
use crate::lane::Lane;
use crate::queue::Queue;
use crate::sqlite::checkpoint::{self, Checkpointer};
use crate::sqlite::session::Session;
use crate::sqlite::{is_failed_sync, store_error};
use crate::tx::{Remains, Tx};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The most edits in one commit.
const GROUP_LIMIT: usize = 256;

/// A commit is not put off for longer than this by further edits, so that quick
/// ones do not wait for many slow ones.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// Below this, waiting for the disk is too short to gather edits meanwhile.
const LONG_COMMIT: Duration = Duration::from_micros(200);

/// A commit that took longer than this counts as one of this length.
const LONGEST_COMMIT: Duration = Duration::from_millis(8);

/// The part of the time of a commit that one step of gathering takes, and the most
/// steps.
const GATHER_SHARE: u32 = 16;
const GATHER_STEPS: usize = 4;

/// How many groups are run with savepoints once they were needed: what gave up half-way
/// may well come again.
const CAREFUL_GROUPS: u32 = 16;

/// How often an edit is run again because it needs more ids. The number of ids at
/// least doubles each time.
const HUNGRY_RUNS: u32 = 16;

pub(super) fn start(
    edits: &mut Lane,
    connection: Connection,
    checkpointer: Checkpointer,
) -> Stored<()> {
    edits.spawn("sqlite-write".to_owned(), move |queue| {
        // Dropped before the connection, which is thus the last one. Closing the last
        // connection empties and removes the write-ahead log.
        let mut writer = Writer {
            session: Session::new(&connection),
            queue,
            ids: Ids::default(),
            checkpointer,
            broken: None,
            waiting: VecDeque::new(),
            active: 0,
            commit_time: Duration::ZERO,
            careful_groups: 0,
        };
        while writer.gather() {
            writer.group();
        }
    })
}

struct Writer<'q, 'c> {
    session: Session<'c>,
    queue: &'q Queue<BoxedWork>,
    ids: Ids,
    checkpointer: Checkpointer,
    /// Set once an fsync has failed: no edit is accepted from then on.
    broken: Option<StoreError>,
    /// Edits taken from the queue, in order.
    waiting: VecDeque<Edit>,
    /// How many callers there were at the last commit: those to be answered and those
    /// waiting.
    active: usize,
    /// How long the last group waited for the disk.
    commit_time: Duration,
    /// How many of the next groups are run with savepoints.
    careful_groups: u32,
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

impl Writer<'_, '_> {
    /// Takes edits for the next group from the queue, sleeping until there is one.
    /// `false` once the queue is closed and empty.
    ///
    /// Callers often come back with their next edit as soon as they are answered.
    /// Without giving them a moment, two halves of the callers would take turns: one
    /// waiting for the disk, the other for the first. So where waiting for the disk
    /// takes long, a small part of that time is spent on gathering both halves in one
    /// group. It ends as soon as nobody comes.
    fn gather(&mut self) -> bool {
        if self.waiting.is_empty() && !self.take_blocking() {
            return false;
        }
        self.take_ready();
        for _ in 0..GATHER_STEPS {
            let before = self.waiting.len();
            if before >= self.active || self.commit_time < LONG_COMMIT {
                break;
            }
            std::thread::sleep(self.commit_time.min(LONGEST_COMMIT) / GATHER_SHARE);
            self.take_ready();
            if self.waiting.len() == before {
                break;
            }
        }
        true
    }

    fn take_blocking(&mut self) -> bool {
        let waiting = &mut self.waiting;
        self.queue
            .pop_many(GROUP_LIMIT, |work| waiting.push_back(work.into()))
    }

    fn take_ready(&mut self) {
        let waiting = &mut self.waiting;
        let room = GROUP_LIMIT.saturating_sub(waiting.len());
        self.queue
            .pop_ready(room, |work| waiting.push_back(work.into()));
    }

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
        let mut group = Vec::with_capacity(self.waiting.len());
        match self.run_group(&mut group).and_then(|()| self.commit()) {
            Ok(()) => {
                self.take_ready();
                self.active = GROUP_LIMIT.min(group.len() + self.waiting.len());
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
        let is_careful = self.careful_groups > 0;
        self.careful_groups = self.careful_groups.saturating_sub(1);
        if self.run_edits(group, is_careful)? {
            return Ok(());
        }
        self.careful_groups = CAREFUL_GROUPS;
        self.roll_back()?;
        self.begin()?;
        for (edit, _) in group.drain(..).rev() {
            self.waiting.push_front(edit);
        }
        self.run_edits(group, true).map(drop)
    }

    /// Runs waiting edits until the group is full, or until one has to be undone and
    /// cannot: then it answers `false`.
    fn run_edits(&mut self, group: &mut Vec<(Edit, Outcome)>, is_careful: bool) -> Stored<bool> {
        let begun = Instant::now();
        while begun.elapsed() < GROUP_TIME
            && let Some(mut edit) = self.waiting.pop_front()
        {
            let ran = match is_careful {
                true => self.run_carefully(&mut edit).map(Some),
                false => self.run(&mut edit),
            };
            match ran {
                Ok(Some(outcome)) => group.push((edit, outcome)),
                Ok(None) => {
                    group.push((edit, Outcome::Answered(Verdict::Stands)));
                    return Ok(false);
                }
                Err(error) => {
                    group.push((edit, Outcome::Answered(Verdict::Stands)));
                    return self.roll_back().and(Err(error));
                }
            }
        }
        Ok(true)
    }

    /// Runs one edit in a savepoint. An error means that the whole transaction is
    /// lost.
    fn run_carefully(&mut self, edit: &mut Edit) -> Stored<Outcome> {
        self.control("SAVEPOINT edit")?;
        let ran = self.run_code(edit)?;
        if !matches!(ran, Ran::Done(_)) {
            self.control("ROLLBACK TO edit")?;
        }
        self.control("RELEASE edit")?;
        Ok(outcome(ran, edit))
    }

    /// Runs one edit. `None` if it has given up after it had changed something.
    fn run(&mut self, edit: &mut Edit) -> Stored<Option<Outcome>> {
        let before = self.session.total_changes();
        let ran = self.run_code(edit)?;
        let is_clean = matches!(ran, Ran::Done(_)) || self.session.total_changes() == before;
        Ok(is_clean.then(|| outcome(ran, edit)))
    }

    /// Runs the code of an edit. An error means that SQLite has ended the transaction by
    /// itself, as it does after grave errors such as a full disk.
    fn run_code(&mut self, edit: &mut Edit) -> Stored<Ran> {
        let own_ids = std::mem::take(&mut edit.ids);
        let tx = Tx::new(&mut self.session, &self.ids, own_ids);
        let ran = job::run(edit.work.as_mut(), tx);
        if !self.session.is_idle() {
            return Ok(ran);
        }
        Err(match ran {
            Ran::Failed(error) => error,
            Ran::Done(_) | Ran::Refused => {
                StoreError::Other("the transaction has ended by itself".to_owned())
            }
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
        let begun = Instant::now();
        let committed = self.session.control("COMMIT");
        self.commit_time = begun.elapsed();
        let Err(error) = committed else {
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
                self.checkpointer.poke();
                Ok(())
            }
            outcome => outcome.map(drop),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "a checkpoint of the write-ahead log failed");
        }
    }
}

fn outcome(ran: Ran, edit: &Edit) -> Outcome {
    match ran {
        Ran::Done(remains) => Outcome::Done(remains),
        Ran::Refused => Outcome::Answered(Verdict::Stands),
        Ran::Failed(StoreError::OutOfIds { wanted }) if edit.hungry_runs < HUNGRY_RUNS => {
            Outcome::OutOfIds { wanted }
        }
        Ran::Failed(error) => Outcome::Answered(Verdict::Failed(error)),
    }
}
