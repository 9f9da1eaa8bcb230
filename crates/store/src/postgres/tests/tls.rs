//! TLS: the server is who it has to be, or nothing is said to it.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::server::{Server, USER};
use crate::conformance::fixture::create_project;
use crate::postgres::{Options, Postgres, Tls};

/// Who signs certificates.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What opens the database over TCP.
fn options(server: &Server, host: &str, tls: Tls, ca: Option<&Path>) -> Options {
    let url = format!("postgres://{USER}@{host}:{}/f", server.port());
    Options { url, tls, tls_ca: ca.map(Path::to_owned), ..server.options("f") }
}

/// Whether it opens; what is wrong otherwise.
async fn opens(options: Options) -> Result<(), String> {
    let store = Postgres::open(options).await.map_err(|error| error.to_string())?;
    // One that no other makes.
    create_project(&store, &format!("p{}", getrandom::u32().unwrap())).await;
    store.close().await;
    Ok(())
}

#[tokio::test]
async fn the_server_is_checked_as_far_as_asked_for() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let (ours, theirs) =
        (server.put("ours.pem", &ours.pem()), server.put("theirs.pem", &theirs.pem()));
    let refused = opens(options(&server, "localhost", Tls::Require, None)).await.unwrap_err();
    assert!(refused.contains("does not support TLS"), "{refused}");

    let certificate = server.put("server.pem", &certificate.pem());
    let key = server.put("server.key", &key.serialize_pem());
    let settings = [
        ("ssl_cert_file", certificate.to_str().unwrap()),
        ("ssl_key_file", key.to_str().unwrap()),
        ("ssl", "on"),
    ];
    for (name, value) in settings {
        server.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'")).await;
    }
    server.sql("postgres", "SELECT pg_reload_conf()").await;
    server.wait_until("postgres", "SELECT current_setting('ssl') = 'on'").await;
    // Whoever comes without TLS from here on is refused.
    server.put("data/pg_hba.conf", "local all all trust\nhostssl all all all trust\n");
    server.sql("postgres", "SELECT pg_reload_conf()").await;
    let without = || opens(options(&server, "localhost", Tls::Disable, None));
    while without().await.is_ok() {}

    let with = |host, tls, ca| opens(options(&server, host, tls, ca));
    with("localhost", Tls::VerifyFull, Some(&*ours)).await.unwrap();
    with("127.0.0.1", Tls::Require, Some(&*ours)).await.unwrap();
    with("127.0.0.1", Tls::Require, None).await.unwrap();
    let name = with("127.0.0.1", Tls::VerifyFull, Some(&*ours)).await.unwrap_err();
    assert!(name.contains("not valid for name"), "{name}");
    for tls in [Tls::VerifyFull, Tls::Require] {
        let signer = with("localhost", tls, Some(&*theirs)).await.unwrap_err();
        assert!(signer.contains("invalid peer certificate"), "{signer}");
    }
    let none = with("localhost", Tls::VerifyFull, None).await.unwrap_err();
    assert!(none.contains("needs the certificate of the CA"), "{none}");
    let unused = with("localhost", Tls::Disable, Some(&*ours)).await.unwrap_err();
    assert!(unused.contains("TLS is disabled"), "{unused}");
    let empty = server.put("empty.pem", "");
    let empty = with("localhost", Tls::VerifyFull, Some(&*empty)).await.unwrap_err();
    assert!(empty.contains("empty.pem can't be read"), "{empty}");
}

#[test]
fn the_words_are_those_of_libpq() {
    for (word, tls) in
        [("disable", Tls::Disable), ("require", Tls::Require), ("verify-full", Tls::VerifyFull)]
    {
        assert_eq!(word.parse(), Ok(tls));
    }
    assert!("prefer".parse::<Tls>().unwrap_err().to_string().contains("verify-full"));
}
