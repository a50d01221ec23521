//! File descriptors, over one connection of the binary protocol: reading a large file in pieces, and changing it in many
//! places.

use crate::error::Result;
use crate::lines::{Bench, mebibytes, ratio};
use crate::load::api::{Api, number};
use crate::load::binary::{self, Connection};
use crate::report::{Goal, Line, Series, Unit};
use pileus_wire::{Tree, decode_answer};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PIECE_BYTES: u64 = 64 << 10;
const BLOCK_BYTES: u64 = 4 << 10;
/// Random writes of a run, whatever the size of the file.
const WRITES: u64 = 20_000;
/// Calls that are on their way at the same time at most.
const AHEAD: u64 = 32;
/// Size of a write that fills the file.
const FILL_BYTES: u64 = 1 << 20;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("fileops").await?;
    let mut api = pileus.new_account("fileops@bench.test").await?;
    let size = bench.scale.bulk_bytes;
    let (mut reads, mut loopback) = (Series::default(), Series::default());
    let (mut writes, mut close_ms) = (Series::default(), Series::default());
    let mut file = File::make(&mut api, size).await?;
    for run in 0..bench.scale.runs {
        bench.settle();
        reads.push(file.read_all(size).await?);
        loopback.push(loopback_limit(size).await?);
        let (rate, ms) = file.change(&mut api, size, run).await?;
        writes.push(rate);
        close_ms.push(ms);
    }
    pileus.stop().await?;
    let shown = size >> 20;
    let speed = Unit::MebibytesPerSecond;
    let reading = format!("`file_pread` of 64 KiB, {AHEAD} ahead");
    let beside = format!("{reading}, of that of a program that only sends zeros");
    let beside = ratio(&beside, &reads, &loopback, 0.5);
    Ok(vec![
        Line::new(reading, speed, reads),
        Line::new(
            "the same from a program that only sends zeros",
            speed,
            loopback,
        ),
        beside,
        Line::new(
            format!("`file_pwrite` of 4 KiB anywhere in {shown} MiB, {AHEAD} ahead"),
            Unit::PerSecond,
            writes,
        )
        .goal(Goal::AtLeast(20_000.0)),
        Line::new(
            format!("`file_close` after {WRITES} of them"),
            Unit::Milliseconds,
            close_ms,
        )
        .goal(Goal::Below(50.0)),
    ])
}

/// The file that is read and changed, open on a connection of its own.
struct File {
    connection: Connection,
    fd: u64,
}

impl File {
    async fn make(api: &mut Api, size: u64) -> Result<Self> {
        let mut file = Self::open(api).await?;
        let zeros = vec![7; usize::try_from(FILL_BYTES)?];
        let fd = file.fd;
        file.pipeline(size / FILL_BYTES, 0, |at| {
            pwrite(fd, at * FILL_BYTES, &zeros)
        })
        .await?;
        file.close(api).await?;
        Self::open(api).await
    }

    async fn open(api: &mut Api) -> Result<Self> {
        let mut connection = api.connect_binary().await?;
        let pairs = [("flags", 0x42_u64.into()), ("path", "/file".into())];
        let request = binary::request("file_open", &pairs)?;
        let answer = connection.exchange(&request).await?;
        let fd = number(&answer, "fd")?;
        Ok(Self { connection, fd })
    }

    /// Closes the file, and waits until the server has nothing more to do with it; answers how long closing took.
    async fn close(&mut self, api: &mut Api) -> Result<f64> {
        let request = binary::request("file_close", &[("fd", self.fd.into())])?;
        let began = Instant::now();
        self.connection.exchange(&request).await?;
        let ms = began.elapsed().as_secs_f64() * 1e3;
        api.call("checksumfile", &[("path", "/file".into())])
            .await?;
        Ok(ms)
    }

    /// Makes calls with some of them ahead of their answers, each of which is followed by so many bytes of data.
    async fn pipeline(
        &mut self,
        count: u64,
        data_bytes: u64,
        mut call: impl FnMut(u64) -> Result<Vec<u8>>,
    ) -> Result<()> {
        for at in 0..count + AHEAD {
            if at < count {
                self.connection.queue(&call(at)?);
            }
            if at >= AHEAD {
                binary::check(self.connection.receive().await?)?;
                self.connection.skip(data_bytes).await?;
            }
        }
        Ok(())
    }

    /// Reads the file from its beginning to its end; answers MiB/s.
    async fn read_all(&mut self, size: u64) -> Result<f64> {
        let (fd, began) = (self.fd, Instant::now());
        self.pipeline(size / PIECE_BYTES, PIECE_BYTES, |at| {
            let pairs = [
                ("fd", fd.into()),
                ("count", PIECE_BYTES.into()),
                ("offset", (at * PIECE_BYTES).into()),
            ];
            binary::request("file_pread", &pairs)
        })
        .await?;
        Ok(mebibytes(size) / began.elapsed().as_secs_f64())
    }

    /// Changes the file in many places and closes it; answers writes per second and the time of closing in milliseconds.
    async fn change(&mut self, api: &mut Api, size: u64, run: usize) -> Result<(f64, f64)> {
        let (fd, began) = (self.fd, Instant::now());
        let block = vec![u8::try_from(run % 200)?; usize::try_from(BLOCK_BYTES)?];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (run as u64 + 1);
        self.pipeline(WRITES, 0, |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            pwrite(fd, random % (size / BLOCK_BYTES) * BLOCK_BYTES, &block)
        })
        .await?;
        let rate = WRITES as f64 / began.elapsed().as_secs_f64();
        let ms = self.close(api).await?;
        *self = Self::open(api).await?;
        Ok((rate, ms))
    }
}

fn pwrite(fd: u64, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
    let pairs = [("fd", fd.into()), ("offset", offset.into())];
    binary::request_with_data("file_pwrite", &pairs, data)
}

/// How fast pieces come over the loopback device from somebody who has nothing to do for them, in MiB/s.
async fn loopback_limit(size: u64) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // On a thread of its own, as the server is.
    let far = std::thread::spawn(move || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        runtime.block_on(async {
            let (mut stream, _) = TcpListener::from_std(listener.into_std()?)?
                .accept()
                .await?;
            let piece = vec![0; PIECE_BYTES as usize];
            for _ in 0..size / PIECE_BYTES {
                stream.write_all(&piece).await?;
            }
            Ok(())
        })
    });
    let mut stream = crate::load::http::open(address).await?;
    let mut buffer = Vec::with_capacity(4 * PIECE_BYTES as usize);
    let began = Instant::now();
    while stream.read_buf(&mut buffer).await? > 0 {
        buffer.clear();
    }
    let rate = mebibytes(size) / began.elapsed().as_secs_f64();
    far.join().map_err(|_| "the sending thread panicked")??;
    Ok(rate)
}

impl Connection {
    /// Makes one call, whose result is 0.
    async fn exchange(&mut self, request: &[u8]) -> Result<Tree> {
        self.send(request).await?;
        let answer = self.receive().await?;
        binary::check(answer)?;
        Ok(decode_answer(answer)?)
    }
}
