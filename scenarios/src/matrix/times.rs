//! Whether time tells what the answer does not: a call about what belongs to others, beside one about nothing.
//!
//! The calls alternate, so that whatever else the machine does slows both, and the quicker ones are compared: on a busy
//! machine the median tells how long a call waits for a processor. A measurement that shows a difference goes on: the more
//! calls there are, the less chance has to say, while a statement to the database that only one of the two takes stays.

use super::caller::{Caller, Place};
use super::table::Thing;
use super::world::{Subject, World};
use crate::Result;
use crate::connection::{Call, Protocol};
use crate::server::Server;
use std::time::{Duration, Instant};

/// Pairs of calls after which the times are compared.
const PAIRS: usize = 61;
/// Comparisons of which one has to show no difference.
const COMPARISONS: usize = 20;
/// Measurements of what is known to differ, of which one has to show it.
const CONTROLS: usize = 3;
/// The part of a call's time by which two of them may differ. One that is refused takes half a dozen statements, or as many
/// round trips on PostgreSQL, so that one more or less is seen.
const TOLERANCE: u32 = 6;
/// Differences below are those of the same statements on other pages.
const UNSEEN: Duration = Duration::from_micros(15);
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

/// Those of them that apps that see one folder call.
const IN_TREES: [(&str, &str, Thing); 4] = [CALLS[0], CALLS[1], CALLS[6], CALLS[8]];

/// Measures on new accounts of a server.
pub fn run(server: &Server, protocol: Protocol, run: usize) -> Result<()> {
    let callers = [
        Caller::Owner,
        Caller::Recipient(7),
        Caller::Pending,
        Caller::Inner,
        Caller::Stranger,
        Caller::FolderApp,
    ];
    let mut world = World::new(server, protocol, run, &callers)?;
    let (file, folder) = deep(&mut world)?;
    let near_folder = world.private.parse()?;
    let near_file = world.file_in(&world.private.clone())?.0.parse()?;
    // What is known to take a few statements more has to be seen, or the rest would show nothing. Here it is the likeness
    // that chance must not decide.
    let (recipient, listing) = (Caller::Recipient(7), ("listfolder", "folderid"));
    let shared = world.mount.parse()?;
    let mut seen = None;
    for _ in 0..CONTROLS {
        seen = difference(&world, recipient, listing, shared, Thing::Folder)?;
        if seen.is_some() {
            break;
        }
    }
    if seen.is_none() {
        return Err("a listing seems to take no longer than a refusal".into());
    }
    let strangers = CALLS.map(|call| (Caller::Stranger, call));
    // To an app that sees one folder the rest of its user's files is as foreign. That it is elsewhere is found by climbing
    // the tree, in one statement.
    let apps = IN_TREES.map(|call| (Caller::FolderApp, call));
    for (caller, (method, parameter, thing)) in strangers.into_iter().chain(apps) {
        let id = match (thing, caller) {
            (Thing::File, Caller::FolderApp) => near_file,
            (Thing::Folder, Caller::FolderApp) => near_folder,
            (Thing::File, _) => file,
            (Thing::Folder, _) => folder,
            _ => world
                .thing(Place::Nowhere, thing, Caller::Stranger)?
                .id(thing.variable())?,
        };
        if let Some(times) = difference(&world, caller, (method, parameter), id, thing)? {
            let what = format!("{method} takes {caller:?} another time if there is such a");
            return Err(format!("{what} {thing:?}: {times:?}").into());
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

/// How long a call about a thing takes its caller, and one about nothing; none if that is about the same.
fn difference(
    world: &World<'_>,
    caller: Caller,
    (method, parameter): (&str, &'static str),
    id: u64,
    thing: Thing,
) -> Result<Option<[Duration; 2]>> {
    let mut subject = Subject::default();
    subject.variables.insert(thing.variable(), id.to_string());
    let missing = subject.missing().id(thing.variable())?;
    let calls =
        [id, missing].map(|id| world.signed(caller, &Call::new(method).with(parameter, id)));
    let mut connection = world.connect()?;
    let mut times = [Vec::new(), Vec::new()];
    let mut found = None;
    for _ in 0..COMPARISONS {
        for pair in 0..PAIRS {
            // Neither always comes first.
            for turn in [pair % 2, (pair + 1) % 2] {
                let begun = Instant::now();
                connection.call(&calls[turn])?;
                times[turn].push(begun.elapsed());
            }
        }
        let [one, other] = times.each_mut().map(|times| usual(times));
        if one.abs_diff(other) <= (one.min(other) / TOLERANCE).max(UNSEEN) {
            return Ok(None);
        }
        found = Some([one, other]);
    }
    Ok(found)
}

/// How long a call takes that is left alone: the median of the quicker quarter.
fn usual(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 8]
}
