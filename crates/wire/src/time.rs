//! The API's datetime and its textual form in answers.

use std::fmt;

/// Seconds of a day; the API has no leap seconds.
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

pub(crate) const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

pub(crate) const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The first second of the year 0.
const FIRST_SHOWN: i64 = days_from_civil(0, 1, 1) * SECONDS_PER_DAY;

/// The last second of the year 9999.
const LAST_SHOWN: i64 = days_from_civil(10_000, 1, 1) * SECONDS_PER_DAY - 1;

/// A point in time: whole seconds since 1970 began in UTC, negative before that.
///
/// [`UnixTime::parse`] reads the forms in which clients send a datetime;
/// [`UnixTime::format_rfc2822`] writes the one in which they get it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// The form of answers, such as `Thu, 21 Mar 2013 18:31:45 +0000`: always UTC, always 31
    /// characters, since rclone and others parse it strictly.
    ///
    /// A time outside the years 0 to 9999 does not fit and shows as the nearest one that does.
    pub fn format_rfc2822(self) -> Rfc2822 {
        // From here on everything is small and not negative, and 32 bits are twice as fast.
        let seconds = (self.0.clamp(FIRST_SHOWN, LAST_SHOWN) - FIRST_SHOWN) as u64;
        let days = (seconds / SECONDS_PER_DAY as u64) as u32;
        let second_of_day = (seconds % SECONDS_PER_DAY as u64) as u32;
        let (year, month, day) = civil_from_days(days);
        // The year 0 began on a Saturday.
        let weekday = (days + 6) % 7;

        let mut text = *b"Thu, 01 Jan 1970 00:00:00 +0000";
        text[0..3].copy_from_slice(WEEKDAYS[weekday as usize]);
        put_two_digits(&mut text, 5, day);
        text[8..11].copy_from_slice(MONTHS[month as usize - 1]);
        put_two_digits(&mut text, 12, year / 100);
        put_two_digits(&mut text, 14, year % 100);
        put_two_digits(&mut text, 17, second_of_day / 3600);
        put_two_digits(&mut text, 20, second_of_day / 60 % 60);
        put_two_digits(&mut text, 23, second_of_day % 60);
        Rfc2822(text)
    }
}

/// Shows the form of [`UnixTime::format_rfc2822`].
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.format_rfc2822().as_str())
    }
}

/// The 31 characters of [`UnixTime::format_rfc2822`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc2822([u8; 31]);

impl Rfc2822 {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever put in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Puts the decimal digits of a number below 100 at a place.
fn put_two_digits(text: &mut [u8; 31], at: usize, number: u32) {
    text[at] = b'0' + (number / 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

/// The Gregorian calendar repeats after 400 years, which have this many days.
const DAYS_PER_ERA: i64 = 146_097;

/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_FROM_MARCH_0: i64 = 719_468;

/// Days from 1 March of the year -400 to 1 January of the year 0.
const YEAR_0_FROM_MARCH: u32 = DAYS_PER_ERA as u32 - 60;

/// The day number, counted from 1 January 1970, of a date in the proleptic Gregorian calendar.
///
/// This and its inverse are Howard Hinnant's algorithms ("chrono-Compatible Low-Level Date
/// Algorithms"): years are counted from March, so that the leap day is a year's last day.
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_MARCH_0
}

/// The year, month (from 1) and day (from 1) of a day counted from 1 January of the year 0.
fn civil_from_days(days: u32) -> (u32, u32, u32) {
    let days = days + YEAR_0_FROM_MARCH;
    let era = days / DAYS_PER_ERA as u32;
    let day_of_era = days % DAYS_PER_ERA as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    // The eras were counted from the year -400, and a year from March ends in the next one.
    let year = era * 400 + year_of_era + u32::from(month <= 2) - 400;
    (year, month, day)
}
