//! The text of a CSV file: UTF-8, or GB18030, as spreadsheets of a Chinese Windows write it.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8};

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
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
    /// Both.
    #[error(
        "this makes words as UTF-8 and as GB18030, and nothing says which it is: save the file as \
         CSV UTF-8, with a byte order mark"
    )]
    Both,
    /// Bytes that GB18030 has, but hardly a text of it.
    #[error(
        "this is not UTF-8, and as GB18030 it is hardly Chinese, so it may be of another charset: \
         save the file as CSV UTF-8"
    )]
    Unlikely,
}

/// A text that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    /// It, without a byte order mark.
    pub(super) text: Cow<'a, str>,
    /// The name of its charset.
    pub(super) charset: &'static str,
}

/// How UTF-8 is called.
const UTF_8_NAME: &str = "utf-8";

/// How GB18030 is called, with GBK and GB 2312, which are parts of it.
const GB18030_NAME: &str = "gb18030";

/// The text of `bytes`. `charset` is what it is said to be; unless it is, it is what
/// [`charset_of`] finds.
pub(super) fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Text<'a>, CharsetError> {
    let (bytes, is_marked) = unmarked(bytes)?;
    let charset = match charset {
        _ if is_marked => UTF_8_NAME,
        None => charset_of(bytes)?,
        Some(charset) => {
            let unknown = || CharsetError::Unknown(super::columns::shown(charset));
            let encoding = Encoding::for_label(charset.as_bytes()).ok_or_else(unknown)?;
            if encoding == UTF_8 {
                UTF_8_NAME
            } else if encoding == GB18030 || encoding == encoding_rs::GBK {
                GB18030_NAME
            } else {
                return Err(unknown());
            }
        }
    };
    let text = if charset == UTF_8_NAME {
        strictly(UTF_8, bytes).ok_or(CharsetError::Not("UTF-8"))?
    } else {
        strictly(GB18030, bytes).ok_or(CharsetError::Not("GB18030"))?
    };
    Ok(Text { text, charset })
}

/// The name of the charset of a file that does not say of which it is: `utf-8` if it can be, else
/// `gb18030`. All of the file is to be asked: a part of it may look like the other.
///
/// # Errors
/// It can be neither, or nothing tells which of them it is.
pub fn charset_of(bytes: &[u8]) -> Result<&'static str, CharsetError> {
    let (bytes, is_marked) = unmarked(bytes)?;
    match std::str::from_utf8(bytes) {
        Ok(_) if is_marked => Ok(UTF_8_NAME),
        Err(_) if is_marked => Err(CharsetError::Not("UTF-8")),
        // What is written with two bytes a character (Greek, Cyrillic, letters with accents) may be
        // Chinese words as well; a lone one between other letters is none.
        Ok(text) => {
            let mut others = text.chars().filter(|c| !c.is_ascii()).peekable();
            let may_be_both = others.peek().is_some() && others.all(|c| c.len_utf8() == 2);
            match may_be_both.then(|| Chinese::of(bytes)).flatten() {
                Some(Chinese { unusual: 0, alone: 0, .. }) => Err(CharsetError::Both),
                _ => Ok(UTF_8_NAME),
            }
        }
        Err(_) => {
            strictly(GB18030, bytes).ok_or(CharsetError::Neither)?;
            match Chinese::of(bytes) {
                Some(read) if read.unusual.saturating_mul(2) <= read.usual => Ok(GB18030_NAME),
                _ => Err(CharsetError::Unlikely),
            }
        }
    }
}

/// What bytes are if they are read as GB18030, by their characters beyond ASCII.
#[derive(Debug, Default)]
struct Chinese {
    /// Those of GB 2312: hanzi that are in use, and what goes with them.
    usual: usize,
    /// All others. Texts of other charsets have many.
    unusual: usize,
    /// Hanzi with none beside them.
    alone: usize,
}

impl Chinese {
    /// Reads them; `None` if they are not GB18030.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        let (mut at, mut run) = (0, 0_usize);
        while let Some(first) = bytes.get(at) {
            if first.is_ascii() {
                found.alone += usize::from(run == 1);
                (at, run) = (at + 1, 0);
                continue;
            }
            let second = bytes.get(at + 1)?;
            let is_usual = matches!(first, 0xa1..=0xa9 | 0xb0..=0xf7) && *second >= 0xa1;
            if is_usual {
                found.usual += 1;
            } else {
                found.unusual += 1;
            }
            run += 1;
            // What has a digit there takes four bytes.
            at += if second.is_ascii_digit() { 4 } else { 2 };
        }
        found.alone += usize::from(run == 1);
        Some(found)
    }
}

/// The bytes behind a byte order mark, and whether there is one.
fn unmarked(bytes: &[u8]) -> Result<(&[u8], bool), CharsetError> {
    match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == UTF_8 => {
            Ok((bytes.get(mark..).unwrap_or_default(), true))
        }
        Some(_) => Err(CharsetError::Utf16),
        None => Ok((bytes, false)),
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

    /// The text and the charset of a file.
    fn read(bytes: &[u8], charset: Option<&str>) -> (String, &'static str) {
        let Text { text, charset } = decode(bytes, charset).unwrap();
        (text.into_owned(), charset)
    }

    #[test]
    fn utf_8_and_gb18030_are_told_apart() {
        let (utf_8, other) = ((TEXT.to_owned(), "utf-8"), (TEXT.to_owned(), "gb18030"));
        assert_eq!(read(TEXT.as_bytes(), None), utf_8);
        assert_eq!(read(format!("\u{feff}{TEXT}").as_bytes(), None), utf_8);
        assert_eq!(read(format!("\u{feff}{TEXT}").as_bytes(), Some("gbk")), utf_8);
        assert_eq!(read(&gb18030(), None), other);
        assert_eq!(read(b"", None).0, "");
        for charset in ["gb18030", "GBK", "gb2312", "GB18030"] {
            assert_eq!(read(&gb18030(), Some(charset)), other, "{charset}");
        }
        assert_eq!(read(TEXT.as_bytes(), Some("UTF-8")), utf_8);
    }

    #[test]
    fn what_may_be_either_is_not_guessed_at() {
        // Greek and Cyrillic letters, which are hanzi too; marked or named they are what is said.
        for word in ["καμ", "дом,μα", "ãã"] {
            let text = format!("id,name\n1,{word}\n");
            assert_eq!(charset_of(text.as_bytes()), Err(CharsetError::Both), "{word}");
            assert_eq!(charset_of(format!("\u{feff}{text}").as_bytes()), Ok("utf-8"));
            assert_eq!(read(text.as_bytes(), Some("utf-8")), (text, "utf-8"));
        }
        // A letter between others, and one that no hanzi is written with, settle it.
        for word in ["café", "Kamera für Tür 1", "Камера", "καμ 门", "camera"] {
            assert_eq!(charset_of(word.as_bytes()), Ok("utf-8"), "{word}");
        }
        // Latin-1 and Big5 are GB18030 as well, of a kind that nobody writes.
        for bytes in [&b"\xe9tage caf\xe9s"[..], b"\xaaF\xaa\xf9\xa4@\xbc\xd3"] {
            assert_eq!(charset_of(bytes), Err(CharsetError::Unlikely), "{bytes:x?}");
            assert_eq!(read(bytes, Some("gb18030")).1, "gb18030");
        }
        // Names have hanzi of GBK alone in them, too.
        let rare = GB18030.encode("id,name\n1,陶喆家东门\n").0.into_owned();
        assert_eq!(charset_of(&rare), Ok("gb18030"));
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
