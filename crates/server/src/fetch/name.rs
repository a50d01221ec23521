//! The name under which something fetched is saved.

use percent_encoding::percent_decode_str;
use pileus_api::name::{NAME_MAX_BYTES, check_name};
use url::Url;

/// The name, if nothing else is known.
const FALLBACK: &str = "download";

/// The name of what a URL has led to: what `Content-Disposition` says, else the last part of the path, else
/// `download`. What may not be in a name becomes `_`.
pub fn file_name(url: &str, disposition: Option<&str>) -> String {
    let said = disposition.and_then(from_disposition);
    let candidates = [said, from_url(url)];
    let mut names = candidates.into_iter().flatten().map(|name| cleaned(&name));
    names
        .find(|name| check_name(name).is_ok())
        .unwrap_or_else(|| FALLBACK.into())
}

fn from_url(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let last = url.path_segments()?.next_back()?;
    Some(percent_decode_str(last).decode_utf8_lossy().into_owned())
}

/// `filename*` of RFC 5987, else `filename`, of which only the last part of a path counts.
fn from_disposition(header: &str) -> Option<String> {
    let mut plain = None;
    for (key, value) in parameters(header) {
        if key.eq_ignore_ascii_case("filename*") {
            let mut parts = value.splitn(3, '\'');
            let charset = parts.next().unwrap_or_default();
            let text = parts.nth(1).unwrap_or_default();
            if charset.eq_ignore_ascii_case("utf-8")
                && let Ok(name) = percent_decode_str(text).decode_utf8()
            {
                return Some(last_part(&name));
            }
        } else if key.eq_ignore_ascii_case("filename") {
            plain = Some(last_part(&value));
        }
    }
    plain
}

/// The parameters of a header, without the quotes around their values.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once(';') {
        let Some((key, value)) = after.split_once('=') else {
            break;
        };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        found.push((key.trim().to_owned(), value));
        rest = after;
    }
    found
}

/// The text up to the closing quote, and what follows.
fn quoted_text(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
            _ => text.push(letter),
        }
    }
    (text, "")
}

fn last_part(name: &str) -> String {
    name.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn cleaned(name: &str) -> String {
    let mut name: String = name
        .trim()
        .chars()
        .map(|letter| {
            if matches!(letter, '/' | '\\') || letter.is_control() {
                '_'
            } else {
                letter
            }
        })
        .collect();
    name.truncate(name.floor_char_boundary(NAME_MAX_BYTES));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_header_or_the_url() {
        for (url, disposition, expected) in [
            ("http://h/a/b.txt?x=1#y", None, "b.txt"),
            ("http://h/a%20b%2Fc.txt", None, "a b_c.txt"),
            ("http://h/%C3%A4.txt", None, "ä.txt"),
            ("http://h/", None, "download"),
            ("http://h", None, "download"),
            ("http://h/a/..", None, "download"),
            ("http://h/%2E%2E%00", None, ".._"),
            (
                "http://h/x",
                Some("attachment; filename=\"a b.txt\""),
                "a b.txt",
            ),
            (
                "http://h/x",
                Some("attachment;filename=plain.txt;size=3"),
                "plain.txt",
            ),
            (
                "http://h/x",
                Some("attachment; filename=\"a\\\"b;c.txt\"; x=y"),
                "a\"b;c.txt",
            ),
            (
                "http://h/x",
                Some("attachment; filename=\"old.txt\"; filename*=UTF-8''n%C3%A9w.txt"),
                "néw.txt",
            ),
            ("http://h/x", Some("attachment; filename*=latin1''a"), "x"),
            (
                "http://h/x",
                Some("attachment; filename=\"../../etc/passwd\""),
                "passwd",
            ),
            (
                "http://h/x",
                Some("attachment; filename=\"C:\\\\dir\\\\f.txt\""),
                "f.txt",
            ),
            ("http://h/x", Some("attachment; filename=\"..\""), "x"),
            ("http://h/x", Some("attachment; filename=\"\""), "x"),
            ("http://h/x", Some("attachment; filename=\"open"), "open"),
            ("http://h/x", Some("inline"), "x"),
            ("http://h/x", Some(";;;==;\""), "x"),
        ] {
            assert_eq!(
                file_name(url, disposition),
                expected,
                "{url} {disposition:?}"
            );
        }
        let long = format!("http://h/{}", "ä".repeat(2000));
        assert!(check_name(&file_name(&long, None)).is_ok());
    }
}
