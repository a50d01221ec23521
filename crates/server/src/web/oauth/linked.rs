//! The page with the apps that an account has let in, where they can be shut out again.

use super::consent::rights;
use super::login::{self, Occasion};
use super::session::Session;
use super::{APPS_PATH, form_page};
use crate::call::Answer;
use crate::http::Answer as Body;
use crate::language::Language;
use crate::phrases::day;
use crate::web::PageRequest;
use crate::web::answer::redirect;
use askama::Template;
use http::{Response, StatusCode};

use pileus_api::UnixTime;
use pileus_store::Tx;

/// What the seals of this page's forms are about.
const ABOUT: &str = APPS_PATH;

/// The apps of an account.
#[derive(Template)]
#[template(path = "web/oauth_apps.html")]
struct AppsPage<'a> {
    language: Language,
    title: &'static str,
    apps: Vec<Linked>,
    email: &'a str,
    seal: String,
}

/// An app that was let in.
struct Linked {
    id: i64,
    name: String,
    rights: String,
    since: String,
    last_used: String,
}

/// Answers a request for the page.
pub(super) async fn serve(request: &PageRequest<'_>, _query: &str) -> Answer<Response<Body>> {
    let occasion = Occasion {
        app: None,
        redirect: None,
    };
    let (session, wish) = match login::admit(request, occasion, ABOUT).await? {
        Ok(admitted) => admitted,
        Err(response) => return Ok(response),
    };
    if wish.is_empty() {
        return show(request, &session).await;
    }
    if wish == "unlink" {
        // An app that is not linked, or none at all, is what the visitor wants to see.
        let (account, app) = (session.account.id, request.text("app").parse().unwrap_or(0));
        request
            .app
            .db
            .edit(move |tx| tx.remove_grant(account, app))
            .await?;
        return Ok(redirect(APPS_PATH));
    }
    login::log_out(request, &session).await
}

async fn show(request: &PageRequest<'_>, session: &Session) -> Answer<Response<Body>> {
    let (account, language) = (session.account.id, request.language());
    let apps = request
        .app
        .db
        .view(move |tx| linked(tx, account, language))
        .await?;
    let page = AppsPage {
        language,
        title: language.say("Linked apps", "Verbundene Apps"),
        apps,
        email: &session.account.email,
        seal: session.form_seal(request.app, ABOUT),
    };
    Ok(form_page(StatusCode::OK, page.render(), None))
}

fn linked(tx: &mut Tx<'_>, account: i64, language: Language) -> Answer<Vec<Linked>> {
    let mut found = Vec::new();
    for grant in tx.grants(account)? {
        let Some(app) = tx.app(grant.app)? else {
            continue;
        };
        found.push(Linked {
            id: app.id,
            name: app.name,
            rights: rights(language, app.access, grant.permissions).join(", "),
            since: day(UnixTime(grant.created), language),
            last_used: day(UnixTime(grant.last_used), language),
        });
    }
    Ok(found)
}
