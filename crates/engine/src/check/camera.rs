//! What the findings of a GB device's check mean. Pure.

use fleet::catalogue::TRANSPORT;
use fleet::{Binding, CredentialsInUse, Facts, Timestamp};
use store::CameraState;

use super::judgement::{Finding, Findings, failed, not_reached, passed};
use crate::driver::Away;

/// What is judged of a GB device besides its properties.
pub(super) fn judge(findings: &Findings<'_>) -> Vec<(&'static str, Finding)> {
    vec![
        ("registered", registered(findings)),
        ("credentials", credentials(findings)),
        ("transport", transport(findings)),
        ("answers", answers(findings)),
    ]
}

/// The registration that lasts, if one does.
fn live<'a>(findings: &Findings<'a>) -> Option<(&'a CameraState, &'a Binding)> {
    let camera = findings.camera?;
    let binding = camera.binding.as_ref().filter(|binding| binding.is_live(findings.now))?;
    Some((camera, binding))
}

/// Whether it registered with the user name and password that are on record now.
fn credentials(findings: &Findings<'_>) -> Finding {
    let Some((camera, binding)) = live(findings) else { return not_reached() };
    used(camera, binding, findings.now)
}

/// The same, of a registration that lasts.
fn used(camera: &CameraState, binding: &Binding, now: Timestamp) -> Finding {
    let changed_at = camera.credentials_at.map(|at| at.to_string()).unwrap_or_default();
    match camera.credentials_in_use(binding) {
        CredentialsInUse::Current => passed("it registered with those on record"),
        CredentialsInUse::NotRenewed => failed(
            format!(
                "they were changed at {changed_at}, and it has not registered since; its \
                 registration ends at {}",
                binding.expires_at
            ),
            "set those on record at the camera itself: its next registration must have them",
        ),
        CredentialsInUse::Old => {
            let until = overlap(camera.overlap_until, now);
            failed(
                format!(
                    "it registered with the user name and password from before {changed_at}{until}"
                ),
                "set those on record at the camera itself",
            )
        }
    }
}

/// Until when the old ones go on working, in words.
fn overlap(until: Option<Timestamp>, now: Timestamp) -> String {
    match until.filter(|until| *until > now) {
        Some(until) => format!(", which work until {until}"),
        None => ", which work no more".to_owned(),
    }
}

/// Whether it speaks over the transport that its operator wants for it.
fn transport(findings: &Findings<'_>) -> Finding {
    let Some((camera, binding)) = live(findings) else { return not_reached() };
    spoken(camera, binding)
}

/// The same, of a registration that lasts.
fn spoken(camera: &CameraState, binding: &Binding) -> Finding {
    let speaks = binding.transport.name();
    match camera.record.get(TRANSPORT) {
        Some(wanted) if !wanted.eq_ignore_ascii_case(speaks) => failed(
            format!("it registers over {speaks}, and {wanted} is on record"),
            "choose the transport of its SIP at the camera itself: what it is sent goes the way that \
             it registered by",
        ),
        _ => passed(format!("it registers over {speaks}")),
    }
}

fn registered(findings: &Findings<'_>) -> Finding {
    match &findings.examination.away {
        Some(Away::NotRegistered(why)) => failed(
            why,
            "see that the device's SIP server, port, server id and domain are this server's, and \
             its user name and password those on record; `fleetwright registrations` lists what \
             was refused and why",
        ),
        _ => passed("it is registered"),
    }
}

fn answers(findings: &Findings<'_>) -> Finding {
    match &findings.examination.away {
        None => passed(words(&findings.examination.facts)),
        Some(Away::NotRegistered(_)) => not_reached(),
        Some(away) => failed(
            away.to_string(),
            "see that requests from this server's SIP port reach the device: a NAT or firewall on \
             the way may have closed its path, and TCP keeps one open",
        ),
    }
}

/// What it said of itself, in words.
fn words(facts: &Facts) -> String {
    let said: Vec<&str> = [Facts::MANUFACTURER, Facts::MODEL, Facts::FIRMWARE]
        .iter()
        .filter_map(|name| facts.get(name))
        .collect();
    if said.is_empty() {
        "it answers".to_owned()
    } else {
        format!("it answers: {}", said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fleet::{DeviceKey, SipTransport};

    use super::super::CheckResult;
    use super::*;

    const CHANGED: Timestamp = Timestamp(1_000_000);

    fn camera(credentials_at: Option<Timestamp>, wanted: Option<&str>) -> CameraState {
        let record = wanted.map(|wanted| (TRANSPORT.to_owned(), wanted.to_owned()));
        CameraState {
            user: None,
            has_password: true,
            binding: None,
            channels: 0,
            record: record.into_iter().collect(),
            organization: None,
            credentials_at,
            overlap_until: Some(Timestamp(2_000_000)),
        }
    }

    fn binding(refreshed_at: Timestamp, old_credentials: bool) -> Binding {
        Binding {
            device: DeviceKey(1),
            transport: SipTransport::Udp,
            remote: SocketAddr::from(([192, 0, 2, 10], 5060)),
            registered_at: Timestamp(1),
            refreshed_at,
            expires_at: Timestamp(9_000_000),
            version: None,
            nonce_at: 0,
            nonce_count: 0,
            ended: None,
            old_credentials,
        }
    }

    fn holds(finding: &Finding) -> bool {
        matches!(finding.result(), CheckResult::Passed)
    }

    #[test]
    fn who_registered_with_what_was_replaced_is_told_until_when_that_works() {
        let after = Timestamp(CHANGED.0 + 1);
        let before = Timestamp(CHANGED.0 - 1);
        let changed = camera(Some(CHANGED), None);
        assert!(holds(&used(&camera(None, None), &binding(before, false), after)));
        assert!(holds(&used(&changed, &binding(after, false), after)));
        let old = used(&changed, &binding(after, true), after);
        assert!(!holds(&old));
        assert!(old.detail().contains("which work until"), "{}", old.detail());
        let over = used(&changed, &binding(after, true), Timestamp(2_000_000));
        assert!(over.detail().contains("which work no more"), "{}", over.detail());
        // Whatever it used before the change, it has not been seen since.
        for used_old in [false, true] {
            let unseen = used(&changed, &binding(before, used_old), after);
            assert!(!holds(&unseen));
            assert!(unseen.detail().contains("has not registered since"), "{}", unseen.detail());
        }
    }

    #[test]
    fn another_transport_than_the_one_wanted_is_told() {
        let registered = binding(CHANGED, false);
        assert!(holds(&spoken(&camera(None, None), &registered)));
        assert!(holds(&spoken(&camera(None, Some("UDP")), &registered)));
        assert!(!holds(&spoken(&camera(None, Some("TCP")), &registered)));
    }
}
