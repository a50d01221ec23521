//! `pileus rm`.

use pileus_api::args::{FileArg, FileRef, FolderArg, FolderRef};
use pileus_api::file::DeleteFile;
use pileus_api::folder::DeleteFolderRecursive;
use pileus_client::Client;

use super::args::RmArgs;
use super::error::Error;
use super::{complain, session, tree};

/// Deletes paths. Answers how many could not be deleted.
pub async fn run(args: &RmArgs) -> Result<usize, Error> {
    let client = session::open(&args.server).await?;
    let mut failures = 0;
    for path in &args.paths {
        if let Err(error) = remove(&client, path, args.recursive).await {
            complain(&error);
            failures += 1;
        }
    }
    Ok(failures)
}

async fn remove(client: &Client, path: &str, recursive: bool) -> Result<(), Error> {
    let found = tree::stat(client, FileRef::Path(tree::path(path)?))
        .await
        .map_err(Error::remote(path))?;
    // By id, so that exactly what was looked at is deleted.
    let deleted = match (found.folderid(), found.file()) {
        (Some(_), _) if !recursive => {
            return Err(Error::Wish(format!("{path}: it is a folder; add -r")));
        }
        (Some(id), _) => {
            let folder = FolderArg(FolderRef::Id(id));
            client.call(&DeleteFolderRecursive { folder }).await.err()
        }
        (None, Some(file)) => {
            let file = FileArg(FileRef::Id(file.fileid));
            client.call(&DeleteFile { file }).await.err()
        }
        (None, None) => None,
    };
    match deleted {
        None => Ok(()),
        Some(error) => Err(Error::remote(path)(error)),
    }
}
