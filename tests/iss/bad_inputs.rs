//! A table of bad inputs: each names a rule of its own, is refused with its documented status and
//! code, and changes nothing. The server never connects to anything that a body names, and the
//! attacks leave no memory behind.
//!
//! Rows are filed by what they are wrong in.

mod bed;
mod calls;
mod devices;
mod documents;
mod encodings;
mod fields;
mod parameters;
mod shape;
mod signatures;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::harness::iss::{element, elements, failed, updated};
use crate::harness::{Answer, Request};
use crate::iss::state::{assert_unchanged, state};
use bed::Bed;

/// The least number of rows that the table is to have, and of attacks by XML besides.
const ROWS_MIN: usize = 600;
const ATTACKS_MIN: usize = 180;

/// By how much the server's memory may grow over the attacks, in bytes.
const GROWTH_MAX: u64 = 8 << 20;

/// How often each attack is made.
const ATTACKS_EACH: usize = 3;

/// One bad input.
pub struct Row {
    /// The rule that it breaks, in words; no other row has the same.
    pub rule: String,
    /// What is sent.
    pub request: Request,
    /// How often it is sent before the answer counts.
    pub before: usize,
    /// What is answered.
    pub refusal: Refusal,
    /// What the answer has to say, if anything in particular.
    pub says: String,
    /// What the answer may not say; empty if anything.
    pub hidden: String,
}

/// How a bad input is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The whole call, with this status and code.
    Call(u16, &'static str),
    /// The one entry of a call that is 200, with this code in `Msg`.
    Entry(&'static str),
    /// By the HTTP layer, before any door, with this status.
    Http(u16),
}

use Refusal::{Call, Entry, Http};

/// A body that is not XML, or not such as is taken.
pub const MALFORMED: Refusal = Call(400, "MalformedXML");

/// A value that is none.
pub const INVALID: Refusal = Call(400, "InvalidArgument");

impl Row {
    /// What is wrong with an answer, if it is not as it should be.
    fn differs(&self, answer: &Answer) -> Option<String> {
        let text = answer.text.as_str();
        let differs = || Some(format!("{:?} was expected, not {answer:?}", self.refusal));
        if !self.hidden.is_empty() && text.contains(&self.hidden) {
            return Some(format!("it shows {:?}: {text}", self.hidden));
        }
        if let Http(status) = self.refusal {
            return if answer.status == status { None } else { differs() };
        }
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        if (header("server"), header("content-type"))
            != (Some("tencent-iss"), Some("application/xml"))
            || header("date").is_none()
            || header("x-iss-request-id") != Some(element(text, "RequestId"))
        {
            return Some(format!("headers: {answer:?}"));
        }
        let message = match self.refusal {
            Call(status, code) => {
                if (answer.status, element(text, "Code")) != (status, code) {
                    return differs();
                }
                let path = self.request.target.split('?').next().unwrap_or_default();
                let is_whole = text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
                    && element(text, "TraceId") == element(text, "RequestId")
                    && (element(text, "Resource") == path || path.contains(['&', '<', '%']));
                if !is_whole {
                    return Some(format!("not the form of an error: {text}"));
                }
                element(text, "Message")
            }
            Entry(code) => {
                let [(_, message)]: [(&str, &str); 1] = match failed(text).try_into() {
                    Ok(one) => one,
                    Err(_) => return differs(),
                };
                let is_so = answer.status == 200
                    && elements(text, "Code").iter().all(|code| *code == "200")
                    && updated(text).is_empty()
                    && message.split(':').next() == Some(code);
                if !is_so {
                    return differs();
                }
                message
            }
            Http(_) => return None,
        };
        let is_placed = message.contains("line ") && message.contains(", column ");
        if message.is_empty() || !message.contains(&self.says) {
            return Some(format!("it does not say {:?}: {text}", self.says));
        }
        if self.refusal == MALFORMED && !is_placed {
            return Some(format!("it does not say where: {text}"));
        }
        None
    }
}

/// A list of rows that grows.
#[derive(Default)]
pub struct Rows(pub Vec<Row>);

impl Rows {
    /// One row more; gives it, to say more of it.
    pub fn add(&mut self, rule: impl Into<String>, request: Request, refusal: Refusal) -> &mut Row {
        let (says, hidden) = (String::new(), String::new());
        self.0.push(Row { rule: rule.into(), request, before: 0, refusal, says, hidden });
        self.0.last_mut().expect("a row was added")
    }
}

/// An address of the loopback for each row, so that no lock-out of one meets another.
fn address(row: usize) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(row).expect("a small number").to_be_bytes();
    Ipv4Addr::new(127, 10, high, low)
}

/// Sends each row, and checks the answers; what is wrong with them.
fn wrong(bed: &Bed, rows: &[Row], mut after_each: impl FnMut()) -> Vec<String> {
    let server = bed.server.address();
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for _ in 0..row.before {
            row.request.send_from(address(number), server);
        }
        let answer = row.request.send_from(address(number), server);
        if let Some(why) = row.differs(&answer) {
            wrong.push(format!("{}: {why}", row.rule));
        }
        // One documented code has such a status: that of documented calls that are not offered.
        let ours = answer.status >= 500 && answer.status != 501;
        assert!(!ours, "{}: {answer:?}", row.rule);
        after_each();
    }
    wrong
}

/// Checks that no two rows have the same rule, and that there are so many.
fn assert_distinct(rows: &[Row], least: usize) {
    let mut seen = BTreeSet::new();
    let again = rows.iter().find(|row| !seen.insert(row.rule.as_str()));
    assert!(again.is_none(), "two rows have the rule {:?}", again.map(|row| &row.rule));
    assert!(rows.len() >= least, "{} rows are fewer than {least}", rows.len());
    println!("{} bad inputs", rows.len());
}

#[test]
fn each_is_refused_as_documented_and_changes_nothing() {
    let bed = Bed::start();
    let mut rows = Rows::default();
    shape::add(&mut rows, &bed);
    devices::add(&mut rows, &bed);
    fields::add(&mut rows, &bed);
    signatures::add(&mut rows, &bed);
    parameters::add(&mut rows, &bed);
    calls::add(&mut rows, &bed);
    let rows = rows.0;
    assert_distinct(&rows, ROWS_MIN);

    let before = state(&bed.native);
    let wrong = wrong(&bed, &rows, || {});
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert_unchanged(&bed.native, &before);
    assert!(!bed.was_connected_to(), "the server followed what a body named");
}

#[test]
fn attacks_by_xml_are_refused_and_cost_nothing() {
    let bed = Bed::start();
    let mut rows = Rows::default();
    documents::add(&mut rows, &bed);
    encodings::add(&mut rows, &bed);
    let rows = rows.0;
    assert_distinct(&rows, ATTACKS_MIN);

    let before = state(&bed.native);
    // What a server that has seen some traffic has anyway.
    bed.warm_up();
    let memory = bed.server.memory();
    let (mut most, mut wrong_rows) = (0, Vec::new());
    for _ in 0..ATTACKS_EACH {
        wrong_rows = wrong(&bed, &rows, || most = most.max(bed.server.memory()));
    }
    assert!(
        wrong_rows.is_empty(),
        "{} of {}:\n{}",
        wrong_rows.len(),
        rows.len(),
        wrong_rows.join("\n")
    );
    assert_unchanged(&bed.native, &before);
    assert!(!bed.was_connected_to(), "the server followed what a body named");
    let growth = most.saturating_sub(memory);
    println!("{} kB before, {} kB more at most", memory / 1024, growth / 1024);
    assert!(growth <= GROWTH_MAX, "its memory grew by {growth} bytes");
}

#[test]
fn what_a_bound_allows_is_taken() {
    let bed = Bed::start();
    let server = bed.server.address();
    let mut wrong = Vec::new();
    let allowed = fields::allowed(&bed);
    for (rule, request) in &allowed {
        let answer = request.send(server);
        let taken = answer.status == 200
            && failed(&answer.text).is_empty()
            && !updated(&answer.text).is_empty();
        if !taken {
            wrong.push(format!("{rule}: {answer:?}"));
        }
    }
    println!("{} values at the very bound", allowed.len());
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}
