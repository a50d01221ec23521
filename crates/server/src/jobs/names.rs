//! Builds the index of names, see [`pileus_store::names`].

use super::runner::{Taken, Work};
use crate::app::App;
use crate::call::Answer;
use std::sync::Arc;

/// A job that makes segments of the names an account has got lately.
pub struct Names;

impl Work for Names {
    const KIND: i64 = pileus_store::jobs::NAMES;
    const NAME: &'static str = "names";
    const AT_ONCE: usize = 1;
    const ATTEMPTS: i64 = 10;
    const KEPT_SECONDS: i64 = 0;

    async fn work(app: Arc<App>, taken: Taken) -> Answer<()> {
        let Some(account) = taken.job.account else {
            return Ok(());
        };
        let now = app.clock.now().0;
        while app.db.edit(move |tx| tx.index_names(account, now)).await? {}
        Ok(())
    }
}
