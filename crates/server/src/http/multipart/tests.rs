//! Forms as clients write them, as nobody should, and in all pieces.

use super::*;
use futures_util::stream;

type Pieces = stream::Iter<std::vec::IntoIter<Result<Bytes, Broken>>>;

fn parts(body: &[u8], piece: usize) -> Parts<Pieces> {
    let pieces: Vec<_> = body
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    Parts::new(stream::iter(pieces), "b")
}

/// Name, file name and content of each part.
type Found = Vec<(String, Option<String>, Vec<u8>)>;

/// The same of one part.
type Expected<'a> = (&'a str, Option<&'a str>, &'a [u8]);

async fn read(body: &[u8], piece: usize) -> Result<Found, Broken> {
    let mut parts = parts(body, piece);
    let mut found = Vec::new();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    while let Some(part) = parts.next_part().await? {
        let mut content = Vec::new();
        while let Some(bytes) = parts.content().await? {
            assert!(!bytes.is_empty());
            content.extend_from_slice(&bytes);
        }
        assert_eq!(parts.content().await, Ok(None));
        found.push((
            part.name.map(text).unwrap_or_default(),
            part.file_name.map(text),
            content,
        ));
    }
    assert_eq!(parts.next_part().await.map(|part| part.is_none()), Ok(true));
    Ok(found)
}

/// Reads a body in pieces of every size.
async fn check(body: &[u8], expected: Result<&[Expected<'_>], Broken>) {
    let expected: Result<Found, Broken> = expected.map(|parts| {
        let owned = |part: &Expected<'_>| {
            (
                part.0.to_owned(),
                part.1.map(str::to_owned),
                part.2.to_owned(),
            )
        };
        parts.iter().map(owned).collect()
    });
    for piece in 1..=body.len() {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(
            read(body, piece).await,
            expected,
            "{shown:?} in pieces of {piece}"
        );
    }
}

#[tokio::test]
async fn parts_are_found_in_whatever_pieces_they_come() {
    let field = b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n";
    let with = |content: &[u8]| [field, content, b"\r\n--b--\r\n"].concat();
    let contents: [&[u8]; 10] = [
        b"",
        b"value",
        b"\r\n",
        b"\r\n--",
        b"\r\n--\r\n-b",
        b"\r\r\n\r\n--c\r",
        b"--b",
        b"--b--\r\n",
        b"\n--b--\n",
        b"\r\n\r\n",
    ];
    for content in contents {
        check(&with(content), Ok(&[("x", None, content)])).await;
    }
}

#[tokio::test]
async fn forms_of_all_kinds_are_read() {
    check(b"--b--", Ok(&[])).await;
    check(b"\r\n--b--\r\n", Ok(&[])).await;
    check(b"preamble\r\n--b--\r\nepilogue\r\n--b\r\n", Ok(&[])).await;
    check(b"--b\r\n\r\n\r\n--b--", Ok(&[("", None, b"")])).await;
    check(b"--b\t \r\nX: y\r\n\r\nz\r\n--b--", Ok(&[("", None, b"z")])).await;
    let two =
        b"--b\r\ncontent-disposition: form-data; name=a\r\nContent-Type: x\r\n\r\n1\r\n--b\r\n\
        Content-Disposition: form-data; name=f; filename=\"n\"\r\n\r\n2\r\n--b--\r\n";
    check(two, Ok(&[("a", None, b"1"), ("f", Some("n"), b"2")])).await;
}

#[tokio::test]
async fn what_is_cut_short_or_no_form_is_broken() {
    let whole = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncontent\r\n--b--";
    for end in 0..whole.len() - 1 {
        assert_eq!(read(&whole[..end], 7).await, Err(Broken), "{end} bytes");
    }
    check(b"no boundary at all", Err(Broken)).await;
    check(b"--bb\r\n\r\n\r\n--bb--", Err(Broken)).await;
    check(b"--b x\r\n\r\n\r\n--b--", Err(Broken)).await;
    check(b"--b-\r\n\r\n\r\n--b--", Err(Broken)).await;
}

#[tokio::test]
async fn what_has_to_be_kept_is_bounded() {
    let long = vec![b'x'; 3 * MAX_OVERHEAD_BYTES];
    for piece in [1000, 100_000] {
        assert_eq!(
            read(&[b"--b\r\nX: ", &long[..]].concat(), piece).await,
            Err(Broken),
            "headers"
        );
        assert_eq!(
            read(&[&long, &b"\r\n--b--"[..]].concat(), piece).await,
            Err(Broken),
            "preamble"
        );
        assert_eq!(
            read(&[b"--b--", &long[..]].concat(), piece).await,
            Err(Broken),
            "epilogue"
        );
        let content = [b"--b\r\n\r\n", &long[..], b"\r\n--b--"].concat();
        assert_eq!(read(&content, piece).await.unwrap()[0].2, long);
    }
}

#[tokio::test]
async fn contents_can_be_skipped() {
    let body = b"--b\r\n\r\nfirst\r\n--b\r\nContent-Disposition: x; name=n\r\n\r\nsecond\r\n--b--";
    for piece in 1..body.len() {
        let mut parts = parts(body, piece);
        parts.next_part().await.unwrap().unwrap();
        let second = parts.next_part().await.unwrap().unwrap();
        assert_eq!(second.name.as_deref(), Some(&b"n"[..]));
        assert_eq!(parts.next_part().await, Ok(None));
    }
}

#[tokio::test]
async fn files_are_what_has_a_file_name() {
    let part = |disposition: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
    };
    let body = part("filename=\"\"", "")
        + &part("name=late", "ignored")
        + &part("filename=a", "1")
        + &part("filename=\"\"", "nameless")
        + &part("filename=b", "")
        + "--b--";
    for piece in 1..body.len() {
        let mut files = Files::new(parts(body.as_bytes(), piece), None);
        assert_eq!(files.chunk().await, Ok(None), "no file has begun");
        let mut found = Vec::new();
        while let Some(head) = files.next_file().await.unwrap() {
            let mut content = Vec::new();
            while let Some(bytes) = files.chunk().await.unwrap() {
                content.extend_from_slice(&bytes);
            }
            found.push((head.name.unwrap(), content));
        }
        let expected = [("a", "1"), ("", "nameless"), ("b", "")];
        let bytes = |text: &str| text.as_bytes().to_vec();
        assert_eq!(
            found,
            expected.map(|(name, content)| (bytes(name), bytes(content)))
        );
    }
}

#[test]
fn boundaries_are_read() {
    for (content_type, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("multipart/form-data;boundary=\"a b;c\"", Some("a b;c")),
        (
            "multipart/form-data; charset=utf-8; Boundary=abc; x=y",
            Some("abc"),
        ),
        (
            "multipart/form-data; charset=\"x; boundary=no\"; boundary=abc",
            Some("abc"),
        ),
        ("multipart/form-data; boundary=--=_a:/b", Some("--=_a:/b")),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"abc", None),
        ("multipart/form-data; x=y", None),
        ("multipart/form-data", None),
    ] {
        assert_eq!(boundary(content_type), expected, "{content_type}");
    }
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    assert_eq!(boundary(&long), None);
}
