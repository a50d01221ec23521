//! Forms that nobody meant well: reading them ends, the same however the bytes are cut into pieces, and yields no more than
//! came in. `make fuzz` tries more of them than every run of the tests does.

use super::*;
use futures_util::{FutureExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What forms are made of, and what is mistaken for it.
const TOKENS: [&str; 20] = [
    "--b\r\n",
    "--b--\r\n",
    "\r\n--b\r\n",
    "\r\n--b--",
    "\r\n",
    "\r",
    "\n",
    "--",
    "b",
    "Content-Disposition: form-data; name=\"a\"",
    "content-disposition:form-data;name=a;filename=\"f\\\"g\"",
    "; filename=\"f\"",
    "; filename*=UTF-8''%C3%BC",
    "Content-Type: text/plain",
    ": ",
    "\"",
    "%0",
    "\0",
    "ü",
    "a longer piece of content, which is no part of anything",
];

type Read = Result<Vec<(Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>)>, Broken>;

async fn read(body: &[u8], piece: usize) -> Read {
    let pieces: Vec<_> = body
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut parts = Parts::new(stream::iter(pieces), "b");
    let mut found = Vec::new();
    while let Some(part) = parts.next_part().await? {
        let mut content = Vec::new();
        while let Some(bytes) = parts.content().await? {
            content.extend_from_slice(&bytes);
        }
        found.push((
            part.name.map(|name| name.to_vec()),
            part.file_name.map(|name| name.to_vec()),
            content,
        ));
    }
    Ok(found)
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PILEUS_FUZZ_CASES").ok();
    ProptestConfig {
        cases: cases.map_or(256, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn forms_of_any_kind_read_the_same_in_all_pieces(
        tokens in vec(select(&TOKENS[..]), 0..40),
        piece in 1_usize..50,
    ) {
        let body = tokens.concat().into_bytes();
        // All bytes are there already, so nothing waits.
        let whole = read(&body, body.len().max(1)).now_or_never().unwrap();
        let cut = read(&body, piece).now_or_never().unwrap();
        prop_assert_eq!(&whole, &cut);
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let yielded: usize = whole.iter().flatten().map(|(name, file, content)| {
            length(name) + length(file) + content.len()
        }).sum();
        prop_assert!(yielded <= body.len());
    }

    #[test]
    fn boundaries_of_any_kind_are_read_or_refused(text in ".{0,120}") {
        let content_type = format!("multipart/form-data{text}");
        if let Some(boundary) = boundary(&content_type) {
            prop_assert!(!boundary.is_empty() && content_type.contains(boundary));
        }
    }
}
