//! The one place that looks at the wall clock. Everything else is handed the time.

use pileus_wire::UnixTime;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// A file that holds seconds to add to the time, so that tests can look at what happens in a month.
    offset_file: Option<PathBuf>,
}

impl Clock {
    /// A clock; with a file, one that runs ahead by the seconds written there.
    pub fn new(offset_file: Option<PathBuf>) -> Self {
        Self { offset_file }
    }

    /// The time now. A clock before 1970 reads as 1970.
    pub fn now(&self) -> UnixTime {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX / 2) + self.offset())
    }

    fn offset(&self) -> i64 {
        let Some(file) = &self.offset_file else {
            return 0;
        };
        std::fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }
}
