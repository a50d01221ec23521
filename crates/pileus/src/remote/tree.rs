//! Looking at what is on the server.

use pileus_api::Listing;
use pileus_api::Metadata;
use pileus_api::args::{FileRef, FolderArg, FolderRef, VersionArg};
use pileus_api::codes::Kind;
use pileus_api::file::Stat;
use pileus_api::folder::ListFolder;
use pileus_api::name::Path;
use pileus_api::{Code, metadata};
use pileus_client::Client;

use super::error::Error;

/// Reads a path on the server from the command line.
pub fn path(text: &str) -> Result<Path, Error> {
    Path::parse(text)
        .ok_or_else(|| Error::Wish(format!("{text}: a path on the server begins with a slash")))
}

/// What a path names.
pub enum Found {
    /// A folder with what is in it.
    Folder(Listing),
    /// A file.
    File(Metadata),
}

/// Looks up what a path names, with everything below it if `recursive`.
pub async fn find(client: &Client, path: &Path, recursive: bool) -> Result<Found, Error> {
    match list(client, FolderRef::Path(path.clone()), recursive).await {
        Ok(listing) => Ok(Found::Folder(listing)),
        Err(error) if error.is(Code::FOLDER_MISSING) => {
            let file = stat(client, FileRef::Path(path.clone())).await;
            Ok(Found::File(file.map_err(Error::remote(path.to_text()))?))
        }
        Err(error) => Err(Error::remote(path.to_text())(error)),
    }
}

/// Lists a folder.
pub async fn list(
    client: &Client,
    folder: FolderRef,
    recursive: bool,
) -> Result<Listing, pileus_client::Error> {
    client
        .call(&ListFolder {
            folder: FolderArg(folder),
            recursive,
            showdeleted: false,
            nofiles: false,
            noshares: false,
        })
        .await
}

/// Tells about one file, or by path about one file or folder.
pub async fn stat(client: &Client, file: FileRef) -> Result<Metadata, pileus_client::Error> {
    let file = VersionArg {
        file,
        revisionid: None,
    };
    Ok(client.call(&Stat { file }).await?.metadata)
}

/// Tells about what a path names, `None` if there is nothing.
pub async fn stat_if_there(client: &Client, path: &Path) -> Result<Option<Metadata>, Error> {
    match stat(client, FileRef::Path(path.clone())).await {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(Error::remote(path.to_text())(error)),
    }
}

fn is_missing(error: &pileus_client::Error) -> bool {
    error
        .code()
        .and_then(Code::from_number)
        .is_some_and(|code| code.kind() == Kind::Missing)
}

/// The id of a folder's metadata; an error if it is a file.
pub fn folderid(metadata: &Metadata, path: &str) -> Result<u64, Error> {
    metadata
        .folderid()
        .ok_or_else(|| Error::Wish(format!("{path}: it is a file")))
}

/// A file's facts; an error if it is a folder.
pub fn facts<'a>(metadata: &'a Metadata, path: &str) -> Result<&'a metadata::FileFacts, Error> {
    metadata
        .file()
        .ok_or_else(|| Error::Wish(format!("{path}: it is a folder")))
}

/// An entry of a listing with the names that lead to it from the listed folder.
pub struct Entry<'a> {
    /// The names on the way, its own last.
    pub names: Vec<&'a str>,
    /// The entry.
    pub metadata: &'a Metadata,
}

/// Everything below a listed folder, each folder before what is in it, in the order of the names.
pub fn entries(listing: &Listing) -> Vec<Entry<'_>> {
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for node in listing.nodes().iter().skip(1) {
        let above = (node.depth as usize).saturating_sub(1);
        names.truncate(above);
        names.push(node.metadata.name.as_str());
        entries.push(Entry {
            names: names.clone(),
            metadata: &node.metadata,
        });
    }
    entries.sort_by(|a, b| a.names.cmp(&b.names));
    entries
}

#[cfg(test)]
pub mod tests {
    use pileus_api::UnixTime;
    use pileus_api::listing::Node;
    use pileus_api::metadata::{FileFacts, Kind, Metadata};

    use super::*;

    /// A file if it has a size, else a folder.
    pub fn metadata(name: &str, size: Option<u64>) -> Metadata {
        Metadata {
            kind: match size {
                None => Kind::Folder { folderid: 7 },
                Some(size) => Kind::File(FileFacts {
                    fileid: 8,
                    size,
                    hash: 9,
                    deletedfileid: None,
                    revisionid: None,
                    conflicted: false,
                    media: None,
                }),
            },
            name: name.into(),
            parentfolderid: Some(0),
            rights: None,
            isshared: false,
            isdeleted: false,
            origparentfolderid: None,
            created: UnixTime(1_363_890_705),
            modified: UnixTime(1_363_890_705),
            path: None,
        }
    }

    /// A listing of `/` with a folder `b` that has a file in it, and two more files.
    pub fn listing() -> Listing {
        let node = |depth, name: &str, size: Option<u64>| Node {
            depth,
            open: size.is_none(),
            metadata: metadata(name, size),
        };
        Listing::new(vec![
            node(0, "/", None),
            node(1, "c", Some(1)),
            node(1, "b", None),
            node(2, "x\ny", Some(22)),
            node(1, "b-a", Some(333)),
        ])
    }

    #[test]
    fn entries_know_their_way_and_stand_in_order() {
        let listing = listing();
        let paths: Vec<String> = entries(&listing)
            .iter()
            .map(|entry| entry.names.join("/"))
            .collect();
        assert_eq!(paths, ["b", "b/x\ny", "b-a", "c"]);
    }

    #[test]
    fn paths_begin_with_a_slash() {
        assert!(path("a").is_err());
        assert_eq!(
            path("/a//b/").map(|path| path.to_text()).ok(),
            Some("/a/b".into())
        );
    }
}
