//! The text of a CSV file: UTF-8, or GB18030, as spreadsheets of a Chinese Windows write it.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8};

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CharsetError {
    /// It is named, and is none that is read.
    #[error("the charset {0} is not read: save the file as CSV UTF-8")]
    Unknown(String),
    /// What Windows calls Unicode.
    #[error("this is UTF-16: save the file as CSV UTF-8")]
    Utf16,
    /// Not of the charset that it is said to be of.
    #[error("this is not {0}: save the file as CSV UTF-8")]
    Not(&'static str),
    /// Neither.
    #[error("this is neither UTF-8 nor GB18030: save the file as CSV UTF-8")]
    Neither,
}

/// The text of `bytes`, without a byte order mark. `charset` is what it is said to be; unless it
/// is, UTF-8 if it can be, else GB18030 (with GBK and GB 2312, which are parts of it).
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    charset: Option<&str>,
) -> Result<Cow<'a, str>, CharsetError> {
    match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == UTF_8 => {
            let rest = bytes.get(mark..).unwrap_or_default();
            return strictly(UTF_8, rest).ok_or(CharsetError::Not("UTF-8"));
        }
        Some(_) => return Err(CharsetError::Utf16),
        None => {}
    }
    let Some(charset) = charset else {
        let text = strictly(UTF_8, bytes).or_else(|| strictly(GB18030, bytes));
        return text.ok_or(CharsetError::Neither);
    };
    let unknown = || CharsetError::Unknown(super::columns::shown(charset));
    let encoding = Encoding::for_label(charset.as_bytes()).ok_or_else(unknown)?;
    if encoding == UTF_8 {
        strictly(UTF_8, bytes).ok_or(CharsetError::Not("UTF-8"))
    } else if encoding == GB18030 || encoding == encoding_rs::GBK {
        strictly(GB18030, bytes).ok_or(CharsetError::Not("GB18030"))
    } else {
        Err(unknown())
    }
}

/// The text of bytes that are all of this encoding.
fn strictly<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id,name\n1,东门联通\n";

    fn gb18030() -> Vec<u8> {
        GB18030.encode(TEXT).0.into_owned()
    }

    #[test]
    fn utf_8_and_gb18030_are_told_apart() {
        assert_eq!(decode(TEXT.as_bytes(), None).unwrap(), TEXT);
        assert_eq!(decode(format!("\u{feff}{TEXT}").as_bytes(), None).unwrap(), TEXT);
        assert_eq!(decode(&gb18030(), None).unwrap(), TEXT);
        assert_eq!(decode(b"", None).unwrap(), "");
        for charset in ["gb18030", "GBK", "gb2312", "GB18030"] {
            assert_eq!(decode(&gb18030(), Some(charset)).unwrap(), TEXT, "{charset}");
        }
        assert_eq!(decode(TEXT.as_bytes(), Some("UTF-8")).unwrap(), TEXT);
    }

    #[test]
    fn what_is_no_text_is_said_to_be_so() {
        assert_eq!(decode(&[0xff, 0xfe, b'i', 0], None), Err(CharsetError::Utf16));
        assert_eq!(decode(&[0xfe, 0xff, 0, b'i'], None), Err(CharsetError::Utf16));
        assert_eq!(decode(&[b'i', 0xff, 0xff], None), Err(CharsetError::Neither));
        assert_eq!(decode(&gb18030(), Some("utf-8")), Err(CharsetError::Not("UTF-8")));
        assert_eq!(decode(b"\xef\xbb\xbf\xff", None), Err(CharsetError::Not("UTF-8")));
        assert_eq!(decode(&[0xff], Some("gbk")), Err(CharsetError::Not("GB18030")));
        for charset in ["utf-16", "latin1", "x", ""] {
            let error = decode(b"id", Some(charset)).unwrap_err();
            assert!(matches!(error, CharsetError::Unknown(_)), "{charset}: {error}");
        }
    }
}
