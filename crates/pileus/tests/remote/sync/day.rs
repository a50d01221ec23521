//! A client from its first start on, beside another one.

use super::turned::Turned;
use super::upload::{
    MTIME, SESSION_BYTES, Step, Target, compare, create, noise, save, send, sha1, upload,
};
use super::wire::{
    Connection, Param, fetch, flag, list, num, number, request, string, text, timestamps,
};
use crate::server::Server;
use pileus_wire::Tree;
use std::collections::BTreeMap;

/// The connection on which a client hears of changes.
struct Listener {
    connection: Connection,
    diffid: u64,
    publinkid: u64,
    uploadlinkid: u64,
}

impl Listener {
    /// Asks for news. The answer is taken later.
    fn ask(&mut self) {
        let params = [
            text("subscribefor", "diff,publinks,uploadlinks,contacts"),
            timestamps(),
            num("difflimit", 500_000),
            num("diffid", self.diffid),
            num("publinkid", self.publinkid),
            num("uploadlinkid", self.uploadlinkid),
        ];
        self.connection.send(&request("subscribe", &params, None));
    }

    /// Takes the answers of the feed until an event satisfies; answers all events of them.
    fn hear(&mut self, is_it: impl Fn(&Tree) -> bool) -> Vec<Tree> {
        let mut heard = Vec::new();
        loop {
            let news = self.connection.answer();
            assert_eq!(number(&news, "result"), 0, "{news:?}");
            match string(&news, "from").as_str() {
                "diff" => {
                    self.diffid = number(&news, "diffid");
                    heard.extend(list(&news, "entries"));
                }
                "publinks" => self.publinkid = number(&news, "publinkid"),
                "uploadlinks" => self.uploadlinkid = number(&news, "uploadlinkid"),
                other => assert_eq!(other, "contacts"),
            }
            self.ask();
            if heard.iter().any(&is_it) {
                return heard;
            }
        }
    }

    /// Waits for what happened to a file.
    fn hear_of(&mut self, event: &str, fileid: u64) {
        self.hear(|entry| {
            string(entry, "event") == event
                && entry.get("metadata.fileid").and_then(Tree::as_u64) == Some(fileid)
        });
    }
}

/// A client after its start.
struct Device {
    calls: Connection,
    listener: Listener,
    auth: String,
    /// Entries of the feed so far.
    known: Vec<Tree>,
}

impl Device {
    /// Starts a client: every call in the order and with the parameters of the real one.
    fn start(server: &Server) -> Self {
        let mut first = Connection::open(&server.address);
        let auth = first.log_in();
        first.call(
            "loganalyticsevent",
            &[
                text("category", "LOGIN"),
                text("action", "login"),
                text("label", "x"),
                text("auth", &auth),
                num("os", 7),
                num("etime", MTIME),
            ],
        );
        let (mut diffid, mut known) = (0, Vec::new());
        loop {
            let params = [num("diffid", diffid), num("limit", 500_000), timestamps()];
            let news = first.call("diff", &params);
            diffid = number(&news, "diffid");
            let entries = list(&news, "entries");
            if entries.is_empty() {
                break;
            }
            known.extend(entries);
        }
        // No credentials: the connection has them.
        let info = first.call("userinfo", &[timestamps(), flag("getapiserver")]);
        assert!(info.get("usedquota").is_some());
        let mut calls = Connection::open(&server.address);
        let iconformat = || text("iconformat", "id");
        calls.call(
            "listpublinks",
            &[timestamps(), text("auth", &auth), iconformat()],
        );
        calls.call("contactlist", &[text("auth", &auth)]);
        let mut listener = Listener {
            connection: first,
            diffid,
            publinkid: 0,
            uploadlinkid: 0,
        };
        listener.ask();
        Self {
            calls,
            listener,
            auth,
            known,
        }
    }

    fn folder(&mut self, folderid: u64, name: &str) -> u64 {
        let params = [
            timestamps(),
            num("folderid", folderid),
            text("name", name),
            num("ctime", MTIME),
        ];
        let answer = self.calls.call("createfolderifnotexists", &params);
        assert!(answer.get("created").and_then(Tree::as_bool).is_some());
        number(&answer, "metadata.folderid")
    }

    fn upload(&mut self, target: &Target<'_>, content: &[u8]) -> (u64, u64) {
        let file = upload(&mut self.calls, target, content);
        assert_eq!(number(&file, "size"), content.len() as u64);
        assert_eq!(number(&file, "modified"), MTIME);
        (number(&file, "fileid"), number(&file, "hash"))
    }

    /// Downloads a file that is too large for a turned connection.
    fn download(&mut self, server: &Server, (fileid, hash): (u64, u64), size: usize) -> Vec<u8> {
        let sums = self.calls.call("checksumfile", &[num("fileid", fileid)]);
        assert_eq!(number(&sums, "metadata.hash"), hash);
        let params = [num("fileid", fileid), num("hash", hash), timestamps()];
        let link = self.calls.call("getfilelink", &params);
        let content = fetch(server, &link, size);
        assert_eq!(string(&sums, "sha1"), sha1(&content));
        content
    }
}

fn new<'a>(folderid: u64, name: &'a str) -> Target<'a> {
    Target {
        folderid,
        name,
        ifhash: Some(0),
    }
}

fn over<'a>(folderid: u64, name: &'a str, hash: u64) -> Target<'a> {
    Target {
        folderid,
        name,
        ifhash: Some(hash),
    }
}

#[test]
fn files_go_up_on_one_device_and_come_down_on_another() {
    let server = Server::start();
    let mut desktop = Device::start(&server);
    let mut laptop = Device::start(&server);
    let folder = desktop.folder(0, "Work");
    let sizes = [
        0,
        1,
        4095,
        4097,
        SESSION_BYTES - 1,
        SESSION_BYTES,
        SESSION_BYTES + 1,
        262_143,
        262_144,
        262_145,
    ];
    let mut files = BTreeMap::new();
    for size in sizes {
        let content = noise(size, size as u64);
        let file = desktop.upload(&new(folder, &format!("{size}.bin")), &content);
        files.insert(size, (file, content));
        // Both devices hear of it while the next one is on its way.
        laptop.listener.hear_of("createfile", file.0);
        desktop.listener.hear_of("createfile", file.0);
    }
    // A file that the server has already is copied.
    let (_, content) = &files[&262_143];
    let params = [
        num("size", content.len() as u64),
        text("sha1", &sha1(content)),
        timestamps(),
    ];
    let same = laptop.calls.call("getfilesbychecksum", &params);
    let same = &list(&same, "metadata")[0];
    let params = [
        num("fileid", number(same, "fileid")),
        num("hash", number(same, "hash")),
        num("tofolderid", folder),
        text("toname", "copy.bin"),
        num("mtime", MTIME),
        timestamps(),
    ];
    let copy = laptop.calls.call("copyfile", &params);
    desktop
        .listener
        .hear_of("createfile", number(&copy, "metadata.fileid"));

    // Small ones come in one batch, the large one is refused there and comes by link.
    let mut turned = Turned::open(&server.address, &laptop.auth);
    let lines: Vec<(u32, String)> = (1..)
        .zip(files.values())
        .map(|(stream, ((id, _), _))| (stream, format!("act=dwl,strm={stream},fileid={id}")))
        .collect();
    let fetched = turned.fetch(&lines);
    for (stream, ((_, hash), content)) in (1..).zip(files.values()) {
        let file = &fetched[&stream];
        assert_eq!((file.hash, file.size), (*hash, content.len() as u64));
        if content.len() > 262_144 {
            assert_eq!(file.error, 2);
        } else {
            assert_eq!(file.error, 0);
            assert_eq!(file.sha1, sha1(content));
            assert!(&file.content == content);
        }
    }
    let (large, content) = &files[&262_145];
    assert!(&laptop.download(&server, *large, content.len()) == content);
    // Nothing is fetched twice.
    let ((id, _), content) = &files[&4097];
    let again = format!("act=dwlnm,strm=99,fileid={id},sha1={}", sha1(content));
    assert_eq!(turned.fetch(&[(99, again)])[&99].error, 4);
}

#[test]
fn a_changed_file_costs_what_has_changed() {
    const SIZE: usize = 50 << 20;
    let server = Server::start();
    let mut desktop = Device::start(&server);
    let mut laptop = Device::start(&server);
    let mut content = noise(SIZE, 1);
    let file = desktop.upload(&new(0, "disk.img"), &content);
    laptop.listener.hear_of("createfile", file.0);

    content[20 << 20..21 << 20].copy_from_slice(&noise(1 << 20, 2));
    content.extend_from_slice(b"the end");
    let before = desktop.calls.sent;
    let steps = compare(&server, &mut desktop.calls, file, &content);
    assert_eq!(
        steps,
        [
            Step::Copy(0..20 << 20, file.0, file.1),
            Step::Send(20 << 20..21 << 20),
            Step::Copy(21 << 20..SIZE, file.0, file.1),
            Step::Send(SIZE..SIZE + 7),
        ]
    );
    let uploadid = create(&mut desktop.calls, content.len());
    send(&mut desktop.calls, uploadid, &steps, &content);
    let target = over(0, "disk.img", file.1);
    let saved = save(&mut desktop.calls, &target, uploadid, &content);
    let sent = desktop.calls.sent - before;
    assert!(sent < (1 << 20) + 10_000, "{sent} bytes for a megabyte");
    assert_eq!(number(&saved, "fileid"), file.0);
    assert!(saved.get("conflicted").is_none());

    // The other device hears of it, and finds what it lacks by the same table.
    laptop.listener.hear_of("modifyfile", file.0);
    let new_hash = number(&saved, "hash");
    let mut mine = noise(SIZE, 1);
    mine.extend_from_slice(&[0; 7]);
    let new_file = (file.0, new_hash);
    let steps = compare(&server, &mut laptop.calls, new_file, &mine);
    let wanted: usize = steps
        .iter()
        .map(|step| match step {
            Step::Send(range) => range.len(),
            Step::Copy(..) => 0,
        })
        .sum();
    assert_eq!(wanted, (1 << 20) + 7);
    assert!(laptop.download(&server, new_file, content.len()) == content);
}

#[test]
fn both_sides_work_on_the_same_files() {
    let server = Server::start();
    let mut desktop = Device::start(&server);
    let mut laptop = Device::start(&server);
    let folder = desktop.folder(0, "Shared");
    let (a, first) = desktop.upload(&new(folder, "a.txt"), b"first");
    laptop.listener.hear_of("createfile", a);
    desktop.listener.hear_of("createfile", a);

    // Both change it; the second one finds its own beside the other's.
    let (same, _) = laptop.upload(&over(folder, "a.txt", first), b"laptop");
    assert_eq!(same, a);
    let late = noise(100_000, 1);
    let file = upload(&mut desktop.calls, &over(folder, "a.txt", first), &late);
    assert_eq!(file.get("conflicted"), Some(&Tree::Bool(true)));
    let name = string(&file, "name");
    assert_ne!(name, "a.txt");
    let beside = number(&file, "fileid");
    laptop.listener.hear_of("createfile", beside);
    desktop.listener.hear_of("modifyfile", a);

    // A name that is taken when it should be new: the same.
    let file = upload(&mut laptop.calls, &new(folder, "a.txt"), b"new");
    assert_eq!(file.get("conflicted"), Some(&Tree::Bool(true)));

    // One renames, the other deletes.
    let rename = |fileid: u64, name: &str| -> Vec<Param<'static>> {
        vec![
            timestamps(),
            num("fileid", fileid),
            num("tofolderid", folder),
            text("toname", name),
        ]
    };
    desktop.calls.call("renamefile", &rename(a, "b.txt"));
    laptop.listener.hear_of("modifyfile", a);
    let params = [timestamps(), num("fileid", beside)];
    let deleted = laptop.calls.call("deletefile", &params);
    assert!(deleted.get("metadata").is_some());
    desktop.listener.hear_of("deletefile", beside);
    // What is gone is said to be gone.
    let late = desktop.calls.try_call("renamefile", &rename(beside, "c"));
    assert_eq!(number(&late, "result"), 2009);
    let params = [
        timestamps(),
        num("fileid", a),
        num("newtm", MTIME + 5),
        ("isctime", false.into()),
    ];
    desktop.calls.call("setfilemtime", &params);
    laptop.listener.hear_of("modifyfile", a);

    // The waiting connection is kept awake, and goes on.
    let listener = &mut laptop.listener;
    listener
        .connection
        .send(&request("nop", &[num("id", 1)], None));
    assert_eq!(number(&listener.connection.answer(), "result"), 6002);
    assert_eq!(number(&listener.connection.answer(), "id"), 1);
    listener.ask();
    let params = [timestamps(), num("folderid", folder)];
    desktop.calls.call("deletefolderrecursive", &params);
    laptop.listener.hear_of("deletefile", a);

    // What came and went is no news for a third device.
    let phone = Device::start(&server);
    let events: Vec<String> = phone
        .known
        .iter()
        .map(|entry| string(entry, "event"))
        .collect();
    assert!(!events.contains(&"createfile".into()), "{events:?}");
}
