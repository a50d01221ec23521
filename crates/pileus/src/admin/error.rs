//! What a command tells when it cannot do its work.

use pileus_server::call::Fail;
use pileus_server::start::CannotOpen;
use pileus_store::StoreError;
use std::fmt;
use std::io;

/// Why a command cannot do its work: one line for people.
#[derive(Debug)]
pub struct Error(String);

/// The outcome of a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For `map_err`: what went wrong with `what`, a path for example.
    pub fn about<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |why| Self(format!("{what}: {why}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<Fail> for Error {
    fn from(fail: Fail) -> Self {
        // For trouble in the server the text for clients says nothing; the cause does.
        Self(fail.cause.unwrap_or_else(|| fail.code.text().to_owned()))
    }
}

macro_rules! from_display {
    ($($type:ty),+ $(,)?) => {
        $(impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Self(error.to_string())
            }
        })+
    };
}

from_display!(
    StoreError,
    CannotOpen,
    io::Error,
    pileus_blobs::Error,
    serde_json::Error,
    tokio::task::JoinError,
    Box<dyn std::error::Error>,
);
