//! Whether time tells what the answer does not: a call about what belongs to others, beside one about nothing.
//!
//! The calls alternate, so that whatever else the machine does slows both, and the quicker ones are compared: on a busy
//! machine the median tells how long a call waits for a processor. A measurement that shows a difference is repeated, since
//! chance does not repeat itself.

use super::caller::{Caller, Place};
use super::table::Thing;
use super::world::{Subject, World};
use crate::Result;
use crate::connection::{Call, Protocol};
use crate::server::Server;
use std::time::{Duration, Instant};

/// Pairs of calls in a measurement.
const PAIRS: usize = 41;
/// Measurements of which one has to show no difference.
const ATTEMPTS: usize = 5;
/// Folders between the shared folder and the things that are called about.
const DEPTH: usize = 10;
/// Files beside them.
const SIBLINGS: usize = 200;

/// Methods, with the parameter that names a thing.
const CALLS: [(&str, &str, Thing); 15] = [
    ("stat", "fileid", Thing::File),
    ("getfilelink", "fileid", Thing::File),
    ("listrevisions", "fileid", Thing::File),
    ("getfilehistory", "fileid", Thing::File),
    ("deletefile", "fileid", Thing::File),
    ("getzip", "fileids", Thing::File),
    ("listfolder", "folderid", Thing::Folder),
    ("deletefolderrecursive", "folderid", Thing::Folder),
    ("getzip", "folderid", Thing::Folder),
    ("removeshare", "shareid", Thing::Share),
    ("acceptshare", "sharerequestid", Thing::Request),
    ("deletepublink", "linkid", Thing::Link),
    ("deleteuploadlink", "uploadlinkid", Thing::UploadLink),
    ("upload_info", "uploadid", Thing::Session),
    ("collection_details", "collectionid", Thing::Collection),
];

/// Measures on new accounts of a server.
pub fn run(server: &Server, protocol: Protocol, run: usize) -> Result<()> {
    let callers = [
        Caller::Owner,
        Caller::Recipient(7),
        Caller::Pending,
        Caller::Inner,
        Caller::Stranger,
    ];
    let mut world = World::new(server, protocol, run, &callers)?;
    let (file, folder) = deep(&mut world)?;
    // What is known to take longer has to be seen, or the rest would show nothing.
    if are_alike(
        &world,
        Caller::Owner,
        ("listfolder", "folderid"),
        folder,
        Thing::Folder,
    )? {
        return Err("a listing of many files seems to take no longer than a refusal".into());
    }
    for (method, parameter, thing) in CALLS {
        let id = match thing {
            Thing::File => file,
            Thing::Folder => folder,
            _ => world
                .thing(Place::Nowhere, thing, Caller::Stranger)?
                .id(thing.variable())?,
        };
        if !are_alike(&world, Caller::Stranger, (method, parameter), id, thing)? {
            return Err(format!("{method} takes another time if there is such a {thing:?}").into());
        }
    }
    Ok(())
}

/// A file and its folder, far below two shared folders, with many others beside it.
fn deep(world: &mut World<'_>) -> Result<(u64, u64)> {
    let mut folder = world.nested.clone();
    for _ in 0..DEPTH {
        folder = world.folder_in(&folder)?;
    }
    let mut file = String::new();
    for _ in 0..SIBLINGS {
        file = world.file_in(&folder)?.0;
    }
    Ok((file.parse()?, folder.parse()?))
}

/// Whether a call about a thing takes its caller about the same time as one about nothing.
fn are_alike(
    world: &World<'_>,
    caller: Caller,
    (method, parameter): (&str, &'static str),
    id: u64,
    thing: Thing,
) -> Result<bool> {
    let mut subject = Subject::default();
    subject.variables.insert(thing.variable(), id.to_string());
    let missing = subject.missing().id(thing.variable())?;
    let calls =
        [id, missing].map(|id| world.signed(caller, &Call::new(method).with(parameter, id)));
    let mut connection = world.connect()?;
    for _ in 0..ATTEMPTS {
        let mut times = [Vec::new(), Vec::new()];
        for pair in 0..PAIRS {
            // Neither always comes first.
            for turn in [pair % 2, (pair + 1) % 2] {
                let begun = Instant::now();
                connection.call(&calls[turn])?;
                times[turn].push(begun.elapsed());
            }
        }
        let [one, other] = times.map(usual);
        // A refusal costs a few look-ups by id: one or two more do not count.
        if one.abs_diff(other) <= (one.min(other) / 2).max(Duration::from_micros(150)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How long a call takes that is left alone: the median of the quicker quarter.
fn usual(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 8]
}
