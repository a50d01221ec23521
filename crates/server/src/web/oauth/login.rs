//! Logging in to these pages: by password, and by a code where the account has a second factor.

use super::session::Session;
use super::{form_page, session, with_cookie};
use crate::call::{Answer, Fail};
use crate::http::Answer as Body;
use crate::language::Language;
use crate::login::check_password;
use crate::rules::second_factor;
use crate::second_step::{Said, second_step};
use crate::web::PageRequest;
use crate::web::answer::redirect;
use crate::web::origin::foreign;
use askama::Template;
use http::{Response, StatusCode};
use pileus_api::Code;

/// The page that asks who is there.
#[derive(Template)]
#[template(path = "web/oauth_login.html")]
struct LoginPage<'a> {
    language: Language,
    title: &'static str,
    /// Who wants to know.
    lead: String,
    problem: Option<&'static str>,
    /// The address typed before.
    email: &'a str,
    /// Names a login that waits for its code; empty where the password is asked for.
    pending: &'a str,
}

/// What a page says that people have to log in for.
#[derive(Clone, Copy)]
pub(super) struct Occasion<'a> {
    /// Name of the app that wants in.
    pub(super) app: Option<&'a str>,
    /// Where the browser may be led to at once after the login.
    pub(super) redirect: Option<&'a str>,
}

/// Lets a visitor through who is logged in: answers the session, and what the form asks to be done, which is nothing if
/// only the page is wanted. `about` is what the form is sealed for. Whoever has to log in first, or comes with a form of
/// another site, gets the response instead.
pub(super) async fn admit(
    request: &PageRequest<'_>,
    occasion: Occasion<'_>,
    about: &str,
) -> Answer<Result<(Session, String), Response<Body>>> {
    let wish = if request.is_post() {
        request.text("do")
    } else {
        String::new()
    };
    match wish.as_str() {
        "login" => return submit_password(request, occasion).await.map(Err),
        "code" => return submit_code(request, occasion).await.map(Err),
        _ => {}
    }
    let Some(session) = Session::of(request).await? else {
        return Ok(Err(ask(request, occasion)));
    };
    if !wish.is_empty() && !session.fits(request.app, about, &request.text("seal")) {
        return Ok(Err(foreign(request)));
    }
    Ok(Ok((session, wish)))
}

/// Asks for the password.
fn ask(request: &PageRequest<'_>, occasion: Occasion<'_>) -> Response<Body> {
    show(request, occasion, StatusCode::OK, None, "")
}

fn show(
    request: &PageRequest<'_>,
    occasion: Occasion<'_>,
    status: StatusCode,
    problem: Option<&'static str>,
    pending: &str,
) -> Response<Body> {
    let language = request.language();
    let lead = match (occasion.app, pending.is_empty()) {
        (Some(app), true) => language.say(
            format!("to continue to “{app}”"),
            format!("um mit „{app}“ fortzufahren"),
        ),
        (None, true) => String::new(),
        (_, false) => language
            .say(
                "Type the code that your authenticator shows, or a recovery code.",
                "Gib den Code ein, den deine Authenticator-App zeigt, oder einen Wiederherstellungscode.",
            )
            .into(),
    };
    let email = request.text("email");
    let page = LoginPage {
        language,
        title: if pending.is_empty() {
            language.say("Log in", "Anmelden")
        } else {
            language.say("Second step", "Zweiter Schritt")
        },
        lead,
        problem,
        email: &email,
        pending,
    };
    form_page(status, page.render(), occasion.redirect)
}

/// Takes the form with the password.
async fn submit_password(
    request: &PageRequest<'_>,
    occasion: Occasion<'_>,
) -> Answer<Response<Body>> {
    let app = request.app;
    let (email, password) = (request.text("email"), request.text("password"));
    let checked = check_password(app, &email, &password, request.client, request.secure).await;
    let secrets = match checked {
        Ok(secrets) => secrets,
        Err(fail) => return refuse(request, occasion, fail, ""),
    };
    if app.config.require_verified_mail && !secrets.email_verified {
        return refuse(request, occasion, Code::MAIL_CHECK_NEEDED.into(), "");
    }
    let (account, epoch, now) = (secrets.id, secrets.login_epoch, app.clock.now());
    if secrets.tfa_sealed.is_none() {
        app.limits.succeeded(&email);
        return go_on(request, occasion, account, epoch).await;
    }
    let waits = app
        .db
        .edit(move |tx| second_factor::wait(tx, account, epoch, now))
        .await;
    match waits {
        Ok(pending) => Ok(show(request, occasion, StatusCode::OK, None, &pending)),
        Err(fail) => refuse(request, occasion, fail, ""),
    }
}

/// Takes the form with the code.
async fn submit_code(request: &PageRequest<'_>, occasion: Occasion<'_>) -> Answer<Response<Body>> {
    let (pending, code) = (request.text("pending"), request.text("code"));
    let typed: String = code.chars().filter(|char| !char.is_whitespace()).collect();
    let said = if typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
        Said::Authenticator(typed)
    } else {
        Said::Recovery(code)
    };
    match second_step(request.app, request.client, &pending, said, None).await {
        Ok(account) => go_on(request, occasion, account.id, account.login_epoch).await,
        Err(fail) if fail.code == Code::CODE_INVALID => refuse(request, occasion, fail, &pending),
        Err(fail) => refuse(request, occasion, fail, ""),
    }
}

/// Ends the login.
pub(super) async fn log_out(
    request: &PageRequest<'_>,
    session: &Session,
) -> Answer<Response<Body>> {
    session.end(request.app).await?;
    Ok(with_cookie(again(request), request, ""))
}

/// Shows the same page again, now with a login.
async fn go_on(
    request: &PageRequest<'_>,
    occasion: Occasion<'_>,
    account: i64,
    epoch: i64,
) -> Answer<Response<Body>> {
    match session::begin(request.app, account, epoch).await {
        Ok(cookie) => Ok(with_cookie(again(request), request, &cookie)),
        Err(fail) => refuse(request, occasion, fail, ""),
    }
}

/// Leads to the page's own address by GET.
pub(super) fn again(request: &PageRequest<'_>) -> Response<Body> {
    let uri = &request.head.uri;
    let target = uri
        .path_and_query()
        .map_or(uri.path(), |target| target.as_str());
    redirect(target)
}

/// Says why a login did not work. Whether there is such an account is not told.
fn refuse(
    request: &PageRequest<'_>,
    occasion: Occasion<'_>,
    fail: Fail,
    pending: &str,
) -> Answer<Response<Body>> {
    let language = request.language();
    let is_unprotected = !request.secure && !request.app.config.password_without_tls;
    let wrong = if is_unprotected {
        language.say(
            "This server takes passwords over a protected connection only. Use its address with https.",
            "Dieser Server nimmt Passwörter nur über eine geschützte Verbindung an. Nutze seine Adresse mit https.",
        )
    } else {
        language.say(
            "Mail address or password are wrong.",
            "Mailadresse oder Passwort sind falsch.",
        )
    };
    let too_many = language.say(
        "Too many tries. Wait some minutes and try again.",
        "Zu viele Versuche. Warte einige Minuten und versuche es noch einmal.",
    );
    let used = language.say(
        "This code is wrong or was used already.",
        "Dieser Code ist falsch oder wurde schon benutzt.",
    );
    let late = language.say(
        "This took too long. Log in again.",
        "Das hat zu lange gedauert. Melde dich noch einmal an.",
    );
    let unverified = language.say(
        "Confirm your mail address first, by the link in the mail that you got.",
        "Bestätige zuerst deine Mailadresse, über den Link in der Mail, die du bekommen hast.",
    );
    let problems = [
        (Code::LOGIN_FAILED, wrong),
        (Code::LOGINS_LIMITED, too_many),
        (Code::REQUESTS_LIMITED, too_many),
        (Code::CODE_INVALID, used),
        (Code::TFA_TOKEN_EXPIRED, late),
        (Code::MAIL_CHECK_NEEDED, unverified),
    ];
    let Some((_, problem)) = problems.into_iter().find(|(code, _)| *code == fail.code) else {
        return Err(fail);
    };
    Ok(show(
        request,
        occasion,
        StatusCode::OK,
        Some(problem),
        pending,
    ))
}
