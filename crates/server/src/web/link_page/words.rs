//! What is said about links that cannot be opened.

use crate::language::Language;
use pileus_api::Code;

/// What is said about a code: a heading and a sentence, in English and in German.
type Said = (Code, [&'static str; 2], [&'static str; 2]);

const SAID: [Said; 10] = [
    (
        Code::LINK_UNKNOWN,
        ["There is no such link", "Diesen Link gibt es nicht"],
        [
            "Perhaps the address was not copied as a whole. Please open the link again from where you got it.",
            "Vielleicht ist die Adresse nicht vollständig. Bitte den Link noch einmal dort öffnen, wo er herkommt.",
        ],
    ),
    (
        Code::LINK_DELETED,
        ["This link has ended", "Diesen Link gibt es nicht mehr"],
        [
            "Its owner has deleted the link, or what it led to.",
            "Der Link wurde gelöscht oder das, wohin er führte.",
        ],
    ),
    (
        Code::LINK_CLOSED,
        ["This link was closed", "Dieser Link wurde gesperrt"],
        [
            "Somebody has complained about what it led to, and whoever runs this server has closed it.",
            "Über das, wohin er führte, gab es eine Beschwerde, und wer diesen Server betreibt, hat ihn gesperrt.",
        ],
    ),
    (
        Code::LINK_EXPIRED,
        ["This link has expired", "Dieser Link ist abgelaufen"],
        [
            "It was meant to work for a limited time, which is over. Who sent it can make a new one.",
            "Er galt nur bis zu einem Zeitpunkt, der vorbei ist. Wer ihn verschickt hat, kann einen neuen machen.",
        ],
    ),
    (
        Code::LINK_TRAFFIC_USED,
        LIMIT_REACHED,
        [
            "So much has been downloaded by this link that it is closed now. Who sent it can open it again.",
            "Über diesen Link wurde so viel heruntergeladen, dass er jetzt geschlossen ist. Wer ihn verschickt hat, kann \
             ihn wieder öffnen.",
        ],
    ),
    (
        Code::LINK_DOWNLOADS_USED,
        LIMIT_REACHED,
        [
            "It was meant for a limited number of downloads, and all have been made. Who sent it can open it again.",
            "Er war für eine begrenzte Zahl von Downloads gedacht, und die sind verbraucht. Wer ihn verschickt hat, kann \
             ihn wieder öffnen.",
        ],
    ),
    (
        Code::LOGINS_LIMITED,
        ["Please wait a little", "Bitte etwas warten"],
        [
            "There were too many wrong links or passwords from your network. Try again in five minutes.",
            "Aus deinem Netz kamen zu viele falsche Links oder Passwörter. In fünf Minuten geht es wieder.",
        ],
    ),
    (Code::NO_PARENT, GONE, GONE_TEXT),
    (Code::BAD_PATH, GONE, GONE_TEXT),
    (Code::FILE_MISSING, GONE, GONE_TEXT),
];

const LIMIT_REACHED: [&str; 2] = ["This link is used up", "Dieser Link ist aufgebraucht"];

const GONE: [&str; 2] = ["This is not here any more", "Das ist nicht mehr da"];

const GONE_TEXT: [&str; 2] = [
    "The file or folder was renamed, moved or deleted. Please go back and load the page again.",
    "Die Datei oder der Ordner wurde umbenannt, verschoben oder gelöscht. Bitte zurückgehen und die Seite neu laden.",
];

/// What is said about trouble that the visitor can do nothing about.
const TROUBLE: [[&str; 2]; 2] = [
    ["This did not work", "Das hat nicht geklappt"],
    [
        "The server has a problem. Please try again later.",
        "Der Server hat ein Problem. Bitte später noch einmal versuchen.",
    ],
];

fn said(code: Code) -> [[&'static str; 2]; 2] {
    let known = SAID.iter().find(|(known, _, _)| *known == code);
    known.map_or(TROUBLE, |&(_, title, text)| [title, text])
}

/// The heading of what is said about a code.
pub(super) fn title(code: Code, language: Language) -> &'static str {
    let [[english, german], _] = said(code);
    language.say(english, german)
}

/// What is said about a code.
pub(super) fn problem(code: Code, language: Language) -> &'static str {
    let [_, [english, german]] = said(code);
    language.say(english, german)
}

/// A number of bytes for people: 1.5 MB.
pub(super) fn size(bytes: u64, language: Language) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!(
            "{bytes} Byte{}",
            language.say(if bytes == 1 { "" } else { "s" }, "")
        );
    }
    let mut unit = 0;
    // Tenths of the unit, rounded.
    let mut tenths = (bytes + 50) / 100;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    let name = UNITS[unit];
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if whole >= 100 || tenth == 0 {
        format!("{whole} {name}")
    } else {
        format!("{whole}{}{tenth} {name}", language.say('.', ','))
    }
}

/// So many of something: "1 file", "3 files".
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, english, german) in [
            (0, "0 Bytes", "0 Byte"),
            (1, "1 Byte", "1 Byte"),
            (999, "999 Bytes", "999 Byte"),
            (1000, "1 kB", "1 kB"),
            (1550, "1.6 kB", "1,6 kB"),
            (123_456, "123 kB", "123 kB"),
            (999_999, "1 MB", "1 MB"),
            (12_340_000, "12.3 MB", "12,3 MB"),
            (5_000_000_000_000_000, "5000 TB", "5000 TB"),
            (u64::MAX - 100, "18446744 TB", "18446744 TB"),
        ] {
            assert_eq!(size(bytes, Language::En), english);
            assert_eq!(size(bytes, Language::De), german);
        }
    }
}
