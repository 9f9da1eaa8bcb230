//! Tokens: what one looks like, and those of late, kept in bounded memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::{Grant, Principal, ProjectId, ProjectKey, Secret, Timestamp, limits};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use store::UserGrant;

/// Random bytes of a token.
pub(super) const TOKEN_BYTES: usize = 32;
/// Characters of a token: its bytes in base64url without padding (RFC 4648, section 5).
const TOKEN_CHARS: usize = (TOKEN_BYTES * 4).div_ceil(3);

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// What the token is spoken of by.
    pub id: String,
    /// What it is called; `None` if it was got by signing in.
    pub name: Option<String>,
    /// The user's name.
    pub user: String,
    /// The project that the user is of: the one that the token opens at a vendor's API.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// What the user may do, by project.
    pub grants: Vec<UserGrant>,
    /// When the token stops working, which may have passed.
    pub expires_at: Timestamp,
}

impl TokenHolder {
    /// What the user may do in a project; `None`: nothing.
    pub fn grant_in(&self, project: ProjectKey) -> Option<Grant> {
        self.grants.iter().find(|held| held.project == project).map(|held| held.grant)
    }

    /// The user as who may do what `grant` allows: in those projects where that is granted, or
    /// more. `None` if it is in none.
    pub fn with(&self, grant: Grant) -> Option<Principal> {
        let enough = self.grants.iter().filter(|held| held.grant >= grant);
        let projects: Vec<ProjectKey> = enough.map(|held| held.project).collect();
        (!projects.is_empty()).then(|| Principal::user(self.user.as_str(), projects))
    }
}

/// The token of these random bytes.
pub(super) fn in_words(random: &[u8; TOKEN_BYTES]) -> Secret<String> {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// Whether `token` could be one of ours.
pub(super) fn is_well_formed(token: &str) -> bool {
    token.len() == TOKEN_CHARS
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What the store keeps of a token. No salt and no cost: 32 random bytes can't be guessed.
pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The holders of tokens that were shown lately, by the token's hash. Those of a user are forgotten
/// the moment the user changes.
pub(crate) struct Tokens {
    known: Cache<[u8; 32], Arc<TokenHolder>>,
    /// Goes up with each change of a user, so that a look-up which began before one leaves nothing
    /// behind.
    changes: AtomicU64,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { known: Cache::new(limits::TOKENS_CACHED_MAX), changes: AtomicU64::new(0) }
    }

    /// The user has been changed.
    pub(crate) fn forget_user(&self, user: &str) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.retain(|_, holder| holder.user != user);
    }

    /// A project was deleted, and its users with it.
    pub(crate) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }

    /// Keeps a holder that was looked up when `changes` stood as given.
    pub(super) fn keep(&self, hash: [u8; 32], holder: &Arc<TokenHolder>, changes: u64) {
        self.known.insert(hash, holder.clone());
        if self.changes.load(Ordering::SeqCst) != changes {
            self.known.remove(&hash);
        }
    }

    /// The holder, if it was looked up lately.
    pub(super) fn get(&self, hash: &[u8; 32]) -> Option<Arc<TokenHolder>> {
        self.known.get(hash)
    }

    /// How many changes of users there were, to be handed to [`Self::keep`].
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(user: &str) -> Arc<TokenHolder> {
        Arc::new(TokenHolder {
            id: format!("id of {user}"),
            name: None,
            user: user.to_owned(),
            grants: Vec::new(),
            project: ProjectKey(1),
            project_id: ProjectId::new("p").unwrap(),
            expires_at: Timestamp(9),
        })
    }

    #[test]
    fn a_token_has_its_one_form() {
        let token = in_words(&[0xff; 32]);
        assert_eq!(token.expose(), &format!("{}8", "_".repeat(42)));
        assert!(is_well_formed(token.expose()));
        for other in ["", "a", &"_".repeat(42), &"_".repeat(44), &"+".repeat(43), &"é".repeat(43)]
        {
            assert!(!is_well_formed(other), "{other}");
        }
    }

    #[test]
    fn a_change_forgets_that_users_tokens_and_no_others() {
        let tokens = Tokens::new();
        tokens.keep([1; 32], &holder("a"), tokens.changes());
        tokens.keep([2; 32], &holder("b"), tokens.changes());
        tokens.forget_user("a");
        assert_eq!(tokens.get(&[1; 32]), None);
        assert_eq!(tokens.get(&[2; 32]), Some(holder("b")));
    }

    #[test]
    fn a_look_up_from_before_a_change_is_not_kept() {
        let tokens = Tokens::new();
        let before = tokens.changes();
        tokens.forget_user("a");
        tokens.keep([1; 32], &holder("a"), before);
        assert_eq!(tokens.get(&[1; 32]), None);
    }
}
