//! The pages that the links in mails lead to.

use super::answer::href;
use super::form::{Field, FormPage};
use super::words::{Words, offered, problem, words};
use super::{PageRequest, register};
use crate::call::{Answer, Fail};
use crate::http::{Answer as Body, refusal};
use crate::language::Language;
use crate::login;
use crate::rules::mail_codes::{self, Purpose};
use crate::rules::mailed_offers::{self, Mailed};
use crate::rules::{account_mail, newsletter};
use http::{Response, StatusCode};
use pileus_api::Code;

/// Name of the parameter that ends the apps of an account as well.
const END_APPS: &str = "endapps";

/// After these another try with the same code is of no use.
const FINAL: [Code; 6] = [
    Code::CODE_INVALID,
    Code::CODE_EXPIRED,
    Code::RESET_CODE_EXPIRED,
    Code::ALREADY_VERIFIED,
    Code::REQUEST_MISSING,
    Code::ALREADY_SHARED,
];

/// What a page is for. Each takes the code of one kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Verifies an address.
    Verify,
    /// Sets a new password.
    Reset,
    /// Names a new address.
    NewMail,
    /// Makes the new address the account's.
    ConfirmMail,
    /// Gives the account up.
    Deactivate,
    /// Accepts a shared folder.
    Share,
    /// Declines a shared folder.
    Decline,
    /// Agrees to the newsletter.
    Newsletter,
    /// Ends the newsletter.
    Unsubscribe,
}

impl Step {
    /// The step whose page has this name.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "verify" => Self::Verify,
            "reset" => Self::Reset,
            "newmail" => Self::NewMail,
            "confirmmail" => Self::ConfirmMail,
            "deactivate" => Self::Deactivate,
            "share" => Self::Share,
            "declineshare" => Self::Decline,
            "newsletter" => Self::Newsletter,
            "unsubscribe" => Self::Unsubscribe,
            _ => return None,
        })
    }

    /// What is to be filled in.
    fn field(self, language: Language) -> Option<Field> {
        Some(match self {
            Self::Reset => Field {
                name: "newpassword",
                label: language.say("New password", "Neues Passwort"),
                kind: "password",
                autocomplete: "new-password",
            },
            Self::NewMail => Field {
                name: "newmail",
                label: language.say("New mail address", "Neue Mailadresse"),
                kind: "email",
                autocomplete: "email",
            },
            Self::ConfirmMail | Self::Deactivate | Self::Share => Field {
                name: "password",
                label: language.say("Password", "Passwort"),
                kind: "password",
                autocomplete: "current-password",
            },
            Self::Verify | Self::Decline | Self::Newsletter | Self::Unsubscribe => return None,
        })
    }

    /// What may be ticked.
    fn tick(self, language: Language) -> Option<(&'static str, &'static str)> {
        let label = language.say(
            "Disconnect all apps as well",
            "Auch alle Apps von meinem Konto trennen",
        );
        (self == Self::Reset).then_some((END_APPS, label))
    }

    /// Looks whether the code can work, so that nobody fills in a form in vain. Nothing is used up.
    async fn look(self, request: &PageRequest<'_>, code: &str) -> Answer<()> {
        let (app, client) = (request.app, request.client);
        let purpose = match self {
            Self::Verify => Purpose::Verify,
            Self::Reset => Purpose::Reset,
            Self::NewMail => Purpose::ChangeOld,
            Self::ConfirmMail => Purpose::ChangeNew,
            Self::Deactivate => Purpose::Deactivate,
            Self::Newsletter => return newsletter::look(app, client, code).await,
            Self::Unsubscribe => return newsletter::look_unsubscribe(app, client, code).await,
            // What is offered is looked at for the words of the page.
            Self::Share | Self::Decline => return Ok(()),
        };
        mail_codes::look(app, client, code, purpose).await
    }

    /// Does what the page is for.
    async fn act(self, request: &PageRequest<'_>, code: &str) -> Answer<()> {
        let (app, client) = (request.app, request.client);
        let text = |name| request.text(name);
        if matches!(self, Self::Reset | Self::ConfirmMail | Self::Deactivate) {
            login::protected(app, request.secure)?;
        }
        match self {
            Self::Verify => account_mail::verify_email(app, client, code)
                .await
                .map(drop),
            Self::Reset => {
                let password = text("newpassword");
                let end_apps = request.params.flag(END_APPS);
                account_mail::reset_password(app, client, code, &password, end_apps)
                    .await
                    .map(drop)
            }
            Self::NewMail => {
                let email = text("newmail");
                account_mail::name_new_address(app, client, None, code, email.trim()).await
            }
            Self::ConfirmMail => {
                let password = text("password");
                let changed = account_mail::change_address(app, client, None, code, &password);
                changed.await.map(drop)
            }
            Self::Deactivate => {
                let password = text("password");
                account_mail::deactivate(app, client, None, code, &password).await
            }
            Self::Share => {
                let password = text("password");
                let mailed = mailed_offers::find(app, client, code).await?;
                mailed_offers::accept(app, client, request.secure, &mailed, &password).await
            }
            Self::Decline => {
                let mailed = mailed_offers::find(app, client, code).await?;
                mailed_offers::decline(app, &mailed).await
            }
            Self::Newsletter => newsletter::verify(app, client, code).await.map(drop),
            Self::Unsubscribe => newsletter::unsubscribe(app, client, code).await,
        }
    }
}

/// Answers a request for the page with this name.
pub(super) async fn serve(request: &PageRequest<'_>, name: &str) -> Response<Body> {
    let Some(step) = Step::named(name) else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let language = request.language();
    let said = words(step, language);
    let code = request.text("code");
    if code.is_empty() {
        return message(language, &said, Code::NO_CODE);
    }
    if request.is_post() {
        let done = step.act(request, &code).await;
        if let Err(fail) = done {
            return failed(request, step, said, code, fail).await;
        }
        return FormPage::message(language, said.title, said.done).respond(StatusCode::OK);
    }
    match about(request, step, &code).await {
        Ok(about) => form(step, language, said, code, about).respond(StatusCode::OK),
        Err(fail) => failed(request, step, said, code, fail).await,
    }
}

/// What there is to know about the thing that a code stands for.
#[derive(Default)]
struct About {
    /// What is said first: what is offered, and by whom.
    paragraphs: Vec<String>,
    /// Where else one may go.
    links: Vec<(&'static str, String)>,
    /// Whether there is nobody who could do what the page is for.
    is_stranger: bool,
}

/// Finds out about the code: whether it can work, and what it stands for.
async fn about(request: &PageRequest<'_>, step: Step, code: &str) -> Answer<About> {
    step.look(request, code).await?;
    if ![Step::Share, Step::Decline].contains(&step) {
        return Ok(About::default());
    }
    let language = request.language();
    let Mailed {
        request: offer,
        from,
        recipient,
    } = mailed_offers::find(request.app, request.client, code).await?;
    let mut about = About {
        paragraphs: offered(&offer, &from, language),
        ..About::default()
    };
    if step == Step::Decline {
        return Ok(about);
    }
    let lang = ("lang", language.code());
    if recipient.is_none() {
        about.is_stranger = true;
        about
            .paragraphs
            .push(problem(Code::NOT_FOR_CALLER, language).into());
        if register::is_open(request.app) {
            let parameters = [lang, ("mail", &offer.email), ("offer", code)];
            let address = href(register::PATH, &parameters);
            let label = language.say("Make an account", "Ein Konto anlegen");
            about.links.push((label, address));
        } else {
            about
                .paragraphs
                .push(problem(Code::DENIED, language).into());
        }
    }
    let decline = language.say("Decline the folder", "Ordner ablehnen");
    let address = href("/account/declineshare", &[lang, ("code", code)]);
    about.links.push((decline, address));
    Ok(about)
}

fn form(step: Step, language: Language, said: Words, code: String, about: About) -> FormPage {
    let About {
        mut paragraphs,
        links,
        is_stranger,
    } = about;
    if is_stranger {
        return FormPage {
            paragraphs,
            links,
            ..FormPage::message(language, said.title, "")
        };
    }
    paragraphs.push(said.text.into());
    FormPage {
        language,
        title: said.title,
        problem: None,
        paragraphs,
        // The code is what other sites do not know, so no form of theirs can be taken for this one.
        hidden: vec![("code", code), ("lang", language.code().into())],
        fields: step.field(language).into_iter().collect(),
        tick: step.tick(language),
        button: Some(said.button),
        links,
    }
}

/// What can be put right by another try shows the form again; the rest is just told.
async fn failed(
    request: &PageRequest<'_>,
    step: Step,
    said: Words,
    code: String,
    fail: Fail,
) -> Response<Body> {
    let language = request.language();
    if let Some(cause) = &fail.cause {
        tracing::error!(
            cause,
            code = fail.code.number(),
            "a page could not do its work"
        );
    }
    if FINAL.contains(&fail.code) {
        return message(language, &said, fail.code);
    }
    // Whatever is wrong with the thing itself has been told by now.
    let about = about(request, step, &code).await.unwrap_or_default();
    let mut page = form(step, language, said, code, about);
    page.problem = Some(problem(fail.code, language));
    page.respond(status(fail.code))
}

fn message(language: Language, said: &Words, code: Code) -> Response<Body> {
    FormPage::message(language, said.title, problem(code, language)).respond(status(code))
}

fn status(code: Code) -> StatusCode {
    if code == Code::LOGINS_LIMITED || code == Code::REQUESTS_LIMITED {
        StatusCode::TOO_MANY_REQUESTS
    } else if code == Code::INTERNAL {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::BAD_REQUEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_escapes_what_it_was_sent() {
        let code = "\"><script>alert(1)</script>".to_owned();
        let said = words(Step::Reset, Language::De);
        let about = About {
            paragraphs: vec!["<b>".into()],
            ..About::default()
        };
        let page = form(Step::Reset, Language::De, said, code, about);
        let html = askama::Template::render(&page).unwrap();
        assert!(
            !html.contains("<script>") && !html.contains("<b>"),
            "{html}"
        );
        assert!(
            html.contains("lang=\"de\"") && html.contains("type=\"password\""),
            "{html}"
        );
    }
}
