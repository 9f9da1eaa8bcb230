//! The listener over TLS: handshakes, protocols, a certificate that is replaced while serving.

use std::path::PathBuf;

use api::tls::{Reloading, provider, server_config};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

/// A server with its certificate files.
struct Secured {
    folder: TempDir,
    serving: Serving,
    certificate: Arc<Reloading>,
}

impl Secured {
    async fn start(limits: Limits) -> (Self, CertificateDer<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let trusted = write_new_certificate(&folder);
        let [certificate, key] = files(&folder);
        let (config, certificate) = server_config(&certificate, &key).unwrap();
        let serving = serve(limits, Some(config)).await;
        (Self { folder, serving, certificate }, trusted)
    }

    /// A handshake by a client that trusts this certificate alone.
    async fn connect(
        &self,
        trusted: &CertificateDer<'static>,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let handshake =
            TlsConnector::from(Arc::new(config)).connect(name, self.serving.connect().await);
        timeout(PATIENCE, handshake).await.unwrap()
    }
}

fn files(folder: &TempDir) -> [PathBuf; 2] {
    ["certificate.pem", "key.pem"].map(|name| folder.path().join(name))
}

/// Writes a fresh self-signed pair and gives its certificate.
fn write_new_certificate(folder: &TempDir) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let [certificate, key] = files(folder);
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_file(&certificate).unwrap()
}

#[tokio::test]
async fn answers_over_tls_and_drains() {
    let (secured, trusted) = Secured::start(Limits::default()).await;
    let mut stream = secured.connect(&trusted, &[]).await.unwrap();
    let me = stream.get_ref().0.local_addr().unwrap().to_string();
    for _ in 0..2 {
        send(&mut stream, "/peer").await;
        answer(&mut stream, &me).await;
    }
    assert_eq!(secured.serving.stop().await, Drained { cut_off: 0 });
}

#[tokio::test]
async fn offers_http_1_alone() {
    let (secured, trusted) = Secured::start(Limits::default()).await;
    let stream = secured.connect(&trusted, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(secured.connect(&trusted, &[b"h2"]).await.is_err());
}

#[tokio::test]
async fn a_reload_serves_the_new_certificate_and_keeps_open_connections() {
    let (secured, old) = Secured::start(Limits::default()).await;
    let mut open = secured.connect(&old, &[]).await.unwrap();

    let new = write_new_certificate(&secured.folder);
    secured.connect(&old, &[]).await.expect("nothing changes before the reload");
    secured.certificate.reload().unwrap();
    secured.connect(&new, &[]).await.expect("the new certificate");
    assert!(secured.connect(&old, &[]).await.is_err());

    let [_, key] = files(&secured.folder);
    std::fs::write(key, "not a key").unwrap();
    let error = secured.certificate.reload().unwrap_err().to_string();
    assert!(error.contains("key.pem holds no private key"), "{error}");
    secured.connect(&new, &[]).await.expect("a bad file keeps what works");

    let me = open.get_ref().0.local_addr().unwrap().to_string();
    send(&mut open, "/peer").await;
    answer(&mut open, &me).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_or_is_none_is_closed() {
    let (secured, _) = Secured::start(short()).await;
    for start in ["", "\x16\x03\x01", "GET /peer HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = secured.serving.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        let text = until_closed(&mut stream).await;
        assert!(!text.contains("HTTP"), "{text}");
    }
}

#[tokio::test]
async fn who_says_nothing_after_the_handshake_is_closed() {
    let (secured, trusted) =
        Secured::start(Limits { header_timeout: short().header_timeout, ..Limits::default() })
            .await;
    let mut silent = secured.connect(&trusted, &[]).await.unwrap();
    assert_eq!(until_closed(&mut silent).await, "");
}

#[tokio::test]
async fn over_the_cap_a_connection_is_closed_without_a_handshake() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let (secured, trusted) = Secured::start(limits).await;
    let mut first = secured.connect(&trusted, &[]).await.unwrap();
    assert!(secured.connect(&trusted, &[]).await.is_err());
    let me = first.get_ref().0.local_addr().unwrap().to_string();
    send(&mut first, "/peer").await;
    answer(&mut first, &me).await;
}
