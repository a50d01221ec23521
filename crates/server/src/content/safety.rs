//! Contents of users are served so that they cannot act as pages of this server.
//!
//! Every content is sandboxed and keeps the type it is labelled with. Types that a browser would run, or might, are saved
//! instead of shown: the list below names what is safe to show, and everything else counts as unsafe.

use http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest file name that is put into a header, in bytes as it stands there. The sync client has room for 4000 bytes of
/// headers.
const MAX_NAME_BYTES: usize = 1024;

/// RFC 8187 has these stand for themselves.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");
const PDF: &str = "application/pdf";

/// Whether browsers show this type without running any of it.
fn is_passive(essence: &str) -> bool {
    const PASSIVE: [&str; 16] = [
        "application/octet-stream",
        PDF,
        "image/apng",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "image/x-icon",
        "text/csv",
        "text/markdown",
        "text/plain",
        "application/json",
    ];
    essence.starts_with("audio/") || essence.starts_with("video/") || PASSIVE.contains(&essence)
}

/// Sets `Content-Type` and what keeps a browser from taking the content for anything else. Answers whether it may be
/// shown.
pub fn set_type(headers: &mut HeaderMap, content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let value = HeaderValue::from_str(content_type).unwrap_or(OCTET_STREAM);
    headers.insert(CONTENT_TYPE, value);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Browsers show no PDF in a sandbox; their viewers are sandboxes of their own.
    if essence != PDF {
        let policy = HeaderValue::from_static(
            "sandbox; default-src 'none'; media-src 'self'; img-src 'self'",
        );
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    is_passive(&essence)
}

/// Sets `Content-Disposition` (RFC 6266). The plain form of the name is for clients that know no other; whatever could
/// end it or the header is replaced there.
pub fn set_disposition(headers: &mut HeaderMap, is_shown: bool, name: &str) {
    let plain: String = name
        .chars()
        .map(|char| {
            if matches!(char, ' '..='~') && !matches!(char, '"' | '\\' | '%') {
                char
            } else {
                '_'
            }
        })
        .take(MAX_NAME_BYTES / 4)
        .collect();
    let mut extended = String::new();
    // Whole characters, so that what is cut off leaves valid UTF-8.
    for char in name.chars() {
        let escaped = utf8_percent_encode(char.encode_utf8(&mut [0; 4]), EXTENDED).to_string();
        if extended.len() + escaped.len() > MAX_NAME_BYTES {
            break;
        }
        extended.push_str(&escaped);
    }
    let kind = if is_shown { "inline" } else { "attachment" };
    let value = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}");
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_not_shown() {
        let is_shown = |content_type: &str| set_type(&mut HeaderMap::new(), content_type);
        for content_type in [
            "image/png",
            "video/mp4",
            "text/plain; charset=utf-8",
            "Audio/MPEG",
            "application/pdf",
        ] {
            assert!(is_shown(content_type), "{content_type}");
        }
        for content_type in [
            "text/html",
            "Text/HTML; charset=utf-8",
            " text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/javascript",
            "text/css",
            "text/html,text/plain",
            "application/x-shockwave-flash",
            "multipart/x-mixed-replace",
            "",
            "x",
        ] {
            assert!(!is_shown(content_type), "{content_type}");
        }
        let mut headers = HeaderMap::new();
        set_type(&mut headers, "text/html\r\nSet-Cookie: a=b");
        assert_eq!(headers[CONTENT_TYPE], OCTET_STREAM);
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(
            headers[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .starts_with("sandbox;")
        );
    }

    #[test]
    fn names_cannot_break_out_of_the_header() {
        let of = |name: &str| {
            let mut headers = HeaderMap::new();
            set_disposition(&mut headers, false, name);
            headers[CONTENT_DISPOSITION].to_str().unwrap().to_owned()
        };
        assert_eq!(
            of("a b.txt"),
            "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"
        );
        assert_eq!(
            of("ü\"\\%.txt"),
            "attachment; filename=\"____.txt\"; filename*=UTF-8''%C3%BC%22%5C%25.txt"
        );
        assert_eq!(
            of("a\r\nX: y\u{1b}"),
            "attachment; filename=\"a__X: y_\"; filename*=UTF-8''a%0D%0AX%3A%20y%1B"
        );
        let long = of(&"ü".repeat(1000));
        assert!(long.len() < 1500, "{}", long.len());
        assert!(long.ends_with("%C3%BC"));
    }
}
