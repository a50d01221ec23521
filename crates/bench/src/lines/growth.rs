//! Whether calls are as fast on a server with an account of a million files as on small ones, and how
//! such a server starts.
//!
//! Each account has a server to itself, whose database is as large as the account makes it. The
//! servers take turns, so that a machine which becomes slower meanwhile does so for all of them. Each
//! account is a tree in which every folder has few entries: `t…` with ten `u…`, each with ten `s…`,
//! each with 100 files. One `t` is uploaded and copied inside, the others are copies of it.

use crate::error::Result;
use crate::lines::Bench;
use crate::lines::idle::Starts;
use crate::lines::upload::{FILE_BYTES, uploads};
use crate::load::api::{Api, target};
use crate::load::callers::{Expect, Get};
use crate::load::closed_loop::closed_loop;
use crate::load::fill::{fill_folder, folder_target};
use crate::load::http;
use crate::noise::Noise;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use std::sync::Arc;

const CONNECTIONS: u64 = 16;
const SMALL_BYTES: usize = 100;
const FILES_PER_S: u64 = 100;
const FILES_PER_U: u64 = 1000;
const FILES_PER_T: u64 = 10_000;
/// How many different paths one measurement asks for.
const PATHS: usize = 5000;
/// How much slower than at its best size a call may be at another.
const FLAT: f64 = 1.5;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let mut servers = Vec::new();
    let mut accounts = Vec::new();
    for &files in bench.scale.account_files {
        let pileus = bench.pileus(&group(files)).await?;
        let mut account = Account {
            api: pileus.new_account("growth@bench.test").await?,
            files: 0,
            t0: 0,
            u0: 0,
        };
        account.grow(files).await?;
        servers.push(pileus);
        accounts.push(account);
    }
    let mut grown = [
        Growth::new("`stat` by path", &accounts),
        Growth::new("`listfolder` of 100 files by path", &accounts),
        Growth::new("4 KiB uploads", &accounts),
    ];
    for run in 0..bench.scale.runs {
        for (at, account) in accounts.iter_mut().enumerate() {
            bench.settle();
            grown[0].add(at, account.stat(bench).await?);
            grown[1].add(at, account.list(bench).await?);
            grown[2].add(at, account.upload(bench, run).await?);
        }
    }
    let largest = accounts.iter().max_by_key(|account| account.files);
    let largest = largest.map(|account| (account.files, account.api.auth()));
    let (files, auth) = largest.ok_or("no account is to be measured")?;
    drop(accounts);
    for pileus in servers {
        pileus.stop().await?;
    }
    let mut lines: Vec<Line> = grown.into_iter().flat_map(Growth::lines).collect();
    let starts = Starts::measure(bench, &group(files), &auth).await?;
    lines.extend(starts.lines(&format!("{} files", count(files))));
    Ok(lines)
}

/// The data folder of the server whose account has so many files.
fn group(files: u64) -> String {
    format!("growth-{files}")
}

struct Account {
    api: Api,
    /// Files in the tree; those uploaded by measurements are not counted.
    files: u64,
    /// Id of the first `t…`.
    t0: u64,
    /// Id of the first `u…` in it.
    u0: u64,
}

impl Account {
    /// Adds files until there are `files`.
    async fn grow(&mut self, files: u64) -> Result<()> {
        while self.files < files {
            self.files += match self.files {
                0 => self.upload_first().await?,
                inside if inside < FILES_PER_T => {
                    let name = format!("u{}", inside / FILES_PER_U);
                    self.api.copy_folder(self.u0, self.t0, &name).await?;
                    FILES_PER_U
                }
                beyond => {
                    let name = format!("t{}", beyond / FILES_PER_T);
                    self.api.copy_folder(self.t0, 0, &name).await?;
                    FILES_PER_T
                }
            };
        }
        Ok(())
    }

    /// Makes the first `u…`, and answers how many files it has.
    async fn upload_first(&mut self) -> Result<u64> {
        self.t0 = self.api.create_folder(0, "t0").await?;
        self.u0 = self.api.create_folder(self.t0, "u0").await?;
        let s0 = self.api.create_folder(self.u0, "s0").await?;
        fill_folder(&self.api, s0, FILES_PER_S, SMALL_BYTES).await?;
        for s in 1..FILES_PER_U / FILES_PER_S {
            let name = format!("s{s}");
            self.api.copy_folder(s0, self.u0, &name).await?;
        }
        Ok(FILES_PER_U)
    }

    async fn stat(&self, bench: &Bench) -> Result<f64> {
        self.call_anywhere(bench, "stat", file_path).await
    }

    async fn list(&self, bench: &Bench) -> Result<f64> {
        self.call_anywhere(bench, "listfolder", folder_path).await
    }

    /// Calls a method with paths from all over the tree. Answers calls per second.
    async fn call_anywhere(
        &self,
        bench: &Bench,
        method: &str,
        path: fn(u64) -> String,
    ) -> Result<f64> {
        let mut noise = Noise::new(self.files);
        let requests = (0..PATHS).map(|_| {
            let path = path(noise.next() % self.files);
            let target = target(method, &[("path", path.into())])?;
            Ok(http::get(&self.api.authority(), &target))
        });
        let requests = Arc::new(requests.collect::<Result<Vec<_>>>()?);
        let mut callers = Vec::new();
        for at in 0..CONNECTIONS as usize {
            let first = at * PATHS / CONNECTIONS as usize;
            let connection = self.api.connect().await?;
            let requests = Arc::clone(&requests);
            callers.push(Get::new(connection, requests, first, Expect::ResultZero));
        }
        Ok(closed_loop(callers, bench.scale.pace).await?.rate())
    }

    /// Uploads to a new folder. Answers uploads per second.
    async fn upload(&mut self, bench: &Bench, run: usize) -> Result<f64> {
        let name = format!("uploads-{}-{run}", self.files);
        let folder = self.api.create_folder(0, &name).await?;
        let target = folder_target(&self.api, folder, FILE_BYTES);
        let connect = async || self.api.connect().await;
        let sample = uploads(target, CONNECTIONS, bench.scale.pace, connect).await?;
        Ok(sample.rate())
    }
}

/// The path of the `s…` that holds a file of the tree.
fn folder_path(file: u64) -> String {
    let t = file / FILES_PER_T;
    let u = file / FILES_PER_U % 10;
    let s = file / FILES_PER_S % 10;
    format!("/t{t}/u{u}/s{s}")
}

/// The path of a file of the tree.
fn file_path(file: u64) -> String {
    let name = file % FILES_PER_S;
    format!("{}/f{name:08}", folder_path(file))
}

/// One kind of call, measured at each size of the account.
struct Growth {
    what: &'static str,
    /// Files in the account, and calls per second.
    at: Vec<(u64, Series)>,
}

impl Growth {
    fn new(what: &'static str, accounts: &[Account]) -> Self {
        let sizes = accounts.iter().map(|account| account.files);
        Self {
            what,
            at: sizes.map(|files| (files, Series::default())).collect(),
        }
    }

    /// Notes the rate of the account at this place.
    fn add(&mut self, at: usize, rate: f64) {
        self.at[at].1.push(rate);
    }

    /// A line for each size, and one for the slowest size beside the fastest.
    fn lines(self) -> Vec<Line> {
        let medians: Series = self.at.iter().map(|(_, rates)| rates.median()).collect();
        let slower: Series = [medians.max() / medians.min()].into_iter().collect();
        let mut lines = Vec::new();
        for (files, rates) in self.at {
            let title = format!("{}, account of {} files", self.what, count(files));
            lines.push(Line::new(title, Unit::PerSecond, rates));
        }
        let title = format!("{}: fastest size beside slowest", self.what);
        lines.push(Line::new(title, Unit::Times, slower).goal(Goal::Below(FLAT)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Growth, file_path};
    use crate::report::Series;

    #[test]
    fn files_have_paths_in_the_tree() {
        assert_eq!(file_path(0), "/t0/u0/s0/f00000000");
        assert_eq!(file_path(999), "/t0/u0/s9/f00000099");
        assert_eq!(file_path(123_456), "/t12/u3/s4/f00000056");
    }

    #[test]
    fn the_worst_pair_of_sizes_is_judged() {
        let series = |rate: f64| [rate].into_iter().collect::<Series>();
        let growth = Growth {
            what: "x",
            at: vec![(1, series(100.0)), (2, series(50.0)), (3, series(80.0))],
        };
        let lines = growth.lines();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3].pileus.median(), 2.0);
        assert_eq!(lines[3].met(), Some(false));
    }
}
