//! What the pages of accounts say, and words that several pages need.

use super::account::Step;
use crate::language::Language;
use crate::phrases::share_rights;
use pileus_api::Code;
use pileus_store::share_requests::ShareRequest;

/// The title of a page that says what is wrong.
pub(super) fn did_not_work(language: Language) -> &'static str {
    language.say("This did not work", "Das hat nicht geklappt")
}

/// The words of a page.
pub(super) struct Words {
    /// Heading and title.
    pub(super) title: &'static str,
    /// What the form is about.
    pub(super) text: &'static str,
    /// What its button says.
    pub(super) button: &'static str,
    /// What is said when it is done.
    pub(super) done: &'static str,
}

/// The words of a step.
pub(super) fn words(step: Step, language: Language) -> Words {
    match language {
        Language::En => english(step),
        Language::De => german(step),
    }
}

fn english(step: Step) -> Words {
    let (title, text, button, done) = match step {
        Step::Verify => (
            "Confirm your mail address",
            "Please confirm that this address is yours.",
            "Confirm",
            "Thank you. Your address is confirmed.",
        ),
        Step::Reset => (
            "Choose a new password",
            "All your devices will have to log in again. Apps that you have connected stay connected, unless you want \
             otherwise.",
            "Set the password",
            "Your new password is set. You can log in with it now.",
        ),
        Step::NewMail => (
            "Name your new mail address",
            "We will send a mail there, with which you confirm it.",
            "Send the mail",
            "A mail is on its way to the new address. Your account keeps the old one until you confirm the new one.",
        ),
        Step::ConfirmMail => (
            "Confirm your new mail address",
            "From now on you will log in with this address. Please give the password of your account.",
            "Change the address",
            "Your mail address is changed.",
        ),
        Step::Deactivate => (
            "Give up your account",
            "All your devices and apps are logged out, all your links end, and your files will be erased. \
             Please give your password to confirm.",
            "Give up the account",
            "Your account is closed. If that was a mistake, ask the administrator of this server soon.",
        ),
        Step::Share => (
            "Accept a shared folder",
            "The folder will appear in your account, in \"Shared with me\". Please give the password of your account.",
            "Accept the folder",
            "The folder is in your account now.",
        ),
        Step::Decline => (
            "Decline a shared folder",
            "The folder will not appear in your account, and whoever offers it is told.",
            "Decline the folder",
            "You have declined the folder.",
        ),
        Step::Newsletter => (
            "Get the newsletter",
            "Please confirm that you want the newsletter.",
            "Confirm",
            "Thank you. You will get the newsletter.",
        ),
        Step::Unsubscribe => (
            "Unsubscribe",
            "You will get no more newsletters.",
            "Unsubscribe",
            "You are off the list.",
        ),
    };
    Words {
        title,
        text,
        button,
        done,
    }
}

fn german(step: Step) -> Words {
    let (title, text, button, done) = match step {
        Step::Verify => (
            "Bestätige deine Mailadresse",
            "Bitte bestätige, dass diese Adresse dir gehört.",
            "Bestätigen",
            "Danke. Deine Adresse ist bestätigt.",
        ),
        Step::Reset => (
            "Wähle ein neues Passwort",
            "Alle deine Geräte müssen sich neu anmelden. Verbundene Apps bleiben verbunden, wenn du es nicht anders \
             möchtest.",
            "Passwort setzen",
            "Dein neues Passwort gilt. Du kannst dich jetzt damit anmelden.",
        ),
        Step::NewMail => (
            "Nenne deine neue Mailadresse",
            "Dorthin geht eine Mail, mit der du sie bestätigst.",
            "Mail senden",
            "Eine Mail an die neue Adresse ist unterwegs. Bis du sie bestätigst, behält dein Konto die alte.",
        ),
        Step::ConfirmMail => (
            "Bestätige deine neue Mailadresse",
            "Ab jetzt meldest du dich mit dieser Adresse an. Bitte gib das Passwort deines Kontos ein.",
            "Adresse ändern",
            "Deine Mailadresse ist geändert.",
        ),
        Step::Deactivate => (
            "Gib dein Konto auf",
            "Alle deine Geräte und Apps werden abgemeldet, alle deine Links enden, und deine Dateien werden \
             gelöscht. Bitte gib zur Bestätigung dein Passwort ein.",
            "Konto aufgeben",
            "Dein Konto ist geschlossen. Falls das ein Versehen war, wende dich bald an den Verwalter dieses Servers.",
        ),
        Step::Share => (
            "Einen geteilten Ordner annehmen",
            "Der Ordner erscheint in deinem Konto unter \"Mit mir geteilt\". Bitte gib das Passwort deines Kontos ein.",
            "Ordner annehmen",
            "Der Ordner ist jetzt in deinem Konto.",
        ),
        Step::Decline => (
            "Einen geteilten Ordner ablehnen",
            "Der Ordner erscheint nicht in deinem Konto, und wer ihn anbietet, erfährt davon.",
            "Ordner ablehnen",
            "Du hast den Ordner abgelehnt.",
        ),
        Step::Newsletter => (
            "Newsletter bekommen",
            "Bitte bestätige, dass du den Newsletter möchtest.",
            "Bestätigen",
            "Danke. Du bekommst den Newsletter.",
        ),
        Step::Unsubscribe => (
            "Abbestellen",
            "Du bekommst keine Newsletter mehr.",
            "Abbestellen",
            "Du stehst nicht mehr auf der Liste.",
        ),
    };
    Words {
        title,
        text,
        button,
        done,
    }
}

/// What went wrong, by code, in English and German.
const PROBLEMS: &[(Code, [&str; 2])] = &[
    (
        Code::NO_CODE,
        [
            "This address is not complete. Please follow the whole link of the mail.",
            "Diese Adresse ist nicht vollständig. Bitte folge dem ganzen Link der Mail.",
        ],
    ),
    (
        Code::CODE_INVALID,
        [
            "This link does not work: it has been used or replaced by another one, or it has expired.",
            "Dieser Link gilt nicht: Er wurde schon benutzt oder durch einen anderen ersetzt, oder er ist abgelaufen.",
        ],
    ),
    (
        Code::CODE_EXPIRED,
        [
            "This link has expired. Please ask for a new mail.",
            "Dieser Link ist abgelaufen. Bitte lass dir eine neue Mail schicken.",
        ],
    ),
    (
        Code::RESET_CODE_EXPIRED,
        [
            "This link has expired. Please ask for a new mail.",
            "Dieser Link ist abgelaufen. Bitte lass dir eine neue Mail schicken.",
        ],
    ),
    (
        Code::ALREADY_VERIFIED,
        [
            "This has been confirmed before.",
            "Das wurde schon bestätigt.",
        ],
    ),
    (
        Code::REQUEST_MISSING,
        [
            "This offer has ended, or has been answered already.",
            "Dieses Angebot ist beendet, oder es wurde schon beantwortet.",
        ],
    ),
    (
        Code::NOT_FOR_CALLER,
        [
            "There is no account with this mail address yet.",
            "Zu dieser Mailadresse gibt es noch kein Konto.",
        ],
    ),
    (
        Code::ALREADY_SHARED,
        [
            "You see this folder already.",
            "Du siehst diesen Ordner schon.",
        ],
    ),
    (
        Code::EMAIL_INVALID,
        [
            "This is not a valid mail address.",
            "Das ist keine gültige Mailadresse.",
        ],
    ),
    (
        Code::EMAIL_TAKEN,
        [
            "This mail address has an account already.",
            "Zu dieser Mailadresse gibt es schon ein Konto.",
        ],
    ),
    (
        Code::EMAIL_UNCHANGED,
        [
            "This is your present mail address.",
            "Das ist deine jetzige Mailadresse.",
        ],
    ),
    (
        Code::TERMS_NOT_ACCEPTED,
        [
            "Please accept the terms of this server.",
            "Bitte stimme den Bedingungen dieses Servers zu.",
        ],
    ),
    (
        Code::DENIED,
        [
            "Accounts on this server are made by its administrator. Please ask there.",
            "Konten auf diesem Server legt sein Verwalter an. Bitte frage dort nach.",
        ],
    ),
    (
        Code::PASSWORD_WRONG,
        ["The password is wrong.", "Das Passwort ist falsch."],
    ),
    (
        Code::PASSWORD_SHORT,
        [
            "A password has at least 6 characters.",
            "Ein Passwort hat mindestens 6 Zeichen.",
        ],
    ),
    (
        Code::PASSWORD_BLANK,
        [
            "A password must not begin or end with a blank.",
            "Ein Passwort darf nicht mit einem Leerzeichen beginnen oder enden.",
        ],
    ),
    (
        Code::WRONG_FORM,
        [
            "This password is too long, or the server takes passwords by addresses with https only.",
            "Dieses Passwort ist zu lang, oder der Server nimmt Passwörter nur über Adressen mit https an.",
        ],
    ),
    (
        Code::PASSWORD_REPEATS,
        [
            "A password has at least 4 different characters.",
            "Ein Passwort hat mindestens 4 verschiedene Zeichen.",
        ],
    ),
    (
        Code::PASSWORD_SEQUENCE,
        [
            "A password must not be a plain run of neighbouring characters.",
            "Ein Passwort darf nicht nur eine Folge benachbarter Zeichen sein.",
        ],
    ),
    (
        Code::LOGINS_LIMITED,
        [
            "Too many tries. Please wait ten minutes.",
            "Zu viele Versuche. Bitte warte zehn Minuten.",
        ],
    ),
    (
        Code::REQUESTS_LIMITED,
        [
            "Too many tries. Please wait ten minutes.",
            "Zu viele Versuche. Bitte warte zehn Minuten.",
        ],
    ),
];

/// What is said about trouble that the reader can do nothing about.
const TROUBLE: [&str; 2] = [
    "Something went wrong. Please try again later.",
    "Etwas ist schiefgegangen. Bitte versuche es später noch einmal.",
];

/// What went wrong, for people.
pub(super) fn problem(code: Code, language: Language) -> &'static str {
    let known = PROBLEMS.iter().find(|(known, _)| *known == code);
    let [english, german] = known.map_or(TROUBLE, |(_, texts)| *texts);
    language.say(english, german)
}

/// What is said about an offered folder: who offers it, what he says, and what may be done there.
pub(super) fn offered(offer: &ShareRequest, from: &str, language: Language) -> Vec<String> {
    let name = &offer.name;
    let mut said = vec![language.say(
        format!("{from} wants to share the folder \"{name}\" with you."),
        format!("{from} möchte den Ordner \"{name}\" mit dir teilen."),
    )];
    said.extend(
        offer
            .message
            .as_ref()
            .map(|message| format!("\"{message}\"")),
    );
    said.push(share_rights(offer.permissions, language));
    said
}

#[cfg(test)]
mod tests {
    use super::{Language, ShareRequest, offered};

    #[test]
    fn offers_are_told_with_what_may_be_done() {
        let offer = |permissions, message: Option<&str>| ShareRequest {
            id: 1,
            folder: 2,
            owner: 3,
            email: "bob@example.com".into(),
            permissions,
            name: "plans".into(),
            message: message.map(Into::into),
            created: 0,
            expires: 1,
        };
        let english = offered(&offer(7, Some("Hi")), "ann@example.com", Language::En);
        assert_eq!(
            english,
            [
                "ann@example.com wants to share the folder \"plans\" with you.",
                "\"Hi\"",
                "You may see its contents, add to them, change them and delete them."
            ]
        );
        let german = offered(&offer(0, None), "ann@example.com", Language::De);
        assert_eq!(
            german,
            [
                "ann@example.com möchte den Ordner \"plans\" mit dir teilen.",
                "Du darfst den Inhalt sehen."
            ]
        );
    }
}
