//! Links that the administrator closes after a complaint.

use pileus_store::public_links::{CLOSED, DELETED, LIVE, PublicLink};
use pileus_store::{Stored, Tx};

/// Closes the link with a code or short code, or opens it again; answers it. `None` if its owner has none with this code.
pub fn set_closed(tx: &mut Tx<'_>, code: &str, is_closed: bool) -> Stored<Option<PublicLink>> {
    let link = tx.public_link_by_code(code)?;
    let Some(found) = link.filter(|link| link.state != DELETED) else {
        return Ok(None);
    };
    let Some(owner) = tx.account_locked(found.owner)? else {
        return Ok(None);
    };
    // The owner may have deleted it before his row was locked.
    let link = tx.public_link(found.id)?;
    let Some(mut link) = link.filter(|link| link.state != DELETED) else {
        return Ok(None);
    };
    link.state = if is_closed { CLOSED } else { LIVE };
    tx.set_public_link(&link)?;
    tx.count_public_links(owner.id, 0)?;
    tx.notify(owner.id, owner.diffid);
    Ok(Some(link))
}
