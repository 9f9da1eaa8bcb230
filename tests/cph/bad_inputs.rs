//! A table of bad inputs: each names a rule of its own, is refused with its documented status and
//! code, and changes nothing.
//!
//! Rows are filed by what they are wrong in. `limits` is not written down: it is made of the bounds
//! that `openapi/cph.yaml` documents, so that a bound without a row can't be.

mod bed;
mod bodies;
mod contract;
mod entries;
mod limits;
mod names;
mod paths;
mod power;
mod properties;
mod queries;
mod signatures;
mod tags;
mod tokens;
mod values;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;

use crate::harness::{Answer, Request};
use bed::Bed;
use contract::{Contract, Met};

/// The least number of rows that this table is to have.
const ROWS_MIN: usize = 300;

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
}

/// How a bad input is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The whole call, with this status and code.
    Call(u16, &'static str),
    /// One entry of a call that is 200, with this code and no job.
    Entry(&'static str),
    /// A sign-in, with this status, in IAM's form.
    SignIn(u16),
}

use Refusal::{Call, Entry, SignIn};

impl Refusal {
    /// What an answer that is this refusal was, as the contract has it.
    fn met(self, answer: &Answer) -> Met {
        let body = &answer.body;
        let (place, code, message) = match self {
            Call(_, code) => ("call", code.to_owned(), &body["error_msg"]),
            Entry(code) => ("entry", code.to_owned(), &body["jobs"][0]["error_msg"]),
            SignIn(status) => ("token", status.to_string(), &body["error"]["message"]),
        };
        let message = message.as_str().unwrap_or_default().to_owned();
        Met { place, code, status: answer.status, message }
    }

    /// What is wrong with an answer, if it is not this refusal.
    fn differs(self, answer: &Answer) -> Option<String> {
        let body = &answer.body;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let holds = match self {
            Call(status, code) => {
                answer.status == status
                    && body["error_code"] == code
                    && text(&body["error_msg"]).is_some_and(|message| !message.is_empty())
                    && text(&body["request_id"]) == answer.request_id
            }
            Entry(code) => {
                let jobs = body["jobs"].as_array().map_or(&[][..], Vec::as_slice);
                let refused =
                    |job: &Value| job["error_code"] == code && job.get("job_id").is_none();
                answer.status == 200 && jobs.len() == 1 && jobs.iter().all(refused)
            }
            SignIn(status) => answer.status == status && body["error"]["code"] == status,
        };
        // Each answer says which one it is, but for those of the HTTP layer itself.
        let named = answer.request_id.as_ref().is_some_and(|id| id.len() == 32);
        (!holds || !named).then(|| format!("{self:?} was expected, not {answer:?}"))
    }
}

/// A list of rows that grows.
#[derive(Default)]
pub struct Rows(pub Vec<Row>);

impl Rows {
    /// One row more.
    pub fn add(&mut self, rule: impl Into<String>, request: Request, refusal: Refusal) {
        self.add_after(0, rule, request, refusal);
    }

    /// One row more, which counts after the request was sent so often before.
    pub fn add_after(
        &mut self,
        before: usize,
        rule: impl Into<String>,
        request: Request,
        refusal: Refusal,
    ) {
        self.0.push(Row { rule: rule.into(), request, before, refusal });
    }
}

/// All rows.
fn table(bed: &Bed, contract: &Contract) -> Vec<Row> {
    let mut rows = Rows::default();
    bodies::add(&mut rows, bed);
    entries::add(&mut rows, bed);
    properties::add(&mut rows, bed);
    values::add(&mut rows, bed);
    power::add(&mut rows, bed);
    names::add(&mut rows, bed);
    tags::add(&mut rows, bed);
    queries::add(&mut rows, bed);
    paths::add(&mut rows, bed);
    signatures::add(&mut rows, bed);
    tokens::add(&mut rows, bed);
    limits::add(&mut rows, bed, contract);
    rows.0
}

/// An address of the loopback for each row, so that no lock-out of one meets another.
fn address(row: usize) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(row).expect("a small number").to_be_bytes();
    Ipv4Addr::new(127, 9, high, low)
}

#[test]
fn each_is_refused_as_documented_and_changes_nothing() {
    let contract = Contract::read();
    let bed = Bed::start();
    let rows = table(&bed, &contract);

    let rules: BTreeSet<&str> = rows.iter().map(|row| row.rule.as_str()).collect();
    if rules.len() < rows.len() {
        let mut seen = BTreeSet::new();
        let again = rows.iter().find(|row| !seen.insert(row.rule.as_str()));
        panic!("two rows have the rule {:?}", again.map(|row| &row.rule));
    }
    assert!(rows.len() >= ROWS_MIN, "{} rows are fewer than {ROWS_MIN}", rows.len());
    println!("{} bad inputs", rows.len());

    let before = bed.state();
    let server = bed.site.server.address();
    let (mut wrong, mut met) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        for _ in 0..row.before {
            row.request.send_from(address(number), server);
        }
        let answer = row.request.send_from(address(number), server);
        met.push(row.refusal.met(&answer));
        if let Some(why) = row.refusal.differs(&answer) {
            wrong.push(format!("{}: {why}", row.rule));
        }
        // One documented code has such a status: that of documented calls that are not offered.
        let ours = answer.status >= 500 && row.refusal != paths::NOT_OFFERED;
        assert!(!ours, "{}: {answer:?}", row.rule);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));

    let after = bed.state();
    for (name, value) in &before {
        assert_eq!(after.get(name), Some(value), "{name} has changed");
    }
    assert_eq!(after.len(), before.len(), "something is there that was not");

    let missing = contract.codes_without(&met);
    assert!(missing.is_empty(), "documented codes without a row: {missing:?}");
}

#[test]
fn what_a_bound_allows_is_not_refused_for_it() {
    let contract = Contract::read();
    let bed = Bed::start();
    let server = bed.site.server.address();
    let inside = limits::inside(&bed, &contract);
    assert!(!inside.is_empty(), "no bound has an inside");
    let mut wrong = Vec::new();
    for (number, row) in inside.iter().enumerate() {
        let answer = row.request.send_from(address(number), server);
        if row.refusal.differs(&answer).is_none() || answer.status >= 500 {
            wrong.push(format!("{}: {answer:?}", row.rule));
        }
    }
    println!("{} values at the very bound", inside.len());
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}
