//! How many links an account may have.

use super::party::{Line, Person};
use crate::servers::{Database, Servers};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::model::answer::{list, number, same};
use std::thread;

/// Public links that an account may have.
const PUBLIC_LINKS: usize = 10_000;
/// Upload links that an account may have.
const UPLOAD_LINKS: usize = 1000;
/// Connections that make links. Calls that run together are committed together.
const CONNECTIONS: usize = 10;

/// An account makes as many links as it may, and no more until one is deleted. Neither those that are there already nor
/// those of the other kind make a difference.
pub fn an_account_has_so_many_links_at_a_time(
    servers: &Servers,
    database: Database,
    protocol: Protocol,
) -> Result<()> {
    let server = servers.own(database)?;
    let ann = Person::new(&server, protocol, "ann", None)?;
    let mut line = ann.connect(&server)?;
    let folder = line.folder(0, "folder")?;
    let connect = || ann.connect(&server);
    // A link without options is the one that is there.
    let public = Call::new("getfolderpublink").with("folderid", folder);
    let limited = public.clone().with("maxdownloads", 1u64);
    let upload = Call::new("createuploadlink").with("folderid", folder);
    let upload = upload.with("comment", "files");
    make(connect, &upload, UPLOAD_LINKS)?;
    make(connect, &limited, PUBLIC_LINKS - 1)?;
    let plain = number(&line.make(public.clone())?, "linkid")?;
    for call in [&upload, &limited] {
        same("one link too many", 4010, line.call(call.clone())?.0)?;
    }
    same("again", plain, number(&line.make(public)?, "linkid")?)?;
    let deletions = [
        (Call::new("deletepublink").with("linkid", plain), &limited),
        (first_upload_link(&mut line)?, &upload),
    ];
    for (delete, create) in deletions {
        line.make(delete)?;
        line.make(create.clone())?;
        same("one link too many", 4010, line.call(create.clone())?.0)?;
    }
    Ok(())
}

/// A call that deletes an upload link.
fn first_upload_link(line: &mut Line) -> Result<Call> {
    let links = line.make(Call::new("listuploadlinks"))?;
    let id = number(&list(&links, "uploadlinks")?[0], "uploadlinkid")?;
    Ok(Call::new("deleteuploadlink").with("uploadlinkid", id))
}

/// Makes a call so often, on several connections.
fn make(connect: impl Fn() -> Result<Line> + Sync, call: &Call, times: usize) -> Result<()> {
    thread::scope(|scope| {
        let makers: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                let connect = &connect;
                scope.spawn(move || -> Result<()> {
                    let mut line = connect()?;
                    for _ in (part..times).step_by(CONNECTIONS) {
                        line.make(call.clone())?;
                    }
                    Ok(())
                })
            })
            .collect();
        makers
            .into_iter()
            .try_for_each(|maker| maker.join().map_err(|_| "a thread panicked")?)
    })
}
