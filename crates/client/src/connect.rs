//! Making connections: TCP, and TLS on it where the address asks for it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::address::Address;
use crate::error::Error;
use crate::options::Options;

/// A connection's bytes, encrypted or not.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Makes connections that share their options and TLS sessions.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) options: Arc<Options>,
    /// `None` if only unencrypted connections will be made.
    tls: Option<Arc<ClientConfig>>,
}

impl Connector {
    /// Reads the trusted certificates if `tls` will be needed.
    pub(crate) fn new(options: Options, tls: bool) -> Result<Connector, Error> {
        if http::HeaderValue::from_str(&options.user_agent).is_err() {
            return Err(Error::Setup("the user agent is not a header value".into()));
        }
        let tls = match tls {
            true => Some(Arc::new(tls_config(options.ca_file.as_deref())?)),
            false => None,
        };
        Ok(Connector {
            options: Arc::new(options),
            tls,
        })
    }

    /// Connects to `address`.
    pub(crate) async fn connect(&self, address: &Address) -> Result<Stream, Error> {
        match timeout(self.options.connect_timeout, self.open(address)).await {
            Ok(stream) => stream,
            Err(_) => Err(Error::Transport(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no connection to {address} in time"),
            ))),
        }
    }

    async fn open(&self, address: &Address) -> Result<Stream, Error> {
        let explain = |error: io::Error| {
            Error::Transport(io::Error::new(error.kind(), format!("{address}: {error}")))
        };
        let tcp = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(explain)?;
        // A call is one small request and its answer: waiting to fill a packet only delays it.
        tcp.set_nodelay(true)?;
        if !address.tls {
            return Ok(Either::Left(tcp));
        }
        let Some(config) = &self.tls else {
            return Err(Error::Setup("this client was set up without TLS".into()));
        };
        let name = ServerName::try_from(address.host.clone())
            .map_err(|_| Error::Setup(format!("no certificate can name {}", address.host)))?;
        // No protocol is announced in the handshake: without one servers speak HTTP/1.1, and the
        // binary protocol has no name there.
        let connector = TlsConnector::from(Arc::clone(config));
        let tls = connector.connect(name, tcp).await.map_err(explain)?;
        Ok(Either::Right(Box::new(tls)))
    }
}

fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => add_file(&mut roots, path)?,
        None => {
            let found = rustls_native_certs::load_native_certs();
            let (usable, _) = roots.add_parsable_certificates(found.certs);
            if usable == 0 {
                return Err(Error::Setup(
                    "the system has no trusted certificates; name a file of them".into(),
                ));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let bad = |error: String| Error::Setup(format!("{}: {error}", path.display()));
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| bad(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(bad("it holds no certificate".into())),
        false => Ok(()),
    }
}
