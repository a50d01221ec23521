//! Upload sessions: whatever a server has acknowledged is there again when it comes back, and going on from the size that it
//! tells leads to the right file.

use super::tree::File;
use super::worker::{InDoubt, Worker};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Connection};
use pileus_scenarios::model::answer::{number, text};
use sha1::{Digest, Sha1};

/// Sessions that a client has at a time.
const MOST_UPLOADS: usize = 3;
/// Writes that are sent without waiting for answers, at most.
const MOST_WRITES: u64 = 4;
/// The most bytes that are taken from a file or another session at once.
const TAKEN_BYTES: usize = 200_000;
/// The session is gone.
const UPLOADID_MISSING: u64 = 2067;

/// An upload session.
#[derive(Debug)]
pub struct Upload {
    id: u64,
    /// What is to be saved.
    content: Vec<u8>,
    /// So much of it was acknowledged.
    sent: usize,
    /// So much of it may have arrived.
    most: usize,
    /// A call that ends the session was not answered.
    may_be_gone: bool,
}

impl Worker {
    /// Begins an upload session, or does the next thing with one; false if the server is gone.
    pub fn go_on_uploading(&mut self, connection: &mut Connection) -> Result<bool> {
        if self.uploads.len() < MOST_UPLOADS && self.random.chance(40) {
            return self.begin(connection);
        }
        let count = self.uploads.len() as u64;
        let index = usize::try_from(self.random.below(count))?;
        let Some(upload) = self.uploads.get(index) else {
            return self.begin(connection);
        };
        if upload.sent == upload.content.len() {
            return match self.random.below(10) {
                0 => self.drop_upload(connection, index),
                _ => self.save(connection, index),
            };
        }
        match self.random.below(10) {
            0..2 => self.take_from_file(connection, index),
            2 => self.take_from_upload(connection, index),
            3 => self.tell_state(connection, index),
            _ => self.send(connection, index),
        }
    }

    fn begin(&mut self, connection: &mut Connection) -> Result<bool> {
        let content = self.some_content();
        let call = Call::new("upload_create").with("filesize", content.len() as u64);
        let Some(answer) = self.ask(connection, call)? else {
            self.lost_uploads += 1;
            return Ok(false);
        };
        self.uploads.push(Upload {
            id: number(&answer.tree, "uploadid")?,
            content,
            sent: 0,
            most: 0,
            may_be_gone: false,
        });
        Ok(true)
    }

    /// Sends some writes one behind the other; what was sent before may be sent again.
    fn send(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let upload = &self.uploads[index];
        let (len, mut end) = (upload.content.len(), upload.sent);
        let mut calls = Vec::new();
        let mut ends = Vec::new();
        for _ in 0..=self.random.below(MOST_WRITES) {
            let back = match self.random.below(4) {
                0 => self.random.below(end as u64 + 1),
                _ => 0,
            };
            let start = end - usize::try_from(back)?;
            let rest = (len - start) as u64;
            let count = match self.random.below(3) {
                0 => rest,
                _ => self.random.below(rest + 1),
            };
            let to = start + usize::try_from(count)?;
            let call = Call::new("upload_write")
                .with("uploadid", self.uploads[index].id)
                .with("uploadoffset", start as u64)
                .with_data(self.uploads[index].content[start..to].to_vec());
            self.tell(&call);
            calls.push(self.signed(call));
            end = end.max(to);
            ends.push(end);
        }
        self.uploads[index].most = end;
        if connection.send(&calls).is_err() {
            return Ok(false);
        }
        for end in ends {
            let Ok(Some(answer)) = connection.receive() else {
                return Ok(false);
            };
            if answer.result()? != 0 {
                return Err(format!("upload_write answers {:?}", answer.tree).into());
            }
            self.uploads[index].sent = end;
        }
        Ok(true)
    }

    /// Puts a piece of another content where the session goes on.
    fn take(
        &mut self,
        connection: &mut Connection,
        index: usize,
        call: Call,
        (from, piece): (usize, Vec<u8>),
    ) -> Result<bool> {
        let upload = &mut self.uploads[index];
        let end = upload.sent + piece.len();
        upload.content[upload.sent..end].copy_from_slice(&piece);
        upload.most = end;
        let call = call
            .with("uploadid", upload.id)
            .with("uploadoffset", upload.sent as u64)
            .with("offset", from as u64)
            .with("count", piece.len() as u64);
        if self.ask(connection, call)?.is_none() {
            return Ok(false);
        }
        self.uploads[index].sent = end;
        Ok(true)
    }

    /// A random piece of bytes that fits into what is missing of a session, and where it begins.
    fn piece(&mut self, index: usize, bytes: &[u8]) -> Result<(usize, Vec<u8>)> {
        let upload = &self.uploads[index];
        let room = (upload.content.len() - upload.sent).min(TAKEN_BYTES);
        let from = usize::try_from(self.random.below(bytes.len() as u64 + 1))?;
        let count = room.min(bytes.len() - from);
        Ok((from, bytes[from..from + count].to_vec()))
    }

    fn take_from_file(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let files = self.acknowledged.files();
        let Some((path, file)) = self.random.pick(&files).cloned() else {
            return Ok(true);
        };
        let stat = Call::new("stat").with("path", self.full(path));
        let Some(answer) = self.ask(connection, stat)? else {
            return Ok(false);
        };
        // The hash may be one that nobody has told before.
        let call = Call::new("upload_writefromfile")
            .with("fileid", number(&answer.tree, "metadata.fileid")?)
            .with("hash", number(&answer.tree, "metadata.hash")?);
        let piece = self.piece(index, &file.bytes)?;
        self.take(connection, index, call, piece)
    }

    fn take_from_upload(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let other = (index + 1) % self.uploads.len();
        if other == index {
            return Ok(true);
        }
        let source = &self.uploads[other];
        let call = Call::new("upload_writefromupload").with("readuploadid", source.id);
        let bytes = source.content[..source.sent].to_vec();
        let piece = self.piece(index, &bytes)?;
        self.take(connection, index, call, piece)
    }

    fn tell_state(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let call = Call::new("upload_info").with("uploadid", self.uploads[index].id);
        match self.ask(connection, call)? {
            None => Ok(false),
            Some(answer) => {
                let upload = &self.uploads[index];
                let size = usize::try_from(number(&answer.tree, "size")?)?;
                upload.compare(size, text(&answer.tree, "sha1")?)?;
                Ok(true)
            }
        }
    }

    fn save(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let path = self.some_path();
        let full = self.full(&path);
        let (folder, name) = full.rsplit_once('/').unwrap_or(("", &full));
        let call = Call::new("upload_save")
            .with("uploadid", self.uploads[index].id)
            .with("path", format!("{folder}/"))
            .with("name", name);
        let mut after = self.acknowledged.clone();
        after.add_file(path, File::new(self.uploads[index].content.clone()));
        if self.ask(connection, call)?.is_none() {
            self.in_doubt = Some(InDoubt::Tree(after));
            self.uploads[index].may_be_gone = true;
            return Ok(false);
        }
        self.acknowledged = after;
        self.uploads.remove(index);
        Ok(true)
    }

    fn drop_upload(&mut self, connection: &mut Connection, index: usize) -> Result<bool> {
        let call = Call::new("upload_delete").with("uploadid", self.uploads[index].id);
        if self.ask(connection, call)?.is_none() {
            self.uploads[index].may_be_gone = true;
            return Ok(false);
        }
        self.uploads.remove(index);
        Ok(true)
    }

    /// Compares what is there of the sessions with what was acknowledged, and goes on from that.
    pub(super) fn verify_uploads(&mut self, connection: &mut Connection) -> Result<()> {
        for mut upload in std::mem::take(&mut self.uploads) {
            let call = Call::new("upload_info").with("uploadid", upload.id);
            let answer = connection.call(&self.signed(call))?;
            match answer.result()? {
                UPLOADID_MISSING if upload.may_be_gone => continue,
                0 => {}
                code => {
                    let id = upload.id;
                    return Err(format!("upload session {id}: upload_info answers {code}").into());
                }
            }
            let size = usize::try_from(number(&answer.tree, "size")?)?;
            upload.compare(size, text(&answer.tree, "sha1")?)?;
            (upload.sent, upload.most, upload.may_be_gone) = (size, size, false);
            self.uploads.push(upload);
        }
        Ok(())
    }
}

impl Upload {
    /// Fails unless a session can hold so much, with this checksum.
    fn compare(&self, size: usize, sha1: &str) -> Result<()> {
        let Self { id, sent, most, .. } = self;
        if !(*sent..=*most).contains(&size) {
            let told = format!("upload session {id}: {size} bytes instead of {sent} to {most}");
            return Err(told.into());
        }
        let digest = Sha1::digest(&self.content[..size]);
        let is_same = sha1
            == digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>();
        if is_same {
            Ok(())
        } else {
            Err(
                format!("upload session {id}: its {size} bytes are not those that were sent")
                    .into(),
            )
        }
    }
}
