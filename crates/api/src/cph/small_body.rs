//! The bodies of calls about one thing, read as one JSON object.

use serde_json::{Map, Value};

use super::error::{Code, Failure};

/// Bytes of such a body. The largest that a call of this kind has a use for, a look for resources
/// by ten keys with ten values each, all of them escaped, has a third of it.
pub(super) const BYTES_MAX: usize = 1024 * 1024;

/// Reads the object; of a key that stands there twice, the last counts.
///
/// # Errors
/// 413 for more than [`BYTES_MAX`]; `code` for what is no JSON object.
pub(super) fn object(body: &[u8], code: Code) -> Result<Map<String, Value>, Failure> {
    if body.len() > BYTES_MAX {
        return Err(Failure::of(Code::BodyTooLarge));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Failure::because(code, "The body is not a JSON object.")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let detail = format!("The body is not JSON (line {line}, column {column}).");
            Err(Failure::because(code, &detail))
        }
    }
}

/// The text at `key`.
///
/// # Errors
/// `code` if it is missing or no text.
pub(super) fn text<'a>(
    object: &'a Map<String, Value>,
    key: &str,
    code: Code,
) -> Result<&'a str, Failure> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Failure::because(code, &format!("{key} is not a text."))),
        None => Err(Failure::because(code, &format!("{key} is missing."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_has_the_calls_own_code() {
        let code = Code::ServerNameInvalid;
        let check = |body: &[u8], expected: Code| {
            assert_eq!(object(body, code).unwrap_err().code, expected);
        };
        for body in ["", "{", "[]", "null", "\"a\"", "7", "{}x", "{\"a\":}"] {
            check(body.as_bytes(), code);
        }
        check(b"{\"a\":\"\xff\"}", code);
        check("[".repeat(100_000).as_bytes(), code);
        check(" ".repeat(BYTES_MAX + 1).as_bytes(), Code::BodyTooLarge);
        let padded = " ".repeat(BYTES_MAX - 2) + "{}";
        assert!(object(padded.as_bytes(), code).unwrap().is_empty());
    }

    #[test]
    fn a_text_must_be_one() {
        let object = object(br#"{"a":"x","b":7,"c":null}"#, Code::ServerNameInvalid).unwrap();
        assert_eq!(text(&object, "a", Code::ServerNameInvalid), Ok("x"));
        for key in ["b", "c", "d"] {
            let failure = text(&object, key, Code::ServerNameInvalid).unwrap_err();
            assert_eq!(failure.code, Code::ServerNameInvalid, "{key}");
        }
    }
}
