//! The change feed on the wire: events and the replies that carry them.

use crate::general::AccountState;
use crate::metadata::Metadata;
use crate::notifications::Notification;
use crate::reply::{FieldSpec, Reply, Sink, Tree, Value, Written, read_field, write_field};
use crate::sharing::ShareInfo;
use pileus_wire::UnixTime;

/// Events written before a reply hands control back.
const EVENTS_PER_PIECE: usize = 128;

macro_rules! event_kinds {
    ($($name:ident = $number:literal $wire:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = concat!("`", $wire, "`")] $name = $number,)*
        }

        impl EventKind {
            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$name),)* _ => None }
            }

            /// The kind with this number, as it is stored.
            pub fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

event_kinds! {
    Reset = 0 "reset";
    CreateFolder = 1 "createfolder";
    ModifyFolder = 2 "modifyfolder";
    DeleteFolder = 3 "deletefolder";
    CreateFile = 4 "createfile";
    ModifyFile = 5 "modifyfile";
    DeleteFile = 6 "deletefile";
    ModifyUserInfo = 7 "modifyuserinfo";
    RequestShareIn = 8 "requestsharein";
    RequestShareOut = 9 "requestshareout";
    AcceptedShareIn = 10 "acceptedsharein";
    AcceptedShareOut = 11 "acceptedshareout";
    DeclinedShareIn = 12 "declinedsharein";
    DeclinedShareOut = 13 "declinedshareout";
    CancelledShareIn = 14 "cancelledsharein";
    CancelledShareOut = 15 "cancelledshareout";
    RemovedShareIn = 16 "removedsharein";
    RemovedShareOut = 17 "removedshareout";
    ModifiedShareIn = 18 "modifiedsharein";
    ModifiedShareOut = 19 "modifiedshareout";
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing more to say.
    None,
    /// A file or folder as it was at that moment, seen by this user.
    Metadata(Box<Metadata>),
    /// The account as it was at that moment.
    UserInfo(Box<AccountState>),
    /// A share or an offer, as this user's side of it sees it.
    Share(Box<ShareInfo>),
}

/// One entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When it was committed.
    pub time: UnixTime,
    /// Its place in the feed of the account.
    pub diffid: u64,
    /// What it is about.
    pub payload: Payload,
}

impl Value for Event {
    fn write(&self, out: &mut dyn Sink) {
        out.begin_hash();
        out.key("event");
        out.text(self.kind.name());
        write_field(out, "time", &self.time);
        write_field(out, "diffid", &self.diffid);
        match &self.payload {
            Payload::None => {}
            Payload::Metadata(metadata) => write_field(out, "metadata", metadata.as_ref()),
            Payload::UserInfo(info) => write_field(out, "userinfo", info.as_ref()),
            Payload::Share(share) => write_field(out, "share", share.as_ref()),
        }
        out.end_hash();
    }

    fn read(tree: &Tree) -> Option<Self> {
        let kind = EventKind::from_name(tree.get("event")?.as_str()?)?;
        let payload = if let Some(metadata) = tree.get("metadata") {
            Payload::Metadata(Box::new(Metadata::read(metadata)?))
        } else if let Some(info) = tree.get("userinfo") {
            Payload::UserInfo(Box::new(<AccountState as Value>::read(info)?))
        } else if let Some(share) = tree.get("share") {
            Payload::Share(Box::new(<ShareInfo as Value>::read(share)?))
        } else {
            Payload::None
        };
        Some(Self {
            kind,
            time: read_field(tree, "time")?,
            diffid: read_field(tree, "diffid")?,
            payload,
        })
    }

    fn kind() -> String {
        "event".into()
    }
}

/// The reply of `diff`, `subscribe` and `getfilehistory`: events, and where to go on.
///
/// It writes itself in pieces, since a client may ask for half a million events at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedReply {
    /// `subscribe` only: which source has news.
    pub from: Option<String>,
    /// Where the next call goes on; `getfilehistory` does not tell.
    pub diffid: Option<u64>,
    /// `subscribe` only: the present counter of public links.
    pub publinkid: Option<u64>,
    /// `subscribe` only: the present counter of upload links.
    pub uploadlinkid: Option<u64>,
    /// `subscribe` only: the newest notification.
    pub notificationid: Option<u64>,
    /// `subscribe` only: the notifications that are newer than the known one.
    pub notifications: Option<Vec<Notification>>,
    /// The events, oldest first.
    pub entries: Option<Vec<Event>>,
    written: Option<usize>,
}

impl FeedReply {
    /// The reply of `diff`.
    pub fn diff(entries: Vec<Event>, diffid: u64) -> Self {
        Self {
            diffid: Some(diffid),
            entries: Some(entries),
            ..Self::default()
        }
    }

    /// The reply of `getfilehistory`.
    pub fn history(entries: Vec<Event>) -> Self {
        Self {
            entries: Some(entries),
            ..Self::default()
        }
    }

    /// A reply of `subscribe` that tells how many changes of public links there have been.
    pub fn publinks(now: u64) -> Self {
        Self {
            publinkid: Some(now),
            ..Self::default().from_source("publinks")
        }
    }

    /// A reply of `subscribe` that tells how many changes of upload links there have been.
    pub fn uploadlinks(now: u64) -> Self {
        Self {
            uploadlinkid: Some(now),
            ..Self::default().from_source("uploadlinks")
        }
    }

    /// A reply of `subscribe` with notifications.
    pub fn notifications(newest: u64, notifications: Vec<Notification>) -> Self {
        Self {
            notificationid: Some(newest),
            notifications: Some(notifications),
            ..Self::default().from_source("notifications")
        }
    }

    /// The same as an answer of `subscribe`, which names the source.
    #[must_use]
    pub fn from_source(mut self, source: &str) -> Self {
        self.from = Some(source.to_owned());
        self
    }

    /// The events; empty if the reply carries none.
    pub fn events(&self) -> &[Event] {
        self.entries.as_deref().unwrap_or_default()
    }
}

impl Reply for FeedReply {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        let start = match self.written {
            Some(written) => written,
            None => {
                write_field(out, "from", &self.from);
                write_field(out, "diffid", &self.diffid);
                write_field(out, "publinkid", &self.publinkid);
                write_field(out, "uploadlinkid", &self.uploadlinkid);
                write_field(out, "notificationid", &self.notificationid);
                write_field(out, "notifications", &self.notifications);
                if self.entries.is_none() {
                    return Written::All;
                }
                out.key("entries");
                out.begin_list();
                0
            }
        };
        let entries = self.events();
        let end = entries.len().min(start + EVENTS_PER_PIECE);
        for event in &entries[start..end] {
            event.write(out);
        }
        let all = end == entries.len();
        self.written = Some(end);
        if all {
            out.end_list();
            return Written::All;
        }
        Written::Some
    }

    fn read(answer: &Tree) -> Option<Self> {
        Some(Self {
            from: read_field(answer, "from")?,
            diffid: read_field(answer, "diffid")?,
            publinkid: read_field(answer, "publinkid")?,
            uploadlinkid: read_field(answer, "uploadlinkid")?,
            notificationid: read_field(answer, "notificationid")?,
            notifications: read_field(answer, "notifications")?,
            entries: read_field(answer, "entries")?,
            written: None,
        })
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        let mut field = |name, kind: &str, doc, optional| {
            out.push(FieldSpec {
                name,
                kind: kind.into(),
                doc,
                optional,
            });
        };
        field(
            "from",
            "string",
            "Which source has news; in answers of `subscribe`.",
            true,
        );
        field("diffid", "int", "Where the next call goes on.", true);
        field(
            "publinkid",
            "int",
            "Counter of public link changes; in answers of `subscribe`.",
            true,
        );
        field(
            "uploadlinkid",
            "int",
            "Counter of upload link changes; in answers of `subscribe`.",
            true,
        );
        field(
            "notificationid",
            "int",
            "The newest notification; in answers of `subscribe`.",
            true,
        );
        field(
            "notifications",
            "array of Notification",
            "Newer notifications, the newest first; in answers of `subscribe`.",
            true,
        );
        field(
            "entries",
            "array of event",
            "The events, oldest first.",
            true,
        );
    }
}
