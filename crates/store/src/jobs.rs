//! Long work: rows that any node may take with a lease, and that outlive the process that works on them.
//!
//! `run_at` says when somebody has to look at a job next: when it is due, when the lease of the one who has it ends, or
//! when it may be forgotten. So a crash needs no clearing up: the job is due again when its lease is over. Every change
//! of a taken job names the node and the attempt it was taken with, and does nothing if somebody else has it by now.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `job.kind`: fetches files from elsewhere.
pub const DOWNLOAD: i64 = 1;

/// `job.kind`: builds the index of names.
pub const NAMES: i64 = 2;

/// `job.kind`: tells the recipient of a large share what is in it.
pub const JOIN: i64 = 3;

/// `job.state` of a job that somebody works on or has to.
pub const OPEN: i64 = 0;

/// `job.state` of a job that is over and kept for those who ask how it went.
pub const ENDED: i64 = 1;

record! {
    /// A job.
    pub struct Job {
        /// Id.
        pub id: i64,
        /// What is to be done.
        pub kind: i64,
        /// The account it is done for.
        pub account: Option<i64>,
        /// The particulars, as JSON.
        pub payload: String,
        /// How far it is, as JSON.
        pub progress: String,
        /// Whether it is over.
        pub state: i64,
        /// The node that has it.
        pub node: String,
        /// How often it was taken.
        pub attempts: i64,
        /// When somebody has to look at it next.
        pub run_at: i64,
        /// When it was made.
        pub created: i64,
    }
}

/// A new job.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// What is to be done.
    pub kind: i64,
    /// The account it is done for.
    pub account: i64,
    /// The key that the account asks for its progress with.
    pub progress_key: Option<&'a str>,
    /// The particulars, as JSON.
    pub payload: &'a str,
    /// How far it is, as JSON.
    pub progress: &'a str,
    /// When it is due.
    pub run_at: i64,
    /// When it was made.
    pub created: i64,
}

/// The right to work on a job, as long as nobody else has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: i64,
    /// The node that has it.
    pub node: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
}

macro_rules! columns {
    () => {
        "id, kind, account, payload, progress, state, node, attempts, run_at, created"
    };
}

sql! {
    INSERT = "INSERT INTO job (id, kind, account, progress_key, payload, progress, state, node, attempts, run_at, \
              created) VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0, $7, $8)";
    BY_ID = concat!("SELECT ", columns!(), " FROM job WHERE id = $1");
    BY_KEY = concat!("SELECT ", columns!(), " FROM job WHERE account = $1 AND progress_key = $2 \
                      ORDER BY id DESC LIMIT 1");
    OPEN_OF_ACCOUNT = "SELECT COUNT(*) FROM job WHERE account = $1 AND kind = $2 AND state = 0";
    IS_DUE = "SELECT id FROM job WHERE kind = $1 AND state = 0 AND run_at <= $2 LIMIT 1";
    DUE = concat!("SELECT ", columns!(), " FROM job WHERE kind = $1 AND state = 0 AND run_at <= $2 \
                   ORDER BY run_at, id LIMIT $3"), locking = "FOR UPDATE SKIP LOCKED";
    TAKE = "UPDATE job SET node = $1, attempts = attempts + 1, run_at = $2 WHERE id = $3";
    RENEW = "UPDATE job SET run_at = $1 WHERE id = $2 AND node = $3 AND attempts = $4 AND state = 0";
    PROGRESS = "UPDATE job SET progress = $1 WHERE id = $2 AND node = $3 AND attempts = $4 AND state = 0";
    PUT_OFF = "UPDATE job SET node = '', run_at = $1 WHERE id = $2 AND node = $3 AND attempts = $4 AND state = 0";
    GIVE_BACK = "UPDATE job SET node = '', run_at = $1, attempts = attempts - 1 WHERE id = $2 AND node = $3 \
                 AND attempts = $4 AND state = 0";
    END = "UPDATE job SET node = '', state = 1, run_at = $1 WHERE id = $2 AND node = $3 AND attempts = $4 \
           AND state = 0";
    RELEASE = "UPDATE job SET node = '', run_at = 0 WHERE kind = $1 AND state = 0 AND node <> ''";
    FORGET = "DELETE FROM job WHERE kind = $1 AND state = 1 AND run_at <= $2";
}

impl Tx<'_> {
    /// Adds a job; answers its id.
    pub fn add_job(&mut self, new: &NewJob<'_>) -> Stored<i64> {
        let id = self.id()?;
        self.exec(
            INSERT,
            args![
                id,
                new.kind,
                new.account,
                new.progress_key,
                new.payload,
                new.progress,
                new.run_at,
                new.created
            ],
        )?;
        Ok(id)
    }

    /// The job with this id.
    pub fn job(&mut self, id: i64) -> Stored<Option<Job>> {
        self.opt(BY_ID, args![id])
    }

    /// The newest job that an account knows by this key.
    pub fn job_by_key(&mut self, account: i64, key: &str) -> Stored<Option<Job>> {
        self.opt(BY_KEY, args![account, key])
    }

    /// How many jobs of a kind are open for an account.
    pub fn open_jobs(&mut self, account: i64, kind: i64) -> Stored<i64> {
        Ok(self.one::<(i64,)>(OPEN_OF_ACCOUNT, args![account, kind])?.0)
    }

    /// Whether a job of this kind is due.
    pub fn has_due_job(&mut self, kind: i64, now: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(IS_DUE, args![kind, now])?.is_some())
    }

    /// Takes up to `limit` jobs that are due, until `until`. Jobs that another node is taking at this moment are left
    /// to it.
    pub fn take_jobs(
        &mut self,
        kind: i64,
        node: &str,
        now: i64,
        until: i64,
        limit: i64,
    ) -> Stored<Vec<Job>> {
        let mut jobs: Vec<Job> = self.all(DUE, args![kind, now, limit])?;
        for job in &mut jobs {
            self.exec(TAKE, args![node, until, job.id])?;
            node.clone_into(&mut job.node);
            job.attempts += 1;
            job.run_at = until;
        }
        Ok(jobs)
    }

    /// Makes a lease last until `until`; false if it is lost.
    pub fn renew_job(&mut self, lease: &Lease, until: i64) -> Stored<bool> {
        self.change_job(RENEW, until, lease)
    }

    /// Writes how far a job is; false if the lease is lost.
    pub fn set_job_progress(&mut self, lease: &Lease, progress: &str) -> Stored<bool> {
        let changed = self.exec(
            PROGRESS,
            args![progress, lease.job, &lease.node, lease.attempt],
        )?;
        Ok(changed > 0)
    }

    /// Gives a job back as if it had not been taken, to be taken by somebody else; false if the lease is lost.
    pub fn give_job_back(&mut self, lease: &Lease, now: i64) -> Stored<bool> {
        self.change_job(GIVE_BACK, now, lease)
    }

    /// Ends an attempt that has failed. The next one is due at `run_at`; false if the lease is lost.
    pub fn put_off_job(&mut self, lease: &Lease, run_at: i64) -> Stored<bool> {
        self.change_job(PUT_OFF, run_at, lease)
    }

    /// Ends a job, which is kept until `forget_at`; false if the lease is lost.
    pub fn end_job(&mut self, lease: &Lease, forget_at: i64) -> Stored<bool> {
        self.change_job(END, forget_at, lease)
    }

    fn change_job(&mut self, sql: crate::Sql, run_at: i64, lease: &Lease) -> Stored<bool> {
        let changed = self.exec(sql, args![run_at, lease.job, &lease.node, lease.attempt])?;
        Ok(changed > 0)
    }

    /// Makes all jobs of a kind due that somebody has. For a process that has the database to itself: whoever had them
    /// is gone.
    pub fn release_jobs(&mut self, kind: i64) -> Stored<u64> {
        self.exec(RELEASE, args![kind])
    }

    /// Removes the jobs of a kind that were to be kept no longer than `now`.
    pub fn forget_jobs(&mut self, kind: i64, now: i64) -> Stored<u64> {
        self.exec(FORGET, args![kind, now])
    }
}
