//! The HTTP front end: requests become calls, outcomes become JSON or raw data.
//!
//! hyper speaks HTTP/1.1; this module feeds it. Each connection runs in one task, with one [`Conn`], over a byte stream
//! that knows what follows the present request (`watch`). HTTP/2 is not offered: what the API keeps per connection would have no
//! place to live.

mod answer;
mod client;
mod disposition;
mod feed;
mod line;
mod multipart;
mod request;
mod route;
mod watch;

pub use answer::Answer;
pub(crate) use answer::{page, refusal, response};

use crate::app::App;
use crate::conn::Conn;
use crate::listen::patience;
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use line::{Length, Line};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use watch::Watch;

/// The most bytes of a request's head; above it hyper answers 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most bytes hyper buffers in either direction. Reads of large bodies grow to this; idle connections hold little.
const BUFFER_BYTES: usize = 512 * 1024;

type Responding = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

/// Serves a connection of which `first` has been read already, until it ends.
pub async fn serve(
    app: &Arc<App>,
    io: impl AsyncRead + AsyncWrite + Send + Unpin,
    first: &[u8],
    conn: Conn,
) {
    let line = Arc::new(Line::new(Arc::new(conn)));
    let mut watch = Watch::new(io, first, line.clone(), &patience::HTTP);
    // hyper holds some twenty kilobytes, which thousands of idle connections would have for nothing. So it goes when a
    // client pauses, and comes back with the next request.
    while let Some(mut dormant) = Box::pin(awake(app, &line, watch)).await {
        let is_woken = tokio::select! {
            is_woken = dormant.wakes() => is_woken,
            () = app.stopped() => false,
        };
        if !is_woken {
            return dormant.close().await;
        }
        watch = dormant;
    }
}

/// Serves requests until the connection ends, or has nothing to do for a moment: then it comes back.
async fn awake<S: AsyncRead + AsyncWrite + Send + Unpin>(
    app: &Arc<App>,
    line: &Arc<Line>,
    watch: Watch<S>,
) -> Option<Watch<S>> {
    let service = service_fn(|request| respond(app.clone(), line.clone(), request));
    let mut connection = http1::Builder::new()
        .half_close(false)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(watch), service);

    let mut stopped = pin!(app.stopped());
    let mut is_stopping = false;
    let ended = poll_fn(|cx| {
        let mut ended = connection.poll_without_shutdown(cx);
        if ended.is_pending() && !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
            ended = connection.poll_without_shutdown(cx);
        }
        match ended {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if line.is_paused() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    let watch = connection.into_parts().io.into_inner();
    let Some(ended) = ended else {
        return Some(watch);
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %line.conn.peer, %error, "connection ended");
    }
    watch.close().await;
    None
}

/// What hyper calls once per request.
fn respond(app: Arc<App>, line: Arc<Line>, request: Request<Incoming>) -> Responding {
    // Now, and not when the future is first polled: before that hyper reads on.
    line.begin(
        request
            .body()
            .size_hint()
            .exact()
            .map_or(Length::Chunked, Length::Known),
    );
    Box::pin(async move {
        let response = route::route(&app, &line, request).await;
        line.answer();
        Ok(response.map(|answer| answer.on(line)))
    })
}
