//! Times in archives.

use jiff::Timestamp;
use jiff::tz::Offset;

/// A time as zip has it (4.4.6): full pairs of seconds in the years 1980 to 2107. Times out of that range become its
/// first or last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DosTime {
    pub(super) date: u16,
    pub(super) time: u16,
}

impl DosTime {
    /// 1980-01-01 00:00:00.
    const FIRST: i64 = 315_532_800;
    /// 2107-12-31 23:59:58.
    const LAST: i64 = 4_354_819_198;

    /// The time so many seconds after the beginning of 1970.
    pub(super) fn at(seconds: i64) -> Self {
        let seconds = seconds.clamp(Self::FIRST, Self::LAST);
        // The range above is within what there are timestamps for.
        let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let at = Offset::UTC.to_datetime(timestamp);
        let part = |number: i8| u16::from(number.unsigned_abs());
        let years = u16::try_from(at.year() - 1980).unwrap_or(0);
        Self {
            date: years << 9 | part(at.month()) << 5 | part(at.day()),
            time: part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2),
        }
    }
}
