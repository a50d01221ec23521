//! Fetching what a URL of a user leads to.
//!
//! Such a URL may lead anywhere, also to machines that only the server can reach. So a name is resolved once, every
//! address it has is checked, the connection goes to exactly the address that was checked, and each redirect starts
//! all over. Nothing of the server travels along: no cookie, no credential, no referrer.

mod address;
mod connect;
mod name;

pub use address::{Network, Rules};
pub use connect::Resolver;
pub use name::file_name;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, HOST,
    HeaderMap, LOCATION, USER_AGENT,
};
use hyper::{Request, Response};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;

/// Longest time until a connection stands, for each address that is tried.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Longest time until the head of an answer is there, and until the next bytes of its body are.
const SILENCE: Duration = Duration::from_secs(30);

/// Why nothing came of a URL, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl<T: Into<String>> From<T> for Refused {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Fetches under the rules of this server.
pub struct Fetcher {
    rules: Rules,
    resolver: Resolver,
    tls: connect::Tls,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Fetched {
    /// Bytes of the body, if the other side tells.
    pub length: Option<u64>,
    /// `Content-Disposition`, as far as it is text.
    pub disposition: Option<String>,
    body: Incoming,
    /// The task that drives the connection; it ends with the answer.
    _connection: tokio::task::JoinSet<()>,
}

impl Fetcher {
    /// A fetcher that asks the system for addresses.
    pub fn new(rules: Rules) -> Self {
        Self::with_resolver(rules, connect::system())
    }

    /// A fetcher that asks somebody else for addresses.
    pub fn with_resolver(rules: Rules, resolver: Resolver) -> Self {
        Self {
            rules,
            resolver,
            tls: connect::Tls::default(),
        }
    }

    /// Asks for what a URL leads to, following redirects.
    ///
    /// # Errors
    /// If the URL may not be fetched, nobody answers in time, or the answer is anything but success.
    pub async fn get(&self, url: &str) -> Result<Fetched, Refused> {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        for _ in 0..=REDIRECTS_MAX {
            let (answer, connection) = self.ask(&url).await?;
            let status = answer.status();
            if status.is_redirection() {
                let to = answer
                    .headers()
                    .get(LOCATION)
                    .and_then(|to| to.to_str().ok());
                let to = to.ok_or_else(|| format!("status {status} without a place to go"))?;
                url = url.join(to).map_err(|error| error.to_string())?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("status {status}").into());
            }
            return fetched(answer, connection);
        }
        Err("too many redirects".into())
    }

    /// One request, on a connection of its own.
    async fn ask(
        &self,
        url: &Url,
    ) -> Result<(Response<Incoming>, tokio::task::JoinSet<()>), Refused> {
        let stream = self.connect(url).await?;
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(hyper_util::rt::TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let mut driver = tokio::task::JoinSet::new();
        driver.spawn(async move {
            // An error shows in the answer as well.
            let _ = connection.await;
        });
        let answer = timeout(SILENCE, sender.send_request(request(url)?)).await;
        let answer = answer.map_err(|_| "no answer in time")?;
        Ok((answer.map_err(|error| error.to_string())?, driver))
    }
}

fn request(url: &Url) -> Result<Request<String>, Refused> {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    Request::get(target)
        .header(HOST, host)
        .header(USER_AGENT, concat!("Pileus/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(ACCEPT_ENCODING, "identity")
        .body(String::new())
        .map_err(|error| error.to_string().into())
}

fn fetched(
    answer: Response<Incoming>,
    connection: tokio::task::JoinSet<()>,
) -> Result<Fetched, Refused> {
    let headers = answer.headers();
    // What is encoded although nobody asked for it is not what the URL stands for.
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return Err("the content is encoded".into());
    }
    Ok(Fetched {
        length: text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        disposition: text(headers, &CONTENT_DISPOSITION),
        body: answer.into_body(),
        _connection: connection,
    })
}

fn text(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    std::str::from_utf8(value.as_bytes())
        .ok()
        .map(str::to_owned)
}

impl Fetched {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// If the connection breaks before the end, or nothing comes for half a minute.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Refused> {
        loop {
            let frame =
                std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let frame = timeout(SILENCE, frame)
                .await
                .map_err(|_| "the body stopped coming")?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(error.to_string().into()),
                // Trailers say nothing about the content.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
