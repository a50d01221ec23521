//! The Rust SDK, in what the commands do not use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pileus_api::Code;
use pileus_api::args::{FileRef, FolderArg, FolderRef, IntoFolderArg, NewEntryArg, VersionArg};
use pileus_api::file::{ChecksumFile, ReadFile, UploadFile};
use pileus_api::folder::{CreateFolder, ListFolder};
use pileus_api::general::{Diff, Nop, UserInfo};
use pileus_api::streaming::GetFileLink;
use pileus_client::{Body, Client, Connection, Credentials, Error, Options, check};
use pileus_wire::{Params, Tree};

use crate::server::{PASSWORD, Server, USER, noise};

const SCHEMES: [&str; 2] = ["http", "bin"];

async fn client(server: &Server, scheme: &str) -> Client {
    let url = format!("{scheme}://{}", server.address);
    Client::connect(&url, Options::default()).await.unwrap()
}

async fn logged_in(server: &Server, scheme: &str) -> Client {
    let client = client(server, scheme).await;
    client.login(USER, PASSWORD).await.unwrap();
    client
}

fn new_folder(name: &str) -> CreateFolder {
    CreateFolder {
        at: NewEntryArg {
            parent: FolderRef::Id(0),
            name: Some(name.into()),
        },
        ctime: None,
        encrypted: false,
    }
}

fn into_root() -> UploadFile {
    UploadFile {
        folder: IntoFolderArg(FolderRef::Id(0)),
        filename: None,
        nopartial: true,
        progresshash: None,
        renameifexists: false,
        mtime: None,
        ctime: None,
        ifhash: None,
        encrypted: false,
    }
}

fn feed_from(diffid: u64, block: bool) -> Diff {
    Diff {
        diffid: Some(diffid),
        after: None,
        last: None,
        block,
        limit: None,
    }
}

fn version(fileid: u64) -> VersionArg {
    VersionArg {
        file: FileRef::Id(fileid),
        revisionid: None,
    }
}

#[tokio::test]
async fn logins_and_tokens() {
    let server = Server::start();
    for scheme in SCHEMES {
        let client = client(&server, scheme).await;
        let me = UserInfo {
            getapiserver: false,
        };
        let stranger = client.call(&me).await.err().unwrap();
        assert!(stranger.is(Code::LOGIN_REQUIRED), "{stranger}");
        let wrong = client.login(USER, "wrong").await.err().unwrap();
        assert!(wrong.is(Code::LOGIN_FAILED), "{wrong}");
        assert_eq!(client.login(USER, PASSWORD).await.unwrap().email, USER);
        let Credentials::Token(token) = client.credentials() else {
            panic!("a login gives a token");
        };
        let other = self::client(&server, scheme).await.with_token(token);
        assert_eq!(other.call(&me).await.unwrap().email, USER);
        let other = other.with_token("of nobody");
        assert!(other.call(&me).await.err().unwrap().is(Code::LOGIN_FAILED));
    }
}

#[tokio::test]
async fn content_goes_up_and_comes_down() {
    let server = Server::start();
    let content = noise(2_000_000);
    for scheme in SCHEMES {
        let client = logged_in(&server, scheme).await;
        let sent = Arc::new(AtomicU64::new(0));
        let sees = Arc::clone(&sent);
        let body = Body::from(content.clone());
        let body = body.on_progress(move |so_far| sees.store(so_far, Ordering::SeqCst));
        let reply = client.upload(&into_root(), scheme, body).await.unwrap();
        assert_eq!(sent.load(Ordering::SeqCst), 2_000_000);
        let fileid = reply.fileids[0];
        let file = version(fileid);
        let sums = client.call(&ChecksumFile { file }).await.unwrap();
        assert_eq!(sums.sha1, reply.checksums[0].sha1);

        let piece = ReadFile {
            fileid,
            hash: None,
            offset: 1_500_000,
            count: 400_000,
        };
        let piece = client.call_for_data(&piece).await.unwrap();
        assert_eq!(piece.length(), Some(400_000));
        assert_eq!(
            piece.collect().await.unwrap(),
            content[1_500_000..1_900_000]
        );

        let link = GetFileLink {
            file: version(fileid),
            hash: None,
            forcedownload: false,
            contenttype: None,
            maxspeed: None,
            skipfilename: false,
            skip_filename: false,
        };
        let link = client.call(&link).await.unwrap();
        assert_eq!(link.size, 2_000_000);
        let whole = client.download(&link, ..).await.unwrap();
        assert_eq!(whole.data.collect().await.unwrap(), content);
        let part = client.download(&link, 7..1_000_000).await.unwrap();
        assert_eq!((part.start, part.size), (7, 2_000_000));
        assert_eq!(part.data.collect().await.unwrap(), content[7..1_000_000]);
        let beyond = client.download(&link, 2_000_000..).await.unwrap_err();
        assert!(matches!(beyond, Error::Http { status: 416 }), "{beyond}");
    }
}

#[tokio::test]
async fn a_connection_remembers_its_login_and_answers_in_order() {
    let server = Server::start();
    for scheme in SCHEMES {
        let url = format!("{scheme}://{}", server.address);
        let mut connection = Connection::open(&url, Options::default()).await.unwrap();
        let mut login = Params::new();
        login.set("username", USER).unwrap();
        login.set("password", PASSWORD).unwrap();
        check(&connection.call_raw("userinfo", &login).await.unwrap()).unwrap();

        for id in 0..50u64 {
            let mut params = Params::new();
            params.set("id", id).unwrap();
            connection.send("userinfo", &params).await.unwrap();
        }
        for id in 0..50u64 {
            let answer = connection.receive().await.unwrap();
            check(&answer).unwrap();
            let echo = match answer.get("id") {
                Some(Tree::Num(number)) => number.to_string(),
                Some(Tree::Text(text)) => text.clone(),
                other => panic!("{other:?}"),
            };
            assert_eq!(echo, id.to_string());
        }
        let folder = connection.call(&new_folder(scheme)).await.unwrap();
        assert_eq!(folder.metadata.name, scheme);
    }
}

#[tokio::test]
async fn a_waiting_call_ends_with_news_or_with_the_next_call() {
    let server = Server::start();
    for scheme in SCHEMES {
        let client = logged_in(&server, scheme).await;
        let now = client.call(&feed_from(0, false)).await.unwrap();
        let now = now.diffid.unwrap();

        let feed = feed_from(now, true);
        let change = new_folder(scheme);
        let (news, change) = tokio::join!(client.call(&feed), client.call(&change));
        change.unwrap();
        let news = news.unwrap();
        assert_eq!(news.events().len(), 1);
        assert!(news.diffid.unwrap() > now);

        let mut waiting = client.connection().await.unwrap();
        let mut params = Params::new();
        params.set("diffid", news.diffid.unwrap()).unwrap();
        params.set("block", true).unwrap();
        waiting.send("diff", &params).await.unwrap();
        waiting.send("nop", &Params::new()).await.unwrap();
        let nothing = waiting.receive().await.unwrap();
        assert_eq!(nothing.get("entries"), Some(&Tree::List(Vec::new())));
        check(&waiting.receive().await.unwrap()).unwrap();
        waiting.call(&Nop {}).await.unwrap();
    }
}

#[tokio::test]
async fn a_recursive_listing_nests_as_deep_as_the_folders() {
    const DEPTH: usize = 500;
    let server = Server::start();
    let client = logged_in(&server, "bin").await;
    let mut parent = FolderRef::Id(0);
    for _ in 0..DEPTH {
        let mut folder = new_folder("d");
        folder.at.parent = parent;
        let made = client.call(&folder).await.unwrap().metadata;
        parent = FolderRef::Id(made.folderid().unwrap());
    }
    for scheme in SCHEMES {
        let list = ListFolder {
            folder: FolderArg(FolderRef::Id(0)),
            recursive: true,
            showdeleted: false,
            nofiles: false,
            noshares: false,
        };
        let client = logged_in(&server, scheme).await;
        let listing = client.call(&list).await.unwrap();
        assert_eq!(listing.nodes().len(), DEPTH + 1);
        assert_eq!(listing.nodes()[DEPTH].depth as usize, DEPTH);
    }
}
