//! Pages for people, made on the server, in two languages. They work without scripts; where links name their page behind
//! the `#`, and where files are sent, a small one makes them better.
//!
//! The links in mails lead here. A page never acts when it is opened, because mail programs and virus scanners follow
//! links by themselves: it shows a form, and acts when that is sent. There is no login and no cookie behind these
//! forms. What a form may do, it may do by the code in it, which other sites do not know. The pages of OAuth are another
//! matter: `oauth.rs` tells what guards them. `link_page.rs` is what public links lead to.

mod account;
mod answer;
mod form;
mod link_page;
mod oauth;
mod origin;
mod register;
mod root_page;
mod upload_page;
mod words;

pub use answer::{page, redirect};
pub use form::{Field, FormPage};

use crate::app::App;
use crate::dispatch::{self, Entry};
use crate::http::{Answer, refusal};
use crate::language::{LANGUAGES, Language};
use http::header::{ACCEPT_LANGUAGE, COOKIE};
use http::request::Parts as Head;
use http::{Method, Response, StatusCode};
use pileus_wire::Params;
use std::net::IpAddr;
use std::sync::Arc;

/// What all addresses of pages begin with.
const PREFIXES: [&str; 4] = ["/account/", "/oauth2/", "/web/", upload_page::PREFIX];

/// A request for a page.
pub struct PageRequest<'a> {
    /// The server.
    pub app: &'a Arc<App>,
    /// Address and headers.
    pub head: &'a Head,
    /// Parameters of the query and of a form in the body; the body's count more.
    pub params: &'a Params,
    /// The visitor's address.
    pub client: IpAddr,
    /// Whether TLS protects the connection, as far as this server sees.
    pub secure: bool,
}

impl PageRequest<'_> {
    /// Whether a form was sent.
    pub fn is_post(&self) -> bool {
        self.head.method == Method::POST
    }

    /// A parameter; empty if it is not there or no text.
    pub fn text(&self, name: &str) -> String {
        self.params
            .text(name)
            .and_then(Result::ok)
            .map(std::borrow::Cow::into_owned)
            .unwrap_or_default()
    }

    /// Whether visitors come by TLS, be it that of a proxy.
    pub fn is_protected(&self) -> bool {
        origin::is_protected(self.app, self.secure)
    }

    /// Whether a form comes from a page of this server.
    pub fn is_from_here(&self) -> bool {
        origin::is_from_here(self.app, self.head, self.secure)
    }

    /// All values of a cookie; another site of the same domain may have set one too.
    pub fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.head.headers.get_all(COOKIE).iter();
        let pairs = lines.flat_map(|line| line.to_str().unwrap_or_default().split(';'));
        pairs.filter_map(move |pair| {
            let (given, value) = pair.trim().split_once('=')?;
            (given == name).then_some(value)
        })
    }

    /// The language that the link says its reader has, or else the one the browser asks for, or else the server's.
    pub fn language(&self) -> Language {
        let said = self.text("lang");
        if LANGUAGES.iter().any(|(code, _)| *code == said) {
            return Language::of(&said);
        }
        self.head
            .headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|header| header.to_str().ok())
            .and_then(Language::accepted)
            .unwrap_or_else(|| Language::of(&self.app.config.default_language))
    }
}

/// Whether an address is that of a page.
pub fn has(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
        || path == root_page::PATH
        || oauth::has(path)
        || link_page::has(path)
}

/// The method that takes a form which is sent to this page, if it is one that a method takes as it is. [`sent`] shows then
/// what has come of it. `secure` is whether TLS protects the connection.
pub fn receiver(app: &App, head: &Head, secure: bool) -> Option<&'static Entry> {
    let path = head.uri.path();
    if head.method != Method::POST {
        return None;
    }
    if upload_page::has(path) {
        return dispatch::find(upload_page::RECEIVER);
    }
    let is_registering = path == register::PATH && origin::is_from_here(app, head, secure);
    is_registering
        .then(|| dispatch::find(register::RECEIVER))
        .flatten()
}

/// Answers a form that a method has taken and answered with this code, or 0.
pub async fn sent(request: &PageRequest<'_>, code: u16) -> Response<Answer> {
    if request.head.uri.path() == register::PATH {
        return register::sent(request, code);
    }
    upload_page::sent(request, code).await
}

/// Answers a request for a page.
pub async fn serve(request: &PageRequest<'_>) -> Response<Answer> {
    match request.head.uri.path() {
        root_page::PATH => root_page::serve(),
        root_page::SCRIPT_PATH => root_page::script(),
        answer::STYLE_PATH => answer::style(),
        upload_page::SCRIPT_PATH => upload_page::script(),
        register::PATH => register::serve(request),
        path if upload_page::has(path) => upload_page::serve(request).await,
        path if link_page::has(path) => link_page::serve(request).await,
        path if oauth::has(path) => oauth::serve(request).await,
        path => match path.strip_prefix("/account/") {
            Some(name) => account::serve(request, name).await,
            None => refusal(StatusCode::NOT_FOUND),
        },
    }
}
