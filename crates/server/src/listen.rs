//! Listening: connections come in, are told apart by their first bytes, and are handed to the front end that speaks
//! their protocol.
//!
//! One address serves every client, because the official sync client uses one host and one port for TLS and plain,
//! for the binary protocol and for HTTP.

pub mod deadline;
pub mod linger;
pub mod patience;
pub mod socket;

use crate::app::App;
use crate::conn::{Conn, Protocol};
use crate::metrics::Gauge;
use crate::{binary, http};
use pileus_wire::Protocol as Sniffed;
use socket::{First, Replayed, Socket};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections that may wait in the kernel to be accepted.
const BACKLOG: u32 = 4096;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long calls may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When a silent connection is first asked whether its other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// Addresses that are listened on.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// Starts to listen. Has to be called within a tokio runtime.
///
/// # Errors
/// What the system says, with the address that it is about.
pub fn bind(addresses: &[SocketAddr]) -> io::Result<Listeners> {
    let mut listeners = Listeners {
        sockets: Vec::new(),
        addresses: Vec::new(),
    };
    for address in addresses {
        let socket = open(*address).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })?;
        listeners.addresses.push(socket.local_addr()?);
        listeners.sockets.push(socket);
    }
    Ok(listeners)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restarted server need not wait until the last connections of its predecessor are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listeners {
    /// The addresses, with the ports that the system chose where 0 was asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until [`App::stopping`] turns true and the calls of that moment are answered, or ten seconds are over.
    pub async fn serve(self, app: Arc<App>, tls: Option<TlsAcceptor>) {
        let places = Arc::new(Semaphore::new(app.config.max_connections));
        let mut acceptors = JoinSet::new();
        for socket in self.sockets {
            acceptors.spawn(accept(socket, app.clone(), tls.clone(), places.clone()));
        }
        while acceptors.join_next().await.is_some() {}
    }
}

/// Accepts connections while there are places for them; further ones wait in the kernel.
async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
) {
    let mut connections = JoinSet::new();
    let accepted = async {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (tcp, peer) = loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok(accepted) => break accepted,
                        Err(error) => pause(&error).await,
                    },
                    // Finished tasks are collected as they come, else the set would grow.
                    Some(_) = connections.join_next() => {}
                }
            };
            let (app, tls) = (app.clone(), tls.clone());
            connections.spawn(async move {
                let _place = place;
                connection(&app, tcp, peer, tls).await;
            });
        }
    };
    tokio::select! {
        () = accepted => {}
        () = app.stopped() => {}
    }
    drop(listener);
    let finished = timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    if finished.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "calls were cut off, because they took too long to finish"
        );
    }
}

/// A client that is gone before it was accepted costs nothing; a lack of sockets passes only if connections end.
async fn pause(error: &io::Error) {
    let is_the_clients = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !is_the_clients {
        tracing::error!(%error, "cannot accept connections");
        sleep(ACCEPT_PAUSE).await;
    }
}

async fn connection(app: &Arc<App>, tcp: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
    let _open = Gauge::enter(&app.metrics.connections);
    // A client that came by IPv4 has one address, whichever kind of socket it met.
    let peer = SocketAddr::new(IpAddr::to_canonical(&peer.ip()), peer.port());
    // Without these the connection is slower, or found dead later.
    let _ = tcp.set_nodelay(true);
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));

    let mut tcp = tcp;
    let Some(first) = first_bytes(app, &mut tcp).await else {
        return;
    };
    let protocol = match pileus_wire::sniff(&first) {
        Sniffed::Http => Protocol::Http,
        Sniffed::Binary => Protocol::Binary,
        Sniffed::Tls => return protected(app, Replayed::new(first, tcp), peer, tls).await,
    };
    speak(
        app,
        Socket::Plain(tcp),
        first,
        Conn::new(protocol, peer, false),
    )
    .await;
}

async fn protected(app: &Arc<App>, tcp: Replayed, peer: SocketAddr, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else {
        tracing::debug!(%peer, "a client wants TLS, and there is no certificate");
        return;
    };
    let mut socket = match timeout(HANDSHAKE, tls.accept(tcp)).await {
        Ok(Ok(socket)) => Box::new(socket),
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%peer, "TLS handshake took too long"),
    };
    let Some(first) = first_bytes(app, &mut socket).await else {
        return;
    };
    let protocol = match pileus_wire::sniff(&first) {
        Sniffed::Http => Protocol::Http,
        Sniffed::Binary => Protocol::Binary,
        Sniffed::Tls => return,
    };
    speak(
        app,
        Socket::Tls(socket),
        first,
        Conn::new(protocol, peer, true),
    )
    .await;
}

/// Waits for what tells the protocols apart; `None` if it does not come. Clients open connections ahead of time, so they
/// may take as long as they may idle.
async fn first_bytes(app: &App, io: &mut (impl AsyncRead + Unpin)) -> Option<First> {
    let mut first = First::default();
    let read = async { io.read_exact(&mut first).await.is_ok() };
    let is_read = tokio::select! {
        read = timeout(patience::HTTP.idle, read) => read == Ok(true),
        () = app.stopped() => false,
    };
    is_read.then_some(first)
}

/// Boxed, so that the task of a connection that has not said anything yet is small.
async fn speak(app: &Arc<App>, socket: Socket, first: First, conn: Conn) {
    match conn.protocol {
        Protocol::Http => Box::pin(http::serve(app, socket, &first, conn)).await,
        Protocol::Binary => Box::pin(binary::serve(app, socket, &first, conn)).await,
    }
}
