//! Public links.

mod change;
mod create;
mod list;
mod send;
mod visit;

use crate::app::App;
use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::rules::public_links::Item;
use pileus_api::field::Datetime;
use pileus_api::metadata::Kind;
use pileus_api::{Metadata, UnixTime};
use pileus_store::public_links::PublicLink;

/// Full address of a link.
pub fn address(app: &App, code: &str) -> String {
    format!("{}/publink/show?code={code}", app.web_base())
}

/// Full address of a short link, if there is one.
fn short_address(app: &App, link: &PublicLink) -> Option<String> {
    link.shortcode.as_deref().map(|code| address(app, code))
}

/// The sync client sends 0 where it has no time to set.
fn expiry(given: Option<Datetime>) -> Option<i64> {
    given
        .map(|Datetime(UnixTime(time))| time)
        .filter(|&time| time != 0)
}

/// A limit for the database. What is beyond its numbers will never be reached.
fn limit(given: u64) -> i64 {
    i64::try_from(given).unwrap_or(i64::MAX)
}

/// The hash of a new password, if one is given.
async fn hash(cx: &Cx<'_, '_>, password: Option<&String>) -> Answer<Option<String>> {
    match password {
        None => Ok(None),
        Some(password) => cx.app.hashing.hash(password.clone()).await.map(Some),
    }
}

/// Metadata of what a link leads to, for its owner. The sync client expects an id and a parent also where there are none.
fn metadata(cx: &mut View<'_, '_>, link: &PublicLink, item: &Item) -> Answer<Metadata> {
    let (name, created, modified) = match item {
        Item::File(file) => return cx.file_metadata(file),
        Item::Folder(folder) => return cx.folder_metadata(folder),
        Item::Tree => (&link.name, link.created, link.created),
        Item::Collection(collection) => (&collection.name, collection.created, collection.modified),
    };
    Ok(Metadata {
        kind: Kind::Folder { folderid: 0 },
        name: name.clone(),
        parentfolderid: Some(0),
        rights: None,
        isshared: false,
        isdeleted: false,
        origparentfolderid: None,
        created: UnixTime(created),
        modified: UnixTime(modified),
        path: None,
    })
}
