//! The views of the console, and the addresses at which they are looked at.

use serde_json::{Value, json};

use crate::harness::phones::PROJECT;

/// What a server has that views can be about.
pub struct Shown {
    /// A phone, a camera, and a recorder with channels.
    pub phone: String,
    pub camera: String,
    pub recorder: String,
    /// Updates.
    pub updates: Vec<String>,
    /// An organization's path.
    pub organization: String,
    /// A preset's name.
    pub preset: String,
    /// A user's name.
    pub user: String,
    /// A webhook's id.
    pub webhook: String,
}

impl Shown {
    /// What a script is told of them: every view by its address in the router, with the addresses
    /// at which it is looked at; which of those may have a card with nothing to show, before
    /// something is chosen or, for the history of counts, in a server's first minutes; and
    /// addresses of what is not there.
    pub fn facts(&self, token: &str) -> Value {
        let Self { phone, camera, recorder, organization, preset, user, webhook, .. } = self;
        let of = |view: &str| format!("/ui/{view}?project={PROJECT}");
        let device = |id: &str, tab: &str| format!("/ui/devices/{PROJECT}/{id}?tab={tab}");
        let updates: Vec<_> = self.updates.iter().map(|id| format!("/ui/updates/{id}")).collect();
        let (new, presets, users) = (of("updates/new"), of("presets"), of("users"));
        let organizations = of("organizations");
        json!({
            "token": token,
            "views": {
                "/ui/audit": ["/ui/audit"],
                "/ui/cluster": ["/ui/cluster"],
                "/ui/devices": ["/ui/devices", "/ui/devices?kind=camera"],
                "/ui/devices/$project/$id": [
                    device(phone, "state"),
                    device(phone, "explain"),
                    device(phone, "history"),
                    device(phone, "check"),
                    device(camera, "state"),
                    device(recorder, "channels"),
                ],
                "/ui/enrolment": [of("enrolment")],
                "/ui/import": [of("import")],
                "/ui/keys": [of("keys")],
                "/ui/organizations": [
                    organizations,
                    format!("{organizations}&organization={organization}"),
                ],
                "/ui/overview": ["/ui/overview", of("overview")],
                "/ui/passwords": [of("passwords")],
                "/ui/presets": [
                    presets,
                    format!("{presets}&preset={preset}"),
                    format!("{presets}&preset={preset}&tab=edit"),
                    format!("{presets}&tab=new"),
                ],
                "/ui/projects": ["/ui/projects"],
                "/ui/projects/$project": [format!("/ui/projects/{PROJECT}")],
                "/ui/registrations": ["/ui/registrations"],
                "/ui/updates": ["/ui/updates"],
                "/ui/updates/$id": updates,
                "/ui/updates/new": [
                    "/ui/updates/new",
                    format!("{new}&kind=phone&id={phone}"),
                    format!("{new}&kind=camera&tab=file"),
                ],
                "/ui/users": [
                    users,
                    format!("{users}&tab=grants"),
                    format!("{users}&id={user}"),
                ],
                "/ui/webhooks": [of("webhooks"), format!("/ui/webhooks?id={webhook}")],
            },
            "empty": [organizations, presets, "/ui/overview", of("overview")],
            "missing": [
                "/ui/nowhere",
                format!("/ui/devices/{PROJECT}/none"),
                "/ui/updates/019a7c6e4b3d7a1c8e5f000000000000",
                "/ui/projects/none",
            ],
        })
    }
}
