//! TLS to the database: what of the server is checked.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether and how connections to the database are encrypted. The words are libpq's
/// (postgresql.org/docs/15/libpq-ssl.html, table 34.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// They are not.
    #[default]
    Disable,
    /// They are. With a CA, the server's certificate has to come from it, whatever its name;
    /// without one, nobody knows who the server is.
    Require,
    /// They are, and the server's certificate has to come from the CA and bear the host's name.
    VerifyFull,
}

/// A word that is none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to use TLS: disable, require or verify-full")]
pub struct NoTlsMode(String);

impl FromStr for Tls {
    type Err = NoTlsMode;

    fn from_str(word: &str) -> Result<Self, NoTlsMode> {
        match word {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(NoTlsMode(word.to_owned())),
        }
    }
}

/// Why TLS can't be used as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Nothing to check the server with.
    #[error("TLS with verify-full needs the certificate of the CA (tls_ca)")]
    NoCa,
    /// A CA where nothing is encrypted: somebody believes that it is.
    #[error("a CA is given (tls_ca) and TLS is disabled: use verify-full")]
    CaUnused,
    /// The file of the CA can't be read, or holds no certificate in PEM.
    #[error("the certificates in {} can't be read", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The library refused what it was given.
    #[error("TLS can't be set up")]
    SetUp(#[source] rustls::Error),
}

/// What makes encrypted connections; `None` if they are not to be encrypted.
pub(super) fn connector(
    tls: Tls,
    ca: Option<&Path>,
) -> Result<Option<MakeRustlsConnect>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match (tls, ca) {
        (Tls::Disable, None) => return Ok(None),
        (Tls::Disable, Some(_)) => return Err(TlsError::CaUnused),
        (Tls::VerifyFull, None) => return Err(TlsError::NoCa),
        (Tls::Require, None) => Arc::new(Loose { chain: None, provider: Arc::clone(&provider) }),
        (Tls::Require, Some(ca)) => {
            let chain = Some(verifier(ca, &provider)?);
            Arc::new(Loose { chain, provider: Arc::clone(&provider) })
        }
        (Tls::VerifyFull, Some(ca)) => verifier(ca, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::SetUp)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// What checks certificates against those in a file.
fn verifier(
    ca: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<rustls::client::WebPkiServerVerifier>, TlsError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| TlsError::Ca {
        path: ca.to_owned(),
        source,
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(ca).map_err(|error| failed(error.into()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(error.into()))?;
        roots.add(certificate).map_err(|error| failed(error.into()))?;
    }
    // A file without any is refused here: no roots, no verifier.
    rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(provider),
    )
    .build()
    .map_err(|error| failed(error.into()))
}

/// Takes a certificate whatever name it bears: from the CA if there is one, otherwise any.
#[derive(Debug)]
struct Loose {
    chain: Option<Arc<rustls::client::WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Loose {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is looked at last, so that this refusal means that all else is well.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
