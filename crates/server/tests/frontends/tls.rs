//! TLS with certificates made here, and telling the protocols apart.

use crate::http_client::Client;
use crate::server::{PATIENCE, Server};
use crate::{binary_client, http_client};
use pileus_wire::Value;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn connector(ca_file: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca_file).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub async fn connect(server: &Server, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    connector(server.ca_file.as_ref().unwrap())
        .connect(name, tcp)
        .await
}

pub async fn protected() -> Server {
    Server::with(|config| {
        config.tls_self_signed = true;
        config.public.content = vec!["content.example:8443".into()];
        config.public.web = Some("https://web.example/app".into());
    })
    .await
}

#[tokio::test]
async fn one_address_takes_everything() {
    let server = protected().await;
    // Plain HTTP, plain binary, HTTP in TLS, binary in TLS.
    assert_eq!(Client::connect(&server).await.get("/nop").await.result(), 0);
    let mut binary = binary_client::Client::connect(&server).await;
    assert_eq!(binary_client::result(&binary.call("nop", &[]).await), 0);
    let mut http = Client::over(connect(&server, "localhost").await.unwrap());
    assert_eq!(http.get("/nop").await.result(), 0);
    let mut binary = binary_client::Client {
        io: connect(&server, "localhost").await.unwrap(),
    };
    assert_eq!(binary_client::result(&binary.call("nop", &[]).await), 0);
}

#[tokio::test]
async fn the_first_bytes_may_come_one_by_one() {
    let server = Server::start().await;
    let http = http_client::get("/nop").into_bytes();
    let binary = binary_client::request("nop", &[("id", Value::from(0x16_u64))], None);
    for bytes in [http, binary] {
        let mut io = TcpStream::connect(server.address).await.unwrap();
        io.set_nodelay(true).unwrap();
        server.connected(1).await;
        for byte in &bytes {
            io.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        io.readable().await.unwrap();
        drop(io);
        server.connected(0).await;
    }
    // A client that leaves before it has said anything, and one that leaves too early.
    for bytes in [&b""[..], b"\x16\x03"] {
        let mut io = TcpStream::connect(server.address).await.unwrap();
        server.connected(1).await;
        io.write_all(bytes).await.unwrap();
        drop(io);
        server.connected(0).await;
    }
}

#[tokio::test]
async fn without_a_certificate_tls_is_refused() {
    let server = Server::start().await;
    let other = protected().await;
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let handshake = connector(other.ca_file.as_ref().unwrap()).connect(name, tcp);
    assert!(timeout(PATIENCE, handshake).await.unwrap().is_err());
}

/// TLS keeps back what the socket does not take at once, and somebody has to send it later.
#[tokio::test]
async fn the_end_of_large_data_is_not_kept_back() {
    let server = protected().await;
    let mut binary = binary_client::Client {
        io: connect(&server, "localhost").await.unwrap(),
    };
    let content: Vec<u8> = (0..8_000_000_u32).map(|i| (i % 251) as u8).collect();
    let params = [
        ("auth", Value::from(server.token.as_str())),
        ("folderid", Value::from(0_u64)),
        ("filename", Value::from("f")),
    ];
    let upload = binary_client::request("uploadfile", &params, Some(content.len() as u64));
    binary.send(upload).await;
    binary.send(&content).await;
    let uploaded = binary.answer().await;
    let fileid = uploaded.get("fileids").unwrap().as_list().unwrap()[0]
        .as_u64()
        .unwrap();
    let params = [
        ("fileid", Value::from(fileid)),
        ("offset", Value::from(0_u64)),
        ("count", Value::from(1_u64 << 30)),
    ];
    for _ in 0..5 {
        let sent = || {
            server
                .app
                .metrics
                .bytes_sent
                .load(std::sync::atomic::Ordering::Relaxed)
        };
        let before = sent();
        binary
            .send(binary_client::request("readfile", &params, None))
            .await;
        // Whatever is in flight by now, the socket is full.
        crate::server::until(|| sent() > before).await;
        assert_eq!(binary.answer().await.data_len(), Some(content.len() as u64));
        assert!(binary.read(content.len()).await == content);
    }
}

#[tokio::test]
async fn a_wait_ends_over_tls_too() {
    let server = protected().await;
    let mut client = Client::over(connect(&server, "localhost").await.unwrap());
    let token = &server.token;
    let now = client.get(&format!("/diff?last=0&auth={token}")).await;
    let diffid = now.tree().get("diffid").unwrap().as_u64().unwrap();
    let diff = http_client::get(&format!("/diff?block=1&diffid={diffid}&id=poll"));
    client.send(&diff).await;
    server.waiting(1).await;
    client.send(http_client::get("/nop?id=next")).await;
    assert_eq!(client.response().await.id(), "poll");
    assert_eq!(client.response().await.id(), "next");
    client.send(&diff).await;
    server.waiting(1).await;
    client.end().await;
    assert_eq!(client.response().await.id(), "poll");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn the_certificate_names_the_hosts_and_is_kept() {
    let server = protected().await;
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "content.example",
        "web.example",
    ] {
        connect(&server, name).await.unwrap();
    }
    assert!(connect(&server, "other.example").await.is_err());

    let config = server.app.config.clone();
    let folder = config.data.join("tls");
    for (file, mode) in [("ca.key", 0o600), ("server.key", 0o600), ("ca.pem", 0o644)] {
        assert_eq!(
            folder.join(file).metadata().unwrap().permissions().mode() & 0o777,
            mode,
            "{file}"
        );
    }
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let (ca, cert) = (read("ca.pem"), read("server.pem"));
    let bound = [server.address];
    pileus_server::tls::acceptor(&config, &bound).unwrap();
    assert!(
        (read("ca.pem"), read("server.pem")) == (ca.clone(), cert.clone()),
        "used again"
    );

    let elsewhere = [SocketAddr::new(
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        443,
    )];
    pileus_server::tls::acceptor(&config, &elsewhere).unwrap();
    assert!(read("ca.pem") == ca, "clients trust the authority already");
    assert!(
        read("server.pem") != cert,
        "a new address needs a new certificate"
    );

    let files = [
        ("server.pem", "server.key"),
        ("nothing.pem", "server.key"),
        ("server.key", "server.pem"),
    ];
    for (index, (cert, key)) in files.into_iter().enumerate() {
        let mut config = config.clone();
        config.tls_cert = Some(folder.join(cert));
        config.tls_key = Some(folder.join(key));
        assert_eq!(
            pileus_server::tls::acceptor(&config, &bound).is_ok(),
            index == 0,
            "{cert}"
        );
    }
    let config = pileus_server::config::Config {
        tls_cert: Some(folder.join("server.pem")),
        ..config
    };
    assert!(
        pileus_server::tls::acceptor(&config, &bound).is_err(),
        "a certificate without a key"
    );
}
