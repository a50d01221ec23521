//! Open files: what is written through descriptors, until it is committed.
//!
//! A file that somebody has open is one [`OpenFile`], shared by all descriptors on all connections. Its first write
//! begins a *working copy*: a working file over the committed content, and a row that finds it after a crash. All
//! descriptors see the working copy at once, everybody else sees the committed content, until [`commit`] makes the
//! working copy the file's next content.
//!
//! - [`registry`]: the open files of the server
//! - [`access`], [`change`]: reading and writing for a call
//! - [`begin`], [`commit`], [`sums`]: the life of a working copy
//! - [`keeper`]: commits that nobody asks for: by time, at start, at the end
//! - [`descriptors`]: the open files of one connection
//! - [`locks`]: who has locked which region

pub mod access;
pub mod begin;
pub mod change;
pub mod commit;
pub mod descriptors;
pub mod keeper;
pub mod locks;
pub mod registry;
pub mod sums;

use crate::app::App;
use crate::call::{Answer, Fail, Need};
use std::sync::Arc;

pub use descriptors::{Descriptor, Descriptors};
pub use registry::{OpenFile, OpenFiles};

/// Does what a transaction has found missing.
pub async fn provide(app: &Arc<App>, need: Need) -> Answer<()> {
    match need {
        Need::Sums { blob } => sums::complete(app, blob).await,
        Need::Commit { file } => {
            commit::commit(app, &app.open_files.open(file))
                .await
                .map_err(|fail| {
                    // The caller has not written anything, and does not know of those who have.
                    Fail::internal(format_args!("{fail:?}"))
                })
        }
    }
}
