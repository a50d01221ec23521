//! Certificates.

use std::path::Path;
use std::sync::Arc;

use crate::responder::{echo, echoed, serve};
use pileus_client::{Client, Error, Options};
use pileus_wire::Params;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Starts a server whose certificate names `host`, and writes its authority's into `ca_file`.
async fn server(host: &str, ca_file: &Path) -> u16 {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca_file, authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = serve(stream, 1, &|call| echo(call.name)).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn both_protocols_work_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let port = server("127.0.0.1", &ca_file).await;
    let options = Options {
        ca_file: Some(ca_file),
        ..Options::default()
    };
    for scheme in ["https", "bins"] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let client = Client::connect(&url, options.clone()).await.unwrap();
        for name in ["first", "second"] {
            let answer = client.call_raw(name, &Params::new()).await.unwrap();
            assert_eq!(echoed(&answer), name);
        }
    }
}

#[tokio::test]
async fn other_certificates_are_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let other_ca = folder.path().join("other.pem");
    let wrong_name = server("cloud.example", &ca_file).await;
    let port = server("127.0.0.1", &other_ca).await;
    for port in [wrong_name, port] {
        let options = Options {
            ca_file: Some(ca_file.clone()),
            ..Options::default()
        };
        let url = format!("https://127.0.0.1:{port}");
        let error = Client::connect(&url, options).await.err().unwrap();
        assert!(matches!(error, Error::Transport(_)), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_no_ca_file() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, "nothing").unwrap();
    let options = Options {
        ca_file: Some(ca_file),
        ..Options::default()
    };
    let error = Client::connect("https://127.0.0.1:1", options)
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("it holds no certificate"),
        "{error}"
    );
}
