//! `listfolder` with `recursive` of a large tree: time until the last byte, and what it costs the
//! server in memory.

use crate::error::Result;
use crate::limit::{self, within};
use crate::lines::{Bench, mebibytes};
use crate::load::api::target;
use crate::load::callers::Expect;
use crate::load::fill::fill_folder;
use crate::load::http;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use pileus_wire::Tree;
use std::time::Instant;

const FILE_BYTES: usize = 100;
/// Entries a folder of the tree adds: itself and the files in it.
const ENTRIES_PER_FOLDER: u64 = 1000;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("recursive").await?;
    let mut api = pileus.new_account("recursive@bench.test").await?;
    let entries = bench.scale.recursive_entries;

    let top = api.create_folder(0, "tree").await?;
    let first = api.create_folder(top, "d0").await?;
    fill_folder(&api, first, ENTRIES_PER_FOLDER - 1, FILE_BYTES).await?;
    for folder in 1..entries / ENTRIES_PER_FOLDER {
        api.copy_folder(first, top, &format!("d{folder}")).await?;
    }
    bench.settle();

    let pairs = [("folderid", top.into()), ("recursive", true.into())];
    let request = http::get(&pileus.authority(), &target("listfolder", &pairs)?);
    let (mut seconds, mut growth) = (Series::default(), Series::default());
    for run in 0..bench.scale.runs {
        let mut connection = api.connect().await?;
        pileus.reset_peak()?;
        let before = pileus.memory()?.resident;
        let begin = Instant::now();
        let answer = within(limit::CALL, "listfolder", connection.exchange(&request)).await?;
        seconds.push(begin.elapsed().as_secs_f64());
        growth.push(mebibytes(pileus.memory()?.peak.saturating_sub(before)));
        Expect::ResultZero.check(&answer)?;
        if run == 0 {
            let answer = Tree::from_json(answer.body)?;
            let listed = answer.get("metadata").map_or(0, count_entries);
            if listed != entries {
                return Err(format!("{listed} of {entries} entries were listed").into());
            }
        }
    }
    pileus.stop().await?;
    let title = format!("Recursive `listfolder` of {} entries", count(entries));
    let memory = format!("{title}: growth of memory");
    Ok(vec![
        Line::new(title, Unit::Seconds, seconds).goal(Goal::Below(0.8)),
        Line::new(memory, Unit::Mebibytes, growth).goal(Goal::Below(64.0)),
    ])
}

/// How many files and folders lie below a folder.
fn count_entries(folder: &Tree) -> u64 {
    let contents = folder.get("contents").and_then(Tree::as_list);
    let contents = contents.unwrap_or_default();
    contents.iter().map(|entry| 1 + count_entries(entry)).sum()
}
