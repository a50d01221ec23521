//! `copyfolder` and `deletefolderrecursive` of a large tree.

use crate::error::Result;
use crate::lines::Bench;
use crate::load::api::number;
use crate::load::fill::fill_folder;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use std::time::Instant;

const FILE_BYTES: usize = 100;
const FILES_PER_FOLDER: u64 = 1000;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("tree").await?;
    let mut api = pileus.new_account("tree@bench.test").await?;
    let files = bench.scale.tree_files;

    let top = api.create_folder(0, "tree").await?;
    let first = api.create_folder(top, "d0").await?;
    fill_folder(&api, first, FILES_PER_FOLDER, FILE_BYTES).await?;
    for folder in 1..files / FILES_PER_FOLDER {
        api.copy_folder(first, top, &format!("d{folder}")).await?;
    }

    let (mut copying, mut deleting) = (Series::default(), Series::default());
    for run in 0..bench.scale.runs {
        bench.settle();
        let begin = Instant::now();
        let copy = api.copy_folder(top, 0, &format!("copy{run}")).await?;
        copying.push(begin.elapsed().as_secs_f64());

        bench.settle();
        let pairs = [("folderid", copy.into())];
        let begin = Instant::now();
        let answer = api.call("deletefolderrecursive", &pairs).await?;
        deleting.push(begin.elapsed().as_secs_f64());
        let deleted = number(&answer, "deletedfiles")?;
        if deleted != files {
            return Err(format!("{deleted} of {files} files were deleted").into());
        }
    }
    pileus.stop().await?;
    let files = count(files);
    let copying_title = format!("`copyfolder` of {files} files");
    let deleting_title = format!("`deletefolderrecursive` of {files} files");
    Ok(vec![
        Line::new(copying_title, Unit::Seconds, copying).goal(Goal::Below(1.0)),
        Line::new(deleting_title, Unit::Seconds, deleting).goal(Goal::Below(1.0)),
    ])
}
