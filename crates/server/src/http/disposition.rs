//! What the headers of a part of a form say about it.

use memchr::memmem;
use percent_encoding::percent_decode;

/// A part of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// Name of the form's field.
    pub(super) name: Option<Vec<u8>>,
    /// Name of the file, if the part is one.
    pub(super) file_name: Option<Vec<u8>>,
}

/// Reads `Content-Disposition` out of a part's headers; other headers mean nothing here. Some clients label files with
/// types that they are not.
pub(super) fn of_headers(mut block: &[u8]) -> Disposition {
    while let Some(end) = memmem::find(block, b"\r\n") {
        let (line, rest) = block.split_at(end);
        block = &rest[2..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        if line[..colon]
            .trim_ascii()
            .eq_ignore_ascii_case(b"content-disposition")
        {
            return parse(&line[colon + 1..]);
        }
    }
    Disposition::default()
}

/// Reads a header value such as `form-data; name="file"; filename="a.txt"`. Bytes that are not ASCII are taken as they
/// come, which is what browsers do with UTF-8.
fn parse(value: &[u8]) -> Disposition {
    let mut found = Disposition::default();
    let mut extended = None;
    let mut rest = after(value, b';');
    while !rest.is_empty() {
        let equals = rest
            .iter()
            .position(|byte| matches!(byte, b'=' | b';'))
            .unwrap_or(rest.len());
        let name = rest[..equals].trim_ascii();
        rest = &rest[equals..];
        let Some(text) = rest.strip_prefix(b"=") else {
            rest = after(rest, b';');
            continue;
        };
        let (value, next) = match text.trim_ascii_start().strip_prefix(b"\"") {
            Some(quoted) => {
                let (value, next) = quoted_text(quoted);
                (value, after(next, b';'))
            }
            None => {
                let end = text
                    .iter()
                    .position(|byte| *byte == b';')
                    .unwrap_or(text.len());
                (text[..end].trim_ascii().to_vec(), after(text, b';'))
            }
        };
        rest = next;
        if name.eq_ignore_ascii_case(b"name") {
            found.name = Some(unescape(&value));
        } else if name.eq_ignore_ascii_case(b"filename") {
            found.file_name = Some(unescape(&value));
        } else if name.eq_ignore_ascii_case(b"filename*") {
            extended = extended_text(&value);
        }
    }
    found.file_name = extended.or(found.file_name);
    found
}

/// What follows the first such byte; nothing, if there is none.
fn after(text: &[u8], byte: u8) -> &[u8] {
    text.iter()
        .position(|found| *found == byte)
        .map_or(&[], |at| &text[at + 1..])
}

/// Reads a quoted text whose opening quote is gone, and what follows it. A backslash counts only before a quote and
/// another backslash: some clients send the path of a file on Windows as it is.
fn quoted_text(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        match (byte, next) {
            (b'"', _) => break,
            (b'\\', [escaped @ (b'"' | b'\\'), after @ ..]) => {
                value.push(*escaped);
                rest = after;
            }
            _ => value.push(byte),
        }
    }
    (value, rest)
}

/// Browsers escape the three bytes that would end a quoted text or its line, and nothing else (WHATWG HTML, multipart
/// form data). So a `%41` in a name is just that.
fn unescape(value: &[u8]) -> Vec<u8> {
    const ESCAPES: [(&[u8], u8); 3] = [(b"%22", b'"'), (b"%0D", b'\r'), (b"%0A", b'\n')];
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, next)) = rest.split_first() {
        let escape = ESCAPES
            .iter()
            .find(|(text, _)| rest.len() >= 3 && rest[..3].eq_ignore_ascii_case(text));
        match escape {
            Some((text, byte)) => {
                out.push(*byte);
                rest = &rest[text.len()..];
            }
            None => {
                out.push(byte);
                rest = next;
            }
        }
    }
    out
}

/// Reads a value such as `UTF-8''a%20b.txt` (RFC 8187). Other character sets have been obsolete for decades.
fn extended_text(value: &[u8]) -> Option<Vec<u8>> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let charset = parts.next()?;
    let text = parts.nth(1)?;
    charset
        .eq_ignore_ascii_case(b"utf-8")
        .then(|| percent_decode(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, name: Option<&str>, file_name: Option<&str>) {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let expected = Disposition {
            name: bytes(name),
            file_name: bytes(file_name),
        };
        assert_eq!(parse(value.as_bytes()), expected, "{value}");
    }

    #[test]
    fn names_are_read_as_clients_write_them() {
        check(r#" form-data; name="a""#, Some("a"), None);
        check(
            r#"form-data;name=a;filename=b.txt"#,
            Some("a"),
            Some("b.txt"),
        );
        check(
            r#"form-data; NAME="a"; FileName="b;c=d.txt""#,
            Some("a"),
            Some("b;c=d.txt"),
        );
        check(
            r#"form-data; filename="b.txt"; name="a""#,
            Some("a"),
            Some("b.txt"),
        );
        check(r#"form-data; name="a"; filename="""#, Some("a"), Some(""));
        check(
            r#"form-data; name="a"; filename="q\"uo\\te.txt""#,
            Some("a"),
            Some("q\"uo\\te.txt"),
        );
        check(
            r#"form-data; filename="C:\dir\f.txt""#,
            None,
            Some("C:\\dir\\f.txt"),
        );
        check("form-data; filename=\"grün.txt\"", None, Some("grün.txt"));
        check(
            r#"form-data; filename="a%22b%0d%0A%41%2.txt""#,
            None,
            Some("a\"b\r\n%41%2.txt"),
        );
        check(
            r#"form-data; filename="x.txt"; filename*=UTF-8''gr%C3%BCn%20a.txt"#,
            None,
            Some("grün a.txt"),
        );
        check(
            r#"form-data; filename*=utf-8'de'b.txt; filename="x.txt""#,
            None,
            Some("b.txt"),
        );
        check(
            r#"form-data; filename*=latin1''b.txt; filename="x.txt""#,
            None,
            Some("x.txt"),
        );
        check(
            r#"form-data; filename="/a/b/c.txt""#,
            None,
            Some("/a/b/c.txt"),
        );
        check(r#"form-data; flag; name=x"#, Some("x"), None);
        check(r#"form-data; name="open"#, Some("open"), None);
        check("form-data", None, None);
        check("", None, None);
    }

    #[test]
    fn other_headers_mean_nothing() {
        let block = b"Content-Type: text/plain\r\nnonsense\r\ncontent-disposition : form-data; name=x\r\n\r\n";
        assert_eq!(of_headers(block).name.as_deref(), Some(&b"x"[..]));
        assert_eq!(of_headers(b"\r\n"), Disposition::default());
    }
}
