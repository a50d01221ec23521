//! The endpoint that redeems links.

use super::blocks;
use super::condition::Validators;
use super::link::{self, Link};
use super::meter::Meter;
use super::public::{self, Toll};
use super::range::{self, Wanted};
use super::{safety, speed};
use crate::app::App;
use crate::http::{Answer, refusal, response};
use crate::rules::access::shared_by;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH,
    CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, RANGE,
};
use http::request::Parts as Head;
use http::{Method, Response, StatusCode};
use pileus_api::filetype;
use pileus_blobs::{BlobKey, BlockLayout};
use pileus_store::content::{self, Opened};
use pileus_store::contents::Place;
use pileus_store::{StoreError, Tx};
use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Why a content that is there cannot be read, for the log.
type Unreadable = Box<dyn Error + Send + Sync>;

/// Redeems a link. `path` is what follows [`PREFIX`](super::PREFIX).
pub(crate) async fn serve(app: &Arc<App>, head: &Head, path: &str) -> Response<Answer> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return refusal(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Some(link) = link::parse(app, path) else {
        return refusal(StatusCode::NOT_FOUND);
    };
    match open(app, &link).await {
        Ok(Some((opened, toll))) => {
            let sent = send(app, head, &link, opened, toll).await;
            sent.unwrap_or_else(|error| {
                tracing::error!(%error, "a content cannot be read");
                refusal(StatusCode::INTERNAL_SERVER_ERROR)
            })
        }
        Ok(None) => refusal(StatusCode::GONE),
        Err(error) => {
            tracing::error!(%error, "a link cannot be looked up");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A content, and what is to be counted for it if a public link leads there.
type Found = (Opened, Option<Toll>);

/// Looks up what a link leads to. A link that has expired, or whose file is gone, leads nowhere.
async fn open(app: &App, link: &Link) -> Result<Option<Found>, StoreError> {
    let now = app.clock.now();
    if link.expires <= now.0 {
        return Ok(None);
    }
    let (account, file, blob, expires) = (link.account, link.file, link.blob, link.expires);
    let Some(pass) = link.public else {
        let opened = app.db.view(move |tx| open_content(tx, account, file, blob));
        return Ok(opened.await?.map(|opened| (opened, None)));
    };
    app.db
        .view(move |tx| {
            let found = public::open(tx, pass, file, blob, expires, now)?;
            Ok(found.map(|(opened, toll)| (opened, Some(toll))))
        })
        .await
}

/// Opens a content of a file that is the account's own, or that somebody shares with it.
fn open_content(
    tx: &mut Tx<'_>,
    account: i64,
    file: i64,
    blob: i64,
) -> Result<Option<Opened>, StoreError> {
    if let Some(own) = content::open(tx, account, file, blob)? {
        return Ok(Some(own));
    }
    match shared_by(tx, account, file)? {
        Some(owner) => content::open(tx, owner, file, blob),
        None => Ok(None),
    }
}

async fn send(
    app: &Arc<App>,
    head: &Head,
    link: &Link,
    opened: Opened,
    toll: Option<Toll>,
) -> Result<Response<Answer>, Unreadable> {
    let layout = BlockLayout::of(u64::try_from(opened.size).unwrap_or(0));
    let size = if link.checksums {
        layout.table_bytes()
    } else {
        layout.size()
    };
    let validators = Validators::new(opened.hash, opened.modified);
    let mut response = response(StatusCode::OK, Answer::whole(""));
    describe(app, response.headers_mut(), link, &opened.name, &validators);

    if validators.is_known(&head.headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let wanted = match head
        .headers
        .get(RANGE)
        .and_then(|value| value.to_str().ok())
    {
        Some(value) if validators.allow_part(&head.headers) => range::parse(value, size),
        _ => Wanted::All,
    };
    let range = match wanted {
        Wanted::All => 0..size,
        Wanted::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            set(response.headers_mut(), CONTENT_RANGE, part);
            range
        }
        Wanted::Nothing => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(
                response.headers_mut(),
                CONTENT_RANGE,
                format!("bytes */{size}"),
            );
            0..0
        }
    };
    let length = range.end - range.start;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    let is_served = head.method == Method::GET && response.status().is_success();
    let meter = match toll.filter(|_| is_served) {
        None => None,
        Some(toll) => match toll.pay(app, length).await? {
            Some(meter) => Some(meter),
            // Other downloads have used up what the link allows.
            None => return Ok(refusal(StatusCode::GONE)),
        },
    };
    if is_served && length > 0 {
        *response.body_mut() = if link.checksums {
            let table = blocks::stream(app.clone(), link.blob, opened.place, layout, range);
            Answer::stream(app.clone(), length, table)
        } else {
            body(app, link, opened.place, range, meter).await?
        };
    }
    Ok(response)
}

/// Sets what is the same whichever part is sent. All headers together have to stay below 4000 bytes.
fn describe(app: &App, headers: &mut HeaderMap, link: &Link, name: &str, validators: &Validators) {
    let content_type = match &link.contenttype {
        _ if link.forcedownload => "application/octet-stream",
        Some(given) => given,
        None => filetype::of(name).content_type,
    };
    let is_shown = safety::set_type(headers, content_type) && !link.forcedownload;
    safety::set_disposition(headers, is_shown, name);
    set(headers, ETAG, validators.etag.clone());
    set(
        headers,
        LAST_MODIFIED,
        httpdate::fmt_http_date(validators.modified),
    );
    let seconds = link.expires.saturating_sub(app.clock.now().0).max(0);
    set(
        headers,
        CACHE_CONTROL,
        format!("private, max-age={seconds}"),
    );
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let exposed = "Content-Length, Content-Range, Accept-Ranges, ETag";
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(exposed),
    );
    // The sync client closes the connection unless it is told how long it may keep it.
    headers.insert(CONNECTION, HeaderValue::from_static("Keep-Alive"));
    headers.insert(KEEP_ALIVE, HeaderValue::from_static("timeout=60"));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

async fn body(
    app: &Arc<App>,
    link: &Link,
    place: Place,
    range: Range<u64>,
    meter: Option<Meter>,
) -> Result<Answer, Unreadable> {
    let length = range.end - range.start;
    let bytes = match place {
        Place::Inline(bytes) => {
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let (start, end) = (index(range.start), index(range.end));
            let bytes = Bytes::from(bytes).slice(start..end);
            if link.maxspeed == 0 {
                app.metrics.bytes_sent.fetch_add(length, Ordering::Relaxed);
                if let Some(mut meter) = meter {
                    meter.sent(length);
                }
                return Ok(Answer::whole(bytes));
            }
            stream::iter([Ok(bytes)]).boxed()
        }
        Place::Key(key) => {
            let key = key
                .try_into()
                .map_err(|_| "a storage key has the wrong length")?;
            app.blobs
                .read(&BlobKey::from_bytes(key), range)
                .await?
                .boxed()
        }
    };
    let bytes = if link.maxspeed > 0 {
        speed::limit(bytes, link.maxspeed)
    } else {
        bytes
    };
    let bytes = match meter {
        Some(meter) => meter.watch(bytes),
        None => bytes,
    };
    Ok(Answer::stream(app.clone(), length, bytes))
}
