//! The people an account shares folders with.

use crate::{Stored, Tx, args, sql};

sql! {
    GIVEN_TO = "SELECT s.id, a.email FROM share s JOIN account a ON a.id = s.recipient WHERE s.owner = $1 \
                ORDER BY s.id DESC LIMIT 1000";
    TAKEN_FROM = "SELECT s.id, a.email FROM share s JOIN account a ON a.id = s.owner WHERE s.recipient = $1 \
                  ORDER BY s.id DESC LIMIT 1000";
}

impl Tx<'_> {
    /// Mail addresses of those with whom an account shares folders, either way; the latest first, each once.
    pub fn contacts(&mut self, account: i64) -> Stored<Vec<String>> {
        let mut shares: Vec<(i64, String)> = self.all(GIVEN_TO, args![account])?;
        shares.extend(self.all::<(i64, String)>(TAKEN_FROM, args![account])?);
        shares.sort_unstable_by_key(|(share, _)| std::cmp::Reverse(*share));
        let mut contacts = Vec::new();
        for (_, email) in shares {
            if !contacts.contains(&email) {
                contacts.push(email);
            }
        }
        Ok(contacts)
    }
}
