//! Calls of the model test: random numbers that become calls once the state is known.

use super::account::Account;
use super::contents::{Contents, index};
use crate::connection::Call;
use crate::random::Random;

/// Random numbers behind each call.
const NUMBERS: usize = 10;
/// An id that nothing has.
pub(super) const NO_ID: u64 = u32::MAX as u64;
/// Names are few, so that they collide. None has a dot but one, because numbers go before the extension.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e.txt", "A", "é"];
/// Times that clients set.
const TIMES: [u64; 3] = [900_000_000, 1_000_000_000, 1_100_000_000];
/// Entries above which most calls delete, and below which whole folders are copied.
const MANY_ENTRIES: usize = 150;

/// What shall happen, as numbers alone: any list of wishes can be played, also a part of one.
#[derive(Clone, Debug)]
pub(super) struct Wish([u64; NUMBERS]);

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Folders and files.
    Tree,
    /// An open file.
    Descriptor,
    /// An upload session.
    Upload,
}

/// A call to a method of the tree that fits the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    CreateFolder {
        parent: u64,
        name: String,
        if_not_exists: bool,
    },
    Upload {
        folder: u64,
        name: String,
        content: u64,
        rename: bool,
        mtime: Option<u64>,
    },
    CopyFile {
        file: u64,
        to: u64,
        name: Option<String>,
        noover: bool,
        mtime: Option<u64>,
    },
    RenameFile {
        file: u64,
        to: Option<u64>,
        name: Option<String>,
    },
    DeleteFile {
        file: u64,
    },
    RenameFolder {
        folder: u64,
        to: Option<u64>,
        name: Option<String>,
    },
    DeleteFolder {
        folder: u64,
    },
    DeleteFolderRecursive {
        folder: u64,
    },
    CopyFolder {
        folder: u64,
        to: u64,
        name: Option<String>,
        noover: bool,
        skip: bool,
        content_only: bool,
    },
    RestoreFile {
        file: u64,
        to: Option<u64>,
    },
    RestoreFolder {
        folder: u64,
        to: Option<u64>,
    },
    ClearFile {
        file: u64,
    },
    ClearFolder {
        folder: u64,
    },
    Revert {
        file: u64,
        number: u64,
    },
}

impl Wish {
    /// A wish for anything.
    pub(super) fn random(random: &mut Random) -> Self {
        Self(std::array::from_fn(|_| random.number()))
    }

    /// Which of so many accounts it is about.
    pub(super) fn account(&self, count: usize) -> usize {
        usize::try_from(self.0[0]).unwrap_or_default() % count.max(1)
    }

    /// What kind of call it is.
    pub(super) fn kind(&self) -> Kind {
        match self.0[0] / 8 % 10 {
            0..4 => Kind::Tree,
            4..8 => Kind::Descriptor,
            _ => Kind::Upload,
        }
    }

    /// The numbers that decide about the call.
    pub(super) fn numbers(&self) -> [u64; 7] {
        let [_, _, _, numbers @ ..] = self.0;
        numbers
    }

    /// Whether to compare everything after it.
    pub(super) fn is_quiet(&self) -> bool {
        self.0[1].is_multiple_of(50)
    }

    /// Whether to read on in the feed after it, and how much.
    pub(super) fn feed_limit(&self) -> Option<u64> {
        self.0[2]
            .is_multiple_of(5)
            .then_some(1 + self.0[2] / 5 % 20)
    }

    /// The call to a method of the tree that it stands for in the present state.
    pub(super) fn step(&self, choice: Choice<'_>) -> Step {
        let [kind, a, b, c, d, e, f] = self.numbers();
        let account = choice.account;
        let folder = |number| choice.folder(number);
        let file = |number| choice.file(number);
        let deleted_file = |number: u64| match number % 20 {
            0 => file(number / 20),
            _ => pick(number, account.file_ids(|file| file.group != 0)).unwrap_or(NO_ID),
        };
        let deleted_folder = |number: u64| match number % 20 {
            0 => folder(number / 20).max(1),
            _ => pick(number, account.folder_ids(|folder| folder.group != 0)).unwrap_or(NO_ID),
        };
        let folder_name = |number: u64| name(number).replace(".txt", "");
        let maybe = |number: u64| number.is_multiple_of(2);
        let mtime = time(e);
        let is_full = account.live_count() > MANY_ENTRIES;
        match kind % 100 {
            0..15 if !is_full => Step::CreateFolder {
                parent: folder(a),
                name: folder_name(b),
                if_not_exists: c % 4 == 0,
            },
            15..40 if !is_full => Step::Upload {
                folder: folder(a),
                name: name(b),
                content: c,
                rename: d % 5 == 0,
                mtime,
            },
            40..50 => Step::CopyFile {
                file: file(a),
                to: folder(b),
                name: maybe(c).then(|| name(d)),
                noover: f % 5 == 0,
                mtime,
            },
            50..59 => {
                let to = (c % 3 != 0).then(|| folder(b));
                let renames = to.is_none() || maybe(d);
                Step::RenameFile {
                    file: file(a),
                    to,
                    name: renames.then(|| name(e)),
                }
            }
            59..67 => {
                let to = (c % 3 != 0).then(|| folder(b));
                let renames = to.is_none() || maybe(d);
                Step::RenameFolder {
                    folder: folder(a),
                    to,
                    name: renames.then(|| folder_name(e)),
                }
            }
            67..75 => Step::DeleteFile { file: file(a) },
            75..78 => Step::DeleteFolder { folder: folder(a) },
            78..81 if !is_full => Step::CopyFolder {
                folder: folder(a),
                to: folder(b),
                name: maybe(c).then(|| folder_name(d)),
                noover: e % 4 == 0,
                skip: f % 4 == 0,
                content_only: d % 5 == 0,
            },
            81..86 => Step::RestoreFile {
                file: deleted_file(a),
                to: maybe(b).then(|| folder(c)),
            },
            86..90 => Step::RestoreFolder {
                folder: deleted_folder(a),
                to: maybe(b).then(|| folder(c)),
            },
            90..93 => Step::ClearFile {
                file: deleted_file(a),
            },
            93 => Step::ClearFolder {
                folder: deleted_folder(a),
            },
            94 if a % 5 == 0 => Step::ClearFolder { folder: 0 },
            94..97 => Step::Revert {
                file: file(a),
                number: b,
            },
            _ => Step::DeleteFolderRecursive { folder: folder(a) },
        }
    }
}

/// What calls are about: mostly what there is, now and then an id of somebody else, of something deleted, or of nothing
/// at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    /// The account that makes the call.
    pub(super) account: &'a Account,
    /// Another one, whose ids must not be found.
    pub(super) foreign: &'a Account,
}

impl Choice<'_> {
    /// The id of a folder.
    pub(super) fn folder(&self, number: u64) -> u64 {
        let Self { account, foreign } = self;
        match number % 40 {
            0 => pick(number, foreign.folder_ids(|_| true)).unwrap_or(NO_ID),
            1 => pick(number, account.folder_ids(|folder| folder.group != 0)).unwrap_or(NO_ID),
            _ => pick(number, account.folder_ids(|folder| folder.group == 0)).unwrap_or(0),
        }
    }

    /// The id of a file.
    pub(super) fn file(&self, number: u64) -> u64 {
        let Self { account, foreign } = self;
        let found = match number % 40 {
            0 => pick(number, foreign.file_ids(|_| true)),
            1 => pick(number, account.file_ids(|file| file.group != 0)),
            _ => pick(number, account.file_ids(|file| file.group == 0)),
        };
        found.unwrap_or(NO_ID)
    }
}

/// One of the names.
pub(super) fn name(number: u64) -> String {
    NAMES[index(number, NAMES.len())].to_owned()
}

/// Now and then a time that the client sets.
pub(super) fn time(number: u64) -> Option<u64> {
    let time = TIMES[index(number / 3, TIMES.len())];
    number.is_multiple_of(3).then_some(time)
}

/// One of the ids, by what is left of a number that has decided one time in forty.
pub(super) fn pick(number: u64, ids: Vec<u64>) -> Option<u64> {
    let index = number / 40 % (ids.len() as u64).max(1);
    ids.get(usize::try_from(index).unwrap_or_default()).copied()
}

impl Step {
    /// The call, without credentials. `revision` is the id for [`Step::Revert`].
    pub(super) fn call(&self, contents: &Contents, revision: u64) -> Call {
        let call = |method| Call::new(method).with("timeformat", "timestamp");
        let target = |call: Call, to: &Option<u64>, name: &Option<String>| {
            let call = to.map_or(call.clone(), |to| call.with("tofolderid", to));
            name.iter()
                .fold(call, |call, name| call.with("toname", name.as_str()))
        };
        let flag = |call: Call, name, set| if set { call.with(name, 1u64) } else { call };
        match self {
            Self::CreateFolder {
                parent,
                name,
                if_not_exists,
            } => {
                let method = if *if_not_exists {
                    "createfolderifnotexists"
                } else {
                    "createfolder"
                };
                call(method)
                    .with("folderid", *parent)
                    .with("name", name.as_str())
            }
            Self::Upload {
                folder,
                name,
                content,
                rename,
                mtime,
            } => {
                let upload = call("uploadfile")
                    .with("folderid", *folder)
                    .with("filename", name.as_str());
                let upload = mtime.map_or(upload.clone(), |mtime| upload.with("mtime", mtime));
                let data = contents.get(*content).bytes.clone();
                flag(upload, "renameifexists", *rename).with_data(data)
            }
            Self::CopyFile {
                file,
                to,
                name,
                noover,
                mtime,
            } => {
                let copy = target(call("copyfile").with("fileid", *file), &Some(*to), name);
                let copy = mtime.map_or(copy.clone(), |mtime| copy.with("mtime", mtime));
                flag(copy, "noover", *noover)
            }
            Self::RenameFile { file, to, name } => {
                target(call("renamefile").with("fileid", *file), to, name)
            }
            Self::DeleteFile { file } => call("deletefile").with("fileid", *file),
            Self::RenameFolder { folder, to, name } => {
                target(call("renamefolder").with("folderid", *folder), to, name)
            }
            Self::DeleteFolder { folder } => call("deletefolder").with("folderid", *folder),
            Self::DeleteFolderRecursive { folder } => {
                call("deletefolderrecursive").with("folderid", *folder)
            }
            Self::CopyFolder {
                folder,
                to,
                name,
                noover,
                skip,
                content_only,
            } => {
                let copy = target(
                    call("copyfolder").with("folderid", *folder),
                    &Some(*to),
                    name,
                );
                let copy = flag(flag(copy, "noover", *noover), "skipexisting", *skip);
                flag(copy, "copycontentonly", *content_only)
            }
            Self::RestoreFile { file, to } => {
                let restore = call("trash_restore").with("fileid", *file);
                to.map_or(restore.clone(), |to| restore.with("restoreto", to))
            }
            Self::RestoreFolder { folder, to } => {
                let restore = call("trash_restore").with("folderid", *folder);
                to.map_or(restore.clone(), |to| restore.with("restoreto", to))
            }
            Self::ClearFile { file } => call("trash_clear").with("fileid", *file),
            Self::ClearFolder { folder } => call("trash_clear").with("folderid", *folder),
            Self::Revert { file, .. } => call("revertrevision")
                .with("fileid", *file)
                .with("revisionid", revision),
        }
    }
}
