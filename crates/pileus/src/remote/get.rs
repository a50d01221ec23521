//! `pileus get`.

use std::path::{Path, PathBuf};

use pileus_api::UnixTime;
use pileus_api::args::{FileRef, VersionArg};
use pileus_api::file::ChecksumFile;
use pileus_api::metadata::Metadata;
use pileus_api::name::check_name;
use pileus_api::streaming::{GetFileLink, LinkReply};
use pileus_client::Client;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::args::GetArgs;
use super::error::Error;
use super::progress::{Meter, Progress};
use super::tree::{self, Found};
use super::{local, session, transfer};

/// One file to fetch.
struct Job {
    /// Its path on the server, for people.
    path: String,
    fileid: u64,
    size: u64,
    /// Hash of its content, which the server chooses.
    hash: u64,
    modified: UnixTime,
    /// Where it goes.
    local: PathBuf,
}

/// Fetches paths. Answers how many files and folders could not be fetched.
pub async fn run(args: GetArgs) -> Result<usize, Error> {
    let client = session::open(&args.server).await?;
    let (sources, target) = match args.paths.as_slice() {
        [] => (&[][..], Path::new(".")),
        [source] => (std::slice::from_ref(source), Path::new(".")),
        [sources @ .., target] => (sources, Path::new(target)),
    };
    let is_folder = std::fs::metadata(target).is_ok_and(|metadata| metadata.is_dir());
    let goes_into =
        is_folder || sources.len() > 1 || target.as_os_str().as_encoded_bytes().ends_with(b"/");
    if goes_into {
        std::fs::create_dir_all(target).map_err(Error::local(target.display()))?;
    }
    let progress = Progress::new();
    let mut jobs = Vec::new();
    for source in sources {
        let planned = plan(&client, source, target, goes_into, &progress, &mut jobs).await;
        if let Err(error) = planned {
            progress.failed(&error);
        }
    }
    for job in &jobs {
        progress.expect(job.size);
    }
    transfer::all(jobs, &progress, async |job| {
        fetch(&client, job, args.checksum, &progress).await
    })
    .await;
    Ok(progress.finish("fetched"))
}

/// Looks at a path on the server, makes the folders it needs here, and collects its files.
async fn plan(
    client: &Client,
    source: &str,
    target: &Path,
    goes_into: bool,
    progress: &Progress,
    jobs: &mut Vec<Job>,
) -> Result<(), Error> {
    let path = tree::path(source)?;
    let local = match path.parts.last() {
        Some(name) if goes_into => {
            check_local(name, source)?;
            target.join(name)
        }
        _ => target.to_owned(),
    };
    let listing = match tree::find(client, &path, true).await? {
        Found::File(metadata) => {
            jobs.push(job(&metadata, path.to_text(), local)?);
            return Ok(());
        }
        Found::Folder(listing) => listing,
    };
    std::fs::create_dir_all(&local).map_err(Error::local(local.display()))?;
    for entry in tree::entries(&listing) {
        let planned = plan_entry(&entry, &path.to_text(), &local, jobs);
        if let Err(error) = planned {
            progress.failed(&error);
        }
    }
    Ok(())
}

fn plan_entry(
    entry: &tree::Entry<'_>,
    source: &str,
    target: &Path,
    jobs: &mut Vec<Job>,
) -> Result<(), Error> {
    let path = format!("{}/{}", source.trim_end_matches('/'), entry.names.join("/"));
    for name in &entry.names {
        check_local(name, &path)?;
    }
    let local = target.join(entry.names.iter().collect::<PathBuf>());
    if entry.metadata.is_folder() {
        return std::fs::create_dir_all(&local).map_err(Error::local(local.display()));
    }
    jobs.push(job(entry.metadata, path, local)?);
    Ok(())
}

/// Checks that a name leads nowhere but into its folder. A server that is not what it seems could
/// otherwise have files written anywhere.
fn check_local(name: &str, path: &str) -> Result<(), Error> {
    check_name(name).map_err(|_| Error::Wish(format!("{path}: not a file name here: {name:?}")))
}

fn job(metadata: &Metadata, path: String, local: PathBuf) -> Result<Job, Error> {
    let facts = tree::facts(metadata, &path)?;
    Ok(Job {
        fileid: facts.fileid,
        size: facts.size,
        hash: facts.hash,
        modified: metadata.modified,
        path,
        local,
    })
}

async fn fetch(
    client: &Client,
    mut job: Job,
    checksum: bool,
    progress: &Progress,
) -> Result<(), Error> {
    let meter = progress.meter();
    if is_here(client, &job, checksum).await? {
        meter.set(job.size);
        progress.unchanged();
        return Ok(());
    }
    transfer::persist(async || fetch_once(client, &mut job, &meter).await).await?;
    progress.moved(job.size);
    Ok(())
}

/// Whether the local file is the same already: by size and time, or by size and content.
async fn is_here(client: &Client, job: &Job, checksum: bool) -> Result<bool, Error> {
    let here = local::stat(&job.local).map_err(Error::local(job.local.display()))?;
    let Some(here) = here.filter(|here| here.is_file() && here.len() == job.size) else {
        return Ok(false);
    };
    if !checksum {
        let modified = local::modified_seconds(&here).and_then(|time| i64::try_from(time).ok());
        return Ok(modified == Some(job.modified.0));
    }
    let file = version(job.fileid);
    let theirs = client
        .call(&ChecksumFile { file })
        .await
        .map_err(Error::remote(&job.path))?;
    let ours = local::sha1(job.local.clone())
        .await
        .map_err(Error::local(job.local.display()))?;
    Ok(theirs.sha1 == ours)
}

fn version(fileid: u64) -> VersionArg {
    VersionArg {
        file: FileRef::Id(fileid),
        revisionid: None,
    }
}

/// Fetches the content into a partial file, or what is missing of it, and puts it in place.
///
/// A partial file's name holds the hash of the content, so what an earlier attempt or an earlier
/// command has left is only gone on with if it is the beginning of the same content.
async fn fetch_once(client: &Client, job: &mut Job, meter: &Meter) -> Result<(), Error> {
    let link = GetFileLink {
        file: version(job.fileid),
        hash: None,
        forcedownload: true,
        contenttype: None,
        maxspeed: None,
        skipfilename: true,
        skip_filename: false,
    };
    let link = client.call(&link).await.map_err(Error::remote(&job.path))?;
    if link.hash != job.hash {
        // It has been replaced since it was listed.
        let now = tree::stat(client, FileRef::Id(job.fileid))
            .await
            .map_err(Error::remote(&job.path))?;
        (job.hash, job.size, job.modified) = (link.hash, link.size, now.modified);
    }
    let name = format!(".pileus-{}-{:016x}.part", job.fileid, job.hash);
    let part = job.local.with_file_name(name);
    fill(client, &link, &part, job, meter).await?;
    local::set_modified(&part, job.modified).map_err(Error::local(part.display()))?;
    std::fs::rename(&part, &job.local).map_err(Error::local(job.local.display()))
}

/// Appends to a partial file what it lacks.
async fn fill(
    client: &Client,
    link: &LinkReply,
    part: &Path,
    job: &Job,
    meter: &Meter,
) -> Result<(), Error> {
    let trouble = || Error::local(part.display());
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(part)
        .await
        .map_err(trouble())?;
    let mut at = file.metadata().await.map_err(trouble())?.len();
    if at > link.size {
        file.set_len(0).await.map_err(trouble())?;
        at = 0;
    }
    meter.set(at);
    if at < link.size {
        let mut content = client
            .download(link, at..)
            .await
            .map_err(Error::remote(&job.path))?;
        while let Some(chunk) = content
            .data
            .chunk()
            .await
            .map_err(Error::remote(&job.path))?
        {
            file.write_all(&chunk).await.map_err(trouble())?;
            at += chunk.len() as u64;
            meter.set(at);
        }
    }
    file.flush().await.map_err(trouble())?;
    match at == link.size {
        true => Ok(()),
        false => Err(Error::Wish(format!(
            "{}: the server sent too much",
            job.path
        ))),
    }
}
