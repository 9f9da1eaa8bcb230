//! A device's bytes as the body of a MESSAGE, in whatever charset it is.
//!
//! What is taken, as far as it is something that we send too, is written again as the same, unless
//! it grows over a bound by that.

#![no_main]

use gb28181::charset;
use gb28181::manscdp::{
    Control, ControlCommand, Encoding, Incoming, ManscdpError, Outgoing, Shape, VALUE_BYTES_MAX,
    WriteError,
};
use libfuzzer_sys::fuzz_target;

/// What would have been sent, if it is something that can be.
fn sent(heard: &Incoming) -> Option<Outgoing> {
    Some(match heard.clone() {
        Incoming::Keepalive(keepalive) => Outgoing::Keepalive(keepalive),
        Incoming::Catalog(part) => Outgoing::Catalog(part),
        Incoming::DeviceInfo(info) => Outgoing::DeviceInfo(info),
        Incoming::DeviceStatus(status) => Outgoing::DeviceStatus(status),
        Incoming::DeviceConfig(result) => Outgoing::ConfigResult(result),
        // The names of other types are read and not written.
        Incoming::ConfigDownload(answer) if answer.other_types.is_empty() => {
            Outgoing::ConfigDownload(answer)
        }
        Incoming::Control(Control { sn, device_id, command }) => match command {
            ControlCommand::DeviceConfig(basic) => {
                Outgoing::Config { sn, device_id, basic, shape: Shape::Y2014 }
            }
            ControlCommand::TeleBoot => Outgoing::TeleBoot { sn, device_id },
            ControlCommand::Other { .. } => return None,
        },
        Incoming::ConfigDownload(_) | Incoming::Query(_) | Incoming::Other { .. } => return None,
    })
}

/// Checks that no name in a catalog is longer than the bound.
fn check_bounds(heard: &Incoming) {
    if let Incoming::Catalog(part) = heard {
        let names = part.items.iter().filter_map(|item| item.name.as_ref());
        let longest = names.map(String::len).max().unwrap_or(0);
        assert!(longest <= VALUE_BYTES_MAX, "a name of {longest} bytes");
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok((text, _)) = charset::decode(bytes) {
        // A byte becomes a character of three bytes at most.
        assert!(text.len() <= bytes.len() * 3);
        // A character becomes four bytes at most, and none is dropped.
        let encoded = charset::encode_gb18030(&text).len();
        assert!((text.chars().count()..=text.chars().count() * 4).contains(&encoded));
    }
    let heard = match Incoming::parse(bytes) {
        Ok(heard) => heard,
        Err(ManscdpError::Malformed { line, column }) => {
            assert!(line > 0 && column > 0, "line {line}, column {column}");
            return;
        }
        Err(_) => return,
    };
    check_bounds(&heard);
    let Some(outgoing) = sent(&heard) else { return };
    match outgoing.to_body(Encoding::Utf8) {
        Ok(body) => {
            let again = Incoming::parse(&body);
            assert_eq!(again.as_ref(), Ok(&heard), "written as {}", body.escape_ascii());
        }
        // A command has elements that only an answer may have; escapes make it longer.
        Err(WriteError::NotInShape { .. } | WriteError::BodyTooLong) => {}
        Err(error) => panic!("read, and not written: {error}: {heard:?}"),
    }
});
