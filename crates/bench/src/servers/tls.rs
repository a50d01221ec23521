//! One certificate for both servers, so that neither has the cheaper key.

use crate::error::{Context, Result};
use crate::limit::{self, within};
use crate::load::http::{self, Connection};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name the certificate is made out to.
const HOST: &str = "localhost";

/// A self-signed certificate on disk, and a client that trusts it.
pub struct Identity {
    /// PEM file with the certificate.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
    connector: TlsConnector,
}

impl Identity {
    /// Makes a certificate and puts its files into `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
        let certificate = dir.join("certificate.pem");
        let key = dir.join("key.pem");
        fs::write(&certificate, made.cert.pem()).context("certificate file")?;
        fs::write(&key, made.signing_key.serialize_pem()).context("key file")?;

        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            certificate,
            key,
            connector: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Opens an HTTP connection over TLS.
    pub async fn connect(&self, address: SocketAddr) -> Result<Connection<TlsStream<TcpStream>>> {
        let stream = http::open(address).await?;
        let name = ServerName::try_from(HOST)?;
        let handshake = async { Ok(self.connector.connect(name, stream).await?) };
        let stream = within(limit::CONNECT, "the TLS handshake", handshake).await?;
        Ok(Connection::new(stream))
    }
}
