//! Commits that nobody asks for: by time, at start, and at the end.

use super::registry::{State, Working};
use super::{begin, commit};
use crate::app::App;
use crate::call::{Answer, Fail};
use pileus_store::working::WorkingCopy;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked for working copies whose time has come.
const TICK: Duration = Duration::from_secs(1);

/// A working copy that was not written for so long is committed.
const IDLE: Duration = Duration::from_secs(10);

/// A working copy that is so old is committed, even if it is still being written.
const AGE: Duration = Duration::from_secs(30);

/// Commits by time, until the server stops.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopped() => return,
        }
        for file in app.open_files.due(IDLE, AGE) {
            let app = app.clone();
            // What fails is tried again after the next pause, and has been logged.
            tokio::spawn(async move { commit::commit(&app, &file).await });
        }
    }
}

/// Commits everything: the server stops. What cannot be committed now is found at the next start.
pub async fn commit_all(app: &Arc<App>) {
    for file in app.open_files.dirty() {
        // A failure has been logged.
        let _ = commit::commit(app, &file).await;
    }
}

/// Finds the working copies that an earlier run of this node has left, and commits them; removes what is left of those
/// that were committed.
///
/// # Errors
/// When they cannot be looked for. Those that cannot be committed are tried again later.
pub async fn recover(app: &Arc<App>) -> Answer<()> {
    let dir = app.working_dir()?;
    let mut known = HashSet::new();
    let mut after = i64::MIN;
    loop {
        let node = dir.name().to_owned();
        let page = app
            .db
            .view(move |tx| tx.working_copies_of_node(&node, after))
            .await?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.id;
        for copy in page {
            known.insert(copy.id);
            // Those of upload sessions wait for their clients.
            if let Some(file) = copy.file {
                recover_one(app, file, copy).await;
            }
        }
    }
    for id in dir.list().await.map_err(Fail::internal)? {
        if !known.contains(&id) {
            begin::remove_file(app, id).await;
        }
    }
    Ok(())
}

async fn recover_one(app: &Arc<App>, file: i64, copy: WorkingCopy) {
    let reopened = match app.working_dir() {
        Ok(dir) => dir.reopen(copy.id).await,
        Err(_) => return,
    };
    let reopened = match reopened {
        Ok(Some(reopened)) => reopened,
        Ok(None) => {
            tracing::warn!(file.id = file, "a working copy was not begun to its end");
            return begin::forget(app, copy).await;
        }
        // Row and bytes stay for somebody to look at. Until then the file cannot be written.
        Err(error) => {
            return tracing::error!(file.id = file, %error, "a working copy cannot be opened");
        }
    };
    let file = app.open_files.open(file);
    *file.state.write().await = State::Working(Working {
        file: Arc::new(reopened),
        copy,
        growth: 0,
        appended: 0,
    });
    app.open_files.wrote(&file);
    if commit::commit(app, &file).await.is_ok() {
        tracing::info!(
            file.id = file.id,
            "committed what was written before the server ended"
        );
    }
}
