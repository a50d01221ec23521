//! What a method runs in: the transaction, the caller, and the way to tell others what changed.

mod edit;

use crate::app::App;
use crate::body::Body;
use crate::call::{Answer, Call, Fail};
use crate::login::{self, Claim, User};
use crate::rules::access::Known;
use crate::working;
use pileus_api::method::Spec;
use pileus_api::{Code, UnixTime};
use pileus_store::{StoreError, Tx};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

pub use edit::Edit;

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
