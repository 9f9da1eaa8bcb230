//! What `openapi/cph.yaml` documents: each code that is answered, and each bound of a request. Both
//! lists have a line of JSON for each entry.

use serde_json::Value;

use crate::harness::tools;

/// One documented code, in one place.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code on the wire.
    pub code: String,
    /// The status of a call that it refuses.
    pub status: u16,
    /// Where it stands: `call`, `entry`, `job`, `token`.
    pub places: Vec<String>,
    /// Whether a request alone brings it about.
    pub by_input: bool,
    /// Its text; `{0}` stands for a name.
    pub message: String,
}

/// One documented bound.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The calls that have it: an operation's name, or `*`.
    pub call: String,
    /// What is bounded.
    pub field: String,
    /// What is counted.
    pub unit: String,
    /// The least that is taken, and the code below it.
    least: Option<(i64, String)>,
    /// The most that is taken, and the code beyond it.
    most: Option<(i64, String)>,
}

/// An end of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The least.
    Least,
    /// The most.
    Most,
}

impl Bound {
    /// Its ends, with the last number inside and the code beyond.
    pub fn ends(&self) -> impl Iterator<Item = (End, i64, &str)> {
        let least = self.least.iter().map(|(at, code)| (End::Least, *at, code.as_str()));
        least.chain(self.most.iter().map(|(at, code)| (End::Most, *at, code.as_str())))
    }
}

/// All of it.
pub struct Contract {
    /// The codes.
    pub codes: Vec<Code>,
    /// The bounds.
    pub bounds: Vec<Bound>,
}

/// What an answer that refused something was: where, and with which code, status and text.
#[derive(Debug, Clone)]
pub struct Met {
    /// The place.
    pub place: &'static str,
    /// The code.
    pub code: String,
    /// The status of the answer.
    pub status: u16,
    /// The text.
    pub message: String,
}

impl Contract {
    /// Reads the file.
    pub fn read() -> Self {
        let path = tools::workspace().join("openapi/cph.yaml");
        let text = std::fs::read_to_string(path).expect("the contract");
        let contract = Self {
            codes: list(&text, "x-error-codes").iter().map(code).collect(),
            bounds: list(&text, "x-limits").iter().map(bound).collect(),
        };
        assert!(contract.codes.len() > 30, "{} codes were found", contract.codes.len());
        assert!(contract.bounds.len() > 30, "{} bounds were found", contract.bounds.len());
        contract
    }

    /// The codes that a request alone brings about and that none of these answers had.
    pub fn codes_without(&self, met: &[Met]) -> Vec<String> {
        let places = ["call", "entry", "token"];
        let by_input = self.codes.iter().filter(|code| code.by_input);
        let missing = by_input.flat_map(|code| {
            let places = code.places.iter().filter(|place| places.contains(&place.as_str()));
            places.filter(|place| !met.iter().any(|met| code.is(met, place))).map(|place| {
                format!("{} {} in a {place}: {}", code.code, code.status, code.message)
            })
        });
        missing.collect()
    }
}

impl Code {
    /// Whether what was met is this code in this place. One entry's code has no status of its own.
    fn is(&self, met: &Met, place: &str) -> bool {
        // A sentence of ours may follow, after a colon too.
        let beginning = self.message.split("{0}").next().unwrap_or_default().trim_end_matches('.');
        met.place == place
            && met.code == self.code
            && (met.status == self.status || place == "entry")
            && met.message.starts_with(beginning)
    }
}

/// The entries of a list at the top of the file.
fn list(text: &str, name: &str) -> Vec<Value> {
    let lines = text.lines().skip_while(|line| *line != format!("{name}:")).skip(1);
    let own = lines.take_while(|line| line.starts_with(' ') || line.starts_with('#'));
    let entries = own.filter_map(|line| line.trim_start().strip_prefix("- "));
    entries
        .map(|entry| serde_json::from_str(entry).unwrap_or_else(|e| panic!("{entry}: {e}")))
        .collect()
}

/// A text of an entry.
fn text(entry: &Value, name: &str) -> String {
    entry[name].as_str().unwrap_or_else(|| panic!("no {name}: {entry}")).to_owned()
}

/// A code's entry.
fn code(entry: &Value) -> Code {
    let places = entry["in"].as_array().expect("places").iter();
    Code {
        code: text(entry, "code"),
        status: entry["status"].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a status"),
        places: places.map(|place| place.as_str().expect("a place").to_owned()).collect(),
        by_input: entry["cause"] == "input",
        message: text(entry, "message"),
    }
}

/// A bound's entry.
fn bound(entry: &Value) -> Bound {
    let end = |name: &str| {
        let end = entry.get(name).filter(|end| !end.is_null())?;
        let at = end[0].as_i64().unwrap_or_else(|| panic!("no number: {entry}"));
        Some((at, end[1].as_str().unwrap_or_else(|| panic!("no code: {entry}")).to_owned()))
    };
    Bound {
        call: text(entry, "call"),
        field: text(entry, "field"),
        unit: text(entry, "unit"),
        least: end("min"),
        most: end("max"),
    }
}
