//! The program as a process.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The account.
pub const USER: &str = "ann@example.com";

/// Its password.
pub const PASSWORD: &str = "correct horse";

/// A server with one account, which ends with the test.
pub struct Server {
    process: Child,
    folder: TempDir,
    /// Host and port.
    pub address: String,
}

fn start(folder: &TempDir) -> (Child, String) {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log"))
        .unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_pileus"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin", "off"])
        .arg("--data")
        .arg(folder.path().join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, address)) = line.split_once("://") {
            break address.trim().to_owned();
        }
    };
    (process, address)
}

impl Server {
    /// Starts one.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, address) = start(&folder);
        let added = Command::new(env!("CARGO_BIN_EXE_pileus"))
            .args(["user", "add", USER, "--password", PASSWORD, "--data"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
        Self {
            process,
            folder,
            address,
        }
    }

    /// Ends the process as an administrator does, or as a crash does, and starts another one.
    pub fn restart(&mut self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        self.process.wait().unwrap();
        (self.process, self.address) = start(&self.folder);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
