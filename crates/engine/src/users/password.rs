//! Passwords: which are taken, how they are hashed, and how many at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use fleet::limits::{PASSWORD_CHECKS_AT_A_TIME, PASSWORD_CHECKS_WAITING_MAX};
use fleet::{Secret, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::command::Error;

/// The fewest bytes of a password (NIST SP 800-63B, section 5.1.1.1).
const BYTES_MIN: usize = 8;

/// Bytes of a salt (RFC 9106, section 3.1: 16 are recommended).
pub(super) const SALT_BYTES: usize = 16;

/// What a hash costs: 19 MiB of memory, two passes, one lane (OWASP Password Storage Cheat Sheet,
/// "Argon2id").
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash that is checked where there is no user, at the same cost. It is no password's: both its
/// salt and its output are made up.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Zmxl/XR3cmln+HRub2JvZA$\
                      AhhDRSdBMLxl0sXpVZvQ3IxyLd8RYmyjdhCoJ4Rn9YE";

/// Whether `password` is one that is taken: 8 to 128 bytes without control characters.
pub(super) fn check(password: &Secret<String>) -> Result<(), Error> {
    let password = password.expose();
    let bytes_max = limits::USER_BYTES_MAX;
    let detail = if password.len() < BYTES_MIN || password.len() > bytes_max {
        format!("must have {BYTES_MIN} to {bytes_max} bytes")
    } else if password.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid { what: "password".to_owned(), detail })
}

/// Lets a few passwords at a time be hashed, since each takes much memory and time, and a few more
/// wait.
pub(crate) struct PasswordChecks {
    /// Who may wait or hash.
    admitted: Arc<Semaphore>,
    /// Who may hash.
    at_work: Arc<Semaphore>,
}

/// The right to hash one password.
#[derive(Debug)]
pub(super) struct Turn {
    _permits: [OwnedSemaphorePermit; 2],
}

/// As many wait as may.
#[derive(Debug)]
pub(super) struct TooMany;

impl PasswordChecks {
    pub(crate) fn new() -> Self {
        let admitted = PASSWORD_CHECKS_AT_A_TIME + PASSWORD_CHECKS_WAITING_MAX;
        Self {
            admitted: Arc::new(Semaphore::new(admitted)),
            at_work: Arc::new(Semaphore::new(PASSWORD_CHECKS_AT_A_TIME)),
        }
    }

    /// Whether as many wait as may.
    #[cfg(test)]
    pub(super) fn is_full(&self) -> bool {
        self.admitted.available_permits() == 0
    }

    /// Waits for a turn, or says at once that too many do.
    pub(super) async fn turn(&self) -> Result<Turn, TooMany> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| TooMany)?;
        let at_work = self.at_work.clone().acquire_owned().await.map_err(|_| TooMany)?;
        Ok(Turn { _permits: [admitted, at_work] })
    }
}

impl Turn {
    /// Hashes `password`, on a thread that may block. Gives the PHC string form.
    pub(super) async fn hash(
        self,
        password: Secret<String>,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Error> {
        let hashed = self.on_a_blocking_thread(move || {
            argon2()?
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map(|hash| hash.to_string())
        });
        hashed.await?.map_err(|error| Error::Invalid {
            what: "password".to_owned(),
            detail: format!("can't be hashed: {error}"),
        })
    }

    /// Whether `password` is the one of `hash`, on a thread that may block. Without a hash it is
    /// not, and that takes as long to say.
    ///
    /// Errors: the hash can't be read as one.
    pub(super) async fn verify(
        self,
        password: Secret<String>,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let verified = self.on_a_blocking_thread(move || {
            let is_somebody = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            match argon2()?.verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) => Ok(is_somebody),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        });
        verified.await?.map_err(|error| {
            let what = "a user's password hash".to_owned();
            Error::Store(store::Error::Damaged { what, detail: error.to_string() })
        })
    }

    /// Runs `work` and gives the turn back when it has ended, even if nobody waits for it any more:
    /// a thread can't be stopped, and goes on taking its memory.
    async fn on_a_blocking_thread<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let running = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(self);
            done
        });
        running.await.map_err(|_| Error::Closed)
    }
}

/// Argon2id (RFC 9106) at the cost above. A hash is verified at the cost that it names itself.
fn argon2() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn says_what_is_wrong_with_a_password_and_not_what_it_is() {
        for password in ["12345678", &"x".repeat(128), "pass word", "пароль-长"] {
            assert!(check(&secret(password)).is_ok(), "{password}");
        }
        for (password, why) in [
            ("1234567", "password: must have 8 to 128 bytes"),
            ("", "password: must have 8 to 128 bytes"),
            (&*"x".repeat(129), "password: must have 8 to 128 bytes"),
            (&*"长".repeat(43), "password: must have 8 to 128 bytes"),
            ("hunter2\n23", "password: has a control character"),
            ("hunter2\u{85}23", "password: has a control character"),
        ] {
            assert_eq!(check(&secret(password)).unwrap_err().to_string(), why);
        }
    }

    #[tokio::test]
    async fn a_hash_costs_what_it_should_and_nobodys_costs_the_same() {
        let checks = PasswordChecks::new();
        let turn = async || checks.turn().await.unwrap();
        let one = turn().await.hash(secret("hunter2-23"), [1; 16]).await.unwrap();
        let other = turn().await.hash(secret("hunter2-23"), [2; 16]).await.unwrap();
        assert!(one.starts_with(COST), "{one}");
        assert_ne!(one, other, "the salt has its part in it");
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert!(NOBODY.starts_with(COST));
        let known = PasswordHash::new(&one).unwrap();
        assert_eq!(nobody.hash.unwrap().len(), known.hash.unwrap().len());
        assert_eq!(nobody.salt.unwrap().len(), known.salt.unwrap().len());

        let verify = async |password: &str, hash: Option<&str>| {
            turn().await.verify(secret(password), hash.map(str::to_owned)).await
        };
        assert!(verify("hunter2-23", Some(&one)).await.unwrap());
        assert!(!verify("hunter2-24", Some(&one)).await.unwrap());
        assert!(!verify("hunter2-23", None).await.unwrap());
        let error = verify("hunter2-23", Some("$argon2id$")).await.unwrap_err();
        assert!(matches!(error, Error::Store(store::Error::Damaged { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn a_few_hash_a_few_wait_and_the_rest_is_refused() {
        let checks = Arc::new(PasswordChecks::new());
        let mut at_work = Vec::new();
        for _ in 0..PASSWORD_CHECKS_AT_A_TIME {
            at_work.push(checks.turn().await.unwrap());
        }
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..PASSWORD_CHECKS_WAITING_MAX {
            let checks = checks.clone();
            waiting.spawn(async move { checks.turn().await.is_ok() });
        }
        while !checks.is_full() {
            tokio::task::yield_now().await;
        }
        assert!(checks.turn().await.is_err());
        assert!(waiting.try_join_next().is_none(), "nobody passes those at work");
        drop(at_work);
        while let Some(passed) = waiting.join_next().await {
            assert!(passed.unwrap());
        }
        assert!(checks.turn().await.is_ok());
    }
}
