//! The page on which visitors make accounts, where they may. Invitations lead here, and so do offers to people without one.
//!
//! The method `register` takes its form, so both follow the same rules; nothing here decides who may have an account.

use super::answer::{href, page, redirect};
use super::form::FormPage;
use super::origin::{foreign, telling_origin};
use super::words::problem;
use super::{Answer as Body, PageRequest};
use crate::app::App;
use crate::config::Registration;
use crate::language::Language;
use askama::Template;
use http::{Response, StatusCode};
use pileus_api::Code;

/// Where the page is.
pub const PATH: &str = "/account/register";
/// The method that takes its form.
pub const RECEIVER: &str = "register";

/// Parameter that says that an account has just been made.
const MADE: &str = "made";

/// The form.
#[derive(Template)]
#[template(path = "web/register.html")]
struct RegisterPage {
    language: Language,
    title: &'static str,
    /// What went wrong with the form that was sent.
    problem: Option<&'static str>,
    email: String,
    /// The invitation that led here; may be empty.
    invite: String,
    /// The code of the offer that led here; may be empty.
    offer: String,
}

/// Whether visitors may make accounts.
pub fn is_open(app: &App) -> bool {
    app.config.registration == Registration::Open
}

/// Answers a request for the page.
pub fn serve(request: &PageRequest<'_>) -> Response<Body> {
    if request.is_post() {
        // Forms of this server go to the method.
        foreign(request)
    } else if !is_open(request.app) {
        closed(request)
    } else if request.params.flag(MADE) {
        made(request)
    } else {
        show(request, None)
    }
}

/// Answers the form, which the method has answered with this code, or 0. What went well ends on another page, so that
/// loading it again sends nothing twice.
pub fn sent(request: &PageRequest<'_>, code: u16) -> Response<Body> {
    if code == 0 {
        let parameters = [
            ("lang", request.language().code()),
            ("offer", &request.text("offer")),
            (MADE, "1"),
        ];
        return redirect(&href(PATH, &parameters));
    }
    let code = Code::from_number(u64::from(code)).unwrap_or(Code::INTERNAL);
    if code == Code::DENIED {
        closed(request)
    } else {
        show(request, Some(code))
    }
}

fn title(language: Language) -> &'static str {
    language.say("Make an account", "Ein Konto anlegen")
}

fn closed(request: &PageRequest<'_>) -> Response<Body> {
    let language = request.language();
    let text = problem(Code::DENIED, language);
    FormPage::message(language, title(language), text).respond(StatusCode::FORBIDDEN)
}

/// Says what to do next.
fn made(request: &PageRequest<'_>) -> Response<Body> {
    let language = request.language();
    let mut said = FormPage::message(
        language,
        language.say("Your account is made", "Dein Konto ist angelegt"),
        language.say(
            "A mail is on its way to your address. Please follow its link to confirm that the address is yours. With address \
             and password you can log in to this server in your programs.",
            "Eine Mail an deine Adresse ist unterwegs. Bitte folge ihrem Link, um zu bestätigen, dass die Adresse dir gehört. \
             Mit Adresse und Passwort kannst du dich in deinen Programmen bei diesem Server anmelden.",
        ),
    );
    let offer = request.text("offer");
    if !offer.is_empty() {
        let label = language.say("Go on to the shared folder", "Weiter zum geteilten Ordner");
        let parameters = [("lang", language.code()), ("code", &offer)];
        said.links
            .push((label, href("/account/share", &parameters)));
    }
    said.respond(StatusCode::OK)
}

fn show(request: &PageRequest<'_>, failed: Option<Code>) -> Response<Body> {
    let language = request.language();
    let shown = RegisterPage {
        language,
        title: title(language),
        problem: failed.map(|code| problem(code, language)),
        email: request.text("mail"),
        invite: request.text("invite"),
        offer: request.text("offer"),
    };
    let status = match failed.map(Code::number) {
        None => StatusCode::OK,
        Some(4000..5000) => StatusCode::TOO_MANY_REQUESTS,
        Some(5000..6000) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    let response = match shown.render() {
        Ok(html) => page(status, html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            page(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    };
    telling_origin(response)
}
