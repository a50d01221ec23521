//! Requests of HTTP that a scenario spells out.

use super::compute::Kept;
use crate::Result;
use crate::http::HttpAnswer;
use crate::script::{Body, Request};
use pileus_wire::Tree;
use std::io::Write;
use std::net::SocketAddr;

/// What separates the parts of a multipart body.
const BOUNDARY: &str = "----scenario-boundary";

/// The bytes of a request. Headers that the scenario sets itself are not added again.
pub(super) fn encode(request: &Request, kept: &Kept, address: SocketAddr) -> Result<Vec<u8>> {
    let target = kept.compute(&request.target)?.into_text()?;
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.verb).into_bytes();
    let mut names = Vec::new();
    for header in &request.headers {
        let header = kept.compute(header)?.into_bytes()?;
        let name = header
            .split(|&byte| byte == b':')
            .next()
            .unwrap_or_default();
        names.push(name.to_ascii_lowercase());
        head.extend_from_slice(&header);
        head.extend_from_slice(b"\r\n");
    }
    let mut add = |name: &str, value: &str| {
        if !names
            .iter()
            .any(|known| *known == name.to_ascii_lowercase().into_bytes())
        {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
    };
    add("Host", &address.to_string());
    let mut body = Vec::new();
    match &request.body {
        Body::None => {}
        Body::Whole(value) => {
            body = kept.compute(value)?.into_bytes()?;
            add("Content-Length", &body.len().to_string());
        }
        Body::Chunked(chunks) => {
            add("Transfer-Encoding", "chunked");
            for chunk in chunks {
                let chunk = kept.compute(chunk)?.into_bytes()?;
                write!(body, "{:x}\r\n", chunk.len())?;
                body.extend_from_slice(&chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
        }
        Body::Parts(parts) => {
            for (headers, content) in parts {
                write!(body, "--{BOUNDARY}\r\n")?;
                body.extend(kept.compute(headers)?.into_bytes()?);
                body.extend_from_slice(b"\r\n\r\n");
                body.extend(kept.compute(content)?.into_bytes()?);
                body.extend_from_slice(b"\r\n");
            }
            write!(body, "--{BOUNDARY}--\r\n")?;
            add(
                "Content-Type",
                &format!("multipart/form-data; boundary={BOUNDARY}"),
            );
            add("Content-Length", &body.len().to_string());
        }
    }
    head.extend_from_slice(b"\r\n");
    head.extend(body);
    Ok(head)
}

/// An answer of HTTP as fields: `status`, `header`, `json` if it is JSON, and `size` of the body.
pub(super) fn fields(answer: &HttpAnswer) -> Result<Tree> {
    let HttpAnswer { head, body } = answer;
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Tree::Text(value.clone())));
    let mut fields = vec![
        ("status".to_owned(), Tree::Num(u64::from(head.status))),
        ("header".to_owned(), Tree::Hash(headers.collect())),
        ("size".to_owned(), Tree::Num(body.len() as u64)),
    ];
    if head.is_json() && !body.is_empty() {
        fields.push(("json".to_owned(), Tree::from_json(body)?));
    }
    Ok(Tree::Hash(fields))
}

/// The same without what differs from run to run, for a transcript.
pub(super) fn lasting_fields(fields: &Tree) -> Tree {
    match fields {
        Tree::Hash(fields) => {
            // The size of a JSON answer depends on the length of its ids, that of a page on addresses and codes.
            let is_page = |header: &Tree| {
                let kind = header.get("content-type").and_then(Tree::as_str);
                kind.is_some_and(|kind| kind.starts_with("text/html"))
            };
            let has_size = !fields
                .iter()
                .any(|(name, value)| name == "json" || (name == "header" && is_page(value)));
            let keep =
                |name: &str| ["status", "json"].contains(&name) || (name == "size" && has_size);
            let fields = fields.iter().filter(|(name, _)| keep(name));
            Tree::Hash(fields.cloned().collect())
        }
        other => other.clone(),
    }
}

/// The method that a request calls: the path of its target.
pub(super) fn method(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or(target);
    path.trim_matches('/')
}
