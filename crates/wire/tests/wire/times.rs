//! Every form of a datetime.

use jiff::tz::TimeZone;
use pileus_wire::UnixTime;
use proptest::prelude::*;

/// 12 February 2004, 15:19:21 UTC.
const FEBRUARY: i64 = 1_076_599_161;

#[track_caller]
fn check(text: &str, seconds: i64) {
    assert_eq!(UnixTime::parse(text), Some(UnixTime(seconds)), "{text:?}");
}

#[track_caller]
fn check_all_bad(texts: &[&str]) {
    for text in texts {
        assert_eq!(UnixTime::parse(text), None, "{text:?}");
    }
}

#[test]
fn answers_show_rfc_2822() {
    for (seconds, text) in [
        (1_363_890_705, "Thu, 21 Mar 2013 18:31:45 +0000"),
        (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
        (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 +0000"),
        (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 +0000"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 +0000"),
    ] {
        let shown = UnixTime(seconds).format_rfc2822();
        assert_eq!(shown.as_str(), text);
        assert_eq!(shown.as_bytes(), text.as_bytes());
        assert_eq!(UnixTime(seconds).to_string(), text);
        check(text, seconds);
    }
}

#[test]
fn times_beyond_four_digits_show_as_the_nearest() {
    for (seconds, text) in [
        (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 +0000"),
        (i64::MAX, "Fri, 31 Dec 9999 23:59:59 +0000"),
        (-62_167_219_201, "Sat, 01 Jan 0000 00:00:00 +0000"),
        (i64::MIN, "Sat, 01 Jan 0000 00:00:00 +0000"),
    ] {
        assert_eq!(UnixTime(seconds).format_rfc2822().as_str(), text);
    }
}

#[test]
fn rfc_2822() {
    let december = 977_407_267;
    check("21 Dec 2000 16:01:07 +0200", december);
    check("Thu, 21 Dec 2000 16:01:07 +0200", december);
    check("thu,21 dec 2000 16:01:07 +0200", december);
    check("  21  Dec  2000  16:01:07  +02:00 ", december);
    check("Mon, 21 Dec 2000 16:01:07 +0200", december);
    check("21 Dec 2000 14:01:07", december);
    check("21 Dec 2000 14:01:07 GMT", december);
    check("21 Dec 2000 14:01:07Z", december);
    check("21 Dec 2000 16:01:07 EET", december);
    check("21 Dec 2000 14:01 +0000", december - 7);
    check("1 Dec 2000 14:01:07 -0000", december - 20 * 86_400);
    check("01 Dec 2000 14:01:07", december - 20 * 86_400);
    check("31 Dec 2000 23:59:60 +0000", 978_307_200);
    check_all_bad(&[
        "Thu 21 Dec 2000 16:01:07 +0200",
        "Xyz, 21 Dec 2000 16:01:07 +0200",
        "Thu, Dec 21 2000 16:01:07 +0200",
        "Thu,",
        "21 Dec 2000",
        "21 Dec 00 16:01:07 +0200",
        "21 December 2000 16:01:07 +0200",
        "32 Dec 2000 16:01:07 +0200",
        "0 Dec 2000 16:01:07 +0200",
        "021 Dec 2000 16:01:07 +0200",
        "29 Feb 2001 00:00:00 +0000",
        "29 Feb 1900 00:00:00 +0000",
        "21 Dec 2000 24:00:00 +0000",
        "21 Dec 2000 16:60:07 +0000",
        "21 Dec 2000 16:01:61 +0000",
        "21 Dec 2000 16-01-07 +0000",
        "21 Dec 2000 6:01:07 +0000",
        "21 Dec 2000 16:01: +0000",
        "21 Dec 2000 16:01:07 +0200 EET",
    ]);
}

#[test]
fn iso_8601() {
    check("2004-02-12T15:19:21+00:00", FEBRUARY);
    check("2004-02-12T15:19:21Z", FEBRUARY);
    check("2004-02-12t15:19:21z", FEBRUARY);
    check("2004-02-12T15:19:21", FEBRUARY);
    check("2004-02-12 15:19:21", FEBRUARY);
    check("2004-02-12 17:19:21 EET", FEBRUARY);
    check("2004-02-12T17:19:21+0200", FEBRUARY);
    check("2004-02-12T17:19:21+02", FEBRUARY);
    check("2004-02-12T09:49:21 -05:30", FEBRUARY);
    check("2004-02-12T15:19:21.987Z", FEBRUARY);
    check("2004-02-12T15:19:21,5", FEBRUARY);
    check("2004-02-12T15:19", FEBRUARY - 21);
    check("2004-02-12T15:19Z", FEBRUARY - 21);
    check("2004-02-12T15", FEBRUARY - 19 * 60 - 21);
    check("2004-02-12", 1_076_544_000);
    check("2004-02-12 +02:00", 1_076_544_000 - 7200);
    check("2004-02-12 EET", 1_076_544_000 - 7200);
    check("2004-02-12Z", 1_076_544_000);
    check("2004-02", 1_075_593_600);
    check("2004", 1_072_915_200);
    check("2004 EET", 1_072_915_200 - 7200);
    check("2004Z", 1_072_915_200);
    check("2004+02:00", 1_072_915_200 - 7200);
    check("0000", -62_167_219_200);
    check("2004-02-29", 1_078_012_800);
    check_all_bad(&[
        "2004-",
        "2004-0",
        "2004-00",
        "2004-13",
        "2004-1-1",
        "2004-02-",
        "2004-02-00",
        "2004-02-30",
        "2003-02-29",
        "2004-0200",
        "2004-02-12T",
        "2004-02-12T1",
        "2004-02-12T24:00:00",
        "2004-02-12T15:",
        "2004-02-12T15:60",
        "2004-02-12T15:19:",
        "2004-02-12T15:19:61",
        "2004-02-12T15:19:21.",
        "2004-02-12T15:19:21+",
        "2004-02-12T15:19:21+2",
        "2004-02-12T15:19:21+02:",
        "2004-02-12T15:19:21+02:0",
        "2004-02-12T15:19:21+24:00",
        "2004-02-12T15:19:21+00:60",
        "2004-02-12T15:19:21+00:00:00",
        "2004-02-12T15:19:21 Mars/Base",
        "2004-02-12_15:19:21",
        "-2004-02-12",
        "04-02-12",
    ]);
}

#[test]
fn digits() {
    check("1380276946", 1_380_276_946);
    check("1380276946 +0300", 1_380_276_946);
    check("1380276946 EEST", 1_380_276_946);
    check(" 1380276946 ", 1_380_276_946);
    check("0", 0);
    check("7", 7);
    check("21 EET", 21);
    check("999", 999);
    check("12345", 12_345);
    check("9223372036854775807", i64::MAX);
    check("20040212151921", FEBRUARY);
    check("20040212151921 +0000", FEBRUARY);
    check("20040212171921 +02:00", FEBRUARY);
    check("20040212171921 EET", FEBRUARY);
    check_all_bad(&[
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "9223372036854775808",
        "99999999999999999999",
        "1380276946 when",
        "1380276946 +0300 x",
        "20041312151921",
        "20040230151921",
        "20040212241921",
        "20040212156021",
        "soon",
        "Dec",
        "٣",
        "2004-02-12T15:19:21\u{a0}Z",
    ]);
}

#[test]
fn abbreviated_zones() {
    for (zone, hours) in [
        ("Z", 0),
        ("UTC", 0),
        ("gmt", 0),
        ("CET", 1),
        ("CEST", 2),
        ("EET", 2),
        ("EEST", 3),
        ("MSK", 3),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("MST", -7),
        ("PST", -8),
        ("PDT", -7),
        ("JST", 9),
        ("NZDT", 13),
    ] {
        check(
            &format!("2004-02-12T15:19:21 {zone}"),
            FEBRUARY - hours * 3600,
        );
    }
}

proptest! {
    #[test]
    fn any_shown_time_is_read_again(seconds in -62_167_219_200i64..=253_402_300_799) {
        let time = UnixTime(seconds);
        prop_assert_eq!(UnixTime::parse(time.format_rfc2822().as_str()), Some(time));
    }

    /// Another library agrees on the calendar, in every form.
    #[test]
    fn the_calendar_is_right(
        seconds in -62_167_219_200i64 + 86_400..=253_402_300_799 - 86_400,
        offset_minutes in -23 * 60..=23 * 60i32,
    ) {
        let instant = jiff::Timestamp::from_second(seconds).unwrap();
        let utc = instant.to_zoned(TimeZone::UTC);
        prop_assert_eq!(
            UnixTime(seconds).to_string(),
            utc.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
        );
        let offset = jiff::tz::Offset::from_seconds(offset_minutes * 60).unwrap();
        let local = instant.to_zoned(offset.to_time_zone());
        for form in [
            "%d %b %Y %H:%M:%S %z",
            "%a, %d %b %Y %H:%M:%S %:z",
            "%Y-%m-%dT%H:%M:%S%:z",
            "%Y-%m-%d %H:%M:%S %z",
            "%Y%m%d%H%M%S %z",
        ] {
            let text = local.strftime(form).to_string();
            prop_assert_eq!(UnixTime::parse(&text), Some(UnixTime(seconds)), "{}", text);
        }
    }

    /// Cutting a datetime short gives the smallest time that begins so.
    #[test]
    fn a_shortened_datetime_is_the_smallest(seconds in 0i64..=253_402_300_799) {
        let utc = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC);
        let full = utc.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        for (length, rest) in [(16, ":00"), (13, ":00:00"), (10, "T00:00:00"), (7, "-01T00:00:00"),
                               (4, "-01-01T00:00:00")] {
            let short = &full[..length];
            prop_assert_eq!(UnixTime::parse(short), UnixTime::parse(&format!("{short}{rest}")));
            prop_assert!(UnixTime::parse(short).unwrap() <= UnixTime(seconds));
        }
    }
}
