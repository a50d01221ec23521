//! The calls clients make most, on both protocols: `stat` and `userinfo`.

use crate::error::Result;
use crate::lines::Bench;
use crate::load::api::{Api, target};
use crate::load::binary;
use crate::load::callers::{BinaryCall, Expect, Get};
use crate::load::closed_loop::{Pace, closed_loop};
use crate::load::fill::fill_folder;
use crate::load::http;
use crate::load::sample::Sample;
use crate::report::{Goal, Line, Series, Unit};
use std::sync::Arc;

const FILES: u64 = 1000;
const FILE_BYTES: usize = 100;
const CONNECTIONS: usize = 16;

/// Ready-made requests of one method in both encodings.
struct Calls {
    method: &'static str,
    http: Arc<Vec<Vec<u8>>>,
    binary: Arc<Vec<Vec<u8>>>,
}

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("calls").await?;
    let mut api = pileus.new_account("calls@bench.test").await?;
    let folder = api.create_folder(0, "files").await?;
    fill_folder(&api, folder, FILES, FILE_BYTES).await?;
    let files = api.file_ids(folder).await?;
    bench.settle();

    let mut lines = Vec::new();
    for calls in [stat(&api, &files)?, userinfo(&api)?] {
        let (mut http, mut binary) = (Measured::default(), Measured::default());
        for _ in 0..bench.scale.runs {
            http.add(&over_http(&api, &calls, bench.scale.pace).await?);
            binary.add(&over_binary(&api, &calls, bench.scale.pace).await?);
        }
        lines.extend(http.lines(calls.method, "HTTP"));
        lines.extend(binary.lines(calls.method, "binary"));
    }
    pileus.stop().await?;
    Ok(lines)
}

fn stat(api: &Api, files: &[u64]) -> Result<Calls> {
    let (mut http, mut binary) = (Vec::new(), Vec::new());
    for &file in files {
        let pairs = [("fileid", file.into())];
        http.push(http::get(&api.authority(), &target("stat", &pairs)?));
        binary.push(binary::request("stat", &pairs)?);
    }
    Ok(Calls {
        method: "stat",
        http: Arc::new(http),
        binary: Arc::new(binary),
    })
}

fn userinfo(api: &Api) -> Result<Calls> {
    Ok(Calls {
        method: "userinfo",
        http: Arc::new(vec![http::get(&api.authority(), "/userinfo")]),
        binary: Arc::new(vec![binary::request("userinfo", &[])?]),
    })
}

async fn over_http(api: &Api, calls: &Calls, pace: Pace) -> Result<Sample> {
    let mut callers = Vec::new();
    for at in 0..CONNECTIONS {
        let first = at * calls.http.len() / CONNECTIONS;
        let requests = Arc::clone(&calls.http);
        let connection = api.connect().await?;
        callers.push(Get::new(connection, requests, first, Expect::ResultZero));
    }
    closed_loop(callers, pace).await
}

async fn over_binary(api: &Api, calls: &Calls, pace: Pace) -> Result<Sample> {
    let mut callers = Vec::new();
    for at in 0..CONNECTIONS {
        let first = at * calls.binary.len() / CONNECTIONS;
        let requests = Arc::clone(&calls.binary);
        callers.push(BinaryCall::new(
            api.connect_binary().await?,
            requests,
            first,
        ));
    }
    closed_loop(callers, pace).await
}

#[derive(Default)]
struct Measured {
    rates: Series,
    p99_ms: Series,
}

impl Measured {
    fn add(&mut self, sample: &Sample) {
        self.rates.push(sample.rate());
        self.p99_ms.push(sample.percentile_ms(99.0));
    }

    fn lines(self, method: &str, protocol: &str) -> [Line; 2] {
        let title = format!("`{method}`, {protocol}, {CONNECTIONS} connections");
        let p99 = format!("{title}: 99 % within");
        [
            Line::new(title, Unit::PerSecond, self.rates).goal(Goal::AtLeast(20_000.0)),
            Line::new(p99, Unit::Milliseconds, self.p99_ms).goal(Goal::Below(5.0)),
        ]
    }
}
