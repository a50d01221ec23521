//! The table of rights: who may call what, and what is answered to everybody else.

use super::caller::{Caller, Place, Relation};
use crate::Result;

/// The table as it is written.
const TEXT: &str = include_str!("rights.txt");

/// Who may call a method at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Nothing,
    Login,
    Account,
    Sharer,
    Person,
}

/// What has to hold for a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is seen.
    See,
    /// All these rights are there.
    Rights(u8),
    /// It is the caller's.
    Own,
    /// It is offered to the caller.
    Take,
    /// The caller has deleted it.
    Restore,
    /// It is seen, or the caller has deleted it.
    Recall,
    /// Nothing, but it is listed only if it is seen.
    Find,
    /// Nothing, but it is listed only if the caller has deleted it.
    Dig,
    /// Nothing, but it is listed only for one of both reasons.
    FindOrDig,
    /// Nothing, but it is listed only if it is the caller's.
    FindOwn,
}

/// Right to make entries.
const CREATE: u8 = 1;
/// Right to change entries.
const MODIFY: u8 = 2;
/// Right to delete entries.
const DELETE: u8 = 4;

impl Need {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "see" => Self::See,
            "own" => Self::Own,
            "take" => Self::Take,
            "restore" => Self::Restore,
            "recall" => Self::Recall,
            "find" => Self::Find,
            "dig" => Self::Dig,
            "find+dig" => Self::FindOrDig,
            "find+own" => Self::FindOwn,
            rights => Self::Rights(rights.split('+').try_fold(0, |all, right| match right {
                "create" => Ok(all | CREATE),
                "modify" => Ok(all | MODIFY),
                "delete" => Ok(all | DELETE),
                _ => Err(format!("there is no need `{word}`")),
            })?),
        })
    }

    /// Whether a call that is allowed may leave the thing changed, or gone.
    pub fn changes(self) -> bool {
        matches!(
            self,
            Self::Rights(_) | Self::Own | Self::Take | Self::Restore
        )
    }
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A share.
    Share,
    /// An offer of a share.
    Request,
    /// A public link.
    Link,
    /// An upload link.
    UploadLink,
    /// An upload session.
    Session,
    /// A collection.
    Collection,
}

impl Thing {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "file" => Self::File,
            "folder" => Self::Folder,
            "share" => Self::Share,
            "request" => Self::Request,
            "link" => Self::Link,
            "uploadlink" => Self::UploadLink,
            "session" => Self::Session,
            "collection" => Self::Collection,
            _ => return Err(format!("there is no thing `{word}`").into()),
        })
    }

    /// The name of its variable in the table.
    pub fn variable(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Share => "share",
            Self::Request => "request",
            Self::Link => "link",
            Self::UploadLink => "uploadlink",
            Self::Session => "session",
            Self::Collection => "collection",
        }
    }

    /// The field of an answer that holds its id.
    pub fn field(self) -> &'static str {
        match self {
            Self::File => "fileid",
            Self::Folder => "folderid",
            Self::Share => "shareid",
            Self::Request => "sharerequestid",
            Self::Link => "linkid",
            Self::UploadLink => "uploadlinkid",
            Self::Session => "uploadid",
            Self::Collection => "collectionid",
        }
    }

    /// Where it can be.
    pub fn places(self) -> &'static [Place] {
        match self {
            Self::File => &Place::OF_FILES,
            Self::Folder => &Place::ALL,
            _ => &[Place::Nowhere],
        }
    }

    /// The answer for one that is not there.
    fn missing(self) -> u64 {
        match self {
            Self::File => 2009,
            Self::Folder => 2005,
            Self::Share => 2025,
            Self::Request => 2021,
            Self::Link => 2027,
            Self::UploadLink => 2040,
            Self::Session => 2067,
            Self::Collection => 2065,
        }
    }
}

/// A call with variables in it.
#[derive(Clone, Debug)]
pub struct Template {
    /// The method.
    pub method: &'static str,
    /// Names and values; what begins with `$` in a value is put in.
    pub params: Vec<(&'static str, &'static str)>,
    /// The data that is sent along.
    pub data: Option<&'static str>,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line as it is written.
    pub text: &'static str,
    gate: Gate,
    /// What has to hold, and for what.
    pub need: Option<(Need, Thing)>,
    /// The calls, of which the last is tested.
    pub calls: Vec<Template>,
    special: Vec<(&'static str, &'static str)>,
}

/// What has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This result: the caller may do it.
    Allowed(u64),
    /// This result: the caller may not do it.
    Refused(u64),
    /// This result, and nothing else than for an id that nothing has.
    Missing(u64),
    /// Success, with the thing in the answer or without it.
    Listed(bool),
}

/// The lines of the table.
pub fn rows() -> Result<Vec<Row>> {
    TEXT.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| Row::parse(line).map_err(|error| format!("{line}: {error}").into()))
        .collect()
}

impl Row {
    fn parse(text: &'static str) -> Result<Self> {
        let mut columns = text.split('|');
        let needs = columns.next().unwrap_or_default();
        let calls = columns.next().ok_or("there is no call")?;
        let special = columns.next().unwrap_or_default();
        let mut words = needs.split_whitespace().peekable();
        let gate = match words.peek() {
            Some(&"nothing") => Gate::Nothing,
            Some(&"login") => Gate::Login,
            Some(&"account") => Gate::Account,
            Some(&"sharer") => Gate::Sharer,
            Some(&"person") => Gate::Person,
            _ => Gate::Login,
        };
        let mut words = words
            .skip_while(|word| ["nothing", "login", "account", "sharer", "person"].contains(word));
        let need = match (words.next(), words.next()) {
            (Some(need), Some(thing)) => Some((Need::parse(need)?, Thing::parse(thing)?)),
            (None, _) => None,
            _ => return Err("a need without a thing".into()),
        };
        Ok(Self {
            text,
            gate,
            need,
            calls: calls
                .split(" then ")
                .map(Template::parse)
                .collect::<Result<_>>()?,
            special: special
                .split_whitespace()
                .map(|word| word.split_once('=').ok_or_else(|| word.into()))
                .collect::<Result<_>>()?,
        })
    }

    /// The method that is tested.
    pub fn method(&self) -> &'static str {
        self.calls.last().map_or("", |call| call.method)
    }

    /// Whether a variable stands in one of the calls.
    pub fn mentions(&self, variable: &str) -> bool {
        let mut params = self.calls.iter().flat_map(|call| &call.params);
        params.any(|(_, value)| value.contains(variable))
    }

    /// Where the line says something.
    pub fn places(&self) -> Vec<Place> {
        let places = self
            .need
            .map_or(&[Place::Nowhere][..], |(_, thing)| thing.places());
        let left_out = self.word("but").unwrap_or_default();
        let is_left_out = |place: &Place| left_out.split(',').any(|name| name == place.name());
        places
            .iter()
            .copied()
            .filter(|place| !is_left_out(place))
            .collect()
    }

    fn word(&self, name: &str) -> Option<&'static str> {
        let found = self.special.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    fn code(&self, name: &str, usual: u64) -> u64 {
        self.word(name)
            .and_then(|code| code.parse().ok())
            .unwrap_or(usual)
    }

    /// What a caller is answered about a thing at a place.
    pub fn expected(&self, caller: Caller, place: Place) -> Expected {
        match (self.gate, caller) {
            (Gate::Nothing, Caller::Anonymous) => {}
            (_, Caller::Anonymous) | (Gate::Person, Caller::App | Caller::FolderApp) => {
                return Expected::Refused(1000);
            }
            (Gate::Account, Caller::FolderApp) => return Expected::Refused(1000),
            (Gate::Sharer, Caller::FolderApp) => return Expected::Refused(2003),
            (_, Caller::Disabled) => return Expected::Refused(2000),
            _ => {}
        }
        let allowed = Expected::Allowed(self.code("ok", 0));
        match self.need {
            None => allowed,
            Some((need, thing)) => self.of_thing(need, thing, caller, place, allowed),
        }
    }

    fn of_thing(
        &self,
        need: Need,
        thing: Thing,
        caller: Caller,
        place: Place,
        allowed: Expected,
    ) -> Expected {
        let relation = caller.relation(thing, place);
        let is_owner = relation == Relation::Owner;
        // What is deleted is there for nobody but its owner, and for him only in the trash.
        let is_there = relation != Relation::Stranger && place != Place::Trash;
        let is_trashed = is_owner && place == Place::Trash;
        let missing = Expected::Missing(self.code("missing", thing.missing()));
        let denied = |usual| Expected::Refused(self.code("denied", usual));
        match need {
            Need::Find => Expected::Listed(is_there),
            Need::Dig => Expected::Listed(is_trashed),
            Need::FindOwn => Expected::Listed(is_there && is_owner),
            Need::FindOrDig => Expected::Listed(is_there || is_trashed),
            Need::Recall | Need::Restore if is_trashed => allowed,
            _ if !is_there => missing,
            Need::Restore if thing == Thing::File => Expected::Refused(1018),
            Need::Restore => Expected::Refused(1017),
            Need::See | Need::Recall => allowed,
            Need::Take if is_owner => Expected::Refused(self.code("own", 0)),
            Need::Take => allowed,
            Need::Own if is_owner => allowed,
            Need::Own => denied(0),
            Need::Rights(_)
                if is_owner && place == Place::Mount && self.word("shared").is_some() =>
            {
                Expected::Refused(self.code("shared", 0))
            }
            Need::Rights(rights) => match relation {
                // What a recipient does with the name and the place of what is shared with him is his own affair.
                _ if place == Place::Mount && rights & CREATE == 0 => allowed,
                Relation::Recipient(has) if has & rights != rights => denied(2003),
                _ => allowed,
            },
        }
    }
}

impl Template {
    fn parse(text: &'static str) -> Result<Self> {
        let (call, data) = match text.split_once(" < ") {
            Some((call, data)) => (call, Some(data.trim())),
            None => (text, None),
        };
        let mut words = call.split_whitespace();
        Ok(Self {
            method: words.next().ok_or("there is no method")?,
            params: words
                .map(|word| word.split_once('=').ok_or_else(|| word.into()))
                .collect::<Result<_>>()?,
            data,
        })
    }
}
