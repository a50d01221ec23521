//! The notice that files have come through an upload link.

use super::{ARRIVED, Notice};
use crate::call::{Answer, Fail};
use crate::cx::Edit;
use pileus_store::upload_links::UploadLink;
use serde::{Deserialize, Serialize};

/// Files that have come through an upload link. There is at most one unread notice of each link, so that no visitor can
/// push out the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    link: i64,
    folder: i64,
    comment: String,
    /// Who they are from, as far as visitors have said.
    names: Vec<String>,
}

/// Names that one notice holds.
const NAMES_MAX: usize = 10;

/// Characters of a name, and of the comment, that a notice shows.
const SHOWN_CHARS_MAX: usize = 100;

impl Arrival {
    /// Files of a visitor who may have said a name.
    pub fn through(link: &UploadLink, from: Option<&str>) -> Self {
        let shown = |text: &str| -> String {
            let clean = text.trim().chars().filter(|char| !char.is_control());
            clean.take(SHOWN_CHARS_MAX).collect()
        };
        Self {
            link: link.id,
            folder: link.folder,
            comment: shown(&link.comment),
            names: from
                .map(shown)
                .into_iter()
                .filter(|name| !name.is_empty())
                .collect(),
        }
    }

    /// Takes over the names of an earlier notice; answers whether it says all that this one does.
    fn follow(&mut self, earlier: Self) -> bool {
        let mut names = earlier.names;
        let known = names.len();
        for name in std::mem::take(&mut self.names) {
            if names.len() < NAMES_MAX && !names.contains(&name) {
                names.push(name);
            }
        }
        let is_said = names.len() == known;
        self.names = names;
        is_said
    }

    /// The folder they are in.
    pub(super) fn folder(&self) -> i64 {
        self.folder
    }

    /// The text that people read.
    pub(super) fn text(&self) -> String {
        let Self { comment, names, .. } = self;
        if names.is_empty() {
            format!("Files have come through your upload link: {comment}")
        } else {
            let names = names.join(", ");
            format!("Files from {names} have come through your upload link: {comment}")
        }
    }
}

impl Edit<'_, '_> {
    /// Tells an account that files have come through an upload link, unless it has not read yet that some have.
    pub fn tell_of_arrival(&mut self, account: i64, mut arrival: Arrival) -> Answer<()> {
        for unread in self.tx.unread_notifications(account, ARRIVED)? {
            let notice = Notice::read(unread.kind, &unread.detail).map_err(Fail::internal)?;
            let Notice::Arrived(earlier) = notice else {
                continue;
            };
            if earlier.link != arrival.link {
                continue;
            }
            if arrival.follow(earlier) {
                return Ok(());
            }
            self.tx.remove_notification(account, unread.id)?;
        }
        self.tell(account, &Notice::Arrived(arrival))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(names: &[&str]) -> Arrival {
        Arrival {
            link: 1,
            folder: 2,
            comment: "photos".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_notice_of_arrivals_collects_names_up_to_a_number() {
        let mut second = arrival(&["Bob"]);
        assert!(!second.follow(arrival(&["Ann"])));
        assert_eq!(second.names, ["Ann", "Bob"]);
        assert!(arrival(&["Bob"]).follow(second.clone()));
        assert!(arrival(&[]).follow(second));

        let many: Vec<String> = (0..NAMES_MAX).map(|number| number.to_string()).collect();
        let full = arrival(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let mut next = arrival(&["Zoe"]);
        assert!(next.follow(full));
        assert_eq!(next.names, many);
    }
}
