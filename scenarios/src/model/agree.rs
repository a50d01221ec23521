//! What holds for every account whenever nothing is going on: what it lists is what its feed has told.

use super::answer::{below, number, same};
use super::deals::Deals;
use super::replica::{Replica, Rows, same_rows};
use crate::Result;
use crate::connection::{Call, Connection};

/// Compares what an account lists and shares with what its feed has told from the beginning, and the space it uses with
/// the sizes of its files. Tells what it lists.
pub fn agree(connection: &mut Connection, token: &str) -> Result<Rows> {
    let mut call =
        |call: Call| Ok::<_, crate::Error>(connection.call(&call.with("auth", token))?.tree);
    let listing = Call::new("listfolder")
        .with("folderid", 0u64)
        .with("recursive", 1u64);
    let listing = call(listing.with("timeformat", "timestamp"))?;
    let listing = listing
        .get("metadata")
        .ok_or("a listing without metadata")?;
    let mut listed = Rows::default();
    below(listing, &mut |entry| listed.put(entry))?;
    let deals = Deals::listed(&call(Call::new("listshares"))?)?;
    let used = number(&call(Call::new("userinfo"))?, "usedquota")?;

    let mut replica = Replica::default();
    replica.catch_up(connection, token, 1000)?;
    same_rows("the feed", &listed.as_told(), &replica.rows.as_told())?;
    same("shares and offers", &deals, &replica.deals)?;
    let is_own = |id: u64| {
        let seen = listed.seen.get(&(false, id));
        seen.is_none_or(|seen| seen.foreign.is_none())
    };
    let own = listed.files.iter().filter(|(id, _)| is_own(**id));
    same(
        "usedquota",
        own.map(|(_, file)| file.size).sum::<u64>(),
        used,
    )?;
    Ok(listed)
}
