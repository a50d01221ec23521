//! `search` in an account that has as many names as the growing one at its largest.

use crate::error::Result;
use crate::lines::Bench;
use crate::load::api::target;
use crate::load::callers::{Expect, Get};
use crate::load::closed_loop::closed_loop;
use crate::load::fill::{fill, folder_target};
use crate::load::http;
use crate::noise::Noise;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use std::sync::Arc;

const CONNECTIONS: usize = 2;
const FILE_BYTES: usize = 10;
const QUERIES: usize = 1000;

/// Names begin with one of these, and go on with a number.
const WORDS: [&str; 10] = [
    "report", "holiday", "invoice", "IMG", "draft", "photo", "notes", "scan", "budget", "letter",
];

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("search").await?;
    let mut api = pileus.new_account("search@bench.test").await?;
    let names = bench.scale.account_files.iter().copied().max().unwrap_or(0);
    for word in WORDS {
        let folder = api.create_folder(0, word).await?;
        let mut files = folder_target(&api, folder, FILE_BYTES);
        files.prefix = format!("{}{word}%20", files.prefix);
        fill(files, names / WORDS.len() as u64, async || {
            api.connect().await
        })
        .await?;
    }
    let mut noise = Noise::new(names);
    let requests = (0..QUERIES).map(|at| {
        let number = noise.next() % (names / WORDS.len() as u64);
        let word = WORDS[at / 4 % WORDS.len()];
        let query = match at % 4 {
            0 => format!("{word} {number:06}"),
            1 => format!("{:04}", number % 10_000),
            2 => word.to_owned(),
            _ => format!("{number} {}", &word[..2]),
        };
        let target = target("search", &[("query", query.as_str().into())])?;
        Ok(http::get(&api.authority(), &target))
    });
    let requests = Arc::new(requests.collect::<Result<Vec<_>>>()?);
    let (mut p50, mut p99) = (Series::default(), Series::default());
    for _ in 0..bench.scale.runs {
        bench.settle();
        let mut callers = Vec::new();
        for at in 0..CONNECTIONS {
            let first = at * QUERIES / CONNECTIONS;
            let connection = api.connect().await?;
            let requests = Arc::clone(&requests);
            callers.push(Get::new(connection, requests, first, Expect::ResultZero));
        }
        let sample = closed_loop(callers, bench.scale.pace).await?;
        p50.push(sample.percentile_ms(50.0));
        p99.push(sample.percentile_ms(99.0));
    }
    pileus.stop().await?;
    let title = format!("`search` among {} names", count(names));
    let half = format!("{title}: half within");
    let nearly_all = format!("{title}: 99 % within");
    Ok(vec![
        Line::new(half, Unit::Milliseconds, p50),
        Line::new(nearly_all, Unit::Milliseconds, p99).goal(Goal::Below(20.0)),
    ])
}
