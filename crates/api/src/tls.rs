//! TLS for the doors: one crypto provider, certificates from PEM files, reload without a restart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Largest PEM file that is read. A chain of four certificates has about 8 kB.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// What is wrong with a certificate or key file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is far too large for PEM.
    #[error("{} is larger than 1 MiB, which no certificate or key file is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file's PEM blocks are broken.
    #[error("{} is not valid PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// No certificate is in the certificate file.
    #[error("{} holds no certificate (a block BEGIN CERTIFICATE)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// No usable key is in the key file.
    #[error(
        "{} holds no private key (a block BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY; \
         encrypted keys are not supported)", path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} does not belong to the first certificate in {}",
        key.display(), certificate.display())]
    Mismatch {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
    },
    /// The first certificate can't be parsed, or the key's type isn't supported.
    #[error("the certificate in {} with the key in {} cannot be used",
        certificate.display(), key.display())]
    Unusable {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The provider supports none of our protocol versions.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

/// The one crypto provider of the process: ring. Every TLS configuration is built with it by
/// name, so no default has to be installed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A TLS 1.2 and 1.3 configuration for the doors, offering HTTP/1.1, and the handle
/// that reloads its certificate. The files are PEM: the chain, own certificate first, and its
/// unencrypted private key.
///
/// # Errors
/// A file that can't be read or used; the error names it.
pub fn server_config(
    certificate_pem: &Path,
    key_pem: &Path,
) -> Result<(Arc<ServerConfig>, Arc<Reloading>), Error> {
    let certificate = Arc::new(Reloading::load(certificate_pem, key_pem)?);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Error::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), certificate))
}

/// The certificate that is presented now, and the files that it came from.
pub struct Reloading {
    /// The chain's file.
    certificate_pem: PathBuf,
    /// The key's file.
    key_pem: PathBuf,
    /// What new connections get.
    current: ArcSwap<CertifiedKey>,
}

impl Reloading {
    /// Reads both files.
    fn load(certificate_pem: &Path, key_pem: &Path) -> Result<Self, Error> {
        let current = ArcSwap::from_pointee(read_certified_key(certificate_pem, key_pem)?);
        Ok(Self { certificate_pem: certificate_pem.into(), key_pem: key_pem.into(), current })
    }

    /// Reads the files again; connections made from now on get the new certificate, those that
    /// are open keep theirs. Blocks for two small reads.
    ///
    /// # Errors
    /// Files that can't be used; the certificate in use then stays.
    pub fn reload(&self) -> Result<(), Error> {
        let fresh = read_certified_key(&self.certificate_pem, &self.key_pem)?;
        self.current.store(Arc::new(fresh));
        Ok(())
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Reloading");
        text.field("certificate_pem", &self.certificate_pem).field("key_pem", &self.key_pem);
        text.finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Reloading {
    /// The one certificate, whatever name the client asks for.
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// A chain and its key, checked to belong together.
fn read_certified_key(certificate_pem: &Path, key_pem: &Path) -> Result<CertifiedKey, Error> {
    let broken = |path: &Path, source| Error::Pem { path: path.into(), source };
    let chain = CertificateDer::pem_slice_iter(&read(certificate_pem)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| broken(certificate_pem, source))?;
    if chain.is_empty() {
        return Err(Error::NoCertificate { path: certificate_pem.into() });
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key_pem)?).map_err(|source| match source {
        pem::Error::NoItemsFound => Error::NoKey { path: key_pem.into() },
        source => broken(key_pem, source),
    })?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|source| {
        let (certificate, key) = (certificate_pem.into(), key_pem.into());
        match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Error::Mismatch { certificate, key }
            }
            source => Error::Unusable { certificate, key, source },
        }
    })
}

/// A whole file of at most [`PEM_BYTES_MAX`].
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let failed = |source| Error::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(PEM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > PEM_BYTES_MAX {
        return Err(Error::TooLarge { path: path.into() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A self-signed certificate and its key, both in PEM.
    fn generate(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// The error that these two files give, with its causes.
    fn refusal(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (c, k) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&c, certificate).unwrap();
        std::fs::write(&k, key).unwrap();
        let error = server_config(&c, &k).unwrap_err();
        let source = std::error::Error::source(&error);
        let cause = source.map_or_else(String::new, |source| format!(": {source}"));
        format!("{error}{cause}").replace(folder.path().to_str().unwrap(), "DIR")
    }

    #[test]
    fn each_bad_file_is_named_with_what_is_wrong() {
        let (certificate, key) = generate("localhost");
        let (_, other_key) = generate("localhost");
        let bogus = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let rows = [
            ("", key.as_str(), "DIR/c.pem holds no certificate"),
            (&key, &key, "DIR/c.pem holds no certificate"),
            (&certificate, "", "DIR/k.pem holds no private key"),
            (&certificate, &certificate, "DIR/k.pem holds no private key"),
            (&certificate, &other_key, "the key in DIR/k.pem does not belong to the first"),
            (bogus, &key, "the certificate in DIR/c.pem with the key in DIR/k.pem cannot be used"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", &key, "DIR/c.pem is not valid PEM"),
            (&certificate, "-----BEGIN PRIVATE KEY-----\n", "DIR/k.pem is not valid PEM"),
            (&"x".repeat(1024 * 1024 + 1), &key, "DIR/c.pem is larger than 1 MiB"),
        ];
        for (certificate, key, expected) in rows {
            let text = refusal(certificate, key);
            assert!(text.starts_with(expected), "{expected:?}, but: {text}");
        }
        let absent = server_config(Path::new("/nonexistent/c.pem"), Path::new("/k.pem"));
        assert_eq!(absent.unwrap_err().to_string(), "cannot read /nonexistent/c.pem");
    }

    #[test]
    fn a_bad_new_file_keeps_the_certificate_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let (c, k) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let (certificate, key) = generate("localhost");
        std::fs::write(&c, certificate).unwrap();
        std::fs::write(&k, &key).unwrap();
        let (_, reloading) = server_config(&c, &k).unwrap();
        let first = reloading.current.load_full();

        let (certificate, key) = generate("localhost");
        std::fs::write(&c, certificate).unwrap();
        assert!(matches!(reloading.reload(), Err(Error::Mismatch { .. })));
        assert!(Arc::ptr_eq(&first, &reloading.current.load_full()));

        std::fs::write(&k, key).unwrap();
        reloading.reload().unwrap();
        assert_ne!(first.cert, reloading.current.load_full().cert);
    }

    #[test]
    fn debug_shows_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let (c, k) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let (certificate, key) = generate("localhost");
        std::fs::write(&c, certificate).unwrap();
        std::fs::write(&k, &key).unwrap();
        let (config, reloading) = server_config(&c, &k).unwrap();
        let secret = key.lines().nth(1).unwrap();
        for text in [format!("{reloading:?}"), format!("{config:?}")] {
            assert!(!text.contains(secret) && !text.contains("PRIVATE"), "{text}");
        }
    }
}
