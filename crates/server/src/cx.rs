//! What a method runs in: the transaction, the caller, and the way to tell others what changed.

use crate::app::App;
use crate::body::Body;
use crate::call::{Answer, Call, Fail};
use crate::login::{self, Claim, User};
use crate::rules::access::{Known, Place};
use crate::rules::audience::Viewers;
use crate::rules::notices::{Notice, about_space};
use crate::working;
use pileus_api::method::Spec;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::Account;
use pileus_store::{Engine, StoreError, Tx};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Reading: one snapshot, with a login.
pub struct View<'a, 't> {
    /// The transaction.
    pub tx: &'a mut Tx<'t>,
    /// The server.
    pub app: &'a Arc<App>,
    /// The call; none in work that goes on when the call is over.
    pub call: Option<&'a Call>,
    /// Who is calling, or on whose behalf the work is done.
    pub user: User,
    /// The time of the call.
    pub now: UnixTime,
    /// What was found out about places and shares.
    pub known: Known,
    /// Whether only what belongs to the account is seen, and nothing that others share with it: a public link shows what is
    /// its owner's.
    pub own_only: bool,
}

impl<'a, 't> View<'a, 't> {
    /// A view of somebody, at the beginning of a transaction.
    pub fn new(
        tx: &'a mut Tx<'t>,
        app: &'a Arc<App>,
        call: Option<&'a Call>,
        user: User,
        now: UnixTime,
    ) -> Self {
        Self {
            tx,
            app,
            call,
            user,
            now,
            known: Known::default(),
            own_only: false,
        }
    }
}

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
pub struct Ledger {
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
        self.view.tx.notify(folder, diffid);
        let feed = self.view.app.feed.clone();
        self.view.tx.after_commit(move || feed.wake(folder));
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
        self.view.tx.notify(account, diffid);
        let feed = self.view.app.feed.clone();
        self.view.tx.after_commit(move || feed.wake(account));
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
            self.view.tx.notify(account, ledger.diffid);
            let feed = self.view.app.feed.clone();
            self.view.tx.after_commit(move || feed.wake(account));
        }
        Ok(())
    }
}

/// What async methods run in: they open short transactions themselves.
pub struct Cx<'a, 'b> {
    /// The server.
    pub app: &'a Arc<App>,
    /// The call.
    pub call: &'a Arc<Call>,
    /// The data that came with the call.
    pub body: &'a mut Body<'b>,
    /// Who is calling. `None` where the declaration lets anyone call, and in methods that move content if the
    /// connection's login is only checked with their first transaction.
    pub user: Option<User>,
    /// The time of the call.
    pub now: UnixTime,
    pub(crate) claim: Claim,
    pub(crate) spec: &'static Spec,
}

impl Cx<'_, '_> {
    /// The caller; 1000 if there is none.
    pub fn user(&self) -> Answer<&User> {
        self.user
            .as_ref()
            .ok_or_else(|| Code::LOGIN_REQUIRED.into())
    }

    /// The account of the caller, perhaps not checked yet; 0 if there is none.
    pub fn account(&self) -> i64 {
        let established = self.user.as_ref().map(|user| user.account.id);
        established.or(self.claim.account()).unwrap_or(0)
    }

    /// Whose running uploads the call may ask about: an app that sees one folder only knows of none but its own. Accounts
    /// and folders draw their ids from one sequence.
    pub fn progress_owner(&self) -> i64 {
        let folder = self.user.as_ref().and_then(|user| user.app_folder);
        folder.unwrap_or_else(|| self.account())
    }

    /// Reads. The login is checked again: what was revoked since the call began ends it.
    pub async fn view<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut View<'_, '_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        self.standing().view(job).await
    }

    /// Writes, in one transaction. The login is checked again.
    pub async fn edit<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Edit<'_, '_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let (call, claim, spec) = (self.call.clone(), self.claim.clone(), self.spec);
        let job = Arc::new(Mutex::new(job));
        provided(self.app, || {
            let (shown, claim) = (call.clone(), claim.clone());
            let who = move |tx: &mut Tx<'_>, now| required(tx, &claim, spec, &shown, now);
            edit_as(self.app, Some(call.clone()), who, job.clone())
        })
        .await
    }
}

/// Writes on behalf of an account that is not calling, in one transaction. An account that is gone or locked is refused
/// like a failed login.
pub async fn edit_for<T: Send + 'static>(
    app: &Arc<App>,
    account: i64,
    job: impl FnMut(&mut Edit<'_, '_>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let job = Arc::new(Mutex::new(job));
    let who = move |tx: &mut Tx<'_>, _| login::absent(tx, account);
    provided(app, || edit_as(app, None, who, job.clone())).await
}

/// Writes what the server owes an account, whatever has become of it: bytes that it was told are kept. Needs nothing to be
/// done first, since this is what others need.
pub async fn edit_owed<T: Send + 'static>(
    app: &Arc<App>,
    account: i64,
    job: impl FnMut(&mut Edit<'_, '_>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let who = move |tx: &mut Tx<'_>, _| -> Answer<User> {
        let account = tx.account(account)?.ok_or(StoreError::Missing)?;
        Ok(User {
            account,
            token: None,
            app_folder: None,
        })
    };
    edit_as(app, None, who, Arc::new(Mutex::new(job))).await
}

/// Does something as an account, within a transaction that belongs to no call.
pub fn edit_within<T>(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    account: i64,
    now: UnixTime,
    job: impl FnOnce(&mut Edit<'_, '_>) -> Answer<T>,
) -> Answer<T> {
    let account = tx.account_locked(account)?.ok_or(StoreError::Missing)?;
    let user = User::new(account, None);
    let mut edit = Edit::begin(View::new(tx, app, None, user, now))?;
    let answer = job(&mut edit)?;
    edit.finish()?;
    Ok(answer)
}

/// Writes as whoever `who` finds.
async fn edit_as<T: Send + 'static>(
    app: &Arc<App>,
    call: Option<Arc<Call>>,
    who: impl Fn(&mut Tx<'_>, UnixTime) -> Answer<User> + Send + 'static,
    job: Arc<Mutex<impl FnMut(&mut Edit<'_, '_>) -> Answer<T> + Send + 'static>>,
) -> Answer<T> {
    let (shared, now) = (app.clone(), app.clock.now());
    let mut owners = BTreeSet::new();
    app.db
        .edit(move |tx| {
            let user = who(tx, now)?;
            let view = View::new(tx, &shared, call.as_deref(), user, now);
            // Attempts follow each other; the lock only tells the compiler.
            let mut job = job.lock().unwrap_or_else(PoisonError::into_inner);
            Edit::attempt(view, &mut owners, |edit| job(edit))
        })
        .await
}

/// How often a transaction is tried for which something has to be done first. Others may undo it each time.
const ATTEMPTS: usize = 8;

/// Runs a transaction, and again whenever what it needed has been done.
pub(crate) async fn provided<T, F: Future<Output = Answer<T>>>(
    app: &Arc<App>,
    mut attempt: impl FnMut() -> F,
) -> Answer<T> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(Fail {
                need: Some(need), ..
            }) => working::provide(app, need).await?,
            done => return done,
        }
    }
    attempt().await
}

/// The caller, in a method that needs one.
pub(crate) fn required(
    tx: &mut Tx<'_>,
    claim: &Claim,
    spec: &Spec,
    call: &Call,
    now: UnixTime,
) -> Answer<User> {
    login::establish(tx, claim, spec, &call.conn, now)?.ok_or_else(|| Code::LOGIN_REQUIRED.into())
}
