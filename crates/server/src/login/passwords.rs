//! Logins by password and by digest, and whatever else asks for a password.

use super::{Claim, Identity, Proof, device_id};
use crate::app::App;
use crate::call::{Answer, Call, Fail};
use crate::limits::Subject;
use crate::password::digest_answer;
use crate::rules::second_factor;
use crate::secrets::random_token;
use crate::verify_token;
use pileus_api::auth::{MailCheckNeeded, SecondFactorNeeded};
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{self, Account, Secrets};
use std::net::IpAddr;

/// How long a digest works.
pub const DIGEST_SECONDS: i64 = 30;

/// What `tfatype` says where codes come from an authenticator.
const AUTHENTICATOR: u64 = 2;

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

/// Logs in by digest, if the server can.
pub(super) async fn by_digest(
    app: &App,
    call: &Call,
    username: &str,
    digest: &str,
    answer: &str,
) -> Answer<Claim> {
    if !app.config.digest_login {
        return Err(Code::DIGEST_IMPOSSIBLE.into());
    }
    let wrong = [Code::LOGIN_FAILED, Code::DIGEST_IMPOSSIBLE];
    let checking = check_digest(app, username, digest, answer);
    let subject = Subject::Name(username);
    let checked = app
        .limits
        .tries
        .watch(subject, call.client, &wrong, checking);
    logged_in(app, call, username, checked.await?).await
}

/// The account that a user name and the answer to a digest belong to; 2000 tells nothing about what of it is wrong.
///
/// Where digests were switched on late, there are accounts whose password cannot be read back yet. Their owners have to
/// learn that a digest will not do, or the sync client never sends the password; nobody else may learn who they are. So as
/// long as there is such an account, everything that does not fit is answered 2237, whosoever name it is. A login by
/// password makes the account one of the others.
async fn check_digest(app: &App, username: &str, digest: &str, answer: &str) -> Answer<Secrets> {
    let name = username.to_owned();
    let (secrets, serves_all) = app
        .db
        .view(move |tx| -> Answer<_> {
            let secrets = tx.account_secrets_by_email(&name)?;
            Ok((secrets, !tx.has_unsealed_password()?))
        })
        .await?;
    // All of this is done for unknown names too, so that the time does not tell them.
    let active = secrets.filter(|secrets| secrets.state == accounts::ACTIVE);
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
            Ok(secrets)
        }
        _ if serves_all => Err(Code::LOGIN_FAILED.into()),
        _ => Err(Code::DIGEST_IMPOSSIBLE.into()),
    }
}

/// Logs in by password.
pub(super) async fn by_password(
    app: &App,
    call: &Call,
    username: &str,
    password: &str,
) -> Answer<Claim> {
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
    if !takes_passwords(app, secure) {
        return Err(Code::LOGIN_FAILED.into());
    }
    let checking = async {
        let name = username.to_owned();
        let secrets = app
            .db
            .view(move |tx| tx.account_secrets_by_email(&name))
            .await?;
        let active = secrets.filter(|secrets| secrets.state == accounts::ACTIVE);
        let hash = active.as_ref().map(|secrets| secrets.password_hash.clone());
        let fits = app.hashing.verify(password.to_owned(), hash).await?;
        active
            .filter(|_| fits)
            .ok_or_else(|| Code::LOGIN_FAILED.into())
    };
    let (subject, wrong) = (Subject::Name(username), [Code::LOGIN_FAILED]);
    let secrets = app
        .limits
        .tries
        .watch(subject, client, &wrong, checking)
        .await?;
    if app.config.digest_login && secrets.password_sealed.is_none() {
        seal(app, &secrets, password).await?;
    }
    Ok(secrets)
}

/// Keeps a password that has just been proven in the form that digests need.
async fn seal(app: &App, secrets: &Secrets, password: &str) -> Answer<()> {
    let (id, epoch) = (secrets.id, secrets.login_epoch);
    let sealed = app
        .secrets
        .seal(password.as_bytes())
        .map_err(Fail::internal)?;
    Ok(app
        .db
        .edit(move |tx| tx.seal_password(id, epoch, &sealed))
        .await?)
}

/// Checks the password of an account whose owner is known by another proof. `wrong` is what is answered if it is not the
/// account's.
pub async fn check_own_password(
    app: &App,
    client: IpAddr,
    account: &Account,
    password: &str,
    wrong: Code,
) -> Answer<()> {
    let id = account.id;
    let checking = async {
        let secrets = app.db.view(move |tx| tx.account_secrets(id)).await?;
        let hash = secrets.map(|secrets| secrets.password_hash);
        if app.hashing.verify(password.to_owned(), hash).await? {
            Ok(())
        } else {
            Err(wrong.into())
        }
    };
    let subject = Subject::Name(&account.email);
    app.limits
        .tries
        .watch(subject, client, &[wrong], checking)
        .await
}

/// Whether the server takes passwords by a connection; `secure` says whether that is protected.
fn takes_passwords(app: &App, secure: bool) -> bool {
    secure || app.config.password_without_tls
}

/// Refuses a call that carries a password where the server does not take it: 1101. A login that does is answered 2000, but
/// here that would tell clients that their token has died.
pub fn protected(app: &App, secure: bool) -> Answer<()> {
    if takes_passwords(app, secure) {
        Ok(())
    } else {
        Err(Code::WRONG_FORM.into())
    }
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
        let device = second_factor::device_fingerprint(app, account, &device_id(call));
        let waits = app.db.edit(move |tx| -> Answer<Option<String>> {
            if second_factor::is_trusted(tx, account, device, now)? {
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
