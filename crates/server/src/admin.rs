//! What an operator's tools ask: whether the server lives, whether it is fit for work, and how much it does. On an address
//! of its own, because it is nobody else's business.

use crate::app::App;
use crate::http::{Answer, page, refusal};
use crate::listen::Listeners;
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pileus_store::StoreError;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at once; the next one waits.
const MAX_CONNECTIONS: usize = 64;
/// How long a head may take, which is also how long a connection may idle.
const HEAD: Duration = Duration::from_secs(30);
/// How long a part of the server may take to prove that it works.
const PROBE: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `/healthz`, `/readyz` and `/metrics` until the server is to stop.
pub async fn serve(listeners: Listeners, app: Arc<App>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut acceptors = JoinSet::new();
    for listener in listeners.sockets {
        let (app, places) = (app.clone(), places.clone());
        acceptors.spawn(async move {
            tokio::select! {
                () = accept(&app, &listener, &places) => {}
                () = app.stopped() => {}
            }
        });
    }
    while acceptors.join_next().await.is_some() {}
}

async fn accept(app: &Arc<App>, listener: &TcpListener, places: &Arc<Semaphore>) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((tcp, _)) => {
                let app = app.clone();
                tokio::spawn(async move {
                    connection(&app, tcp).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections of operators");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(app: &Arc<App>, tcp: TcpStream) {
    let service = service_fn(|request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(respond(&app, &request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(tcp), service);
    tokio::select! {
        // Whoever asks too slowly or not at all is no concern of the log.
        _ = connection => {}
        () = app.stopped() => {}
    }
}

async fn respond(app: &App, request: &Request<Incoming>) -> Response<Answer> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return refusal(StatusCode::METHOD_NOT_ALLOWED);
    }
    match request.uri().path() {
        "/healthz" => page(StatusCode::OK, "ok\n"),
        "/readyz" => readiness(app).await,
        "/metrics" => {
            let mut response = page(StatusCode::OK, app.metrics.render());
            let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, format);
            response
        }
        _ => refusal(StatusCode::NOT_FOUND),
    }
}

/// Whether calls can be answered: a balancer that asks this sends no clients to a server that is about to stop, or that
/// has lost its database or its blobs.
async fn readiness(app: &App) -> Response<Answer> {
    let database = app
        .db
        .view(|tx| tx.account(0).map(|_| ()).map_err(Trouble::from));
    let blobs = async {
        app.blobs
            .probe()
            .await
            .map_err(|error| Trouble(error.to_string()))
    };
    let checks = [
        ("stopping", stopping(app)),
        ("database", works(database).await),
        ("blobs", works(blobs).await),
    ];
    let failed: Vec<&str> = checks
        .iter()
        .filter(|(_, works)| !works)
        .map(|(name, _)| *name)
        .collect();
    if failed.is_empty() {
        return page(StatusCode::OK, "ready\n");
    }
    page(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {}\n", failed.join(", ")),
    )
}

fn stopping(app: &App) -> bool {
    !*app.stopping.borrow()
}

/// What a probe has met, for the log.
struct Trouble(String);

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

async fn works(probe: impl Future<Output = Result<(), Trouble>>) -> bool {
    match timeout(PROBE, probe).await {
        Ok(Ok(())) => true,
        Ok(Err(Trouble(cause))) => {
            tracing::error!(cause, "a readiness probe failed");
            false
        }
        Err(_) => {
            tracing::error!("a readiness probe took too long");
            false
        }
    }
}
