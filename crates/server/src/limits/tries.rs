//! Tries that may be wrong: logins, passwords, second factors, codes of mails and offers, secrets of apps. Whoever is
//! wrong too often has to wait (code 4000).
//!
//! A try counts from its beginning, so that those at the same time cannot all slip below the limit, and it is taken back
//! if it was right. One that would be too many only if those under way turn out wrong waits for them: many people behind
//! one address log in at the same time in the morning.

use super::network;
use super::table::{Place, Table, WhenFull};
use crate::call::Answer;
use pileus_api::Code;
use pileus_store::accounts::email_key;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Networks and subjects remembered at most; they take about 10 MB.
const ENTRIES_MAX: usize = 100_000;

/// How long a try waits for those under way. Each takes well below a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a try is counted under, beside the network it comes from.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Nothing else: a code or a secret that tells nothing about whom it is for if it is wrong.
    Nobody,
    /// A user name, whether there is such an account or not.
    Name(&'a str),
    /// The second factor of an account. Not its name, since the right password, which whoever guesses here has, sets
    /// that count back.
    SecondFactor(i64),
}

/// A subject as it is kept. Names have any length, so what is kept of them is a number; nobody who does not know the
/// random key of the hash can look for two names that share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Name(u64),
    SecondFactor(i64),
}

/// Whatever a client sends as a name, this is what it takes.
const _: () = assert!(size_of::<Key>() == 16);

/// The tries of the last minutes.
#[derive(Debug)]
pub struct Tries {
    patience: Duration,
    names: RandomState,
    tables: Mutex<Tables>,
}

#[derive(Debug)]
struct Tables {
    networks: Table<IpAddr>,
    subjects: Table<Key>,
}

impl Default for Tries {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl Tries {
    fn new(patience: Duration) -> Self {
        // Both tables are bounded, so both have to let something go when more names or networks fail at once than they
        // hold. For subjects that is never a lock: somebody who has a hundred thousand networks could go on guessing
        // at one account otherwise. Further names go without a count then, and their guesses are bounded by the
        // networks they come from. A network's lock may be forgotten: that is of use only to somebody who commands so
        // many others that he does not need it. So no try is ever without a count, no guessed-at account is opened
        // up, and nobody is shut out because a table is full.
        Self {
            patience,
            names: RandomState::new(),
            tables: Mutex::new(Tables {
                networks: Table::new(ENTRIES_MAX, WhenFull::ForgetsLocks),
                subjects: Table::new(ENTRIES_MAX, WhenFull::KeepsLocks),
            }),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, subject: Subject<'_>) -> Option<Key> {
        match subject {
            Subject::Nobody => None,
            Subject::Name(name) => Some(Key::Name(self.names.hash_one(email_key(name)))),
            Subject::SecondFactor(account) => Some(Key::SecondFactor(account)),
        }
    }

    /// Tries something that may be wrong: ten wrong tries within ten minutes, of one network or about one subject, and
    /// further ones answer 4000. `wrong` are the codes that tell of a wrong one; other trouble is nobody's fault and does
    /// not count. Where too many are under way at once the answer is 4010. Must not be nested.
    pub async fn watch<T>(
        &self,
        subject: Subject<'_>,
        client: IpAddr,
        wrong: &[Code],
        trying: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let mut attempt = self.begin(self.key(subject), network(client)).await?;
        let answer = trying.await;
        attempt.is_wrong = matches!(&answer, Err(fail) if wrong.contains(&fail.code));
        answer
    }

    async fn begin(&self, subject: Option<Key>, network: IpAddr) -> Result<Attempt<'_>, Code> {
        let deadline = Instant::now() + self.patience;
        loop {
            let ended = {
                let (now, mut tables) = (Instant::now(), self.tables());
                let places = [
                    tables.networks.look(&network, now),
                    subject.map_or(Place::Free, |key| tables.subjects.look(&key, now)),
                ];
                if places.contains(&Place::Locked) {
                    return Err(Code::LOGINS_LIMITED);
                }
                let [on_network, on_subject] = places;
                if on_network == Place::Busy {
                    tables.networks.ended(&network)
                } else if on_subject == Place::Busy {
                    subject.and_then(|key| tables.subjects.ended(&key))
                } else {
                    return Ok(Attempt {
                        network: tables.networks.enter(network, now),
                        subject: subject.and_then(|key| tables.subjects.enter(key, now)),
                        tries: self,
                        is_wrong: true,
                    });
                }
            };
            // None if too many wait already.
            let ended = ended.ok_or(Code::REQUESTS_LIMITED)?;
            timeout_at(deadline.into(), ended)
                .await
                .map_err(|_| Code::REQUESTS_LIMITED)?;
        }
    }

    /// Forgives a subject what was wrong. Its networks are not forgiven.
    pub fn forgive(&self, subject: Subject<'_>) {
        if let Some(key) = self.key(subject) {
            self.tables().subjects.forgive(&key);
        }
    }
}

/// A try that is under way. One that is dropped without a verdict, because its client is gone, counts as wrong: what it
/// has tried may have been done.
struct Attempt<'a> {
    tries: &'a Tries,
    network: Option<IpAddr>,
    subject: Option<Key>,
    is_wrong: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let (now, mut tables) = (Instant::now(), self.tries.tables());
        if let Some(network) = &self.network {
            tables.networks.leave(network, self.is_wrong, now);
        }
        if let Some(key) = &self.subject {
            tables.subjects.leave(key, self.is_wrong, now);
        }
    }
}

#[cfg(test)]
mod tests;
