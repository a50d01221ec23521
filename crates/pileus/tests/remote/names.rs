//! The index of names is built while the server runs, and searching does not notice.

use std::time::Duration;

use pileus_api::args::{FolderArg, FolderRef, NewEntryArg, TargetArg};
use pileus_api::folder::{CopyFolder, CreateFolder};
use pileus_api::search::{Search, SearchReply};
use pileus_client::{Client, Options};
use pileus_store::{Db, SqliteOptions, args};

use crate::server::{PASSWORD, Server, USER};

async fn search(client: &Client, query: &str) -> SearchReply {
    let search = Search {
        query: Some(query.into()),
        offset: None,
        limit: None,
        category: None,
    };
    client.call(&search).await.unwrap()
}

async fn make(client: &Client, parent: u64, name: &str) -> u64 {
    let at = NewEntryArg {
        parent: FolderRef::Id(parent),
        name: Some(name.into()),
    };
    let made = CreateFolder {
        at,
        ctime: None,
        encrypted: false,
    };
    client
        .call(&made)
        .await
        .unwrap()
        .metadata
        .folderid()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_names_are_indexed_behind_the_scenes() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    let client = Client::connect(&url, Options::default()).await.unwrap();
    client.login(USER, PASSWORD).await.unwrap();

    let first = make(&client, 0, "quarterly figures").await;
    let tree = make(&client, 0, "tree").await;
    make(&client, tree, "leaf").await;
    // Each copy goes into the tree itself, which so doubles: 16,384 folders in the end.
    for round in 0..13 {
        let copy = CopyFolder {
            folder: FolderArg(FolderRef::Id(tree)),
            to: TargetArg {
                parent: Some(FolderRef::Id(0)),
                name: Some(format!("copy {round}")),
                whole_path: false,
            },
            noover: false,
            skipexisting: false,
            copycontentonly: false,
        };
        let copied = client.call(&copy).await.unwrap();
        let into = TargetArg {
            parent: Some(FolderRef::Id(tree)),
            name: Some(format!("branch {round}")),
            whole_path: false,
        };
        let branch = CopyFolder {
            folder: FolderArg(FolderRef::Id(copied.metadata.folderid().unwrap())),
            to: into,
            ..copy
        };
        client.call(&branch).await.unwrap();
    }
    let found = search(&client, "QUARTERLY").await;
    assert_eq!(found.total, 1);

    let database = server.data().join("pileus.db");
    let db = Db::open_sqlite(&database, &SqliteOptions::default()).unwrap();
    let is_indexed = async || {
        let segments =
            db.view(|tx| tx.opt::<(i64,)>("SELECT segment FROM name_segment LIMIT 1", args![]));
        segments.await.unwrap().is_some()
    };
    for _ in 0..600 {
        if is_indexed().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(is_indexed().await, "nothing was indexed");
    let found = search(&client, "figures quarter").await;
    assert_eq!(found.items[0].folderid(), Some(first));
    assert_eq!(search(&client, "leaf").await.total, 1000);
    assert_eq!(search(&client, "branch 12").await.total, 1);
}
