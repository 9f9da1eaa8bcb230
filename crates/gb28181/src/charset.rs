//! The charsets of GB/T 28181: GB2312, GBK and GB18030, which devices mix up, and UTF-8, which some
//! send without saying so.
//!
//! The 2011 and 2016 standards recommend GB2312 for bodies (GB/T 28181-2016 6.10), the revision of
//! 2022 demands GB18030. GB18030 has all of GBK and GBK has all of GB2312, each character with the
//! same bytes. Devices declare `GB2312` and send characters that only the larger ones have, so all
//! three names are read as GB18030.

use encoding_rs::{Encoding, GB18030, GBK, UTF_8, WINDOWS_1252};
use thiserror::Error;

/// Longest text that is decoded, in bytes: as much as one UDP datagram can carry.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// How many bytes at the start of a text are looked at for its declaration.
const DECLARATION_BYTES_MAX: usize = 128;

/// What the XML declaration of a text says of its charset. The bytes may be of another: see
/// [`decode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Declared {
    /// No declaration, or one without an encoding or with one that says no more than ASCII does.
    Nothing,
    /// `GB2312`, `GBK`, `GB18030` or another name of these, in any case.
    Gb18030,
    /// `UTF-8`, in any case.
    Utf8,
}

/// Why bytes are not made text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CharsetError {
    /// There are more than [`TEXT_BYTES_MAX`].
    #[error("text is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// They are UTF-16, which no revision of the standard allows.
    #[error("text is UTF-16")]
    Utf16,
    /// The charset that is declared is none that devices use here.
    #[error("text declares a charset that is neither GB18030 nor UTF-8")]
    Unsupported,
}

/// Makes bytes text and tells what their XML declaration says.
///
/// The declaration, looked for in the first 128 bytes, is believed as far as the bytes bear it out:
///
/// - **UTF-8, or nothing:** valid UTF-8 is UTF-8, all else GB18030. Undeclared text whose every
///   character is in GB2312 is read as that where UTF-8 would make Latin or Greek of it.
/// - **A GB charset:** GB18030, unless the bytes are valid UTF-8 with characters of three bytes or
///   more and are no GB2312: then the device declares what it does not send. Text in GB2312 is
///   never mistaken for UTF-8 so; text in UTF-8 for GB2312 only if all of its bytes happen to fit.
/// - **A byte order mark** decides: that of UTF-8 or that of GB18030. It is not part of the text.
///
/// Bytes that fit no character, such as half of one at the end of a name that was cut, become
/// U+FFFD each, and never take a `<` with them.
///
/// # Errors
/// The text is too long, is UTF-16, or declares a charset such as Big5.
///
/// ```
/// use gb28181::charset::{Declared, decode};
///
/// let body = b"<?xml version=\"1.0\" encoding=\"gb2312\"?><Name>\xb6\xab\xc3\xc5-\xc8\x6c</Name>";
/// let (text, declared) = decode(body)?;
/// assert!(text.ends_with("<Name>东门-萳</Name>"));
/// assert_eq!(declared, Declared::Gb18030);
/// # Ok::<(), gb28181::charset::CharsetError>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<(String, Declared), CharsetError> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(CharsetError::TooLong);
    }
    if [b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"].iter().any(|start| bytes.starts_with(*start)) {
        return Err(CharsetError::Utf16);
    }
    if let Some(text) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok((lossy(UTF_8, text), declared(text)?));
    }
    if let Some(text) = bytes.strip_prefix(b"\x84\x31\x95\x33") {
        return Ok((lossy(GB18030, text), declared(text)?));
    }
    let declared = declared(bytes)?;
    Ok((lossy(guess(bytes, declared), bytes), declared))
}

/// A text in GB18030. It has bytes for all of Unicode.
///
/// They are those of GB18030-2022 as the WHATWG's Encoding Standard has them. Nineteen characters
/// of the private use area have bytes that mean another character today: U+E5E5, U+E78D to U+E796,
/// U+E81E, U+E826, U+E82B, U+E82C, U+E832, U+E843, U+E854 and U+E864.
pub fn encode_gb18030(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split(UNENCODED);
    if let Some(first) = parts.next() {
        bytes.extend_from_slice(&GB18030.encode(first).0);
    }
    for part in parts {
        bytes.extend_from_slice(UNENCODED_BYTES);
        bytes.extend_from_slice(&GB18030.encode(part).0);
    }
    bytes
}

/// The one character that the WHATWG's encoder refuses, since old web pages have its bytes for a
/// space.
const UNENCODED: char = '\u{e5e5}';

/// Its bytes by GB18030-2000 and -2005.
const UNENCODED_BYTES: &[u8] = b"\xa3\xa0";

/// Whether a character's bytes in GB18030 are read as that character again. They are but for
/// U+E5E5 and 18 others of the private use area, which stood for characters that Unicode has had a
/// place for since; GB18030-2022 gave their bytes to those.
pub(crate) fn reads_back(character: char) -> bool {
    if !('\u{e000}'..='\u{f8ff}').contains(&character) {
        return true;
    }
    let mut buffer = [0; 4];
    let text = character.encode_utf8(&mut buffer);
    let (bytes, _, unencoded) = GB18030.encode(text);
    !unencoded && GB18030.decode_without_bom_handling(&bytes).0 == *text
}

/// What a text's XML declaration says of its charset.
fn declared(bytes: &[u8]) -> Result<Declared, CharsetError> {
    let start = bytes.get(..DECLARATION_BYTES_MAX).unwrap_or(bytes);
    let start = String::from_utf8_lossy(start);
    let Some(label) = label(&start) else { return Ok(Declared::Nothing) };
    let plain: String =
        label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let gb = ["gb2312", "gbk", "gb18030"].iter().any(|name| plain.starts_with(name));
    // Code page 936 is Windows' name of GBK.
    if gb || ["cp936", "ms936", "windows936"].contains(&plain.as_str()) {
        return Ok(Declared::Gb18030);
    }
    if plain == "utf8" {
        return Ok(Declared::Utf8);
    }
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding == GBK || encoding == GB18030 => Ok(Declared::Gb18030),
        Some(encoding) if encoding == UTF_8 => Ok(Declared::Utf8),
        // ASCII and ISO 8859-1 are this to the web: names that people leave in without a thought.
        Some(encoding) if encoding == WINDOWS_1252 => Ok(Declared::Nothing),
        _ => Err(CharsetError::Unsupported),
    }
}

/// The value of `encoding` in the XML declaration at the start of a text.
fn label(start: &str) -> Option<&str> {
    let declaration = start.trim_start().strip_prefix("<?xml")?;
    let declaration = declaration.split_once("?>").map_or(declaration, |(inside, _)| inside);
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let label = value.strip_prefix(quote)?.split_once(quote)?.0.trim();
    Some(label).filter(|label| !label.is_empty())
}

/// The charset that the bytes of a text without a byte order mark are in.
fn guess(bytes: &[u8], declared: Declared) -> &'static Encoding {
    if bytes.is_ascii() {
        return UTF_8;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        // Neither: what the text says of itself is the better guess.
        let gb18030 = GB18030.decode_without_bom_handling_and_without_replacement(bytes).is_some();
        return if declared == Declared::Utf8 && !gb18030 { UTF_8 } else { GB18030 };
    };
    let likely = text.chars().any(|character| character >= '\u{800}');
    let utf8 = match declared {
        Declared::Utf8 => true,
        Declared::Nothing => likely || !is_gb2312(bytes),
        Declared::Gb18030 => likely && !is_gb2312(bytes),
    };
    if utf8 { UTF_8 } else { GB18030 }
}

/// Whether all of the bytes are ASCII or lie in pairs where GB2312 has characters.
fn is_gb2312(bytes: &[u8]) -> bool {
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            0..=0x7f => {}
            0xa1..=0xf7 if bytes.next().is_some_and(|trail| (0xa1..=0xfe).contains(trail)) => {}
            _ => return false,
        }
    }
    true
}

/// The text of bytes in a charset, with U+FFFD for what does not fit.
fn lossy(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests;
