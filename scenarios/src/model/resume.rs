//! Upload sessions: making the calls, and going on after a connection broke.

use super::answer::{number, same};
use super::client::{Client, now};
use super::contents::Contents;
use super::effect::Scene;
use super::lines::same_checksums;
use super::log::Log;
use super::upload_step::{UploadStep, write_call};
use crate::Result;
use crate::connection::Call;
use pileus_wire::{Tree, Value};

impl Client {
    /// Makes the calls of a step about an upload session, and compares the answers.
    pub(super) fn upload(
        &mut self,
        step: &UploadStep,
        contents: &Contents,
        log: &mut Log,
    ) -> Result<()> {
        if let UploadStep::Broken {
            upload,
            offset,
            bytes,
            sent,
        } = step
        {
            self.resume(*upload, *offset, bytes, *sent, log)?;
            self.account.write_upload(step);
            return Ok(());
        }
        let refusal = self.account.upload_refusal(step);
        let calls = step.calls();
        for call in &calls {
            log.call(self.name, call);
        }
        let answers = self.pipeline(&calls)?;
        for (call, answer) in calls.iter().zip(&answers) {
            log.code(answer.result()?);
            same("result", refusal.unwrap_or(0), answer.result()?)?;
            same("id", sent_id(call), answer.tree.get("id").and_then(id_of))?;
        }
        let Some(answer) = answers.last().filter(|_| refusal.is_none()) else {
            return Ok(());
        };
        self.account.write_upload(step);
        match step {
            UploadStep::Create { .. } => {
                let id = number(&answer.tree, "uploadid")?;
                match self.account.uploads.insert(id, Vec::new()) {
                    None => Ok(()),
                    Some(_) => Err(format!("upload session {id} is there already").into()),
                }
            }
            UploadStep::Info { upload } => self.same_state(*upload, &answer.tree),
            UploadStep::Save { .. } => {
                let scene = Scene {
                    contents,
                    answer: &answer.tree,
                    copy: None,
                    now: now()?,
                };
                self.account.upload_saved(step, &scene)
            }
            UploadStep::Write { upload, .. }
            | UploadStep::FromFile { upload, .. }
            | UploadStep::FromUpload { upload, .. } => {
                let held = self.account.uploads.get(upload).map_or(0, Vec::len);
                same("size", held as u64, number(&answer.tree, "size")?)
            }
            UploadStep::Broken { .. } | UploadStep::Delete { .. } => Ok(()),
        }
    }

    /// Compares what a session is said to hold with the model.
    fn same_state(&self, upload: u64, answer: &Tree) -> Result<()> {
        let held = self.account.uploads.get(&upload);
        let held = held.ok_or("no session to compare")?;
        same("size", held.len() as u64, number(answer, "size")?)?;
        same_checksums(held, answer)
    }

    /// Writes with a connection that breaks, and goes on as a client does: from what the session holds.
    fn resume(
        &mut self,
        upload: u64,
        offset: u64,
        bytes: &[u8],
        sent: usize,
        log: &mut Log,
    ) -> Result<()> {
        let call = write_call(upload, offset, bytes);
        log.call(self.name, &call);
        log.note(format!("  of which {sent} arrive"));
        self.connect()?.break_off(&self.signed(&call), sent)?;
        let info = Call::new("upload_info").with("uploadid", upload);
        log.call(self.name, &info);
        let size = number(&self.call(info)?, "size")?;
        log.note(format!("  {size} are there"));
        let held = self.account.uploads.get(&upload).map_or(0, Vec::len) as u64;
        let most = if sent == 0 { 0 } else { offset + sent as u64 };
        if !(held..=held.max(most)).contains(&size) {
            return Err(format!("{size} bytes after {held}, and at most up to {most}").into());
        }
        // What lies behind the old end has arrived. What should replace older bytes may have, or not.
        let arrived = if offset >= held {
            usize::try_from(size.saturating_sub(offset))?
        } else {
            0
        };
        let rest = write_call(upload, offset + arrived as u64, &bytes[arrived..]);
        log.call(self.name, &rest);
        let answer = self.call(rest)?;
        log.code(number(&answer, "result")?);
        let end = if arrived == bytes.len() {
            size
        } else {
            offset + bytes.len() as u64
        };
        same("size", held.max(end), number(&answer, "size")?)
    }
}

/// The id that a call is to be answered with.
fn sent_id(call: &Call) -> Option<u64> {
    match call.params.get("id") {
        Some(Value::Num(id)) => Some(*id),
        _ => None,
    }
}

/// An id as it comes back: over HTTP every parameter is text.
fn id_of(found: &Tree) -> Option<u64> {
    let text = || found.as_str()?.parse().ok();
    found.as_u64().or_else(text)
}
