//! Blobs as objects of an S3 bucket.
//!
//! Keys are unique, so nothing here needs conditional requests, which not every service
//! offers. Each request is bounded in time: a service that is away is an error within ten
//! seconds, not a caller that hangs.

mod config;
mod read;
mod upload;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, StreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::{Path, PathPart};
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::{BlobKey, Error, Listed, Result};

pub use config::S3Config;
pub(crate) use upload::Upload;

/// How long a request may take beside the time its payload needs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The slowest payload that is waited for, in bytes per second: two parts at a time over a
/// home's uplink to a service on the internet.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 * 1024;

/// Putting the parts of a large object together takes some services a while.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(120);

/// A bucket, or the part of one below a prefix.
pub(crate) struct S3 {
    bucket: AmazonS3,
    prefix: Path,
}

impl S3 {
    pub(crate) fn new(config: &S3Config) -> Result<Self> {
        config.check().map_err(config::invalid)?;
        let prefix = Path::parse(&config.prefix).map_err(config::invalid)?;
        let options = ClientOptions::new()
            .with_allow_http(config.allow_http)
            .with_connect_timeout(Duration::from_secs(3))
            // A time-out for the whole request would also end downloads of slow readers.
            .with_timeout_disabled();
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
            },
            max_retries: 3,
            retry_timeout: Duration::from_secs(5),
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(&config.secret_key)
            .with_client_options(options)
            .with_retry(retry)
            // Single deletes are what every service has.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        Ok(Self {
            bucket: builder.build().map_err(config::invalid)?,
            prefix,
        })
    }

    /// An object below the prefix.
    fn object<const N: usize>(&self, name: [&str; N]) -> Path {
        self.prefix
            .parts()
            .chain(name.map(PathPart::from))
            .collect()
    }

    fn blob(&self, key: &BlobKey) -> Path {
        self.object(["blobs", &key.branch(), &key.leaf(), &key.to_string()])
    }

    async fn put(self: &Arc<Self>, object: Path, payload: PutPayload) -> Result<()> {
        let this = Arc::clone(self);
        let limit = payload_timeout(payload.content_length());
        let request = async move { this.bucket.put(&object, payload).await.map(drop) }.boxed();
        sign_and_send("writing a blob", limit, request).await
    }

    pub(crate) async fn delete(&self, key: &BlobKey) -> Result<()> {
        let object = self.blob(key);
        let request = self.bucket.delete(&object).map(|deleted| match deleted {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        });
        within("deleting a blob", REQUEST_TIMEOUT, request).await
    }

    pub(crate) async fn size(&self, key: &BlobKey) -> Result<Option<u64>> {
        let object = self.blob(key);
        let request = self.bucket.head(&object).map(|head| match head {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            other => other.map(|meta| Some(meta.size)),
        });
        within("looking up a blob", REQUEST_TIMEOUT, request).await
    }

    pub(crate) fn list(&self) -> BoxStream<'static, Result<Listed>> {
        let doing = "listing blobs";
        let objects = self.bucket.list(Some(&self.object(["blobs"])));
        let listed = futures_util::stream::try_unfold(objects, move |mut objects| async move {
            loop {
                let next = objects.next().map(Option::transpose);
                let Some(meta) = within(doing, REQUEST_TIMEOUT, next).await? else {
                    return Ok(None);
                };
                // What is not named like a blob is not ours.
                if let Some(Ok(key)) = meta.location.filename().map(str::parse) {
                    let modified = meta.last_modified.timestamp().try_into().unwrap_or(0);
                    return Ok(Some((
                        Listed {
                            key,
                            size: meta.size,
                            modified,
                        },
                        objects,
                    )));
                }
            }
        });
        listed.boxed()
    }

    pub(crate) async fn probe(self: &Arc<Self>) -> Result<()> {
        let object = self.object(["probe"]);
        self.put(object.clone(), PutPayload::from_static(b"probe"))
            .await?;
        within(
            "probing the bucket",
            REQUEST_TIMEOUT,
            self.bucket.delete(&object),
        )
        .await
    }
}

/// How long a request with so many bytes may take.
fn payload_timeout(bytes: usize) -> Duration {
    REQUEST_TIMEOUT + Duration::from_secs(bytes as u64 / SLOWEST_BYTES_PER_SECOND)
}

/// Waits for a request, but not longer than `limit`.
async fn within<T>(
    doing: &'static str,
    limit: Duration,
    request: impl Future<Output = object_store::Result<T>>,
) -> Result<T> {
    match timeout(limit, request).await {
        Ok(answer) => answer.map_err(|e| error(doing, e)),
        Err(elapsed) => Err(Error::Unavailable {
            doing,
            source: elapsed.into(),
        }),
    }
}

/// As [`within`], for requests with a large payload: the client library hashes it, for the
/// signature, when the request is polled for the first time, so that is done on a thread that
/// may block.
async fn sign_and_send<T: Send + 'static>(
    doing: &'static str,
    limit: Duration,
    mut request: BoxFuture<'static, object_store::Result<T>>,
) -> Result<T> {
    let signed = spawn_blocking(move || {
        let answer = (&mut request).now_or_never();
        (request, answer)
    });
    let request = async {
        match signed.await? {
            (_, Some(answer)) => answer,
            (request, None) => request.await,
        }
    };
    within(doing, limit, request).await
}

/// Sorts what the client library reports. "Not found" is treated before where it can mean an
/// object; elsewhere it means the bucket.
fn error(doing: &'static str, error: object_store::Error) -> Error {
    use object_store::Error as E;
    match error {
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => Error::io(
            doing,
            io::Error::new(io::ErrorKind::PermissionDenied, error),
        ),
        E::JoinError { .. } => Error::io(doing, io::Error::other(error)),
        _ => Error::Unavailable {
            doing,
            source: error.into(),
        },
    }
}
