//! Whose an entry is, and what the caller may do with it, as metadata say.

use super::answer::{is_folder, number};
use crate::Result;
use pileus_wire::Tree;

/// What metadata say beside name and place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether the entry is shared.
    pub isshared: bool,
    /// The rights, if it is somebody else's.
    pub foreign: Option<Foreign>,
}

/// Rights in what belongs to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Whose it is.
    pub owner: u64,
    /// To make entries; not on files.
    pub create: Option<bool>,
    /// To change entries.
    pub modify: bool,
    /// To delete entries.
    pub delete: bool,
}

impl Seen {
    /// Reads it from metadata. What is the caller's own must say nothing of rights, and what is not must say all.
    pub fn read(metadata: &Tree) -> Result<Self> {
        let flag = |name: &str| {
            let flag = metadata.get(name).and_then(Tree::as_bool);
            flag.ok_or_else(|| format!("no flag `{name}`"))
        };
        let isshared = flag("isshared")?;
        if flag("ismine")? {
            let mut rights = ["userid", "canread", "cancreate", "canmodify", "candelete"].iter();
            return match rights.find(|name| metadata.get(name).is_some()) {
                None => Ok(Self {
                    isshared,
                    foreign: None,
                }),
                Some(name) => Err(format!("`{name}` on an own entry").into()),
            };
        }
        if !flag("canread")? {
            return Err("an entry that cannot be read".into());
        }
        let create = match (is_folder(metadata)?, metadata.get("cancreate")) {
            (true, _) => Some(flag("cancreate")?),
            (false, None) => None,
            (false, Some(_)) => return Err("`cancreate` on a file".into()),
        };
        let foreign = Some(Foreign {
            owner: number(metadata, "userid")?,
            create,
            modify: flag("canmodify")?,
            delete: flag("candelete")?,
        });
        Ok(Self { isshared, foreign })
    }
}
