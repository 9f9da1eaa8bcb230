//! Desired and reported state, and their difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Revision;
use crate::time::Timestamp;

/// Property names and the values asked for, as text.
pub type Values = BTreeMap<String, String>;

/// One desired value and the revision that asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Revision)", into = "(String, Revision)")]
pub struct DesiredValue {
    /// The value, as text.
    pub value: String,
    /// The revision that set it.
    pub revision: Revision,
}

impl From<(String, Revision)> for DesiredValue {
    fn from((value, revision): (String, Revision)) -> Self {
        Self { value, revision }
    }
}

impl From<DesiredValue> for (String, Revision) {
    fn from(desired: DesiredValue) -> Self {
        (desired.value, desired.revision)
    }
}

/// What was asked for of one device, by property. In the store: `{"name":["value",revision]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Desired(pub BTreeMap<String, DesiredValue>);

impl Desired {
    /// Sets every value of `patch` at `revision`; what the patch does not name stays.
    pub fn merge(&mut self, patch: &Values, revision: Revision) {
        for (name, value) in patch {
            self.0.insert(name.clone(), DesiredValue { value: value.clone(), revision });
        }
    }

    /// The values alone.
    pub fn values(&self) -> Values {
        self.0.iter().map(|(name, desired)| (name.clone(), desired.value.clone())).collect()
    }

    /// The value asked for of `name`.
    pub fn get(&self, name: &str) -> Option<&DesiredValue> {
        self.0.get(name)
    }

    /// How many bytes names and values take together.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, desired)| name.len() + desired.value.len()).sum()
    }
}

/// What a device showed for one property, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Option<String>, Timestamp)", into = "(Option<String>, Timestamp)")]
pub struct Shown {
    /// The value; `None` where the device has none.
    pub value: Option<String>,
    /// When it was read.
    pub at: Timestamp,
}

impl From<(Option<String>, Timestamp)> for Shown {
    fn from((value, at): (Option<String>, Timestamp)) -> Self {
        Self { value, at }
    }
}

impl From<Shown> for (Option<String>, Timestamp) {
    fn from(shown: Shown) -> Self {
        (shown.value, shown.at)
    }
}

/// What a device last showed, by property. In the store: `{"name":["value",milliseconds]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The desired revision at which the last read-back was planned.
    pub revision: Revision,
    /// The values.
    pub values: BTreeMap<String, Shown>,
}

impl Reported {
    /// Takes one read-back in.
    pub fn record(&mut self, shown: &BTreeMap<String, Option<String>>, at: Timestamp) {
        for (name, value) in shown {
            self.values.insert(name.clone(), Shown { value: value.clone(), at });
        }
    }
}

/// The names at which `reported` shows something other than `desired` asks for: the drift, if the
/// device runs and nothing is pending.
pub fn drift(desired: &Desired, reported: &Reported) -> Vec<String> {
    desired
        .0
        .iter()
        .filter(|(name, wanted)| {
            reported.values.get(*name).and_then(|shown| shown.value.as_deref())
                != Some(wanted.value.as_str())
        })
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_patch_merges_per_key() {
        let mut desired = Desired::default();
        desired.merge(&values(&[("a", "1"), ("b", "1")]), Revision(1));
        desired.merge(&values(&[("b", "2"), ("c", "2")]), Revision(2));
        assert_eq!(desired.values(), values(&[("a", "1"), ("b", "2"), ("c", "2")]));
        assert_eq!(desired.get("a").unwrap().revision, Revision(1));
        assert_eq!(desired.get("b").unwrap().revision, Revision(2));
        assert_eq!(desired.bytes(), 6);
    }

    #[test]
    fn the_stored_form_is_small_and_stable() {
        let mut desired = Desired::default();
        desired.merge(&values(&[("a", "1")]), Revision(7));
        let text = serde_json::to_string(&desired).unwrap();
        assert_eq!(text, r#"{"a":["1",7]}"#);
        assert_eq!(serde_json::from_str::<Desired>(&text).unwrap(), desired);

        let mut reported = Reported::default();
        reported.record(&BTreeMap::from([("a".to_owned(), None)]), Timestamp(5));
        let text = serde_json::to_string(&reported).unwrap();
        assert_eq!(text, r#"{"revision":0,"values":{"a":[null,5]}}"#);
        assert_eq!(serde_json::from_str::<Reported>(&text).unwrap(), reported);
    }

    #[test]
    fn drift_names_what_differs_and_what_is_missing() {
        let mut desired = Desired::default();
        desired.merge(&values(&[("a", "1"), ("b", "1"), ("c", "")]), Revision(1));
        let mut reported = Reported::default();
        reported.record(
            &BTreeMap::from([("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)]),
            Timestamp(1),
        );
        assert_eq!(drift(&desired, &reported), ["b", "c"]);
    }
}
