//! Mails that a server without a mail server has written.

use crate::Result;
use mail_parser::MessageParser;
use pileus_wire::Tree;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A mail as scenarios look at it.
#[derive(Debug)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Its parts by name: `subject`, `text`, `html`, and `code`, `link` and `path` of its first link with a code.
    pub fields: Tree,
}

/// The mails in a folder by the names of their files, in the order they were written.
pub fn read(folder: &Path) -> Result<BTreeMap<(u64, u64), Mail>> {
    let mut mails = BTreeMap::new();
    let Ok(files) = fs::read_dir(folder) else {
        // There is no folder before there are mails.
        return Ok(mails);
    };
    for file in files {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.split_once('-'));
        let Some((created, id)) = name else { continue };
        // Names of unfinished files begin with a dot.
        if let (Ok(created), Ok(id)) = (created.parse(), id.parse()) {
            mails.insert((created, id), parse(&fs::read(&path)?)?);
        }
    }
    Ok(mails)
}

fn parse(bytes: &[u8]) -> Result<Mail> {
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or("a file that is no mail")?;
    let to = message.to().and_then(|to| to.first()?.address());
    let to = to.ok_or("a mail to nobody")?.to_owned();
    let text = message.body_text(0).unwrap_or_default().into_owned();
    let html = message.body_html(0).unwrap_or_default().into_owned();
    let mut fields = vec![
        ("to", to.clone()),
        ("subject", message.subject().unwrap_or_default().to_owned()),
    ];
    let link = text
        .split_whitespace()
        .find(|word| word.contains("://") && word.contains("code="));
    if let Some((link, (_, code))) = link.and_then(|link| Some((link, link.split_once("code=")?))) {
        let host = link.find("://").map_or(0, |scheme| scheme + 3);
        let path = link[host..].find('/').map_or("", |at| &link[host + at..]);
        fields.push(("code", code.to_owned()));
        fields.push(("path", path.to_owned()));
        fields.push(("link", link.to_owned()));
    }
    fields.push(("text", text));
    fields.push(("html", html));
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Tree::Text(value)));
    Ok(Mail {
        to,
        fields: Tree::Hash(fields.collect()),
    })
}
