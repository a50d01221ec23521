//! Where a server is and how to speak to it.

use std::fmt;

use http::Uri;
use http::uri::Authority;

use crate::error::Error;

/// How calls are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 with JSON answers.
    Http,
    /// The binary protocol.
    Binary,
}

/// A server's address: what a URL such as `https://cloud.example.com` or `bin://127.0.0.1:8398`
/// says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// How calls are encoded.
    pub protocol: Protocol,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// A host name or an IP address, the latter without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads a URL. The schemes are `http` and `https` for HTTP, `bin` and `bins` for the binary
    /// protocol, each without and with TLS. Without a port it is 80 and 443 for HTTP, and the
    /// binary protocol's 8398 and 8399.
    ///
    /// # Errors
    /// [`Error::Setup`] if this is not such a URL, or if it has a path, a query or a user.
    pub fn parse(url: &str) -> Result<Address, Error> {
        let bad = |why: &str| Error::Setup(format!("not the URL of a server: {url}: {why}"));
        let parsed: Uri = url.parse().map_err(|_| bad("it is malformed"))?;
        let (protocol, tls, default_port) = match parsed.scheme_str() {
            Some("http") => (Protocol::Http, false, 80),
            Some("https") => (Protocol::Http, true, 443),
            Some("bin") => (Protocol::Binary, false, 8398),
            Some("bins") => (Protocol::Binary, true, 8399),
            _ => {
                return Err(bad(
                    "it has to begin with http://, https://, bin:// or bins://",
                ));
            }
        };
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
            return Err(bad("it has to end after the host and the port"));
        }
        let authority = parsed.authority().ok_or_else(|| bad("it names no host"))?;
        let (host, port) = host_and_port(authority).ok_or_else(|| bad("its host is malformed"))?;
        Ok(Address {
            protocol,
            tls,
            host,
            port: port.unwrap_or(default_port),
        })
    }

    /// The address of a content server, given as a link names it: a host, perhaps with a port.
    /// Content is served over HTTP, encrypted if calls are.
    ///
    /// # Errors
    /// [`Error::Protocol`] if `host` is not a host.
    pub fn of_content(host: &str, tls: bool) -> Result<Address, Error> {
        let authority: Option<Authority> = host.parse().ok();
        let Some((host, port)) = authority.as_ref().and_then(host_and_port) else {
            return Err(Error::protocol("a link names a malformed host"));
        };
        Ok(Address {
            protocol: Protocol::Http,
            tls,
            host,
            port: port.unwrap_or(if tls { 443 } else { 80 }),
        })
    }

    /// Host and port as they stand in a URL and in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        let Address { host, port, .. } = self;
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.clone(),
        };
        match (self.protocol, self.tls, port) {
            (Protocol::Http, false, 80) | (Protocol::Http, true, 443) => host,
            _ => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.protocol, self.tls) {
            (Protocol::Http, false) => "http",
            (Protocol::Http, true) => "https",
            (Protocol::Binary, false) => "bin",
            (Protocol::Binary, true) => "bins",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Splits an authority; `None` if it names a user, an unreadable port or no host.
fn host_and_port(authority: &Authority) -> Option<(String, Option<u16>)> {
    let text = authority.as_str();
    let bracketed = authority.host();
    let host = bracketed
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(bracketed);
    if host.is_empty() || text.contains('@') {
        return None;
    }
    match authority.port_u16() {
        Some(port) => Some((host.to_owned(), Some(port))),
        None if text == bracketed => Some((host.to_owned(), None)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        match Address::parse(url) {
            Ok(address) => format!("{address} {}", address.port),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn urls() {
        assert_eq!(shown("http://a"), "http://a 80");
        assert_eq!(shown("http://a:80/"), "http://a 80");
        assert_eq!(shown("https://a.example:444"), "https://a.example:444 444");
        assert_eq!(shown("bin://127.0.0.1"), "bin://127.0.0.1:8398 8398");
        assert_eq!(shown("bins://[::1]:443"), "bins://[::1]:443 443");
        assert_eq!(
            Address::parse("bins://[::1]").map(|a| a.host).ok(),
            Some("::1".into())
        );
        for bad in [
            "",
            "a",
            "a:80",
            "ftp://a",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://u@a",
            "http://a:",
            "http://a:99999",
            "http://a:x",
        ] {
            assert!(shown(bad).starts_with("not the URL"), "{bad}");
        }
    }

    #[test]
    fn hosts_of_links() {
        let shown = |host, tls| Address::of_content(host, tls).map(|a| a.to_string()).ok();
        assert_eq!(shown("c1.example", true), Some("https://c1.example".into()));
        assert_eq!(
            shown("127.0.0.1:8080", false),
            Some("http://127.0.0.1:8080".into())
        );
        assert_eq!(shown("a/b", true), None);
        assert_eq!(shown("u@b", true), None);
        assert_eq!(shown("", true), None);
    }
}
