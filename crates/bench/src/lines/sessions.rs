//! What the sync client does with big and with many files: upload sessions, delta uploads, and small downloads over one
//! connection.

use crate::error::Result;
use crate::limit::{self, within};
use crate::lines::upload::FILE_BYTES;
use crate::lines::{Bench, mebibytes, ratio};
use crate::load::api::{Api, call, number, target, text};
use crate::load::binary;
use crate::load::callers::Expect;
use crate::load::fill::fill_folder;
use crate::load::http::{self, Connection};
use crate::load::small_files::SmallFiles;
use crate::noise::Noise;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use pileus_wire::{Tree, Value};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Bytes that one call writes into a session, and that one call copies from a file.
const PART_BYTES: u64 = 10 << 20;
const COPY_BYTES: u64 = 32 << 20;

/// Calls that the sync client sends before their answers at most.
const AHEAD: usize = 16;

/// Bytes that differ between the two versions of a file.
const CHANGED_BYTES: u64 = 1 << 20;

/// Files for the small downloads.
const FILES: u64 = 10_000;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("sessions").await?;
    let mut api = pileus.new_account("sessions@bench.test").await?;
    let mut lines = big_files(bench, &api).await?;
    lines.push(small_files(bench, &mut api).await?);
    pileus.stop().await?;
    Ok(lines)
}

async fn big_files(bench: &Bench, api: &Api) -> Result<Vec<Line>> {
    let bytes = bench.scale.bulk_bytes;
    let (mut single, mut parts, mut ahead) =
        (Series::default(), Series::default(), Series::default());
    let mut save = Series::default();
    let (mut delta, mut sent) = (Series::default(), Series::default());
    for run in 0..bench.scale.runs {
        let mut uploader = Uploader {
            connection: api.connect().await?,
            authority: api.authority(),
            noise: Noise::new(run as u64 + 1),
            sent: 0,
        };
        bench.settle();
        parts_of(&mut single, bytes, uploader.single(run, bytes).await?);
        bench.settle();
        let (file, elapsed, saving) = uploader.in_parts(run, bytes).await?;
        parts_of(&mut parts, bytes, elapsed);
        save.push(saving.as_secs_f64() * 1e3);
        bench.settle();
        let elapsed = uploader.in_parts_ahead(api, run, bytes).await?;
        parts_of(&mut ahead, bytes, elapsed);
        bench.settle();
        uploader.sent = 0;
        let elapsed = uploader.delta(&file, bytes).await?;
        delta.push(elapsed.as_secs_f64());
        sent.push(mebibytes(uploader.sent));
    }
    let size = count(bytes >> 20);
    let title = |what: &str| what.replace("SIZE", &format!("{size} MiB"));
    let in_parts = title("Upload of SIZE through a session, 10 MiB a call");
    let in_parts_ahead = title("Upload of SIZE through a session, 16 calls ahead");
    let beside = |title: &str, series: &Series| {
        let title = format!("{title}, of that by one call");
        ratio(&title, series, &single, 0.9)
    };
    let (parts_beside, ahead_beside) = (beside(&in_parts, &parts), beside(&in_parts_ahead, &ahead));
    Ok(vec![
        Line::new(
            title("Upload of SIZE by one call"),
            Unit::MebibytesPerSecond,
            single,
        ),
        Line::new(in_parts, Unit::MebibytesPerSecond, parts),
        parts_beside,
        Line::new(in_parts_ahead, Unit::MebibytesPerSecond, ahead),
        ahead_beside,
        Line::new(title("Saving that session"), Unit::Milliseconds, save).goal(Goal::Below(20.0)),
        Line::new(
            title("Upload of SIZE of which 1 MiB has changed"),
            Unit::Seconds,
            delta,
        )
        .goal(Goal::Below(3.0)),
        Line::new(
            title("The same: bytes on the wire, both ways"),
            Unit::Mebibytes,
            sent,
        )
        .goal(Goal::Below(3.0)),
    ])
}

fn parts_of(series: &mut Series, bytes: u64, elapsed: Duration) {
    series.push(mebibytes(bytes) / elapsed.as_secs_f64());
}

/// A version of a file.
struct Version {
    name: String,
    fileid: u64,
    hash: u64,
}

struct Uploader {
    connection: Connection<TcpStream>,
    authority: String,
    noise: Noise,
    /// Bytes of requests and of fetched tables.
    sent: u64,
}

impl Uploader {
    async fn call(&mut self, method: &str, pairs: &[(&'static str, Value)]) -> Result<Tree> {
        self.sent += http::get(&self.authority, &target(method, pairs)?).len() as u64;
        call(&mut self.connection, &self.authority, method, pairs).await
    }

    /// Sends new bytes with a call.
    async fn put(
        &mut self,
        method: &str,
        pairs: &[(&'static str, Value)],
        bytes: u64,
    ) -> Result<Tree> {
        let head = http::put(&self.authority, &target(method, pairs)?, bytes);
        self.sent += head.len() as u64 + bytes;
        let (connection, noise) = (&mut self.connection, &mut self.noise);
        let sending = async {
            connection.send(&head).await?;
            let next_block = |block: &mut [u8]| renew(block, noise);
            connection.send_bulk(bytes, next_block).await?;
            connection.receive().await
        };
        let answer = within(limit::CALL, method, sending).await?;
        Expect::ResultZero.check(&answer)?;
        Ok(Tree::from_json(answer.body)?)
    }

    async fn single(&mut self, run: usize, bytes: u64) -> Result<Duration> {
        let pairs = [
            ("folderid", 0_u64.into()),
            ("filename", Value::from(&*format!("single-{run}"))),
        ];
        let begin = Instant::now();
        self.put("uploadfile", &pairs, bytes).await?;
        Ok(begin.elapsed())
    }

    /// Answers the file, the time of all calls, and the time of the last one.
    async fn in_parts(&mut self, run: usize, bytes: u64) -> Result<(Version, Duration, Duration)> {
        let begin = Instant::now();
        let created = self.call("upload_create", &[]).await?;
        let uploadid = number(&created, "uploadid")?;
        let mut offset = 0;
        while offset < bytes {
            let part = PART_BYTES.min(bytes - offset);
            let pairs = place(uploadid, offset);
            self.put("upload_write", &pairs, part).await?;
            offset += part;
        }
        let name = format!("parts-{run}");
        let saving = Instant::now();
        let file = self.save(uploadid, name, bytes).await?;
        Ok((file, begin.elapsed(), saving.elapsed()))
    }

    /// The same over the binary protocol, as the sync client does it: it does not wait for an answer before it sends what
    /// comes next. Answers the time of all calls.
    async fn in_parts_ahead(&mut self, api: &Api, run: usize, bytes: u64) -> Result<Duration> {
        let mut connection = api.connect_binary().await?;
        let begin = Instant::now();
        let created = self.call("upload_create", &[]).await?;
        let uploadid = number(&created, "uploadid")?;
        let mut unanswered = 0;
        let mut offset = 0;
        while offset < bytes {
            let part = PART_BYTES.min(bytes - offset);
            let pairs = place(uploadid, offset);
            let head = binary::request_for_data("upload_write", &pairs, part)?;
            connection.send(&head).await?;
            let noise = &mut self.noise;
            connection
                .send_bulk(part, |block| renew(block, noise))
                .await?;
            offset += part;
            unanswered += 1;
            if unanswered == AHEAD {
                binary::check(connection.receive().await?)?;
                unanswered -= 1;
            }
        }
        for _ in 0..unanswered {
            binary::check(connection.receive().await?)?;
        }
        self.save(uploadid, format!("ahead-{run}"), bytes).await?;
        Ok(begin.elapsed())
    }

    async fn save(&mut self, uploadid: u64, name: String, bytes: u64) -> Result<Version> {
        let pairs = [
            ("uploadid", uploadid.into()),
            ("folderid", 0_u64.into()),
            ("name", Value::from(&*name)),
        ];
        let saved = self.call("upload_save", &pairs).await?;
        if number(&saved, "metadata.size")? != bytes {
            return Err("the file is not as long as what was uploaded".into());
        }
        Ok(Version {
            name,
            fileid: number(&saved, "metadata.fileid")?,
            hash: number(&saved, "metadata.hash")?,
        })
    }

    /// Replaces a file by one that differs in the middle, as the sync client does once it has found the difference.
    async fn delta(&mut self, file: &Version, bytes: u64) -> Result<Duration> {
        let begin = Instant::now();
        let version = [("fileid", file.fileid.into()), ("hash", file.hash.into())];
        let link = self.call("getchecksumlink", &version).await?;
        let request = http::get(&self.authority, text(&link, "path")?);
        self.connection.send(&request).await?;
        let (status, length) = self.connection.receive_bulk().await?;
        if status != 200 {
            return Err(format!("block checksums were answered {status}").into());
        }
        self.sent += request.len() as u64 + length;

        let created = self.call("upload_create", &[]).await?;
        let uploadid = number(&created, "uploadid")?;
        let changed = bytes / 2..(bytes / 2 + CHANGED_BYTES).min(bytes);
        self.copy(uploadid, file, 0..changed.start).await?;
        let pairs = place(uploadid, changed.start);
        let length = changed.end - changed.start;
        self.put("upload_write", &pairs, length).await?;
        self.copy(uploadid, file, changed.end..bytes).await?;
        self.call("upload_info", &[("uploadid", uploadid.into())])
            .await?;
        self.save(uploadid, file.name.clone(), bytes).await?;
        Ok(begin.elapsed())
    }

    async fn copy(
        &mut self,
        uploadid: u64,
        file: &Version,
        range: std::ops::Range<u64>,
    ) -> Result<()> {
        let mut offset = range.start;
        while offset < range.end {
            let piece = COPY_BYTES.min(range.end - offset);
            let pairs = [
                ("uploadid", uploadid.into()),
                ("uploadoffset", offset.into()),
                ("fileid", file.fileid.into()),
                ("hash", file.hash.into()),
                ("offset", offset.into()),
                ("count", piece.into()),
            ];
            self.call("upload_writefromfile", &pairs).await?;
            offset += piece;
        }
        Ok(())
    }
}

/// Where a call writes into a session.
fn place(uploadid: u64, offset: u64) -> [(&'static str, Value); 2] {
    [
        ("uploadid", uploadid.into()),
        ("uploadoffset", offset.into()),
    ]
}

/// A changed word in each block makes it new, and costs the client nothing.
fn renew(block: &mut [u8], noise: &mut Noise) {
    if let Some(word) = block.first_chunk_mut() {
        *word = noise.next().to_le_bytes();
    }
}

async fn small_files(bench: &Bench, api: &mut Api) -> Result<Line> {
    let folder = api.create_folder(0, "small").await?;
    fill_folder(api, folder, FILES, FILE_BYTES).await?;
    let files = api.file_ids(folder).await?;
    let mut rate = Series::default();
    for _ in 0..bench.scale.runs {
        bench.settle();
        let mut connection = SmallFiles::open(api).await?;
        let begin = Instant::now();
        let bytes = within(limit::CALL, "small downloads", connection.fetch(&files)).await?;
        let elapsed = begin.elapsed();
        if bytes != files.len() as u64 * FILE_BYTES as u64 {
            return Err("not all of the small files have come".into());
        }
        rate.push(files.len() as f64 / elapsed.as_secs_f64());
    }
    let title = format!(
        "Downloads of {} files of 4 KiB, one connection",
        count(FILES)
    );
    Ok(Line::new(title, Unit::PerSecond, rate).goal(Goal::AtLeast(15_000.0)))
}
