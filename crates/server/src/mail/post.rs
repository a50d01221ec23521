//! Ways for a mail to leave: a mail server, or a folder while there is none.

use super::letter::Mail;
use crate::app::App;
use crate::config::{Config, SmtpTls};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// Name of the folder for mails in the data folder.
pub const FOLDER: &str = "mail";

/// How long a mail server may take for one mail. Shorter than a lease, so that no other node takes the mail meanwhile.
const DELIVERY_LIMIT: Duration = Duration::from_secs(60);

/// Mails that are kept as files. The oldest go first.
const FILES_MAX: usize = 1000;

/// Why a mail is still here.
#[derive(Debug)]
pub struct Undelivered {
    /// What went wrong, for the log.
    pub cause: String,
    /// Whether the mail itself was refused, so that many more tries would not help.
    pub is_final: bool,
}

impl Undelivered {
    /// What may be over soon.
    pub(super) fn for_now(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: cause.to_string(),
            is_final: false,
        }
    }

    fn for_ever(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: cause.to_string(),
            is_final: true,
        }
    }
}

/// A way out.
pub enum Post {
    /// Through a mail server.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// Into a folder.
    Folder(PathBuf),
}

impl Post {
    /// The way that the settings name.
    ///
    /// # Errors
    /// If TLS cannot be set up, in words for the log.
    pub fn new(config: &Config) -> Result<Self, String> {
        let smtp = &config.smtp;
        if smtp.host.is_empty() {
            return Ok(Self::Folder(config.data.join(FOLDER)));
        }
        let parameters =
            || TlsParameters::new(smtp.host.clone()).map_err(|error| error.to_string());
        let tls = match smtp.tls {
            SmtpTls::Tls => Tls::Wrapper(parameters()?),
            SmtpTls::Starttls => Tls::Required(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .hello_name(ClientId::Domain(sender_host(config)))
            .timeout(Some(DELIVERY_LIMIT));
        if !smtp.user.is_empty() {
            builder =
                builder.credentials(Credentials::new(smtp.user.clone(), smtp.password.clone()));
        }
        Ok(Self::Smtp(Box::new(builder.build())))
    }

    /// Delivers a mail. `id` and `created` name it, so that a mail which is sent twice can be known as one.
    pub async fn deliver(
        &self,
        app: &App,
        mail: &Mail,
        id: i64,
        created: i64,
    ) -> Result<(), Undelivered> {
        let message = message(&app.config, mail, id, created).map_err(Undelivered::for_ever)?;
        match self {
            Self::Smtp(transport) => {
                let sending = tokio::time::timeout(DELIVERY_LIMIT, transport.send(message));
                let sent = sending
                    .await
                    .map_err(|_| Undelivered::for_now("the mail server took too long"))?;
                sent.map(drop).map_err(|error| Undelivered {
                    cause: error.to_string(),
                    is_final: error.is_permanent(),
                })
            }
            Self::Folder(folder) => {
                let (folder, bytes) = (folder.clone(), message.formatted());
                let name = format!("{created}-{id}.eml");
                let written = move || keep(&folder, &name, &bytes);
                let file = tokio::task::spawn_blocking(written)
                    .await
                    .map_err(Undelivered::for_now)?
                    .map_err(Undelivered::for_now)?;
                tracing::info!(file = %file.display(), "mail written");
                Ok(())
            }
        }
    }
}

fn message(config: &Config, mail: &Mail, id: i64, created: i64) -> Result<Message, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let host = sender_host(config);
    let from = match config.mail.from.as_str() {
        "" => format!("pileus@{host}"),
        from => from.to_owned(),
    };
    // Addresses are parsed, not pasted, so no address can bring a header along.
    let address = |text: &str| text.parse::<Address>().map_err(|error| told(&error));
    let name = Some(config.mail.name.clone()).filter(|name| !name.is_empty());
    let seconds = Duration::from_secs(created.try_into().unwrap_or(0));
    Message::builder()
        .from(Mailbox::new(name, address(&from)?))
        .to(Mailbox::new(None, address(&mail.to)?))
        .subject(mail.subject.clone())
        .date(UNIX_EPOCH + seconds)
        .message_id(Some(format!("<{id}.{created}.pileus@{host}>")))
        // Asks programs not to answer, as RFC 3834 has it.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ))
        .multipart(MultiPart::alternative_plain_html(
            mail.text.clone(),
            mail.html.clone(),
        ))
        .map_err(|error| told(&error))
}

/// The host that mails come from: that of the sender, or else that of the pages. Addresses of the network are no names
/// for mail.
fn sender_host(config: &Config) -> String {
    if let Some((_, host)) = config.mail.from.rsplit_once('@') {
        return host.to_owned();
    }
    let web = config.public.web.as_deref().unwrap_or_default();
    let web = web.split_once("://").map_or(web, |(_, rest)| rest);
    let api = config.public.api.first().map_or("", String::as_str);
    let place = if web.is_empty() { api } else { web };
    let authority = place.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_name = !host.is_empty() && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    if is_name {
        host.to_owned()
    } else {
        "localhost".into()
    }
}

/// Writes a mail as a file that only the server's user reads, and lets the oldest files go.
fn keep(folder: &std::path::Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // Renamed into place, so that nobody reads half a mail.
    let (unfinished, file) = (folder.join(format!(".{name}")), folder.join(name));
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?
        .write_all(bytes)?;
    std::fs::rename(&unfinished, &file)?;
    let mut names: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| !name.as_encoded_bytes().starts_with(b"."))
        .collect();
    if names.len() > FILES_MAX {
        names.sort_unstable();
        for name in &names[..names.len() - FILES_MAX] {
            // Another node may have removed it already.
            let _ = std::fs::remove_file(folder.join(name));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> Mail {
        Mail {
            to: to.into(),
            subject: "Grüße".into(),
            text: "Text".into(),
            html: "<p>Text</p>".into(),
        }
    }

    #[test]
    fn mails_come_from_a_name() {
        let mut config = Config::default();
        assert_eq!(sender_host(&config), "localhost");
        config.public.api = vec!["127.0.0.1:8080".into()];
        assert_eq!(sender_host(&config), "localhost");
        config.public.api = vec!["api.example.com:8080".into()];
        assert_eq!(sender_host(&config), "api.example.com");
        config.public.web = Some("https://[::1]:8080/x".into());
        assert_eq!(sender_host(&config), "localhost");
        config.public.web = Some("https://cloud.example.com/x".into());
        assert_eq!(sender_host(&config), "cloud.example.com");
        config.mail.from = "files@example.net".into();
        assert_eq!(sender_host(&config), "example.net");
    }

    #[test]
    fn a_mail_is_one_message_to_one_address() {
        let config = Config::default();
        let message = message(&config, &mail("ann@example.com"), 7, 1_800_000_000).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(
            text.contains("From: Pileus <pileus@localhost>\r\n"),
            "{text}"
        );
        assert!(text.contains("To: ann@example.com\r\n"), "{text}");
        assert!(text.contains("Message-ID: <7.1800000000.pileus@localhost>\r\n"));
        assert!(
            text.contains("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"),
            "{text}"
        );
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"));
        assert!(text.contains("multipart/alternative"));
    }

    #[test]
    fn no_address_brings_headers_along() {
        let config = Config::default();
        for to in [
            "ann@example.com\r\nBcc: all@example.com",
            "ann@example.com\nX: y",
            "ann@example.com, bob@example.com",
            "Ann <ann@example.com>",
            "ann",
            "",
        ] {
            assert!(message(&config, &mail(to), 1, 0).is_err(), "{to:?}");
        }
    }

    #[test]
    fn files_are_private_and_bounded() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join(FOLDER);
        for number in 0..FILES_MAX + 3 {
            keep(&folder, &format!("{number:08}.eml"), b"x").unwrap();
        }
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(names.len(), FILES_MAX);
        assert!(!folder.join("00000002.eml").exists());
        let newest = folder.join(format!("{:08}.eml", FILES_MAX + 2));
        let mode = newest.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
