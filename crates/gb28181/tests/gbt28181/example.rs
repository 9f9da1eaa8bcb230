//! The examples' camera, and how an example is checked.

use gb28181::manscdp::{Encoding, Incoming, Outgoing};

/// The camera of the examples.
pub const CAMERA: &str = "34020000001320000001";

/// Lines, each ended by CRLF.
fn lines(text: &str) -> String {
    text.lines().map(|line| format!("{line}\r\n")).collect()
}

/// Checks that a command is written as these lines, in GB18030 under the name GB2312, and that they
/// are as many bytes as the `Content-Length` of the example says; gives what is read of them.
pub fn check_example(command: &Outgoing, content_length: usize, text: &str) -> Incoming {
    let body = command.to_body(Encoding::Gb2312Label).unwrap();
    let expected = gb28181::charset::encode_gb18030(&lines(text));
    assert_eq!(body.escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert_eq!(body.len(), content_length);
    Incoming::parse(&body).unwrap()
}

/// What is read of a body under a declaration of UTF-8.
pub fn read(text: &str) -> Incoming {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n{text}");
    Incoming::parse(body.as_bytes()).unwrap()
}
