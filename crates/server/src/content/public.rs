//! Content that public links lead to: whether the link still works, and what is counted.
//!
//! A path to content counts as one download, when it is first used. If its link has limits, that and the traffic of a
//! limited link are written before a byte is sent, so that nothing that happens at the same time gets past a limit; what
//! was charged and not sent is given back. Otherwise both are counted in memory.

use super::link::Pass;
use super::meter::Meter;
use crate::app::App;
use crate::rules::public_links::{check_limits, is_expired, lock};
use pileus_api::{Code, UnixTime};
use pileus_store::content::{self, Opened};
use pileus_store::public_link_counts::LinkUse;
use pileus_store::public_links::{LIVE, PublicLink};
use pileus_store::{StoreError, Tx};
use std::sync::Arc;

/// What a request has to count for a public link.
pub(super) struct Toll {
    pass: Pass,
    /// When the path stops working, and need not be remembered any more.
    expires: i64,
    /// Whether the path has been counted as a download, as far as the database knows.
    is_counted: bool,
    is_download_limited: bool,
    is_traffic_limited: bool,
}

/// Why a toll was not paid.
enum Unpaid {
    /// The link allows no more.
    UsedUp,
    Trouble(StoreError),
}

impl From<StoreError> for Unpaid {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error)
    }
}

/// Opens one content of a file for visitors of a link, if the link works now: it is live, has the password that the visitor
/// knew, and still leads to the file.
pub(super) fn open(
    tx: &mut Tx<'_>,
    pass: Pass,
    file: i64,
    blob: i64,
    expires: i64,
    now: UnixTime,
) -> Result<Option<(Opened, Toll)>, StoreError> {
    let Some(link) = tx.public_link(pass.link)? else {
        return Ok(None);
    };
    let lock = lock(link.password_hash.as_deref());
    if link.state != LIVE || is_expired(&link, now) || (lock != 0 && lock != pass.lock) {
        return Ok(None);
    }
    let Some(opened) = open_behind(tx, &link, file, blob)? else {
        return Ok(None);
    };
    let toll = Toll {
        pass,
        expires,
        is_counted: link.maxdownloads > 0 && tx.has_counted_path(link.id, pass.path)?,
        is_download_limited: link.maxdownloads > 0,
        is_traffic_limited: link.maxtraffic > 0,
    };
    // Most that comes too late is refused here already, where that costs no write.
    let is_used_up = match check_limits(&link) {
        Ok(()) => false,
        Err(fail) => fail.code == Code::LINK_TRAFFIC_USED || !toll.is_counted,
    };
    if is_used_up {
        return Ok(None);
    }
    Ok(Some((opened, toll)))
}

/// Opens a content, if its file is behind the link.
fn open_behind(
    tx: &mut Tx<'_>,
    link: &PublicLink,
    file: i64,
    blob: i64,
) -> Result<Option<Opened>, StoreError> {
    if (link.file, link.folder, link.collection) == (None, None, None) {
        return content::open_linked(tx, link.id, file, blob);
    }
    let Some(opened) = content::open(tx, link.owner, file, blob)? else {
        return Ok(None);
    };
    let is_behind = match (link.file, link.folder, link.collection) {
        (Some(linked), _, _) => linked == file,
        (_, Some(top), _) => tx.is_below(opened.folder, top)?,
        (_, _, Some(collection)) => {
            tx.collection(collection)?.is_some() && tx.is_collected(collection, file)?
        }
        (None, None, None) => false,
    };
    Ok(Some(opened).filter(|_| is_behind))
}

impl Toll {
    /// Counts a request for `length` bytes. `None` if the link allows no more.
    pub(super) async fn pay(
        self,
        app: &Arc<App>,
        length: u64,
    ) -> Result<Option<Meter>, StoreError> {
        let link = self.pass.link;
        if !self.is_traffic_limited && (self.is_counted || !self.is_download_limited) {
            if !self.is_counted {
                self.count_in_memory(app);
            }
            return Ok(Some(Meter::new(app.clone(), link)));
        }
        let is_traffic_limited = self.is_traffic_limited;
        let bytes = if is_traffic_limited { length } else { 0 };
        let charged = i64::try_from(bytes).unwrap_or(i64::MAX);
        let paid = app.db.edit(move |tx| self.charge(tx, charged)).await;
        match paid {
            Ok(()) if is_traffic_limited => Ok(Some(Meter::charged(app.clone(), link, bytes))),
            Ok(()) => Ok(Some(Meter::new(app.clone(), link))),
            Err(Unpaid::UsedUp) => Ok(None),
            Err(Unpaid::Trouble(error)) => Err(error),
        }
    }

    fn count_in_memory(&self, app: &App) {
        if app.link_counts.is_first(self.pass.path) {
            let used = LinkUse {
                downloads: 1,
                ..LinkUse::default()
            };
            app.link_counts.add(self.pass.link, used);
        }
    }

    /// Charges the link for the path's first use, and for the bytes.
    fn charge(&self, tx: &mut Tx<'_>, bytes: i64) -> Result<(), Unpaid> {
        let Pass { link, path, .. } = self.pass;
        let is_download = tx.note_counted_path(link, path, self.expires)?;
        // Several requests that come by the same path at once are one download.
        if !is_download && !self.is_traffic_limited {
            return Ok(());
        }
        if tx.charge_public_link(link, is_download, bytes)? {
            Ok(())
        } else {
            Err(Unpaid::UsedUp)
        }
    }
}
