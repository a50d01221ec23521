//! What settings must be for a server to work with them.

use super::{Config, ConfigError};
use crate::language::LANGUAGES;
use lettre::Address;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// Contents larger than this do not belong into a database.
const INLINE_LIMIT_BYTES: u64 = 1 << 20;

/// The shortest life of content links. Clients fetch a link and then work through a queue of files.
const LINK_MIN_SECONDS: u64 = 3600;

/// Longest of all times in seconds; a year.
const LONGEST_SECONDS: u64 = 366 * 86_400;

impl Config {
    /// Refuses settings that contradict each other or cannot work.
    ///
    /// # Errors
    /// The first thing that is wrong, with the key it is about.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.validate_network()?;
        self.validate_storage()?;
        self.validate_public()?;
        self.validate_mail()?;
        let languages = LANGUAGES.map(|(language, _)| language);
        ensure(languages.contains(&self.default_language.as_str()), || {
            format!(
                "default_language: one of {} is expected",
                languages.join(", ")
            )
        })?;
        within("retention_days", self.retention_days, 0..=36_500)?;
        within("deactivated_days", self.deactivated_days, 0..=36_500)?;
        within(
            "link_seconds",
            self.link_seconds,
            LINK_MIN_SECONDS..=LONGEST_SECONDS,
        )?;
        self.downloads.networks()?;
        within(
            "downloads.seconds",
            self.downloads.seconds,
            1..=LONGEST_SECONDS,
        )?;
        self.validate_transfer()?;
        within("min_speed_bytes", self.min_speed_bytes, 1..=u64::MAX)?;
        within(
            "listing_max_entries",
            self.listing_max_entries,
            1..=u64::MAX,
        )?;
        within(
            "diff_block_seconds",
            self.diff_block_seconds,
            1..=LONGEST_SECONDS,
        )?;
        within(
            "subscribe_seconds",
            self.subscribe_seconds,
            1..=LONGEST_SECONDS,
        )
    }

    fn validate_network(&self) -> Result<(), ConfigError> {
        ensure(!self.listen.is_empty(), || {
            "listen: at least one address is needed".into()
        })?;
        ensure(
            self.admin == "off" || self.admin.parse::<SocketAddr>().is_ok(),
            || {
                format!(
                    "admin: an address like 127.0.0.1:8090, or off, is expected, not {}",
                    self.admin
                )
            },
        )?;
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => Err(ConfigError::new(
                "tls_cert needs tls_key, the key of the certificate",
            )),
            (None, Some(_)) => Err(ConfigError::new(
                "tls_key needs tls_cert, the certificate of the key",
            )),
            (Some(_), Some(_)) if self.tls_self_signed => Err(ConfigError::new(
                "tls_self_signed and tls_cert exclude each other",
            )),
            _ => Ok(()),
        }?;
        within("max_connections", self.max_connections as u64, 1..=u64::MAX)
    }

    fn validate_storage(&self) -> Result<(), ConfigError> {
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| self.database.starts_with(scheme));
        ensure(self.database == "sqlite" || is_url, || {
            "database: sqlite, or a URL that begins with postgres://, is expected".into()
        })?;
        within(
            "inline_max_bytes",
            self.inline_max_bytes,
            0..=INLINE_LIMIT_BYTES,
        )?;
        within(
            "default_quota_bytes",
            self.default_quota_bytes,
            0..=i64::MAX.unsigned_abs(),
        )?;
        match self.blobs.as_str() {
            "disk" => Ok(()),
            "s3" => self.validate_s3(),
            _ => Err(ConfigError::new("blobs: disk or s3 is expected")),
        }
    }

    fn validate_s3(&self) -> Result<(), ConfigError> {
        let s3 = &self.s3;
        let needed = [
            ("s3.bucket", &s3.bucket),
            ("s3.region", &s3.region),
            ("s3.access_key", &s3.access_key),
            ("s3.secret_key", &s3.secret_key),
        ];
        for (key, value) in needed {
            ensure(!value.is_empty(), || {
                format!("{key} is needed for blobs = \"s3\"")
            })?;
        }
        ensure(s3.endpoint.is_empty() || is_web_url(&s3.endpoint), || {
            "s3.endpoint: a URL that begins with https:// or http:// is expected".into()
        })
    }

    fn validate_transfer(&self) -> Result<(), ConfigError> {
        let transfer = &self.transfer;
        let most = i64::MAX.unsigned_abs();
        within("transfer.max_bytes", transfer.max_bytes, 1..=most)?;
        within("transfer.total_bytes", transfer.total_bytes, 1..=most)?;
        within("transfer.per_sender", transfer.per_sender, 1..=most)?;
        within("transfer.per_network", transfer.per_network, 1..=most)
    }

    fn validate_mail(&self) -> Result<(), ConfigError> {
        let from = &self.mail.from;
        ensure(from.is_empty() || from.parse::<Address>().is_ok(), || {
            format!("mail.from: a mail address is expected, not {from:?}")
        })?;
        ensure(!self.mail.name.contains(char::is_control), || {
            "mail.name: a name on one line is expected".into()
        })?;
        within("smtp.port", self.smtp.port.into(), 1..=u16::MAX.into())?;
        ensure(
            self.smtp.password.is_empty() || !self.smtp.user.is_empty(),
            || "smtp.password needs smtp.user, the name it belongs to".into(),
        )
    }

    fn validate_public(&self) -> Result<(), ConfigError> {
        let public = &self.public;
        let hosts = [
            ("public.api", &public.api),
            ("public.binapi", &public.binapi),
            ("public.content", &public.content),
        ];
        for (key, hosts) in hosts {
            for host in hosts {
                let is_host = !host.is_empty() && !host.contains(['/', ' ', '@', '?', '#']);
                ensure(is_host, || {
                    format!("{key}: a host like files.example.com is expected, not {host:?}")
                })?;
            }
        }
        for host in &public.binapi {
            // Clients add the port themselves. A literal IPv6 address has colons of its own.
            let has_port = host.matches(':').count() == 1;
            ensure(!has_port, || {
                format!("public.binapi: {host:?} must not have a port")
            })?;
        }
        ensure(public.web.as_deref().is_none_or(is_web_url), || {
            "public.web: a URL that begins with https:// or http:// is expected".into()
        })?;
        for origin in &self.allowed_origins {
            let is_origin = is_web_url(origin) && origin.matches('/').count() == 2;
            ensure(is_origin, || {
                format!(
                    "allowed_origins: an origin like https://example.com is expected, not {origin:?}"
                )
            })?;
        }
        Ok(())
    }
}

fn is_web_url(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty())
    })
}

fn ensure(holds: bool, why_not: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds {
        Ok(())
    } else {
        Err(ConfigError::new(why_not()))
    }
}

fn within(key: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
    ensure(range.contains(&value), || {
        let (least, most) = (range.start(), range.end());
        match *most {
            u64::MAX => format!("{key}: at least {least} is expected, not {value}"),
            _ => format!("{key}: a number from {least} to {most} is expected, not {value}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Layers;

    /// What is said against some settings; empty if nothing.
    fn verdict(settings: &[(&str, &str)]) -> String {
        let mut layers = Layers::default();
        for (key, text) in settings {
            layers.set(key, text).unwrap();
        }
        layers
            .config()
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (settings, expected) in [
            (&[("tls_cert", "c.pem")][..], "tls_cert needs tls_key"),
            (&[("tls_key", "k.pem")], "tls_key needs tls_cert"),
            (
                &[
                    ("tls_cert", "c"),
                    ("tls_key", "k"),
                    ("tls_self_signed", "true"),
                ],
                "exclude each other",
            ),
            (&[("listen", "")], "listen: "),
            (&[("admin", "here")], "admin: "),
            (&[("database", "mysql://host")], "database: "),
            (&[("blobs", "tape")], "blobs: "),
            (&[("blobs", "s3")], "s3.bucket is needed"),
            (
                &[("blobs", "s3"), ("s3.bucket", "b"), ("s3.access_key", "a")],
                "s3.secret_key is needed",
            ),
            (
                &[
                    ("blobs", "s3"),
                    ("s3.bucket", "b"),
                    ("s3.access_key", "a"),
                    ("s3.secret_key", "s"),
                    ("s3.endpoint", "host:9000"),
                ],
                "s3.endpoint: ",
            ),
            (&[("downloads.allow", "10.0.0.0/33")], "downloads.allow: "),
            (&[("downloads.seconds", "0")], "downloads.seconds: "),
            (&[("link_seconds", "3599")], "link_seconds: "),
            (&[("inline_max_bytes", "2000000")], "inline_max_bytes: "),
            (&[("max_connections", "0")], "max_connections: at least 1"),
            (&[("default_language", "xx")], "default_language: "),
            (&[("public.api", "https://example.com")], "public.api: "),
            (&[("public.binapi", "example.com:8399")], "public.binapi: "),
            (&[("public.web", "example.com")], "public.web: "),
            (&[("mail.from", "nonsense")], "mail.from: "),
            (&[("mail.from", "a@b\r\nBcc: c@d")], "mail.from: "),
            (&[("mail.name", "a\nb")], "mail.name: "),
            (&[("smtp.port", "0")], "smtp.port: "),
            (&[("smtp.password", "x")], "smtp.password needs"),
            (
                &[("allowed_origins", "https://example.com/")],
                "allowed_origins: ",
            ),
        ] {
            let verdict = verdict(settings);
            assert!(verdict.contains(expected), "{settings:?}: {verdict}");
        }
    }

    #[test]
    fn what_can_work_is_accepted() {
        for settings in [
            &[][..],
            &[("tls_cert", "c.pem"), ("tls_key", "k.pem")],
            &[("admin", "off"), ("listen", "[::]:443")],
            &[("database", "postgres://user@host/name")],
            &[
                ("blobs", "s3"),
                ("s3.bucket", "b"),
                ("s3.access_key", "a"),
                ("s3.secret_key", "s"),
                ("s3.endpoint", "http://127.0.0.1:9000"),
            ],
            &[("public.api", "example.com:8443"), ("public.binapi", "::1")],
            &[("link_seconds", "3600"), ("retention_days", "0")],
            &[("downloads.allow", "10.0.0.0/8,::1")],
        ] {
            assert_eq!(verdict(settings), "", "{settings:?}");
        }
    }
}
