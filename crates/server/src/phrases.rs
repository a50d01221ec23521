//! What mails and pages say alike: dates, and rights in a shared folder.

use crate::language::Language;
use pileus_api::UnixTime;
use pileus_store::shares::{CREATE, DELETE, MODIFY};

/// Names of the months, in English as [`UnixTime::format_rfc2822`] shortens them.
const MONTHS: [(&str, &str); 12] = [
    ("January", "Januar"),
    ("February", "Februar"),
    ("March", "März"),
    ("April", "April"),
    ("May", "Mai"),
    ("June", "Juni"),
    ("July", "Juli"),
    ("August", "August"),
    ("September", "September"),
    ("October", "Oktober"),
    ("November", "November"),
    ("December", "Dezember"),
];

/// A date, taken apart.
struct Parts {
    day: String,
    month: (&'static str, &'static str),
    year: String,
    clock: String,
}

fn parts(time: UnixTime) -> Parts {
    // Sat, 19 Dec 2026 14:05:00 +0000
    let text = time.format_rfc2822();
    let mut words = text.as_str().split(' ').skip(1);
    let mut next = || words.next().unwrap_or_default();
    let (day, short, year, clock) = (next(), next(), next(), next());
    let month = MONTHS
        .iter()
        .find(|(english, _)| english.starts_with(short));
    Parts {
        day: day.trim_start_matches('0').to_owned(),
        month: month.copied().unwrap_or_default(),
        year: year.to_owned(),
        clock: clock.get(..5).unwrap_or_default().to_owned(),
    }
}

/// A day where there is little room: 9 Dec 2026, or 9. Dez 2026.
pub fn day(time: UnixTime, language: Language) -> String {
    let Parts {
        day, month, year, ..
    } = parts(time);
    let short = |name: &str| name.chars().take(3).collect::<String>();
    language.say(
        format!("{day} {} {year}", short(month.0)),
        format!("{day}. {} {year}", short(month.1)),
    )
}

/// A moment in a sentence: 9 December 2026, 14:05 (UTC), or 9. Dezember 2026, 14:05 Uhr (UTC).
pub fn moment(time: UnixTime, language: Language) -> String {
    let Parts {
        day,
        month,
        year,
        clock,
    } = parts(time);
    language.say(
        format!("{day} {} {year}, {clock} (UTC)", month.0),
        format!("{day}. {} {year}, {clock} Uhr (UTC)", month.1),
    )
}

/// What the recipient of a shared folder may do there.
pub fn share_rights(permissions: i64, language: Language) -> String {
    let given = [
        (CREATE, "add to them", "ergänzen"),
        (MODIFY, "change them", "ändern"),
        (DELETE, "delete them", "löschen"),
    ];
    let mut rights = vec![language.say("see its contents", "sehen")];
    rights.extend(
        given
            .iter()
            .filter(|(right, ..)| permissions & right != 0)
            .map(|(_, english, german)| language.say(*english, *german)),
    );
    let last = rights.pop().unwrap_or_default();
    let and = language.say(" and ", " und ");
    let before = if rights.is_empty() {
        String::new()
    } else {
        rights.join(", ") + and
    };
    language.say(
        format!("You may {before}{last}."),
        format!("Du darfst den Inhalt {before}{last}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_in_the_language_of_the_reader() {
        for (time, english, german, short) in [
            (
                1_796_000_000,
                "30 November 2026, 00:53 (UTC)",
                "30. November 2026, 00:53 Uhr (UTC)",
                ["30 Nov 2026", "30. Nov 2026"],
            ),
            (
                1_804_500_000,
                "8 March 2027, 10:00 (UTC)",
                "8. März 2027, 10:00 Uhr (UTC)",
                ["8 Mar 2027", "8. Mär 2027"],
            ),
            (
                1_798_000_000,
                "23 December 2026, 04:26 (UTC)",
                "23. Dezember 2026, 04:26 Uhr (UTC)",
                ["23 Dec 2026", "23. Dez 2026"],
            ),
        ] {
            let time = UnixTime(time);
            assert_eq!(moment(time, Language::En), english);
            assert_eq!(moment(time, Language::De), german);
            assert_eq!(day(time, Language::En), short[0]);
            assert_eq!(day(time, Language::De), short[1]);
        }
    }

    #[test]
    fn rights_read_well() {
        let all = CREATE | MODIFY | DELETE;
        for (permissions, english, german) in [
            (
                0,
                "You may see its contents.",
                "Du darfst den Inhalt sehen.",
            ),
            (
                DELETE,
                "You may see its contents and delete them.",
                "Du darfst den Inhalt sehen und löschen.",
            ),
            (
                all,
                "You may see its contents, add to them, change them and delete them.",
                "Du darfst den Inhalt sehen, ergänzen, ändern und löschen.",
            ),
        ] {
            assert_eq!(share_rights(permissions, Language::En), english);
            assert_eq!(share_rights(permissions, Language::De), german);
        }
    }
}
