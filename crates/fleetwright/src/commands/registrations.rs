//! `fleetwright registrations`: cameras that were not let in, and why.

use std::process::ExitCode;

use anyhow::Result;

use crate::client::answers::RefusedRegistrations;
use crate::client::{Client, ServerOptions};
use crate::output;

/// Shows which cameras could not register of late, and why: `fleetwright registrations`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright registrations\n  \
    fleetwright registrations --json | jq -r '.registrations[] | select(.why==\"unknown_id\") | .id'\n\n\
    The last one first; at most 1,000 are remembered, and none over a restart of the server.\n\n\
    What to do about WHY (in JSON, `why`):\n  \
    unknown_id    import the camera: fleetwright device import FILE\n  \
    pending       accept it: fleetwright enrolment accept --project ID CAMERA\n  \
    no_password   import it again with `password`\n  \
    wrong_user    the camera has another user name; import it again with `user`\n  \
    wrong_digest  the camera has another password; correct it there or here\n  \
    wrong_realm   the camera keeps a realm of its own; it is `sip.realm` here\n  \
    stale_nonce   it answers too late, or an old challenge again; harmless if it is then let in\n  \
    malformed     its answer to the challenge can't be read; DETAIL says where")]
pub struct Registrations {
    #[command(flatten)]
    server: ServerOptions,
}

impl Registrations {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        let answer = client.get(&["registrations", "refused"], &[])?;
        if self.server.json {
            output::json(&answer)?;
        } else {
            output::data(&table(client.read(&answer)?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(refused: RefusedRegistrations) -> String {
    let rows = refused.registrations.into_iter().map(|refused| {
        vec![
            refused.id,
            format!("{} {}", refused.transport, refused.remote),
            refused.text,
            refused.detail,
            refused.count.to_string(),
            refused.at,
        ]
    });
    output::table(&["ID", "FROM", "WHY", "DETAIL", "TIMES", "LAST"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_registration_is_told_with_its_reason() {
        let refused = serde_json::from_value(serde_json::json!({"registrations": [{
            "id": "34020000001320000001", "remote": "192.0.2.10:5060", "transport": "udp",
            "why": "wrong_digest", "text": "wrong password", "detail": "",
            "count": 12, "first_at": "00:00:00", "at": "01:02:03"
        }]}))
        .unwrap();
        insta::assert_snapshot!(table(refused), @r"
        ID                    FROM                 WHY             DETAIL  TIMES  LAST
        34020000001320000001  udp 192.0.2.10:5060  wrong password  -       12     01:02:03
        ");
    }
}
