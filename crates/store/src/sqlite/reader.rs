//! A thread that runs views on a connection of its own.

use crate::error::{StoreError, Stored};
use crate::ids::Ids;
use crate::job::{self, Ran, Verdict};
use crate::lane::Lane;
use crate::sqlite::session::Session;
use crate::sqlite::store_error;
use crate::tx::Tx;
use rusqlite::Connection;

pub(super) fn start(views: &mut Lane, number: usize, connection: Connection) -> Stored<()> {
    views.spawn(format!("sqlite-read-{number}"), move |queue| {
        let mut session = Session::new(&connection);
        let no_ids = Ids::default();
        while let Some(mut work) = queue.pop() {
            if work.is_abandoned() {
                continue;
            }
            let verdict = view(&mut session, &no_ids, work.as_mut());
            work.answer(verdict);
        }
    })
}

/// Runs one view. The transaction gives it a single snapshot, and taking the read
/// lock once is cheaper than once for each of its statements.
fn view(session: &mut Session<'_>, ids: &Ids, work: &mut dyn job::Work) -> Verdict {
    if let Err(error) = session.control("BEGIN") {
        return Verdict::Void(store_error(&error));
    }
    let tx = Tx::new(session, ids, 0..0);
    let verdict = match job::run(work, tx) {
        Ran::Done(_) | Ran::Refused => Verdict::Stands,
        Ran::Failed(StoreError::OutOfIds { .. }) => {
            Verdict::Void(StoreError::ReadOnly("a view asked for an id".to_owned()))
        }
        Ran::Failed(error) => Verdict::Failed(error),
    };
    if !session.is_idle()
        && let Err(error) = session.control("COMMIT")
    {
        tracing::error!(%error, "ending a view failed");
    }
    verdict
}
