//! `pileus put`.

use std::collections::HashMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use pileus_api::Metadata;
use pileus_api::args::{FileRef, FolderRef, IntoFolderArg, NewEntryArg, VersionArg};
use pileus_api::field::Seconds;
use pileus_api::file::{ChecksumFile, UploadFile};
use pileus_api::folder::CreateFolderIfNotExists;
use pileus_api::name;
use pileus_client::{Body, Client};

use super::args::PutArgs;
use super::error::Error;
use super::progress::{Meter, Progress};
use super::{local, session, transfer, tree};

/// A place on the server.
#[derive(Clone)]
struct Place {
    folderid: u64,
    /// Full path of the folder.
    path: name::Path,
}

/// One file to send.
struct Job {
    local: PathBuf,
    place: Place,
    name: String,
    /// What has this name on the server.
    there: Option<Metadata>,
}

impl Place {
    /// The path of an entry in it.
    fn join(&self, name: &str) -> name::Path {
        let mut path = self.path.clone();
        path.parts.push(name.to_owned());
        path
    }
}

/// Sends paths. Answers how many files and folders could not be sent.
pub async fn run(args: PutArgs) -> Result<usize, Error> {
    let client = session::open(&args.server).await?;
    let (sources, target) = match args.paths.as_slice() {
        [] => (&[][..], "/"),
        [source] => (std::slice::from_ref(source), "/"),
        [sources @ .., target] => (sources, target.as_str()),
    };
    let (place, new_name) = resolve(&client, target, sources.len() > 1).await?;
    let progress = Progress::new();
    let mut jobs = Vec::new();
    for source in sources {
        let name = new_name.as_deref();
        let planned = plan(
            &client,
            Path::new(source),
            &place,
            name,
            &progress,
            &mut jobs,
        )
        .await;
        if let Err(error) = planned {
            progress.failed(&error);
        }
    }
    for job in &jobs {
        progress.expect(std::fs::metadata(&job.local).map_or(0, |metadata| metadata.len()));
    }
    transfer::all(jobs, &progress, async |job| {
        send(&client, job, args.checksum, &progress).await
    })
    .await;
    Ok(progress.finish("sent"))
}

/// Finds the folder that things go into, and the name that a single thing gets there if the target
/// gives it one.
async fn resolve(
    client: &Client,
    target: &str,
    many: bool,
) -> Result<(Place, Option<String>), Error> {
    let path = tree::path(target)?;
    let root = Place {
        folderid: 0,
        path: name::Path {
            parts: Vec::new(),
            ends_in_slash: false,
        },
    };
    if path.parts.is_empty() {
        return Ok((root, None));
    }
    match tree::stat_if_there(client, &path).await? {
        Some(found) if many || path.ends_in_slash || found.is_folder() => {
            let folderid = tree::folderid(&found, target)?;
            Ok((Place { folderid, path }, None))
        }
        None if many || path.ends_in_slash => {
            let mut place = root;
            for name in &path.parts {
                place = make_folder(client, &place, name).await?.0;
            }
            Ok((place, None))
        }
        // A file to replace, or a new name in a folder that is there.
        _ => {
            let Some((parent, name)) = path.split_last() else {
                return Ok((root, None));
            };
            if parent.parts.is_empty() {
                return Ok((root, Some(name)));
            }
            let text = parent.to_text();
            let found = tree::stat(client, FileRef::Path(parent.clone())).await;
            let found = found.map_err(Error::remote(&text))?;
            let folderid = tree::folderid(&found, &text)?;
            let place = Place {
                folderid,
                path: parent,
            };
            Ok((place, Some(name)))
        }
    }
}

/// Makes a folder unless it is there, and tells whether it is new.
async fn make_folder(client: &Client, parent: &Place, name: &str) -> Result<(Place, bool), Error> {
    let path = parent.join(name);
    let text = path.to_text();
    let call = CreateFolderIfNotExists {
        at: NewEntryArg {
            parent: FolderRef::Id(parent.folderid),
            name: Some(name.to_owned()),
        },
        ctime: None,
        encrypted: false,
    };
    let reply = client.call(&call).await.map_err(Error::remote(&text))?;
    let folderid = tree::folderid(&reply.metadata, &text)?;
    Ok((Place { folderid, path }, reply.created))
}

/// Looks at a local path, makes the folders it needs on the server, and collects its files.
async fn plan(
    client: &Client,
    source: &Path,
    place: &Place,
    new_name: Option<&str>,
    progress: &Progress,
    jobs: &mut Vec<Job>,
) -> Result<(), Error> {
    let metadata = std::fs::metadata(source).map_err(Error::local(source.display()))?;
    let name = match new_name {
        Some(name) => name.to_owned(),
        None => own_name(source)?,
    };
    if !metadata.is_dir() {
        jobs.push(Job {
            local: source.to_owned(),
            there: tree::stat_if_there(client, &place.join(&name)).await?,
            place: place.clone(),
            name,
        });
        return Ok(());
    }
    let (folder, is_new) = make_folder(client, place, &name).await?;
    let there = match is_new {
        true => HashMap::new(),
        false => contents(client, &folder).await?,
    };
    plan_folder(client, source, folder, there, progress, jobs).await
}

/// A local path's own name, also where it ends in `.` or `..`.
fn own_name(source: &Path) -> Result<String, Error> {
    let whole = source
        .canonicalize()
        .map_err(Error::local(source.display()))?;
    let name = source.file_name().or(whole.file_name());
    name.and_then(|name| name.to_str())
        .map(str::to_owned)
        .ok_or_else(|| Error::Wish(format!("{}: it has no name to send", source.display())))
}

/// Everything in a folder of the server, by its path from there.
async fn contents(client: &Client, folder: &Place) -> Result<HashMap<String, Metadata>, Error> {
    let listing = tree::list(client, FolderRef::Id(folder.folderid), true)
        .await
        .map_err(Error::remote(folder.path.to_text()))?;
    Ok(tree::entries(&listing)
        .into_iter()
        .map(|entry| (entry.names.join("/"), entry.metadata.clone()))
        .collect())
}

/// Goes through a local folder and everything below it.
///
/// Reading folders blocks this task for moments, which nothing else waits for: transfers begin
/// afterwards.
async fn plan_folder(
    client: &Client,
    source: &Path,
    folder: Place,
    mut there: HashMap<String, Metadata>,
    progress: &Progress,
    jobs: &mut Vec<Job>,
) -> Result<(), Error> {
    let depth = folder.path.parts.len();
    let mut folders = vec![(source.to_owned(), folder)];
    while let Some((local, place)) = folders.pop() {
        let mut entries = match entries(&local) {
            Ok(entries) => entries,
            Err(error) => {
                progress.failed(&error);
                continue;
            }
        };
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let local = entry.path();
            let Ok(kind) = entry.file_type() else {
                progress.note(&format!("{}: left out, it has gone", local.display()));
                continue;
            };
            let Ok(name) = entry.file_name().into_string() else {
                let what = format!("{}: its name is not UTF-8", local.display());
                progress.failed(&Error::Wish(what));
                continue;
            };
            let path = place.join(&name);
            let known = there.remove(&path.parts[depth..].join("/"));
            if kind.is_file() {
                let (place, there) = (place.clone(), known);
                jobs.push(Job {
                    local,
                    place,
                    name,
                    there,
                });
            } else if kind.is_dir() {
                let folderid = known.and_then(|known| known.folderid());
                let made = match folderid {
                    Some(folderid) => Ok(Place { folderid, path }),
                    None => make_folder(client, &place, &name).await.map(|made| made.0),
                };
                match made {
                    Ok(place) => folders.push((local, place)),
                    Err(error) => progress.failed(&error),
                }
            } else {
                let what = "left out, it is neither a file nor a folder";
                progress.note(&format!("{}: {what}", local.display()));
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    std::fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(Error::local(folder.display()))
}

async fn send(client: &Client, job: Job, checksum: bool, progress: &Progress) -> Result<(), Error> {
    let meter = progress.meter();
    let path = job.place.join(&job.name).to_text();
    if let Some(size) = is_there(client, &job, &path, checksum).await? {
        meter.set(size);
        progress.unchanged();
        return Ok(());
    }
    let size = transfer::persist(async || send_once(client, &job, &path, &meter).await).await?;
    progress.moved(size);
    Ok(())
}

/// The size of the file if it is on the server already, the same by size and time, or by size and
/// content.
async fn is_there(
    client: &Client,
    job: &Job,
    path: &str,
    checksum: bool,
) -> Result<Option<u64>, Error> {
    let Some(there) = &job.there else {
        return Ok(None);
    };
    let facts = tree::facts(there, path)?;
    let here = std::fs::metadata(&job.local).map_err(Error::local(job.local.display()))?;
    if here.len() != facts.size {
        return Ok(None);
    }
    let same = if checksum {
        let file = VersionArg {
            file: FileRef::Id(facts.fileid),
            revisionid: None,
        };
        let theirs = client
            .call(&ChecksumFile { file })
            .await
            .map_err(Error::remote(path))?;
        let ours = local::sha1(job.local.clone())
            .await
            .map_err(Error::local(job.local.display()))?;
        theirs.sha1 == ours
    } else {
        let modified = local::modified_seconds(&here).and_then(|time| i64::try_from(time).ok());
        modified == Some(there.modified.0)
    };
    Ok(same.then_some(facts.size))
}

/// Sends a file whole, with its modification time, and answers its size.
async fn send_once(client: &Client, job: &Job, path: &str, meter: &Meter) -> Result<u64, Error> {
    let trouble = || Error::local(job.local.display());
    let metadata = std::fs::metadata(&job.local).map_err(trouble())?;
    let call = UploadFile {
        folder: IntoFolderArg(FolderRef::Id(job.place.folderid)),
        filename: None,
        // Half a file must not take the place of a whole one.
        nopartial: true,
        progresshash: None,
        renameifexists: false,
        mtime: local::modified_seconds(&metadata).map(Seconds),
        ctime: None,
        ifhash: None,
        encrypted: false,
    };
    let content = Body::from_file(&job.local).await.map_err(trouble())?;
    let size = content.length();
    meter.set(0);
    let shown = meter.clone();
    let content = content.on_progress(move |sent| shown.set(sent));
    match client.upload(&call, &job.name, content).await {
        Ok(_) => {
            meter.set(size);
            Ok(size)
        }
        Err(pileus_client::Error::Source(error)) => Err(trouble()(error)),
        Err(error) => Err(Error::remote(path)(error)),
    }
}
