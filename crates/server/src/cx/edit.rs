//! Writing: the counters that an edit moves, and whom it tells.

use super::View;
use crate::call::Answer;
use crate::rules::access::Place;
use crate::rules::audience::Viewers;
use crate::rules::notices::{Notice, about_space};
use pileus_api::Code;
use pileus_store::accounts::Account;
use pileus_store::{Engine, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

/// Writing: one transaction, with a login. What it counts and records is written when the method has succeeded.
pub struct Edit<'a, 't> {
    view: View<'a, 't>,
    ledger: BTreeMap<i64, Ledger>,
    /// An account that should have been locked from the beginning.
    missed: Option<i64>,
    /// Whether the edit can be run again for that.
    is_repeatable: bool,
    /// Who sees what is at places that have been asked for.
    pub(crate) audiences: Vec<(Place, Viewers)>,
}

/// The counters of an account that an edit may move. The row is locked while they are here.
#[derive(Clone, Copy, Debug)]
struct Ledger {
    quota: i64,
    used: i64,
    used_before: i64,
    diffid: i64,
    is_changed: bool,
    /// Whether what has happened in folders that it follows has its place in its feed.
    is_up_to_date: bool,
}

impl<'a, 't> Deref for Edit<'a, 't> {
    type Target = View<'a, 't>;
    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl DerefMut for Edit<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.view
    }
}

impl From<&Account> for Ledger {
    fn from(account: &Account) -> Self {
        Self {
            quota: account.quota,
            used: account.used,
            used_before: account.used,
            diffid: account.diffid,
            is_changed: false,
            is_up_to_date: false,
        }
    }
}

impl<'a, 't> Edit<'a, 't> {
    /// Begins an edit. The caller's account is locked: nearly every edit writes into it, and its row orders the feed.
    pub fn begin(view: View<'a, 't>) -> Answer<Self> {
        Self::begin_with(view, &BTreeSet::new())
    }

    /// Begins an edit that locks these accounts too. Owners come before those they share with, as where an owner tells
    /// of a change, so that few edits wait for each other in a circle.
    fn begin_with(mut view: View<'a, 't>, owners: &BTreeSet<i64>) -> Answer<Self> {
        let mut ledger = BTreeMap::new();
        for &owner in owners {
            let locked = view.tx.account_locked(owner)?;
            let locked = locked.ok_or(StoreError::Missing)?;
            ledger.insert(owner, Ledger::from(&locked));
        }
        // SQLite has one writer, so what was read in this transaction cannot have changed since.
        if view.tx.engine() == Engine::Postgres {
            let account = view
                .tx
                .account_locked(view.user.account.id)?
                .ok_or(Code::LOGIN_FAILED)?;
            // The root of an app that sees one folder is that folder.
            let root = view.user.account.root;
            view.user.account = Account { root, ..account };
        }
        ledger.insert(view.user.account.id, Ledger::from(&view.user.account));
        Ok(Self {
            view,
            ledger,
            missed: None,
            is_repeatable: false,
            audiences: Vec::new(),
        })
    }

    /// Does a whole edit. `owners` are remembered from one attempt to the next: those whom the edit has to lock before it
    /// reads anything.
    pub fn attempt<T>(
        view: View<'a, 't>,
        owners: &mut BTreeSet<i64>,
        job: impl FnOnce(&mut Self) -> Answer<T>,
    ) -> Answer<T> {
        let mut edit = Self::begin_with(view, owners)?;
        edit.is_repeatable = true;
        let answer = job(&mut edit);
        owners.extend(edit.missed);
        let answer = answer?;
        edit.finish()?;
        Ok(answer)
    }

    fn ledger(&mut self, account: i64) -> Answer<&mut Ledger> {
        use std::collections::btree_map::Entry;
        match self.ledger.entry(account) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let locked = self
                    .view
                    .tx
                    .account_locked(account)?
                    .ok_or(StoreError::Missing)?;
                Ok(entry.insert(Ledger::from(&locked)))
            }
        }
    }

    /// Locks an account until the end of the edit: its counters, its feed, and who sees what it owns.
    ///
    /// What has been read of an account before it was locked may have changed since. So the edit begins anew with the
    /// lock, except on SQLite, which has one writer.
    pub fn lock(&mut self, account: i64) -> Answer<()> {
        let is_late = self.is_repeatable
            && self.view.tx.engine() == Engine::Postgres
            && !self.ledger.contains_key(&account);
        if is_late {
            self.missed = Some(account);
            return Ok(self.view.tx.again()?);
        }
        self.ledger(account).map(drop)
    }

    /// The next place in the feed of an account, behind everything that has happened in the folders that it follows.
    pub fn next_diffid(&mut self, account: i64) -> Answer<i64> {
        self.place_news(account)?;
        let ledger = self.ledger(account)?;
        ledger.diffid += 1;
        ledger.is_changed = true;
        Ok(ledger.diffid)
    }

    /// The end of the feed of an account, if there may be news of folders that it follows which have no place there.
    pub fn feed_behind(&mut self, account: i64) -> Answer<Option<i64>> {
        let ledger = self.ledger(account)?;
        Ok((!ledger.is_up_to_date).then_some(ledger.diffid))
    }

    /// Notes that all news of folders that an account follows have their place, and where its feed ends now.
    pub fn set_up_to_date(&mut self, account: i64, diffid: i64) -> Answer<()> {
        let ledger = self.ledger(account)?;
        ledger.is_changed |= ledger.diffid != diffid;
        (ledger.diffid, ledger.is_up_to_date) = (diffid, true);
        Ok(())
    }

    /// Has those woken, once this is committed, who follow a shared folder in which something has happened. It has no place
    /// in their feeds yet.
    pub fn wake_followers(&mut self, owner: i64, folder: i64, diffid: i64) {
        for (&account, ledger) in &mut self.ledger {
            // An owner follows folders of others only.
            ledger.is_up_to_date &= account == owner;
        }
        let feed = &self.view.app.feed;
        feed.wake_after_commit(self.view.tx, folder, diffid);
    }

    /// The newest event in the feed of an account.
    pub fn newest_diffid(&mut self, account: i64) -> Answer<i64> {
        Ok(self.ledger(account)?.diffid)
    }

    /// Refuses if an account has no room for that many more bytes.
    pub fn check_quota(&mut self, account: i64, more: i64) -> Answer<()> {
        self.lock(account)?;
        let ledger = self.ledger(account)?;
        let fits = ledger
            .used
            .checked_add(more)
            .is_some_and(|used| used <= ledger.quota);
        if fits || more == 0 {
            Ok(())
        } else {
            Err(Code::OVER_QUOTA.into())
        }
    }

    /// Counts bytes an account uses more, or less.
    pub fn use_bytes(&mut self, account: i64, more: i64) -> Answer<()> {
        self.lock(account)?;
        let ledger = self.ledger(account)?;
        ledger.used = ledger.used.saturating_add(more).max(0);
        ledger.is_changed = true;
        Ok(())
    }

    /// Has those woken who wait for news of an account, once this is committed.
    pub fn wake(&mut self, account: i64) -> Answer<()> {
        let diffid = self.ledger(account)?.diffid;
        let feed = &self.view.app.feed;
        feed.wake_after_commit(self.view.tx, account, diffid);
        Ok(())
    }

    fn tell_who_is_nearly_full(&mut self) -> Answer<()> {
        let told: Vec<(i64, Notice)> = self
            .ledger
            .iter()
            .filter_map(|(&account, ledger)| {
                about_space(ledger.quota, ledger.used_before, ledger.used)
                    .map(|notice| (account, notice))
            })
            .collect();
        for (account, notice) in told {
            self.tell(account, &notice)?;
        }
        Ok(())
    }

    /// Writes what was counted, and has the waiters woken once it is committed.
    pub fn finish(mut self) -> Answer<()> {
        self.tell_who_is_nearly_full()?;
        for (account, ledger) in self.ledger {
            if !ledger.is_changed {
                continue;
            }
            self.view
                .tx
                .set_account_counters(account, ledger.used, ledger.diffid)?;
            let feed = &self.view.app.feed;
            feed.wake_after_commit(self.view.tx, account, ledger.diffid);
        }
        Ok(())
    }
}
