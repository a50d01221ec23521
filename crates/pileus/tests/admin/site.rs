//! A data folder and the commands that work on it.

use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Engine, SqliteOptions};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The account that most tests use.
pub const USER: &str = "ann@example.com";

/// Its password.
pub const PASSWORD: &str = "correct horse";

/// The program, without anything the environment may say to it.
pub fn pileus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pileus"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PILEUS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A data folder with room beside it.
pub struct Site {
    folder: TempDir,
    data: PathBuf,
    /// Flags that say where the data is.
    flags: Vec<String>,
    /// The database, if it is not in the data folder.
    database: Option<TestDatabase>,
}

impl Site {
    /// An empty place.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            flags: vec!["--data".into(), data.display().to_string()],
            folder,
            data,
            database: None,
        }
    }

    /// An empty place with a database of this kind.
    pub fn on(engine: Engine) -> Self {
        if engine == Engine::Sqlite {
            return Self::new();
        }
        let database = TestDatabase::new(engine);
        let mut site = Self::with_flags(&["--set", &format!("database={}", url(&database))]);
        site.database = Some(database);
        site
    }

    /// A place with further flags for all commands.
    pub fn with_flags(flags: &[&str]) -> Self {
        let mut site = Self::new();
        site.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        site
    }

    /// Another place for the data of one, with further flags for all commands.
    pub fn at(data: &Path, flags: &[&str]) -> Self {
        let mut site = Self::with_flags(flags);
        site.flags[1] = data.display().to_string();
        site.data = data.to_owned();
        site
    }

    /// A place with one account.
    pub fn with_user() -> Self {
        let site = Self::new();
        site.add_user();
        site
    }

    pub fn add_user(&self) {
        self.done(&["user", "add", USER, "--password", PASSWORD]);
    }

    /// The database, as the server opens it.
    pub fn db(&self) -> Db {
        match &self.database {
            Some(database) => database.open(),
            None => {
                Db::open_sqlite(&self.data.join("pileus.db"), &SqliteOptions::default()).unwrap()
            }
        }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A path beside the data folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file beside the data folder.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.beside(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A command on the data.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = pileus();
        command.args(args).args(&self.flags);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that succeeds and answers what it printed.
    pub fn done(&self, args: &[&str]) -> String {
        done(self.command(args))
    }

    /// Runs a command that succeeds and answers the JSON that it printed.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.push("--json");
        serde_json::from_str(&self.done(&args)).unwrap()
    }

    /// Runs a command that fails and answers what it complained about.
    pub fn refused(&self, args: &[&str]) -> String {
        refused(self.command(args))
    }

    /// Starts a server on the data.
    pub fn serve(&self) -> Server {
        let log = fs::File::create(self.beside("log")).unwrap();
        let args = ["serve", "--listen", "127.0.0.1:0", "--admin", "off"];
        let mut command = self.command(&args);
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the server listens").unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        Server { process, url }
    }
}

/// A running server, which ends with the test.
pub struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// A client command, logged in as the usual account.
    pub fn client(&self, command: &str, args: &[&str]) -> Command {
        let login = ["--user", USER, "--password", PASSWORD];
        self.client_as(&login, command, args)
    }

    /// A client command, logged in by other flags.
    pub fn client_as(&self, login: &[&str], command: &str, args: &[&str]) -> Command {
        let mut client = pileus();
        client.arg(command).args(login);
        client.args(["--server", &self.url]).args(args);
        client
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Uploads a file to a full path on the server.
    pub fn put(&self, file: &Path, to: &str) {
        done(self.client("put", &[file.to_str().unwrap(), to]));
    }

    /// Deletes a file or folder.
    pub fn remove(&self, path: &str) {
        done(self.client("rm", &["-r", path]));
    }

    /// Everything that a client sees, one entry a line.
    pub fn listing(&self) -> String {
        done(self.client("ls", &["-lR"]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command that succeeds and answers what it printed.
pub fn done(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that fails and answers what it complained about.
pub fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(1 | 2)), "{command:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Bytes that nothing can shorten, different for each seed.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// All blobs below a data folder.
pub fn blobs(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![data.join("blobs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// Where a PostgreSQL database is, as the program wants to be told.
pub fn url(database: &TestDatabase) -> String {
    let pairs = database.url();
    if pairs.starts_with("postgres") {
        return pairs;
    }
    let value = |key: &str| {
        // Of several pairs with one key the last one counts.
        let mut pairs_with_key = pairs.rsplit(' ').filter_map(|pair| pair.strip_prefix(key));
        let pair = pairs_with_key.next();
        pair.unwrap_or_else(|| panic!("{key} is not in {pairs}"))
            .to_owned()
    };
    let (user, name, host) = (value("user="), value("dbname="), value("host="));
    format!("postgres://{user}@{}/{name}", host.replace('/', "%2F"))
}
