//! Forms that act only if they come from a page of this server, which their `Origin` tells.

use super::form::FormPage;
use super::words::did_not_work;
use super::{Answer, PageRequest};
use crate::app::App;
use http::header::{HOST, HeaderValue, ORIGIN, REFERRER_POLICY};
use http::request::Parts as Head;
use http::{Response, StatusCode};

/// Whether visitors come by TLS, be it that of a proxy.
pub fn is_protected(app: &App, secure: bool) -> bool {
    secure || app.web_base().starts_with("https://")
}

/// Whether a form comes from a page of this server. Every browser of today says where a form comes from.
pub fn is_from_here(app: &App, head: &Head, secure: bool) -> bool {
    let header = |name| {
        head.headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let Some(origin) = header(ORIGIN) else {
        return false;
    };
    if app.web_base().eq_ignore_ascii_case(origin) {
        return true;
    }
    let own_host = |host: &str| header(HOST).is_some_and(|own| own.eq_ignore_ascii_case(host));
    match origin.split_once("://") {
        Some(("https", host)) => own_host(host),
        // A page that came without protection is not one of a server that has it.
        Some(("http", host)) => !is_protected(app, secure) && own_host(host),
        _ => false,
    }
}

/// Refuses a form of another site.
pub fn foreign(request: &PageRequest<'_>) -> Response<Answer> {
    let language = request.language();
    let title = did_not_work(language);
    let text = language.say(
        "This form did not come from a page of this server. Go back and try again.",
        "Dieses Formular kam nicht von einer Seite dieses Servers. Gehe zurück und versuche es noch einmal.",
    );
    FormPage::message(language, title, text).respond(StatusCode::FORBIDDEN)
}

/// Lets the form of a page tell where it comes from: without a referrer browsers hide the origin too.
pub fn telling_origin(mut response: Response<Answer>) -> Response<Answer> {
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
