//! What the mails say.

use super::letter::{Letter, Part};
use crate::app::App;
use crate::language::Language;
use crate::phrases::{moment, share_rights};
use pileus_api::UnixTime;
use pileus_store::share_requests::ShareRequest;
use std::net::IpAddr;

/// A mail with a code, in one language.
struct Words {
    subject: &'static str,
    /// What it is about.
    text: String,
    /// What the link leads to.
    link: &'static str,
    /// What to do if it was not the reader who asked for it.
    not_you: &'static str,
}

/// Puts a mail together whose code is taken by a page.
fn letter(app: &App, language: Language, page: &str, code: &str, words: Words) -> Letter {
    let copy = language.say(
        "If your program asks for a code, this is it:",
        "Falls dein Programm nach einem Code fragt, ist es dieser:",
    );
    Letter {
        language,
        subject: words.subject.into(),
        parts: vec![
            Part::Text(words.text),
            link(app, language, page, code, words.link),
            Part::Text(copy.into()),
            Part::Code(code.into()),
            Part::Text(words.not_you.into()),
        ],
    }
}

/// A link to a page that takes a code.
fn link(app: &App, language: Language, page: &str, code: &str, label: &str) -> Part {
    Part::Link {
        label: label.into(),
        // Codes are letters and digits, so nothing needs to be encoded.
        url: format!(
            "{}/account/{page}?lang={}&code={code}",
            app.web_base(),
            language.code()
        ),
    }
}

const NOTHING_TO_DO: [&str; 2] = [
    "If it was not you, you need not do anything.",
    "Falls du das nicht warst, brauchst du nichts zu tun.",
];

const SOMEBODY_INSIDE: [&str; 2] = [
    "If it was not you, somebody else is logged in to your account: change your password.",
    "Falls du das nicht warst, ist jemand anders in deinem Konto angemeldet: Ändere dein Passwort.",
];

/// Asks for the proof that an account's address is its owner's.
pub fn verify(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let words = language.say(
        Words {
            subject: "Confirm your mail address",
            text: format!(
                "An account with the address {email} was made. Please confirm that the address is yours."
            ),
            link: "Confirm the address",
            not_you: NOTHING_TO_DO[0],
        },
        Words {
            subject: "Bestätige deine Mailadresse",
            text: format!(
                "Ein Konto mit der Adresse {email} wurde angelegt. Bitte bestätige, dass die Adresse dir gehört."
            ),
            link: "Adresse bestätigen",
            not_you: NOTHING_TO_DO[1],
        },
    );
    letter(app, language, "verify", code, words)
}

/// Lets a new password be set. `client` asked for it at `now`.
pub fn reset(
    app: &App,
    language: Language,
    email: &str,
    code: &str,
    client: IpAddr,
    now: UnixTime,
) -> Letter {
    let (client, time) = (client.to_canonical(), moment(now, language));
    let words = language.say(
        Words {
            subject: "Choose a new password",
            text: format!(
                "Somebody asked for a new password for the account {email}, from the network address {client} \
                 ({time}). Within 24 hours you can choose one here."
            ),
            link: "Choose a new password",
            not_you: "If it was not you, ignore this mail: the old password stays.",
        },
        Words {
            subject: "Wähle ein neues Passwort",
            text: format!(
                "Für das Konto {email} wurde ein neues Passwort angefordert, von der Netzwerkadresse {client} \
                 ({time}). Innerhalb von 24 Stunden kannst du hier eines wählen."
            ),
            link: "Neues Passwort wählen",
            not_you: "Falls du das nicht warst, ignoriere diese Mail: Das alte Passwort bleibt.",
        },
    );
    letter(app, language, "reset", code, words)
}

/// To the present address of an account: lets a new one be named.
pub fn change_old(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let words = language.say(
        Words {
            subject: "Change of your mail address",
            text: format!(
                "The mail address of the account {email} is to be changed. Within an hour you can name the new one \
                 here."
            ),
            link: "Name the new address",
            not_you: SOMEBODY_INSIDE[0],
        },
        Words {
            subject: "Änderung deiner Mailadresse",
            text: format!(
                "Die Mailadresse des Kontos {email} soll geändert werden. Innerhalb einer Stunde kannst du hier die \
                 neue nennen."
            ),
            link: "Neue Adresse nennen",
            not_you: SOMEBODY_INSIDE[1],
        },
    );
    letter(app, language, "newmail", code, words)
}

/// To the new address of an account: makes it the account's.
pub fn change_new(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let words = language.say(
        Words {
            subject: "Confirm your new mail address",
            text: format!(
                "This is to become the mail address of the account {email}. Within an hour you can confirm that \
                 here, with the password of the account."
            ),
            link: "Confirm the new address",
            not_you: "If you do not know that account, ignore this mail.",
        },
        Words {
            subject: "Bestätige deine neue Mailadresse",
            text: format!(
                "Dies soll die Mailadresse des Kontos {email} werden. Innerhalb einer Stunde kannst du das hier \
                 bestätigen, mit dem Passwort des Kontos."
            ),
            link: "Neue Adresse bestätigen",
            not_you: "Falls du dieses Konto nicht kennst, ignoriere diese Mail.",
        },
    );
    letter(app, language, "confirmmail", code, words)
}

/// Lets an account be given up.
pub fn deactivate(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let days = app.config.deactivated_days;
    let words = language.say(
        Words {
            subject: "Giving up your account",
            text: format!(
                "The account {email} is to be given up. From then on nobody can log in to it and its links end; \
                 after {days} days all its files are erased. Within an hour you can confirm that here, with your \
                 password."
            ),
            link: "Give up the account",
            not_you: SOMEBODY_INSIDE[0],
        },
        Words {
            subject: "Dein Konto aufgeben",
            text: format!(
                "Das Konto {email} soll aufgegeben werden. Ab dann kann sich niemand mehr anmelden, und seine Links \
                 enden; nach {days} Tagen werden alle seine Dateien gelöscht. Innerhalb einer Stunde kannst du das \
                 hier bestätigen, mit deinem Passwort."
            ),
            link: "Konto aufgeben",
            not_you: SOMEBODY_INSIDE[1],
        },
    );
    letter(app, language, "deactivate", code, words)
}

/// Offers a folder to an address that may have no account yet.
pub fn share_offer(
    app: &App,
    language: Language,
    from: &str,
    request: &ShareRequest,
    code: &str,
    has_account: bool,
) -> Letter {
    let name = &request.name;
    let until = moment(UnixTime(request.expires), language);
    let (english, german) = if has_account {
        ("", "")
    } else {
        (
            " You need an account with this address for it.",
            " Du brauchst dafür ein Konto mit dieser Adresse.",
        )
    };
    let words = language.say(
        Words {
            subject: "A folder is shared with you",
            text: format!(
                "{from} wants to share the folder \"{name}\" with you.{english} The offer ends on {until}."
            ),
            link: "Accept the folder",
            not_you: "If you do not want it, you need not do anything.",
        },
        Words {
            subject: "Ein Ordner wird mit dir geteilt",
            text: format!(
                "{from} möchte den Ordner \"{name}\" mit dir teilen.{german} Das Angebot endet am {until}."
            ),
            link: "Ordner annehmen",
            not_you: "Falls du ihn nicht möchtest, brauchst du nichts zu tun.",
        },
    );
    let mut letter = letter(app, language, "share", code, words);
    let decline = language.say("Decline the folder", "Ordner ablehnen");
    let decline = link(app, language, "declineshare", code, decline);
    letter.parts.insert(2, decline);
    let rights = share_rights(request.permissions, language);
    letter.parts.insert(1, Part::Text(rights));
    if let Some(message) = &request.message {
        letter.parts.insert(1, Part::Text(message.clone()));
    }
    letter
}

/// Asks whether an address is to be on the newsletter's list.
pub fn newsletter(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let words = language.say(
        Words {
            subject: "Confirm the newsletter",
            text: format!(
                "Somebody wants the newsletter sent to {email}. Please confirm that it was you."
            ),
            link: "Get the newsletter",
            not_you: NOTHING_TO_DO[0],
        },
        Words {
            subject: "Bestätige den Newsletter",
            text: format!(
                "Jemand möchte, dass der Newsletter an {email} geht. Bitte bestätige, dass du das warst."
            ),
            link: "Newsletter bekommen",
            not_you: NOTHING_TO_DO[1],
        },
    );
    letter(app, language, "newsletter", code, words)
}

/// Lets an address be taken off the newsletter's list.
pub fn unsubscribe(app: &App, language: Language, email: &str, code: &str) -> Letter {
    let words = language.say(
        Words {
            subject: "Unsubscribe from the newsletter",
            text: format!("Here you can take {email} off the newsletter's list."),
            link: "Unsubscribe",
            not_you: NOTHING_TO_DO[0],
        },
        Words {
            subject: "Newsletter abbestellen",
            text: format!("Hier kannst du {email} von der Liste des Newsletters nehmen."),
            link: "Abbestellen",
            not_you: NOTHING_TO_DO[1],
        },
    );
    letter(app, language, "unsubscribe", code, words)
}

/// Tells the owner of an upload link how many files have come through it.
pub fn uploaded(language: Language, comment: &str, files: i64) -> Letter {
    let text = match (language, files) {
        (Language::En, 1) => "A file has come through your upload link:".to_owned(),
        (Language::En, _) => format!("{files} files have come through your upload link:"),
        (Language::De, 1) => "Eine Datei ist über deinen Upload-Link gekommen:".to_owned(),
        (Language::De, _) => format!("{files} Dateien sind über deinen Upload-Link gekommen:"),
    };
    Letter {
        language,
        subject: language.say("Files for you", "Dateien für dich").to_owned(),
        parts: vec![
            Part::Text(text),
            Part::Text(comment.to_owned()),
            Part::Text(
                language
                    .say(
                        "They are in the folder that you have chosen for it.",
                        "Sie liegen in dem Ordner, den du dafür gewählt hast.",
                    )
                    .to_owned(),
            ),
        ],
    }
}

/// A public link that somebody mails.
pub struct SentLink<'a> {
    /// Mail address of the sender.
    pub sender: &'a str,
    /// Name of what the link leads to.
    pub name: &'a str,
    /// What the sender has to say; may be empty.
    pub message: String,
    /// The link.
    pub address: String,
    /// When it stops working.
    pub expires: Option<UnixTime>,
    /// Whether it has a password.
    pub has_password: bool,
}

/// Takes a public link to whoever its maker wants to have it.
pub fn public_link(language: Language, sent: &SentLink<'_>) -> Letter {
    let SentLink { sender, name, .. } = sent;
    let (subject, text) = language.say(
        (
            format!("{sender} sends you “{name}”"),
            format!("{sender} sends you a link to “{name}”. You need no account to open it."),
        ),
        (
            format!("{sender} schickt dir „{name}“"),
            format!("{sender} schickt dir einen Link zu „{name}“. Du brauchst kein Konto, um ihn zu öffnen."),
        ),
    );
    let mut parts = vec![Part::Text(text)];
    let message = sent.message.lines().filter(|line| !line.trim().is_empty());
    parts.extend(message.map(|line| Part::Text(line.to_owned())));
    parts.push(Part::Link {
        label: language.say("Open", "Öffnen").into(),
        url: sent.address.clone(),
    });
    if sent.has_password {
        let text = language.say(
            "You will be asked for a password, which the sender can tell you.",
            "Du wirst nach einem Passwort gefragt, das dir der Absender nennen kann.",
        );
        parts.push(Part::Text(text.into()));
    }
    if let Some(expires) = sent.expires {
        let time = moment(expires, language);
        parts.push(Part::Text(language.say(
            format!("The link works until {time}."),
            format!("Der Link gilt bis {time}."),
        )));
    }
    let unknown = language.say(
        "If you do not know the sender, ignore this mail.",
        "Falls du den Absender nicht kennst, ignoriere diese Mail.",
    );
    parts.push(Part::Text(unknown.into()));
    Letter {
        language,
        subject,
        parts,
    }
}
