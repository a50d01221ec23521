//! Fetching files from URLs, for `downloadfile` and `downloadfileasync`.
//!
//! The files of a call are fetched one after the other. A file and the note that it is there are one transaction, so
//! a job that was interrupted goes on with the first file that is not there yet.

use super::runner::{Taken, Work};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, edit_for};
use crate::fetch::{Fetched, Refused, file_name};
use crate::intake::discard;
use crate::methods::file::new_content;
use crate::rules::save::{Held, IfTaken, Times};
use pileus_api::Code;
use pileus_api::args::FolderRef;
use pileus_blobs::{Place, Stored};
use pileus_store::contents::NewContent;
use pileus_store::jobs::{DOWNLOAD, Lease};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often the progress of a running download is written.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// What is to be fetched, and where to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The folder that takes the files.
    pub folder: u64,
    /// The URLs.
    pub items: Vec<Wanted>,
}

/// One file to fetch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// Where from.
    pub url: String,
    /// Name to save it under, if the URL is not to decide.
    pub name: Option<String>,
}

/// How far one file is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done about it.
    pub state: State,
    /// Bytes, if the other side has told.
    pub size: Option<u64>,
    /// Bytes that have arrived, once it has begun.
    pub downloaded: Option<u64>,
    /// The file, when it is ready.
    pub file: Option<i64>,
}

/// What is being done about a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not begun.
    #[default]
    Waiting,
    /// Its bytes are arriving.
    Downloading,
    /// It is in the folder.
    Ready,
    /// Nothing came of it.
    Error,
}

impl State {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Downloading => "downloading",
            Self::Ready => "ready",
            Self::Error => "error",
        }
    }

    fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Error)
    }
}

/// A job that fetches the files of one call.
pub struct Download;

impl Work for Download {
    const KIND: i64 = DOWNLOAD;
    const NAME: &'static str = "download";
    const AT_ONCE: usize = 64;
    const ATTEMPTS: i64 = 5;
    const KEPT_SECONDS: i64 = 600;

    async fn work(app: Arc<App>, taken: Taken) -> Answer<()> {
        let order = serde_json::from_str(&taken.job.payload).map_err(Fail::internal)?;
        let progress = serde_json::from_str(&taken.job.progress).map_err(Fail::internal)?;
        let mut run = Run {
            app,
            account: taken.job.account.unwrap_or(0),
            lease: taken.lease,
            order,
            progress,
        };
        for index in 0..run.order.items.len().min(run.progress.len()) {
            if !run.progress[index].state.is_final() {
                run.one(index).await?;
            }
        }
        Ok(())
    }
}

/// Why a file did not come: for good, or for now.
enum Failed {
    /// Nothing will come of this URL.
    Refused(String),
    /// The server has trouble, and the job is tried again.
    Trouble(Fail),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.0)
    }
}

impl From<Fail> for Failed {
    fn from(fail: Fail) -> Self {
        if fail.is_trouble() {
            Self::Trouble(fail)
        } else {
            Self::Refused(fail.code.text().to_owned())
        }
    }
}

/// A job under way.
struct Run {
    app: Arc<App>,
    account: i64,
    lease: Lease,
    order: Order,
    progress: Vec<Progress>,
}

impl Run {
    /// Fetches one file, whatever comes of it.
    async fn one(&mut self, index: usize) -> Answer<()> {
        self.progress[index] = Progress {
            state: State::Downloading,
            downloaded: Some(0),
            ..Progress::default()
        };
        self.note().await?;
        let longest = Duration::from_secs(self.app.config.downloads.seconds);
        let received = tokio::time::timeout(longest, self.receive(index)).await;
        let failed = match received {
            Err(_) => Failed::Refused("it took too long".into()),
            Ok(Err(failed)) => failed,
            Ok(Ok((name, stored))) => match self.save(index, name, stored).await {
                Ok(()) => return Ok(()),
                Err(fail) => fail.into(),
            },
        };
        match failed {
            Failed::Trouble(fail) => Err(fail),
            Failed::Refused(why) => {
                // Without the URL, which may hold secrets.
                tracing::info!(why, "nothing came of a download");
                self.progress[index].state = State::Error;
                self.note().await
            }
        }
    }

    /// Writes the progress. A lost lease ends the job here.
    async fn note(&self) -> Answer<()> {
        let progress = serde_json::to_string(&self.progress).map_err(Fail::internal)?;
        let lease = self.lease.clone();
        let is_ours = self
            .app
            .db
            .edit(move |tx| tx.set_job_progress(&lease, &progress))
            .await?;
        if is_ours { Ok(()) } else { Err(lost()) }
    }

    /// Bytes the account has room for.
    async fn room(&self) -> Answer<u64> {
        let account = self.account;
        let user = self
            .app
            .db
            .view(move |tx| crate::login::absent(tx, account))
            .await?;
        let room = user.account.quota.saturating_sub(user.account.used);
        Ok(u64::try_from(room).unwrap_or(0))
    }

    /// Fetches and stores the bytes; answers the name they go by.
    async fn receive(&mut self, index: usize) -> Result<(String, Stored), Failed> {
        let room = self.room().await?;
        let wanted = self.order.items[index].clone();
        let mut fetched = self.app.fetcher.get(&wanted.url).await?;
        self.progress[index].size = fetched.length;
        if fetched.length.is_some_and(|length| length > room) {
            return Err(Fail::from(Code::OVER_QUOTA).into());
        }
        let name = wanted
            .name
            .unwrap_or_else(|| file_name(&wanted.url, fetched.disposition.as_deref()));
        let stored = self.store(index, &mut fetched, room).await?;
        Ok((name, stored))
    }

    async fn store(
        &mut self,
        index: usize,
        fetched: &mut Fetched,
        room: u64,
    ) -> Result<Stored, Failed> {
        let inline_max = usize::try_from(self.app.config.inline_max_bytes).unwrap_or(usize::MAX);
        let mut writer = self.app.blobs.writer(inline_max);
        let mut noted = Instant::now();
        while let Some(bytes) = fetched.chunk().await? {
            let count = bytes.len() as u64;
            let received = &self.app.metrics.bytes_received;
            received.fetch_add(count, Ordering::Relaxed);
            writer.write(bytes).await.map_err(Fail::internal)?;
            if writer.written() > room {
                return Err(Fail::from(Code::OVER_QUOTA).into());
            }
            self.progress[index].downloaded = Some(writer.written());
            if noted.elapsed() >= NOTED_EVERY {
                self.note().await?;
                noted = Instant::now();
            }
        }
        self.progress[index].downloaded = Some(writer.written());
        Ok(writer.finish().await.map_err(Fail::internal)?)
    }

    /// Puts the file into its folder, and notes that it is there.
    async fn save(&mut self, index: usize, name: String, stored: Stored) -> Answer<()> {
        let key = match &stored.place {
            Place::Key(key) => Some(*key),
            Place::Inline(_) => None,
        };
        let content = new_content(stored)?;
        let folder = FolderRef::Id(self.order.folder);
        let (lease, before) = (self.lease.clone(), self.progress.clone());
        let saved = edit_for(&self.app, self.account, move |edit| {
            save_in(edit, &folder, &name, &content, (&lease, &before, index))
        })
        .await;
        // Equal bytes were there already, or the rows were refused: either way nothing refers to this copy.
        if let (Some(key), Err(_) | Ok((_, true))) = (key, &saved) {
            discard(&self.app, key).await;
        }
        self.progress = saved?.0;
        Ok(())
    }
}

/// Saves a file and the progress with it; answers that, and whether the bytes had been there before.
fn save_in(
    edit: &mut Edit<'_, '_>,
    folder: &FolderRef,
    name: &str,
    new: &NewContent,
    (lease, before, index): (&Lease, &[Progress], usize),
) -> Answer<(Vec<Progress>, bool)> {
    let mut folder = edit.folder(folder)?;
    edit.check_quota(folder.owner, new.size)?;
    let kept = edit.tx.keep_content(new)?;
    let held = Held {
        blob: kept.id,
        size: new.size,
        hash: new.hash,
    };
    let saved = edit.save(
        &mut folder,
        name,
        held,
        Times::default(),
        IfTaken::Overwrite,
    )?;
    let mut progress = before.to_vec();
    progress[index].state = State::Ready;
    progress[index].file = Some(saved.file.id);
    let text = serde_json::to_string(&progress).map_err(Fail::internal)?;
    if !edit.tx.set_job_progress(lease, &text)? {
        return Err(lost());
    }
    Ok((progress, kept.duplicate))
}

fn lost() -> Fail {
    Fail::internal("another node has the job")
}
