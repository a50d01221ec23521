//! Fetching from servers on this machine, which the rules let in or keep out.

use super::{Fetched, Fetcher, Refused, Resolver, Rules};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers every request alike; tells where it is and counts the connections.
async fn server(answer: impl Into<String>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let (answer, visits) = (answer.into(), Arc::new(AtomicUsize::new(0)));
    let counted = visits.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, visits)
}

fn rules(allowed: &[&str]) -> Rules {
    let allowed = allowed.iter().map(|text| text.parse().expect("a network"));
    Rules {
        allowed: allowed.collect(),
    }
}

async fn whole(mut fetched: Fetched) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    while let Some(chunk) = fetched.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn what_is_allowed_is_fetched() {
    let (address, _) = server(OK).await;
    let fetcher = Fetcher::new(rules(&["127.0.0.0/8"]));
    let fetched = fetcher
        .get(&format!("http://{address}/a"))
        .await
        .expect("fetched");
    assert_eq!(fetched.length, Some(5));
    assert_eq!(whole(fetched).await.expect("whole"), b"hello");
}

#[tokio::test]
async fn what_is_not_allowed_is_not_even_visited() {
    let (address, visits) = server(OK).await;
    let fetcher = Fetcher::new(Rules::default());
    for url in [
        format!("http://{address}/"),
        format!("http://localhost:{}/", address.port()),
        "http://[::1]/".into(),
        "http://169.254.169.254/latest/meta-data/".into(),
        "ftp://example.com/".into(),
        "file:///etc/passwd".into(),
        "gopher://example.com/".into(),
        "http://".into(),
        "nonsense".into(),
    ] {
        assert!(fetcher.get(&url).await.is_err(), "{url}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_chain_of_redirects_is_checked_at_each_step() {
    let (inside, visits) = server(OK).await;
    let to_inside = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://localhost:{}/\r\nContent-Length: 0\r\n\r\n",
        inside.port()
    );
    let (second, _) = server(to_inside).await;
    let to_second =
        format!("HTTP/1.1 307 Go\r\nLocation: //{second}/x\r\nContent-Length: 0\r\n\r\n");
    let (first, _) = server(to_second).await;
    // Only the way to the last host is open; the name in the last step stands for an address that is not allowed.
    let resolver: Resolver =
        Arc::new(|_| Box::pin(async { Ok(vec!["127.0.0.2".parse().unwrap()]) }));
    let fetcher = Fetcher::with_resolver(rules(&["127.0.0.1"]), resolver);
    let refused = fetcher
        .get(&format!("http://{first}/"))
        .await
        .expect_err("refused");
    assert!(refused.0.contains("127.0.0.2"), "{refused:?}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let answer = "HTTP/1.1 301 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    let (turning, visits) = server(answer).await;
    let fetcher = Fetcher::new(rules(&["127.0.0.1"]));
    let refused = fetcher
        .get(&format!("http://{turning}/"))
        .await
        .expect_err("refused");
    assert_eq!(refused.0, "too many redirects");
    assert_eq!(visits.load(Ordering::SeqCst), super::REDIRECTS_MAX + 1);
    assert!(fetcher.get(&format!("http://{address}/")).await.is_err());
}

/// A name whose address changes between one look and the next must not be looked at twice.
#[tokio::test]
async fn a_name_that_changes_its_address_is_pinned() {
    let (address, _) = server(OK).await;
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = looks.clone();
    let resolver: Resolver = Arc::new(move |_| {
        let look = counted.fetch_add(1, Ordering::SeqCst);
        let found: IpAddr = if look.is_multiple_of(2) {
            "127.0.0.1".parse().unwrap()
        } else {
            "10.0.0.1".parse().unwrap()
        };
        Box::pin(async move { Ok(vec![found]) })
    });
    let fetcher = Fetcher::with_resolver(rules(&["127.0.0.1"]), resolver);
    let url = format!("http://changing.example:{}/", address.port());
    assert!(fetcher.get(&url).await.is_ok());
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    assert!(fetcher.get(&url).await.is_err());
    assert_eq!(looks.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn one_forbidden_address_spoils_a_name() {
    let (address, visits) = server(OK).await;
    let resolver: Resolver = Arc::new(|_| {
        let found = ["127.0.0.1", "10.0.0.1"].map(|text| text.parse().unwrap());
        Box::pin(async move { Ok(found.to_vec()) })
    });
    let fetcher = Fetcher::with_resolver(rules(&["127.0.0.1"]), resolver);
    let url = format!("http://two.example:{}/", address.port());
    assert!(fetcher.get(&url).await.is_err());
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn answers_that_are_no_success_are_refused() {
    let fetcher = Fetcher::new(rules(&["127.0.0.1"]));
    for (answer, why) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
            "without a place",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
            "encoded",
        ),
        ("SSH-2.0-OpenSSH\r\n", ""),
        ("", ""),
    ] {
        let (address, _) = server(answer).await;
        let refused = fetcher
            .get(&format!("http://{address}/"))
            .await
            .expect_err(answer);
        assert!(refused.0.contains(why), "{answer:?}: {refused:?}");
    }
    let (address, _) = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").await;
    let fetched = fetcher
        .get(&format!("http://{address}/"))
        .await
        .expect("begun");
    assert!(
        whole(fetched).await.is_err(),
        "a body that breaks off is no file"
    );
}

/// A server with TLS and a certificate that it has made itself; answers where it is and the certificate.
async fn tls_server() -> (SocketAddr, rustls::pki_types::CertificateDer<'static>) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names = vec!["files.example".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate");
    let certificate = certificate.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a configuration");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(OK.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, certificate)
}

#[tokio::test]
async fn certificates_are_checked_against_the_name() {
    let (address, certificate) = tls_server().await;
    let resolver: Resolver =
        Arc::new(|_| Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) }));
    let url = |name: &str| format!("https://{name}:{}/", address.port());

    // Nobody that the system trusts has signed it.
    let fetcher = Fetcher::with_resolver(rules(&["127.0.0.1"]), resolver.clone());
    assert!(fetcher.get(&url("files.example")).await.is_err());

    let fetcher = Fetcher::with_resolver(rules(&["127.0.0.1"]), resolver);
    fetcher.tls.trust(certificate);
    let fetched = fetcher.get(&url("files.example")).await.expect("fetched");
    assert_eq!(whole(fetched).await.expect("whole"), b"hello");
    assert!(fetcher.get(&url("other.example")).await.is_err());
}
