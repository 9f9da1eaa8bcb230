//! The user names and passwords that GB devices register with: checked, sealed, and given to the
//! store as a change.

use std::time::Duration;

use fleet::job::PASSWORD_CHANGED;
use fleet::{DeviceId, ProjectId, Refusal, Secret, Timestamp, Values, limits};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::seal::MasterKey;
use store::write::{CredentialsPatch, SealedPassword};

use crate::access::check_text;
use crate::command::{Credentials, Error};
use crate::handle::Handle;
use crate::registrants;

/// What a job and a refusal call the digest user name (ISS, UpdateDevice).
pub(crate) const USER: &str = "User";
/// What they call the password.
pub(crate) const PASSWORD: &str = "Pwd";

impl Handle {
    /// A registration password as the store keeps it.
    ///
    /// Errors: it can't be sealed, which does not happen to one within its bounds.
    pub(crate) fn sealed_password(
        &self,
        project: &ProjectId,
        id: &DeviceId,
        password: &Secret<String>,
    ) -> Result<SealedPassword, Error> {
        let password = password.expose().as_bytes();
        let mut nonce = [0_u8; 24];
        self.shared.entropy.fill(&mut nonce);
        let place = registrants::sealed_with(project, id);
        let sealed = self.shared.master_key.seal(nonce, &place, password);
        let sealed = sealed.map_err(|error| Error::Invalid {
            what: "password".to_owned(),
            detail: error.to_string(),
        })?;
        let tag = tag(&self.shared.registrants.tag_key, [project.as_str(), id.as_str()], password);
        Ok(SealedPassword { sealed, tag })
    }

    /// What changes of who may register as a device, where `project_overlap_seconds` is what its
    /// project says of those that are replaced; `None` if nothing is asked. Checked already.
    pub(crate) fn credentials_patch(
        &self,
        project: &ProjectId,
        id: &DeviceId,
        asked: &Credentials,
        project_overlap_seconds: u32,
        now: Timestamp,
    ) -> Result<Option<CredentialsPatch>, Error> {
        if asked.is_empty() {
            return Ok(None);
        }
        let password = asked.password.as_ref();
        let password = password.map(|password| self.sealed_password(project, id, password));
        let of_project = Duration::from_secs(project_overlap_seconds.into());
        let overlap = asked.overlap.unwrap_or(of_project);
        Ok(Some(CredentialsPatch {
            user: asked.user.clone(),
            password: password.transpose()?,
            overlap_until: (!overlap.is_zero()).then(|| now.plus(overlap)),
        }))
    }
}

/// A keyed hash of a device's password, by `master_key`: equal for equal ones of one device, and of
/// no use to whoever has not the key. `of` are the ids of the project and of the device.
pub fn password_tag(master_key: &MasterKey, of: [&str; 2], password: &[u8]) -> [u8; 16] {
    tag(&tag_key(master_key), of, password)
}

/// The key of the hashes by which a password is known again.
pub(crate) fn tag_key(master_key: &MasterKey) -> [u8; 32] {
    master_key.derive("registration password tags")
}

/// The same by that key.
fn tag(key: &[u8; 32], [project, id]: [&str; 2], password: &[u8]) -> [u8; 16] {
    // Can't fail: HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 16] };
    for part in [project.as_bytes(), id.as_bytes(), password] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    whole.first_chunk().copied().unwrap_or_default()
}

/// Checks what is asked, and says which part is wrong. Never what the password was.
pub(crate) fn check(asked: &Credentials) -> Result<(), Refusal> {
    let invalid = |name: &str, detail: String| {
        Err(Refusal::PropertyInvalid { name: name.to_owned(), detail })
    };
    if let Some(user) = &asked.user
        && let Err(detail) = check_user(user)
    {
        return invalid(USER, detail);
    }
    if let Some(password) = &asked.password
        && let Err(Error::Invalid { detail, .. }) =
            check_text(PASSWORD, password.expose(), limits::REGISTRANT_BYTES_MAX)
    {
        return invalid(PASSWORD, detail);
    }
    if asked.overlap.is_some_and(|overlap| overlap > limits::PASSWORD_OVERLAP_MAX) {
        let days = limits::PASSWORD_OVERLAP_MAX.as_secs() / (24 * 60 * 60);
        return invalid(PASSWORD, format!("what it replaces may work for {days} days at most"));
    }
    Ok(())
}

/// Checks a digest user name; says what is wrong with it. It stands in quotes (RFC 3261, 25.1).
pub(crate) fn check_user(user: &str) -> Result<(), String> {
    match check_text(USER, user, limits::REGISTRANT_BYTES_MAX) {
        Err(Error::Invalid { detail, .. }) => Err(detail),
        _ if user.contains(['"', '\\']) => Err("has a quote or a backslash".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a value of this name is a secret, or half of one, wherever it stands among others.
pub(crate) fn is_secret(name: &str) -> bool {
    [USER, PASSWORD].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// What the job remembers of what is asked.
pub(crate) fn remember(record: &mut Values, asked: &Credentials) {
    if let Some(user) = &asked.user {
        record.insert(USER.to_owned(), user.clone());
    }
    if asked.password.is_some() {
        record.insert(PASSWORD.to_owned(), PASSWORD_CHANGED.to_owned());
    }
}
