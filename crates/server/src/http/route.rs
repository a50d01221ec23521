//! From a request to a response.

use super::answer::{self, Answer};
use super::client;
use super::feed::Feed;
use super::line::Line;
use super::request::{self, Refusal};
use crate::app::App;
use crate::body::Body;
use crate::call::Call;
use crate::content;
use crate::dispatch::{self, Entry};
use crate::web::{self, PageRequest};
use http::header::{EXPECT, ORIGIN, USER_AGENT};
use http::request::Parts as Head;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use pileus_api::method::Access;
use pileus_wire::Params;
use std::sync::Arc;

/// How much of a body that nobody wanted is read, so that the connection can go on.
const DRAIN_BYTES: u64 = 64 << 20;

/// Answers a request.
pub(super) async fn route(
    app: &Arc<App>,
    line: &Arc<Line>,
    request: Request<Incoming>,
) -> Response<Answer> {
    let (head, incoming) = request.into_parts();
    match head.method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT => {}
        Method::OPTIONS => return answer::preflight(),
        _ => return answer::refusal(StatusCode::METHOD_NOT_ALLOWED),
    }
    let path = head.uri.path();
    if let Some(link) = path.strip_prefix(content::PREFIX) {
        return content::serve(app, &head, link).await;
    }
    if web::has(path) {
        // Boxed: every request would take the room that these few need.
        return Box::pin(page(app, line, head, incoming))
            .await
            .unwrap_or_else(|Refusal(status)| answer::refusal(status));
    }
    let name = path
        .strip_prefix('/')
        .map(|name| name.strip_suffix('/').unwrap_or(name));
    match name.and_then(dispatch::find) {
        Some(entry) => call(app, line, entry, head, incoming)
            .await
            .unwrap_or_else(|Refusal(status)| answer::refusal(status)),
        None => answer::refusal(StatusCode::NOT_FOUND),
    }
}

async fn call(
    app: &Arc<App>,
    line: &Arc<Line>,
    entry: &'static Entry,
    head: Head,
    incoming: Incoming,
) -> Result<Response<Answer>, Refusal> {
    let feed = Feed::new(incoming, line.clone());
    let takes_data = entry.spec.access == Access::Streams;
    let (params, mut body) = request::read(&app.config, takes_data, &head, feed).await?;
    let mut is_reusable = true;
    if !takes_data && !body.is_none() {
        // Before the call, because the call may wait for what follows the body.
        is_reusable = drain(&mut body).await;
        if body.is_broken() {
            return Err(Refusal(StatusCode::BAD_REQUEST));
        }
        body = Body::none();
    }
    let call = new_call(app, line, entry, &head, params);
    let is_expecting = head.headers.contains_key(EXPECT);
    let is_head = head.method == Method::HEAD;
    // The call may wait for long, and the head holds on to hyper's buffer.
    drop(head);
    let outcome = dispatch::dispatch(app, call, &mut body).await;
    if !body.is_none() {
        // A client that still waits for `100 Continue` gets this answer instead, and keeps its data.
        let is_held_back = is_expecting && !line.is_body_wanted();
        is_reusable = !is_held_back && drain(&mut body).await;
    }
    let mut response = answer::outcome(app, outcome);
    if is_head {
        *response.body_mut() = Answer::whole("");
    }
    if !is_reusable {
        response = answer::closing(response);
    }
    Ok(response)
}

/// Answers a request for a page. What comes with it are parameters, and data only where a page takes files; a cookie is
/// no parameter here, since other sites of the same domain may set it.
async fn page(
    app: &Arc<App>,
    line: &Arc<Line>,
    head: Head,
    incoming: Incoming,
) -> Result<Response<Answer>, Refusal> {
    let feed = Feed::new(incoming, line.clone());
    let receiver = web::receiver(app, &head, line.conn.secure);
    let takes_data = receiver.is_some_and(|entry| entry.spec.access == Access::Streams);
    let (params, mut body) = request::read_sent(takes_data, &head, feed).await?;
    let mut code = None;
    if let Some(entry) = receiver {
        let call = new_call(app, line, entry, &head, params.clone());
        code = Some(dispatch::dispatch(app, call, &mut body).await.number());
    }
    let is_reusable = body.is_none() || drain(&mut body).await;
    if body.is_broken() {
        return Err(Refusal(StatusCode::BAD_REQUEST));
    }
    let (client, _) = client::address(&app.config, line.conn.peer.ip(), &head.headers);
    let request = PageRequest {
        app,
        head: &head,
        params: &params,
        client,
        secure: line.conn.secure,
    };
    let mut response = match code {
        Some(code) => web::sent(&request, code).await,
        None => web::serve(&request).await,
    };
    if head.method == Method::HEAD {
        *response.body_mut() = Answer::whole("");
    }
    Ok(if is_reusable {
        response
    } else {
        answer::closing(response)
    })
}

fn new_call(app: &App, line: &Line, entry: &'static Entry, head: &Head, params: Params) -> Call {
    let conn = line.conn.clone();
    let headers = &head.headers;
    if headers.contains_key(ORIGIN) {
        conn.mark_browser();
    }
    let (client, via_proxy) = client::address(&app.config, conn.peer.ip(), headers);
    let user_agent = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    Call {
        entry,
        params,
        bearer: client::bearer(headers),
        basic: client::basic(headers),
        user_agent: user_agent.map(str::to_owned),
        client,
        via_proxy,
        conn,
    }
}

/// Reads what is left of a body, unless that is too much. Answers whether the next request can be read.
async fn drain(body: &mut Body<'_>) -> bool {
    let left = body
        .total
        .map_or(0, |total| total.saturating_sub(body.received()));
    !body.is_broken() && left <= DRAIN_BYTES && body.drain(DRAIN_BYTES).await
}
