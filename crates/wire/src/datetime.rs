//! Reading the forms in which clients send a datetime.

use crate::digits::parse_digits;
use crate::time::{MONTHS, SECONDS_PER_DAY, UnixTime, WEEKDAYS, days_from_civil};

/// Zone abbreviations with their distance from UTC in hours.
///
/// The API discourages them, as several have two meanings. Of those the one is taken that its
/// clients are likeliest to mean: the American one, and for `BST` the British one.
const ZONES: [(&str, i64); 30] = [
    ("Z", 0),
    ("UTC", 0),
    ("UT", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 1),
    ("BST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MET", 1),
    ("MEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("AKST", -9),
    ("AKDT", -8),
    ("HST", -10),
    ("JST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
    ("NZDT", 13),
];

impl UnixTime {
    /// Reads a datetime as pCloud's documentation of that type lists it:
    ///
    /// - RFC 2822, the weekday being optional: `21 Dec 2000 16:01:07 +0200`. A weekday that does
    ///   not fit the date is ignored.
    /// - ISO 8601: `2004-02-12T15:19:21+00:00`. Everything after the year may be left off and
    ///   counts as the smallest value then; a blank may stand for the `T`; a fraction of a second
    ///   is dropped.
    /// - Digits: 14 are `YYYYMMDDhhmmss`, 4 are a year, any other number are unix seconds.
    ///
    /// Each may end with a zone, which is `+hhmm`, `+hh:mm`, `+hh`, `Z` or a common abbreviation;
    /// without one it is UTC. Unix seconds are the same instant everywhere, so a zone behind them
    /// changes nothing.
    ///
    /// `None` if the text has none of these forms or names a date that does not exist.
    pub fn parse(text: &str) -> Option<UnixTime> {
        let mut scanner = Scanner {
            rest: text.as_bytes().trim_ascii(),
        };
        if scanner.rest.first()?.is_ascii_alphabetic() {
            let weekday = scanner.letters();
            if !WEEKDAYS.iter().any(|name| is_word(weekday, *name)) || !scanner.eat(b',') {
                return None;
            }
            scanner.skip_blanks();
            let day = scanner.digits();
            return scanner.rfc2822_after_day(day);
        }
        let digits = scanner.digits();
        match digits.len() {
            14 => scanner.calendar_digits(digits),
            4 => scanner.iso8601_after_year(digits),
            1 | 2 if scanner.is_before_month() => scanner.rfc2822_after_day(digits),
            _ => {
                let seconds = number(digits)?;
                scanner.zone_and_end()?;
                Some(UnixTime(seconds))
            }
        }
    }
}

/// A date and a time of day, before its zone is known.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// The start of a year, which is what the parts that are left off default to.
    fn year(year: i64) -> Civil {
        Civil {
            year,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
        }
    }

    /// The instant, if the parts are in range. A leap second is taken for the second after it.
    fn at_offset(&self, offset_seconds: i64) -> Option<UnixTime> {
        if !(1..=12).contains(&self.month) || self.hour > 23 || self.minute > 59 || self.second > 60
        {
            return None;
        }
        let first = days_from_civil(self.year, self.month, 1);
        let next = match self.month {
            12 => days_from_civil(self.year + 1, 1, 1),
            month => days_from_civil(self.year, month + 1, 1),
        };
        if !(1..=next - first).contains(&self.day) {
            return None;
        }
        let days = first + self.day - 1;
        let second_of_day = self.hour * 3600 + self.minute * 60 + self.second;
        Some(UnixTime(
            days * SECONDS_PER_DAY + second_of_day - offset_seconds,
        ))
    }
}

/// What is left of the text.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    /// Skips a byte if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&next, after)) if next == byte => {
                self.rest = after;
                true
            }
            _ => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Takes the longest run of bytes of a kind.
    fn run(&mut self, belongs: impl Fn(&u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|byte| !belongs(byte))
            .unwrap_or(self.rest.len());
        let (run, after) = self.rest.split_at(end);
        self.rest = after;
        run
    }

    fn digits(&mut self) -> &'a [u8] {
        self.run(u8::is_ascii_digit)
    }

    fn letters(&mut self) -> &'a [u8] {
        self.run(u8::is_ascii_alphabetic)
    }

    /// Takes a number of exactly two digits.
    fn two_digits(&mut self) -> Option<i64> {
        let (digits, after) = self.rest.split_at_checked(2)?;
        self.rest = after;
        number(digits)
    }

    /// Whether a month's name follows, which tells `21 Dec 2000` from seconds with a zone.
    fn is_before_month(&self) -> bool {
        let mut ahead = Scanner {
            rest: self.rest.trim_ascii_start(),
        };
        month(ahead.letters()).is_some()
    }

    fn rfc2822_after_day(mut self, day: &[u8]) -> Option<UnixTime> {
        if day.len() > 2 {
            return None;
        }
        let day = number(day)?;
        self.skip_blanks();
        let month = month(self.letters())?;
        self.skip_blanks();
        let year = self.digits();
        if year.len() != 4 {
            return None;
        }
        let mut civil = Civil {
            month,
            day,
            ..Civil::year(number(year)?)
        };
        self.skip_blanks();
        civil.hour = self.two_digits()?;
        if !self.eat(b':') {
            return None;
        }
        civil.minute = self.two_digits()?;
        if self.eat(b':') {
            civil.second = self.two_digits()?;
        }
        civil.at_offset(self.zone_and_end()?)
    }

    fn iso8601_after_year(mut self, year: &[u8]) -> Option<UnixTime> {
        let mut civil = Civil::year(number(year)?);
        self.iso8601_parts(&mut civil)?;
        civil.at_offset(self.zone_and_end()?)
    }

    /// Reads the parts after the year as far as they go.
    fn iso8601_parts(&mut self, civil: &mut Civil) -> Option<()> {
        // Behind a year or a month a `-` begins the next part of the date. A zone west of
        // Greenwich can follow there only after a blank.
        if !self.eat(b'-') {
            return Some(());
        }
        civil.month = self.two_digits()?;
        if !self.eat(b'-') {
            return Some(());
        }
        civil.day = self.two_digits()?;
        let before_time = self.rest;
        if !self.eat(b'T') && !self.eat(b't') {
            self.skip_blanks();
            if before_time.len() == self.rest.len()
                || !self.rest.first().is_some_and(u8::is_ascii_digit)
            {
                self.rest = before_time;
                return Some(());
            }
        }
        civil.hour = self.two_digits()?;
        if !self.eat(b':') {
            return Some(());
        }
        civil.minute = self.two_digits()?;
        if !self.eat(b':') {
            return Some(());
        }
        civil.second = self.two_digits()?;
        if (self.eat(b'.') || self.eat(b',')) && self.digits().is_empty() {
            return None;
        }
        Some(())
    }

    fn calendar_digits(mut self, digits: &[u8]) -> Option<UnixTime> {
        let civil = Civil {
            year: number(&digits[0..4])?,
            month: number(&digits[4..6])?,
            day: number(&digits[6..8])?,
            hour: number(&digits[8..10])?,
            minute: number(&digits[10..12])?,
            second: number(&digits[12..14])?,
        };
        civil.at_offset(self.zone_and_end()?)
    }

    /// Reads an optional zone, behind which nothing may follow, into seconds east of UTC.
    fn zone_and_end(&mut self) -> Option<i64> {
        self.skip_blanks();
        let offset = match self.rest.first() {
            None => 0,
            Some(b'+') => self.numeric_zone()?,
            Some(b'-') => -self.numeric_zone()?,
            Some(_) => {
                let word = self.letters();
                let (_, hours) = ZONES
                    .iter()
                    .find(|(name, _)| is_word(word, name.as_bytes()))?;
                hours * 3600
            }
        };
        self.rest.is_empty().then_some(offset)
    }

    /// Reads `hh`, `hhmm` or `hh:mm` behind a sign.
    fn numeric_zone(&mut self) -> Option<i64> {
        self.rest = &self.rest[1..];
        let hours = self.two_digits()?;
        let has_minutes = self.eat(b':') || !self.rest.is_empty();
        let minutes = if has_minutes { self.two_digits()? } else { 0 };
        (hours <= 23 && minutes <= 59).then_some(hours * 3600 + minutes * 60)
    }
}

/// The number of a month, from 1, by its English abbreviation.
fn month(word: &[u8]) -> Option<i64> {
    let index = MONTHS.iter().position(|name| is_word(word, *name))?;
    i64::try_from(index + 1).ok()
}

fn is_word(word: &[u8], name: &[u8]) -> bool {
    word.eq_ignore_ascii_case(name)
}

/// Reads one decimal digit or more, and nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    i64::try_from(parse_digits(digits, 10)?).ok()
}
