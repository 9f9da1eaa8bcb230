//! What the findings of a GB device's check mean. Pure.

use fleet::Facts;

use super::judgement::{Finding, Findings, failed, not_reached, passed};
use crate::driver::Away;

/// What is judged of a GB device besides its properties.
pub(super) fn judge(findings: &Findings<'_>) -> Vec<(&'static str, Finding)> {
    vec![("registered", registered(findings)), ("answers", answers(findings))]
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
