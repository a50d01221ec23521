//! `listfolder` of a folder with 1,000 files, with all metadata.

use crate::error::Result;
use crate::lines::Bench;
use crate::lines::upload::nginx_target;
use crate::load::api::target;
use crate::load::callers::{Expect, Get};
use crate::load::closed_loop::closed_loop;
use crate::load::fill::{fill, fill_folder};
use crate::load::http;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;

const FILES: u64 = 1000;
const FILE_BYTES: usize = 100;
const CONNECTIONS: usize = 4;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("listing").await?;
    let nginx = bench.nginx("listing").await?;
    let mut api = pileus.new_account("listing@bench.test").await?;

    let folder = api.create_folder(0, "files").await?;
    fill_folder(&api, folder, FILES, FILE_BYTES).await?;
    if api.file_ids(folder).await?.len() as u64 != FILES {
        return Err("listfolder does not list all files".into());
    }
    let pairs = [api.auth(), ("folderid", folder.into())];
    let listing = http::get(&pileus.authority(), &target("listfolder", &pairs)?);

    let files = nginx_target(&nginx, "files", FILE_BYTES);
    fill(files, FILES, async || http::connect(nginx.address).await).await?;
    let index = http::get(&nginx.authority(), "/files/");
    let index_bytes = check_index(nginx.address, &index).await?;

    let (mut ours, mut theirs) = (Series::default(), Series::default());
    bench.settle();
    for _ in 0..bench.scale.runs {
        let run = repeat(bench, pileus.address(), &listing, Expect::ResultZero);
        ours.push(run.await?);
        let run = repeat(bench, nginx.address, &index, Expect::Content(index_bytes));
        theirs.push(run.await?);
    }
    nginx.stop().await?;
    pileus.stop().await?;
    let title = format!(
        "`listfolder` of {} files, {CONNECTIONS} connections",
        count(FILES)
    );
    let line = Line::new(title, Unit::PerSecond, ours).beside(theirs);
    Ok(vec![line.goal(Goal::OfNginx(0.8))])
}

/// Fetches nginx's index of the folder, checks that it is complete, and answers its size.
async fn check_index(address: SocketAddr, request: &[u8]) -> Result<usize> {
    let mut connection = http::connect(address).await?;
    let answer = connection.exchange(request).await?;
    let entries: Vec<Value> = serde_json::from_slice(answer.body)?;
    if entries.len() as u64 == FILES {
        Ok(answer.body.len())
    } else {
        Err("nginx does not list all files".into())
    }
}

async fn repeat(bench: &Bench, address: SocketAddr, request: &[u8], expect: Expect) -> Result<f64> {
    let requests = Arc::new(vec![request.to_vec()]);
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let connection = http::connect(address).await?;
        callers.push(Get::new(connection, Arc::clone(&requests), 0, expect));
    }
    Ok(closed_loop(callers, bench.scale.pace).await?.rate())
}
