//! How ISS prints the id of a call, in `RequestId` and in the header `x-iss-request-id`.
//!
//! The vendor's ids are base64 of `<time>_<8 digits>_<4 digits>_<digits>`, all hexadecimal, the
//! time in Unix seconds (the samples of its pages, such as UpdateDevice's). Ours have that shape
//! and say the same as a [`RequestId`], so that the native door finds an update by either form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::RequestId;

/// Bytes of the longest text that can be an id: ours have at most 44.
const BYTES_MAX: usize = 64;

/// Bits of the last part that hold the milliseconds.
const MILLISECOND_BITS: u32 = 10;

/// The id as ISS prints it.
pub fn to_text(id: RequestId) -> String {
    let id = u128::from_be_bytes(id.to_bytes());
    let milliseconds = id >> 80;
    let distinct = (id >> 16) & u128::from(u64::MAX);
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let last = (distinct & 0xffff) << MILLISECOND_BITS | rest;
    let text =
        format!("{seconds:08x}_{:08x}_{:04x}_{last:x}", distinct >> 32, (distinct >> 16) & 0xffff);
    STANDARD.encode(text)
}

/// The id that [`to_text`] printed; `None` for any other text, the vendor's own ids among them.
pub fn from_text(text: &str) -> Option<RequestId> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let mut parts = decoded.split('_');
    let mut next = || u64::from_str_radix(parts.next()?, 16).ok();
    let (seconds, high, middle, last) = (next()?, next()?, next()?, next()?);
    let milliseconds = seconds.checked_mul(1000)?.checked_add(last & 0x3ff)?;
    let low = last >> MILLISECOND_BITS;
    if high > 0xffff_ffff || middle > 0xffff || low > 0xffff {
        return None;
    }
    let distinct = high << 32 | middle << 16 | low;
    let id = RequestId::from_parts(i64::try_from(milliseconds).ok()?, distinct);
    // Anything that is written otherwise, or has more to it, is no id of ours.
    (to_text(id) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_the_documented_shape() {
        let id = RequestId::from_parts(1_626_954_399_123, 0x90fa_5064_7b88_0002);
        let text = to_text(id);
        let shape = String::from_utf8(STANDARD.decode(&text).unwrap()).unwrap();
        assert_eq!(shape, "60f95a9f_90fa5064_7b88_87b");
        assert_eq!(from_text(&text), Some(id));
    }

    #[test]
    fn other_texts_are_no_ids() {
        let odd = |text: &str| STANDARD.encode(text);
        for text in [
            "",
            "NjBmOTVhOWZfOTBmYTUwNjRfN2I4OF8",
            "not base64!",
            &odd("60f95a9f_90fa5064_7b88"),
            &odd("60f95a9f_90fa5064_7b88_87b_1"),
            &odd("60F95A9F_90fa5064_7b88_87b"),
            &odd("+0f95a9f_90fa5064_7b88_87b"),
            &odd("60f95a9f_90fa50641_7b88_87b"),
            &odd("60f95a9f_90fa5064_17b88_87b"),
            &odd("60f95a9f_90fa5064_7b88_3ff"),
            &odd("60f95a9f_90fa5064_7b88_4000000"),
            &odd("ffffffffffffffff_0_0_0"),
            &"A".repeat(100_000),
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_id_is_read_back(milliseconds in 0_i64..1 << 48, distinct: u64) {
            let id = RequestId::from_parts(milliseconds, distinct);
            let text = to_text(id);
            prop_assert!(text.len() <= BYTES_MAX);
            prop_assert_eq!(from_text(&text), Some(id));
        }
    }
}
