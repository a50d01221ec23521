//! Checksums of large contents that were committed without them.
//!
//! One content is read at a time, in the background. Who needs the checksums of one now has it read next.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::methods::file::blob_key;
use pileus_store::contents::{Content, Sums};
use std::sync::Arc;
use std::time::Duration;

/// Pause after a failure.
const AGAIN: Duration = Duration::from_secs(60);

/// Computes missing checksums until the server stops.
pub async fn run(app: Arc<App>) {
    loop {
        let failed = !complete_all(&app).await;
        tokio::select! {
            () = app.open_files.unsummed.notified() => {}
            () = tokio::time::sleep(AGAIN), if failed => {}
            () = app.stopped() => return,
        }
    }
}

/// Completes what there is; answers whether all of it could be.
async fn complete_all(app: &Arc<App>) -> bool {
    let mut after = i64::MIN;
    let mut all = true;
    loop {
        let page = match app.db.view(move |tx| tx.pending_contents(after)).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "contents without checksums could not be looked for");
                return false;
            }
        };
        let Some(last) = page.last() else {
            return all;
        };
        after = last.id;
        // What nobody holds any more goes without having been read.
        for content in page.iter().filter(|content| content.refs > 0) {
            let completed = tokio::select! {
                completed = complete(app, content.id) => completed,
                () = app.stopped() => return all,
            };
            if let Err(fail) = completed {
                tracing::error!(content.id = content.id, cause = ?fail, "checksums could not be computed");
                all = false;
            }
        }
    }
}

/// Makes sure that a content has its checksums, and those it rests on as well.
pub async fn complete(app: &Arc<App>, id: i64) -> Answer<()> {
    let _alone = app.open_files.summing.lock().await;
    let mut wanted = vec![id];
    while let Some(&id) = wanted.last() {
        let content = app.db.view(move |tx| tx.content(id)).await?;
        let Some(content) = content.filter(|content| content.pending) else {
            wanted.pop();
            continue;
        };
        match pending_base(app, &content).await? {
            Some(base) => wanted.push(base),
            None => complete_one(app, content).await?,
        }
    }
    Ok(())
}

/// The content that has to be complete before this one can be.
async fn pending_base(app: &App, content: &Content) -> Answer<Option<i64>> {
    let Some(base) = content.base else {
        return Ok(None);
    };
    let base = app.db.view(move |tx| tx.content(base)).await?;
    Ok(base.filter(|base| base.pending).map(|base| base.id))
}

async fn complete_one(app: &App, content: Content) -> Answer<()> {
    let key = content.storage_key.as_deref().unwrap_or_default();
    let size = content.size.unsigned_abs();
    let settled = app.blobs.settle(&blob_key(key)?, size).await;
    let digests = settled.map_err(Fail::internal)?;
    let sums = Sums {
        sha1: digests.sha1,
        sha256: digests.sha256,
        md5: digests.md5,
        crc32: digests.crc32,
    };
    let now = app.clock.now().0;
    Ok(app
        .db
        .edit(move |tx| tx.complete_content(&content, &sums, now))
        .await?)
}
