//! Who is calling: credentials of a call, the login of a connection, and the check of both against the database.

mod passwords;
mod tokens;

pub use passwords::{DIGEST_SECONDS, check_own_password, check_password, new_digest, protected};
pub use tokens::{device_id, is_live, new_token, note_use, token_to_answer};

use crate::app::App;
use crate::call::{Answer, Call};
use crate::config::StickyLogin;
use crate::conn::Conn;
use crate::rules::app_folder::{Sight, sight};
use crate::secrets::fingerprint;
use pileus_api::method::{Caller, Spec};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::tokens::Token;

/// A login as a connection remembers it. It is checked against the database at each call, so what is revoked stops
/// working at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: i64,
    proof: Proof,
}

#[derive(Clone, PartialEq, Eq)]
enum Proof {
    /// By password; holds as long as the account's epoch does.
    Password { epoch: i64 },
    /// By session token.
    Token { secret: String },
}

impl Identity {
    /// Somebody who has just proven to be the owner of an account.
    pub fn proven(account: &Account) -> Self {
        Self {
            account: account.id,
            proof: Proof::Password {
                epoch: account.login_epoch,
            },
        }
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "password",
            Self::Token { .. } => "token",
        })
    }
}

/// What a call claims to be, as far as it can be known without the database.
#[derive(Clone)]
pub enum Claim {
    /// Nobody in particular.
    Nobody,
    /// A login that was proven before or just now.
    Known(Identity),
    /// Whoever this session token belongs to.
    Token(String),
    /// Whoever this token of an app belongs to.
    Bearer(String),
}

impl Claim {
    /// The account, where it is known without looking.
    pub fn account(&self) -> Option<i64> {
        match self {
            Self::Known(identity) => Some(identity.account),
            Self::Nobody | Self::Token(_) | Self::Bearer(_) => None,
        }
    }
}

/// The caller of a method, as the database knows it at this moment.
#[derive(Clone, Debug)]
pub struct User {
    /// The account.
    pub account: Account,
    /// The token of this call or connection.
    pub token: Option<Token>,
    /// The folder that is all the caller sees, if an app calls that was let into one folder only. It stands for the
    /// root of the account then.
    pub app_folder: Option<i64>,
}

impl User {
    /// A caller who sees all of an account.
    pub fn new(account: Account, token: Option<Token>) -> Self {
        Self {
            account,
            token,
            app_folder: None,
        }
    }

    /// Confines the caller to a folder.
    fn within(mut self, folder: i64) -> Self {
        self.app_folder = Some(folder);
        self.account.root = folder;
        self
    }

    /// Whether an app is calling on behalf of the account.
    pub fn is_app(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.app.is_some())
    }
}

/// The account that work is done for while it is not calling. One that may not log in has nothing done for it.
pub fn absent(tx: &mut Tx<'_>, account: i64) -> Answer<User> {
    let account = tx
        .account(account)?
        .filter(|account| account.state == accounts::ACTIVE)
        .ok_or(Code::LOGIN_FAILED)?;
    Ok(User {
        account,
        token: None,
        app_folder: None,
    })
}

/// Finds out what the call claims. Passwords and digests are checked here, since that takes long; tokens are checked
/// in the transaction of the method.
pub async fn claim(app: &App, call: &Call) -> Answer<Claim> {
    if call.params.flag("logout") {
        call.conn.log_out();
        call.conn.files.close_all().await;
    }
    let text = |name: &str| {
        call.params
            .text(name)
            .and_then(Result::ok)
            .filter(|text| !text.is_empty())
    };
    // Tokens of apps carry rights of their own, and one pooled connection may carry several: they are judged at each
    // request and never log the connection in.
    if let Some(bearer) = &call.bearer {
        return Ok(Claim::Bearer(bearer.clone()));
    }
    if let Some(bearer) = text("access_token") {
        return Ok(Claim::Bearer(bearer.into_owned()));
    }
    let sticky = sticky(app, call);
    if sticky == StickyLogin::Documented
        && let Some(identity) = call.conn.identity()
    {
        return Ok(Claim::Known(identity));
    }
    if let Some(token) = text("auth") {
        return Ok(Claim::Token(token.into_owned()));
    }
    // What ends a login that waits for its second factor does not begin another one, whatever clients send along.
    let ends_login = call.entry.spec.caller == Caller::Anyone && call.entry.spec.answers_token;
    if let Some(username) = text("username").filter(|_| !ends_login) {
        if let (Some(digest), Some(answer)) = (text("digest"), text("passworddigest")) {
            return Box::pin(passwords::by_digest(app, call, &username, &digest, &answer)).await;
        }
        if let Some(password) = text("password") {
            return Box::pin(passwords::by_password(app, call, &username, &password)).await;
        }
    }
    Ok(remembered(app, call).map_or(Claim::Nobody, Claim::Known))
}

/// The login that a call has which brings none along.
pub fn remembered(app: &App, call: &Call) -> Option<Identity> {
    let identity = call.conn.identity()?;
    (sticky(app, call) != StickyLogin::Off).then_some(identity)
}

/// How the connection of this call remembers logins. Browsers and proxies put many users on one connection.
fn sticky(app: &App, call: &Call) -> StickyLogin {
    match app.config.sticky_login {
        _ if call.via_proxy => StickyLogin::Off,
        StickyLogin::Documented if call.conn.is_browser() => StickyLogin::OwnCredentials,
        configured => configured,
    }
}

/// Checks a claim in the transaction of the call, and whether the caller may call the method at all. A login that
/// holds is remembered on the connection.
pub fn establish(
    tx: &mut Tx<'_>,
    claim: &Claim,
    spec: &Spec,
    conn: &Conn,
    now: UnixTime,
) -> Answer<Option<User>> {
    let user = match claim {
        Claim::Nobody => None,
        Claim::Known(identity) => Some(by_identity(tx, identity, now).inspect_err(|fail| {
            // A login that has died makes room for new credentials on the same connection.
            if fail.code == Code::LOGIN_FAILED {
                conn.log_out();
            }
        })?),
        Claim::Token(secret) => {
            let user = by_token(tx, secret, now)?
                .filter(|user| !user.is_app())
                .ok_or(Code::LOGIN_FAILED)?;
            conn.log_in(Identity {
                account: user.account.id,
                proof: Proof::Token {
                    secret: secret.clone(),
                },
            });
            Some(user)
        }
        Claim::Bearer(secret) => Some(by_bearer(tx, secret, now)?.ok_or(Code::BEARER_INVALID)?),
    };
    if let (Claim::Known(identity), Some(_)) = (claim, &user) {
        conn.log_in(identity.clone());
    }
    match (spec.caller, &user) {
        (Caller::User | Caller::Account | Caller::Owner, None) => Err(Code::LOGIN_REQUIRED.into()),
        (Caller::Owner, Some(user)) if user.is_app() => Err(Code::LOGIN_REQUIRED.into()),
        (Caller::Account, Some(user)) if user.app_folder.is_some() => {
            Err(Code::LOGIN_REQUIRED.into())
        }
        _ => Ok(user),
    }
}

fn by_identity(tx: &mut Tx<'_>, identity: &Identity, now: UnixTime) -> Answer<User> {
    let user = match &identity.proof {
        Proof::Token { secret } => by_token(tx, secret, now)?.filter(|user| !user.is_app()),
        Proof::Password { epoch } => tx
            .account(identity.account)?
            .filter(|account| account.state == accounts::ACTIVE && account.login_epoch == *epoch)
            .map(|account| User::new(account, None)),
    };
    user.ok_or_else(|| Code::LOGIN_FAILED.into())
}

/// Whoever a live token belongs to.
fn by_token(tx: &mut Tx<'_>, secret: &str, now: UnixTime) -> Answer<Option<User>> {
    let Some(token) = tx.token_by_secret(&fingerprint(secret))? else {
        return Ok(None);
    };
    if !is_live(&token, now) {
        return Ok(None);
    }
    let account = tx
        .account(token.account)?
        .filter(|account| account.state == accounts::ACTIVE);
    Ok(account.map(|account| User::new(account, Some(token))))
}

/// Whoever the live token of an app belongs to.
fn by_bearer(tx: &mut Tx<'_>, secret: &str, now: UnixTime) -> Answer<Option<User>> {
    let Some(user) = by_token(tx, secret, now)? else {
        return Ok(None);
    };
    let Some((token, app)) = user
        .token
        .as_ref()
        .and_then(|token| Some((token, token.app?)))
    else {
        return Ok(None);
    };
    Ok(match sight(tx, token, app)? {
        Some(Sight::All) => Some(user),
        Some(Sight::Folder(folder)) => Some(user.within(folder)),
        Some(Sight::Unmade) | None => None,
    })
}
