//! Making the things that calls are about.

use super::caller::{Caller, Place};
use super::find::found;
use super::table::Thing;
use super::world::{Subject, World, value};
use crate::Result;
use crate::connection::Call;
use sha1::{Digest, Sha1};

impl World<'_> {
    /// A new folder of the owner.
    pub fn folder_in(&mut self, parent: &str) -> Result<String> {
        let name = self.fresh();
        let made = self.own(
            "createfolder",
            &[("folderid", parent), ("name", &name)],
            None,
        )?;
        found(&made.tree, "folderid").ok_or_else(|| "no folderid".into())
    }

    /// A new file of the owner, which has its name for content.
    pub fn file_in(&mut self, parent: &str) -> Result<(String, String)> {
        let name = self.fresh();
        let params = [
            ("folderid", parent),
            ("filename", &name),
            ("nopartial", "1"),
        ];
        let made = self.own("uploadfile", &params, Some(&name))?;
        Ok((found(&made.tree, "fileid").ok_or("no fileid")?, name))
    }

    /// Makes somebody what he is to a folder: he takes the share, or took it, or it is offered to him. Tells the ids of the
    /// offer and of the share.
    pub fn share(&mut self, folder: &str, with: Caller) -> Result<(String, String)> {
        let rights = match with {
            Caller::Recipient(rights) => rights,
            _ => 7,
        };
        let (mail, rights) = (self.mail(with), rights.to_string());
        let params = [
            ("folderid", folder),
            ("mail", &mail),
            ("permissions", &rights),
        ];
        let offered = self.own("sharefolder", &params, None)?;
        let request = found(&offered.tree, "sharerequestid").ok_or("no sharerequestid")?;
        if with == Caller::Pending {
            return Ok((request, String::new()));
        }
        let accept = Call::new("acceptshare").with("sharerequestid", value(&request));
        let accepted = self.call(with, &accept)?;
        let share = found(&accepted.tree, "shareid").ok_or("no shareid")?;
        if with == Caller::Former {
            self.own("removeshare", &[("shareid", &share)], None)?;
        }
        Ok((request, share))
    }

    /// A thing at a place. If calls may change it, the shared folder itself is one of its own, for this caller.
    pub fn subject_at(
        &mut self,
        place: Place,
        thing: Thing,
        caller: Caller,
        changes: bool,
    ) -> Result<Subject> {
        let mut subject = Subject::default();
        let parent = match place {
            Place::Shared | Place::Trash => self.shared.clone(),
            Place::Nested => self.nested.clone(),
            _ => self.private.clone(),
        };
        let mut set = |name, value| subject.variables.insert(name, value);
        match thing {
            Thing::File | Thing::Link | Thing::Collection => {
                let (file, name) = self.file_in(&parent)?;
                set("sha1", hex::encode(Sha1::digest(&name)));
                set("size", name.len().to_string());
                set("name", name);
                set("folder", parent);
                set("file", file.clone());
                if thing == Thing::Collection {
                    let name = self.fresh();
                    let made = self.own(
                        "collection_create",
                        &[("name", &name), ("fileids", &file)],
                        None,
                    )?;
                    set("collection", found(&made.tree, "id").ok_or("no id")?);
                }
                if place == Place::Linked || thing == Thing::Link {
                    let made = self.own(
                        "getfilepublink",
                        &[("fileid", &file), ("shortlink", "1")],
                        None,
                    )?;
                    set("link", found(&made.tree, "linkid").ok_or("no linkid")?);
                    set("code", found(&made.tree, "code").ok_or("no code")?);
                }
                if place == Place::Trash {
                    self.own("deletefile", &[("fileid", &file)], None)?;
                }
            }
            Thing::Folder if place == Place::Mount && !changes => {
                set("folder", self.mount.clone());
            }
            Thing::Folder if place != Place::Mount => {
                let folder = self.folder_in(&parent)?;
                if place == Place::Linked {
                    self.own("getfolderpublink", &[("folderid", &folder)], None)?;
                }
                if place == Place::Trash {
                    self.own("deletefolder", &[("folderid", &folder)], None)?;
                }
                set("folder", folder);
            }
            Thing::Folder | Thing::Share => {
                let folder = self.folder_in("0")?;
                let with = match caller {
                    Caller::Recipient(_) | Caller::Former => caller,
                    Caller::Pending if thing == Thing::Folder => caller,
                    _ => Caller::Recipient(7),
                };
                let (_, share) = self.share(&folder, with)?;
                set("share", share);
                set("folder", folder);
            }
            Thing::Request => {
                let folder = self.folder_in("0")?;
                set("request", self.share(&folder, Caller::Pending)?.0);
            }
            Thing::UploadLink => {
                let made = self.own(
                    "createuploadlink",
                    &[("folderid", &parent), ("comment", "uploads")],
                    None,
                )?;
                set(
                    "uploadlink",
                    found(&made.tree, "uploadlinkid").ok_or("no uploadlinkid")?,
                );
                set("uploadcode", found(&made.tree, "code").ok_or("no code")?);
            }
            Thing::Session => {
                let made = self.own("upload_create", &[], None)?;
                let session = found(&made.tree, "uploadid").ok_or("no uploadid")?;
                self.own(
                    "upload_write",
                    &[("uploadid", &session), ("uploadoffset", "0")],
                    Some("session"),
                )?;
                set("session", session);
            }
        }
        Ok(subject)
    }

    /// Gives a file another content, so that the first one is a revision.
    pub fn add_revision(&mut self, subject: &mut Subject, place: Place) -> Result<()> {
        let (file, folder, name) = (
            subject.variables["file"].clone(),
            subject.variables["folder"].clone(),
            subject.variables["name"].clone(),
        );
        if place == Place::Trash {
            subject.variables.insert("revision", "1".to_owned());
            return Ok(());
        }
        let params = [
            ("folderid", folder.as_str()),
            ("filename", &name),
            ("nopartial", "1"),
        ];
        self.own("uploadfile", &params, Some("newer"))?;
        let listed = self.own("listrevisions", &[("fileid", &file)], None)?;
        let revision = found(&listed.tree, "revisionid").ok_or("no revisionid")?;
        subject.variables.insert("revision", revision);
        Ok(())
    }
}
