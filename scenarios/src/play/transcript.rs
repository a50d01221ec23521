//! What a scenario's answers said, without what differs from run to run.

use super::check::show;
use pileus_wire::{Tree, UnixTime};
use std::collections::HashMap;

/// Times from here on were made by the run itself, since the scenarios use earlier ones: the first second of 2026.
const FIRST_SECOND_OF_RUNS: i64 = 1_767_225_600;

/// The answers of one run, one text per step.
///
/// Ids stand in the order of their first appearance, times of the run by their form. So the transcripts of two runs are
/// equal if a client that knows neither the ids nor the clock could not tell the runs apart.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Vec<String>,
    ids: HashMap<(IdSpace, u64), usize>,
    /// Texts that belong to this run, and what stands for them.
    own: Vec<(String, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum IdSpace {
    Folder,
    File,
    Account,
    Event,
    Revision,
    Token,
    Link,
    Upload,
    Share,
    Offer,
    Other,
}

impl Transcript {
    /// Hides a text of this run, such as the address of its server, behind a name.
    pub fn hide(&mut self, text: String, name: &'static str) {
        self.own.push((text, name));
    }

    /// Adds the answer of the step at a line of the file.
    pub fn add(&mut self, line: usize, answer: &Tree, data: Option<&[u8]>) {
        let answer = self.plain(answer, "");
        let data = data.map_or_else(String::new, |data| {
            format!(" data {} {:016x}", data.len(), checksum(data))
        });
        self.lines.push(format!("{line}: {}{data}", show(&answer)));
    }

    /// Takes back what was added last, if it belongs to this line.
    pub fn take_back(&mut self, line: usize) {
        self.lines
            .pop_if(|last| last.starts_with(&format!("{line}: ")));
    }

    /// The steps.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    fn plain(&mut self, tree: &Tree, key: &str) -> Tree {
        match tree {
            Tree::Num(number) => self.plain_number(*number, key),
            Tree::Text(text) => Tree::Text(self.plain_text(text, key)),
            Tree::List(items) => {
                Tree::List(items.iter().map(|item| self.plain(item, key)).collect())
            }
            Tree::Hash(fields) => {
                // A link's path holds a secret; what belongs to a link besides tells it from the path of an entry.
                let is_link = fields.iter().any(|(key, _)| key == "dwltag");
                let mut plain: Vec<(String, Tree)> = fields
                    .iter()
                    .filter(|(key, _)| !(is_link && key == "path"))
                    .map(|(key, value)| (key.clone(), self.plain(value, key)))
                    .collect();
                plain.sort_by(|(first, _), (second, _)| first.cmp(second));
                Tree::Hash(plain)
            }
            Tree::Bool(_) | Tree::Data(_) => tree.clone(),
        }
    }

    fn plain_number(&mut self, number: u64, key: &str) -> Tree {
        let space = match key {
            "folderid" | "parentfolderid" | "origparentfolderid" => IdSpace::Folder,
            "fileid" | "fileids" | "deletedfileid" => IdSpace::File,
            "userid" | "uid" | "fromuserid" | "touserid" | "folderowneruserid" => IdSpace::Account,
            "diffid" => IdSpace::Event,
            "revisionid" => IdSpace::Revision,
            "tokenid" => IdSpace::Token,
            "linkid" | "uploadlinkid" => IdSpace::Link,
            "uploadid" => IdSpace::Upload,
            "shareid" => IdSpace::Share,
            "sharerequestid" => IdSpace::Offer,
            "id" => IdSpace::Other,
            // How far something is that goes on by itself.
            "downloaded" => return Tree::Text("<bytes>".into()),
            _ if is_time(key)
                && i64::try_from(number).is_ok_and(|seconds| seconds >= FIRST_SECOND_OF_RUNS) =>
            {
                return Tree::Text("<seconds>".into());
            }
            _ => return Tree::Num(number),
        };
        Tree::Text(self.id(space, number))
    }

    /// The place of an id among those that appeared; the root folder keeps its number.
    fn id(&mut self, space: IdSpace, number: u64) -> String {
        if number == 0 {
            return "0".to_owned();
        }
        let next = self.ids.len() + 1;
        let place = self.ids.entry((space, number)).or_insert(next);
        format!("<{space:?} {place}>")
    }

    fn plain_text(&mut self, text: &str, key: &str) -> String {
        let number = text.get(1..).and_then(|digits| digits.parse().ok());
        match (key, number) {
            ("id", Some(number)) if text.starts_with('d') => {
                format!("d{}", self.id(IdSpace::Folder, number))
            }
            ("id", Some(number)) if text.starts_with('f') => {
                format!("f{}", self.id(IdSpace::File, number))
            }
            _ if is_secret(key) => format!("<{key}>"),
            ("fileid", _) if text.parse::<u64>().is_ok() => {
                self.id(IdSpace::File, text.parse().unwrap_or(0))
            }
            _ if is_time(key)
                && UnixTime::parse(text).is_some_and(|time| time.0 >= FIRST_SECOND_OF_RUNS) =>
            {
                "<time>".into()
            }
            _ => self
                .own
                .iter()
                .fold(text.to_owned(), |text, (own, name)| text.replace(own, name)),
        }
    }
}

/// Texts that are made at random, or hold something that is.
fn is_secret(key: &str) -> bool {
    matches!(
        key,
        "access_token"
            | "auth"
            | "code"
            | "digest"
            | "dwltag"
            | "link"
            | "recoverycodes"
            | "secret"
            | "linktoken"
            | "shortcode"
            | "shortlink"
            | "token"
            | "url"
            | "verifytoken"
    )
}

fn is_time(key: &str) -> bool {
    matches!(
        key,
        "created"
            | "modified"
            | "time"
            | "registered"
            | "expires"
            | "expires_inactive"
            | "added"
            | "mtime"
    )
}

/// FNV-1a: good enough to tell two contents apart in a report.
fn checksum(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Tells where two runs of the same scenario differ, if they do.
pub fn first_difference(one: &[String], other: &[String]) -> Option<(String, String)> {
    let longer = one.len().max(other.len());
    let line = |lines: &[String], at: usize| {
        lines
            .get(at)
            .cloned()
            .unwrap_or_else(|| "nothing".to_owned())
    };
    (0..longer)
        .map(|at| (line(one, at), line(other, at)))
        .find(|(one, other)| one != other)
}
