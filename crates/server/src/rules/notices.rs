//! What accounts are told by notices.

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
}

#[derive(Serialize, Deserialize)]
struct NearlyFull {
    percent: i64,
}

/// `notification.kind` of [`Notice::NearlyFull`].
const NEARLY_FULL: i64 = 1;

impl Notice {
    /// Reads a notice from its row.
    ///
    /// # Errors
    /// If the row has no meaning.
    pub fn read(kind: i64, detail: &str) -> Result<Self, String> {
        match kind {
            NEARLY_FULL => {
                let NearlyFull { percent } =
                    serde_json::from_str(detail).map_err(|error| error.to_string())?;
                Ok(Self::NearlyFull { percent })
            }
            _ => Err(format!("{kind} is no kind of notice")),
        }
    }

    /// The text that people read.
    pub fn text(&self) -> String {
        match self {
            Self::NearlyFull { percent } => {
                format!("{percent} % of your space is used. Uploads will fail when it is full.")
            }
        }
    }

    /// The folder that it leads to.
    pub fn folder(&self) -> Option<i64> {
        match self {
            Self::NearlyFull { .. } => None,
        }
    }

    fn row(&self) -> Result<(i64, String), serde_json::Error> {
        match *self {
            Self::NearlyFull { percent } => {
                let detail = serde_json::to_string(&NearlyFull { percent })?;
                Ok((NEARLY_FULL, detail))
            }
        }
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
        let notice = Notice::NearlyFull { percent: 93 };
        let (kind, detail) = notice.row().unwrap();
        assert_eq!(Notice::read(kind, &detail), Ok(notice));
        assert!(Notice::read(kind, "{}").is_err());
        assert!(Notice::read(0, "{}").is_err());
    }
}
