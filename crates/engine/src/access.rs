//! Access keys, which operators make and revoke through the engine, and the checks of the texts
//! that operators give.

use std::sync::Arc;

use fleet::limits;
use fleet::{Catalogue, Kind, Principal, ProjectId, Role, Secret};
use store::Write;
use store::rekey::ACCESS_KEY_SECRET;
use store::write::{CreateKey, RevokeKey};

use crate::command::Error;
use crate::handle::Handle;
use crate::keys::AccessKey;

impl Handle {
    /// The access key with this id; `None` if there is none, or it is revoked, or its secret can't
    /// be opened because the master key it was sealed with is lost.
    ///
    /// Errors: the store failed.
    pub async fn access_key(&self, ak: &str) -> Result<Option<Arc<AccessKey>>, Error> {
        let shared = &self.shared;
        if let Some(key) = shared.keys.get(ak).filter(|_| shared.freshness.holds()) {
            return Ok(Some(key));
        }
        let revocations = shared.keys.revocations();
        let Some(sealed) = shared.store.access_key(ak).await? else { return Ok(None) };
        if sealed.revoked_at.is_some() {
            return Ok(None);
        }
        let data = sealed_with(sealed.project.as_ref().map(|(_, id)| id), &sealed.ak);
        let opened = shared
            .master_key
            .open(&data, &sealed.sealed_secret)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(secret) = opened else {
            tracing::warn!(ak, "the secret of an access key can't be opened with this master key");
            return Ok(None);
        };
        let key = Arc::new(AccessKey {
            ak: sealed.ak,
            project: sealed.project,
            strict: sealed.strict,
            secret: Secret::new(secret),
        });
        shared.keys.keep(&key, revocations);
        Ok(Some(key))
    }

    /// Makes an access key for a project, or for all, or takes over one that clients hold already
    /// (`given`: its id and its secret). With `strict`, ISS's signatures by it have to cover the
    /// whole request. Gives the id and the secret, which is not shown again.
    ///
    /// Errors: a key for all projects is asked for by one who is bound to a project; the id or the
    /// secret can't stand in a header; [`store::Refused::Exists`]; no such project; or the store
    /// failed.
    pub async fn create_key(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        given: Option<(String, Secret<String>)>,
        strict: bool,
    ) -> Result<(String, Secret<String>), Error> {
        let shared = &self.shared;
        if project.is_none() && principal.role() != Role::Admin {
            return Err(invalid("project", "a key for all projects is the operator's to make"));
        }
        let (ak, secret) = match given {
            Some(given) => given,
            None => {
                let ak = self.random_hex().get(..20).unwrap_or_default().to_uppercase();
                (ak, Secret::new(self.random_hex() + &self.random_hex()))
            }
        };
        check_word("access key id", &ak)?;
        check_word("access key secret", secret.expose())?;
        let mut nonce = [0_u8; 24];
        shared.entropy.fill(&mut nonce);
        let sealed =
            shared.master_key.seal(nonce, &sealed_with(project, &ak), secret.expose().as_bytes());
        let write = Write::CreateKey(CreateKey {
            ak: ak.clone(),
            project: project.cloned(),
            strict,
            sealed_secret: sealed.map_err(|error| invalid("access key secret", error))?,
            at: shared.clock.now(),
        });
        shared.store.write(principal, write).await??;
        Ok((ak, secret))
    }

    /// Revokes an access key: no request signed with it is accepted once this has returned.
    pub async fn revoke_key(&self, principal: &Principal, ak: &str) -> Result<(), Error> {
        let shared = self.shared.clone();
        let principal = principal.clone();
        let ak = ak.to_owned();
        // On a task of its own: the key must be forgotten even if the caller goes away meanwhile.
        let revoking = async move {
            let write = Write::RevokeKey(RevokeKey { ak: ak.clone(), at: shared.clock.now() });
            let written = shared.store.write(&principal, write).await;
            shared.keys.forget(&ak);
            written
        };
        tokio::spawn(revoking).await.map_err(|_| Error::Closed)???;
        Ok(())
    }

    /// 32 hexadecimal digits that nobody can foresee.
    pub(crate) fn random_hex(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.shared.entropy.fill(&mut bytes);
        hex::encode(bytes)
    }
}

/// A name that may be left out.
pub(crate) fn check_optional(what: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() { Ok(()) } else { check_text(what, name, limits::NAME_BYTES_MAX) }
}

/// Where a device answers: a host and a port of 1 to 65535.
pub(crate) fn check_address(what: &str, address: &str) -> Result<(), Error> {
    check_text(what, address, limits::ADDRESS_BYTES_MAX)?;
    let port = address
        .rsplit_once(':')
        .and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>().ok()).flatten());
    if port.is_none_or(|port| port == 0) {
        return Err(Error::Invalid {
            what: what.to_owned(),
            detail: format!("{address:?} is not host:port"),
        });
    }
    Ok(())
}

/// A profile that the catalogue has for devices of this kind.
pub(crate) fn check_profile(
    what: &str,
    catalogue: &Catalogue,
    kind: Kind,
    profile: &str,
) -> Result<(), Error> {
    if catalogue.profile(profile).is_some_and(|profile| profile.kind == kind) {
        return Ok(());
    }
    let of_kind = catalogue.profiles().filter(|profile| profile.kind == kind);
    let known: Vec<&str> = of_kind.map(|profile| profile.name.as_str()).collect();
    let kind = kind.name();
    let detail = format!("no profile {profile:?} for a {kind}; there are {}", known.join(", "));
    Err(Error::Invalid { what: what.to_owned(), detail })
}

/// What ties a sealed secret to its place, so that it opens nowhere else. No project has an empty
/// id: that place is of keys that open all.
fn sealed_with<'a>(project: Option<&'a ProjectId>, ak: &'a str) -> [&'a str; 3] {
    [project.map_or("", ProjectId::as_str), ak, ACCESS_KEY_SECRET]
}

pub(crate) fn invalid(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Invalid { what: what.to_owned(), detail: error.to_string() }
}

/// Text for people: not empty, bounded, no control characters.
pub(crate) fn check_text(what: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    let detail = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > bytes_max {
        format!("has {} bytes; at most {bytes_max} are allowed", text.len())
    } else if text.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid { what: what.to_owned(), detail })
}

/// A word that stands in a header: visible ASCII without commas, which separate a header's parts.
fn check_word(what: &str, word: &str) -> Result<(), Error> {
    let bytes_max = limits::ACCESS_KEY_BYTES_MAX;
    if word.is_empty() || word.len() > bytes_max {
        let detail = format!("must have 1 to {bytes_max} bytes");
        return Err(Error::Invalid { what: what.to_owned(), detail });
    }
    if !word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        let detail = "must be visible ASCII without commas".to_owned();
        return Err(Error::Invalid { what: what.to_owned(), detail });
    }
    Ok(())
}
