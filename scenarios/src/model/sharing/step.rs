//! Calls of accounts that share: random numbers that become calls once the state is known.

use super::world::{World, root, wire};
use crate::connection::Call;
use crate::random::{Random, content};

/// Random numbers behind each call.
const NUMBERS: usize = 8;
/// Names are few, so that they collide. None has a dot but one, because numbers go before the extension.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e.txt", "é"];
/// Sizes of uploads, on both sides of what the database holds.
const SIZES: [usize; 4] = [0, 5, 100, 40_000];
/// Entries that an account sees above which most calls delete.
const MANY_ENTRIES: usize = 60;
/// An id of nothing.
const NOTHING: u64 = u32::MAX as u64;

/// What shall happen, as numbers alone: any list of wishes can be played, also a part of one.
#[derive(Clone, Debug)]
pub(super) struct Wish([u64; NUMBERS]);

/// A call that fits the state.
#[derive(Clone, Debug)]
pub(super) enum Step {
    CreateFolder {
        parent: u64,
        name: String,
    },
    Upload {
        folder: u64,
        name: String,
        size: usize,
    },
    CopyFile {
        file: u64,
        to: u64,
        name: String,
    },
    RenameFile {
        file: u64,
        to: u64,
        name: String,
    },
    DeleteFile {
        file: u64,
    },
    RenameFolder {
        folder: u64,
        to: u64,
        name: String,
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
        name: String,
    },
    RestoreFile {
        file: u64,
        to: Option<u64>,
    },
    RestoreFolder {
        folder: u64,
        to: Option<u64>,
    },
    ClearTrash,
    Share {
        folder: u64,
        recipient: usize,
        permissions: u64,
    },
    Accept {
        offer: u64,
        into: u64,
        name: String,
        always: bool,
    },
    Decline {
        offer: u64,
        block: bool,
    },
    Cancel {
        offer: u64,
    },
    Change {
        share: u64,
        permissions: u64,
    },
    Remove {
        share: u64,
    },
}

impl Wish {
    /// A wish for anything.
    pub(super) fn random(random: &mut Random) -> Self {
        Self(std::array::from_fn(|_| random.number()))
    }

    /// Which of so many accounts makes the call.
    pub(super) fn account(&self, count: usize) -> usize {
        index(self.0[0], count)
    }

    /// Whether to compare everything after it.
    pub(super) fn is_quiet(&self) -> bool {
        self.0[1].is_multiple_of(40)
    }

    /// Whose feed to read on in after it, and how much.
    pub(super) fn follows(&self, count: usize) -> Option<(usize, u64)> {
        let (is_wanted, number) = (self.0[2].is_multiple_of(4), self.0[2] / 4);
        is_wanted.then(|| (index(number, count), 1 + number / 8 % 20))
    }

    /// The call it stands for in the present state.
    pub(super) fn step(&self, world: &World, who: usize, accounts: usize) -> Step {
        let [_, _, _, kind, a, b, c, d] = self.0;
        let seen: Vec<u64> = world
            .folders
            .keys()
            .copied()
            .filter(|id| world.rights(who, *id).is_some())
            .collect();
        let files: Vec<u64> = world
            .files
            .keys()
            .copied()
            .filter(|id| world.file_rights(who, *id).is_some())
            .collect();
        // Now and then something that the caller does not see, or that is deleted.
        let any_folder = |number: u64| {
            let ids = world.folders.keys().copied().filter(|id| wire(*id) != 0);
            pick(number, &ids.collect::<Vec<_>>()).unwrap_or(NOTHING)
        };
        let any_file = |number: u64| {
            let ids: Vec<u64> = world.files.keys().copied().collect();
            pick(number, &ids).unwrap_or(NOTHING)
        };
        let folder = |number: u64| match number % 40 {
            0 => any_folder(number / 40),
            _ => pick(number / 40, &seen).unwrap_or(root(who)),
        };
        let file = |number: u64| match number % 40 {
            0 => any_file(number / 40),
            _ => pick(number / 40, &files).unwrap_or(NOTHING),
        };
        let name = |number: u64| NAMES[index(number, NAMES.len())].to_owned();
        let stays = |number: u64, own: Option<&String>| match (number % 3, own) {
            (0, Some(own)) => own.clone(),
            _ => name(number / 3),
        };
        let own_file_name = |id: u64| world.files.get(&id).map(|file| &file.name);
        let deleted_file = |number: u64| match number % 10 {
            0 => any_file(number / 10),
            _ => {
                let ids = world.files.iter();
                let ids = ids.filter(|(_, file)| file.group != 0 && file.owner == who);
                let ids: Vec<u64> = ids.map(|(id, _)| *id).collect();
                pick(number / 10, &ids).unwrap_or(NOTHING)
            }
        };
        let deleted_folder = |number: u64| match number % 10 {
            0 => any_folder(number / 10),
            _ => {
                let ids = world.folders.iter();
                let ids = ids.filter(|(_, folder)| folder.group != 0 && folder.owner == who);
                let ids: Vec<u64> = ids.map(|(id, _)| *id).collect();
                pick(number / 10, &ids).unwrap_or(NOTHING)
            }
        };
        let to = |number: u64| (number.is_multiple_of(2)).then(|| folder(number / 2));
        let share = |number: u64| {
            let is_party = |folder: u64, recipient: usize| {
                recipient == who || world.owner(folder) == Some(who)
            };
            let ids = world.shares.iter().filter(|(_, share)| {
                number.is_multiple_of(20) || is_party(share.folder, share.recipient)
            });
            let ids: Vec<u64> = ids.map(|(id, _)| *id).collect();
            pick(number / 20, &ids).unwrap_or(NOTHING)
        };
        let offer = |number: u64, as_owner: bool| {
            let is_side = |folder: u64, recipient: usize| match as_owner {
                true => world.owner(folder) == Some(who),
                false => recipient == who,
            };
            let ids = world.offers.iter().filter(|(_, offer)| {
                number.is_multiple_of(20) || is_side(offer.folder, offer.recipient)
            });
            let ids: Vec<u64> = ids.map(|(id, _)| *id).collect();
            pick(number / 20, &ids).unwrap_or(NOTHING)
        };
        let is_full = seen.len() + files.len() > MANY_ENTRIES;
        let kind = if is_full && kind.is_multiple_of(2) {
            60 + kind / 2 % 12
        } else {
            kind / 2 % 100
        };
        match kind {
            0..13 => Step::CreateFolder {
                parent: folder(a),
                name: name(b),
            },
            13..27 => Step::Upload {
                folder: folder(a),
                name: name(b),
                size: SIZES[index(c, SIZES.len())],
            },
            27..33 => {
                let file = file(a);
                Step::CopyFile {
                    file,
                    to: folder(b),
                    name: stays(c, own_file_name(file)),
                }
            }
            33..42 => {
                let file = file(a);
                Step::RenameFile {
                    file,
                    to: folder(b),
                    name: stays(c, own_file_name(file)),
                }
            }
            42..56 => {
                let moved = folder(a);
                let own = world
                    .live(moved)
                    .filter(|_| wire(moved) != 0)
                    .map(|_| world.place(who, moved).1.to_owned());
                Step::RenameFolder {
                    folder: moved,
                    to: folder(b),
                    name: stays(c, own.as_ref()),
                }
            }
            56..60 if !is_full => Step::CopyFolder {
                folder: folder(a),
                to: folder(b),
                name: format!("copy {c}"),
            },
            56..65 => Step::DeleteFile { file: file(a) },
            65..69 => Step::DeleteFolder { folder: folder(a) },
            69..72 => Step::DeleteFolderRecursive { folder: folder(a) },
            72..76 => Step::RestoreFile {
                file: deleted_file(a),
                to: to(b),
            },
            76..80 => Step::RestoreFolder {
                folder: deleted_folder(a),
                to: to(b),
            },
            80 => Step::ClearTrash,
            81..87 => Step::Share {
                folder: folder(a),
                recipient: index(b, accounts),
                permissions: c % 8,
            },
            87..94 => Step::Accept {
                offer: offer(a, false),
                into: folder(b),
                name: name(c),
                always: d.is_multiple_of(6),
            },
            94 => Step::Decline {
                offer: offer(a, d.is_multiple_of(8)),
                block: d / 8 % 2 == 0,
            },
            95 => Step::Cancel {
                offer: offer(a, !d.is_multiple_of(8)),
            },
            96..99 => Step::Change {
                share: share(a),
                permissions: b % 8,
            },
            _ => Step::Remove { share: share(a) },
        }
    }
}

fn index(number: u64, count: usize) -> usize {
    usize::try_from(number % count.max(1) as u64).unwrap_or_default()
}

fn pick(number: u64, ids: &[u64]) -> Option<u64> {
    ids.get(index(number, ids.len())).copied()
}

impl Step {
    /// The call, without credentials. `mails` are the addresses of the accounts.
    pub(super) fn call(&self, mails: &[String]) -> Call {
        let call = |method| Call::new(method).with("timeformat", "timestamp");
        let to = |call: Call, folder: u64, name: &str| {
            let call = call.with("tofolderid", wire(folder));
            call.with("toname", name)
        };
        let restore = |call: Call, to: &Option<u64>| match to {
            Some(to) => call.with("restoreto", wire(*to)),
            None => call,
        };
        match self {
            Self::CreateFolder { parent, name } => call("createfolder")
                .with("folderid", wire(*parent))
                .with("name", name.as_str()),
            Self::Upload { folder, name, size } => call("uploadfile")
                .with("folderid", wire(*folder))
                .with("filename", name.as_str())
                .with_data(content(*size, 1)),
            Self::CopyFile {
                file,
                to: into,
                name,
            } => to(call("copyfile").with("fileid", *file), *into, name),
            Self::RenameFile {
                file,
                to: into,
                name,
            } => to(call("renamefile").with("fileid", *file), *into, name),
            Self::DeleteFile { file } => call("deletefile").with("fileid", *file),
            Self::RenameFolder {
                folder,
                to: into,
                name,
            } => {
                let call = call("renamefolder").with("folderid", wire(*folder));
                to(call, *into, name)
            }
            Self::DeleteFolder { folder } => call("deletefolder").with("folderid", wire(*folder)),
            Self::DeleteFolderRecursive { folder } => {
                call("deletefolderrecursive").with("folderid", wire(*folder))
            }
            Self::CopyFolder {
                folder,
                to: into,
                name,
            } => {
                let call = call("copyfolder").with("folderid", wire(*folder));
                to(call, *into, name)
            }
            Self::RestoreFile { file, to } => {
                restore(call("trash_restore").with("fileid", *file), to)
            }
            Self::RestoreFolder { folder, to } => {
                restore(call("trash_restore").with("folderid", *folder), to)
            }
            Self::ClearTrash => call("trash_clear").with("folderid", 0u64),
            Self::Share {
                folder,
                recipient,
                permissions,
            } => call("sharefolder")
                .with("folderid", wire(*folder))
                .with("mail", mails[*recipient].as_str())
                .with("permissions", *permissions),
            Self::Accept {
                offer,
                into,
                name,
                always,
            } => call("acceptshare")
                .with("sharerequestid", *offer)
                .with("folderid", wire(*into))
                .with("name", name.as_str())
                .with("always", u64::from(*always)),
            Self::Decline { offer, block } => call("declineshare")
                .with("sharerequestid", *offer)
                .with("block", u64::from(*block)),
            Self::Cancel { offer } => call("cancelsharerequest").with("sharerequestid", *offer),
            Self::Change { share, permissions } => call("changeshare")
                .with("shareid", *share)
                .with("permissions", *permissions),
            Self::Remove { share } => call("removeshare").with("shareid", *share),
        }
    }
}
