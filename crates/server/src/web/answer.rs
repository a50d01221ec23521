//! Responses that are pages, with the headers that keep them safe.

use crate::http::{Answer, response};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Where the style sheet is.
pub const STYLE_PATH: &str = "/web/style.css";

const STYLE: &str = include_str!("../../templates/web/style.css");

/// Nothing but our own style sheet, no scripts at all, forms go back to us, and nobody may frame a page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The same for pages whose scripts, which are ours, speak with this server.
const SCRIPTED_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// A page of HTML. It is neither kept nor framed, and its address, which may hold a code, is told to nobody.
pub fn page(status: StatusCode, html: impl Into<Bytes>) -> Response<Answer> {
    let mut response = of_type(status, html.into(), "text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    response
}

/// A page of HTML that has a script of ours.
pub fn scripted_page(status: StatusCode, html: impl Into<Bytes>) -> Response<Answer> {
    let mut response = page(status, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, SCRIPTED_POLICY);
    response
}

/// Leads the browser on to another address, by GET. An address that no header can hold becomes an error page's status.
pub fn redirect(to: &str) -> Response<Answer> {
    let Ok(location) = HeaderValue::from_str(to) else {
        return page(StatusCode::BAD_REQUEST, "");
    };
    let mut response = page(StatusCode::SEE_OTHER, "");
    response.headers_mut().insert(LOCATION, location);
    response
}

/// An address with parameters. Empty ones are left out.
pub fn href(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(mark);
        out.push_str(name);
        out.push('=');
        out.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        mark = '&';
    }
    out
}

/// The style sheet of all pages.
pub fn style() -> Response<Answer> {
    file(STYLE, "text/css; charset=utf-8")
}

/// A script of a page.
pub fn script(text: &'static str) -> Response<Answer> {
    file(text, "text/javascript; charset=utf-8")
}

fn file(text: &'static str, content_type: &'static str) -> Response<Answer> {
    let mut response = of_type(StatusCode::OK, text.into(), content_type);
    let lasting = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(CACHE_CONTROL, lasting);
    response
}

fn of_type(status: StatusCode, text: Bytes, content_type: &'static str) -> Response<Answer> {
    let length = text.len() as u64;
    let mut response = response(status, Answer::whole(text));
    let headers = response.headers_mut();
    // Pages are for people who look at them, not for scripts of other sites.
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
