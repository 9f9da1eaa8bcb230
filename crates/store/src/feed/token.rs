//! A place in the feed as clients hold it: opaque, and of one store alone.

use std::fmt;
use std::str::FromStr;

use super::FeedPosition;
use crate::Error;

/// What tells a store from all others: 16 random bytes, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// One that no store has.
    pub(crate) fn new() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|source| Error::Failed {
            operation: "make an id by chance",
            source: source.to_string().into(),
        })?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for StoreId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The form that tokens have now, their first byte.
const FORM: u8 = 2;

/// A place in the feed of one store, as text: what a client that watches goes on from. It is for
/// the server alone to understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeToken {
    /// The store.
    pub store: StoreId,
    /// The place.
    pub position: FeedPosition,
}

/// The token names no place in this store's feed: it is none, or another store's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resume token is unknown here")]
pub struct UnknownToken;

impl ResumeToken {
    /// The place in the feed of `store` that `text` stands for.
    pub fn read(text: &str, store: StoreId) -> Result<FeedPosition, UnknownToken> {
        let token: Self = text.parse()?;
        if token.store == store { Ok(token.position) } else { Err(UnknownToken) }
    }
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(41);
        bytes.push(FORM);
        bytes.extend_from_slice(&self.store.0);
        bytes.extend_from_slice(&self.position.timeline.to_be_bytes());
        bytes.extend_from_slice(&self.position.transaction.to_be_bytes());
        bytes.extend_from_slice(&self.position.row.to_be_bytes());
        f.write_str(&hex::encode(bytes))
    }
}

impl FromStr for ResumeToken {
    type Err = UnknownToken;

    fn from_str(text: &str) -> Result<Self, UnknownToken> {
        let mut bytes = [0; 41];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| UnknownToken)?;
        let [FORM, rest @ ..] = bytes else {
            return Err(UnknownToken);
        };
        let (store, position) = rest.split_first_chunk::<16>().ok_or(UnknownToken)?;
        let (timeline, position) = position.split_first_chunk::<8>().ok_or(UnknownToken)?;
        let (transaction, row) = position.split_first_chunk::<8>().ok_or(UnknownToken)?;
        let row = <[u8; 8]>::try_from(row).map_err(|_| UnknownToken)?;
        let position = FeedPosition {
            timeline: i64::from_be_bytes(*timeline),
            transaction: i64::from_be_bytes(*transaction),
            row: i64::from_be_bytes(row),
        };
        Ok(Self { store: StoreId(*store), position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_by_its_own_store_alone() {
        let store = StoreId([7; 16]);
        let max = i64::MAX;
        for (timeline, transaction, row) in [(0, 0, 0), (0, 0, 1), (max, max, max), (3, 81_234, 5)]
        {
            let position = FeedPosition { timeline, transaction, row };
            let text = ResumeToken { store, position }.to_string();
            assert_eq!(text.len(), 82);
            assert_eq!(ResumeToken::read(&text, store), Ok(position));
            assert_eq!(ResumeToken::read(&text, StoreId([8; 16])), Err(UnknownToken));
            for broken in [&text[2..], &text[..80], &format!("01{}", &text[2..]), ""] {
                assert_eq!(ResumeToken::read(broken, store), Err(UnknownToken), "{broken}");
            }
        }
        assert_eq!(ResumeToken::read(&"zz".repeat(41), store), Err(UnknownToken));
        assert_eq!(store.to_string().parse(), Ok(store));
    }
}
