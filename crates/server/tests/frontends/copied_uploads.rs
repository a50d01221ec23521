//! Upload sessions into which the unchanged beginning of a content is copied, whose hashes are known.

use crate::binary_client::{Client, request, result};
use crate::server::Server;
use pileus_blobs::{BlobKey, Digests, Hasher, STATE_STEP_BYTES};
use pileus_store::StoreError;
use pileus_store::contents::Content;
use pileus_wire::{Tree, Value};
use std::path::PathBuf;
use std::time::Duration;

const STEP: usize = STATE_STEP_BYTES as usize;

/// A content with one state on the way, and something behind it.
fn content() -> Vec<u8> {
    let words = (0..STEP as u64 / 8 + 1000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    words.flat_map(u64::to_le_bytes).collect()
}

fn num(name: &'static str, number: u64) -> (&'static str, Value) {
    (name, Value::from(number))
}

/// A server with a file of a client, and an open session.
struct Upload {
    server: Server,
    client: Client,
    fileid: u64,
    hash: u64,
    uploadid: u64,
}

impl Upload {
    async fn beside(content: &[u8]) -> Self {
        let server = Server::start().await;
        let mut client = connect(&server).await;
        let params = [num("folderid", 0), ("filename", Value::from("file"))];
        let length = content.len() as u64;
        let head = request("uploadfile", &params, Some(length));
        client.send(head).await;
        client.send(content).await;
        let answer = client.answer().await;
        let metadata = &answer.get("metadata").and_then(Tree::as_list).unwrap()[0];
        let of = |name| metadata.get(name).and_then(Tree::as_u64).unwrap();
        let (fileid, hash) = (of("fileid"), of("hash"));
        let created = client.call("upload_create", &[]).await;
        Self {
            uploadid: created.get("uploadid").and_then(Tree::as_u64).unwrap(),
            server,
            client,
            fileid,
            hash,
        }
    }

    fn copying(&self, from: usize, to: usize) -> [(&'static str, Value); 6] {
        [
            num("uploadid", self.uploadid),
            num("uploadoffset", from as u64),
            num("fileid", self.fileid),
            num("hash", self.hash),
            num("offset", from as u64),
            num("count", (to - from) as u64),
        ]
    }

    /// Copies a part of the file to where it was.
    async fn copy(&mut self, from: usize, to: usize) {
        let params = self.copying(from, to);
        let answer = self.client.call("upload_writefromfile", &params).await;
        assert_eq!(result(&answer), 0);
    }

    async fn write(&mut self, offset: usize, bytes: &[u8]) {
        write(&mut self.client, self.uploadid, offset, bytes).await;
    }

    /// What `upload_info` says of the hashes, as the digests of these bytes would.
    async fn is_hashed_as(&mut self, bytes: &[u8]) {
        let params = [num("uploadid", self.uploadid)];
        let info = self.client.call("upload_info", &params).await;
        let said = |name| info.get(name).and_then(Tree::as_str).map(str::to_owned);
        let digests = Digests::of(bytes);
        assert_eq!(
            info.get("size").and_then(Tree::as_u64),
            Some(bytes.len() as u64)
        );
        assert_eq!(said("sha1"), Some(hex::encode(digests.sha1)));
        assert_eq!(said("md5"), Some(hex::encode(digests.md5)));
        assert_eq!(said("sha256"), Some(hex::encode(digests.sha256)));
    }

    /// Saves the session; answers the content of the file.
    async fn saved(&mut self) -> Content {
        let params = [
            num("uploadid", self.uploadid),
            num("folderid", 0),
            ("name", Value::from("saved")),
        ];
        let saved = self.client.call("upload_save", &params).await;
        assert_eq!(result(&saved), 0);
        let fileid = saved.get("metadata.fileid").and_then(Tree::as_u64).unwrap();
        self.content_of(fileid).await
    }

    async fn content_of(&self, fileid: u64) -> Content {
        let find = move |tx: &mut pileus_store::Tx<'_>| -> Result<_, StoreError> {
            let file = tx.file(fileid as i64)?.unwrap();
            Ok(tx.content(file.blob)?.unwrap())
        };
        self.server.app.db.view(find).await.unwrap()
    }

    /// Whether the bytes of a content have the hashes that its row says.
    async fn is_true(&self, content: &Content) {
        let (key, size) = (key(content), content.size as u64);
        let bytes = self.server.app.blobs.read(&key, 0..size).await.unwrap();
        let digests = self.server.app.blobs.digests(bytes).await.unwrap();
        assert_eq!(hex::encode(digests.sha256), hex::encode(&content.sha256));
        assert_eq!(hex::encode(digests.md5), hex::encode(&content.md5));
        assert_eq!(hex::encode(digests.sha1), hex::encode(&content.sha1));
    }

    /// The sizes at which states of a content are known.
    async fn states(&self, holder: i64) -> Vec<i64> {
        let view = self
            .server
            .app
            .db
            .view(move |tx| -> Result<_, StoreError> { tx.hash_states(holder, 0..=i64::MAX) });
        let states = view.await.unwrap().into_iter();
        states.map(|(at, _)| at).collect()
    }

    /// Waits until the row of the session knows the hashes of these bytes, which are all it holds, as it does soon after the
    /// last write.
    async fn is_settled_as(&self, bytes: &[u8]) {
        let id = self.uploadid as i64;
        let find = move |tx: &mut pileus_store::Tx<'_>| -> Result<_, StoreError> { tx.upload(id) };
        let known = async {
            loop {
                let row = self.server.app.db.view(find).await.unwrap().unwrap();
                let hasher = row.hasher.and_then(|saved| Hasher::restore(&saved));
                match hasher.filter(|hasher| hasher.size() == bytes.len() as u64) {
                    Some(hasher) => break hasher,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let known = tokio::time::timeout(Duration::from_secs(30), known).await;
        assert_eq!(known.unwrap().finish(), Digests::of(bytes));
    }

    /// Puts the state after these bytes in the place of the one of the file's content.
    async fn forge(&self, bytes: &[u8]) {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        let blob = self.content_of(self.fileid).await.id;
        assert_eq!(self.states(blob).await, [STEP as i64]);
        let edit = self.server.app.db.edit(move |tx| -> Result<_, StoreError> {
            tx.remove_hash_states(blob)?;
            tx.keep_hash_states(blob, &[(STEP as i64, hasher.save())])
        });
        edit.await.unwrap();
    }
}

async fn connect(server: &Server) -> Client {
    let mut client = Client::connect(server).await;
    let auth = [("auth", Value::from(server.token.as_str()))];
    assert_eq!(result(&client.call("userinfo", &auth).await), 0);
    client
}

async fn write(client: &mut Client, uploadid: u64, offset: usize, bytes: &[u8]) {
    let params = [
        num("uploadid", uploadid),
        num("uploadoffset", offset as u64),
    ];
    let head = request("upload_write", &params, Some(bytes.len() as u64));
    client.send(head).await;
    client.send(bytes).await;
    assert_eq!(result(&client.answer().await), 0);
}

fn key(content: &Content) -> BlobKey {
    let key = content.storage_key.as_deref().unwrap();
    BlobKey::from_bytes(key.try_into().unwrap())
}

/// Changes bytes so that their CRC-32 stays the same: by its generator, in the order in which it takes the bits.
fn change_unseen(bytes: &mut [u8]) {
    let generator: u64 = 0x1_04c1_1db7;
    for bit in 0..33 {
        if generator >> (32 - bit) & 1 == 1 {
            bytes[100 + bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[tokio::test]
async fn what_is_known_is_not_hashed_again() {
    let content = content();
    let mut upload = Upload::beside(&content).await;
    // Only who takes the state for granted comes to the hashes of what was never there.
    let mut other = content.clone();
    change_unseen(&mut other);
    assert_ne!(other, content);
    upload.forge(&other[..STEP]).await;
    upload.copy(0, STEP).await;
    upload.copy(STEP, content.len()).await;
    upload.is_hashed_as(&other).await;
}

#[tokio::test]
async fn a_delta_upload_has_the_hashes_of_its_bytes_and_leaves_states_itself() {
    let mut content = content();
    let mut upload = Upload::beside(&content).await;
    upload.copy(0, STEP).await;
    content[STEP + 10..STEP + 20].fill(1);
    let change = content[STEP..STEP + 1000].to_vec();
    upload.write(STEP, &change).await;
    upload.copy(STEP + 1000, content.len()).await;
    upload.is_settled_as(&content).await;
    assert_eq!(upload.states(upload.uploadid as i64).await, [STEP as i64]);
    upload.is_hashed_as(&content).await;
    let saved = upload.saved().await;
    upload.is_true(&saved).await;
    assert_eq!(upload.states(saved.id).await, [STEP as i64]);
    assert!(upload.states(upload.uploadid as i64).await.is_empty());
}

#[tokio::test]
async fn hashes_that_nobody_waited_for_are_told_later() {
    let content = content();
    let mut upload = Upload::beside(b"").await;
    for piece in content.chunks(10 << 20).enumerate() {
        upload.write(piece.0 * (10 << 20), piece.1).await;
    }
    upload.is_settled_as(&content).await;
    assert_eq!(upload.states(upload.uploadid as i64).await, [STEP as i64]);
}

#[tokio::test]
async fn states_that_nobody_waited_for_are_those_of_the_file() {
    let content = content();
    let mut upload = Upload::beside(b"").await;
    upload.write(0, &content).await;
    let saved = upload.saved().await;
    upload.is_true(&saved).await;
    assert_eq!(upload.states(saved.id).await, [STEP as i64]);
}

#[tokio::test]
async fn a_state_of_other_bytes_is_not_believed() {
    let content = content();
    let mut upload = Upload::beside(&content).await;
    let mut other = content[..STEP].to_vec();
    other[STEP / 2] ^= 1;
    upload.forge(&other).await;
    upload.copy(0, content.len()).await;
    upload.is_hashed_as(&content).await;
}

#[tokio::test]
async fn what_a_disk_has_damaged_is_hashed_as_it_is() {
    let mut content = content();
    let mut upload = Upload::beside(&content).await;
    let key = key(&upload.content_of(upload.fileid).await).to_string();
    let path: PathBuf = ["blobs", &key[..2], &key[2..4], &key].iter().collect();
    content[STEP / 3] ^= 1;
    std::fs::write(upload.server.app.config.data.join(path), &content).unwrap();
    upload.copy(0, content.len()).await;
    upload.is_hashed_as(&content).await;
}

#[tokio::test]
async fn an_overwrite_of_what_is_copied_counts() {
    let mut content = content();
    let mut upload = Upload::beside(&content).await;
    upload.copy(0, STEP).await;
    content[5000..5010].fill(1);
    upload.write(5000, &[1; 10]).await;
    assert!(upload.states(upload.uploadid as i64).await.is_empty());
    // The content goes on as it did, and the session has begun otherwise.
    upload.copy(STEP, content.len()).await;
    upload.is_hashed_as(&content).await;
    let saved = upload.saved().await;
    upload.is_true(&saved).await;
}

#[tokio::test]
async fn a_copy_that_others_write_into_has_the_hashes_of_what_came_of_it() {
    let content = content();
    let mut upload = Upload::beside(&content).await;
    let params = upload.copying(0, content.len());
    let head = request("upload_writefromfile", &params, None);
    upload.client.send(head).await;
    let mut other = connect(&upload.server).await;
    for round in 0..40 {
        let offset = 1000 + round * 100;
        write(&mut other, upload.uploadid, offset, &[round as u8; 50]).await;
    }
    assert_eq!(result(&upload.client.answer().await), 0);
    let saved = upload.saved().await;
    assert_eq!(saved.size, content.len() as i64);
    upload.is_true(&saved).await;
}

#[tokio::test]
async fn a_copy_that_breaks_off_does_no_harm() {
    let content = content();
    let mut upload = Upload::beside(&content).await;
    let params = upload.copying(0, content.len());
    let mut breaking = connect(&upload.server).await;
    let head = request("upload_writefromfile", &params, None);
    breaking.send(head).await;
    drop(breaking);
    // The client does not know how far it came, and sends everything, perhaps while the copy still runs.
    upload.write(0, &content).await;
    upload.is_hashed_as(&content).await;
}

#[tokio::test]
async fn a_source_that_is_deleted_is_no_source_any_more() {
    let content = content();
    let mut upload = Upload::beside(&content).await;
    upload.copy(0, STEP).await;
    let fileid = [num("fileid", upload.fileid)];
    assert_eq!(result(&upload.client.call("deletefile", &fileid).await), 0);
    let params = upload.copying(STEP, content.len());
    let refused = upload.client.call("upload_writefromfile", &params).await;
    assert_eq!(result(&refused), 2009);
    // The client sends the rest.
    upload.write(STEP, &content[STEP..]).await;
    upload.is_hashed_as(&content).await;
}
