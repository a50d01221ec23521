//! Certificates: those of the configuration, or ones made here.

mod local;

use crate::clock::Clock;
use crate::config::Config;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What the listeners need to speak TLS.
pub struct Tls {
    /// Does the handshakes.
    pub acceptor: TlsAcceptor,
    /// The certificate of the local authority that clients have to trust, if the server made its own.
    pub ca_file: Option<PathBuf>,
}

/// Why there is no TLS, in words for the person who starts the server.
#[derive(Debug)]
pub struct CannotProtect(String);

impl fmt::Display for CannotProtect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotProtect {}

fn because<E: fmt::Display>(what: &str, path: &Path) -> impl FnOnce(E) -> CannotProtect {
    let what = format!("{what} {}", path.display());
    move |error| CannotProtect(format!("{what}: {error}"))
}

/// Reads the certificate of the configuration, or makes one with `tls_self_signed`; `None` if neither is asked for.
///
/// A certificate made here is for this machine, for the addresses listened on and for the hosts that clients are told.
/// It is made once under `data/tls` and used until they change or it nears its end.
///
/// # Errors
/// When files are missing, cannot be read or written, or do not fit together.
pub fn acceptor(config: &Config, listening: &[SocketAddr]) -> Result<Option<Tls>, CannotProtect> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(Tls {
            acceptor: read(cert, key)?,
            ca_file: None,
        })),
        (None, None) if config.tls_self_signed => {
            let files = local::provide(
                &config.data.join("tls"),
                &local::names(config, listening),
                Clock::default().now(),
            )?;
            Ok(Some(Tls {
                acceptor: read(&files.cert, &files.key)?,
                ca_file: Some(files.ca),
            }))
        }
        (None, None) => Ok(None),
        _ => Err(CannotProtect(
            "a certificate needs its key and a key its certificate: only one is configured".into(),
        )),
    }
}

fn read(cert: &Path, key: &Path) -> Result<TlsAcceptor, CannotProtect> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(because("cannot read the certificate", cert))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(because("cannot read the key", key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(because("cannot use the certificate", cert))?;
    // Clients that come back need no full handshake, and the server remembers nothing for it.
    config.ticketer = Ticketer::new().map_err(|error| CannotProtect(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
