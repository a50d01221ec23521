//! How the page of a link looks.

use super::words::{count, size};
use super::{DOWNLOAD_PATH, SHOW_PATH};
use crate::http::Answer;
use crate::language::{LANGUAGES, Language};
use crate::phrases::day;
use crate::rules::public_links::{Entry, Page};
use crate::web::answer::{href, page};
use askama::Template;
use http::{Response, StatusCode};
use pileus_api::{Metadata, UnixTime};

/// Entries of one page of a folder.
pub(super) const PAGE_ENTRIES: usize = 500;

/// What is at the bottom of each page.
struct Foot {
    expires: Option<String>,
    /// The page in the other languages: code, name and address.
    languages: Vec<(&'static str, &'static str, String)>,
}

impl Foot {
    fn new(language: Language, code: &str, path: &str, expires: Option<i64>) -> Self {
        let others = LANGUAGES.iter().filter(|(id, _)| *id != language.code());
        Self {
            expires: expires.map(|time| day(UnixTime(time), language)),
            languages: others
                .map(|&(id, name)| {
                    let parameters = [("code", code), ("path", path), ("lang", id)];
                    (id, name, href(SHOW_PATH, &parameters))
                })
                .collect(),
        }
    }
}

/// The page of a file.
#[derive(Template)]
#[template(path = "web/link_file.html")]
pub(super) struct FilePage {
    language: Language,
    title: String,
    size: String,
    modified: String,
    download: String,
    foot: Foot,
}

impl FilePage {
    pub(super) fn new(
        language: Language,
        code: &str,
        file: &Metadata,
        expires: Option<i64>,
    ) -> Self {
        Self {
            language,
            title: file.name.clone(),
            size: size(file.file().map_or(0, |facts| facts.size), language),
            modified: day(file.modified, language),
            download: href(DOWNLOAD_PATH, &[("code", code), ("lang", language.code())]),
            foot: Foot::new(language, code, "", expires),
        }
    }

    pub(super) fn respond(&self) -> Response<Answer> {
        respond(self)
    }
}

/// A folder above the one that is shown.
struct Crumb {
    name: String,
    href: String,
}

/// An entry of a folder.
struct Row {
    name: String,
    href: String,
    is_folder: bool,
    size: String,
    modified: String,
}

/// The page of a folder.
#[derive(Template)]
#[template(path = "web/link_folder.html")]
pub(super) struct FolderPage {
    language: Language,
    title: String,
    crumbs: Vec<Crumb>,
    summary: String,
    rows: Vec<Row>,
    /// What is said if there are no rows.
    nothing: &'static str,
    first: Option<String>,
    next: Option<String>,
    foot: Foot,
    code: String,
}

impl FolderPage {
    /// The page of the folder at a path below the linked one, which has this name.
    pub(super) fn new(
        language: Language,
        code: &str,
        name: &str,
        path: &[String],
        expires: Option<i64>,
    ) -> Self {
        let names = std::iter::once(name).chain(path.iter().map(String::as_str));
        let mut crumbs: Vec<Crumb> = names
            .enumerate()
            .map(|(depth, name)| Crumb {
                name: name.to_owned(),
                href: folder_href(code, &path[..depth], "", language),
            })
            .collect();
        let title = crumbs.pop().map_or_else(String::new, |last| last.name);
        Self {
            language,
            title,
            crumbs,
            summary: String::new(),
            rows: Vec::new(),
            nothing: "",
            first: None,
            next: None,
            foot: Foot::new(language, code, &joined(path), expires),
            code: code.to_owned(),
        }
    }

    /// Adds the entries of a page of the folder, which is the first one or a later one.
    pub(super) fn with_entries(mut self, path: &[String], page: &Page, is_first: bool) -> Self {
        let language = self.language;
        // What is not read is not counted.
        self.summary = if is_first && page.next.is_none() {
            self.summary_of(&page.entries)
        } else {
            let (one, many) = language.say(
                ("entry on this page", "entries on this page"),
                ("Eintrag auf dieser Seite", "Einträge auf dieser Seite"),
            );
            count(page.entries.len(), one, many)
        };
        self.nothing = if is_first && page.next.is_none() {
            language.say("This folder is empty.", "Dieser Ordner ist leer.")
        } else {
            language.say(
                "There is nothing on this page.",
                "Auf dieser Seite ist nichts.",
            )
        };
        let rows = page.entries.iter();
        self.rows = rows.map(|entry| self.row(path, &entry.metadata)).collect();
        let to = |after: &str| folder_href(&self.code, path, after, language);
        self.first = (!is_first).then(|| to(""));
        self.next = page.next.as_ref().map(|mark| to(&mark.text()));
        self
    }

    pub(super) fn respond(&self) -> Response<Answer> {
        respond(self)
    }

    fn row(&self, path: &[String], entry: &Metadata) -> Row {
        let (href, size) = match entry.file() {
            Some(file) => {
                let id = file.fileid.to_string();
                let language = self.language.code();
                let parameters = [("code", &*self.code), ("fileid", &id), ("lang", language)];
                (
                    href(DOWNLOAD_PATH, &parameters),
                    size(file.size, self.language),
                )
            }
            None => {
                let inside = [path, std::slice::from_ref(&entry.name)].concat();
                let href = folder_href(&self.code, &inside, "", self.language);
                (href, String::new())
            }
        };
        Row {
            name: entry.name.clone(),
            href,
            is_folder: entry.is_folder(),
            size,
            modified: day(entry.modified, self.language),
        }
    }

    fn summary_of(&self, all: &[Entry]) -> String {
        let language = self.language;
        let folders = all.iter().filter(|entry| entry.place.is_some()).count();
        let files = all.len() - folders;
        let mut parts = Vec::new();
        if folders > 0 {
            let (one, many) = language.say(("folder", "folders"), ("Ordner", "Ordner"));
            parts.push(count(folders, one, many));
        }
        if files > 0 {
            let (one, many) = language.say(("file", "files"), ("Datei", "Dateien"));
            parts.push(count(files, one, many));
            let sizes = all.iter().filter_map(|entry| entry.metadata.file());
            let bytes = sizes.fold(0_u64, |sum, file| sum.saturating_add(file.size));
            parts.push(size(bytes, language));
        }
        parts.join(" · ")
    }
}

/// The path of a folder below the link; empty for the linked one.
fn joined(path: &[String]) -> String {
    path.iter().flat_map(|name| ["/", name]).collect()
}

fn folder_href(code: &str, path: &[String], after: &str, language: Language) -> String {
    let parameters = [
        ("code", code),
        ("path", &joined(path)),
        ("after", after),
        ("lang", language.code()),
    ];
    href(SHOW_PATH, &parameters)
}

fn respond(template: &impl Template) -> Response<Answer> {
    match template.render() {
        Ok(html) => page(StatusCode::OK, html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            page(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::public_links::Mark;
    use pileus_api::UnixTime;
    use pileus_api::metadata::{FileFacts, Kind};

    #[test]
    fn names_stay_text() {
        let evil = "\"><script>alert(1)</script>&x=1";
        let file = Metadata {
            kind: Kind::File(FileFacts {
                fileid: 7,
                size: 1,
                hash: 0,
                deletedfileid: None,
                revisionid: None,
                conflicted: false,
                media: None,
            }),
            name: evil.into(),
            parentfolderid: None,
            rights: None,
            isshared: false,
            isdeleted: false,
            origparentfolderid: None,
            created: UnixTime(0),
            modified: UnixTime(0),
            path: None,
        };
        let entry = Entry {
            metadata: file.clone(),
            place: None,
        };
        let path = [evil.to_owned()];
        let page = Page {
            entries: vec![entry],
            next: Some(Mark::File(evil.into())),
        };
        let folder = FolderPage::new(Language::En, evil, evil, &path, None);
        let folder = folder.with_entries(&path, &page, false);
        let file = FilePage::new(Language::En, evil, &file, Some(0));
        for html in [folder.render().unwrap(), file.render().unwrap()] {
            assert!(
                !html.contains("<script>") && !html.contains("&x=1"),
                "{html}"
            );
            assert!(html.contains("alert(1)"), "{html}");
        }
    }

    #[test]
    fn addresses_hold_whatever_names_hold() {
        assert_eq!(
            href("/a", &[("code", "x"), ("path", ""), ("after", "/ä &?#")]),
            "/a?code=x&after=%2F%C3%A4%20%26%3F%23"
        );
    }
}
