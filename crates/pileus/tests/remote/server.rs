//! A real server for one test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The account.
pub const USER: &str = "ann@example.com";

/// Its password.
pub const PASSWORD: &str = "correct horse";

/// The program.
pub fn pileus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pileus"));
    command.stdin(Stdio::null());
    command
}

/// A server with one account, which ends with the test.
pub struct Server {
    process: Child,
    /// Host and port.
    pub address: String,
    /// Where it has its data and its log, and tests their files.
    folder: TempDir,
}

impl Server {
    pub fn start() -> Server {
        Server::start_with(&[])
    }

    pub fn start_with(flags: &[&str]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (process, address) = launch(folder.path(), flags);
        let added = pileus()
            .args(["user", "add", USER, "--password", PASSWORD, "--data"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
        Server {
            process,
            address,
            folder,
        }
    }

    /// Ends the process as an administrator does, or as a crash does, in the middle of whatever it is doing.
    pub fn stop(&mut self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        self.process.wait().unwrap();
    }

    /// Starts another process on the data of one that has ended, at another address.
    pub fn start_again(&mut self, flags: &[&str]) {
        (self.process, self.address) = launch(self.folder.path(), flags);
    }

    pub fn restart(&mut self, signal: Signal) {
        self.stop(signal);
        self.start_again(&[]);
    }

    /// Where the server keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A new folder to work in.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    }

    /// Runs a client command in a folder.
    pub fn run(&self, scheme: &str, folder: &Path, args: &[&str]) -> Output {
        let (command, args) = args.split_first().unwrap();
        pileus()
            .current_dir(folder)
            .arg(command)
            .args(["--user", USER, "--password", PASSWORD, "--server"])
            .arg(format!("{scheme}://{}", self.address))
            .args(args)
            .output()
            .unwrap()
    }

    /// Runs a command that succeeds, and answers its two outputs.
    pub fn done(&self, scheme: &str, folder: &Path, args: &[&str]) -> (String, String) {
        let output = self.run(scheme, folder, args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        (text(&output.stdout), text(&output.stderr))
    }

    /// Runs a command that fails, and answers what it complained about.
    pub fn refused(&self, folder: &Path, args: &[&str]) -> String {
        let output = self.run("http", folder, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        text(&output.stderr)
    }
}

/// Starts a server on the data in a folder; answers where it listens.
fn launch(folder: &Path, flags: &[&str]) -> (Child, String) {
    let log = fs::File::options()
        .append(true)
        .create(true)
        .open(folder.join("log"))
        .unwrap();
    let mut process = pileus()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "off",
            "--data",
        ])
        .arg(folder.join("data"))
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, address)) = line.split_once("listening on ")
            && let Some((_, address)) = address.split_once("://")
        {
            break address.trim().to_owned();
        }
    };
    // The server has more to say, and must find somebody who listens.
    std::thread::spawn(move || lines.for_each(drop));
    (process, address)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that differ from place to place.
pub fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}
