//! Connecting to exactly the address that was checked.

use super::{CONNECT_TIME, Fetcher, Refused};
use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Finds the addresses of a name.
pub type Resolver =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Asks the system.
pub(super) fn system() -> Resolver {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A connection, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How TLS is done: the roots of the system, read when they are needed first.
#[derive(Default)]
pub(super) struct Tls(OnceLock<Arc<ClientConfig>>);

impl Tls {
    fn connector(&self) -> TlsConnector {
        let config = self.0.get_or_init(|| trusting(system_roots()));
        TlsConnector::from(config.clone())
    }

    /// Trusts this certificate and no other.
    #[cfg(test)]
    pub(super) fn trust(&self, certificate: rustls::pki_types::CertificateDer<'static>) {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        self.0
            .set(trusting(roots))
            .expect("nothing was fetched yet");
    }
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(
            ignored,
            errors = ?found.errors,
            "no certificates of authorities found, so nothing can be downloaded by https"
        );
    }
    roots
}

impl Fetcher {
    /// Connects to the host of a URL, if its addresses are allowed.
    pub(super) async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, Refused> {
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err("only http and https are fetched".into()),
        };
        let port = url.port_or_known_default().ok_or("no port")?;
        let host = url.host().ok_or("no host")?;
        let addresses = self.addresses(&host).await?;
        // One forbidden address among others is a name that plays tricks.
        if let Some(address) = addresses
            .iter()
            .find(|address| !self.rules.allows(**address, port))
        {
            return Err(format!("{address} port {port} is not to be fetched from").into());
        }
        let tcp = self.first_that_answers(&addresses, port).await?;
        if !is_tls {
            return Ok(Box::new(tcp));
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()),
            Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(address))),
            Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(address))),
        };
        let name = name.map_err(|error| error.to_string())?;
        let tls = timeout(CONNECT_TIME, self.tls.connector().connect(name, tcp)).await;
        let tls = tls.map_err(|_| "no TLS in time")?;
        Ok(Box::new(tls.map_err(|error| error.to_string())?))
    }

    async fn addresses(&self, host: &Host<&str>) -> Result<Vec<IpAddr>, Refused> {
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => {
                let found = timeout(CONNECT_TIME, (self.resolver)((*name).to_owned())).await;
                let found = found.map_err(|_| "the name was not resolved in time")?;
                found.map_err(|error| error.to_string())?
            }
        };
        if addresses.is_empty() {
            return Err("the name has no address".into());
        }
        Ok(addresses)
    }

    async fn first_that_answers(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<TcpStream, Refused> {
        let mut last = Refused::from("nobody answers");
        for &address in addresses.iter().take(ADDRESSES_MAX) {
            match timeout(
                CONNECT_TIME,
                TcpStream::connect(SocketAddr::new(address, port)),
            )
            .await
            {
                Err(_) => last = "no connection in time".into(),
                Ok(Err(error)) => last = error.to_string().into(),
                Ok(Ok(stream)) => {
                    self.check_not_oneself(&stream)?;
                    return Ok(stream);
                }
            }
        }
        Err(last)
    }

    /// A public address of this very machine leads to services that are not for others. The system gives both ends of
    /// such a connection the same address.
    fn check_not_oneself(&self, stream: &TcpStream) -> Result<(), Refused> {
        let ends = stream
            .local_addr()
            .and_then(|own| Ok((own, stream.peer_addr()?)));
        let (own, peer) = ends.map_err(|error| error.to_string())?;
        if own.ip() == peer.ip() && !self.rules.allows_specially(peer.ip()) {
            return Err("this machine is not to be fetched from".into());
        }
        Ok(())
    }
}
