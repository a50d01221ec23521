//! Many people at work in shared folders at the same time, on a server of their own. Afterwards everybody's feed has told
//! what he lists, and the administrator's check finds nothing.

mod joins;
mod links;
mod party;
mod races;

use crate::servers::{Database, Servers};
use pileus_scenarios::Result;
use pileus_scenarios::connection::Protocol;

/// A case.
pub struct Case {
    /// Its name in reports.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&Servers, Database, Protocol) -> Result<()>,
}

/// All of them.
pub static CASES: [Case; 7] = [
    Case {
        name: "races/accepts",
        run: races::one_of_many_accepts_wins,
    },
    Case {
        name: "races/quota",
        run: races::recipients_fill_the_quota_to_the_byte,
    },
    Case {
        name: "races/crowd",
        run: races::everybody_does_everything,
    },
    Case {
        name: "joins/changes",
        run: joins::changes_during_a_join_are_told,
    },
    Case {
        name: "joins/crash",
        run: joins::a_join_goes_on_after_a_crash,
    },
    Case {
        name: "joins/removed",
        run: joins::a_share_that_ends_while_joining_leaves_nothing,
    },
    Case {
        name: "links/bounds",
        run: links::an_account_has_so_many_links_at_a_time,
    },
];
