//! One file of the console, as it is answered.

use std::io::Write as _;

use axum::body::{Body, Bytes};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// Characters of the hash that the build puts into a file's name: `main-BxT1k9_0.js`.
const NAME_HASH_CHARS: usize = 8;

/// How long a browser keeps a file whose name changes with its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// How long it keeps any other: until it has asked.
const WHILE_SAME: &str = "no-cache";

/// One file.
pub(super) struct Asset {
    /// What it is.
    content_type: &'static str,
    /// How long it may be kept.
    caching: &'static str,
    /// As it is.
    plain: Form,
    /// Compressed, if that makes it smaller.
    gzip: Option<Form>,
}

/// A file in one of the forms that it is sent in.
struct Form {
    /// What it is known by (RFC 9110, section 8.8.3): no other form has the same.
    tag: String,
    /// The bytes.
    content: Bytes,
}

impl Asset {
    /// The file of this path. Compressing it takes some 30 ms for each megabyte.
    pub(super) fn new(path: &str, content: Vec<u8>) -> Self {
        let hash = hex::encode(Sha256::digest(&content));
        let hash = hash.get(..32).unwrap_or_default();
        let gzip = compressed(&content)
            .filter(|gzip| gzip.len() < content.len())
            .map(|gzip| Form { tag: format!("\"{hash}-gzip\""), content: gzip.into() });
        Self {
            content_type: content_type(path),
            caching: if has_hash(path) { FOR_GOOD } else { WHILE_SAME },
            plain: Form { tag: format!("\"{hash}\""), content: content.into() },
            gzip,
        }
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(asked));
        let form = gzip.unwrap_or(&self.plain);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.caching));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(tag) = HeaderValue::try_from(&form.tag) {
            headers.insert(header::ETAG, tag);
        }
        if has_it(asked, &form.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if gzip.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Body::from(form.content.clone());
        response
    }
}

/// The same in gzip; `None` only if it can't be written, which it can in memory.
fn compressed(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

/// What a file is, by the end of its name.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the build has put a hash of the content into a file's name. A word of as many letters is
/// taken for none: so is one hash of a thousand, and such a file is asked after each time.
fn has_hash(path: &str) -> bool {
    let Some((_, name)) = path.rsplit_once('/') else { return false };
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let Some((rest, hash)) = stem.split_at_checked(stem.len().saturating_sub(NAME_HASH_CHARS))
    else {
        return false;
    };
    let is_of_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    rest.len() > 1
        && rest.ends_with('-')
        && hash.bytes().all(is_of_hash)
        && !hash.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a client takes gzip (RFC 9110, section 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let lines = asked.get_all(header::ACCEPT_ENCODING).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Whether a client has this form already (RFC 9110, section 13.1.2).
fn has_it(asked: &HeaderMap, tag: &str) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    tags.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_hash_is_told_from_one_without() {
        for name in ["assets/main-BxT1k9_0.js", "assets/a-b-c-0123-567.css", "assets/x-________.js"]
        {
            assert!(has_hash(name), "{name}");
        }
        for name in [
            "index.html",
            "main-BxT1k9_0.js",
            "assets/icon.svg",
            "assets/app-settings.js",
            "assets/-BxT1k9_0.js",
            "assets/main-BxT1k9.js",
            "assets/main.BxT1k9_0.js",
            "assets/ma\u{fc}n-BxT1k\u{fc}.js",
            "assets/main-BxT1k9_0",
            "assets/",
        ] {
            assert!(!has_hash(name), "{name}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |line: &'static str| {
            takes_gzip(
                &[(header::ACCEPT_ENCODING, HeaderValue::from_static(line))].into_iter().collect(),
            )
        };
        for line in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "identity,gzip ; q=1"] {
            assert!(takes(line), "{line}");
        }
        for line in ["", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", "gzip;q=much", "*"] {
            assert!(!takes(line), "{line}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
