//! The engine: accepts updates, and works each device until it shows what was asked for.
//!
//! It is level-triggered: what is to be done follows from desired and reported state in the store,
//! never from an event alone, so a lost event delays and does not lose. It must never speak to a
//! device itself (a [`Driver`] does), read the machine's clock or random numbers but through
//! [`clock`], or answer an update before the store has committed it.
//!
//! Several nodes may work on one store, each on the devices that it owns: see `ownership` for what
//! that means, `renewal` for how it comes and goes, `feed` for what they tell each other.
//!
//! Updates of many devices that go out in waves are `rollout`; what happens is told to clients by
//! [`events`](mod@events) and delivered by [`webhooks`](mod@webhooks).
//!
//! Start with [`Handle`], which is what the doors hold; then [`lane`](mod@lane) for the order of
//! work, [`plan`](mod@plan) for what one step does and [`judge`](mod@judge) for how jobs end.

mod accept;
mod access;
mod cancel;
pub mod check;
pub mod clock;
pub mod command;
mod copies;
mod credentials;
pub mod discover;
pub mod driver;
mod dry_run;
mod enrolment;
pub mod events;
mod explain;
mod feed;
mod freezing;
mod gb_devices;
mod handle;
mod history;
mod holdings;
mod idempotency;
mod import;
pub mod judge;
mod keys;
pub mod lane;
mod last_use;
pub mod operate;
mod overview;
mod ownership;
pub mod plan;
#[cfg(feature = "planted-bugs")]
pub mod planted;
mod power;
mod presets;
mod projects;
pub mod registrants;
mod renewal;
mod revert;
mod rollout;
mod runner;
mod select;
mod shared;
mod shell_word;
pub mod spans;
mod stands;
mod step;
mod sweep;
mod targets;
pub mod users;
pub mod webhooks;

pub use cancel::Cancelled;
pub use check::{Check, CheckItem, CheckResult};
pub use clock::{Clock, Entropy, RequestIds, SystemClock, SystemEntropy};
pub use command::{
    CameraAsked, Credentials, Error, NewRegistrant, Patch, Update, UpdateEntry, UpdateResult,
};
pub use credentials::password_tag;
pub use discover::{Candidate, Discovery, Found, FoundAs};
pub use driver::{
    Action, Adopt, Away, DeviceEvent, Driver, EventSender, Examination, Fault, PowerReport,
    Reached, Report, Target,
};
pub use dry_run::{Acts, Predicted, PredictedChange, Prediction};
pub use enrolment::{AcceptRefused, NewEnrolment, OpenEnrolment, PendingAsked, PendingPage};
pub use explain::{AskedBy, Code, ExplainedValue, Explanation, Reason, what_to_do};
pub use freezing::Freezing;
pub use handle::{Engine, Handle, Options, Settings};
pub use history::History;
pub use idempotency::{Answer, CallId, HeldKey, Reserved};
pub use import::{ImportEntry, ImportTerms, Imported, Judged, Untaken, check_channel};
pub use keys::AccessKey;
pub use operate::{CatalogueSource, CatalogueSourceError};
pub use presets::{NewPreset, PresetAsk};
pub use projects::ProjectChange;
pub use registrants::{
    Camera, OldRegistrant, RefusedRegistration, Registrant, RegistrantWork, RegistrationFault,
    Standing,
};
pub use renewal::{NodeStanding, StartError, Trouble};
pub use revert::{CountedRevert, LeftOut, PredictedRevert, Reverted, RevertedDevice};
pub use rollout::{Ask, AskTarget, AskedDevice};
pub use stands::{ValueStands, spoken_to_by};
pub use users::{NewToken, SignInError, SignedIn, TokenHolder};
