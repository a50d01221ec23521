//! Uploads that are cut off, and gone on with.

use super::upload::{Target, create, noise, save, sha1};
use super::wire::{Connection, num, number, request, string, text};
use crate::server::Server;
use rustix::process::Signal;
use std::time::{Duration, Instant};

const SIZE: usize = 80 << 20;

fn target(name: &str) -> Target<'_> {
    Target {
        folderid: 0,
        name,
        ifhash: None,
    }
}

/// Announces all of a content and sends only the beginning of it.
fn begin(connection: &mut Connection, uploadid: u64, content: &[u8], sent: usize) {
    let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
    let length = content.len() as u64;
    connection.send(&request("upload_write", &params, Some(length)));
    connection.send(&content[..sent]);
}

/// Asks how much there is, sends the rest, and makes a file of it.
fn go_on(connection: &mut Connection, uploadid: u64, content: &[u8], name: &str) -> usize {
    let info = connection.call("upload_info", &[num("uploadid", uploadid)]);
    let size = number(&info, "size") as usize;
    assert_eq!(string(&info, "sha1"), sha1(&content[..size]));
    let params = [num("uploadid", uploadid), num("uploadoffset", size as u64)];
    connection.call_with("upload_write", &params, &content[size..]);
    let file = save(connection, &target(name), uploadid, content);
    assert_eq!(number(&file, "size"), content.len() as u64);
    size
}

/// Waits until a session holds so much. Another connection looks, while the first one goes on.
fn wait_for(connection: &mut Connection, uploadid: u64, size: usize) {
    let began = Instant::now();
    loop {
        let info = connection.call("upload_info", &[num("uploadid", uploadid)]);
        if number(&info, "size") as usize >= size {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{info:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_broken_connection_costs_nothing_of_what_has_arrived() {
    let server = Server::start();
    let mut watching = Connection::open(&server.address);
    let auth = watching.log_in();
    let content = noise(SIZE, 1);
    let uploadid = create(&mut watching, SIZE);
    let sent = 50 << 20;
    let mut breaking = Connection::open(&server.address);
    breaking.call("userinfo", &[text("auth", &auth)]);
    begin(&mut breaking, uploadid, &content, sent);
    // Even before the connection breaks, another one sees what has arrived.
    wait_for(&mut watching, uploadid, 40 << 20);
    drop(breaking);
    wait_for(&mut watching, uploadid, sent);
    assert_eq!(go_on(&mut watching, uploadid, &content, "broken"), sent);
}

#[test]
fn an_upload_goes_on_after_a_restart() {
    for (signal, name) in [(Signal::TERM, "stopped"), (Signal::KILL, "killed")] {
        let mut server = Server::start();
        let mut connection = Connection::open(&server.address);
        let auth = connection.log_in();
        let content = noise(SIZE, 2);
        let uploadid = create(&mut connection, SIZE);
        // What was answered is there whatever happens.
        let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
        let answered = 1 << 20;
        connection.call_with("upload_write", &params, &content[..answered]);
        let sent = 70 << 20;
        begin(&mut connection, uploadid, &content, sent);
        let mut watching = Connection::open(&server.address);
        watching.call("userinfo", &[text("auth", &auth)]);
        wait_for(&mut watching, uploadid, sent);
        server.restart(signal);

        let mut connection = Connection::open(&server.address);
        connection.call("userinfo", &[text("auth", &auth)]);
        let kept = go_on(&mut connection, uploadid, &content, name);
        // `upload_info` has told of all that was sent, so all of it is there.
        assert_eq!(kept, sent, "{name}");
    }
}

#[test]
fn a_crash_that_nobody_saw_coming_leaves_a_beginning() {
    let mut server = Server::start();
    let mut connection = Connection::open(&server.address);
    let auth = connection.log_in();
    let content = noise(SIZE, 4);
    let uploadid = create(&mut connection, SIZE);
    let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
    let answered = 1 << 20;
    connection.call_with("upload_write", &params, &content[..answered]);
    begin(&mut connection, uploadid, &content, 70 << 20);
    server.restart(Signal::KILL);
    let mut connection = Connection::open(&server.address);
    connection.call("userinfo", &[text("auth", &auth)]);
    // More may be there than was answered, but it is the beginning of the file in any case.
    let kept = go_on(&mut connection, uploadid, &content, "crashed");
    assert!(kept >= answered, "{kept}");
}

#[test]
fn a_save_that_was_answered_survives() {
    let mut server = Server::start();
    let mut connection = Connection::open(&server.address);
    let auth = connection.log_in();
    let content = noise(3 << 20, 3);
    let uploadid = create(&mut connection, content.len());
    let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
    connection.call_with("upload_write", &params, &content);
    let file = save(&mut connection, &target("saved"), uploadid, &content);
    server.restart(Signal::KILL);
    let mut connection = Connection::open(&server.address);
    connection.call("userinfo", &[text("auth", &auth)]);
    let params = [
        num("fileid", number(&file, "fileid")),
        num("offset", 0),
        num("count", 3 << 20),
    ];
    let answer = connection.call("readfile", &params);
    assert_eq!(answer.data_len(), Some(3 << 20));
    assert!(connection.read(3 << 20) == content);
}
