//! Leading the browser back to an app, with what it is to be told in the address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded in values: all but what RFC 3986 never reserves, and the colon of `host:port`, which is allowed in queries
/// and fragments. The Swift SDK takes values from the fragment as they are and decodes nothing, and it cuts them at `=`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// Where in the address the app reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the query, which servers see.
    Query,
    /// In the fragment, which stays in the browser.
    Fragment,
}

/// The address of an app with what it is told. `redirect` is one that was registered.
///
/// Where no browser page but a program opens the address, what is in the query is in the fragment as well, because the Java
/// SDK reads it there; on pages of the web it is not, so that no script there comes by a code.
pub(super) fn address(redirect: &str, place: Place, pairs: &[(&str, &str)]) -> String {
    let told: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    let told = told.join("&");
    let query_sign = if redirect.contains('?') { '&' } else { '?' };
    match place {
        Place::Fragment => format!("{redirect}#{told}"),
        Place::Query if is_of_a_program(redirect) => {
            format!("{redirect}{query_sign}{told}#{told}")
        }
        Place::Query => format!("{redirect}{query_sign}{told}"),
    }
}

/// Whether a program other than the browser opens an address.
pub(super) fn is_of_a_program(redirect: &str) -> bool {
    let scheme = redirect.split("://").next().unwrap_or_default();
    !["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let pairs = [("code", "a1"), ("state", "x =&#/+%\r\n\u{e4}-._~")];
        let state = "x%20%3D%26%23%2F%2B%25%0D%0A%C3%A4-._~";
        for (redirect, place, expected) in [
            (
                "https://a/cb",
                Place::Query,
                format!("https://a/cb?code=a1&state={state}"),
            ),
            (
                "https://a/cb?x=1",
                Place::Query,
                format!("https://a/cb?x=1&code=a1&state={state}"),
            ),
            (
                "https://a/cb",
                Place::Fragment,
                format!("https://a/cb#code=a1&state={state}"),
            ),
            (
                "app://x",
                Place::Query,
                format!("app://x?code=a1&state={state}#code=a1&state={state}"),
            ),
        ] {
            assert_eq!(address(redirect, place, &pairs), expected);
        }
        // As the Swift SDK reads it, which decodes nothing.
        let pairs = [("hostname", "my-api.example.org:8443")];
        assert_eq!(
            address("pclsdk-w-x://oauth2redirect", Place::Fragment, &pairs),
            "pclsdk-w-x://oauth2redirect#hostname=my-api.example.org:8443"
        );
    }
}
