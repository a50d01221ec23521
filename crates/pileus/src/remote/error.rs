//! Failures, as a line for people.

use std::fmt;
use std::io;

/// Why something could not be done.
#[derive(Debug)]
pub enum Error {
    /// The server refused, or could not be talked to.
    Remote {
        /// What it was about: a path, an address.
        what: String,
        /// What went wrong.
        why: pileus_client::Error,
    },
    /// A local file or folder is in the way or cannot be used.
    Local {
        /// Its path.
        what: String,
        /// What went wrong.
        why: io::Error,
    },
    /// What was asked for makes no sense.
    Wish(String),
}

impl Error {
    /// For `map_err`: what the server said about `what`.
    pub fn remote(what: impl fmt::Display) -> impl FnOnce(pileus_client::Error) -> Error {
        let what = what.to_string();
        |why| Error::Remote { what, why }
    }

    /// For `map_err`: what the system said about `what`.
    pub fn local(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Error {
        let what = what.to_string();
        |why| Error::Local { what, why }
    }

    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Remote { why, .. } if why.is_transient())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Remote { what, why } => write!(f, "{what}: {why}"),
            Error::Local { what, why } => write!(f, "{what}: {why}"),
            Error::Wish(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Remote { why, .. } => Some(why),
            Error::Local { why, .. } => Some(why),
            Error::Wish(_) => None,
        }
    }
}
