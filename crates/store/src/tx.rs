//! A running transaction, the same over both engines.

use crate::dialect::{Engine, Sql};
use crate::error::{StoreError, Stored};
use crate::ids::Ids;
use crate::row::{Arg, FromRow, Row};
use std::ops::Range;

/// Code to run once a transaction is committed.
pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// A running transaction.
///
/// After the first [`StoreError`] of a statement the transaction is doomed: every
/// further statement answers the same error, and it is rolled back whatever the
/// job answers. PostgreSQL behaves like this by itself, and SQLite is made to.
pub struct Tx<'c> {
    session: &'c mut (dyn Session + 'c),
    ids: &'c Ids,
    /// Ids set aside for this transaction.
    own_ids: Range<i64>,
    /// Ids used or asked for so far, the measure for the next block.
    wanted_ids: u64,
    failed: Option<StoreError>,
    hooks: Vec<Hook>,
    notices: Vec<(i64, i64)>,
}

/// A connection that statements can be run on.
pub(crate) trait Session {
    /// The engine on the other side.
    fn engine(&self) -> Engine;

    /// Runs a statement and answers how many rows it changed.
    fn exec(&mut self, sql: Sql, args: &[Arg<'_>]) -> Stored<u64>;

    /// Runs a statement and hands its rows to `take`, whose error ends it.
    fn rows(
        &mut self,
        sql: Sql,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Stored<()>,
    ) -> Stored<()>;
}

/// What remains of a transaction when its job has returned.
pub(crate) struct Remains {
    /// The first error of the engine, if there was one.
    pub failed: Option<StoreError>,
    /// What to run after the commit.
    pub hooks: Vec<Hook>,
    /// Accounts whose feed grew, and shared folders in which something happened,
    /// with the last event of each.
    pub notices: Vec<(i64, i64)>,
}

impl<'c> Tx<'c> {
    /// A transaction over a session in which it has already begun. `own_ids` are
    /// used before the shared ones.
    pub(crate) fn new(
        session: &'c mut (dyn Session + 'c),
        ids: &'c Ids,
        own_ids: Range<i64>,
    ) -> Self {
        Self {
            session,
            ids,
            own_ids,
            wanted_ids: 0,
            failed: None,
            hooks: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Ends the work on the transaction, giving back the ids it did not use.
    pub(crate) fn finish(self) -> Remains {
        if !self.own_ids.is_empty() {
            self.ids.put(self.own_ids);
        }
        Remains {
            failed: self.failed,
            hooks: self.hooks,
            notices: self.notices,
        }
    }

    /// The engine this transaction runs on.
    pub fn engine(&self) -> Engine {
        self.session.engine()
    }

    /// Runs a statement that answers no rows; answers how many rows it changed.
    pub fn exec(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Stored<u64> {
        self.alive()?;
        let outcome = self.session.exec(sql.into(), args);
        self.note(outcome)
    }

    /// The first row, if there is one. Meant for statements with at most one.
    pub fn opt<R: FromRow>(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Stored<Option<R>> {
        let mut found = None;
        self.rows(sql.into(), args, &mut |row| {
            if found.is_none() {
                found = Some(R::from_row(row)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The one row that must be there; [`StoreError::Missing`] if it is not, which
    /// does not doom the transaction.
    pub fn one<R: FromRow>(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Stored<R> {
        self.opt(sql, args)?.ok_or(StoreError::Missing)
    }

    /// All rows. For answers whose length has a known bound.
    pub fn all<R: FromRow>(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Stored<Vec<R>> {
        let mut found = Vec::new();
        self.rows(sql.into(), args, &mut |row| {
            found.push(R::from_row(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands each row to `take` as it comes, without collecting them. An error of
    /// `take` ends the reading and dooms the transaction.
    pub fn each<R: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
        mut take: impl FnMut(R) -> Stored<()>,
    ) -> Stored<()> {
        self.rows(sql.into(), args, &mut |row| take(R::from_row(row)?))
    }

    /// An id that nothing else has or will ever have, for a new row.
    pub fn id(&mut self) -> Stored<i64> {
        self.alive()?;
        self.wanted_ids = self.wanted_ids.saturating_add(1);
        match self.own_ids.next().or_else(|| self.ids.take()) {
            Some(id) => Ok(id),
            None => self.out_of_ids(),
        }
    }

    /// Sets `count` ids aside, so that the next `count` calls of [`id`](Self::id)
    /// succeed. An edit that makes many rows calls this first: running out of ids
    /// half way costs a second run.
    pub fn reserve_ids(&mut self, count: u64) -> Stored<()> {
        self.alive()?;
        let own = self.own_ids.end.abs_diff(self.own_ids.start);
        if own >= count {
            return Ok(());
        }
        match self.ids.take_many(count) {
            Some(taken) => {
                self.own_ids = taken;
                Ok(())
            }
            None => {
                self.wanted_ids = self.wanted_ids.saturating_add(count);
                self.out_of_ids()
            }
        }
    }

    /// Runs `hook` on the database thread right after the commit, before the
    /// caller gets its answer. It is dropped when the transaction is rolled back
    /// or repeated. It must be quick: the next transactions wait for it.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.push(Box::new(hook));
    }

    /// Tells the other nodes, once this is committed, that the feed of an account,
    /// or what happened in a shared folder, now reaches to `diffid`. Nothing is
    /// sent on SQLite, which has one node.
    pub fn notify(&mut self, id: i64, diffid: i64) {
        if self.engine() == Engine::Postgres {
            self.notices.push((id, diffid));
        }
    }

    /// Runs a statement and hands its rows to `take`, whose error ends it and dooms the
    /// transaction.
    pub(crate) fn rows(
        &mut self,
        sql: Sql,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Stored<()>,
    ) -> Stored<()> {
        self.alive()?;
        let outcome = self.session.rows(sql, args, take);
        self.note(outcome)
    }

    fn alive(&self) -> Stored<()> {
        match &self.failed {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    fn note<T>(&mut self, outcome: Stored<T>) -> Stored<T> {
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }

    /// Asks PostgreSQL to run the edit again at once. A job does so that finds
    /// out, after it has begun to read, whose rows it should have locked before;
    /// it has to remember that for its next run.
    pub fn again<T>(&mut self) -> Stored<T> {
        self.note(Err(StoreError::Again))
    }

    /// Asks the engine to run the edit again with more ids. Twice what it has
    /// wanted so far, so that the number of runs stays small however many it needs.
    fn out_of_ids<T>(&mut self) -> Stored<T> {
        let wanted = self.wanted_ids.saturating_mul(2);
        self.note(Err(StoreError::OutOfIds { wanted }))
    }
}
