//! Fetching files from URLs, and asking how far that is.

use crate::call::{Answer, Fail};
use crate::cx::{Cx, View};
use crate::dispatch::{Public, Waits};
use crate::jobs::downloads::{Order, Progress, State, Wanted};
use crate::rules::access::Right;
use percent_encoding::percent_decode_str;
use pileus_api::file::{
    DownloadArg, DownloadFile, DownloadFileAsync, DownloadReply, UploadProgress,
};
use pileus_api::name::check_name;
use pileus_api::progress::{Downloading, ProgressReply, UrlProgress};
use pileus_api::{Code, Metadata};
use pileus_store::jobs::{DOWNLOAD, ENDED, Job, NewJob};

/// URLs of one call.
const URLS_MAX: usize = 16;

/// Bytes of all URLs of one call. Browsers stop at about the same length for a single one.
const URL_MAX_BYTES: usize = 64 * 1024;

/// Calls of an account whose files are still being fetched. Some slow sources must not keep everybody else waiting.
const OPEN_JOBS_MAX: i64 = 8;

impl Waits for DownloadFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<DownloadReply> {
        let job = start(cx, &self.order).await?;
        let account = cx.account();
        let waiter = cx.app.feed.register(account);
        loop {
            let changed = waiter.changed();
            tokio::pin!(changed);
            // Registered before the look: a job that ends between the look and the sleep wakes the sleep.
            changed.as_mut().enable();
            if let Some(metadata) = cx.view(move |view| fetched(view, job)).await? {
                return Ok(DownloadReply { metadata });
            }
            tokio::select! {
                () = &mut changed => {}
                // The job goes on when the server is there again.
                () = cx.app.stopped() => return Err(Fail::internal("the server stops")),
            }
        }
    }
}

impl Waits for DownloadFileAsync {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<DownloadReply> {
        start(cx, &self.order).await?;
        Ok(DownloadReply {
            metadata: Vec::new(),
        })
    }
}

/// Makes the job; answers its id.
async fn start(cx: &Cx<'_, '_>, arg: &DownloadArg) -> Answer<i64> {
    if !cx.app.config.downloads.enabled {
        return Err(Code::DENIED.into());
    }
    let items = wanted(arg)?;
    let progress = vec![Progress::default(); items.len()];
    let progress = serde_json::to_string(&progress).map_err(Fail::internal)?;
    // No text of a client may hold a NUL where PostgreSQL keeps it.
    let key = arg.progresshash.clone().filter(|key| !key.contains('\0'));
    if let Some(key) = &key {
        cx.app.progresses.forget(cx.progress_owner(), key);
    }
    let (target, bell) = (arg.folder.0.clone(), cx.app.bell.clone());
    cx.edit(move |edit| {
        let folder = edit.folder(&target)?;
        edit.require(&folder, Right::Create)?;
        let (account, now) = (edit.user.account.id, edit.now.0);
        edit.check_quota(folder.owner, 1)?;
        if edit.tx.open_jobs(account, DOWNLOAD)? >= OPEN_JOBS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let order = Order {
            folder: edit.wire_folder(folder.id),
            items: items.clone(),
        };
        let payload = serde_json::to_string(&order).map_err(Fail::internal)?;
        let bell = bell.clone();
        edit.tx.after_commit(move || bell.ring());
        Ok(edit.tx.add_job(&NewJob {
            kind: DOWNLOAD,
            account,
            progress_key: key.as_deref(),
            payload: &payload,
            progress: &progress,
            run_at: now,
            created: now,
        })?)
    })
    .await
}

/// What a call asks for.
fn wanted(arg: &DownloadArg) -> Answer<Vec<Wanted>> {
    let urls: Vec<&str> = arg.url.split_whitespace().collect();
    if urls.is_empty() {
        return Err(Code::NO_URL.into());
    }
    if urls.len() > URLS_MAX || arg.url.len() > URL_MAX_BYTES {
        return Err(Code::DENIED.into());
    }
    let mut names = arg.target.as_deref().unwrap_or_default().split(',');
    let mut items = Vec::with_capacity(urls.len());
    for url in urls {
        let name = names.next().unwrap_or_default();
        let name = percent_decode_str(name)
            .decode_utf8()
            .map_err(|_| Code::BAD_NAME)?;
        if !name.is_empty() {
            check_name(&name)?;
        }
        items.push(Wanted {
            url: url.to_owned(),
            name: (!name.is_empty()).then(|| name.into_owned()),
        });
    }
    Ok(items)
}

/// The files of a job, when it is over.
fn fetched(view: &mut View<'_, '_>, job: i64) -> Answer<Option<Vec<Metadata>>> {
    let Some(job) = view.tx.job(job)? else {
        return Ok(Some(Vec::new()));
    };
    if job.state != ENDED {
        return Ok(None);
    }
    let mut files = Vec::new();
    for item in progress_of(&job)? {
        files.extend(ready(view, &item)?);
    }
    Ok(Some(files))
}

fn progress_of(job: &Job) -> Answer<Vec<Progress>> {
    serde_json::from_str(&job.progress).map_err(Fail::internal)
}

/// The file that was fetched, unless it is gone again.
fn ready(view: &mut View<'_, '_>, item: &Progress) -> Answer<Option<Metadata>> {
    let Some(id) = item.file else {
        return Ok(None);
    };
    let file = view.tx.file(id)?.filter(|file| file.deleted == 0);
    match file {
        Some(file) if view.sees_file(&file)? => view.file_metadata(&file).map(Some),
        _ => Ok(None),
    }
}

impl Public for UploadProgress {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ProgressReply> {
        cx.user()?;
        let key = self.progresshash.clone();
        if let Some(progress) = cx.app.progresses.find(cx.progress_owner(), &key) {
            return Ok(ProgressReply::Upload(progress.uploading()));
        }
        if key.contains('\0') {
            return Err(Code::UPLOAD_UNKNOWN.into());
        }
        cx.view(move |view| downloading(view, &key))
            .await
            .map(ProgressReply::Download)
    }
}

/// How far the download with this key is.
fn downloading(view: &mut View<'_, '_>, key: &str) -> Answer<Downloading> {
    // Downloads are the account's; an app that sees one folder knows of none.
    if view.user.app_folder.is_some() {
        return Err(Code::UPLOAD_UNKNOWN.into());
    }
    let job = view.tx.job_by_key(view.user.account.id, key)?;
    let is_kept =
        |job: &Job| job.kind == DOWNLOAD && (job.state != ENDED || job.run_at > view.now.0);
    let job = job.filter(is_kept).ok_or(Code::UPLOAD_UNKNOWN)?;
    let order: Order = serde_json::from_str(&job.payload).map_err(Fail::internal)?;
    let mut reply = Downloading {
        urlcount: order.items.len() as u64,
        urlready: 0,
        urlworking: 0,
        finished: job.state == ENDED,
        files: Vec::new(),
    };
    for (wanted, mut item) in order.items.into_iter().zip(progress_of(&job)?) {
        match item.state {
            State::Ready => reply.urlready += 1,
            // The server has given up.
            State::Waiting | State::Downloading if reply.finished => item.state = State::Error,
            State::Downloading => reply.urlworking += 1,
            State::Waiting | State::Error => {}
        }
        reply.files.push(UrlProgress {
            url: wanted.url,
            status: item.state.name().to_owned(),
            size: item.size,
            downloaded: item.downloaded,
            metadata: ready(view, &item)?,
        });
    }
    Ok(reply)
}
