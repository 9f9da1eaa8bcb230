//! A GB/T 28181 device in Python, which shares no code with the product: what reaches it is told
//! byte for byte, and GB18030 is Python's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::tools;

/// The device as a process. It ends with this value.
pub struct PythonCamera {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PythonCamera {
    /// A device that is off. `more` is what it holds besides the defaults: see the program.
    pub fn new(id: &str, password: &str, server: SocketAddr, more: &Value) -> Self {
        let mut command = Command::new(tools::python());
        command.arg(tools::workspace().join("tests/python/gb_camera.py"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let calls = process.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut camera = Self { process, calls, answers };
        let (host, port) = (server.ip().to_string(), server.port());
        let mut options = json!({"id": id, "password": password, "host": host, "port": port});
        let more = more.as_object().cloned().unwrap_or_default();
        options.as_object_mut().expect("an object").extend(more);
        camera.say(&options);
        camera
    }

    /// Registers for so many seconds; gives the last status.
    #[track_caller]
    pub fn register(&mut self, expires: u32) -> u64 {
        let answer = self.call(&json!({"call": "register", "expires": expires}));
        answer["status"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// What it holds.
    #[track_caller]
    pub fn held(&mut self) -> Value {
        self.call(&json!({"call": "held"}))
    }

    /// The requests that reached it, oldest first: `head` (text), `body` (hexadecimal) and
    /// `cmd_type` of each.
    #[track_caller]
    pub fn heard(&mut self, cmd_type: &str) -> Vec<Value> {
        let answer = self.call(&json!({"call": "heard"}));
        let heard = answer["heard"].as_array().expect("requests").iter();
        heard.filter(|request| request["cmd_type"] == cmd_type).cloned().collect()
    }

    /// The GB18030 bytes of a text by Python's codec, in hexadecimal.
    #[track_caller]
    pub fn encoded(&mut self, text: &str) -> String {
        let answer = self.call(&json!({"call": "encode", "text": text}));
        answer["hex"].as_str().expect("digits").to_owned()
    }

    /// The text that GB18030 bytes in hexadecimal stand for by Python's codec, which is strict.
    #[track_caller]
    pub fn decoded(&mut self, hex: &str) -> String {
        let answer = self.call(&json!({"call": "decode", "hex": hex}));
        answer["text"].as_str().unwrap_or_else(|| panic!("{hex}: {answer}")).to_owned()
    }

    #[track_caller]
    fn call(&mut self, call: &Value) -> Value {
        self.say(call);
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer of the device");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("the device said {line:?}: {e}"))
    }

    fn say(&mut self, value: &Value) {
        writeln!(self.calls, "{value}").expect("the device takes calls");
    }
}

impl Drop for PythonCamera {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
