//! Who is logged in to these pages: a cookie with a secret, of which the server keeps a fingerprint until the login ends.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::secrets::{fingerprint, random_token};
use crate::web::PageRequest;
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::mail_codes::{NewMailCode, PAGE_LOGIN};
use subtle::ConstantTimeEq;

/// Name of the cookie. It is no parameter of any method.
const COOKIE_NAME: &str = "pileus_page";

/// How long a login to these pages lasts at most.
const LIFE_SECONDS: i64 = 3600;

/// Logins to these pages that an account may have at a time.
const LOGINS_MAX: usize = 100;

/// What signatures are for, so that none fits elsewhere.
const FORM_PURPOSE: &str = "page form";

/// A login to these pages.
pub(super) struct Session {
    /// The account, as it is now.
    pub(super) account: Account,
    /// The cookie's value.
    value: String,
}

impl Session {
    /// The login that the request's cookie stands for, if it still holds: it ends when somebody logs out, with its time,
    /// with a change of the password, and with the account.
    pub(super) async fn of(request: &PageRequest<'_>) -> Answer<Option<Self>> {
        let now = request.app.clock.now();
        let values: Vec<_> = request.cookies(COOKIE_NAME).map(str::to_owned).collect();
        let found = request.app.db.view(move |tx| -> Answer<Option<Self>> {
            for value in values {
                if let Some(account) = logged_in(tx, &value, now)? {
                    return Ok(Some(Self { account, value }));
                }
            }
            Ok(None)
        });
        found.await
    }

    /// What the database keeps of the login.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&self.value)
    }

    /// Ends the login, also for those who have kept its cookie.
    pub(super) async fn end(&self, app: &App) -> Answer<()> {
        let hash = self.fingerprint();
        app.db
            .edit(move |tx| tx.take_mail_code(&hash))
            .await
            .map(drop)
            .map_err(Fail::from)
    }

    /// The proof that a form was shown to this login for this request.
    pub(super) fn form_seal(&self, app: &App, about: &str) -> String {
        let text = format!("{}\n{about}", self.value);
        hex::encode(app.secrets.sign(FORM_PURPOSE, text.as_bytes()))
    }

    /// Whether a form was shown to this login for this request.
    pub(super) fn fits(&self, app: &App, about: &str, seal: &str) -> bool {
        let expected = self.form_seal(app, about);
        expected.as_bytes().ct_eq(seal.as_bytes()).into()
    }
}

/// The account whose login a cookie stands for.
fn logged_in(tx: &mut Tx<'_>, value: &str, now: UnixTime) -> Answer<Option<Account>> {
    let login = tx.mail_code(&fingerprint(value))?;
    let Some(login) = login.filter(|login| login.purpose == PAGE_LOGIN && login.expires > now.0)
    else {
        return Ok(None);
    };
    let holds = |account: &Account| {
        account.state == accounts::ACTIVE && account.login_epoch.to_string() == login.detail
    };
    Ok(tx.account(login.account)?.filter(holds))
}

/// The cookie's value for an account that has just logged in; 4010 if it has too many logins.
pub(super) async fn begin(app: &App, account: i64, epoch: i64) -> Answer<String> {
    let (value, now) = (random_token().map_err(Fail::internal)?, app.clock.now());
    let hash = fingerprint(&value);
    app.db
        .edit(move |tx| -> Answer<()> {
            tx.void_expired_mail_codes(account, PAGE_LOGIN, now.0)?;
            if tx.mail_codes(account, PAGE_LOGIN)?.len() >= LOGINS_MAX {
                return Err(Code::REQUESTS_LIMITED.into());
            }
            Ok(tx.insert_mail_code(&NewMailCode {
                secret_hash: &hash,
                account,
                purpose: PAGE_LOGIN,
                detail: &epoch.to_string(),
                created: now.0,
                expires: now.0.saturating_add(LIFE_SECONDS),
            })?)
        })
        .await?;
    Ok(value)
}

/// The header that sets the cookie; an empty value takes it away. Requests that other sites cause do not carry it.
pub(super) fn set_cookie(value: &str, is_protected: bool) -> String {
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let secure = if is_protected { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/oauth2/; HttpOnly; SameSite=Strict{secure}{age}")
}

#[cfg(test)]
mod tests {
    use super::set_cookie;

    #[test]
    fn cookies_stay_on_these_pages() {
        assert_eq!(
            set_cookie("x", true),
            "pileus_page=x; Path=/oauth2/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            set_cookie("", false),
            "pileus_page=; Path=/oauth2/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
