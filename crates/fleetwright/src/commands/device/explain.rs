//! `fleetwright device explain`: why a device holds what it holds, as a page.

use anyhow::Result;

use super::target::Target;
use crate::client::Client;
use crate::client::answers::{Asker, ExplainedValue, Explanation, Reason, ValueBefore};
use crate::output;

/// Explains a device, or one of its properties.
pub fn explain(
    client: &Client,
    target: &Target,
    property: Option<String>,
    is_json: bool,
) -> Result<()> {
    let mut query = target.query();
    query.extend(property.map(|property| ("property", property)));
    let answer = client.get(&target.path("explain"), &query)?;
    if is_json {
        output::json(&answer)?;
    } else {
        output::data(&page(&client.read(&answer)?))?;
    }
    Ok(())
}

/// The page: the device, then a block for each property.
fn page(explained: &Explanation) -> String {
    let mut head = vec![
        ("device", explained.id.clone()),
        ("name", explained.name.clone()),
        ("kind", explained.kind.clone()),
        ("condition", explained.condition.clone()),
        ("boot", explained.boot.clone().unwrap_or_default()),
    ];
    head.extend(reasons(&explained.reasons));
    let mut page = output::fields(&head);
    if explained.values.is_empty() {
        page.push_str("\nNothing is asked of it.\n");
    }
    for value in &explained.values {
        page.push_str(&format!("\n{}\n", output::clean(&value.name)));
        for line in output::fields(&block(value)).lines() {
            page.push_str(&format!("  {line}\n"));
        }
    }
    page
}

/// Two lines for each reason.
fn reasons(reasons: &[Reason]) -> Vec<(&'static str, String)> {
    let lines = reasons.iter().flat_map(|reason| {
        let why = format!("{} ({})", reason.why, reason.code);
        [("why", why), ("what to do", reason.what_to_do.clone())]
    });
    lines.collect()
}

/// What is said of a value.
fn block(value: &ExplainedValue) -> Vec<(&'static str, String)> {
    let asked_by = match (&value.asked, &value.asked_unknown) {
        (Some(asked), _) => format!("{} ({}), at {}", asked.actor, asked.door, asked.accepted_at),
        (None, Some(why)) => format!("unknown: {why}"),
        (None, None) => String::new(),
    };
    let shown = value.shown.as_ref().map(|shown| {
        let what = shown.value.as_ref().map_or_else(|| "nothing".to_owned(), |it| quoted(it));
        format!("{what}, at {}", shown.at)
    });
    let asked = value.asked.as_ref();
    let mut block = vec![
        ("state", value.state.as_deref().unwrap_or("not asked").replace('_', " ")),
        ("desired", value.desired.as_deref().map(quoted).unwrap_or_default()),
        ("shown", shown.unwrap_or_default()),
        ("before", value.before.as_ref().map(before).unwrap_or_default()),
        ("asked by", asked_by),
        ("update", asked.map(|asked| asked.update.clone()).unwrap_or_default()),
        ("job", asked.map(job).unwrap_or_default()),
        ("revision", value.revision.map(|revision| revision.to_string()).unwrap_or_default()),
        ("waits for a restart since", value.restart_pending_since.clone().unwrap_or_default()),
        ("how", value.route.clone()),
    ];
    block.extend(reasons(&value.reasons));
    // What is not known takes no room.
    block.retain(|(_, text)| !text.is_empty());
    block
}

/// A job: where it stands, and how that is known.
fn job(asked: &Asker) -> String {
    let state = asked.state.replace('_', " ");
    match (&asked.proof, &asked.detail) {
        (Some(proof), _) => format!("{}: {state}, {proof}", asked.job),
        (None, Some(detail)) => format!("{}: {state}, {detail}", asked.job),
        (None, None) => format!("{}: {state}", asked.job),
    }
}

/// What there was before a value.
fn before(before: &ValueBefore) -> String {
    match (&before.desired, &before.shown) {
        (Some(desired), Some(shown)) if desired != shown => {
            format!("{} (it showed {})", quoted(desired), quoted(shown))
        }
        (Some(desired), _) => quoted(desired),
        (None, Some(shown)) => format!("nothing asked (it showed {})", quoted(shown)),
        (None, None) => "nothing".to_owned(),
    }
}

/// A value as it is printed: one that is empty, or has blanks at its ends, in quotes.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.trim() != text { format!("{text:?}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_a_block_for_each_property() {
        let explained: Explanation = serde_json::from_value(json!({
            "project": "acme", "id": "phone-1", "kind": "phone", "name": "Lobby",
            "condition": "abnormal", "boot": "k/7",
            "reasons": [{"code": "unreachable", "why": "it does not answer",
                         "what_to_do": "see that it runs"}],
            "values": [
                {"name": "com.cph.mainkeys", "state": "pending", "desired": "1", "revision": 4,
                 "asked": {"update": "u4", "job": "j4", "operation": "update",
                           "state": "waiting_for_device", "proof": null, "detail": null,
                           "door": "cph", "actor": "AK", "accepted_at": "then", "ended_at": null},
                 "asked_unknown": null, "before": {"desired": "0", "shown": " "},
                 "shown": {"value": " ", "at": "long ago", "age_milliseconds": 9},
                 "restart_pending_since": null, "route": "set by setprop",
                 "reasons": [{"code": "waits", "why": "it waits", "what_to_do": "that"}]},
                {"name": "sys.a", "state": "shown", "desired": "x", "revision": 2, "asked": null,
                 "asked_unknown": "no update asked for it", "before": null,
                 "shown": {"value": "x", "at": "now", "age_milliseconds": 9},
                 "restart_pending_since": null, "route": "set by setprop", "reasons": []},
            ],
        }))
        .unwrap();
        insta::assert_snapshot!(page(&explained), @r#"
        device      phone-1
        name        Lobby
        kind        phone
        condition   abnormal
        boot        k/7
        why         it does not answer (unreachable)
        what to do  see that it runs

        com.cph.mainkeys
          state       pending
          desired     1
          shown       " ", at long ago
          before      0 (it showed " ")
          asked by    AK (cph), at then
          update      u4
          job         j4: waiting for device
          revision    4
          how         set by setprop
          why         it waits (waits)
          what to do  that

        sys.a
          state     shown
          desired   x
          shown     x, at now
          asked by  unknown: no update asked for it
          revision  2
          how       set by setprop
        "#);
    }
}
