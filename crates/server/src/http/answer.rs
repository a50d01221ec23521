//! What goes back: the body of a response, and the headers that every response has.

use super::line::Line;
use crate::app::App;
use crate::call::{Answering, Behind, Content, Outcome};
use crate::content::safety;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONNECTION,
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER, VARY,
};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use pileus_api::reply::Written;
use pileus_wire::JsonSink;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

const X_ERROR: HeaderName = HeaderName::from_static("x-error");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, HEAD, OPTIONS");

/// The body of a response.
pub struct Answer {
    body: AnswerBody,
    /// Tells the connection when hyper has taken the whole body.
    line: Option<Arc<Line>>,
}

enum AnswerBody {
    /// All of it; empty once it is taken.
    Whole(Bytes),
    /// JSON that writes itself piece by piece.
    Pieces(Box<Pieces>),
    /// Bytes of known length from somewhere.
    Stream(Box<Streamed>),
}

struct Pieces {
    answering: Answering,
    sink: JsonSink,
    is_written: bool,
}

struct Streamed {
    app: Arc<App>,
    bytes: BoxStream<'static, pileus_blobs::Result<Bytes>>,
    left: u64,
}

impl From<AnswerBody> for Answer {
    fn from(body: AnswerBody) -> Self {
        Self { body, line: None }
    }
}

impl Answer {
    /// A body that is there already.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        AnswerBody::Whole(bytes.into()).into()
    }

    /// A body of `length` bytes that come from `bytes`. If they end early, or with an error, the connection breaks off:
    /// the length has been promised.
    pub fn stream(
        app: Arc<App>,
        length: u64,
        bytes: BoxStream<'static, pileus_blobs::Result<Bytes>>,
    ) -> Self {
        AnswerBody::Stream(Box::new(Streamed {
            app,
            bytes,
            left: length,
        }))
        .into()
    }

    /// Ties the body to its connection.
    pub(super) fn on(mut self, line: Arc<Line>) -> Self {
        self.line = Some(line);
        self
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.answered();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = pileus_blobs::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, pileus_blobs::Error>>> {
        let bytes = match &mut self.body {
            AnswerBody::Whole(bytes) => Some(std::mem::take(bytes))
                .filter(|bytes| !bytes.is_empty())
                .map(Ok),
            AnswerBody::Pieces(pieces) => pieces.next().map(Ok),
            AnswerBody::Stream(stream) => ready!(stream.poll_next(cx)),
        };
        Poll::Ready(bytes.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            AnswerBody::Whole(bytes) => bytes.is_empty(),
            AnswerBody::Pieces(pieces) => pieces.is_written,
            AnswerBody::Stream(stream) => stream.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            AnswerBody::Pieces(_) => SizeHint::default(),
            AnswerBody::Stream(stream) => SizeHint::with_exact(stream.left),
        }
    }
}

impl Pieces {
    fn next(&mut self) -> Option<Bytes> {
        while !self.is_written && self.sink.is_empty() {
            self.is_written = self.answering.write(&mut self.sink) == Written::All;
        }
        Some(Bytes::from(self.sink.take())).filter(|piece| !piece.is_empty())
    }
}

impl Streamed {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<pileus_blobs::Result<Bytes>>> {
        let next = ready!(self.bytes.poll_next_unpin(cx));
        match &next {
            Some(Ok(bytes)) => {
                let count = bytes.len() as u64;
                self.left = self.left.saturating_sub(count);
                self.app
                    .metrics
                    .bytes_sent
                    .fetch_add(count, Ordering::Relaxed);
            }
            Some(Err(error)) => tracing::error!(%error, "an answer was cut short"),
            None => {}
        }
        Poll::Ready(next)
    }
}

/// A response with the headers that all have. Web pages of any origin may read it: they cannot use the caller's cookies
/// for it, see [`super::client::may_use_cookies`].
pub(crate) fn response(status: StatusCode, answer: Answer) -> Response<Answer> {
    let mut response = Response::new(answer);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert(SERVER, HeaderValue::from_static("Pileus"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("X-Error, Content-Length"),
    );
    response
}

/// Ends the connection after this response.
pub(super) fn closing(mut response: Response<Answer>) -> Response<Answer> {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A short text for what does not reach a method. It never repeats what was asked: addresses hold passwords and tokens.
pub(crate) fn refusal(status: StatusCode) -> Response<Answer> {
    let mut response = closing(page(status, status.canonical_reason().unwrap_or_default()));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    response
}

/// A short text.
pub(crate) fn page(status: StatusCode, text: impl Into<Bytes>) -> Response<Answer> {
    let text = text.into();
    let length = text.len() as u64;
    let mut response = response(status, Answer::whole(text));
    set_length(response.headers_mut(), length);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// Lets a web page of another origin ask anything.
pub(super) fn preflight() -> Response<Answer> {
    let mut response = response(StatusCode::NO_CONTENT, Answer::whole(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, Range"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The answer to a call. The status is 200 whatever the result: most clients throw other answers away unread.
pub(super) fn outcome(app: &Arc<App>, outcome: Outcome) -> Response<Answer> {
    let number = outcome.number();
    let options = outcome.options.clone();
    let (mut answering, behind) = outcome.into_answering();
    let mut response = match behind {
        Behind::Content(content) => data(app, content),
        Behind::Takeover(_) => {
            tracing::error!("a method wants to take a connection of HTTP over");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Behind::Nothing => json(&mut answering, JsonSink::new(options)).unwrap_or_else(|sink| {
            let pieces = Pieces {
                answering,
                sink,
                is_written: false,
            };
            json_response(AnswerBody::Pieces(Box::new(pieces)).into())
        }),
    };
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=0"),
    );
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if number != 0 {
        headers.insert(X_ERROR, HeaderValue::from(number));
    }
    response
}

/// The answer, if it is short; else its first piece.
fn json(answering: &mut Answering, mut sink: JsonSink) -> Result<Response<Answer>, JsonSink> {
    if answering.write(&mut sink) != Written::All {
        return Err(sink);
    }
    let text = sink.take();
    let length = text.len() as u64;
    let mut response = json_response(Answer::whole(text));
    set_length(response.headers_mut(), length);
    Ok(response)
}

fn json_response(answer: Answer) -> Response<Answer> {
    let mut response = response(StatusCode::OK, answer);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

fn data(app: &Arc<App>, content: Content) -> Response<Answer> {
    let answer = Answer::stream(app.clone(), content.length, content.bytes.into_stream());
    let mut response = response(StatusCode::OK, answer);
    set_length(response.headers_mut(), content.length);
    // What users store may be a page with scripts, and must not become one of this origin.
    safety::set_type(response.headers_mut(), &content.content_type);
    if let Some(name) = &content.file_name {
        safety::set_disposition(response.headers_mut(), false, name);
    }
    response
}

/// Sets the length, which hyper would not do for `HEAD`.
fn set_length(headers: &mut HeaderMap, length: u64) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
}
