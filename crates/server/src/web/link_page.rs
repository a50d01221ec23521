//! The page that a public link leads to: what it is, what is in it, and the way to its content.
//!
//! It needs no account and no script. A password is asked for by a form; what stands for it afterwards is a cookie that is
//! good for these pages and for this link only. Content is never shown here: it is saved, from where content is served.

mod views;
mod words;

use self::views::{FilePage, FolderPage, PAGE_ENTRIES};
use self::words::{problem, title};
use super::answer::{href, redirect};
use super::form::{Field, FormPage};
use super::{Answer as Body, PageRequest};
use crate::call::{Answer, Fail};
use crate::methods::streaming::Wish;
use crate::rules::guesses::noting_guesses;
use crate::rules::public_links::{
    Entry, Key, Mark, PASS_SECONDS, Page, Usable, Visit, Walk, check_limits, content_pass, lock,
    pass,
};
use crate::secrets::fingerprint;
use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use pileus_api::Code;
use pileus_api::name::Path;
use pileus_store::public_link_counts::LinkUse;

/// Where the page is.
const SHOW_PATH: &str = "/publink/show";
/// Where the way to the content of a file begins.
const DOWNLOAD_PATH: &str = "/publink/download";

/// Whether an address is one of these pages.
pub fn has(path: &str) -> bool {
    [SHOW_PATH, DOWNLOAD_PATH].contains(&path)
}

/// Answers a request for one of these pages.
pub async fn serve(request: &PageRequest<'_>) -> Response<Body> {
    let code = request.text("code");
    let answered = if code.is_empty() {
        Err(Code::LINK_UNKNOWN.into())
    } else if request.head.uri.path() == DOWNLOAD_PATH {
        download(request, &code).await
    } else if request.is_post() {
        unlock(request, &code).await
    } else {
        show(request, &code).await
    };
    answered.unwrap_or_else(|fail| failed(request, &fail))
}

/// What is behind the link, at one place.
struct Found {
    link: Usable,
    top: Entry,
    /// What is shown of the folder that is looked at; none if the link leads to a file.
    page: Option<Page>,
}

async fn show(request: &PageRequest<'_>, code: &str) -> Answer<Response<Body>> {
    let app = request.app;
    let visit = begin(request, code, None).await?;
    let given = request.text("path");
    let path = Path::parse(if given.is_empty() { "/" } else { &given }).ok_or(Code::BAD_PATH)?;
    let after = Mark::parse(&request.text("after"));
    let is_first = after.is_none();
    let (at, now) = (path.clone(), app.clock.now());
    let found = app
        .db
        .view(move |tx| -> Answer<Found> {
            let link = visit.open(tx, now)?;
            check_limits(&link.link)?;
            let mut walk = Walk::new(tx, &link);
            let top = walk.top();
            let page = if top.place.is_some() {
                let place = walk.place(&at)?.ok_or(Code::NO_PARENT)?;
                Some(walk.page(place, after.as_ref(), PAGE_ENTRIES)?)
            } else {
                None
            };
            Ok(Found { link, top, page })
        })
        .await;
    let found = noting_guesses(app, request.client, found)?;
    // Walking through a folder is one look at the link, and programs that only ask whether it is there do not look.
    if request.head.method == Method::GET && path.parts.is_empty() && is_first {
        let view = LinkUse {
            views: 1,
            ..LinkUse::default()
        };
        app.link_counts.add(found.link.link.id, view);
    }
    let language = request.language();
    let expires = found.link.link.expires;
    Ok(match found.page {
        None => FilePage::new(language, code, &found.top.metadata, expires).respond(),
        Some(page) => {
            let name = &found.top.metadata.name;
            FolderPage::new(language, code, name, &path.parts, expires)
                .with_entries(&path.parts, &page, is_first)
                .respond()
        }
    })
}

/// Takes the password, and leads back to the page.
async fn unlock(request: &PageRequest<'_>, code: &str) -> Answer<Response<Body>> {
    let app = request.app;
    let password = request.text("linkpassword");
    let visit = begin(request, code, Some(password)).await?;
    let now = app.clock.now();
    let opened = app.db.view(move |tx| visit.open(tx, now)).await;
    let opened = noting_guesses(app, request.client, opened)?;
    let mut response = redirect(&href(
        SHOW_PATH,
        &[
            ("code", code),
            ("path", &request.text("path")),
            ("lang", &request.text("lang")),
        ],
    ));
    let pass = pass(app, lock(opened.link.password_hash.as_deref()), now);
    let secure = if request.is_protected() {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{}={pass}; Path=/publink/; HttpOnly; SameSite=Lax; Max-Age={PASS_SECONDS}{secure}",
        cookie_name(code)
    );
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Leads on to the content of a file.
async fn download(request: &PageRequest<'_>, code: &str) -> Answer<Response<Body>> {
    let visit = begin(request, code, None).await?;
    let (app, now) = (request.app.clone(), request.app.clock.now());
    let fileid = request.text("fileid").parse().ok();
    let given = request
        .app
        .db
        .view(move |tx| {
            let found = visit.open(tx, now)?;
            check_limits(&found.link)?;
            let file = Walk::new(tx, &found).choose(fileid, None)?;
            let wish = Wish {
                forcedownload: true,
                contenttype: None,
                maxspeed: 0,
                skipfilename: false,
            };
            let pass = content_pass(&found.link)?;
            wish.link(&app, file.owner, &file, Some(pass), now)
        })
        .await;
    let link = noting_guesses(request.app, request.client, given)?;
    Ok(redirect(&request.app.content_address(&link.path)))
}

/// Begins the visit, with the password or with what was given for it.
async fn begin(request: &PageRequest<'_>, code: &str, password: Option<String>) -> Answer<Visit> {
    let name = cookie_name(code);
    let key = Key {
        password,
        pass: request.cookies(&name).next().map(str::to_owned),
    };
    Visit::begin(request.app, request.client, code, &key).await
}

/// Each link has a cookie of its own. Its name gives nothing away.
fn cookie_name(code: &str) -> String {
    let print = hex::encode(fingerprint(code));
    format!("pileus_link_{}", print.get(..16).unwrap_or_default())
}

/// Asks for the password if that is what is missing; tells the rest.
fn failed(request: &PageRequest<'_>, fail: &Fail) -> Response<Body> {
    let language = request.language();
    if let Some(cause) = &fail.cause {
        let code = fail.code.number();
        tracing::error!(cause, code, "the page of a link could not do its work");
    }
    if fail.code != Code::LINK_PASSWORD_NEEDED {
        let text = problem(fail.code, language);
        return FormPage::message(language, title(fail.code, language), text)
            .respond(status(fail.code));
    }
    let is_wrong = request.is_post();
    let page = FormPage {
        language,
        title: language.say("This link has a password", "Dieser Link hat ein Passwort"),
        problem: is_wrong.then(|| {
            language.say(
                "This is not the password. Please try again.",
                "Das ist nicht das Passwort. Bitte noch einmal versuchen.",
            )
        }),
        paragraphs: vec![
            language
                .say(
                    "Who sent you the link can tell you the password.",
                    "Das Passwort weiß, wer den Link verschickt hat.",
                )
                .into(),
        ],
        hidden: vec![
            ("code", request.text("code")),
            ("path", request.text("path")),
            ("lang", request.text("lang")),
        ],
        fields: vec![Field {
            name: "linkpassword",
            label: language.say("Password", "Passwort"),
            kind: "password",
            autocomplete: "off",
        }],
        tick: None,
        button: Some(language.say("Open", "Öffnen")),
        links: Vec::new(),
    };
    page.respond(StatusCode::FORBIDDEN)
}

fn status(code: Code) -> StatusCode {
    const OVER: [Code; 5] = [
        Code::LINK_DELETED,
        Code::LINK_CLOSED,
        Code::LINK_EXPIRED,
        Code::LINK_TRAFFIC_USED,
        Code::LINK_DOWNLOADS_USED,
    ];
    if OVER.contains(&code) {
        StatusCode::GONE
    } else if code == Code::LOGINS_LIMITED {
        StatusCode::TOO_MANY_REQUESTS
    } else if code == Code::INTERNAL {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::NOT_FOUND
    }
}
