//! How often something may be done: what may be wrong, and what is counted whatever comes of it.

mod table;
mod tries;

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Networks kept at most of each count.
const ENTRIES_MAX: usize = 100_000;

/// Feedback messages that one network may send within [`FEEDBACK_WINDOW`].
const FEEDBACK_MAX: u32 = 5;

/// How long feedback messages count.
const FEEDBACK_WINDOW: Duration = Duration::from_secs(3600);

/// Wrong codes of links that one network may try within [`LINK_WINDOW`].
const LINK_FAILURES_MAX: u32 = 100;

/// How long those count.
const LINK_WINDOW: Duration = Duration::from_secs(300);

/// Mails that one network may have sent within [`MAIL_WINDOW`] without being logged in.
const MAILS_MAX: u32 = 30;

/// How long those count.
const MAIL_WINDOW: Duration = Duration::from_secs(3600);

/// How long mail transfers count.
pub const TRANSFER_WINDOW: Duration = Duration::from_secs(3600);

/// Addresses that one account may mail public links to within [`SENT_WINDOW`].
const SENT_MAX: u32 = 100;

/// How long those count.
const SENT_WINDOW: Duration = Duration::from_secs(3600);

pub use tries::{Subject, Tries};

/// Counts what could be done too often. Valid tokens are never held up by it.
#[derive(Debug, Default)]
pub struct LoginLimits {
    /// What may be wrong: passwords, codes, secrets.
    pub tries: Tries,
    feedback: Mutex<HashMap<IpAddr, Failures>>,
    links: Mutex<HashMap<IpAddr, Failures>>,
    mails: Mutex<HashMap<IpAddr, Failures>>,
    transfers: Mutex<HashMap<IpAddr, Failures>>,
    sent_links: Mutex<HashMap<i64, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Failures {
    fn is_over(&self, now: Instant, window: Duration) -> bool {
        now.duration_since(self.since) >= window
    }
}

impl LoginLimits {
    /// Somebody has logged in: the account is forgiven, its network is not.
    pub fn succeeded(&self, name: &str) {
        self.tries.forgive(Subject::Name(name));
    }

    /// The second factor of an account was proven.
    pub fn proven(&self, account: i64) {
        self.tries.forgive(Subject::SecondFactor(account));
    }

    /// Whether a network that is not logged in may have another mail sent now; counts it if so.
    pub fn allows_mail(&self, client: IpAddr) -> bool {
        let (now, network) = (Instant::now(), network(client));
        let allowed = !is_exhausted(&self.mails, &network, now, MAILS_MAX, MAIL_WINDOW);
        if allowed {
            count(&self.mails, network, now, MAIL_WINDOW);
        }
        allowed
    }

    /// Whether a network may send another feedback message now; counts it if so.
    pub fn allows_feedback(&self, client: IpAddr) -> bool {
        let (now, network) = (Instant::now(), network(client));
        let allowed = !is_exhausted(&self.feedback, &network, now, FEEDBACK_MAX, FEEDBACK_WINDOW);
        if allowed {
            count(&self.feedback, network, now, FEEDBACK_WINDOW);
        }
        allowed
    }

    /// Whether a network may begin another mail transfer now, of which it may `most` within [`TRANSFER_WINDOW`]; counts it
    /// if so.
    pub fn allows_transfer(&self, client: IpAddr, most: u64) -> bool {
        let (now, network) = (Instant::now(), network(client));
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let allowed = !is_exhausted(&self.transfers, &network, now, most, TRANSFER_WINDOW);
        if allowed {
            count(&self.transfers, network, now, TRANSFER_WINDOW);
        }
        allowed
    }

    /// Whether a network may try another public link now.
    pub fn allows_link(&self, client: IpAddr) -> bool {
        let now = Instant::now();
        !is_exhausted(
            &self.links,
            &network(client),
            now,
            LINK_FAILURES_MAX,
            LINK_WINDOW,
        )
    }

    /// Whether an account may mail a public link now.
    pub fn allows_sent_link(&self, account: i64) -> bool {
        let now = Instant::now();
        !is_exhausted(&self.sent_links, &account, now, SENT_MAX, SENT_WINDOW)
    }

    /// An account has mailed a public link to so many addresses.
    pub fn sent_links(&self, account: i64, addresses: usize) {
        let now = Instant::now();
        for _ in 0..addresses {
            count(&self.sent_links, account, now, SENT_WINDOW);
        }
    }

    /// A network has tried a link that does not exist.
    pub fn failed_link(&self, client: IpAddr) {
        count(&self.links, network(client), Instant::now(), LINK_WINDOW);
    }
}

/// An IPv6 client commands a whole /64, so that counts as one.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        },
    }
}

type Table<K> = Mutex<HashMap<K, Failures>>;

fn is_exhausted<K: Eq + Hash>(
    table: &Table<K>,
    key: &K,
    now: Instant,
    most: u32,
    window: Duration,
) -> bool {
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    table
        .get(key)
        .is_some_and(|failures| failures.count >= most && !failures.is_over(now, window))
}

fn count<K: Eq + Hash>(table: &Table<K>, key: K, now: Instant, window: Duration) {
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    if table.len() >= ENTRIES_MAX {
        table.retain(|_, failures| !failures.is_over(now, window));
        if table.len() >= ENTRIES_MAX {
            table.clear();
        }
    }
    let failures = table.entry(key).or_insert(Failures {
        since: now,
        count: 0,
    });
    if failures.is_over(now, window) {
        *failures = Failures {
            since: now,
            count: 0,
        };
    }
    failures.count += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_links_does_not_go_on() {
        let limits = LoginLimits::default();
        let (guesser, visitor) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..LINK_FAILURES_MAX {
            assert!(limits.allows_link(guesser));
            limits.failed_link(guesser);
        }
        assert!(!limits.allows_link(guesser));
        assert!(limits.allows_link(visitor));
    }

    #[test]
    fn mails_are_counted_by_network() {
        let limits = LoginLimits::default();
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MAILS_MAX {
            assert!(limits.allows_mail(one));
        }
        assert!(!limits.allows_mail(one));
        assert!(limits.allows_mail(two));
    }

    #[test]
    fn transfers_are_counted_by_network() {
        let limits = LoginLimits::default();
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(limits.allows_transfer(one, 2));
        assert!(limits.allows_transfer(one, 2));
        assert!(!limits.allows_transfer(one, 2));
        assert!(limits.allows_transfer(two, 2));
    }

    #[test]
    fn links_are_mailed_to_so_many_addresses_and_no_more() {
        let limits = LoginLimits::default();
        let most = usize::try_from(SENT_MAX).unwrap();
        limits.sent_links(1, most - 1);
        assert!(limits.allows_sent_link(1));
        limits.sent_links(1, 1);
        assert!(!limits.allows_sent_link(1));
        assert!(limits.allows_sent_link(2));
    }

    #[test]
    fn one_ipv6_network_counts_once() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
