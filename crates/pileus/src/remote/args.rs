//! What the command line says.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The commands of the client.
#[derive(Debug, Subcommand)]
pub enum RemoteArgs {
    /// List folders of a server
    Ls(LsArgs),
    /// Fetch files and folders from a server
    ///
    /// Files that are here already with the same size and time are left alone. An interrupted
    /// transfer goes on where it stopped when the command is repeated.
    Get(GetArgs),
    /// Send files and folders to a server
    ///
    /// Files that are there already with the same size and time are left alone.
    Put(PutArgs),
    /// Delete files and folders of a server; they go to its trash
    Rm(RmArgs),
    /// Share folders with other people, and accept what they share
    Share {
        /// What to do.
        #[command(subcommand)]
        command: ShareArgs,
    },
}

/// `pileus share`.
#[derive(Debug, Subcommand)]
pub enum ShareArgs {
    /// List what is shared and offered, by the account and to it
    List {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Offer a folder to somebody, who gets a mail
    Offer {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// Let the recipient make files and folders
        #[arg(long)]
        create: bool,
        /// Let the recipient change files and names
        #[arg(long)]
        modify: bool,
        /// Let the recipient delete files and folders
        #[arg(long)]
        delete: bool,
        /// What to tell the recipient
        #[arg(long)]
        message: Option<String>,
        /// Full path of the folder on the server
        path: String,
        /// Mail address of the recipient
        email: String,
    },
    /// Accept an offer; the folder appears in the root
    Accept {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// Name to give it
        #[arg(long)]
        name: Option<String>,
        /// Number of the offer, as `list` shows it
        offer: u64,
    },
    /// Decline an offer that was made to the account, or take back one that it has made
    Decline {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// Number of the offer, as `list` shows it
        offer: u64,
    },
    /// End a share, given or got
    End {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// Number of the share, as `list` shows it
        share: u64,
    },
}

/// Which server, and as whom.
#[derive(Args)]
pub struct ServerArgs {
    /// The server's URL; http:// and https:// speak HTTP, bin:// and bins:// the binary protocol
    #[arg(long, value_name = "URL", env = "PILEUS_URL")]
    pub server: String,
    /// Account to log in to with a password
    #[arg(long, value_name = "EMAIL", env = "PILEUS_USER")]
    pub user: Option<String>,
    /// Its password; `-` reads one line of standard input
    #[arg(long, env = "PILEUS_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Session token to use instead of a password
    #[arg(long, env = "PILEUS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The token is an OAuth access token
    #[arg(long, requires = "token")]
    pub oauth: bool,
    /// PEM file of certificates to trust instead of the system's
    #[arg(long, value_name = "FILE", env = "PILEUS_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Secrets are left out: what is debugged ends up in logs.
impl std::fmt::Debug for ServerArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerArgs")
            .field("server", &self.server)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// `pileus ls`.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Show sizes and times (in UTC) too
    #[arg(short, long)]
    pub long: bool,
    /// List everything below too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Print one JSON object of metadata for each path
    #[arg(long)]
    pub json: bool,
    /// Full paths on the server
    #[arg(value_name = "PATH", default_value = "/")]
    pub paths: Vec<String>,
}

/// `pileus get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Compare contents instead of times to find out what is here already
    #[arg(long)]
    pub checksum: bool,
    /// Full paths on the server, then a local path; one path alone goes into the current folder
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,
}

/// `pileus put`.
#[derive(Debug, Args)]
pub struct PutArgs {
    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Compare contents instead of times to find out what is there already
    #[arg(long)]
    pub checksum: bool,
    /// Local paths, then a full path on the server; one path alone goes into the server's root
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,
}

/// `pileus rm`.
#[derive(Debug, Args)]
pub struct RmArgs {
    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Delete folders with everything in them
    #[arg(short, long)]
    pub recursive: bool,
    /// Full paths on the server
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,
}
