//! What the native API says of why a device holds what it holds.

use serde::Deserialize;

/// `GET /devices/{id}/explain`.
#[derive(Debug, Deserialize)]
pub struct Explanation {
    /// Its id.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// `phone` or `camera`.
    pub kind: String,
    /// How it is doing.
    pub condition: String,
    /// The boot in which it was last seen.
    pub boot: Option<String>,
    /// What is not as it should be with it as a whole.
    pub reasons: Vec<Reason>,
    /// Its values, those first that are not as they should be.
    pub values: Vec<ExplainedValue>,
}

/// Why something is not as it should be.
#[derive(Debug, Deserialize)]
pub struct Reason {
    /// The reason, for programs.
    pub code: String,
    /// The reason, for people.
    pub why: String,
    /// What to do about it.
    pub what_to_do: String,
}

/// Why a device holds a value, or does not.
#[derive(Debug, Deserialize)]
pub struct ExplainedValue {
    /// The property.
    pub name: String,
    /// Where it stands, if something is asked of it.
    pub state: Option<String>,
    /// What is asked, or on record.
    pub desired: Option<String>,
    /// The revision that asked for it.
    pub revision: Option<i64>,
    /// Who asked.
    pub asked: Option<Asker>,
    /// Why it is not known who asked.
    pub asked_unknown: Option<String>,
    /// What there was before.
    pub before: Option<ValueBefore>,
    /// What the device last showed.
    pub shown: Option<ValueShown>,
    /// Since when it waits for a restart to act.
    pub restart_pending_since: Option<String>,
    /// How it is set, read back and kept.
    pub route: String,
    /// Why it is not as it should be.
    pub reasons: Vec<Reason>,
}

/// Who asked for a value.
#[derive(Debug, Deserialize)]
pub struct Asker {
    /// The update.
    pub update: String,
    /// The job.
    pub job: String,
    /// Where the job stands.
    pub state: String,
    /// How it is known that it succeeded.
    pub proof: Option<String>,
    /// Why it failed.
    pub detail: Option<String>,
    /// The API through which it came.
    pub door: String,
    /// Who.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: String,
}

/// What there was before a value.
#[derive(Debug, Deserialize)]
pub struct ValueBefore {
    /// What was asked.
    pub desired: Option<String>,
    /// What was shown.
    pub shown: Option<String>,
}

/// What a device showed.
#[derive(Debug, Deserialize)]
pub struct ValueShown {
    /// The value, if it has one.
    pub value: Option<String>,
    /// When it was read.
    pub at: String,
}
