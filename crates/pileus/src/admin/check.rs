//! `pileus check`.

use super::error::Result;
use super::open_work::{self, OpenWork};
use super::{open_existing, output};
use crate::cli::DataArgs;
use futures_util::StreamExt;
use futures_util::stream;
use pileus_blobs::{BlobKey, Hasher};
use pileus_server::app::App;
use pileus_store::check::{Findings, ProblemKind};
use pileus_store::contents::{Content, Place};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Contents that are looked up at once; with an S3 store each is a request.
const LOOKUPS: usize = 32;

/// Contents that are read at once.
const READS: usize = 4;

/// How old bytes without a row must be to be wrong. Younger ones may belong to an upload that is just being committed.
pub const GRACE_SECONDS: u64 = 3600;

/// Bytes without a row that are kept in mind for a second look.
const REMEMBERED_LEFTOVERS: usize = 100_000;

/// Looks through everything. Fails if something is wrong.
pub async fn run(hash: bool, data: &DataArgs, as_json: bool) -> Result<ExitCode> {
    let app = open_existing(data).await?;
    let mut found = app.db.view(|tx| tx.check()).await?;
    let bytes = check_bytes(&app, hash, &mut found).await?;
    let leftovers = find_leftovers(&app, &mut found).await?;
    let work = open_work::check(&app, &mut found).await?;
    if as_json {
        output::json(&shown(&found, &bytes, leftovers, work))?;
    } else {
        tell(&found, &bytes, leftovers, work)?;
    }
    Ok(match found.problem_count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// How much was read.
#[derive(Default)]
struct BytesRead {
    contents: u64,
    bytes: u64,
}

/// Looks whether all contents have their bytes, and with `hash` whether these are the right ones.
async fn check_bytes(app: &App, hash: bool, found: &mut Findings) -> Result<BytesRead> {
    let mut read = BytesRead::default();
    let mut after = i64::MIN;
    loop {
        let page = app.db.view(move |tx| tx.contents_after(after)).await?;
        let Some(last) = page.last() else {
            return Ok(read);
        };
        after = last.id;
        let verdicts = stream::iter(page).map(|content| async move {
            let trouble = if hash {
                compare_checksums(app, &content).await?
            } else {
                look_up(app, &content).await?
            };
            Ok::<_, super::Error>((content, trouble))
        });
        let mut verdicts = verdicts.buffer_unordered(if hash { READS } else { LOOKUPS });
        while let Some(verdict) = verdicts.next().await {
            let (content, trouble) = verdict?;
            if let Some(trouble) = trouble {
                let text = format!("content {}: {trouble}", content.id);
                found.add(ProblemKind::Bytes, text);
            }
            if hash {
                read.contents += 1;
                read.bytes += content.size.unsigned_abs();
            }
        }
    }
}

/// What is wrong with the bytes of a content as far as can be told without reading them. Those in the database have
/// been looked at already.
async fn look_up(app: &App, content: &Content) -> Result<Option<String>> {
    let key = match key_of(content) {
        None => return Ok(None),
        Some(Err(trouble)) => return Ok(Some(trouble)),
        Some(Ok(key)) => key,
    };
    match app.blobs.size(&key).await? {
        Some(size) if i64::try_from(size) == Ok(content.size) => Ok(None),
        Some(size) => Ok(Some(format!(
            "blob {key} has {size} bytes instead of {}",
            content.size
        ))),
        None => Ok(is_still_there(app, content)
            .await?
            .then(|| format!("blob {key} is missing"))),
    }
}

/// What is wrong with the bytes of a content.
async fn compare_checksums(app: &App, content: &Content) -> Result<Option<String>> {
    let mut hasher = Hasher::new();
    match key_of(content) {
        None => {
            let wanted = content.clone();
            let place = app.db.view(move |tx| tx.content_place(&wanted)).await?;
            match place {
                Some(Place::Inline(bytes)) => hasher.update(&bytes),
                // That they are missing has been told already, unless the whole content has gone meanwhile.
                _ => return Ok(None),
            }
        }
        Some(Err(trouble)) => return Ok(Some(trouble)),
        Some(Ok(key)) => {
            if let Some(trouble) = look_up(app, content).await? {
                return Ok(Some(trouble));
            }
            let reader = app.blobs.read(&key, 0..content.size.unsigned_abs()).await;
            let mut chunks = match reader {
                Ok(reader) => reader,
                Err(pileus_blobs::Error::NotFound(_)) => return Ok(None),
                Err(error) => return Ok(Some(error.to_string())),
            };
            while let Some(chunk) = chunks.next().await {
                match chunk {
                    Ok(chunk) => hasher = hashed(hasher, chunk).await?,
                    Err(error) => return Ok(Some(error.to_string())),
                }
            }
        }
    }
    let digests = hasher.finish();
    // There is nothing yet that they could be compared with; that they can be read has been seen.
    if content.pending {
        return Ok(None);
    }
    let is_same = digests.sha256[..] == content.sha256
        && digests.sha1[..] == content.sha1
        && digests.md5[..] == content.md5
        && i64::from(digests.crc32) == content.crc32;
    if !is_same {
        return Ok(Some("its bytes are not those that were stored".to_owned()));
    }
    let is_named = content.hash_drawn || content.hash.0 == digests.hash();
    Ok((!is_named).then(|| "its hash is not that of its bytes".to_owned()))
}

/// Adds a chunk to a checksum, on a thread that has nothing else to do.
async fn hashed(mut hasher: Hasher, chunk: bytes::Bytes) -> Result<Hasher> {
    let hashed = tokio::task::spawn_blocking(move || {
        hasher.update(&chunk);
        hasher
    });
    Ok(hashed.await?)
}

/// The key of a content whose bytes are not in the database.
fn key_of(content: &Content) -> Option<std::result::Result<BlobKey, String>> {
    let key = content.storage_key.as_deref()?;
    Some(match key.try_into() {
        Ok(key) => Ok(BlobKey::from_bytes(key)),
        Err(_) => Err("its key is none".to_owned()),
    })
}

/// Whether a content has not been removed since it was read.
async fn is_still_there(app: &App, content: &Content) -> Result<bool> {
    let id = content.id;
    let now = app.db.view(move |tx| tx.content(id)).await?;
    Ok(now.is_some_and(|now| now.storage_key == content.storage_key))
}

/// Looks for bytes that no row knows; answers how many are young enough to be on their way.
async fn find_leftovers(app: &App, found: &mut Findings) -> Result<u64> {
    let oldest = app
        .clock
        .now()
        .0
        .unsigned_abs()
        .saturating_sub(GRACE_SECONDS);
    let (mut young, mut old, mut too_many) = (0, Vec::new(), 0u64);
    let mut listed = app.blobs.list();
    while let Some(blob) = listed.next().await {
        let blob = blob?;
        if is_known(app, blob.key).await? {
            continue;
        }
        if blob.modified > oldest {
            young += 1;
        } else if old.len() < REMEMBERED_LEFTOVERS {
            old.push(blob.key);
        } else {
            too_many += 1;
        }
    }
    for key in old {
        // The server may just have been about to remove it, or to make use of it.
        if app.blobs.size(&key).await?.is_some() && !is_known(app, key).await? {
            let text = format!("blob {key}: no row knows it");
            found.add(ProblemKind::Leftover, text);
        }
    }
    if too_many > 0 {
        let text = format!("{too_many} more blobs: no row knows them");
        found.add(ProblemKind::Leftover, text);
    }
    Ok(young)
}

async fn is_known(app: &App, key: BlobKey) -> Result<bool> {
    let known = app
        .db
        .view(move |tx| tx.has_storage_key(key.as_bytes()))
        .await?;
    Ok(known)
}

fn tell(found: &Findings, read: &BytesRead, leftovers: u64, work: OpenWork) -> Result<()> {
    let counts = &found.counts;
    let mut lines = vec![format!(
        "looked at {} accounts, {} folders, {} files, {} revisions, {} contents with {}, {} events",
        counts.accounts,
        counts.folders,
        counts.files,
        counts.revisions,
        counts.contents,
        output::size(i64::try_from(counts.content_bytes).unwrap_or(i64::MAX)),
        counts.events,
    )];
    if work.files + work.uploads > 0 {
        let OpenWork { files, uploads, .. } = work;
        lines.push(format!(
            "{files} files are being written, {uploads} upload sessions are open"
        ));
    }
    if read.contents > 0 {
        let size = output::size(i64::try_from(read.bytes).unwrap_or(i64::MAX));
        lines.push(format!("read {} contents with {size}", read.contents));
    }
    if leftovers > 0 {
        lines.push(format!("{leftovers} blobs without a row are younger than an hour, as those of running uploads are"));
    }
    lines.extend(found.problems.iter().map(|problem| problem.text.clone()));
    if found.unlisted > 0 {
        lines.push(format!("… and {} more", found.unlisted));
    }
    lines.push(match found.problem_count() {
        0 => "everything is as it should be".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    });
    output::lines(lines)
}

fn shown(found: &Findings, read: &BytesRead, leftovers: u64, work: OpenWork) -> Value {
    let counts = &found.counts;
    let problems: Vec<Value> = found
        .problems
        .iter()
        .map(|problem| json!({"kind": problem.kind.name(), "text": problem.text}))
        .collect();
    json!({
        "accounts": counts.accounts,
        "folders": counts.folders,
        "files": counts.files,
        "revisions": counts.revisions,
        "contents": counts.contents,
        "contentbytes": counts.content_bytes,
        "events": counts.events,
        "contentsread": read.contents,
        "bytesread": read.bytes,
        "youngleftovers": leftovers,
        "openfiles": work.files,
        "uploads": work.uploads,
        "youngworking": work.young_leftovers,
        "problemcount": found.problem_count(),
        "problems": problems,
    })
}
