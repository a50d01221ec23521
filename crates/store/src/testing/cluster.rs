//! A private PostgreSQL server that ends with the process that started it.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Whether a private server waits for its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does not: tests are faster, and a loss of power ends them anyway.
    None,
    /// It does, as a real one.
    Full,
}

const HINT: &str = "install PostgreSQL (Debian: postgresql), name a server with \
     PILEUS_TEST_POSTGRES=URL, or leave these tests out with PILEUS_TEST_SKIP_POSTGRES=1";

/// The user that owns everything in the private server.
const SUPERUSER: &str = "pileus";

/// The connection string of the server to be used.
pub(super) fn server(durability: Durability) -> String {
    static FAST: OnceLock<Cluster> = OnceLock::new();
    static DURABLE: OnceLock<Cluster> = OnceLock::new();
    if let Ok(url) = std::env::var("PILEUS_TEST_POSTGRES") {
        return url;
    }
    let cluster = match durability {
        Durability::None => &FAST,
        Durability::Full => &DURABLE,
    };
    cluster
        .get_or_init(|| Cluster::start(durability))
        .url
        .clone()
}

/// The connection string for another database on the same server.
pub(super) fn with_database(server: &str, name: &str) -> String {
    let is_url = server.starts_with("postgres://") || server.starts_with("postgresql://");
    if !is_url {
        return format!("{server} dbname={name}");
    }
    let (address, parameters) = server.split_once('?').unwrap_or((server, ""));
    let scheme_end = address.find("://").map_or(0, |at| at + 3);
    let host_end = address[scheme_end..]
        .find('/')
        .map_or(address.len(), |at| scheme_end + at);
    format!("{}/{name}?{parameters}", &address[..host_end])
}

/// Runs SQL on a connection of its own.
pub(super) fn run(url: &str, sql: &str) {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    // The blocking client must not be used on a thread of an async runtime.
    let ran = std::thread::spawn(move || {
        postgres::Client::connect(&url, postgres::NoTls)?.batch_execute(&sql)
    });
    match ran.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("PostgreSQL for tests: {error:?}; {HINT}"),
        Err(_) => panic!("PostgreSQL for tests: the client panicked"),
    }
}

struct Cluster {
    url: String,
    /// A shell that stops the server and removes its files as soon as the other
    /// end of its standard input is closed, however this process ends.
    _guard: Child,
}

impl Cluster {
    fn start(durability: Durability) -> Self {
        let programs = find_programs();
        // Kept short: the path of a socket may have 107 bytes. Removed by the guard.
        let folder = TempDir::with_prefix_in("pileus-pg-", "/tmp")
            .expect("a temporary folder")
            .keep();
        let account = Account::find();
        account.own(&folder);
        account.run(
            &programs.join("initdb"),
            &[
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username",
                SUPERUSER,
                "--pgdata",
                &format!("{}/data", folder.display()),
            ],
        );
        let guard = start_guarded(&account, &programs, &folder, durability);
        Self {
            url: format!("host={} user={SUPERUSER} dbname=postgres", folder.display()),
            _guard: guard,
        }
    }
}

fn start_guarded(
    account: &Account,
    programs: &Path,
    folder: &Path,
    durability: Durability,
) -> Child {
    let unsafe_settings = match durability {
        Durability::None => "-c fsync=off -c synchronous_commit=off -c full_page_writes=off",
        Durability::Full => "",
    };
    let script = format!(
        "trap '' INT TERM HUP
         cd '{folder}' || exit 1
         '{programs}/pg_ctl' -D data -l log -w -s -o \"-c listen_addresses= -k '{folder}' \
             -c max_connections=500 -c shared_buffers=64MB {unsafe_settings}\" \
             start </dev/null >start.log 2>&1 || {{ cat start.log log; exit 1; }}
         echo ready
         exec >/dev/null 2>&1
         read line
         '{programs}/pg_ctl' -D data -m immediate -w -s stop
         cd / && rm -rf '{folder}'",
        folder = folder.display(),
        programs = programs.display(),
    );
    let mut guard = account
        .command(Path::new("sh"))
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut said = [0; 6];
    let mut output = guard.stdout.take().expect("a pipe");
    if output.read_exact(&mut said).is_err() || said != *b"ready\n" {
        let mut rest = String::from_utf8_lossy(&said).into_owned();
        let _ = output.read_to_string(&mut rest);
        panic!("PostgreSQL for tests does not start: {rest}; {HINT}");
    }
    guard
}

/// The folder of a PostgreSQL installation's programs.
fn find_programs() -> PathBuf {
    let packaged = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = packaged.collect();
    candidates.sort();
    candidates.reverse();
    candidates.extend(std::env::split_paths(&path));
    candidates
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .unwrap_or_else(|| panic!("no initdb and pg_ctl found: {HINT}"))
}

/// Whom the server runs as. PostgreSQL refuses to be root.
enum Account {
    Own,
    Other(&'static str),
}

impl Account {
    fn find() -> Self {
        if output(Command::new("id").arg("-u")).trim() != "0" {
            return Self::Own;
        }
        let known = |name: &&str| {
            Command::new("id")
                .arg(name)
                .output()
                .is_ok_and(|output| output.status.success())
        };
        ["postgres", "nobody"]
            .into_iter()
            .find(known)
            .map(Self::Other)
            .unwrap_or_else(|| panic!("no user to run PostgreSQL as; {HINT}"))
    }

    fn own(&self, folder: &Path) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
            .expect("the folder is ours");
        if let Self::Other(name) = self {
            output(Command::new("chown").arg(name).arg(folder));
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match self {
            Self::Own => Command::new(program),
            Self::Other(name) => {
                let group = output(Command::new("id").args(["-g", name]));
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", name, "--regid", group.trim(), "--clear-groups"])
                    .arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }

    fn run(&self, program: &Path, arguments: &[&str]) {
        output(self.command(program).args(arguments));
    }
}

/// What a program prints; it must succeed.
fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; {HINT}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}; {HINT}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
