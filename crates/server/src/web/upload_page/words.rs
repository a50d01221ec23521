//! What the page of an upload link says.

use crate::language::Language;
use pileus_api::Code;

/// The words of the page.
pub struct Words {
    /// Heading and title.
    pub title: &'static str,
    /// Label of the visitor's name.
    pub name: &'static str,
    /// Label of the files.
    pub choose: &'static str,
    /// That files can be dropped.
    pub drop: &'static str,
    /// What the bar of all files shows.
    pub all: &'static str,
    /// The button that sends.
    pub send: &'static str,
    /// The button that stops.
    pub stop: &'static str,
    /// That everything has arrived.
    pub sent: &'static str,
    /// Who will see the files.
    pub privacy: &'static str,
    /// What the script says, by the names it knows it by.
    pub script: [(&'static str, &'static str); 7],
}

static ENGLISH: Words = Words {
    title: "Send files",
    name: "Your name (optional)",
    choose: "Files",
    drop: "You can also drop files anywhere on this page.",
    all: "All files",
    send: "Send",
    stop: "Stop",
    sent: "Thank you. Your files have arrived.",
    privacy: "Only the owner of this link sees what you send.",
    script: [
        ("remove", "Remove"),
        ("sending", "Sending file {1} of {2} …"),
        ("arrived", "Arrived"),
        ("stopped", "Stopped"),
        (
            "lost",
            "The connection was lost. Send again to try once more.",
        ),
        ("thanks", "Thank you. Your files have arrived."),
        ("some", "{1} of {2} files have arrived."),
    ],
};

static GERMAN: Words = Words {
    title: "Dateien senden",
    name: "Dein Name (freiwillig)",
    choose: "Dateien",
    drop: "Du kannst Dateien auch irgendwo auf diese Seite ziehen.",
    all: "Alle Dateien",
    send: "Senden",
    stop: "Anhalten",
    sent: "Danke. Deine Dateien sind angekommen.",
    privacy: "Nur wem dieser Link gehört, sieht, was du sendest.",
    script: [
        ("remove", "Entfernen"),
        ("sending", "Datei {1} von {2} wird gesendet …"),
        ("arrived", "Angekommen"),
        ("stopped", "Angehalten"),
        (
            "lost",
            "Die Verbindung ist abgebrochen. Sende noch einmal, um es wieder zu versuchen.",
        ),
        ("thanks", "Danke. Deine Dateien sind angekommen."),
        ("some", "{1} von {2} Dateien sind angekommen."),
    ],
};

/// What went wrong, by code.
const PROBLEMS: [(Code, [&str; 2]); 9] = [
    (
        Code::NO_CODE,
        [
            "This link is not valid. Please check that the address is complete.",
            "Dieser Link gilt nicht. Bitte prüfe, ob die Adresse vollständig ist.",
        ],
    ),
    (
        Code::BAD_NAME,
        [
            "The name of this file is not possible.",
            "Der Name dieser Datei ist nicht möglich.",
        ],
    ),
    (
        Code::NO_FILES,
        ["No file was chosen.", "Keine Datei wurde gewählt."],
    ),
    (
        Code::LINK_UNKNOWN,
        [
            "This link is not valid. Please check that the address is complete.",
            "Dieser Link gilt nicht. Bitte prüfe, ob die Adresse vollständig ist.",
        ],
    ),
    (
        Code::LINK_DELETED,
        [
            "This link does not exist any more.",
            "Diesen Link gibt es nicht mehr.",
        ],
    ),
    (
        Code::LINK_EXPIRED,
        ["This link has expired.", "Dieser Link ist abgelaufen."],
    ),
    (
        Code::LINK_SPACE_USED,
        [
            "There is not enough space left for this.",
            "Dafür ist nicht mehr genug Platz.",
        ],
    ),
    (
        Code::LINK_FILES_USED,
        [
            "This link takes no more files.",
            "Dieser Link nimmt keine weiteren Dateien an.",
        ],
    ),
    (
        Code::LOGINS_LIMITED,
        [
            "Too many tries. Please wait a few minutes.",
            "Zu viele Versuche. Bitte warte einige Minuten.",
        ],
    ),
];

/// What is said about trouble that the reader can do nothing about.
const TROUBLE: [&str; 2] = [
    "Something went wrong. Please try again later.",
    "Etwas ist schiefgegangen. Bitte versuche es später noch einmal.",
];

/// The words in a language.
pub fn words(language: Language) -> &'static Words {
    language.say(&ENGLISH, &GERMAN)
}

/// What went wrong, for people.
pub fn problem(code: Code, language: Language) -> &'static str {
    let known = PROBLEMS.iter().find(|(known, _)| *known == code);
    let [english, german] = known.map_or(TROUBLE, |(_, texts)| *texts);
    language.say(english, german)
}

/// All of that for the script, by the number of the code; 0 stands for any other.
pub fn problems(language: Language) -> Vec<(u16, &'static str)> {
    let known = PROBLEMS.iter().map(|(code, texts)| (code.number(), *texts));
    let all = known.chain([(0, TROUBLE)]);
    all.map(|(number, [english, german])| (number, language.say(english, german)))
        .collect()
}
