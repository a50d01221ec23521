//! The second factor of an account: setting it up, and logins that wait for it.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::secrets::{SIGNATURE_BYTES, fingerprint, random_token};
use crate::totp::{Factor, plain_recovery_code, recovery_code};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::mail_codes::{self, MailCode, NewMailCode};

/// How long a login waits for its second factor, and a new secret for its confirmation.
const PENDING_SECONDS: i64 = 600;

/// Wrong codes that one waiting login may try.
const TRIES_MAX: i64 = 5;

/// Logins of one account that may wait at once.
const WAITING_MAX: usize = 20;

/// Recovery codes that an account gets.
const RECOVERY_CODES: usize = 10;

/// How long a device goes without a code.
pub const TRUST_SECONDS: i64 = 60 * 86_400;

/// Devices of one account that may do so; a new one takes the place of the oldest.
const TRUSTED_MAX: i64 = 50;

/// The shortest id of such a device. The id stands in for the code, so it must not be guessed.
const DEVICE_ID_MIN_BYTES: usize = 16;

/// What stands for the second factor.
pub enum Proof<'a> {
    /// The code of an authenticator.
    Authenticator(&'a str),
    /// A recovery code.
    Recovery(&'a str),
}

/// What is kept of a client's name for the device it runs on.
pub type Device = [u8; SIGNATURE_BYTES];

/// What is kept of a client's name for its device: it stands in for a code, and not all clients draw it at random, so it
/// takes the server's key to try one. `None` if it could be guessed from outside.
pub fn device_fingerprint(app: &App, account: i64, deviceid: &str) -> Option<Device> {
    let named = format!("{account} {deviceid}");
    (deviceid.len() >= DEVICE_ID_MIN_BYTES).then(|| app.secrets.sign("device", named.as_bytes()))
}

/// Whether a login of this account from a device goes without a code.
pub fn is_trusted(
    tx: &mut Tx<'_>,
    account: i64,
    device: Option<Device>,
    now: UnixTime,
) -> Answer<bool> {
    let Some(device) = device else {
        return Ok(false);
    };
    let since = tx.device_trusted(account, &device)?;
    Ok(since.is_some_and(|since| now.0 < since.saturating_add(TRUST_SECONDS)))
}

/// Lets later logins of this account from a device go without a code. The account is locked.
pub fn trust(tx: &mut Tx<'_>, account: i64, device: &Device, now: UnixTime) -> Answer<()> {
    let is_new = tx.device_trusted(account, device)?.is_none();
    if is_new && tx.count_trusted_devices(account)? >= TRUSTED_MAX {
        tx.drop_oldest_trusted_device(account)?;
    }
    Ok(tx.trust_device(account, device, now.0)?)
}

/// Has a login that has proven its password wait; answers the token that names it.
pub fn wait(tx: &mut Tx<'_>, account: i64, epoch: i64, now: UnixTime) -> Answer<String> {
    tx.void_expired_mail_codes(account, mail_codes::LOGIN, now.0)?;
    if tx.mail_codes(account, mail_codes::LOGIN)?.len() >= WAITING_MAX {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    let token = random_token().map_err(Fail::internal)?;
    put(
        tx,
        &token,
        account,
        mail_codes::LOGIN,
        &epoch.to_string(),
        now,
    )?;
    Ok(token)
}

fn put(
    tx: &mut Tx<'_>,
    secret: &str,
    account: i64,
    purpose: i64,
    detail: &str,
    now: UnixTime,
) -> Answer<()> {
    Ok(tx.insert_mail_code(&NewMailCode {
        secret_hash: &fingerprint(secret),
        account,
        purpose,
        detail,
        created: now.0,
        expires: now.0.saturating_add(PENDING_SECONDS),
    })?)
}

/// The account whose login waits under a token; 2064 if none does.
pub fn waiting(tx: &mut Tx<'_>, token: &str, now: UnixTime) -> Answer<Account> {
    let is_good = |pending: &MailCode| {
        pending.purpose == mail_codes::LOGIN && pending.expires > now.0 && pending.tries < TRIES_MAX
    };
    let pending = tx
        .mail_code(&fingerprint(token))?
        .filter(is_good)
        .ok_or(Code::TFA_TOKEN_EXPIRED)?;
    let account = tx.account(pending.account)?.filter(|account| {
        account.state == accounts::ACTIVE && account.login_epoch.to_string() == pending.detail
    });
    account.ok_or_else(|| Code::TFA_TOKEN_EXPIRED.into())
}

/// Ends a login that waits. `None` stands for a wrong code, which is counted: the transaction has to be committed.
pub fn end_wait(
    tx: &mut Tx<'_>,
    app: &App,
    token: &str,
    proof: &Proof<'_>,
    now: UnixTime,
) -> Answer<Option<Account>> {
    let account = waiting(tx, token, now)?;
    let id = account.id;
    if !prove(tx, app, id, proof, now)? {
        tx.count_mail_code_try(&fingerprint(token))?;
        return Ok(None);
    }
    // Of two calls with one token, one gets here.
    if !tx.take_mail_code(&fingerprint(token))? {
        return Err(Code::TFA_TOKEN_EXPIRED.into());
    }
    Ok(Some(account))
}

/// Whether an account's second factor is proven. What proves it is used up.
pub fn prove(
    tx: &mut Tx<'_>,
    app: &App,
    account: i64,
    proof: &Proof<'_>,
    now: UnixTime,
) -> Answer<bool> {
    // Locked, so that of two calls with one code only the first finds it unused.
    tx.account_locked(account)?;
    match proof {
        Proof::Recovery(typed) => {
            let code = plain_recovery_code(typed);
            Ok(tx.take_recovery_code(account, &fingerprint(&code))?)
        }
        Proof::Authenticator(code) => {
            let sealed = tx
                .account_secrets(account)?
                .and_then(|secrets| secrets.tfa_sealed);
            let Some(mut factor) = sealed.and_then(|sealed| Factor::open(&app.secrets, &sealed))
            else {
                return Ok(false);
            };
            if !factor.accept(code, now) {
                return Ok(false);
            }
            let sealed = factor.seal(&app.secrets).map_err(Fail::internal)?;
            tx.set_second_factor(account, Some(&sealed))?;
            Ok(true)
        }
    }
}

/// Makes a secret that waits to be confirmed.
pub fn prepare(tx: &mut Tx<'_>, app: &App, account: i64, now: UnixTime) -> Answer<Factor> {
    let factor = Factor::random().map_err(Fail::internal)?;
    let sealed = factor.seal(&app.secrets).map_err(Fail::internal)?;
    tx.void_mail_codes(account, mail_codes::SETUP)?;
    let name = random_token().map_err(Fail::internal)?;
    put(
        tx,
        &name,
        account,
        mail_codes::SETUP,
        &hex::encode(sealed),
        now,
    )?;
    Ok(factor)
}

/// Switches the second factor on by a code of the secret that waits; answers the recovery codes. 2012 for a wrong
/// code or if no secret waits, 2074 if it has waited too long.
pub fn confirm(
    tx: &mut Tx<'_>,
    app: &App,
    account: i64,
    code: &str,
    now: UnixTime,
) -> Answer<Vec<String>> {
    let prepared = tx.mail_codes(account, mail_codes::SETUP)?;
    let prepared = prepared.first().ok_or(Code::CODE_INVALID)?;
    if prepared.expires <= now.0 {
        return Err(Code::CODE_EXPIRED.into());
    }
    let sealed = hex::decode(&prepared.detail).map_err(Fail::internal)?;
    let mut factor =
        Factor::open(&app.secrets, &sealed).ok_or_else(|| Fail::internal("a damaged secret"))?;
    if !factor.accept(code, now) {
        return Err(Code::CODE_INVALID.into());
    }
    tx.void_mail_codes(account, mail_codes::SETUP)?;
    switch_on(tx, app, account, &factor)
}

/// Switches the second factor on, in place of another one; answers the recovery codes, which cannot be told again.
pub fn switch_on(tx: &mut Tx<'_>, app: &App, account: i64, factor: &Factor) -> Answer<Vec<String>> {
    switch_off(tx, account)?;
    let sealed = factor.seal(&app.secrets).map_err(Fail::internal)?;
    tx.set_second_factor(account, Some(&sealed))?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = recovery_code().map_err(Fail::internal)?;
        tx.insert_recovery_code(account, &fingerprint(&plain_recovery_code(&code)))?;
        codes.push(code);
    }
    Ok(codes)
}

/// Switches the second factor off, with all that belongs to it.
pub fn switch_off(tx: &mut Tx<'_>, account: i64) -> Answer<()> {
    tx.set_second_factor(account, None)?;
    tx.clear_recovery_codes(account)?;
    tx.clear_trusted_devices(account)?;
    Ok(tx.void_mail_codes(account, mail_codes::LOGIN)?)
}
