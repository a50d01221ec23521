//! The cases of `tests/clients/pcloud-crate.sh`: every call of the crate that a plain server can answer, by an access
//! token and by user name and password. It panics at the first answer that is not as it should be.

use pcloud::file::FileIdentifier;
use pcloud::file::upload::MultiFileUpload;
use pcloud::folder::list::ListFolderOptions;
use pcloud::{Client, Credentials, Error};

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn client(credentials: Credentials) -> Client {
    Client::builder()
        .with_base_url(format!("http://{}", setting("ADDRESS")))
        .with_credentials(credentials)
        .build()
        .unwrap()
}

/// The code that a call was refused with.
fn refusal<T>(answer: Result<T, Error>) -> u16 {
    match answer {
        Err(Error::Protocol(code, _)) => code,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("the call was answered"),
    }
}

/// The names in a folder.
async fn names(client: &Client, folder: u64) -> Vec<String> {
    let listed = client.list_folder(folder).await.unwrap();
    let contents = listed.contents.unwrap();
    contents
        .iter()
        .map(|entry| entry.base().name.clone())
        .collect()
}

async fn folders(client: &Client) {
    let top = client.create_folder(0, "crate").await.unwrap();
    assert_eq!(refusal(client.create_folder(0, "crate").await), 2004);
    let same = client
        .create_folder_if_not_exists(0, "crate")
        .await
        .unwrap();
    assert_eq!(same.folder_id, top.folder_id);
    let inner = client.create_folder(top.folder_id, "inner").await.unwrap();
    let renamed = client
        .rename_folder(inner.folder_id, "other")
        .await
        .unwrap();
    assert_eq!(renamed.base.name, "other");
    let moved = client.move_folder(inner.folder_id, 0).await.unwrap();
    assert_eq!(moved.base.parent_folder_id, Some(0));
    assert_eq!(names(client, 0).await, ["crate", "other"]);
    client.delete_folder(inner.folder_id).await.unwrap();
    let gone = client.delete_folder_recursive(top.folder_id).await.unwrap();
    assert_eq!((gone.deleted_files, gone.deleted_folders), (0, 1));
    assert_eq!(refusal(client.list_folder(top.folder_id).await), 2005);
}

async fn files(client: &Client) {
    let top = client.create_folder(0, "files").await.unwrap();
    let one = "some bytes ".repeat(20_000);
    // Without a length the crate sends chunks.
    let upload = MultiFileUpload::default()
        .with_body_entry("one.txt", None, one.clone())
        .with_body_entry("two.txt", Some(3), "two");
    let stored = client.upload_files(top.folder_id, upload).await.unwrap();
    assert_eq!(stored.len(), 2);
    let (first, second) = (stored[0].file_id, stored[1].file_id);
    assert_eq!(stored[0].size, Some(one.len()));

    let sums = client.get_file_checksum(second).await.unwrap();
    assert_eq!(sums.sha1, "ad782ecdac770fc6eb9a62e44f90873fb97fb26b");
    assert!(sums.md5.is_some() && sums.sha256.is_some());
    assert_eq!(sums.metadata.base.name, "two.txt");

    let links = client.get_file_link(first).await.unwrap();
    let link = links.first_link().unwrap().to_string();
    let answer = pcloud::reqwest::get(link.replacen("https:", "http:", 1))
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), one);

    let renamed = client.rename_file("/files/two.txt", "2.txt").await.unwrap();
    assert_eq!(renamed.file_id, second);
    let moved = client.move_file(second, 0).await.unwrap();
    assert_eq!(moved.base.parent_folder_id, Some(0));
    let options = ListFolderOptions::default().with_recursive();
    let listed = client.list_folder_with_options(0, options).await.unwrap();
    assert_eq!(listed.contents.unwrap().len(), 2);
    client.delete_file(second).await.unwrap();
    assert_eq!(refusal(client.delete_file(second).await), 2009);
    let missing = FileIdentifier::path("/files/nothing");
    assert_eq!(refusal(client.get_file_checksum(missing).await), 2009);
    let gone = client.delete_folder_recursive(top.folder_id).await.unwrap();
    assert_eq!((gone.deleted_files, gone.deleted_folders), (1, 1));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let token = client(Credentials::access_token(setting("OAUTH")));
    let password = client(Credentials::username_password(
        setting("EMAIL"),
        setting("PASSWORD"),
    ));
    match std::env::args().nth(1).as_deref() {
        Some("folders") => {
            folders(&token).await;
            folders(&password).await;
        }
        Some("files") => {
            files(&token).await;
            files(&password).await;
        }
        Some("refused") => {
            let wrong = client(Credentials::access_token("wrong"));
            assert_eq!(refusal(wrong.list_folder(0).await), 2094);
        }
        other => panic!("no such case: {other:?}"),
    }
}
