//! What accounts are told by notices.

mod arrival;

pub use arrival::Arrival;

use crate::call::{Answer, Fail};
use crate::cx::Edit;
use serde::{Deserialize, Serialize};

/// Share of its space at which an account is told that it is nearly full.
const NEARLY_FULL_PERCENT: i64 = 90;

/// A notice. The numbers and fields are those of the database and stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The space is nearly used up.
    NearlyFull {
        /// How much of it is used.
        percent: i64,
    },
    /// Somebody offers a folder.
    Offered {
        /// Mail address of its owner.
        from: String,
        /// Name it is offered under.
        name: String,
        /// The offer.
        request: i64,
    },
    /// Somebody has accepted an offer.
    Accepted {
        /// Mail address of the recipient.
        by: String,
        /// Name it was offered under.
        name: String,
        /// The folder.
        folder: i64,
    },
    /// Files have come through an upload link.
    Arrived(Arrival),
}

#[derive(Serialize, Deserialize)]
struct NearlyFull {
    percent: i64,
}

#[derive(Serialize, Deserialize)]
struct Offered {
    from: String,
    name: String,
    request: i64,
}

#[derive(Serialize, Deserialize)]
struct Accepted {
    by: String,
    name: String,
    folder: i64,
}

/// `notification.kind` of [`Notice::NearlyFull`].
const NEARLY_FULL: i64 = 1;
/// `notification.kind` of [`Notice::Offered`].
const OFFERED: i64 = 2;
/// `notification.kind` of [`Notice::Accepted`].
const ACCEPTED: i64 = 3;
/// `notification.kind` of [`Notice::Arrived`].
const ARRIVED: i64 = 4;

fn parsed<T: serde::de::DeserializeOwned>(detail: &str) -> Result<T, String> {
    serde_json::from_str(detail).map_err(|error| error.to_string())
}

impl Notice {
    /// Reads a notice from its row.
    ///
    /// # Errors
    /// If the row has no meaning.
    pub fn read(kind: i64, detail: &str) -> Result<Self, String> {
        match kind {
            NEARLY_FULL => {
                let NearlyFull { percent } = parsed(detail)?;
                Ok(Self::NearlyFull { percent })
            }
            OFFERED => {
                let Offered {
                    from,
                    name,
                    request,
                } = parsed(detail)?;
                Ok(Self::Offered {
                    from,
                    name,
                    request,
                })
            }
            ACCEPTED => {
                let Accepted { by, name, folder } = parsed(detail)?;
                Ok(Self::Accepted { by, name, folder })
            }
            ARRIVED => parsed(detail).map(Self::Arrived),
            _ => Err(format!("{kind} is no kind of notice")),
        }
    }

    /// The text that people read.
    pub fn text(&self) -> String {
        match self {
            Self::NearlyFull { percent } => {
                format!("{percent} % of your space is used. Uploads will fail when it is full.")
            }
            Self::Offered { from, name, .. } => {
                format!("{from} wants to share the folder \"{name}\" with you.")
            }
            Self::Accepted { by, name, .. } => {
                format!("{by} has accepted your folder \"{name}\".")
            }
            Self::Arrived(arrival) => arrival.text(),
        }
    }

    /// The folder that it leads to.
    pub fn folder(&self) -> Option<i64> {
        match self {
            Self::NearlyFull { .. } | Self::Offered { .. } => None,
            Self::Accepted { folder, .. } => Some(*folder),
            Self::Arrived(arrival) => Some(arrival.folder()),
        }
    }

    /// The offer that it leads to.
    pub fn request(&self) -> Option<i64> {
        match self {
            Self::Offered { request, .. } => Some(*request),
            Self::NearlyFull { .. } | Self::Accepted { .. } | Self::Arrived(_) => None,
        }
    }

    fn row(&self) -> Result<(i64, String), serde_json::Error> {
        Ok(match self.clone() {
            Self::NearlyFull { percent } => {
                let detail = serde_json::to_string(&NearlyFull { percent })?;
                (NEARLY_FULL, detail)
            }
            Self::Offered {
                from,
                name,
                request,
            } => {
                let detail = serde_json::to_string(&Offered {
                    from,
                    name,
                    request,
                })?;
                (OFFERED, detail)
            }
            Self::Accepted { by, name, folder } => {
                let detail = serde_json::to_string(&Accepted { by, name, folder })?;
                (ACCEPTED, detail)
            }
            Self::Arrived(arrival) => (ARRIVED, serde_json::to_string(&arrival)?),
        })
    }
}

impl Edit<'_, '_> {
    /// Tells an account something, and has its waiters woken.
    pub fn tell(&mut self, account: i64, notice: &Notice) -> Answer<()> {
        let (kind, detail) = notice.row().map_err(Fail::internal)?;
        let now = self.now.0;
        self.tx.add_notification(account, kind, &detail, now)?;
        self.wake(account)
    }
}

/// The notice that is due when an account's use of its space changes: only when it passes the line upwards.
pub fn about_space(quota: i64, before: i64, after: i64) -> Option<Notice> {
    let percent = |used: i64| i128::from(used) * 100 / i128::from(quota.max(1));
    let line = i128::from(NEARLY_FULL_PERCENT);
    (percent(before) < line && percent(after) >= line).then(|| Notice::NearlyFull {
        percent: i64::try_from(percent(after)).unwrap_or(100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nearly_full_account_is_told_once() {
        let full = |percent| Some(Notice::NearlyFull { percent });
        assert_eq!(about_space(1000, 0, 899), None);
        assert_eq!(about_space(1000, 899, 900), full(90));
        assert_eq!(about_space(1000, 0, 1000), full(100));
        assert_eq!(about_space(1000, 900, 1000), None);
        assert_eq!(about_space(1000, 1000, 0), None);
        assert_eq!(about_space(i64::MAX, 0, i64::MAX), full(100));
        assert_eq!(about_space(0, 0, 0), None);
    }

    #[test]
    fn notices_come_back_from_their_rows() {
        let (from, by, name) = (
            "a@b.example".to_owned(),
            "c@d.example".to_owned(),
            "x".to_owned(),
        );
        for notice in [
            Notice::NearlyFull { percent: 93 },
            Notice::Offered {
                from,
                name: name.clone(),
                request: 5,
            },
            Notice::Accepted {
                by,
                name,
                folder: 7,
            },
            Notice::Arrived(Arrival::default()),
        ] {
            let (kind, detail) = notice.row().unwrap();
            assert_eq!(Notice::read(kind, &detail), Ok(notice));
            assert!(Notice::read(kind, "{}").is_err());
        }
        assert!(Notice::read(0, "{}").is_err());
    }
}
