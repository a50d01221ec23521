//! Who is logged in to these pages: a signed cookie, which the server keeps nothing about.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::seal::{opened, sealed};
use crate::secrets::random;
use crate::web::PageRequest;
use pileus_store::accounts::{self, Account};
use subtle::ConstantTimeEq;

/// Name of the cookie. It is no parameter of any method.
const COOKIE_NAME: &str = "pileus_page";

/// How long a login to these pages lasts at most.
const LIFE_SECONDS: i64 = 3600;

/// What signatures are for, so that none fits elsewhere.
const SESSION_PURPOSE: &str = "page session";
const FORM_PURPOSE: &str = "page form";

/// A login to these pages.
pub(super) struct Session {
    /// The account, as it is now.
    pub(super) account: Account,
    /// The cookie's value.
    value: String,
}

impl Session {
    /// The login that the request's cookie stands for, if it still holds: it ends with its time, with a change of the
    /// password, and with the account.
    pub(super) async fn of(request: &PageRequest<'_>) -> Answer<Option<Self>> {
        let app = request.app;
        for value in request.cookies(COOKIE_NAME) {
            let Some((id, epoch)) = read(app, value) else {
                continue;
            };
            let account = app.db.view(move |tx| tx.account(id)).await?;
            let holds = |account: &Account| {
                account.state == accounts::ACTIVE && account.login_epoch == epoch
            };
            if let Some(account) = account.filter(holds) {
                let value = value.to_owned();
                return Ok(Some(Self { account, value }));
            }
        }
        Ok(None)
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

/// The cookie's value for an account that has just logged in.
pub(super) fn begin(app: &App, account: i64, epoch: i64) -> Answer<String> {
    let expires = app.clock.now().0.saturating_add(LIFE_SECONDS);
    let nonce = hex::encode(random::<8>().map_err(Fail::internal)?);
    let text = format!("{account}-{epoch}-{expires}-{nonce}");
    Ok(sealed(app, SESSION_PURPOSE, &text))
}

/// The header that sets the cookie; an empty value takes it away. Requests that other sites cause do not carry it.
pub(super) fn set_cookie(value: &str, is_protected: bool) -> String {
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let secure = if is_protected { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/oauth2/; HttpOnly; SameSite=Strict{secure}{age}")
}

/// Account and epoch of a cookie that is ours and has not expired.
fn read(app: &App, value: &str) -> Option<(i64, i64)> {
    let text = opened(app, SESSION_PURPOSE, value)?;
    let mut numbers = text.split('-').map(str::parse::<i64>);
    let (account, epoch, expires) = (
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    );
    (app.clock.now().0 < expires).then_some((account, epoch))
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
