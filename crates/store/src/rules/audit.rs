//! What the audit says of a change.

use std::collections::{BTreeMap, BTreeSet};

use fleet::{DeviceId, DeviceKey, Phase, Principal, ProjectId, ProjectKey, RequestId, Role};
use serde_json::{Value, json};

use crate::write::{
    AcceptPending, ChangeDevice, ChangeOrganization, ChangeProject, ChangeTags, ChangeUser,
    ChangeWebhook, CreateRollout, CreateWebhook, DeviceChange, FreezeDevices, ImportDevices,
    OrganizationEdit, RejectPending, SetEnrolment, StepRollout, UserChange, Write,
};
use crate::{Tagged, Written};

/// An administrative act. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Whose matter it is.
    pub(crate) about: About,
    /// What was done: a thing and a verb.
    pub(crate) action: &'static str,
    /// To what.
    pub(crate) target: String,
    /// What else is to be said.
    pub(crate) detail: Value,
}

/// Where it is found to which project an act belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// To none: it is the whole server's.
    Server,
    /// To the one of this id, or that was deleted last of those that had it.
    Project(ProjectId),
    /// To this one.
    ProjectKey(ProjectKey),
    /// To that of an access key.
    Key(String),
    /// To that of a user.
    User(String),
    /// To that of an update that goes out in waves.
    Rollout(RequestId),
}

/// Ids of devices that an entry names at most.
const IDS_MAX: usize = 20;

/// What the audit says of a change that `principal` has made: an entry for each project that it
/// concerns; none if it is no administrative act. What devices do and what the engine does of
/// itself is none, and an update that is accepted is on record with its jobs.
pub(crate) fn entries(principal: &Principal, write: &Write, written: &Written) -> Vec<Entry> {
    match write {
        Write::Accept(_)
        | Write::Settle(_)
        | Write::Bind(..)
        | Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::NoteUse(_)
        | Write::NotePending(_)
        | Write::RecordChannels(_)
        | Write::AddRolloutDevices(_)
        | Write::ReserveKey(_)
        | Write::RenewKey(_)
        | Write::KeepAnswer(_)
        | Write::FreeKeys(_)
        | Write::NoteDeliveries(_)
        | Write::NoteCounts(_)
        | Write::Tell(_) => Vec::new(),
        Write::StepRollout(_) if principal.role() == Role::Engine => Vec::new(),
        Write::ImportDevices(import) => imported(import),
        other => one(other, written).into_iter().collect(),
    }
}

/// What is said of a change that concerns one project, or the server.
fn one(write: &Write, written: &Written) -> Option<Entry> {
    Some(match write {
        Write::Accept(_)
        | Write::Settle(_)
        | Write::Bind(..)
        | Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::NoteUse(_)
        | Write::NotePending(_)
        | Write::RecordChannels(_)
        | Write::AddRolloutDevices(_)
        | Write::ImportDevices(_)
        | Write::ReserveKey(_)
        | Write::RenewKey(_)
        | Write::KeepAnswer(_)
        | Write::FreeKeys(_)
        | Write::NoteDeliveries(_)
        | Write::NoteCounts(_)
        | Write::Tell(_) => return None,
        Write::CreateProject(create) => {
            of_project(&create.id, "project.create", json!({ "name": create.name }))
        }
        Write::ChangeProject(change) => changed_project(change),
        Write::SetProject(set) => of_project(
            &set.id,
            "project.settings",
            serde_json::to_value(set.settings).unwrap_or_default(),
        ),
        Write::DeleteProject(id) => of_project(id, "project.delete", json!({})),
        Write::SetServer(set) => Entry {
            about: About::Server,
            action: "server.settings",
            target: "server".to_owned(),
            detail: serde_json::to_value(set).unwrap_or_default(),
        },
        Write::CreateKey(create) => Entry {
            about: create.project.clone().map_or(About::Server, About::Project),
            action: "key.create",
            target: create.ak.clone(),
            detail: json!({ "strict": create.strict }),
        },
        Write::RevokeKey(revoke) => Entry {
            about: About::Key(revoke.ak.clone()),
            action: "key.revoke",
            target: revoke.ak.clone(),
            detail: json!({}),
        },
        Write::ChangeOrganization(change) => changed_organization(change),
        Write::CreateUser(create) => Entry {
            about: About::Project(create.project.clone()),
            action: "user.create",
            target: create.name.clone(),
            detail: json!({ "role": create.grant }),
        },
        Write::ChangeUser(change) => changed_user(change),
        Write::SetGrant(set) => Entry {
            about: About::Project(set.project.clone()),
            action: if set.grant.is_some() { "user.grant" } else { "user.ungrant" },
            target: set.user.clone(),
            detail: json!({ "role": set.grant }),
        },
        Write::IssueToken(issue) => {
            of_token(&issue.user, "session.create", json!({ "token": issue.id }))
        }
        Write::CreateToken(create) => {
            let detail = json!({
                "token": create.id,
                "name": create.name,
                "expires_at": create.expires_at.to_string(),
            });
            of_token(&create.user, "token.create", detail)
        }
        Write::RevokeToken(revoke) => {
            of_token(&revoke.user, "token.revoke", json!({ "token": revoke.id }))
        }
        Write::ChangeDevice(change) => changed_device(change),
        Write::FreezeDevices(freeze) => frozen_devices(freeze, written)?,
        Write::RenameServer(rename) => Entry {
            about: About::Project(rename.project.clone()),
            action: "host.rename",
            target: rename.id.clone(),
            detail: json!({ "name": rename.name }),
        },
        Write::ChangeTags(change) => changed_tags(change),
        Write::DeleteDevice(delete) => Entry {
            about: About::Project(delete.project.clone()),
            action: "device.delete",
            target: delete.id.to_string(),
            detail: json!({}),
        },
        Write::CreateWebhook(create) => created_webhook(create),
        Write::ChangeWebhook(change) => changed_webhook(change, written),
        Write::DeleteWebhook(delete) => Entry {
            about: of_webhook(written),
            action: "webhook.delete",
            target: delete.id.clone(),
            detail: json!({}),
        },
        Write::SetEnrolment(set) => set_enrolment(set),
        Write::AcceptPending(accept) => accepted_pending(accept, written)?,
        Write::RejectPending(reject) => rejected_pending(reject, written)?,
        Write::SetPreset(set) => {
            let properties: Vec<&String> = set.values.keys().collect();
            Entry {
                about: About::Project(set.project.clone()),
                action: "preset.set",
                target: set.name.to_string(),
                detail: json!({ "kind": set.kind.name(), "properties": properties }),
            }
        }
        Write::DeletePreset(delete) => Entry {
            about: About::Project(delete.project.clone()),
            action: "preset.delete",
            target: delete.name.to_string(),
            detail: json!({}),
        },
        Write::CreateRollout(create) => created_rollout(create),
        Write::StepRollout(step) => stepped_rollout(step),
        Write::Cancel(cancel) => {
            let ended = match written {
                Written::Cancelled { ended, .. } => ended.len(),
                _ => 0,
            };
            Entry {
                about: About::ProjectKey(cancel.project),
                action: "update.cancel",
                target: cancel
                    .jobs
                    .first()
                    .map(|job| job.request().to_string())
                    .unwrap_or_default(),
                detail: json!({ "jobs": ended }),
            }
        }
    })
}

/// What was done to a project.
fn of_project(id: &ProjectId, action: &'static str, detail: Value) -> Entry {
    Entry { about: About::Project(id.clone()), action, target: id.to_string(), detail }
}

/// What was done with a token of a user.
fn of_token(user: &str, action: &'static str, detail: Value) -> Entry {
    Entry { about: About::User(user.to_owned()), action, target: user.to_owned(), detail }
}

/// A project has another name or description, or is paused.
fn changed_project(change: &ChangeProject) -> Entry {
    let mut detail = serde_json::Map::new();
    if let Some(name) = &change.name {
        detail.insert("name".to_owned(), json!(name));
    }
    if let Some(description) = &change.description {
        detail.insert("description".to_owned(), json!(description));
    }
    if let Some(paused) = change.paused {
        detail.insert("paused".to_owned(), json!(paused));
    }
    of_project(&change.id, "project.change", Value::Object(detail))
}

/// An organization has come, moved or gone.
fn changed_organization(change: &ChangeOrganization) -> Entry {
    let (action, detail) = match &change.change {
        OrganizationEdit::Create(path) => {
            ("organization.create", json!({ "path": path.to_string() }))
        }
        OrganizationEdit::Move(path) => ("organization.move", json!({ "path": path.to_string() })),
        OrganizationEdit::Delete => ("organization.delete", json!({})),
    };
    let about = About::Project(change.project.clone());
    Entry { about, action, target: change.id.to_string(), detail }
}

/// A user has another password, is disabled, or is enabled again.
fn changed_user(change: &ChangeUser) -> Entry {
    let action = match change.change {
        UserChange::Password(_) => "user.password",
        UserChange::Disable => "user.disable",
        UserChange::Enable => "user.enable",
    };
    let about = About::User(change.name.clone());
    Entry { about, action, target: change.name.clone(), detail: json!({}) }
}

/// An operator has changed a device's record or state.
fn changed_device(change: &ChangeDevice) -> Entry {
    let (action, detail) = match &change.change {
        DeviceChange::Name(name) => ("device.rename", json!({ "name": name })),
        DeviceChange::Frozen(true) => ("device.freeze", json!({})),
        DeviceChange::Frozen(false) => ("device.unfreeze", json!({})),
        DeviceChange::Stopped(true) => ("device.mark-stopped", json!({})),
        DeviceChange::Stopped(false) => ("device.mark-started", json!({})),
        DeviceChange::Adopt(request) => {
            let detail = json!({
                "replace_marker": request.replace_marker,
                "from_reported": request.from_reported,
            });
            ("device.adopt", detail)
        }
    };
    let about = About::Project(change.project.clone());
    Entry { about, action, target: change.id.to_string(), detail }
}

/// Devices are frozen, or that has ended; `None` if all were so already.
fn frozen_devices(freeze: &FreezeDevices, written: &Written) -> Option<Entry> {
    let Written::Frozen(changed) = written else { return None };
    let changed: BTreeSet<DeviceKey> = changed.iter().copied().collect();
    let of = freeze.devices.iter().filter(|(key, _)| changed.contains(key));
    let ids: Vec<&str> = of.map(|(_, id)| id.as_str()).collect();
    let action = if freeze.frozen { "device.freeze" } else { "device.unfreeze" };
    (!ids.is_empty()).then(|| of_devices(&freeze.project, action, &ids))
}

/// A thing has other tags.
fn changed_tags(change: &ChangeTags) -> Entry {
    let target = match &change.tagged {
        Tagged::Device(id) => id.to_string(),
        Tagged::Server(id) => id.clone(),
    };
    let put: BTreeMap<&str, &str> =
        change.put.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let take: Vec<&str> = change.take.iter().map(|(key, _)| key.as_str()).collect();
    let action = match change.tagged {
        Tagged::Device(_) => "device.tags",
        Tagged::Server(_) => "host.tags",
    };
    let about = About::Project(change.project.clone());
    Entry { about, action, target, detail: json!({ "put": put, "take": take }) }
}

/// Devices are on record: an entry for each project.
fn imported(import: &ImportDevices) -> Vec<Entry> {
    let mut by_project: BTreeMap<&ProjectId, Vec<&str>> = BTreeMap::new();
    for device in &import.devices {
        by_project.entry(&device.record.project).or_default().push(device.record.id.as_str());
    }
    let entry =
        |(project, ids): (&ProjectId, Vec<&str>)| of_devices(project, "device.import", &ids);
    by_project.into_iter().map(entry).collect()
}

/// Whose a webhook is, or was, that was changed.
fn of_webhook(written: &Written) -> About {
    match written {
        Written::Webhook(Some(project)) => About::ProjectKey(*project),
        _ => About::Server,
    }
}

/// A webhook is made. What follows `?` in its URL may be what it opens its receiver with.
fn created_webhook(create: &CreateWebhook) -> Entry {
    Entry {
        about: create.project.clone().map_or(About::Server, About::Project),
        action: "webhook.create",
        target: create.id.clone(),
        detail: json!({
            "url": without_query(&create.url),
            "types": create.types,
            "enabled": create.enabled,
        }),
    }
}

/// A webhook is changed.
fn changed_webhook(change: &ChangeWebhook, written: &Written) -> Entry {
    let mut detail = serde_json::Map::new();
    if let Some(url) = &change.url {
        detail.insert("url".to_owned(), json!(without_query(url)));
    }
    if let Some(types) = change.types {
        detail.insert("types".to_owned(), json!(types));
    }
    if let Some(enabled) = change.enabled {
        detail.insert("enabled".to_owned(), json!(enabled));
    }
    if change.sealed_secret.is_some() {
        detail.insert("secret".to_owned(), json!("another"));
    }
    Entry {
        about: of_webhook(written),
        action: "webhook.change",
        target: change.id.clone(),
        detail: Value::Object(detail),
    }
}

/// A URL up to its query.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// A project is opened for enrolment, or closed.
fn set_enrolment(set: &SetEnrolment) -> Entry {
    let Some(terms) = &set.terms else {
        return of_project(&set.project, "enrolment.close", json!({}));
    };
    let detail = json!({
        "prefixes": terms.prefixes,
        "ends_at": terms.ends_at.to_string(),
        "password": terms.sealed_password.is_some(),
    });
    of_project(&set.project, "enrolment.open", detail)
}

/// Pending devices are accepted; `None` if none is.
fn accepted_pending(accept: &AcceptPending, written: &Written) -> Option<Entry> {
    let Written::PendingAccepted(results) = written else { return None };
    let asked = accept.devices.iter().map(|device| device.new.record.id.as_str());
    let ids: Vec<&str> =
        asked.zip(results).filter(|(_, result)| result.is_ok()).map(|(id, _)| id).collect();
    (!ids.is_empty()).then(|| of_devices(&accept.project, "enrolment.accept", &ids))
}

/// Pending devices are rejected; `None` if none is.
fn rejected_pending(reject: &RejectPending, written: &Written) -> Option<Entry> {
    let &Written::PendingRejected(rejected) = written else { return None };
    let first: Vec<&str> = reject.ids.iter().take(IDS_MAX).map(DeviceId::as_str).collect();
    (rejected > 0).then(|| Entry {
        about: About::Project(reject.project.clone()),
        action: "enrolment.reject",
        target: format!("{rejected} devices"),
        detail: json!({ "devices": rejected, "first": first }),
    })
}

/// What was done with several devices of a project.
fn of_devices(project: &ProjectId, action: &'static str, ids: &[&str]) -> Entry {
    Entry {
        about: About::Project(project.clone()),
        action,
        target: match ids {
            [one] => (*one).to_owned(),
            several => format!("{} devices", several.len()),
        },
        detail: json!({
            "devices": ids.len(),
            "first": ids.iter().take(IDS_MAX).collect::<Vec<_>>(),
        }),
    }
}

/// An update is made that goes out in waves.
fn created_rollout(create: &CreateRollout) -> Entry {
    let rollout = &create.rollout;
    let properties: Vec<&String> = rollout.patch.keys().collect();
    Entry {
        about: About::ProjectKey(rollout.project),
        action: "update.create",
        target: rollout.id.to_string(),
        detail: json!({ "kind": rollout.kind.name(), "properties": properties }),
    }
}

/// Somebody has paused an update, or resumed or given it up.
fn stepped_rollout(step: &StepRollout) -> Entry {
    let action = match step.next.phase {
        Phase::Paused => "update.pause",
        Phase::Aborted => "update.abort",
        Phase::Running => "update.resume",
        Phase::Collecting | Phase::Stopped | Phase::Done => "update.change",
    };
    Entry {
        about: About::Rollout(step.id),
        action,
        target: step.id.to_string(),
        detail: json!({ "phase": step.next.phase.name() }),
    }
}
