//! The server this benchmark is about.

use crate::error::{Context, Result};
use crate::limit::within;
use crate::load::api::Api;
use crate::process::{Memory, Server};
use crate::servers::START_LIMIT;
use crate::servers::tls::Identity;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Space of each account: more than any measurement fills.
const QUOTA_BYTES: u64 = 1 << 40;
/// How long one administrative command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// Every account of a benchmark has this password; its servers listen on loopback only.
const PASSWORD: &str = "benchmark-password";

/// A running Pileus.
pub struct Pileus {
    binary: PathBuf,
    data: PathBuf,
    server: Server,
    address: SocketAddr,
}

impl Pileus {
    /// Starts `binary` on the data folder `data`, which may be new. With an identity its listener
    /// speaks TLS as well.
    pub async fn start(binary: &Path, data: &Path, identity: Option<&Identity>) -> Result<Self> {
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0", "--admin", "off"]);
        if let Some(identity) = identity {
            command.arg("--tls-cert").arg(&identity.certificate);
            command.arg("--tls-key").arg(&identity.key);
        }
        let log = data.with_extension("log");
        let mut server = Server::start("pileus", command, log)?;
        let url = server.wait_for_line("listening on ", START_LIMIT).await?;
        let address = url
            .rsplit('/')
            .next()
            .unwrap_or(&url)
            .parse()
            .context("the address pileus listens on")?;
        Ok(Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            server,
            address,
        })
    }

    /// Makes an account.
    pub async fn add_account(&self, email: &str) -> Result<()> {
        let quota = QUOTA_BYTES.to_string();
        let account = ["add", email, "--password", PASSWORD, "--quota", &quota];
        self.administer(&account).await
    }

    /// Takes the mail address of an account as verified.
    pub async fn verify(&self, email: &str) -> Result<()> {
        self.administer(&["set", email, "--verified"]).await
    }

    /// Runs `pileus user` on the data of this server.
    async fn administer(&self, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.binary);
        command.arg("user").args(args);
        command.arg("--data").arg(&self.data).kill_on_drop(true);
        let run = async { Ok(command.output().await?) };
        let output = within(COMMAND_LIMIT, "pileus user", run).await?;
        if output.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        Err(format!("pileus user: {told}").into())
    }

    /// Logs in to an account made by [`Self::add_account`].
    pub async fn login(&self, email: &str) -> Result<Api> {
        Api::login(self.address, email, PASSWORD).await
    }

    /// Makes an account and logs in to it.
    pub async fn new_account(&self, email: &str) -> Result<Api> {
        self.add_account(email).await?;
        self.login(email).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Memory of the server process.
    pub fn memory(&self) -> Result<Memory> {
        self.server.memory()
    }

    /// Lets the peak of [`Self::memory`] start again.
    pub fn reset_peak(&self) -> Result<()> {
        self.server.reset_peak()
    }

    /// Processor time the server process has used.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.server.cpu_time()
    }

    /// Ends the server in the orderly way.
    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}
