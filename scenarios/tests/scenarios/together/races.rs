//! Races around shares.

use super::party::{ALL_RIGHTS, Line, Person, accept, move_file, move_folder, upload};
use crate::servers::{Database, Servers};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::model::answer::{list, number, same};
use pileus_scenarios::model::replica::Rows;
use pileus_scenarios::random::Random;
use pileus_scenarios::server::Server;
use std::sync::Barrier;
use std::thread;

/// Calls that are made at the same time.
const AT_ONCE: usize = 100;
/// Bytes of an upload that stands in a file of its own.
const UPLOAD: usize = 40_000;
/// Uploads that fit the quota.
const FITTING: u64 = 25;
/// Calls of each connection in the crowd.
const CROWD_CALLS: u64 = 120;
/// Entries above which the crowd makes no more.
const MANY: usize = 60;

/// Makes calls at the same time, each on its own connection, and tells the codes.
fn at_once(server: &Server, calls: Vec<(&Person, Call)>) -> Result<Vec<u64>> {
    let start = Barrier::new(calls.len());
    thread::scope(|scope| {
        let calls: Vec<_> = calls
            .into_iter()
            .map(|(person, call)| {
                let start = &start;
                scope.spawn(move || -> Result<u64> {
                    let line = person.connect(server);
                    start.wait();
                    Ok(line?.call(call)?.0)
                })
            })
            .collect();
        let codes = calls.into_iter();
        codes
            .map(|call| call.join().map_err(|_| "a thread panicked")?)
            .collect()
    })
}

/// How often a code is among others.
fn count(codes: &[u64], code: u64) -> u64 {
    codes.iter().filter(|found| **found == code).count() as u64
}

/// One of many parallel accepts of an offer makes the share; the others find no offer.
pub fn one_of_many_accepts_wins(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let server = servers.own(database)?;
    let ann = Person::new(&server, protocol, "ann", None)?;
    let bob = Person::new(&server, protocol, "bob", None)?;
    let mut owner = ann.connect(&server)?;
    let folder = owner.folder(0, "folder")?;
    owner.file(folder, "file", 5)?;
    let offer = owner.offer(folder, &bob, ALL_RIGHTS)?;
    let calls = (0..AT_ONCE).map(|_| (&bob, accept(offer))).collect();
    let codes = at_once(&server, calls)?;
    same("accepts that win", 1, count(&codes, 0))?;
    same("accepts that lose", AT_ONCE as u64 - 1, count(&codes, 2021))?;
    owner.agree()?;
    let seen = bob.connect(&server)?.agree()?;
    same(
        "what the recipient has",
        (1, 1),
        (seen.folders.len(), seen.files.len()),
    )?;
    server.admin(&["check"]).map(drop)
}

/// Uploads of recipients fill the quota of the owner as far as whole files fit, and not a byte more.
pub fn recipients_fill_the_quota_to_the_byte(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let server = servers.own(database)?;
    let quota = FITTING * UPLOAD as u64;
    let ann = Person::new(&server, protocol, "ann", Some(quota))?;
    let recipients = ["bob", "eve"].map(|name| Person::new(&server, protocol, name, None));
    let [bob, eve] = recipients;
    let recipients = [bob?, eve?];
    let mut owner = ann.connect(&server)?;
    let folder = owner.folder(0, "folder")?;
    for person in &recipients {
        let offer = owner.offer(folder, person, 1)?;
        person.connect(&server)?.accept(offer)?;
    }
    let calls = (0..AT_ONCE).map(|number| {
        let person = &recipients[number % recipients.len()];
        (person, upload(folder, &format!("file {number}"), UPLOAD))
    });
    let codes = at_once(&server, calls.collect())?;
    same("uploads that fit", FITTING, count(&codes, 0))?;
    same(
        "uploads that do not",
        AT_ONCE as u64 - FITTING,
        count(&codes, 2008),
    )?;
    let used = number(&owner.make(Call::new("userinfo"))?, "usedquota")?;
    same("used bytes", quota, used)?;
    owner.agree()?;
    for person in &recipients {
        person.connect(&server)?.agree()?;
    }
    server.admin(&["check"]).map(drop)
}

/// What calls of a crowd may be answered with: nobody knows what the others have just done.
const EXPECTED: [u64; 22] = [
    0, 1017, 1018, 2002, 2003, 2004, 2005, 2006, 2007, 2009, 2015, 2016, 2019, 2020, 2021, 2023,
    2024, 2025, 2028, 2042, 2043, 2049,
];

/// Owners and recipients offer, accept, change, remove, move, upload and delete at the same time.
pub fn everybody_does_everything(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let server = servers.own(database)?;
    let mut people = Vec::new();
    for name in ["ann", "bob", "eve"] {
        people.push(Person::new(&server, protocol, name, None)?);
    }
    let done: Vec<Result<()>> = thread::scope(|scope| {
        let crowd: Vec<_> = (0..2 * people.len())
            .map(|number| {
                let (server, people) = (&server, &people);
                scope.spawn(move || work(server, people, number))
            })
            .collect();
        let ended = crowd.into_iter().map(|worker| worker.join());
        ended
            .map(|worker| worker.map_err(|_| "a thread panicked")?)
            .collect()
    });
    done.into_iter().collect::<Result<Vec<()>>>()?;
    for person in &people {
        let agreed = person.connect(&server)?.agree();
        agreed.map_err(|error| format!("{}: {error}", person.mail))?;
    }
    server.admin(&["check"]).map(drop)
}

fn work(server: &Server, people: &[Person], number: usize) -> Result<()> {
    let person = &people[number % people.len()];
    let mut line = person.connect(server)?;
    let mut random = Random::new(number as u64);
    for _ in 0..CROWD_CALLS {
        let rows = listed(&mut line)?;
        let Some(call) = some_call(&mut line, &rows, people, &mut random)? else {
            continue;
        };
        let method = call.method.clone();
        let (code, _) = line.call(call)?;
        if !EXPECTED.contains(&code) {
            return Err(format!("{method} answers {code}").into());
        }
    }
    Ok(())
}

fn listed(line: &mut Line) -> Result<Rows> {
    let call = Call::new("listfolder").with("folderid", 0u64);
    let answer = line.make(call.with("recursive", 1u64).with("timeformat", "timestamp"))?;
    let mut rows = Rows::default();
    let listing = answer.get("metadata").ok_or("a listing without metadata")?;
    pileus_scenarios::model::answer::below(listing, &mut |entry| rows.put(entry))?;
    Ok(rows)
}

/// A call about something that was there a moment ago.
fn some_call(
    line: &mut Line,
    rows: &Rows,
    people: &[Person],
    random: &mut Random,
) -> Result<Option<Call>> {
    let mut folders: Vec<u64> = rows.folders.keys().copied().collect();
    folders.push(0);
    let files: Vec<u64> = rows.files.keys().copied().collect();
    let folder = random.pick(&folders).copied().unwrap_or(0);
    let into = random.pick(&folders).copied().unwrap_or(0);
    let file = random.pick(&files).copied().unwrap_or(0);
    let name = format!("{}", random.below(8));
    let is_full = folders.len() + files.len() > MANY;
    let kind = random.below(100);
    Ok(Some(match kind {
        0..12 if !is_full => Call::new("createfolder")
            .with("folderid", folder)
            .with("name", name),
        12..30 if !is_full => upload(folder, &name, 5),
        30..42 => move_file(file, into).with("toname", name),
        42..54 => move_folder(folder, into).with("toname", name),
        54..62 => Call::new("deletefile").with("fileid", file),
        62..65 => Call::new("deletefolder").with("folderid", folder),
        65..68 if folder != 0 => Call::new("deletefolderrecursive").with("folderid", folder),
        68..78 => Call::new("sharefolder")
            .with("folderid", folder)
            .with(
                "mail",
                random
                    .pick(people)
                    .map_or("", |person| person.mail.as_str()),
            )
            .with("permissions", random.below(8)),
        78..90 => match pick_id(line, "requests.incoming", "sharerequestid", random)? {
            Some(offer) => accept(offer).with("name", name),
            None => return Ok(None),
        },
        90..94 => match pick_id(line, "shares.outgoing", "shareid", random)? {
            Some(share) => Call::new("changeshare")
                .with("shareid", share)
                .with("permissions", random.below(8)),
            None => return Ok(None),
        },
        _ => {
            let way = if random.chance(50) {
                "shares.outgoing"
            } else {
                "shares.incoming"
            };
            match pick_id(line, way, "shareid", random)? {
                Some(share) => Call::new("removeshare").with("shareid", share),
                None => return Ok(None),
            }
        }
    }))
}

fn pick_id(line: &mut Line, what: &str, id: &str, random: &mut Random) -> Result<Option<u64>> {
    let answer = line.make(Call::new("listshares"))?;
    let picked = random.pick(list(&answer, what)?);
    picked.map(|share| number(share, id)).transpose()
}
