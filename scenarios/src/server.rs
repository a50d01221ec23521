//! The server under test as a child process.

use crate::Result;
use crate::connection::{Call, Connection, Protocol};
use crate::mail::{self, Mail};
use pileus_wire::Tree;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The password of every account that tests make.
pub const PASSWORD: &str = "correct horse battery";
/// How long an orderly stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// What the server prints before the address of its listener.
const LISTENING: &str = "listening on http://";

/// Where the program is: `PILEUS_BIN`, or else in the target folder of the running test, built now by cargo. With
/// `release` it is the release build, otherwise the one of the test's own profile.
pub fn program(release: bool) -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("PILEUS_BIN") {
        return Ok(program.into());
    }
    let running = std::env::current_exe()?;
    // target/PROFILE/deps/test or target/PROFILE/xtask
    let folder = running.parent().ok_or("a program without a folder")?;
    let profile = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let target = profile.parent().unwrap_or(profile);
    let release = release || profile.ends_with("release");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .args(["build", "--quiet", "--package", "pileus"])
        .args(release.then_some("--release"));
    if !build.env("CARGO_TARGET_DIR", target).status()?.success() {
        return Err("cargo build --package pileus failed".into());
    }
    Ok(target
        .join(if release { "release" } else { "debug" })
        .join("pileus"))
}

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// Settings: keys of the configuration file with their values as TOML.
    pub config: Vec<(String, String)>,
}

/// A running server with a folder of its own. It is killed when dropped.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    folder: PathBuf,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server in `folder`, which is made if it is not there. Data of an earlier server in it is used again.
    pub fn start(setup: Setup, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(folder.join("pileus.toml"))?;
        setup
            .config
            .iter()
            .try_for_each(|(key, value)| writeln!(file, "{key} = {value}"))?;
        let (child, address) = spawn(&setup, folder)?;
        Ok(Self {
            setup,
            folder: folder.to_owned(),
            child,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder with its data, its settings and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new connection.
    pub fn connect(&self, protocol: Protocol) -> Result<Connection> {
        Connection::open(self.address, protocol)
    }

    /// Runs an administrator's command on the server's data and tells what it printed.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        admin(&self.setup.program, &self.folder, arguments)
    }

    /// The mails the server has written, in order.
    pub fn mails(&self) -> Result<BTreeMap<(u64, u64), Mail>> {
        mail::read(&data(&self.folder).join("mail"))
    }

    /// Makes an account.
    pub fn add_user(&self, mail: &str, password: &str, quota_bytes: Option<u64>) -> Result<()> {
        let quota = quota_bytes.map(|bytes| bytes.to_string());
        let mut arguments = vec!["user", "add", mail, "--password", password];
        if let Some(quota) = &quota {
            arguments.extend(["--quota", quota]);
        }
        self.admin(&arguments).map(drop)
    }

    /// Logs in with a password and tells the token and the id of the account.
    pub fn login(&self, protocol: Protocol, mail: &str, password: &str) -> Result<(String, u64)> {
        let call = Call::new("userinfo")
            .with("username", mail)
            .with("password", password);
        let answer = self
            .connect(protocol)?
            .call(&call.with("getauth", 1u64).with("device", "scenarios"))?;
        let token = answer.tree.get("auth").and_then(Tree::as_str);
        let userid = answer.tree.get("userid").and_then(Tree::as_u64);
        match (token, userid) {
            (Some(token), Some(userid)) => Ok((token.to_owned(), userid)),
            _ => Err(format!("login of {mail}: {:?}", answer.tree).into()),
        }
    }

    /// Whether it takes passwords without TLS, which it never has here.
    pub fn takes_passwords(&self) -> bool {
        let refuses = ("password_without_tls".to_owned(), "false".to_owned());
        !self.setup.config.contains(&refuses)
    }

    /// Has an administrator make a token for an account; `arguments` say more about it.
    pub fn make_token(&self, mail: &str, arguments: &[&str]) -> Result<String> {
        let command = [&["token", "create", mail], arguments].concat();
        Ok(self.admin(&command)?.trim().to_owned())
    }

    /// Tells the id of the account that a token belongs to.
    pub fn account_of(&self, protocol: Protocol, token: &str) -> Result<u64> {
        let answer = self
            .connect(protocol)?
            .call(&Call::new("userinfo").with("auth", token))?;
        let userid = answer.tree.get("userid").and_then(Tree::as_u64);
        userid.ok_or_else(|| format!("userinfo: {:?}", answer.tree).into())
    }

    /// Sets the server's clock this many seconds ahead of the real one.
    pub fn set_clock(&self, ahead_s: u64) -> Result<()> {
        // Renamed into place, so that the server never reads half a number.
        let next = self.folder.join("clock.next");
        fs::write(&next, ahead_s.to_string())?;
        Ok(fs::rename(next, clock_file(&self.folder))?)
    }

    /// Kills the server without warning, as a crash would, and starts it again.
    pub fn crash(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        (self.child, self.address) = spawn(&self.setup, &self.folder)?;
        Ok(())
    }

    /// Kills the server without warning, as a crash would, and tells where its folder is.
    pub fn kill(mut self) -> Result<PathBuf> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.folder.clone())
    }

    /// Ends the server in the orderly way and checks that it ends well.
    pub fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or("no process id")?;
        kill_process(id, Signal::TERM)?;
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended with {status}").into()),
                None if Instant::now() > deadline => {
                    return Err("the server does not end after SIGTERM".into());
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs an administrator's command on the data in `folder`, beside a running server or without one.
pub fn admin(program: &Path, folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = command(program, folder, arguments).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "pileus {}: {}\n{printed}{error}",
            arguments.join(" "),
            output.status
        )
        .into());
    }
    Ok(printed)
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn clock_file(folder: &Path) -> PathBuf {
    folder.join("clock")
}

fn command(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg("--data")
        .arg(data(folder))
        .arg("--config")
        .arg(folder.join("pileus.toml"));
    command
        .env("PILEUS_TEST_CLOCK", clock_file(folder))
        .stdin(Stdio::null());
    command
}

/// Starts the process and waits until it tells its address.
fn spawn(setup: &Setup, folder: &Path) -> Result<(Child, SocketAddr)> {
    let clock = clock_file(folder);
    if !clock.exists() {
        fs::write(clock, "0")?;
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    let mut child = command(
        &setup.program,
        folder,
        &["serve", "--listen", "127.0.0.1:0", "--admin", "off"],
    )
    .stdout(Stdio::piped())
    .stderr(log.try_clone()?)
    .spawn()?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let address = loop {
        match lines.next().transpose()? {
            Some(line) => {
                if let Some(address) = line.strip_prefix(LISTENING) {
                    break address.trim_end_matches('/').parse()?;
                }
            }
            None => {
                let status = child.wait()?;
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(
                    format!("the server ended with {status} before it listened:\n{log}").into(),
                );
            }
        }
    };
    // What else it prints goes to the log: a pipe that nobody reads would stop the server one day.
    std::thread::spawn(move || {
        let mut log = log;
        for line in lines.map_while(std::result::Result::ok) {
            if writeln!(log, "{line}").is_err() {
                break;
            }
        }
    });
    Ok((child, address))
}
