//! A real server for one test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

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
    /// Where it keeps its data, in `data`.
    pub folder: TempDir,
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

    /// Ends the server by a signal, waits for its end, and starts another one on the same data, with another address.
    /// What comes of `before`, which is called between the two, is answered.
    pub fn restart<T>(&mut self, signal: &str, before: impl FnOnce(&Path) -> T) -> T {
        let killed = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        self.process.wait().unwrap();
        let answer = before(&self.folder.path().join("data"));
        (self.process, self.address) = launch(self.folder.path(), &[]);
        answer
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

/// Starts a server, and waits until it listens.
fn launch(folder: &Path, flags: &[&str]) -> (Child, String) {
    let log = fs::File::options()
        .create(true)
        .append(true)
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
