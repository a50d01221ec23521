//! The open files of one connection.

use super::{OpenFile, commit};
use crate::app::App;
use crate::call::Answer;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// Descriptors that a connection may have open.
pub const MOST_PER_CONNECTION: usize = 1024;

/// Descriptors that an account may have open.
pub const MOST_PER_ACCOUNT: u64 = 4096;

/// The descriptors of a connection, by their numbers.
#[derive(Debug, Default)]
pub struct Descriptors {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The last number given out.
    last: u64,
    open: BTreeMap<u64, Arc<Descriptor>>,
}

impl Descriptors {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to the next number, as every call that is to open a file does, even if it fails: clients send calls that
    /// count on it before they know.
    pub fn use_up_number(&self) {
        self.table().last += 1;
    }

    /// The number that was used up last. The calls of a connection run one after the other, so it is that of the call
    /// which is opening a file.
    pub fn last_number(&self) -> u64 {
        self.table().last
    }

    /// Adds an open file under its number.
    pub fn insert(&self, number: u64, descriptor: Descriptor) {
        self.table().open.insert(number, Arc::new(descriptor));
    }

    /// The descriptor with a number; negative ones count back from the last one given out.
    pub fn get(&self, number: i64) -> Option<Arc<Descriptor>> {
        let table = self.table();
        let number = absolute(number, table.last)?;
        table.open.get(&number).cloned()
    }

    /// Takes a descriptor out.
    pub fn remove(&self, number: i64) -> Option<Arc<Descriptor>> {
        let mut table = self.table();
        let number = absolute(number, table.last)?;
        table.open.remove(&number)
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.table().open.len()
    }

    /// Closes all of them. What cannot be committed is tried again later, as at the end of the connection.
    pub async fn close_all(&self) {
        let open = std::mem::take(&mut self.table().open);
        for descriptor in open.into_values() {
            // In a box, since every waiting call would have room for it otherwise. What fails has been logged.
            let _ = Box::pin(descriptor.close()).await;
        }
    }
}

fn absolute(number: i64, last: u64) -> Option<u64> {
    match u64::try_from(number) {
        Ok(number) => Some(number),
        Err(_) => last.checked_sub(number.unsigned_abs() - 1),
    }
}

/// An open file, as one client has opened it.
///
/// One that is dropped instead of closed, because its connection ended, is closed in the background.
pub struct Descriptor {
    app: Arc<App>,
    /// The file.
    pub file: Arc<OpenFile>,
    /// The account that has opened it.
    pub account: i64,
    /// Whether `file_write` goes to the end.
    pub appends: bool,
    /// The earlier content that it reads, if it is not the present one.
    pub revision: Option<i64>,
    /// Stands for it among the owners of locks.
    pub owner: u64,
    offset: AtomicU64,
    wrote: AtomicBool,
    is_closed: AtomicBool,
}

impl Descriptor {
    /// A descriptor of a file; `None` if the account has too many.
    pub fn new(
        app: &Arc<App>,
        file: Arc<OpenFile>,
        account: i64,
        appends: bool,
        revision: Option<i64>,
    ) -> Option<Self> {
        let counts = app.open_files.count_descriptor(account, MOST_PER_ACCOUNT);
        counts.then(|| Self {
            app: Arc::clone(app),
            file,
            account,
            appends,
            revision,
            owner: app.open_files.owner(),
            offset: AtomicU64::new(0),
            wrote: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Where it reads or writes next. The calls of a connection run one after the other, so nobody else moves it.
    pub fn offset(&self) -> u64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Moves the offset.
    pub fn set_offset(&self, offset: u64) {
        self.offset.store(offset, Ordering::Relaxed);
    }

    /// Something was written through it, which is committed when it is closed.
    pub fn note_write(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// Commits the file, if this descriptor has written to it.
    pub async fn commit(&self) -> Answer<()> {
        if self.wrote.load(Ordering::Relaxed) {
            commit::commit(&self.app, &self.file).await?;
        }
        Ok(())
    }

    /// Closes it: what it wrote is committed, then its locks end. They end even if the commit fails.
    pub async fn close(&self) -> Answer<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        let committed = self.commit().await;
        self.file.locks.release_all(self.owner);
        committed
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.app.open_files.uncount_descriptor(self.account);
        if *self.is_closed.get_mut() {
            return;
        }
        let (app, file, owner) = (self.app.clone(), self.file.clone(), self.owner);
        if !*self.wrote.get_mut() {
            return file.locks.release_all(owner);
        }
        let close = async move {
            // What fails is tried again later, and has been logged.
            let _ = commit::commit(&app, &file).await;
            file.locks.release_all(owner);
        };
        // Outside the runtime, which is where the server ends, everything has been committed already.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(close);
        }
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor")
            .field("file", &self.file.id)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_count_back() {
        assert_eq!(absolute(3, 5), Some(3));
        assert_eq!(absolute(-1, 5), Some(5));
        assert_eq!(absolute(-5, 5), Some(1));
        // Number 0 is never open.
        assert_eq!(absolute(-6, 5), Some(0));
        assert_eq!(absolute(-7, 5), None);
        assert_eq!(absolute(i64::MIN, 5), None);
    }
}
