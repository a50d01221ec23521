//! Who is calling: credentials of a call, the login of a connection, and the check of both against the database.

use crate::app::App;
use crate::call::{Answer, Call, Fail};
use crate::config::StickyLogin;
use crate::conn::{Conn, Protocol};
use crate::password::digest_answer;
use crate::rules::app_folder::{Sight, sight};
use crate::rules::second_factor;
use crate::secrets::{fingerprint, random_token};
use crate::verify_token;
use pileus_api::auth::{MailCheckNeeded, SecondFactorNeeded};
use pileus_api::method::{Caller, Spec};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account, Secrets};
use pileus_store::tokens::{NewToken, Token};
use std::net::IpAddr;
use std::sync::Arc;

/// How long a digest works.
pub const DIGEST_SECONDS: i64 = 30;

/// Life of a token if the client does not say, and at most.
const TOKEN_SECONDS: (u64, u64) = (31_536_000, 63_072_000);
/// Unused life of a token if the client does not say, and at most.
const TOKEN_IDLE_SECONDS: (u64, u64) = (2_678_400, 5_356_800);

/// What `tfatype` says where codes come from an authenticator.
const AUTHENTICATOR: u64 = 2;

/// The last use of a token is written at most this often.
const USE_NOTED_SECONDS: i64 = 60;

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
            return Box::pin(by_digest(app, call, &username, &digest, &answer)).await;
        }
        if let Some(password) = text("password") {
            return Box::pin(by_password(app, call, &username, &password)).await;
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

/// A fresh digest: the time it was made at, random letters, and a signature over both, so that nothing has to be kept.
pub fn new_digest(app: &App, now: UnixTime) -> Answer<String> {
    let random: String = random_token()
        .map_err(Fail::internal)?
        .chars()
        .take(12)
        .collect();
    let body = format!("{:010x}{random}", now.0);
    let signature = app.secrets.sign("digest", body.as_bytes());
    Ok(format!("{body}{}", hex::encode(&signature[..12])))
}

fn is_our_digest(app: &App, digest: &str, now: UnixTime) -> bool {
    let Some((body, signature)) = digest.split_at_checked(22) else {
        return false;
    };
    let Some(made) = body
        .get(..10)
        .and_then(|made| i64::from_str_radix(made, 16).ok())
    else {
        return false;
    };
    let expected = hex::encode(&app.secrets.sign("digest", body.as_bytes())[..12]);
    let is_ours: bool =
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signature.as_bytes()).into();
    is_ours && (0..=DIGEST_SECONDS).contains(&(now.0 - made))
}

async fn by_digest(
    app: &App,
    call: &Call,
    username: &str,
    digest: &str,
    answer: &str,
) -> Answer<Claim> {
    if !app.config.digest_login {
        return Err(Code::DIGEST_IMPOSSIBLE.into());
    }
    check_limits(app, call.client, username)?;
    let name = username.to_owned();
    let secrets = app
        .db
        .view(move |tx| tx.account_secrets_by_email(&name))
        .await?;
    let active = secrets.filter(|secrets| secrets.state == accounts::ACTIVE);
    if active
        .as_ref()
        .is_some_and(|secrets| secrets.password_sealed.is_none())
    {
        return Err(Code::DIGEST_IMPOSSIBLE.into());
    }
    // All of this is done for unknown names too, so that the time does not tell them.
    let sealed = active
        .as_ref()
        .and_then(|secrets| secrets.password_sealed.as_deref());
    let password = app.secrets.unseal_any(sealed);
    let clear = password
        .as_ref()
        .map_or(&b""[..], |password| password.as_slice());
    let expected = digest_answer(username, clear, digest);
    let fits: bool =
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), answer.to_ascii_lowercase().as_bytes())
            .into();
    match active {
        Some(secrets)
            if fits && password.is_some() && is_our_digest(app, digest, app.clock.now()) =>
        {
            logged_in(app, call, username, secrets).await
        }
        _ => Err(failed(app, call.client, username)),
    }
}

async fn by_password(app: &App, call: &Call, username: &str, password: &str) -> Answer<Claim> {
    let secrets = check_password(app, username, password, call.client, call.conn.secure).await?;
    logged_in(app, call, username, secrets).await
}

/// The account that a user name and a password belong to. 2000 tells nothing about which of them is wrong, nor does the
/// time; 4000 tells that too many were. `secure` says whether the password came under protection.
pub async fn check_password(
    app: &App,
    username: &str,
    password: &str,
    client: IpAddr,
    secure: bool,
) -> Answer<Secrets> {
    if !secure && !app.config.password_without_tls {
        return Err(Code::LOGIN_FAILED.into());
    }
    check_limits(app, client, username)?;
    let name = username.to_owned();
    let secrets = app
        .db
        .view(move |tx| tx.account_secrets_by_email(&name))
        .await?;
    let active = secrets.filter(|secrets| secrets.state == accounts::ACTIVE);
    let hash = active.as_ref().map(|secrets| secrets.password_hash.clone());
    let fits = app
        .hashing
        .verify(password.to_owned(), hash)
        .await
        .map_err(Fail::internal)?;
    match active {
        Some(secrets) if fits => Ok(secrets),
        _ => Err(failed(app, client, username)),
    }
}

fn check_limits(app: &App, client: IpAddr, username: &str) -> Answer<()> {
    if app.limits.allows(username, client) {
        Ok(())
    } else {
        Err(Code::LOGINS_LIMITED.into())
    }
}

fn failed(app: &App, client: IpAddr, username: &str) -> Fail {
    app.limits.failed(username, client);
    Code::LOGIN_FAILED.into()
}

/// A login whose password is right. It may still lack a verified address (2306) or the second factor (2297).
async fn logged_in(app: &App, call: &Call, username: &str, secrets: Secrets) -> Answer<Claim> {
    let (account, epoch, now) = (secrets.id, secrets.login_epoch, app.clock.now());
    if app.config.require_verified_mail && !secrets.email_verified {
        let verifytoken = verify_token::make(app, account, now);
        return Err(Fail::with(
            Code::MAIL_CHECK_NEEDED,
            MailCheckNeeded { verifytoken },
        ));
    }
    if secrets.tfa_sealed.is_some() {
        let deviceid = device_id(call);
        let waits = app.db.edit(move |tx| -> Answer<Option<String>> {
            if second_factor::is_trusted(tx, account, &deviceid, now)? {
                return Ok(None);
            }
            second_factor::wait(tx, account, epoch, now).map(Some)
        });
        if let Some(token) = waits.await? {
            let needed = SecondFactorNeeded {
                token,
                hasdevices: false,
                tfatype: AUTHENTICATOR,
            };
            return Err(Fail::with(Code::SECOND_FACTOR_NEEDED, needed));
        }
    }
    app.limits.succeeded(username);
    Ok(Claim::Known(Identity {
        account,
        proof: Proof::Password { epoch },
    }))
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

/// Whether a token may still be used.
pub fn is_live(token: &Token, now: UnixTime) -> bool {
    now.0 < token.expires && now.0 < token.last_used.saturating_add(token.idle_seconds)
}

/// Whether the last use of a token is old enough to be written again.
pub fn is_use_due(token: &Token, now: UnixTime) -> bool {
    now.0 >= token.last_used.saturating_add(USE_NOTED_SECONDS)
}

/// The token that a call which asked for one by `getauth` is answered: the one it is logged in with, or a new one for
/// a login by password. Apps get none.
pub async fn token_to_answer(app: &Arc<App>, call: &Call, user: &User) -> Answer<Option<String>> {
    if user.is_app() {
        return Ok(None);
    }
    if let Some(Identity {
        proof: Proof::Token { secret },
        ..
    }) = call.conn.identity()
    {
        return Ok(Some(secret));
    }
    if user.token.is_some() {
        let secret = call.params.text("auth").and_then(Result::ok);
        return Ok(secret.map(std::borrow::Cow::into_owned));
    }
    let secret = new_token(app, call, user.account.id).await?;
    let proof = Proof::Token {
        secret: secret.clone(),
    };
    call.conn.log_in(Identity {
        account: user.account.id,
        proof,
    });
    Ok(Some(secret))
}

/// A text that a client tells about itself: at most so many characters, none of which could spoil a list.
fn told(call: &Call, name: &str, most: usize) -> String {
    let text = call
        .params
        .text(name)
        .and_then(Result::ok)
        .unwrap_or_default();
    text.chars()
        .filter(|char| !char.is_control())
        .take(most)
        .collect()
}

/// The client's own name for the device it runs on; empty if it tells none.
pub fn device_id(call: &Call) -> String {
    told(call, "deviceid", 128)
}

/// Makes a session token with what the call says about its life and its device.
pub async fn new_token(app: &Arc<App>, call: &Call, account: i64) -> Answer<String> {
    let secret = random_token().map_err(Fail::internal)?;
    let now = app.clock.now();
    let text = |name: &str, most: usize| told(call, name, most);
    let seconds = |name: &str, (otherwise, most): (u64, u64)| {
        let asked = call
            .params
            .uint(name)
            .filter(|&seconds| seconds > 0)
            .unwrap_or(otherwise);
        i64::try_from(asked.min(most)).unwrap_or(i64::MAX)
    };
    let device = match text("device", 512) {
        empty if empty.is_empty() && call.conn.protocol == Protocol::Http => call
            .user_agent
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(512)
            .collect(),
        device => device,
    };
    let mut token = NewToken {
        id: 0,
        account,
        secret_hash: fingerprint(&secret).to_vec(),
        app: None,
        permissions: 0,
        device,
        deviceid: device_id(call),
        os: call.params.int("os"),
        osversion: text("osversion", 128),
        appversion: text("appversion", 128),
        created: now.0,
        expires: now.0.saturating_add(seconds("authexpire", TOKEN_SECONDS)),
        idle_seconds: seconds("authinactiveexpire", TOKEN_IDLE_SECONDS),
    };
    app.db
        .edit(move |tx| -> Answer<()> {
            token.id = tx.id()?;
            Ok(tx.insert_token(&token)?)
        })
        .await?;
    Ok(secret)
}

/// Writes down that a token is in use, without holding up the call.
pub fn note_use(app: &Arc<App>, token: &Token, now: UnixTime) {
    if !is_use_due(token, now) {
        return;
    }
    let (app, id, account) = (app.clone(), token.id, token.account);
    let by_app = token.app.filter(|&by_app| by_app != 0);
    tokio::spawn(async move {
        let noted = app.db.edit(move |tx| {
            if let Some(by_app) = by_app {
                tx.set_grant_used(account, by_app, now.0)?;
            }
            tx.set_token_used(id, now.0)
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a token could not be noted");
        }
    });
}
