//! Passwords: which are taken, how they are hashed, and how many at a time.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use fleet::limits::{PASSWORD_CHECKS_AT_A_TIME, PASSWORD_CHECKS_WAITING_MAX};
use fleet::{Secret, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::command::Error;

type HashError = argon2::password_hash::Error;

/// The fewest bytes of a password (NIST SP 800-63B, section 5.1.1.1).
const BYTES_MIN: usize = 8;

/// Bytes of a salt (RFC 9106, section 3.1: 16 are recommended).
pub(super) const SALT_BYTES: usize = 16;

/// What a hash costs: 19 MiB of memory, two passes, one lane (OWASP Password Storage Cheat Sheet,
/// "Argon2id").
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of a hash.
const HASH_BYTES: usize = Params::DEFAULT_OUTPUT_LEN;

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
    /// What they hash in.
    memories: Arc<Memories>,
}

/// The right to hash one password.
pub(super) struct Turn {
    memories: Arc<Memories>,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The memory of those who hash, one piece for each who may at a time. A piece is allocated when it
/// is first needed and then kept: allocated anew for each hash, on whichever thread, it would stay
/// with the allocator, once for each thread that ever hashed.
#[derive(Default)]
struct Memories(Mutex<Vec<Vec<Block>>>);

impl Memories {
    /// A piece that nobody hashes in, of as many blocks as a hash takes.
    ///
    /// Errors: [`Error::Busy`] if there is no memory for it.
    fn take(&self) -> Result<Vec<Block>, Error> {
        if let Some(memory) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(memory);
        }
        let blocks = params().map_err(|error| unhashable(&error.into()))?.block_count();
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| Error::Busy)?;
        memory.resize(blocks, Block::new());
        Ok(memory)
    }

    /// Keeps a piece for who hashes next.
    fn give_back(&self, memory: Vec<Block>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
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
            memories: Arc::default(),
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
        Ok(Turn { memories: self.memories.clone(), _permits: [admitted, at_work] })
    }
}

impl Turn {
    /// Hashes `password`, on a thread that may block. Gives the PHC string form.
    pub(super) async fn hash(
        self,
        password: Secret<String>,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Error> {
        let hashed = self.on_a_blocking_thread(move |memory| {
            let salt = Salt::new(&salt)?;
            hash_in(memory, &password, salt).map(|hash| hash.to_string())
        });
        hashed.await?.map_err(|error| unhashable(&error))
    }

    /// Whether `password` is the one of `hash`, on a thread that may block. Without a hash it is
    /// not, and that takes as long to say.
    ///
    /// Errors: the hash can't be read as one, or is not of the one kind and cost that
    /// [`Self::hash`] gives.
    pub(super) async fn verify(
        self,
        password: Secret<String>,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let verified = self.on_a_blocking_thread(move |memory| {
            let is_somebody = hash.is_some();
            let known = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            let (Some(salt), Some(_)) = (known.salt, known.hash) else {
                return Err(HashError::EncodingInvalid);
            };
            let given = hash_in(memory, &password, salt)?;
            if (&known.algorithm, &known.version) != (&given.algorithm, &given.version) {
                return Err(HashError::Algorithm);
            }
            if known.params != given.params {
                return Err(HashError::ParamsInvalid);
            }
            // Outputs are compared in constant time.
            Ok(known.hash == given.hash && is_somebody)
        });
        verified.await?.map_err(|error| {
            let what = "a user's password hash".to_owned();
            Error::Store(store::Error::Damaged { what, detail: error.to_string() })
        })
    }

    /// Runs `work` in the memory for one hash, and gives both memory and turn back when it has
    /// ended, even if nobody waits for it any more: a thread can't be stopped.
    async fn on_a_blocking_thread<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let running = tokio::task::spawn_blocking(move || {
            let mut memory = self.memories.take()?;
            let done = work(&mut memory);
            self.memories.give_back(memory);
            drop(self);
            Ok(done)
        });
        running.await.map_err(|_| Error::Closed)?
    }
}

/// The cost above.
fn params() -> argon2::Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES))
}

/// The Argon2id hash (RFC 9106) of `password` at the cost above, worked out in `memory`.
fn hash_in(
    memory: &mut [Block],
    password: &Secret<String>,
    salt: Salt,
) -> Result<PasswordHash, HashError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?);
    let mut output = Zeroizing::new([0; HASH_BYTES]);
    let password = password.expose().as_bytes();
    argon2.hash_password_into_with_memory(password, &salt, &mut *output, memory)?;
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(salt),
        hash: Some(Output::new(&*output)?),
    })
}

/// Why there is no hash of a password.
fn unhashable(error: &HashError) -> Error {
    Error::Invalid { what: "password".to_owned(), detail: format!("can't be hashed: {error}") }
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
        let of_another_kind = one.replace("argon2id", "argon2i");
        let of_another_version = one.replace("v=19", "v=16");
        let of_another_cost = one.replace("m=19456", "m=4194304");
        let cut = one.rsplit_once('$').unwrap().0;
        for bad in ["$argon2id$", &of_another_kind, &of_another_version, &of_another_cost, cut] {
            let error = verify("hunter2-23", Some(bad)).await.unwrap_err();
            assert!(matches!(error, Error::Store(store::Error::Damaged { .. })), "{error:?}");
        }
        assert_eq!(checks.memories.0.lock().unwrap().len(), 1, "one hashed at a time");
    }

    /// The hash is the reference implementation's (github.com/P-H-C/phc-winner-argon2), of its
    /// `argon2id_hash_encoded`: the RFC's own test vector has a secret, which ours don't.
    #[tokio::test]
    async fn a_hash_of_another_implementation_is_verified() {
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    K13EBUiG7JV+9ZxztmHFTdb7J0WQsnj2V8bZaqyPptE";
        let checks = PasswordChecks::new();
        for (password, expected) in [("password", true), ("passwore", false)] {
            let turn = checks.turn().await.unwrap();
            let is_right = turn.verify(secret(password), Some(hash.to_owned())).await.unwrap();
            assert_eq!(is_right, expected);
        }
    }

    /// Many at a time, from many threads, take the memory of those who may hash at a time.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn memory_is_kept_for_as_many_as_may_hash_at_a_time() {
        let checks = Arc::new(PasswordChecks::new());
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let checks = checks.clone();
            running.spawn(async move {
                let turn = checks.turn().await.unwrap();
                turn.verify(secret("hunter2-23"), None).await.unwrap()
            });
        }
        while let Some(is_right) = running.join_next().await {
            assert!(!is_right.unwrap());
        }
        let kept = checks.memories.0.lock().unwrap().len();
        assert!((1..=PASSWORD_CHECKS_AT_A_TIME).contains(&kept), "{kept}");
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
