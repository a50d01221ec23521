//! How often public links are used, and the limits on that.

use crate::{Stored, Tx, args, sql};

sql! {
    ADD = "UPDATE public_link SET downloads = downloads + $1, traffic = traffic + $2, views = views + $3 WHERE id = $4";
    CHARGE = "UPDATE public_link SET downloads = downloads + $1, traffic = traffic + $2 WHERE id = $3 \
              AND (CAST(0 AS BIGINT) = $1 OR maxdownloads = 0 OR downloads < maxdownloads) AND (maxtraffic = 0 OR traffic < maxtraffic)";
    HAS_PATH = "SELECT path FROM public_link_path WHERE link = $1 AND path = $2";
    NOTE_PATH = "INSERT INTO public_link_path (link, path, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    CLEAR_PATHS = "DELETE FROM public_link_path WHERE expires < $1";
}

/// Use of a public link that is to be added to what its row tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkUse {
    /// Downloads.
    pub downloads: i64,
    /// Bytes of downloads; less than nothing where more was charged than was sent.
    pub traffic: i64,
    /// Looks at it.
    pub views: i64,
}

impl Tx<'_> {
    /// Adds use to the counters of a public link, whatever its limits.
    pub fn add_public_link_use(&mut self, id: i64, used: LinkUse) -> Stored<()> {
        let LinkUse {
            downloads,
            traffic,
            views,
        } = used;
        self.exec(ADD, args![downloads, traffic, views, id])
            .map(drop)
    }

    /// Charges a public link with the bytes of a request, and with a download if it is one; false, and nothing is
    /// charged, if its limits allow no more.
    pub fn charge_public_link(&mut self, id: i64, download: bool, bytes: i64) -> Stored<bool> {
        Ok(self.exec(CHARGE, args![i64::from(download), bytes, id])? == 1)
    }

    /// Whether a path to content has been counted as a download of a public link.
    pub fn has_counted_path(&mut self, link: i64, path: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(HAS_PATH, args![link, path])?.is_some())
    }

    /// Notes that a path to content is being counted, until it expires; false if it has been counted already.
    pub fn note_counted_path(&mut self, link: i64, path: i64, expires: i64) -> Stored<bool> {
        Ok(self.exec(NOTE_PATH, args![link, path, expires])? == 1)
    }

    /// Forgets paths that have expired.
    pub fn clear_counted_paths(&mut self, now: i64) -> Stored<()> {
        self.exec(CLEAR_PATHS, args![now]).map(drop)
    }
}
