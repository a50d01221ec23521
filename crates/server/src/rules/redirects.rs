//! Addresses that apps are answered at. Whoever gets one past this check gets codes and tokens of others, so there is
//! no cleverness in it: what was registered, letter by letter, but for the port of one's own machine.

use url::Url;

/// Longest address.
const MAX_BYTES: usize = 1000;

/// Schemes that make a browser do something with an address other than to go there or to start a program.
const FORBIDDEN_SCHEMES: [&str; 7] = [
    "javascript",
    "vbscript",
    "data",
    "file",
    "blob",
    "about",
    "view-source",
];

/// Whether an address may be registered: `scheme://` and more, without a fragment, in plain ASCII.
pub fn is_registrable(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return false;
    };
    let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_plain = rest
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte));
    let is_known = FORBIDDEN_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
    is_scheme && is_plain && !is_known && !rest.is_empty() && uri.len() <= MAX_BYTES
}

/// Whether an address may be shown to people as that of an app's page.
pub fn is_home_page(address: &str) -> bool {
    let is_of_the_web = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && address.len() <= MAX_BYTES
        && Url::parse(address).is_ok_and(|url| is_of_the_web(&url))
}

/// Whether an app with these registered addresses, one a line, may be answered at `uri`.
pub fn is_registered(registered: &str, uri: &str) -> bool {
    registered
        .lines()
        .any(|known| known == uri || is_same_but_for_port(known, uri))
}

/// Programs listen on their own machine on whatever port is free (RFC 8252, section 7.3).
fn is_same_but_for_port(known: &str, uri: &str) -> bool {
    match (loopback(known), loopback(uri)) {
        (Some(known), Some(uri)) => known == uri,
        _ => false,
    }
}

/// Host and rest of an address of one's own machine, without the port.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let after = uri.strip_prefix("http://")?;
    let host = ["localhost", "127.0.0.1", "[::1]"]
        .into_iter()
        .find(|host| after.starts_with(host))?;
    let mut rest = &after[host.len()..];
    if let Some(port) = rest.strip_prefix(':') {
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        port[..digits].parse::<u16>().ok()?;
        rest = &port[digits..];
    }
    let is_complete = rest.is_empty() || rest.starts_with(['/', '?']);
    is_complete.then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/cb?x=1",
            "http://localhost:53682/",
            "http://127.0.0.1/",
            "pcloud-oauth://com.example.app",
            "pclsdk-w-abc://oauth2redirect",
        ] {
            assert!(is_registrable(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "app.example/cb",
            "javascript://%0aalert(1)",
            "JavaScript://x",
            "data://text/html,x",
            "file:///etc/passwd",
            "https://app.example/#x",
            "https://app.example/\r\nSet-Cookie: a=b",
            "https://app.example/ x",
            "https://app.example\\@evil.example/",
            "https://\u{e4}pp.example/",
            "1a://x",
            "://x",
        ] {
            assert!(!is_registrable(bad), "{bad}");
        }
        assert!(!is_registrable(&format!(
            "https://{}",
            "x".repeat(MAX_BYTES)
        )));
    }

    #[test]
    fn only_what_is_registered_fits() {
        let registered = "https://app.example/cb\nhttp://localhost:53682/\nhttp://127.0.0.1/cb?a=b";
        for good in [
            "https://app.example/cb",
            "http://localhost:53682/",
            "http://localhost:1/",
            "http://localhost/",
            "http://127.0.0.1:8000/cb?a=b",
        ] {
            assert!(is_registered(registered, good), "{good}");
        }
        for bad in [
            "",
            "https://app.example",
            "https://app.example/cb/",
            "https://app.example/cb?x",
            "https://app.example:443/cb",
            "https://app.example:444/cb",
            "https://APP.example/cb",
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://app.example.evil.example/cb",
            "https://evil.example/?https://app.example/cb",
            "https://app.example/cb\nhttp://localhost:53682/",
            "http://localhost:53682",
            "http://localhost:53682/x",
            "http://localhost.evil.example:53682/",
            "http://localhost:53682@evil.example/",
            "http://localhost@evil.example/",
            "http://localhost:/",
            "http://localhost:99999/",
            "http://127.0.0.1:53682/",
            "https://localhost:53682/",
            "http://127.0.0.1:8000/cb?a=c",
        ] {
            assert!(!is_registered(registered, bad), "{bad}");
        }
    }
}
