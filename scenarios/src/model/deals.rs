//! Shares and offers as one account knows them: by listing them, and by its feed.

use super::answer::{list, number, text};
use crate::Result;
use pileus_wire::Tree;
use std::collections::BTreeMap;

/// A share or an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// The folder.
    pub folder: u64,
    /// Mail address of the other side.
    pub other: String,
    /// Rights of the recipient, as the bits of `permissions`.
    pub permissions: u64,
}

/// Offers and shares by id, in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deals {
    /// What is offered: to the caller, and by the caller.
    pub offers: [BTreeMap<u64, Deal>; 2],
    /// What is shared: with the caller, and by the caller.
    pub shares: [BTreeMap<u64, Deal>; 2],
}

/// Which way a share or an offer goes.
const IN: usize = 0;
const OUT: usize = 1;

impl Deal {
    fn read(share: &Tree, way: usize) -> Result<Self> {
        let rights = ["cancreate", "canmodify", "candelete"];
        let mut permissions = 0;
        for (bit, name) in rights.iter().enumerate() {
            let may = share.get(name).and_then(Tree::as_bool);
            let may = may.ok_or_else(|| format!("a share without `{name}`"))?;
            permissions |= u64::from(may) << bit;
        }
        Ok(Self {
            folder: number(share, "folderid")?,
            other: text(share, if way == IN { "frommail" } else { "tomail" })?.to_owned(),
            permissions,
        })
    }
}

impl Deals {
    /// Reads the answer of `listshares`.
    pub fn listed(answer: &Tree) -> Result<Self> {
        let mut deals = Self::default();
        for (way, name) in ["incoming", "outgoing"].into_iter().enumerate() {
            for share in list(answer, &format!("requests.{name}"))? {
                let deal = Deal::read(share, way)?;
                deals.offers[way].insert(number(share, "sharerequestid")?, deal);
            }
            for share in list(answer, &format!("shares.{name}"))? {
                let deal = Deal::read(share, way)?;
                deals.shares[way].insert(number(share, "shareid")?, deal);
            }
        }
        Ok(deals)
    }

    /// Takes in an event about a share or an offer; false if it is about something else.
    pub(super) fn apply(&mut self, kind: &str, event: &Tree) -> Result<bool> {
        let (kind, way) = match (kind.strip_suffix("in"), kind.strip_suffix("out")) {
            (Some(kind), _) => (kind, IN),
            (_, Some(kind)) => (kind, OUT),
            _ => return Ok(false),
        };
        let share = event.get("share").ok_or("an event without a share")?;
        let offer = || number(share, "sharerequestid");
        let id = || number(share, "shareid");
        let is_new = match kind {
            "requestshare" => {
                let deal = Deal::read(share, way)?;
                self.offers[way].insert(offer()?, deal).is_none()
            }
            "cancelledshare" | "declinedshare" => self.offers[way].remove(&offer()?).is_some(),
            "acceptedshare" => {
                let deal = Deal::read(share, way)?;
                let was_offered = self.offers[way].remove(&offer()?).is_some();
                was_offered && self.shares[way].insert(id()?, deal).is_none()
            }
            "modifiedshare" => {
                let deal = Deal::read(share, way)?;
                self.shares[way].insert(id()?, deal).is_some()
            }
            "removedshare" => self.shares[way].remove(&id()?).is_some(),
            _ => return Ok(false),
        };
        if is_new {
            Ok(true)
        } else {
            Err(format!("{kind} of something that was not there, or was there already").into())
        }
    }
}
