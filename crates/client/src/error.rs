//! What can go wrong with a call.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use pileus_api::Code;
use pileus_api::codes::Kind;

/// Why a call did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server refused the call.
    Api {
        /// The answer's `result`, never 0.
        code: u64,
        /// The answer's `error`, for people; empty if the server sent none.
        text: String,
    },
    /// The server answered below the API: an unknown method, an expired link, overload.
    Http {
        /// The status of the answer.
        status: u16,
    },
    /// The connection could not be made, broke, or moved nothing for too long.
    Transport(io::Error),
    /// The server sent what the protocol does not allow or what exceeds a limit, or the call cannot
    /// be expressed in the protocol.
    Protocol(String),
    /// The content to upload could not be read, or is not as long as announced.
    Source(io::Error),
    /// The client cannot work as it was set up: a malformed URL, an unreadable file of
    /// certificates.
    Setup(String),
}

impl Error {
    pub(crate) fn protocol(what: impl fmt::Display) -> Error {
        Error::Protocol(what.to_string())
    }

    /// The answer's `result`, if the server refused the call.
    pub fn code(&self) -> Option<u64> {
        match self {
            Error::Api { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the server refused the call with this code.
    pub fn is(&self, code: Code) -> bool {
        self.code() == Some(u64::from(code.number()))
    }

    /// Whether the same call may succeed a little later: the connection failed, or the server said
    /// that it is overloaded or in trouble.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Transport(_) => true,
            Error::Http { status } => matches!(status, 429 | 500 | 502 | 503 | 504),
            Error::Api { code, .. } => Code::from_number(*code).is_some_and(|code| {
                matches!(code.kind(), Kind::Internal | Kind::Unavailable)
                    || code == Code::REQUESTS_LIMITED
            }),
            Error::Protocol(_) | Error::Source(_) | Error::Setup(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Api { code, text } if text.is_empty() => write!(f, "refused with code {code}"),
            Error::Api { code, text } => write!(f, "{text} ({code})"),
            Error::Http { status } => write!(f, "the server answered with HTTP status {status}"),
            Error::Transport(error) => write!(f, "the connection failed: {error}"),
            Error::Protocol(what) => write!(f, "protocol error: {what}"),
            Error::Source(error) => write!(f, "the content could not be read: {error}"),
            Error::Setup(what) => f.write_str(what),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Transport(error) | Error::Source(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Transport(error)
    }
}
