//! The command line.

use crate::remote::RemoteArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Your own cloud storage: a server that speaks the pCloud API
///
/// `pileus serve --quickstart` starts a server on http://127.0.0.1:8080 with its data in the folder `data`, makes a
/// first account and prints its password.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Run the server until it is told to end (Ctrl-C, SIGTERM)
    Serve(ServeArgs),
    #[command(flatten)]
    Admin(AdminCommand),
    /// List the methods of the API that this server knows
    Methods {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all settings with their meaning and defaults, as a file to begin with
    Config,
    #[command(flatten)]
    Remote(RemoteArgs),
}

/// What an administrator does with the server's data. All of it works beside a running server, if nothing else is said.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Make, change and remove accounts
    User {
        /// What to do.
        #[command(subcommand)]
        command: UserCommand,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long, global = true)]
        json: bool,
    },
    /// Make and revoke tokens, which programs log in with
    Token {
        /// What to do.
        #[command(subcommand)]
        command: TokenCommand,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long, global = true)]
        json: bool,
    },
    /// Register programs that accounts may let in by OAuth
    App {
        /// What to do.
        #[command(subcommand)]
        command: AppCommand,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long, global = true)]
        json: bool,
    },
    /// Close public links after a complaint
    Link {
        /// What to do.
        #[command(subcommand)]
        command: LinkCommand,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long, global = true)]
        json: bool,
    },
    /// Prove that every row has its bytes and every byte its row
    ///
    /// Looks through the whole database and the whole blob store and prints a line for everything that is wrong. Ends
    /// with exit code 1 if there is anything.
    Check {
        /// Also read all contents and compare their checksums
        #[arg(long)]
        hash: bool,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy everything to a folder, for `restore`
    ///
    /// The copy is that of one moment. Contents that the folder has already are not copied again, so the same folder
    /// is best used every time.
    Backup {
        /// Folder to copy to; made if it is not there
        #[arg(value_name = "DIR")]
        to: PathBuf,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fill an empty data folder from a backup
    ///
    /// Database and blob store are those of the settings, which need not be of the kind that was backed up: a server
    /// moves from one to the other this way. Not beside a running server.
    Restore {
        /// Folder that `backup` has written
        #[arg(value_name = "DIR")]
        from: PathBuf,
        /// Where the data is to be.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy the database into another one, of either kind
    ///
    /// To be used while no server runs; then set `database` to the new one. Contents in the blob store stay where they
    /// are.
    ConvertDb {
        /// The new database, which must be empty: postgres://… or sqlite:PATH
        #[arg(long, value_name = "URL")]
        to: String,
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `pileus serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Address to listen on, for HTTP, TLS and the binary protocol alike; may be repeated [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// Address of /healthz, /readyz and /metrics, or `off` [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
    /// Certificate chain, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Make a local certificate authority once, and a certificate by it
    #[arg(long, conflicts_with = "tls_cert")]
    pub tls_self_signed: bool,
    /// Make a first account if there is none, and print its password
    #[arg(long)]
    pub quickstart: bool,
}

/// Where the data is, and how it is kept.
#[derive(Args, Clone)]
pub struct DataArgs {
    /// Folder with the server's data [default: data]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Settings file [default: pileus.toml in the data folder, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Override one setting; may be repeated. `pileus config` lists them
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

/// `pileus user`.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Make an account
    Add {
        /// Mail address; the user name
        email: String,
        /// Password; `-` reads one line of standard input
        #[arg(long, value_name = "PW")]
        password: String,
        /// Space it may use, in bytes or as 500GB or 2TiB [default: the setting default_quota_bytes]
        #[arg(long, value_parser = bytes)]
        quota: Option<u64>,
        /// Take the mail address as verified
        #[arg(long)]
        verified: bool,
    },
    /// List all accounts
    List,
    /// Change an account
    Set {
        /// Mail address
        email: String,
        /// What to change.
        #[command(flatten)]
        changes: UserChanges,
    },
    /// Remove an account with all its files, for ever
    Remove {
        /// Mail address
        email: String,
    },
}

/// What `pileus user set` changes.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct UserChanges {
    /// New password; `-` reads one line of standard input. Ends all logins
    #[arg(long, value_name = "PW")]
    pub password: Option<String>,
    /// Space it may use, in bytes or as 500GB or 2TiB
    #[arg(long, value_parser = bytes)]
    pub quota: Option<u64>,
    /// Language of its mails and pages
    #[arg(long)]
    pub language: Option<String>,
    /// Take the mail address as verified
    #[arg(long)]
    pub verified: bool,
    /// Keep it from logging in, and end all logins
    #[arg(long)]
    pub disable: bool,
    /// Let it log in again, also if its owner has given it up
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Have logins by password need the code of an authenticator too. `on` prints its secret and recovery codes; they
    /// are not shown again
    #[arg(long, value_name = "on|off")]
    pub second_factor: Option<Switch>,
}

/// Something that can be on or off.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// `pileus token`.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is not shown again
    ///
    /// Without --oauth it is a session token, for the parameter `auth`. It lives until it is revoked.
    Create {
        /// Mail address of the account
        email: String,
        /// Make an access token, for `Authorization: Bearer` and for rclone
        #[arg(long)]
        oauth: bool,
        /// Name of the device or program it is for
        #[arg(long, value_name = "NAME", default_value = "")]
        device: String,
    },
    /// List the tokens of an account
    List {
        /// Mail address of the account
        email: String,
    },
    /// Make a token useless
    Revoke {
        /// Its number, from `pileus token list`
        id: i64,
    },
}

/// `pileus app`.
#[derive(Subcommand)]
pub enum AppCommand {
    /// Register an app and print its client id and secret; the secret is not shown again
    Add(NewAppArgs),
    /// List all apps
    List,
    /// Change an app
    Set {
        /// Its client id
        client_id: String,
        /// What to change.
        #[command(flatten)]
        changes: AppChanges,
    },
    /// Remove an app: all its tokens end
    Remove {
        /// Its client id
        client_id: String,
    },
}

/// What `pileus app add` takes.
#[derive(Args)]
pub struct NewAppArgs {
    /// Name that people are shown
    pub name: String,
    /// Address where it may be answered; may be repeated. Of http://localhost/… and http://127.0.0.1/… any port will do
    #[arg(long, value_name = "URI")]
    pub redirect: Vec<String>,
    /// What people are told about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// Page of its makers, which people can open before they decide: http://… or https://…
    #[arg(long, value_name = "URL", default_value = "")]
    pub home_page: String,
    /// Let it into one folder of each account only
    ///
    /// It sees that folder as its root. The folder is /Applications/NAME, made when the app comes for the first time;
    /// people may move it.
    #[arg(long)]
    pub folder: bool,
    /// Let it ask for the right to manage shares
    #[arg(long)]
    pub manage_shares: bool,
    /// Give it tokens only for its secret
    #[arg(long)]
    pub no_implicit: bool,
}

/// What `pileus app set` changes.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct AppChanges {
    /// Name that people are shown. Folders keep theirs
    #[arg(long)]
    pub name: Option<String>,
    /// Addresses where it may be answered, in place of those it has; may be repeated
    #[arg(long, value_name = "URI")]
    pub redirect: Vec<String>,
    /// What people are told about it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Page of its makers; empty for none
    #[arg(long, value_name = "URL")]
    pub home_page: Option<String>,
    /// Whether it may ask for the right to manage shares
    #[arg(long, value_name = "BOOL")]
    pub manage_shares: Option<bool>,
    /// Whether it may get tokens without its secret
    #[arg(long, value_name = "BOOL")]
    pub implicit: Option<bool>,
    /// Make a new secret and print it. Tokens stay, codes that were not used yet end
    #[arg(long)]
    pub new_secret: bool,
    /// Stop its tokens from working
    #[arg(long)]
    pub disable: bool,
    /// Have its tokens work again
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
}

/// `pileus link`.
#[derive(Subcommand)]
pub enum LinkCommand {
    /// Have a link answer that it was closed after a complaint
    ///
    /// Downloads that are running finish. The owner sees the link and can delete it, but not open it.
    Close {
        /// Its code or short code
        code: String,
    },
    /// Have a closed link work again
    Open {
        /// Its code or short code
        code: String,
    },
}

/// Reads a number of bytes with an optional unit.
fn bytes(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "a number of bytes is expected, such as 5000000, 500GB or 2TiB";
    let text = text.trim();
    let digits_end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let number: u64 = digits.parse().map_err(|_| EXPECTED)?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "pb" => 1_000_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "p" | "pib" => 1 << 50,
        _ => return Err(EXPECTED.into()),
    };
    let bytes = number.checked_mul(factor);
    bytes
        .filter(|&bytes| i64::try_from(bytes).is_ok())
        .ok_or_else(|| "this is more than the server can count".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("5000000", Some(5_000_000)),
            ("500GB", Some(500_000_000_000)),
            ("2TiB", Some(2 << 40)),
            ("10 g", Some(10 << 30)),
            ("1kb", Some(1000)),
            ("", None),
            ("GB", None),
            ("-1", None),
            ("1.5GB", None),
            ("5 bananas", None),
            ("18446744073709551615", None),
            ("9000PiB", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn data_and_json_may_stand_behind_everything_else() {
        let cli = Cli::try_parse_from(
            "pileus token create ann@example.com --oauth --data D --config F --set a=b --json"
                .split(' '),
        );
        let Ok(Cli {
            command: Command::Admin(AdminCommand::Token { data, json, .. }),
        }) = cli
        else {
            panic!("not understood");
        };
        assert_eq!(data.data, Some("D".into()));
        assert_eq!(data.config, Some("F".into()));
        assert_eq!(data.set, ["a=b"]);
        assert!(json);
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "pileus serve --tls-cert a",
            "pileus serve --tls-cert a --tls-key b --tls-self-signed",
            "pileus serve --listen nowhere",
            "pileus user set ann@example.com",
            "pileus user set ann@example.com --enable --disable",
            "pileus user add ann@example.com",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
