//! Who sends a request, as its headers tell: the address behind a proxy, the web page behind a browser, the token.

use crate::call::Basic;
use crate::config::Config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, ORIGIN, REFERER};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, and whether a trusted proxy stands between.
///
/// Each proxy appends the address it was reached from, so the list is read from its end: the first address that is not a
/// trusted proxy is the client. What stands before it was written by the client itself and may be a lie.
pub(super) fn address(config: &Config, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
    let is_trusted = |address: &IpAddr| config.trusted_proxies.contains(address);
    if !is_trusted(&peer) || !headers.contains_key(X_FORWARDED_FOR) {
        return (peer, false);
    }
    let mut client = peer;
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for address in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        let Some(address) = parse(address.trim()) else {
            break;
        };
        client = address;
        if !is_trusted(&client) {
            break;
        }
    }
    (client, true)
}

/// Some proxies add the port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare()
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// Name and password of an `Authorization: Basic` header, as the Go library for OAuth sends those of an app.
pub(super) fn basic(headers: &HeaderMap) -> Option<Basic> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(Basic {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

/// Whether a cookie may carry credentials. Browsers add cookies to the requests of any web page, so such a request must
/// come from a page of an origin that the configuration names, or from no page at all.
pub(super) fn may_use_cookies(config: &Config, headers: &HeaderMap) -> bool {
    let is_allowed = |origin: &str| {
        config
            .allowed_origins
            .iter()
            .any(|allowed| allowed == origin)
    };
    let has = |name, origin: fn(&str) -> &str| {
        headers
            .get(name)
            .map(|value| value.to_str().is_ok_and(|value| is_allowed(origin(value))))
    };
    has(ORIGIN, |origin| origin)
        .or_else(|| has(REFERER, origin_of))
        .unwrap_or(true)
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url[host..]
        .find(['/', '?', '#'])
        .unwrap_or(url.len() - host);
    &url[..host + path]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let mut config = Config {
            trusted_proxies: vec!["10.0.0.1".parse().unwrap()],
            ..Config::default()
        };
        config.trusted_proxies.push("fd00::1".parse().unwrap());
        let from = |peer: &str, lines: &[&str]| {
            let list: Vec<_> = lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect();
            let (client, via_proxy) = address(&config, peer.parse().unwrap(), &headers(&list));
            (client.to_string(), via_proxy)
        };
        let told = |client: &str| (client.to_owned(), true);
        assert_eq!(
            from("192.0.2.9", &["198.51.100.1"]),
            ("192.0.2.9".to_owned(), false)
        );
        assert_eq!(from("10.0.0.1", &[]), ("10.0.0.1".to_owned(), false));
        assert_eq!(from("10.0.0.1", &["198.51.100.1"]), told("198.51.100.1"));
        assert_eq!(
            from("10.0.0.1", &["1.1.1.1, 198.51.100.1"]),
            told("198.51.100.1"),
            "the first one is a lie"
        );
        assert_eq!(
            from("10.0.0.1", &["1.1.1.1", "198.51.100.1, fd00::1"]),
            told("198.51.100.1")
        );
        assert_eq!(
            from("10.0.0.1", &["198.51.100.1:4711"]),
            told("198.51.100.1")
        );
        assert_eq!(
            from("10.0.0.1", &["[2001:db8::1]:4711"]),
            told("2001:db8::1")
        );
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]"]), told("2001:db8::1"));
        assert_eq!(
            from("10.0.0.1", &["::ffff:198.51.100.1"]),
            told("198.51.100.1")
        );
        assert_eq!(from("10.0.0.1", &["nonsense"]), told("10.0.0.1"));
        assert_eq!(
            from("10.0.0.1", &["1.1.1.1, nonsense, fd00::1"]),
            told("fd00::1")
        );
    }

    #[test]
    fn bearer_tokens_are_found() {
        let of = |value: &str| bearer(&headers(&[(AUTHORIZATION, value)]));
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer"), None);
    }

    #[test]
    fn basic_credentials_are_found() {
        let of = |value: &str| {
            basic(&headers(&[(AUTHORIZATION, value)])).map(|basic| (basic.user, basic.password))
        };
        let told = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(of("Basic YXBwOnNlY3JldA=="), told("app", "secret"));
        assert_eq!(of("basic YTpiOmM="), told("a", "b:c"));
        for bad in [
            "Basic",
            "Basic YXBw",
            "Basic !!!",
            "Basic /w==",
            "Bearer YXBwOnNlY3JldA==",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn pages_of_other_origins_use_no_cookies() {
        let config = Config {
            allowed_origins: vec!["https://cloud.example".into()],
            ..Config::default()
        };
        let may = |list: &[(HeaderName, &str)]| may_use_cookies(&config, &headers(list));
        assert!(may(&[]));
        assert!(may(&[(ORIGIN, "https://cloud.example")]));
        assert!(may(&[(REFERER, "https://cloud.example/a?b#c")]));
        assert!(may(&[(REFERER, "https://cloud.example")]));
        assert!(!may(&[(ORIGIN, "https://evil.example")]));
        assert!(!may(&[(ORIGIN, "null")]));
        assert!(!may(&[(ORIGIN, "http://cloud.example")]));
        assert!(!may(&[(REFERER, "https://cloud.example.evil.example/")]));
        assert!(!may(&[(
            REFERER,
            "https://evil.example/?https://cloud.example"
        )]));
        assert!(!may(&[(REFERER, "https://cloud.example:444/")]));
        assert!(!may(&[
            (ORIGIN, "https://evil.example"),
            (REFERER, "https://cloud.example/")
        ]));
    }
}
