//! Which bucket, and who we are there.

use std::{fmt, io};

use crate::Error;

/// How to reach a bucket of an S3 service.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// The URL of the service, for example `https://s3.example.com`. `None` is Amazon's own,
    /// in the region.
    pub endpoint: Option<String>,
    /// The bucket. It has to exist.
    pub bucket: String,
    /// The region, part of every signature; services that have none expect a fixed word here.
    pub region: String,
    /// The access key id.
    pub access_key: String,
    /// The secret access key. Not shown by `Debug`.
    pub secret_key: String,
    /// Put in front of every object name, so that a bucket can be shared. May be empty.
    pub prefix: String,
    /// Allows an endpoint without TLS. Contents then travel in clear.
    pub allow_http: bool,
}

impl S3Config {
    /// Finds mistakes that the client library would report with the first request, or never.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let required = [
            &self.bucket,
            &self.region,
            &self.access_key,
            &self.secret_key,
        ];
        if required.iter().any(|value| value.is_empty()) {
            return Err("bucket, region, access key and secret key must not be empty");
        }
        match &self.endpoint {
            Some(url) if url.starts_with("http://") && !self.allow_http => {
                Err("the endpoint has no TLS, and that is not allowed by the configuration")
            }
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err("the endpoint must begin with https:// or http://")
            }
            _ => Ok(()),
        }
    }
}

/// The error for a configuration that cannot work.
pub(super) fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidInput, cause);
    Error::io("reading the S3 configuration", source)
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &format_args!("***"))
            .field("prefix", &self.prefix)
            .field("allow_http", &self.allow_http)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let config = S3Config {
            endpoint: None,
            bucket: "bucket".to_owned(),
            region: "region".to_owned(),
            access_key: "access".to_owned(),
            secret_key: "confidential".to_owned(),
            prefix: String::new(),
            allow_http: false,
        };
        let shown = format!("{config:?}");
        assert!(
            shown.contains("access") && !shown.contains("confidential"),
            "{shown}"
        );
    }
}
