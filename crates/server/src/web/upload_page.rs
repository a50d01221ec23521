//! The page of an upload link: what its owner has to say, and a form that takes files.
//!
//! The form works by itself; the script sends the files one by one and shows how far they are.

mod words;

use super::answer::{self, redirect, scripted_page};
use super::{FormPage, PageRequest};
use crate::call::{Answer, Fail};
use crate::http::Answer as Body;
use crate::language::Language;
use crate::phrases::moment;
use crate::rules::guesses::{check_guesses, noting_guesses};
use crate::rules::metadata::wire_id;
use crate::rules::upload_links::{Open, notify, open};
use askama::Template;
use http::{Response, StatusCode};
use pileus_api::{Code, UnixTime};
use pileus_store::upload_links::UploadLink;
use words::{Words, problem, problems, words};

/// What addresses of these pages begin with.
pub const PREFIX: &str = "/puplink/";
/// Where the page is.
const PATH: &str = "/puplink/show";
/// Where its script is.
pub const SCRIPT_PATH: &str = "/web/upload.js";
/// The method that takes the files of its form.
pub const RECEIVER: &str = "uploadtolink";

const SCRIPT: &str = include_str!("../../templates/web/upload.js");

#[derive(Template)]
#[template(path = "web/upload.html")]
struct UploadPage {
    language: Language,
    title: &'static str,
    words: &'static Words,
    /// What can go wrong, by code, for the script.
    problems: Vec<(u16, &'static str)>,
    code: String,
    comment: String,
    /// Whether files have just arrived.
    is_sent: bool,
    /// What went wrong with the form that was sent.
    problem: Option<&'static str>,
    /// Files and bytes that the link still takes, if it does not take any number.
    files_left: Option<u64>,
    bytes_left: Option<u64>,
    /// The limits in words.
    limits: Vec<String>,
}

/// Whether an address is that of the page.
pub fn has(path: &str) -> bool {
    path == PATH
}

/// The script of the page.
pub fn script() -> Response<Body> {
    answer::script(SCRIPT)
}

/// Answers a request for the page.
pub async fn serve(request: &PageRequest<'_>) -> Response<Body> {
    show(request, None).await
}

/// Answers a form whose files the method has answered with `code`. What went well ends on another page, so that loading it
/// again sends nothing twice.
pub async fn sent(request: &PageRequest<'_>, code: u16) -> Response<Body> {
    // Also if the form failed: some of its files may have arrived before.
    tell_owner(request).await;
    if let Some(failed) = Code::from_number(u64::from(code)) {
        return show(request, Some(failed)).await;
    }
    let (code, language) = (request.text("code"), request.language().code());
    redirect(&format!("{PATH}?code={code}&lang={language}&sent=1"))
}

async fn tell_owner(request: &PageRequest<'_>) {
    let (app, code, now) = (
        request.app.clone(),
        request.text("code"),
        request.app.clock.now(),
    );
    let edited = request.app.db.edit(move |tx| notify(tx, &app, &code, now));
    if let Err(fail) = edited.await {
        log(&fail);
    }
}

async fn show(request: &PageRequest<'_>, failed: Option<Code>) -> Response<Body> {
    let language = request.language();
    let fail = match find(request).await {
        Ok(open) => return page(request, open, failed),
        Err(fail) => fail,
    };
    let said = words(language);
    let is_full = [Code::LINK_SPACE_USED, Code::LINK_FILES_USED].contains(&fail.code);
    // What has just arrived may have been the last that the link takes.
    if is_full && has_sent(request) {
        return FormPage::message(language, said.title, said.sent).respond(StatusCode::OK);
    }
    FormPage::message(language, said.title, problem(fail.code, language)).respond(status(fail.code))
}

/// Whether the page is shown because files have arrived.
fn has_sent(request: &PageRequest<'_>) -> bool {
    !request.text("sent").is_empty()
}

async fn find(request: &PageRequest<'_>) -> Answer<Open> {
    let code = request.text("code");
    if code.is_empty() {
        return Err(Code::NO_CODE.into());
    }
    check_guesses(request.app, request.client)?;
    let now = request.app.clock.now();
    let found = request.app.db.view(move |tx| open(tx, &code, now)).await;
    noting_guesses(request.app, request.client, found).inspect_err(log)
}

fn log(fail: &Fail) {
    if let Some(cause) = &fail.cause {
        tracing::error!(
            cause,
            code = fail.code.number(),
            "an upload page could not do its work"
        );
    }
}

fn page(request: &PageRequest<'_>, open: Open, failed: Option<Code>) -> Response<Body> {
    let language = request.language();
    let said = words(language);
    let Open { link, .. } = open;
    let left = |most: i64, used: i64| (most > 0).then(|| wire_id((most - used).max(0)));
    let (files_left, bytes_left) = (
        left(link.maxfiles, link.files),
        left(link.maxspace, link.space),
    );
    let page = UploadPage {
        language,
        title: said.title,
        words: said,
        problems: problems(language),
        limits: limits(&link, files_left, bytes_left, language),
        code: link.code,
        comment: link.comment,
        is_sent: failed.is_none() && has_sent(request),
        problem: failed.map(|code| problem(code, language)),
        files_left,
        bytes_left,
    };
    match page.render() {
        Ok(html) => scripted_page(failed.map_or(StatusCode::OK, status), html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            scripted_page(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

/// What the link takes, in words.
fn limits(
    link: &UploadLink,
    files: Option<u64>,
    bytes: Option<u64>,
    language: Language,
) -> Vec<String> {
    let files = files.map(|files| match files {
        1 => language
            .say("Takes one more file.", "Nimmt noch eine Datei an.")
            .to_owned(),
        files => language.say(
            format!("Takes {files} more files."),
            format!("Nimmt noch {files} Dateien an."),
        ),
    });
    let bytes = bytes.map(|bytes| {
        let size = language.size(bytes);
        language.say(
            format!("Takes {size} more."),
            format!("Nimmt noch {size} an."),
        )
    });
    let expires = link.expires.map(|expires| {
        let time = moment(UnixTime(expires), language);
        language.say(format!("Works until {time}."), format!("Gilt bis {time}."))
    });
    [files, bytes, expires].into_iter().flatten().collect()
}

fn status(code: Code) -> StatusCode {
    match code.number() {
        4000 | 4010 => StatusCode::TOO_MANY_REQUESTS,
        5000..6000 => StatusCode::INTERNAL_SERVER_ERROR,
        7001 => StatusCode::NOT_FOUND,
        7000..8000 => StatusCode::GONE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_escapes_what_its_owner_has_typed() {
        let page = UploadPage {
            language: Language::En,
            title: "t",
            words: words(Language::En),
            problems: problems(Language::En),
            code: "\"><b>".into(),
            comment: "<script>alert(1)</script>".into(),
            is_sent: false,
            problem: None,
            files_left: Some(3),
            bytes_left: None,
            limits: Vec::new(),
        };
        let html = page.render().unwrap();
        assert!(
            !html.contains("<script>") && !html.contains("<b>"),
            "{html}"
        );
        assert!(html.contains("data-files=\"3\""), "{html}");
        assert!(!html.contains("data-bytes"), "{html}");
    }

    #[test]
    fn the_scripts_are_light() {
        let root = include_str!("../../templates/web/root.js");
        assert!(SCRIPT.len() + root.len() < 25_000);
    }
}
