//! OAuth 2: apps fetch their tokens.

use crate::app::App;
use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Waits;
use crate::limits::Subject;
use crate::metrics::Gauge;
use crate::rules::guesses::with_code;
use crate::rules::metadata::wire_id;
use crate::rules::oauth::{
    Issued, Shown, exchange, is_request_id, request_fingerprint, request_key, working_app,
};
use crate::secrets::fingerprint;
use pileus_api::Code;
use pileus_api::oauth2::{OAuth2Token, TokenReply};
use pileus_store::apps;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a call waits for the decision on the page.
const WAIT: Duration = Duration::from_secs(300);

impl Waits for OAuth2Token {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<TokenReply> {
        let basic = cx.call.basic.as_ref();
        let client_id = self
            .client_id
            .clone()
            .or_else(|| basic.map(|basic| basic.user.clone()))
            .ok_or(Code::LOGIN_FAILED)?;
        let issued = match (&self.code, &self.request_id) {
            (Some(code), _) => {
                let secret = self.client_secret.as_deref();
                let secret = secret.or_else(|| basic.map(|basic| basic.password.as_str()));
                let app = proven_app(cx, client_id, secret.unwrap_or_default()).await?;
                // Some libraries send what they do not have as nothing.
                let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
                let shown = Shown::Code {
                    redirect: given(&self.redirect_uri),
                    verifier: given(&self.code_verifier),
                };
                by_code(cx, app, code, shown).await?
            }
            (None, Some(request_id)) => by_request(cx, client_id, request_id).await?,
            (None, None) => return Err(Code::NO_CODE.into()),
        };
        Ok(reply(cx.app, issued))
    }
}

fn reply(app: &App, issued: Issued) -> TokenReply {
    let userid = wire_id(issued.account);
    TokenReply {
        access_token: issued.secret,
        token_type: "bearer".into(),
        uid: userid,
        userid,
        locationid: app.config.public.location,
        hostname: app.api_hosts().swap_remove(0),
    }
}

/// The app that has proven itself by its secret. Guesses count as failed logins of whoever guesses; they do not keep
/// the app itself out.
async fn proven_app(cx: &Cx<'_, '_>, client_id: String, secret: &str) -> Answer<apps::App> {
    let proving = async {
        let app = cx
            .app
            .db
            .view(move |tx| working_app(tx, &client_id))
            .await?;
        let expected = app.as_ref().map_or(&[][..], |app| &app.secret_hash);
        let fits: bool = fingerprint(secret).as_slice().ct_eq(expected).into();
        app.filter(|_| fits)
            .ok_or_else(|| Code::LOGIN_FAILED.into())
    };
    let (subject, wrong) = (Subject::Nobody, [Code::LOGIN_FAILED]);
    let tries = &cx.app.limits.tries;
    tries.watch(subject, cx.call.client, &wrong, proving).await
}

async fn by_code(cx: &Cx<'_, '_>, app: apps::App, code: &str, shown: Shown) -> Answer<Issued> {
    let (hash, now) = (fingerprint(code), cx.app.clock.now());
    let exchanging = async {
        let exchanged = cx
            .app
            .db
            .edit(move |tx| exchange(tx, &shown, &hash, &app, now))
            .await?;
        Ok(exchanged?)
    };
    with_code(cx.app, cx.call.client, exchanging).await
}

/// Waits for the decision on the page. Where it fails there is one answer only: whether there was such a request, and
/// what became of it, is nobody else's business.
async fn by_request(cx: &Cx<'_, '_>, client_id: String, request_id: &str) -> Answer<Issued> {
    if !is_request_id(request_id) {
        return Err(Code::CODE_INVALID.into());
    }
    let hash = request_fingerprint(&client_id, request_id);
    let app = cx
        .app
        .db
        .view(move |tx| working_app(tx, &client_id))
        .await?
        .filter(|app| app.implicit)
        .ok_or(Code::LOGIN_FAILED)?;
    let key = request_key(&hash);
    let _place = cx.app.polls.enter(key).ok_or(Code::REQUESTS_LIMITED)?;
    let waiter = cx.app.feed.register(key);
    let deadline = tokio::time::sleep(WAIT);
    tokio::pin!(deadline);
    loop {
        let changed = waiter.changed();
        tokio::pin!(changed);
        // Registered before the look: a decision between the look and the sleep wakes the sleep.
        changed.as_mut().enable();
        if cx
            .app
            .db
            .view(move |tx| tx.is_request_decided(&hash))
            .await?
        {
            let (app, now) = (app.clone(), cx.app.clock.now());
            let exchanged = cx
                .app
                .db
                .edit(move |tx| exchange(tx, &Shown::Request, &hash, &app, now))
                .await?;
            return Ok(exchanged.map_err(|_| Code::CODE_INVALID)?);
        }
        let _waiting = Gauge::enter(&cx.app.metrics.waiting);
        tokio::select! {
            () = &mut changed => {}
            () = &mut deadline => return Err(Code::CODE_INVALID.into()),
            () = cx.call.conn.interrupt.raised() => return Err(Code::CODE_INVALID.into()),
            () = cx.app.stopped() => return Err(Code::CODE_INVALID.into()),
        }
    }
}
