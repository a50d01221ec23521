//! `pileus check`: files that are open for writing, and upload sessions. Does somebody want each of them, and are its bytes
//! there?

use super::check::GRACE_SECONDS;
use super::error::Result;
use pileus_blobs::{Look, WorkingDir};
use pileus_server::app::App;
use pileus_server::start::WORKING_FOLDER;
use pileus_store::check::{Findings, ProblemKind};
use pileus_store::working::Checked;
use std::collections::HashSet;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenWork {
    /// Files with something that is not committed.
    pub files: u64,
    /// Upload sessions.
    pub uploads: u64,
    /// Rows that nobody wants any more, and working files without a row, which are young: a server may be just about to
    /// remove them.
    pub young_leftovers: u64,
}

/// Looks at all of them.
pub async fn check(app: &App, found: &mut Findings) -> Result<OpenWork> {
    // Files before rows: what is begun comes to have both, and what is ended is asked for again.
    let look = WorkingDir::look(app.config.data.join(WORKING_FOLDER)).await?;
    let mut work = OpenWork::default();
    let mut known = HashSet::new();
    let mut after = i64::MIN;
    loop {
        let page = app
            .db
            .view(move |tx| tx.checked_working_copies(after))
            .await?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.id;
        for copy in page {
            known.insert(copy.id);
            check_copy(app, &look, &copy, &mut work, found).await?;
        }
    }
    for id in app.db.view(|tx| tx.uploads_without_copy()).await? {
        let text = format!("upload session {id}: nothing says where its bytes are");
        found.add(ProblemKind::Working, text);
    }
    for file in &look.files {
        if known.contains(&file.id) || is_there(app, file.id).await? {
            continue;
        }
        if file.modified > oldest(app).unsigned_abs() {
            work.young_leftovers += 1;
        } else {
            let text = format!("working file {}: no row knows it", file.id);
            found.add(ProblemKind::Leftover, text);
        }
    }
    Ok(work)
}

async fn check_copy(
    app: &App,
    look: &Look,
    copy: &Checked,
    work: &mut OpenWork,
    found: &mut Findings,
) -> Result<()> {
    let is_old = copy.changed <= oldest(app);
    if !copy.is_owned {
        if is_old {
            let text = format!("working copy {}: nobody wants it", copy.id);
            found.add(ProblemKind::Working, text);
        } else {
            work.young_leftovers += 1;
        }
    } else if copy.upload.is_some() {
        work.uploads += 1;
        let is_here = look.name.as_deref() == Some(copy.node.as_str());
        let mut sizes = look.files.iter().filter(|file| file.id == copy.id);
        let size = sizes.find_map(|file| file.size).unwrap_or(0);
        // One that is saved or dropped at this moment has no row any more.
        if is_here && size < copy.size.unsigned_abs() && is_there(app, copy.id).await? {
            let (id, noted) = (copy.id, copy.size);
            let text = format!("upload session {id}: {size} of {noted} bytes are there");
            found.add(ProblemKind::Bytes, text);
        }
    } else {
        work.files += 1;
        // A server commits within seconds, and what an earlier run has left when it starts.
        if is_old {
            let file = copy.file.unwrap_or_default();
            let text = format!("file {file}: what was written to it could not be committed");
            found.add(ProblemKind::Working, text);
        }
    }
    Ok(())
}

/// The time before which nothing is just being done any more.
fn oldest(app: &App) -> i64 {
    app.clock.now().0.saturating_sub_unsigned(GRACE_SECONDS)
}

async fn is_there(app: &App, id: i64) -> Result<bool> {
    let copy = app.db.view(move |tx| tx.working_copy(id)).await?;
    Ok(copy.is_some())
}
