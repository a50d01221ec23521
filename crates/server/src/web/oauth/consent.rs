//! The page that asks whether an app may use the account, and what becomes of the answer.

use super::login::{self, Occasion};
use super::question::{Kind, Question, Refused};
use super::session::Session;
use super::{back, form_page};
use crate::call::{Answer, Fail};
use crate::http::Answer as Body;
use crate::language::Language;
use crate::rules::metadata::wire_id;
use crate::rules::oauth::{Bound, Issued, Request, issue_code, issue_token, request_fingerprint};
use crate::web::PageRequest;
use crate::web::answer::redirect;
use crate::web::form::FormPage;
use crate::web::words::did_not_work;
use askama::Template;
use http::{Method, Response, StatusCode};
use pileus_store::apps::{self, App};

/// The question to the visitor.
#[derive(Template)]
#[template(path = "web/oauth_consent.html")]
struct ConsentPage<'a> {
    language: Language,
    title: String,
    app: &'a App,
    /// What to be careful about.
    warning: Option<&'static str>,
    /// What the app will be able to do.
    rights: Vec<&'static str>,
    /// Where the answer goes.
    answered: String,
    email: &'a str,
    seal: String,
}

/// A code for the visitor to copy.
#[derive(Template)]
#[template(path = "web/oauth_code.html")]
struct CodePage<'a> {
    language: Language,
    title: &'static str,
    text: &'static str,
    code: &'a str,
}

/// Answers a request for the page.
pub(super) async fn serve(request: &PageRequest<'_>, query: &str) -> Answer<Response<Body>> {
    let question = match Question::read(request.app, query).await? {
        Ok(question) => question,
        Err(refused) => return Ok(refuse(request, &refused)),
    };
    let occasion = Occasion {
        app: Some(&question.app.name),
        redirect: question.redirect.as_deref(),
    };
    let (session, wish) = match login::admit(request, occasion, query).await? {
        Ok(admitted) => admitted,
        Err(response) => return Ok(response),
    };
    match wish.as_str() {
        "" => ask(request, query, &question, &session).await,
        "allow" => allow(request, &question, &session).await,
        "deny" => deny(request, &question, &session).await,
        _ => leave(request, &question, &session).await,
    }
}

/// The request that an app waits for, before this visitor.
fn awaited(question: &Question, session: &Session) -> Request {
    Request {
        hash: request_fingerprint(&question.app.client_id, &question.request_id),
        opened_by: session.fingerprint(),
    }
}

/// Logs the visitor out. Whoever comes next may decide.
async fn leave(
    request: &PageRequest<'_>,
    question: &Question,
    session: &Session,
) -> Answer<Response<Body>> {
    if question.kind == Kind::Request {
        let Request { hash, opened_by } = awaited(question, session);
        let left = request
            .app
            .db
            .edit(move |tx| tx.leave_request(&hash, &opened_by));
        left.await?;
    }
    login::log_out(request, session).await
}

/// Shows the question, unless the app was let in before with as much. A program that waits elsewhere is asked about
/// each time: somebody else may have sent the visitor here.
async fn ask(
    request: &PageRequest<'_>,
    query: &str,
    question: &Question,
    session: &Session,
) -> Answer<Response<Body>> {
    let (account, app) = (session.account.id, question.app.id);
    let grant = request
        .app
        .db
        .view(move |tx| tx.grant(account, app))
        .await?;
    let is_let_in = grant.is_some_and(|grant| question.permissions & !grant.permissions == 0);
    let may_skip = !question.is_asked_again && question.kind != Kind::Request;
    if is_let_in && may_skip && request.head.method == Method::GET {
        return allow(request, question, session).await;
    }
    let language = request.language();
    if question.kind == Kind::Request {
        let (awaited, now) = (awaited(question, session), request.app.clock.now());
        let opened = request.app.db.edit(move |tx| awaited.open(tx, app, now));
        if !opened.await? {
            return Ok(too_late(language));
        }
    }
    let page = ConsentPage {
        language,
        title: language.say(
            format!("Let “{}” use your account?", question.app.name),
            format!("Darf „{}“ dein Konto nutzen?", question.app.name),
        ),
        app: &question.app,
        warning: (question.kind == Kind::Request).then(|| {
            language.say(
                "Allow this only if you have just started the app yourself. Whoever sent you here gets access otherwise.",
                "Erlaube das nur, wenn du die App gerade selbst gestartet hast. Sonst bekommt Zugriff, wer dich hierher geschickt hat.",
            )
        }),
        rights: rights(language, question.app.access, question.permissions),
        answered: answered(language, question),
        email: &session.account.email,
        seal: session.form_seal(request.app, query),
    };
    Ok(form_page(
        StatusCode::OK,
        page.render(),
        question.redirect.as_deref(),
    ))
}

/// What an app is let in for, in words.
pub(super) fn rights(language: Language, access: i64, permissions: i64) -> Vec<&'static str> {
    let mut rights = vec![if access == apps::FULL {
        language.say(
            "see, change and delete all your files, and make links to them",
            "alle deine Dateien sehen, ändern, löschen und verlinken",
        )
    } else {
        language.say(
            "see, change and delete files in one folder that is made for it, and make links to them",
            "Dateien in einem eigenen Ordner sehen, ändern, löschen und verlinken",
        )
    }];
    rights.push(language.say(
        "see your mail address and how much space you use",
        "deine Mailadresse und deinen Speicherplatz sehen",
    ));
    if permissions & apps::MANAGE_SHARES != 0 {
        rights.push(language.say(
            "share folders with other people, and accept shares",
            "Ordner mit anderen teilen und Freigaben annehmen",
        ));
    }
    rights
}

/// Where the answer goes, for those who look.
fn answered(language: Language, question: &Question) -> String {
    let redirect = question
        .redirect
        .as_deref()
        .filter(|_| question.kind != Kind::Request);
    let Some(redirect) = redirect else {
        return language
            .say(
                "You can undo this at any time.",
                "Du kannst das jederzeit widerrufen.",
            )
            .into();
    };
    let place = match redirect.split_once("://") {
        Some((_, rest)) if !back::is_of_a_program(redirect) => {
            rest.split(['/', '?']).next().unwrap_or_default()
        }
        _ => redirect,
    };
    language.say(
        format!("The answer goes to {place}. You can undo this at any time."),
        format!("Die Antwort geht an {place}. Du kannst das jederzeit widerrufen."),
    )
}

/// What the app gets.
enum Given {
    Code(String),
    Token(Issued),
    /// It fetches the token itself.
    Decision,
    /// Another decision was made before, or somebody else has been asked.
    TooLate,
}

/// Lets the app in.
async fn allow(
    request: &PageRequest<'_>,
    question: &Question,
    session: &Session,
) -> Answer<Response<Body>> {
    let (server, asked) = (request.app.clone(), question.clone());
    let (account, now) = (session.account.id, request.app.clock.now());
    let awaited = awaited(question, session);
    let given = request
        .app
        .db
        .edit(move |tx| -> Answer<Given> {
            let Question {
                app, permissions, ..
            } = &asked;
            if asked.kind == Kind::Request
                && !awaited.decide(tx, &server, account, *permissions, now)?
            {
                return Ok(Given::TooLate);
            }
            let before = tx.grant(account, app.id)?;
            let widened = before.map_or(0, |grant| grant.permissions) | permissions;
            tx.put_grant(account, app.id, widened, now.0)?;
            Ok(match asked.kind {
                Kind::Code => {
                    let bound = Bound {
                        app: app.id,
                        redirect: asked.redirect.as_deref().unwrap_or_default(),
                        permissions: *permissions,
                        challenge: &asked.challenge,
                    };
                    Given::Code(issue_code(tx, account, &bound, now)?)
                }
                Kind::Token => Given::Token(issue_token(tx, account, app, *permissions, now)?.1),
                Kind::Request => Given::Decision,
            })
        })
        .await?;
    if !matches!(given, Given::TooLate) {
        tracing::info!(
            user.id = session.account.id,
            app = question.app.client_id,
            "an app was let in"
        );
    }
    let language = request.language();
    Ok(match given {
        Given::Code(code) => match success(request, question, session, ("code", &code)) {
            Some(address) => redirect(&address),
            None => copy(request, &code),
        },
        Given::Token(issued) => {
            let token = ("access_token", issued.secret.as_str());
            match success(request, question, session, token) {
                Some(address) => redirect(&address),
                None => return Err(Fail::internal("a token has nowhere to go")),
            }
        }
        Given::Decision => FormPage::message(
            language,
            language.say("Done", "Fertig"),
            language.say(
                "You can close this page and go back to the app.",
                "Du kannst diese Seite schließen und zur App zurückkehren.",
            ),
        )
        .respond(StatusCode::OK),
        Given::TooLate => too_late(language),
    })
}

fn too_late(language: Language) -> Response<Body> {
    FormPage::message(
        language,
        did_not_work(language),
        language.say(
            "This question was answered before, or somebody else has opened it. Start again from the app.",
            "Diese Frage wurde schon beantwortet, oder jemand anders hat sie geöffnet. Beginne noch einmal in der App.",
        ),
    )
    .respond(StatusCode::OK)
}

/// The address that tells the app of its success. Its clients need all of it: the Swift SDK ends without `userid`,
/// `locationid` and `hostname`, and rclone calls whatever `hostname` says.
fn success(
    request: &PageRequest<'_>,
    question: &Question,
    session: &Session,
    given: (&str, &str),
) -> Option<String> {
    let userid = wire_id(session.account.id).to_string();
    let location = request.app.config.public.location.to_string();
    let host = request.app.api_hosts().swap_remove(0);
    let mut pairs = vec![given];
    let is_of_a_program = question
        .redirect
        .as_deref()
        .is_some_and(back::is_of_a_program);
    if question.kind == Kind::Token {
        pairs.push(("token_type", "bearer"));
        pairs.push(("uid", &userid));
    }
    if question.kind == Kind::Token || is_of_a_program {
        pairs.push(("userid", &userid));
    }
    pairs.push(("locationid", &location));
    pairs.push(("hostname", &host));
    question.told(&pairs)
}

/// Shows the code to an app that has no address.
fn copy(request: &PageRequest<'_>, code: &str) -> Response<Body> {
    let language = request.language();
    let shown = CodePage {
        language,
        title: language.say("Your code", "Dein Code"),
        text: language.say(
            "Copy this code into the app. It works once, for ten minutes.",
            "Kopiere diesen Code in die App. Er gilt einmal und zehn Minuten lang.",
        ),
        code,
    };
    form_page(StatusCode::OK, shown.render(), None)
}

/// Does not let the app in. What it was let in for before stays.
async fn deny(
    request: &PageRequest<'_>,
    question: &Question,
    session: &Session,
) -> Answer<Response<Body>> {
    let language = request.language();
    if question.kind == Kind::Request {
        let (server, awaited) = (request.app.clone(), awaited(question, session));
        let now = request.app.clock.now();
        let decided = request
            .app
            .db
            .edit(move |tx| awaited.decide(tx, &server, 0, 0, now));
        if !decided.await? {
            return Ok(too_late(language));
        }
    }
    Ok(match question.told(&[("error", "access_denied")]) {
        Some(address) => redirect(&address),
        None => FormPage::message(
            language,
            language.say("Denied", "Abgelehnt"),
            language.say(
                "The app was not let in. You can close this page.",
                "Die App hat keinen Zugriff bekommen. Du kannst diese Seite schließen.",
            ),
        )
        .respond(StatusCode::OK),
    })
}

/// Tells that there is no question, the visitor or the app. The browser is never led to an address that the app has
/// not registered.
fn refuse(request: &PageRequest<'_>, refused: &Refused) -> Response<Body> {
    let language = request.language();
    let text = match refused {
        Refused::Told(address) => return redirect(address),
        Refused::UnknownApp => language.say(
            "There is no such app on this server, or it was switched off.",
            "Diese App gibt es auf diesem Server nicht, oder sie wurde abgeschaltet.",
        ),
        Refused::ForeignAddress => language.say(
            "The app wants the answer at an address that is not its own. Nothing was sent there.",
            "Die App will die Antwort an einer Adresse, die nicht ihre ist. Dorthin wurde nichts gesendet.",
        ),
        Refused::Malformed => language.say(
            "The app has not said properly what it wants.",
            "Die App hat nicht richtig gesagt, was sie möchte.",
        ),
    };
    let title = did_not_work(language);
    FormPage::message(language, title, text).respond(StatusCode::BAD_REQUEST)
}
