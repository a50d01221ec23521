//! How a mail looks: the same sentences as plain text and as HTML.

use crate::call::{Answer, Fail};
use crate::language::Language;
use askama::Template;
use serde::{Deserialize, Serialize};

/// What a mail says, in the language of its reader.
pub struct Letter {
    /// The language it is written in.
    pub language: Language,
    /// The subject.
    pub subject: String,
    /// The text, from top to bottom.
    pub parts: Vec<Part>,
}

/// A piece of a letter.
pub enum Part {
    /// A paragraph.
    Text(String),
    /// An address to follow, with what is found there.
    Link {
        /// What it leads to.
        label: String,
        /// The address.
        url: String,
    },
    /// A code to be copied, for those who cannot follow the link.
    Code(String),
}

/// A mail as it waits for delivery.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a>(&'a Letter);

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a>(&'a Letter);

impl Letter {
    /// The mail to an address.
    pub fn to(&self, address: &str) -> Answer<Mail> {
        Ok(Mail {
            to: address.to_owned(),
            // What somebody else has typed may be part of a subject, which is one line.
            subject: self.subject.replace(char::is_control, " "),
            text: Text(self).render().map_err(Fail::internal)?,
            html: Html(self).render().map_err(Fail::internal)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_stays_text() {
        let letter = Letter {
            language: Language::De,
            subject: "Von <b>Ann</b>\r\nBcc: all@example.com".into(),
            parts: vec![
                Part::Text("<script>alert(1)</script> & \"Grüße\"".into()),
                Part::Link {
                    label: "Öffnen".into(),
                    url: "https://example.com/?a=1&b=\"2".into(),
                },
                Part::Code("abc".into()),
            ],
        };
        let mail = letter.to("ann@example.com").unwrap();
        assert_eq!(mail.subject, "Von <b>Ann</b>  Bcc: all@example.com");
        assert!(mail.text.contains("<script>alert(1)</script> & \"Grüße\""));
        assert!(mail.text.contains("https://example.com/?a=1&b=\"2"));
        assert!(!mail.html.contains("<script>"));
        assert!(!mail.html.contains("b=\"2"));
        assert!(mail.html.contains("Grüße"));
        assert!(mail.html.contains("lang=\"de\""));
    }
}
