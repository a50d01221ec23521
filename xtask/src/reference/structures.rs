//! The objects that replies are made of.

use pileus_api::Reply;
use pileus_api::auth::{InvitedUser, TokenInfo};
use pileus_api::collections::{Collection, LinkResult};
use pileus_api::file::Checksums;
use pileus_api::general::{AccountState, ApiServers, Location};
use pileus_api::notifications::{Contact, Notification};
use pileus_api::progress::UrlProgress;
use pileus_api::public_links::PublicLinkInfo;
use pileus_api::reply::FieldSpec;
use pileus_api::revisions::Revision;
use pileus_api::sharing::{BothWays, ShareInfo};
use pileus_api::thumbnails::NoThumb;
use pileus_api::upload_links::UploadLinkInfo;

use super::page::field_rows;
use super::text::paragraphs;

/// An object with named fields.
pub struct Structure {
    /// What declarations call it.
    name: &'static str,
    /// What documents call it.
    pub title: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Appends its fields.
    describe: fn(&mut Vec<FieldSpec>),
}

impl Structure {
    /// Its fields.
    pub fn fields(&self) -> Vec<FieldSpec> {
        let mut fields = Vec::new();
        (self.describe)(&mut fields);
        fields
    }
}

/// Every structure, in the order of the page.
pub static STRUCTURES: &[Structure] = &[
    Structure {
        name: "metadata",
        title: "metadata",
        doc: "A file or folder as the caller sees it. What is not known is left out. The global \
              parameters `filtermeta`, `filterfilemeta` and `filterfoldermeta` choose fields.",
        describe: metadata,
    },
    Structure {
        name: "event",
        title: "event",
        doc: "An entry of the change feed.",
        describe: event,
    },
    Structure {
        name: "AccountState",
        title: "account",
        doc: "The account as an event shows it.",
        describe: <AccountState as Reply>::describe,
    },
    Structure {
        name: "ApiServers",
        title: "apiserver",
        doc: "Where the server can be reached.",
        describe: <ApiServers as Reply>::describe,
    },
    Structure {
        name: "Location",
        title: "location",
        doc: "A site that accounts can live on.",
        describe: <Location as Reply>::describe,
    },
    Structure {
        name: "Checksums",
        title: "checksums",
        doc: "Checksums of one content.",
        describe: <Checksums as Reply>::describe,
    },
    Structure {
        name: "PublicLinkInfo",
        title: "public link",
        doc: "A public link, as its owner sees it.",
        describe: <PublicLinkInfo as Reply>::describe,
    },
    Structure {
        name: "UploadLinkInfo",
        title: "upload link",
        doc: "An upload link, as its owner sees it.",
        describe: <UploadLinkInfo as Reply>::describe,
    },
    Structure {
        name: "Revision",
        title: "revision",
        doc: "An earlier content of a file.",
        describe: <Revision as Reply>::describe,
    },
    Structure {
        name: "TokenInfo",
        title: "token",
        doc: "A session token, without its secret.",
        describe: <TokenInfo as Reply>::describe,
    },
    Structure {
        name: "InvitedUser",
        title: "invited user",
        doc: "An account that came by an invitation.",
        describe: <InvitedUser as Reply>::describe,
    },
    Structure {
        name: "Collection",
        title: "collection",
        doc: "A list of files that its owner put together.",
        describe: <Collection as Reply>::describe,
    },
    Structure {
        name: "CollectionItem",
        title: "item of a collection",
        doc: "A file in a collection: its metadata, with its place.",
        describe: collection_item,
    },
    Structure {
        name: "LinkResult",
        title: "link result",
        doc: "What became of one file that was to be put into a collection.",
        describe: <LinkResult as Reply>::describe,
    },
    Structure {
        name: "NoThumb",
        title: "missing thumbnail",
        doc: "A file that there is no thumbnail of.",
        describe: <NoThumb as Reply>::describe,
    },
    Structure {
        name: "Notification",
        title: "notice",
        doc: "What the server tells a person.",
        describe: <Notification as Reply>::describe,
    },
    Structure {
        name: "Contact",
        title: "contact",
        doc: "Somebody the account shares with.",
        describe: <Contact as Reply>::describe,
    },
    Structure {
        name: "ShareInfo",
        title: "share",
        doc: "A share or an offer to share, as one of its two sides sees it. In events it tells less: of one that has ended \
              or changed neither name nor times, and rights only where there are some.",
        describe: <ShareInfo as Reply>::describe,
    },
    Structure {
        name: "BothWays",
        title: "shares or offers",
        doc: "What others share with the caller, and what the caller shares.",
        describe: <BothWays as Reply>::describe,
    },
    Structure {
        name: "UrlProgress",
        title: "progress of a URL",
        doc: "How far the fetching of one URL is.",
        describe: <UrlProgress as Reply>::describe,
    },
];

/// The structure that declarations call so.
pub fn find(name: &str) -> Option<&'static Structure> {
    STRUCTURES.iter().find(|structure| structure.name == name)
}

/// The page that describes them all.
pub fn page() -> Result<String, String> {
    let mut page = String::from("# Structures\n\nThe objects that replies are made of.\n");
    for structure in STRUCTURES {
        page += &format!(
            "\n## {}\n\n{}\n\n",
            structure.title,
            paragraphs(structure.doc)
        );
        page += &field_rows(&structure.fields())?;
    }
    Ok(page)
}

/// Makes a field for each line `name kind: text`; a `?` behind the kind marks what may be left out.
fn fields(out: &mut Vec<FieldSpec>, lines: &[(&'static str, &str, &'static str)]) {
    for &(name, kind, doc) in lines {
        let optional = kind.ends_with('?');
        out.push(FieldSpec {
            name,
            kind: kind.trim_end_matches('?').into(),
            doc,
            optional,
        });
    }
}

/// An item writes itself by hand, as metadata with two more fields.
fn collection_item(out: &mut Vec<FieldSpec>) {
    metadata(out);
    fields(
        out,
        &[
            ("position", "int", "Its place, from 1."),
            ("added", "datetime", "When it was put there."),
        ],
    );
}

/// Metadata writes itself by hand, because filters apply and what a name decides is not stored; so
/// its fields are described by hand too. A test compares the two.
fn metadata(out: &mut Vec<FieldSpec>) {
    fields(
        out,
        &[
            ("name", "string", "Name; the root's is `/`."),
            ("created", "datetime", "Creation time."),
            (
                "modified",
                "datetime",
                "Time of the last change; of a folder, of what is directly in it.",
            ),
            ("thumb", "bool", "Whether a thumbnail can be made."),
            ("isfolder", "bool", "Whether it is a folder."),
            (
                "isshared",
                "bool",
                "Whether it lies in a share of the caller.",
            ),
            ("ismine", "bool", "Whether the caller owns it."),
            ("comments", "int", "Always 0."),
            (
                "id",
                "string",
                "`d` and the `folderid`, or `f` and the `fileid`.",
            ),
            (
                "icon",
                "string",
                "Name of an icon; with `iconformat=id` its number.",
            ),
            (
                "folderid",
                "int?",
                "Id of a folder; 0 is the caller's root.",
            ),
            ("fileid", "int?", "Id of a file."),
            ("size", "int?", "Bytes of a file."),
            (
                "hash",
                "int?",
                "Hash of a file's content, of which all 64 bits are used.",
            ),
            (
                "contenttype",
                "string?",
                "Content type of a file, by its name.",
            ),
            (
                "category",
                "int?",
                "Of a file: 1 picture, 2 video, 3 sound, 4 document, 5 archive, 0 anything else.",
            ),
            (
                "parentfolderid",
                "int?",
                "Folder it is in; the root has none.",
            ),
            (
                "contents",
                "array of metadata?",
                "In listings: what is in the folder, folders first.",
            ),
            ("path", "string?", "Full path, where it is known cheaply."),
            ("isdeleted", "bool?", "Always true: it lies in the trash."),
            (
                "origparentfolderid",
                "int?",
                "In the trash: the folder it was in.",
            ),
            ("userid", "int?", "Owner, if that is not the caller."),
            (
                "canread",
                "bool?",
                "Whether the caller, not being the owner, may read it.",
            ),
            ("canmodify", "bool?", "Whether such a caller may change it."),
            ("candelete", "bool?", "Whether such a caller may delete it."),
            (
                "cancreate",
                "bool?",
                "Whether such a caller may create entries in this folder.",
            ),
            (
                "deletedfileid",
                "int?",
                "The file that this call has replaced.",
            ),
            (
                "revisionid",
                "int?",
                "The revision that the answer concerns.",
            ),
            (
                "conflicted",
                "bool?",
                "Always true: the upload had to be saved under another name.",
            ),
            ("width", "int?", "Pixels of a picture or video."),
            ("height", "int?", "Pixels of a picture or video."),
            (
                "duration",
                "string?",
                "Seconds of sound or video, as decimal text.",
            ),
            ("fps", "string?", "Frames per second, as decimal text."),
            ("videocodec", "string?", "Name of the codec."),
            ("audiocodec", "string?", "Name of the codec."),
            ("videobitrate", "int?", "Kilobits per second."),
            ("audiobitrate", "int?", "Kilobits per second."),
            ("audiosamplerate", "int?", "Hertz."),
            (
                "rotate",
                "int?",
                "Degrees to turn a video for display: 0, 90, 180 or 270.",
            ),
            ("artist", "string?", "Tag of a piece of music."),
            ("album", "string?", "Tag of a piece of music."),
            ("title", "string?", "Tag of a piece of music."),
            ("genre", "string?", "Tag of a piece of music."),
            ("trackno", "int?", "Tag of a piece of music."),
        ],
    );
}

/// As [`metadata`].
fn event(out: &mut Vec<FieldSpec>) {
    fields(
        out,
        &[
            (
                "event",
                "string",
                "What happened: `reset`, `createfolder`, `modifyfolder`, `deletefolder`, \
                 `createfile`, `modifyfile`, `deletefile`, `modifyuserinfo`, `requestsharein`, `requestshareout`, \
                 `acceptedsharein`, `acceptedshareout`, `declinedsharein`, `declinedshareout`, `cancelledsharein`, \
                 `cancelledshareout`, `removedsharein`, `removedshareout`, `modifiedsharein` or `modifiedshareout`.",
            ),
            ("time", "datetime", "When it was committed."),
            (
                "diffid",
                "int",
                "Its place in the feed; it rises from event to event.",
            ),
            (
                "metadata",
                "metadata?",
                "The file or folder as it was at that moment.",
            ),
            (
                "userinfo",
                "AccountState?",
                "The account, in `modifyuserinfo`.",
            ),
            (
                "share",
                "ShareInfo?",
                "The share or the offer, in events about one.",
            ),
        ],
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pileus_api::event::{Event, EventKind, Payload};
    use pileus_api::metadata::{FileFacts, Kind as EntryKind, Media, Metadata, Rights};
    use pileus_api::reply::Value;
    use pileus_api::{UnixTime, metadata};
    use pileus_wire::{JsonSink, Options, Tree};

    use super::*;
    use crate::reference::kind::Kind;

    fn keys_of(values: &[&dyn Fn(&mut JsonSink)]) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for write in values {
            let mut sink = JsonSink::new(Options::default());
            write(&mut sink);
            let tree = Tree::from_json(&sink.take()).unwrap();
            let written = tree.as_hash().unwrap().iter().map(|(key, _)| key.clone());
            keys.extend(written);
        }
        keys
    }

    fn described(name: &str) -> BTreeSet<String> {
        let fields = find(name).unwrap().fields();
        let names: BTreeSet<String> = fields.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(names.len(), fields.len(), "{name} describes a field twice");
        names
    }

    /// A file or folder with everything that metadata can show.
    fn full(kind: EntryKind) -> Metadata {
        let time = UnixTime(0);
        Metadata {
            kind,
            name: "a".into(),
            parentfolderid: Some(0),
            rights: Some(Rights {
                userid: 1,
                cancreate: true,
                canmodify: true,
                candelete: true,
            }),
            isshared: true,
            isdeleted: true,
            origparentfolderid: Some(0),
            created: time,
            modified: time,
            path: Some("/a".into()),
        }
    }

    fn full_file() -> Metadata {
        let text = || Some("x".to_owned());
        full(EntryKind::File(FileFacts {
            fileid: 1,
            size: 1,
            hash: 1,
            deletedfileid: Some(1),
            revisionid: Some(1),
            conflicted: true,
            media: Some(Box::new(Media {
                width: Some(1),
                height: Some(1),
                duration: text(),
                fps: text(),
                videocodec: text(),
                audiocodec: text(),
                videobitrate: Some(1),
                audiobitrate: Some(1),
                audiosamplerate: Some(1),
                rotate: Some(0),
                artist: text(),
                album: text(),
                title: text(),
                genre: text(),
                trackno: Some(1),
            })),
        }))
    }

    #[test]
    fn metadata_is_described_as_it_is_written() {
        let (file, folder) = (full_file(), full(metadata::Kind::Folder { folderid: 1 }));
        let mut written = keys_of(&[&|sink| file.write(sink), &|sink| folder.write(sink)]);
        // Listings add this field to the folders in them.
        written.insert("contents".into());
        assert_eq!(described("metadata"), written);
    }

    #[test]
    fn events_are_described_as_they_are_written() {
        let account = AccountState {
            userid: 1,
            email: "a".into(),
            emailverified: true,
            premium: true,
            premiumexpires: Some(pileus_api::general::NEVER),
            quota: 1,
            usedquota: 1,
            language: "en".into(),
            plan: 0,
            business: false,
            premiumlifetime: true,
            cryptosetup: false,
            cryptosubscription: false,
        };
        let event = |kind, payload| Event {
            kind,
            time: UnixTime(0),
            diffid: 1,
            payload,
        };
        let file = event(
            EventKind::CreateFile,
            Payload::Metadata(Box::new(full_file())),
        );
        let info = event(
            EventKind::ModifyUserInfo,
            Payload::UserInfo(Box::new(account)),
        );
        let share = event(EventKind::RemovedShareIn, Payload::Share(Box::default()));
        let written = keys_of(&[
            &|sink| file.write(sink),
            &|sink| info.write(sink),
            &|sink| share.write(sink),
        ]);
        assert_eq!(described("event"), written);
        let kinds = find("event").unwrap().fields()[0].doc;
        for kind in (0..).map_while(EventKind::from_number) {
            assert!(
                kinds.contains(&format!("`{}`", kind.name())),
                "{}",
                kind.name()
            );
        }
    }

    #[test]
    fn every_field_has_a_kind_and_a_text() {
        for structure in STRUCTURES {
            for field in structure.fields() {
                assert!(
                    Kind::parse(&field.kind).is_ok(),
                    "{}.{}",
                    structure.name,
                    field.name
                );
                assert!(!field.doc.is_empty(), "{}.{}", structure.name, field.name);
            }
        }
    }
}
