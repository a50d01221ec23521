//! Shares so large that a job tells their recipients what is in them, while others go on working there.

use super::party::{ALL_RIGHTS, Line, Person, accept, move_file, move_folder, upload};
use crate::servers::{Database, Running, Servers};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::model::answer::{is_folder, list, number, same};
use pileus_scenarios::model::replica::Replica;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Folders in the shared one, and files in each.
const FOLDERS: usize = 30;
const FILES: usize = 100;
/// The first of these folders are left alone by everybody.
const STILL: usize = 5;
/// How long a join may take.
const JOIN_LIMIT: Duration = Duration::from_secs(120);
/// Longer than a crashed server may still hold its jobs.
const LEASE_S: u64 = 120;

/// A folder with files.
struct Filled {
    id: u64,
    files: Vec<u64>,
}

/// An owner with a large folder, and one to whom it is offered.
struct Stage {
    server: Running,
    ann: Person,
    bob: Person,
    owner: Line,
    recipient: Line,
    /// The large folder.
    top: u64,
    /// What is in it.
    folders: Vec<Filled>,
    offer: u64,
}

impl Stage {
    fn new(servers: &Servers, database: Database, protocol: Protocol) -> Result<Self> {
        let server = servers.own(database)?;
        let ann = Person::new(&server, protocol, "ann", None)?;
        let bob = Person::new(&server, protocol, "bob", None)?;
        let (mut owner, recipient) = (ann.connect(&server)?, bob.connect(&server)?);
        let top = owner.folder(0, "top")?;
        let seed = owner.folder(top, "0")?;
        for number in 0..FILES {
            owner.file(seed, &number.to_string(), 5)?;
        }
        for number in 1..FOLDERS {
            let copy = Call::new("copyfolder").with("folderid", seed);
            let copy = copy.with("tofolderid", top);
            owner.make(copy.with("toname", number.to_string()))?;
        }
        let folders = filled(&mut owner, top)?;
        let offer = owner.offer(top, &bob, ALL_RIGHTS)?;
        Ok(Self {
            server,
            ann,
            bob,
            owner,
            recipient,
            top,
            folders,
            offer,
        })
    }

    /// Follows the recipient's feed until he has been told that the share has begun. By then he knows all that nobody has
    /// touched.
    fn wait_for_join(&mut self) -> Result<()> {
        let mut replica = Replica::default();
        let deadline = Instant::now() + JOIN_LIMIT;
        while replica.deals.shares[0].is_empty() {
            if Instant::now() > deadline {
                return Err("the recipient is not told that the share has begun".into());
            }
            let line = &mut self.recipient;
            if !replica.follow(&mut line.connection, &line.token, 50)? {
                thread::sleep(Duration::from_millis(2));
            }
        }
        for folder in &self.folders[..STILL] {
            let knows_files = folder
                .files
                .iter()
                .all(|file| replica.rows.files.contains_key(file));
            if !knows_files || !replica.rows.folders.contains_key(&folder.id) {
                return Err(format!("the share has begun without folder {}", folder.id).into());
            }
        }
        Ok(())
    }

    /// Follows the recipient's feed until he knows one of the folders with all its files, and tells which.
    fn wait_for_a_part(&mut self) -> Result<usize> {
        let mut replica = Replica::default();
        let deadline = Instant::now() + JOIN_LIMIT;
        while Instant::now() < deadline {
            let line = &mut self.recipient;
            replica.follow(&mut line.connection, &line.token, 50)?;
            if !replica.deals.shares[0].is_empty() {
                return Err("everything was told at once".into());
            }
            let knows = |folder: &Filled| {
                let mut files = folder.files.iter();
                files.all(|file| replica.rows.files.contains_key(file))
            };
            if let Some(index) = self.folders.iter().skip(STILL).position(knows) {
                return Ok(STILL + index);
            }
        }
        Err("the recipient is told nothing".into())
    }

    /// Takes away, in all ways, what the recipient has just been told of.
    fn take_away(&mut self, index: usize) -> Result<()> {
        let Filled { id, files } = &self.folders[index];
        let outside = self.owner.folder(0, "outside")?;
        let own = self.recipient.folder(0, "own")?;
        let [first, second, third, ..] = files[..] else {
            return Err("too few files".into());
        };
        let delete = |file| Call::new("deletefile").with("fileid", file);
        self.owner.make(delete(first))?;
        self.owner.make(move_file(second, outside))?;
        self.recipient.make(move_file(third, own))?;
        self.owner
            .make(Call::new("trash_clear").with("fileid", first))?;
        self.owner.make(move_folder(*id, outside))?;
        // What was in it goes on elsewhere in the share.
        let elsewhere = move_file(files[3], self.folders[0].id).with("toname", "moved");
        self.owner.make(elsewhere).map(drop)
    }

    /// Everybody lists what he was told.
    fn end(mut self) -> Result<()> {
        let agreed = self.owner.agree();
        agreed.map_err(|error| format!("{}: {error}", self.ann.mail))?;
        let agreed = self.recipient.agree();
        agreed.map_err(|error| format!("{}: {error}", self.bob.mail))?;
        self.server.admin(&["check"]).map(drop)
    }
}

/// The folders in a folder, with their files.
fn filled(line: &mut Line, top: u64) -> Result<Vec<Filled>> {
    let call = Call::new("listfolder").with("folderid", top);
    let answer = line.make(call.with("recursive", 1u64))?;
    let mut found = Vec::new();
    for entry in list(&answer, "metadata.contents")? {
        if is_folder(entry)? {
            let files = list(entry, "contents")?.iter();
            found.push(Filled {
                id: number(entry, "folderid")?,
                files: files
                    .map(|file| number(file, "fileid"))
                    .collect::<Result<_>>()?,
            });
        }
    }
    Ok(found)
}

/// Owner and recipient change, in and across the border of the share, what is being told.
pub fn changes_during_a_join_are_told(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let mut stage = Stage::new(servers, database, protocol)?;
    let (is_over, changes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let restless: Vec<Filled> = stage.folders.drain(STILL..).collect();
    let (of_owner, of_recipient) = restless.split_at(restless.len() / 2);
    let lines = [
        (stage.ann.connect(&stage.server)?, of_owner),
        (stage.bob.connect(&stage.server)?, of_recipient),
    ];
    stage.recipient.make(accept(stage.offer))?;
    let top = stage.top;
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = lines
            .into_iter()
            .map(|(line, folders)| {
                let (is_over, changes) = (&is_over, &changes);
                scope.spawn(move || change(line, top, folders, is_over, changes))
            })
            .collect();
        let joined = stage.wait_for_join();
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().map_err(|_| "a thread panicked")??;
        }
        joined
    })?;
    if changes.into_inner() == 0 {
        return Err("nothing was changed during the join".into());
    }
    stage.end()
}

/// Changes folders one after the other, each in all ways, until the join is over or nothing is left.
fn change(
    mut line: Line,
    top: u64,
    folders: &[Filled],
    is_over: &AtomicBool,
    changes: &AtomicUsize,
) -> Result<()> {
    let outside = line.folder(0, "outside")?;
    for (number, Filled { id, files }) in folders.iter().enumerate() {
        let own = line.file(outside, &format!("own {number}"), 7)?;
        let own_folder = line.folder(outside, &format!("own {number}"))?;
        line.file(own_folder, "deep", 7)?;
        let rename = |call: Call, name: &str| call.with("toname", format!("{name} {number}"));
        let file_call = |method: &str, file: u64| Call::new(method).with("fileid", file);
        let folder_call = |method: &str, folder: u64| Call::new(method).with("folderid", folder);
        let calls = [
            upload(*id, "new", 9),
            upload(*id, "0", 9),
            rename(file_call("renamefile", files[1]), "renamed"),
            file_call("deletefile", files[2]),
            move_file(files[3], outside).with("toname", format!("out {number}")),
            move_file(own, *id),
            move_folder(own_folder, *id),
            move_file(files[4], *id).with("toname", "5"),
            folder_call("renamefolder", *id).with("toname", format!("renamed {id}")),
            move_file(files[6], top).with("toname", format!("up {id}")),
        ];
        let more = match number % 3 {
            0 => move_folder(*id, outside),
            1 => folder_call("deletefolderrecursive", *id),
            _ => folder_call("createfolder", *id).with("name", "made"),
        };
        for call in calls.into_iter().chain([more]) {
            if is_over.load(Ordering::Relaxed) {
                return Ok(());
            }
            line.make(call)?;
            changes.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// After a crash in the middle the recipient is told the rest, and that what he knew is gone where it is gone.
pub fn a_join_goes_on_after_a_crash(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let mut stage = Stage::new(servers, database, protocol)?;
    stage.recipient.make(accept(stage.offer))?;
    let index = stage.wait_for_a_part()?;
    stage.take_away(index)?;
    stage.server.crash()?;
    stage.server.set_clock(LEASE_S)?;
    stage.owner = stage.ann.connect(&stage.server)?;
    stage.recipient = stage.bob.connect(&stage.server)?;
    stage.wait_for_join()?;
    stage.end()
}

/// A share that ends before everything in it was told leaves nothing of it with its recipient.
pub fn a_share_that_ends_while_joining_leaves_nothing(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let mut stage = Stage::new(servers, database, protocol)?;
    let share = stage.recipient.accept(stage.offer)?;
    let index = stage.wait_for_a_part()?;
    stage.take_away(index)?;
    stage
        .owner
        .make(Call::new("removeshare").with("shareid", share))?;
    let rows = stage.recipient.agree()?;
    // His own folder, and the file that he has moved into it.
    same(
        "what is left",
        (1, 1),
        (rows.folders.len(), rows.files.len()),
    )?;
    stage.end()
}
