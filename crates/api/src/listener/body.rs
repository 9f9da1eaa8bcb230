//! Reading a request's body whole, within a size and a time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the limit, by its own account or by what came.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// It didn't end in time.
    #[error("the body did not arrive within {} s", limit.as_secs())]
    TooSlow {
        /// The limit.
        limit: Duration,
    },
    /// The connection broke, or the body's framing is wrong.
    #[error("the body could not be read")]
    Broken(#[source] axum::Error),
}

/// The raw bytes of `body`, at most `limit_bytes`, all of them within `limit`. Trailers are left
/// out.
///
/// # Errors
/// See [`BodyError`]. The answer to such a request should close the connection; hyper does so by
/// itself where a body is left unread.
pub async fn read_body(
    body: Body,
    limit_bytes: usize,
    limit: Duration,
) -> Result<Bytes, BodyError> {
    let whole = collect(body, limit_bytes);
    timeout(limit, whole).await.unwrap_or(Err(BodyError::TooSlow { limit }))
}

/// Gathers the frames. A body of one frame, the usual case, isn't copied.
async fn collect(mut body: Body, limit_bytes: usize) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { limit_bytes };
    if usize::try_from(body.size_hint().lower()).map_or(true, |bytes| bytes > limit_bytes) {
        return Err(too_large);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limit_bytes {
            return Err(too_large);
        }
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut all = BytesMut::with_capacity(first.len() + rest.len());
    all.extend_from_slice(&first);
    all.extend_from_slice(&rest);
    Ok(all.freeze())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{self, StreamExt as _};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// A body without a stated length, of these frames.
    fn chunked(frames: &[&'static str]) -> Body {
        let frames: Vec<_> = frames.iter().map(|frame| Ok::<_, Infallible>(*frame)).collect();
        Body::from_stream(stream::iter(frames))
    }

    #[tokio::test]
    async fn frames_are_joined_in_order() {
        let body = read_body(chunked(&["ab", "", "cd", "e"]), 5, LIMIT).await.unwrap();
        assert_eq!(body, "abcde");
        assert_eq!(read_body(Body::empty(), 0, LIMIT).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_byte_over_the_limit_is_too_large() {
        for body in [Body::from("abcdef"), chunked(&["ab", "cd", "ef"]), chunked(&["abcdef"])] {
            let error = read_body(body, 5, LIMIT).await.unwrap_err();
            assert!(matches!(error, BodyError::TooLarge { limit_bytes: 5 }), "{error}");
        }
        assert_eq!(read_body(Body::from("abcde"), 5, LIMIT).await.unwrap(), "abcde");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_too_slow_in_sum() {
        let trickle = stream::iter(0..).then(|_| async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            Ok::<_, Infallible>("x")
        });
        let began = tokio::time::Instant::now();
        let error = read_body(Body::from_stream(trickle), 1000, LIMIT).await.unwrap_err();
        assert!(matches!(error, BodyError::TooSlow { .. }), "{error}");
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test]
    async fn a_broken_body_is_told_apart() {
        let broken = stream::iter([Ok("ab"), Err(std::io::Error::other("gone"))]);
        let error = read_body(Body::from_stream(broken), 1000, LIMIT).await.unwrap_err();
        assert!(matches!(error, BodyError::Broken(_)), "{error}");
    }
}
