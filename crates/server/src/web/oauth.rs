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
use super::{Answer, PageRequest};
use crate::call::Fail;
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderValue, ORIGIN, REFERRER_POLICY, SET_COOKIE,
};
use http::{Response, StatusCode};

/// Where the page is.
const AUTHORIZE_PATH: &str = "/oauth2/authorize";
/// Where people see the apps they have let in.
const APPS_PATH: &str = "/oauth2/apps";
/// Another way to the page: clients may take it for a method.
pub const SHORT_PATH: &str = "/authorize";

/// Whether an address is one of these pages.
pub fn has(path: &str) -> bool {
    [AUTHORIZE_PATH, APPS_PATH, SHORT_PATH].contains(&path)
}

/// Answers a request for one of these pages.
pub async fn serve(request: &PageRequest<'_>) -> Response<Answer> {
    let query = request.head.uri.query().unwrap_or_default();
    if request.head.uri.path() == SHORT_PATH {
        return redirect(&format!("{AUTHORIZE_PATH}?{query}"));
    }
    if request.is_post() && !is_from_here(request) {
        return foreign(request);
    }
    let answered = match request.head.uri.path() {
        AUTHORIZE_PATH => consent::serve(request, query).await,
        _ => linked::serve(request, query).await,
    };
    answered.unwrap_or_else(|fail| broken(request, &fail))
}

/// Whether a form comes from a page of this server. Every browser of today says where a form comes from.
fn is_from_here(request: &PageRequest<'_>) -> bool {
    let header = |name| {
        request
            .head
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let Some(origin) = header(ORIGIN) else {
        return false;
    };
    let base = request.app.web_base();
    if base.eq_ignore_ascii_case(origin) {
        return true;
    }
    let own_host = |host: &str| header(HOST).is_some_and(|own| own.eq_ignore_ascii_case(host));
    match origin.split_once("://") {
        Some(("https", host)) => own_host(host),
        // A page that came without protection is not one of a server that has it.
        Some(("http", host)) => !request.is_protected() && own_host(host),
        _ => false,
    }
}

fn foreign(request: &PageRequest<'_>) -> Response<Answer> {
    let language = request.language();
    let title = language.say("This did not work", "Das hat nicht geklappt");
    let text = language.say(
        "This form did not come from a page of this server. Go back and try again.",
        "Dieses Formular kam nicht von einer Seite dieses Servers. Gehen Sie zurück und versuchen Sie es noch einmal.",
    );
    FormPage::message(language, title, text).respond(StatusCode::FORBIDDEN)
}

fn broken(request: &PageRequest<'_>, fail: &Fail) -> Response<Answer> {
    tracing::error!(cause = ?fail, "a page failed");
    let language = request.language();
    let title = language.say("This did not work", "Das hat nicht geklappt");
    let text = language.say(
        "The server has a problem. Try again later.",
        "Der Server hat ein Problem. Versuchen Sie es später noch einmal.",
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
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Without a referrer browsers hide the origin of a form too, and the form needs it.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
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
