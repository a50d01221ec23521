//! What can go wrong between a content and its storage.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::BlobKey;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a blob could not be written, read or removed.
///
/// The texts are for logs. They may name paths and hosts of the installation, so they are not
/// shown to clients.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No blob has this key.
    NotFound(BlobKey),
    /// The file system is full or the quota of the server's user is used up.
    Full {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The storage does not let us in: missing rights, a read-only file system, refused S3
    /// credentials.
    Denied {
        /// What was being done.
        doing: &'static str,
        /// What the operating system or the service said.
        source: io::Error,
    },
    /// The S3 service cannot be reached or does not answer as one.
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the client library reported.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stored bytes are not those that were written: the blob is shorter than it was.
    Corrupt {
        /// The damaged blob.
        key: BlobKey,
        /// What was asked for and what is there.
        detail: String,
    },
    /// Any other failure of the operating system.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Sorts an error of the operating system into the variants that callers tell apart.
    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { doing, source },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { doing, source }
            }
            _ => Self::Io { doing, source },
        }
    }

    /// Whether the same call may succeed in a moment without anybody repairing anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                ErrorKind::Interrupted
                    | ErrorKind::TimedOut
                    | ErrorKind::WouldBlock
                    | ErrorKind::OutOfMemory
                    | ErrorKind::ResourceBusy
            ),
            Self::NotFound(_) | Self::Full { .. } | Self::Denied { .. } | Self::Corrupt { .. } => {
                false
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(key) => write!(f, "no blob {key}"),
            Self::Full { doing, source } => write!(f, "storage full while {doing}: {source}"),
            Self::Denied { doing, source } => write!(f, "access denied while {doing}: {source}"),
            Self::Unavailable { doing, source } => {
                write!(f, "object storage unavailable while {doing}: {source}")
            }
            Self::Corrupt { key, detail } => write!(f, "blob {key} is damaged: {detail}"),
            Self::Io { doing, source } => write!(f, "input/output error while {doing}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotFound(_) | Self::Corrupt { .. } => None,
            Self::Full { source, .. } | Self::Denied { source, .. } | Self::Io { source, .. } => {
                Some(source)
            }
            Self::Unavailable { source, .. } => Some(source.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_the_operating_system_are_sorted() {
        let of = |kind: ErrorKind| Error::io("testing", kind.into());
        assert!(matches!(of(ErrorKind::StorageFull), Error::Full { .. }));
        assert!(matches!(of(ErrorKind::QuotaExceeded), Error::Full { .. }));
        assert!(matches!(
            of(ErrorKind::ReadOnlyFilesystem),
            Error::Denied { .. }
        ));
        assert!(matches!(
            of(ErrorKind::PermissionDenied),
            Error::Denied { .. }
        ));
        assert!(matches!(of(ErrorKind::UnexpectedEof), Error::Io { .. }));
        assert!(of(ErrorKind::TimedOut).is_temporary());
        assert!(!of(ErrorKind::StorageFull).is_temporary());
        assert!(!of(ErrorKind::UnexpectedEof).is_temporary());
    }
}
