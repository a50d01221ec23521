//! The pages on which people decide about apps: log in, let an app in or not, and see which are in.
//!
//! They work without scripts. A login on them is a cookie that is good for these pages alone; it is no credential of
//! any method. A form acts only if it comes from a page of this server, as its `Origin` tells, and only with the seal
//! that binds it to the login and to the very request it was shown for.

mod back;
mod consent;
mod linked;
mod login;
mod question;
mod session;

use super::answer::{page, redirect};
use super::form::FormPage;
use super::origin::{foreign, telling_origin};
use super::words::did_not_work;
use super::{Answer, PageRequest};
use crate::call::Fail;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};

/// Where the page is.
const AUTHORIZE_PATH: &str = "/oauth2/authorize";
/// Where people see the apps they have let in.
const APPS_PATH: &str = "/oauth2/apps";
/// Another way to the page: clients may take it for a method.
const SHORT_PATH: &str = "/authorize";

/// Whether an address is one of these pages.
pub fn has(path: &str) -> bool {
    [AUTHORIZE_PATH, APPS_PATH, SHORT_PATH].contains(&plain(path))
}

/// An address without the one slash that may stand behind it, as behind the name of a method.
fn plain(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Answers a request for one of these pages.
pub async fn serve(request: &PageRequest<'_>) -> Response<Answer> {
    let query = request.head.uri.query().unwrap_or_default();
    let path = plain(request.head.uri.path());
    if path == SHORT_PATH {
        return redirect(&format!("{AUTHORIZE_PATH}?{query}"));
    }
    if request.is_post() && !request.is_from_here() {
        return foreign(request);
    }
    let answered = match path {
        AUTHORIZE_PATH => consent::serve(request, query).await,
        _ => linked::serve(request, query).await,
    };
    answered.unwrap_or_else(|fail| broken(request, &fail))
}

fn broken(request: &PageRequest<'_>, fail: &Fail) -> Response<Answer> {
    tracing::error!(cause = ?fail, "a page failed");
    let language = request.language();
    let title = did_not_work(language);
    let text = language.say(
        "The server has a problem. Try again later.",
        "Der Server hat ein Problem. Versuche es später noch einmal.",
    );
    FormPage::message(language, title, text).respond(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A page with a form, from which the browser may be led to the address of an app. Browsers hold every address on the
/// way against the policy of the page that the form was on, also those the app leads on to; so the policy names the
/// scheme only. What limits the address is that it was registered.
fn form_page(
    status: StatusCode,
    html: Result<String, askama::Error>,
    redirect: Option<&str>,
) -> Response<Answer> {
    let html = match html {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return page(StatusCode::INTERNAL_SERVER_ERROR, "");
        }
    };
    let mut response = page(status, html);
    let schemes = match redirect.and_then(|redirect| redirect.split_once("://")) {
        Some(("http", _)) => " http: https:".to_owned(),
        Some((scheme, _)) => format!(" {}:", scheme.to_ascii_lowercase()),
        None => String::new(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{schemes}; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    telling_origin(response)
}

/// Sets the cookie of a login.
fn with_cookie(
    mut response: Response<Answer>,
    request: &PageRequest<'_>,
    value: &str,
) -> Response<Answer> {
    let cookie = session::set_cookie(value, request.is_protected());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
