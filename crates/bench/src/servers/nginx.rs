//! nginx with its dav module: the yardstick, on the same disk in the same run.

use crate::error::{Context, Result};
use crate::process::Server;
use crate::servers::START_LIMIT;
use crate::servers::tls::Identity;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A running nginx that serves and stores files below [`Nginx::root`].
pub struct Nginx {
    server: Server,
    /// Where it speaks plain HTTP.
    pub address: SocketAddr,
    /// Where it speaks HTTP over TLS.
    pub tls_address: SocketAddr,
    /// The folder of its files.
    pub root: PathBuf,
}

impl Nginx {
    /// Starts the program `binary` with everything it writes below the new folder `prefix`.
    pub async fn start(binary: &Path, prefix: &Path, identity: &Identity) -> Result<Self> {
        let root = prefix.join("files");
        fs::create_dir_all(&root).context("nginx folder")?;
        let (address, tls_address) = free_addresses()?;
        let config = prefix.join("nginx.conf");
        let text = configuration(prefix, address, tls_address, identity);
        fs::write(&config, text).context("nginx configuration")?;

        let mut command = Command::new(binary);
        command.arg("-p").arg(prefix).arg("-c").arg(&config);
        command.arg("-e").arg(prefix.join("error.log"));
        let mut server = Server::start("nginx", command, prefix.join("output.log"))?;
        server
            .wait_until(START_LIMIT, async || TcpStream::connect(address).ok())
            .await?;
        Ok(Self {
            server,
            address,
            tls_address,
            root,
        })
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Ends nginx and waits until it has ended.
    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}

/// Two addresses nobody listens on. nginx cannot choose ports by itself, so another program could
/// take one in between; nginx then fails to start with a message that says so.
fn free_addresses() -> Result<(SocketAddr, SocketAddr)> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((first.local_addr()?, second.local_addr()?))
}

fn configuration(
    prefix: &Path,
    address: SocketAddr,
    tls_address: SocketAddr,
    identity: &Identity,
) -> String {
    // Workers of an nginx started by root would become a user who may not enter the data folder.
    let user = if rustix::process::geteuid().is_root() {
        "user root;\n"
    } else {
        ""
    };
    let prefix = prefix.display();
    let certificate = identity.certificate.display();
    let key = identity.key.display();
    format!(
        r#"{user}daemon off;
worker_processes 2;
pid "{prefix}/nginx.pid";
events {{
    worker_connections 2048;
}}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path "{prefix}/body";
    proxy_temp_path "{prefix}/proxy";
    fastcgi_temp_path "{prefix}/fastcgi";
    uwsgi_temp_path "{prefix}/uwsgi";
    scgi_temp_path "{prefix}/scgi";
    server {{
        listen {address};
        listen {tls_address} ssl;
        ssl_certificate "{certificate}";
        ssl_certificate_key "{key}";
        ssl_protocols TLSv1.2 TLSv1.3;
        root "{prefix}/files";
        autoindex on;
        autoindex_format json;
        dav_methods PUT DELETE MKCOL;
        create_full_put_path on;
    }}
}}
"#
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Nginx;
    use crate::error::Result;
    use crate::servers::tls::Identity;
    use std::path::Path;
    use tempfile::TempDir;

    /// nginx for a test, or `None` with a message where it is not installed.
    pub(crate) async fn start() -> Result<Option<(Nginx, TempDir, Identity)>> {
        let binary = Path::new("/usr/sbin/nginx");
        if !binary.exists() {
            eprintln!("skipped: nginx is not installed (Debian: nginx-extras)");
            return Ok(None);
        }
        let dir = tempfile::tempdir()?;
        let identity = Identity::create(dir.path())?;
        let nginx = Nginx::start(binary, &dir.path().join("nginx"), &identity).await?;
        Ok(Some((nginx, dir, identity)))
    }
}
