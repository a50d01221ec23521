//! The letters of mail transfers.

use super::letter::{Letter, Part};
use crate::language::Language;
use crate::phrases::moment;
use pileus_api::UnixTime;

/// Files that a letter names one by one.
const NAMED_MAX: usize = 20;

/// What was sent.
pub struct Sent<'a> {
    /// Address of the sender.
    pub sender: &'a str,
    /// What the sender says.
    pub message: Option<&'a str>,
    /// Names and sizes of the files.
    pub files: &'a [(String, u64)],
    /// Where they are.
    pub link: &'a str,
    /// How long they are there.
    pub expires: UnixTime,
}

/// To a receiver: where the files are.
pub fn delivery(language: Language, sent: &Sent<'_>) -> Letter {
    let sender = sent.sender;
    let mut parts = vec![Part::Text(language.say(
        format!("{sender} sends you files."),
        format!("{sender} schickt dir Dateien."),
    ))];
    parts.extend(contents(language, sent));
    parts.push(Part::Text(
        language
            .say(
                "This server cannot tell whether the mail address of the sender is right. Do not open files from people \
                 you do not know.",
                "Dieser Server weiß nicht, ob die Mailadresse des Absenders stimmt. Öffne keine Dateien von Leuten, die \
                 du nicht kennst.",
            )
            .to_owned(),
    ));
    Letter {
        language,
        subject: language.say(
            format!("Files from {sender}"),
            format!("Dateien von {sender}"),
        ),
        parts,
    }
}

/// To the sender: that the files are on their way, and to whom they are not.
pub fn receipt(
    language: Language,
    sent: &Sent<'_>,
    receivers: &[&str],
    left_out: &[&str],
) -> Letter {
    let receivers = receivers.join(", ");
    let mut parts = vec![Part::Text(language.say(
        format!("Your files have been sent to: {receivers}"),
        format!("Deine Dateien wurden geschickt an: {receivers}"),
    ))];
    if !left_out.is_empty() {
        let left_out = left_out.join(", ");
        parts.push(Part::Text(language.say(
            format!("These get too many mails at the moment and were left out: {left_out}"),
            format!("Diese bekommen gerade zu viele Mails und wurden ausgelassen: {left_out}"),
        )));
    }
    parts.extend(contents(language, sent));
    parts.push(Part::Text(
        language
            .say(
                "If it was not you who sent them, somebody has used your address.",
                "Falls du sie nicht geschickt hast, hat jemand deine Adresse benutzt.",
            )
            .to_owned(),
    ));
    Letter {
        language,
        subject: language
            .say("Your files have been sent", "Deine Dateien sind verschickt")
            .to_owned(),
        parts,
    }
}

/// Message, files, link and expiry.
fn contents(language: Language, sent: &Sent<'_>) -> Vec<Part> {
    let message = sent
        .message
        .map(|message| language.say(format!("“{message}”"), format!("„{message}“")));
    let mut parts: Vec<_> = message.into_iter().map(Part::Text).collect();
    for (name, bytes) in sent.files.iter().take(NAMED_MAX) {
        let size = language.size(*bytes);
        parts.push(Part::Text(format!("{name} ({size})")));
    }
    let more = sent.files.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        parts.push(Part::Text(
            language.say(format!("and {more} more"), format!("und {more} weitere")),
        ));
    }
    parts.push(Part::Link {
        label: language.say("Get the files", "Dateien holen").to_owned(),
        url: sent.link.to_owned(),
    });
    let until = moment(sent.expires, language);
    parts.push(Part::Text(language.say(
        format!("The files can be fetched until {until}."),
        format!("Die Dateien können bis {until} geholt werden."),
    )));
    parts
}
