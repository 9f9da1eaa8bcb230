//! The bounds that `openapi/cph.yaml` documents: one step beyond each, which is refused with the
//! bound's code, and the bound itself, which is not.

use serde_json::{Value, json};

use super::Refusal::{Call, Entry, SignIn};
use super::bed::{Bed, PASSWORD, USER};
use super::contract::{Bound, Contract, End};
use super::{Refusal, Row, Rows};
use crate::harness::Request;
use crate::harness::client::wall_clock;
use crate::harness::phones::PROJECT;

/// Ends of bounds that no request can be beyond, and why.
const BEYOND_NOTHING: &[(&str, &str, End, &str)] =
    &[("*", "server_id", End::Least, "a path without it is another path")];

/// Fields for which a request at the very bound is refused by the same code for another reason.
const NO_INSIDE: &[(&str, &str)] = &[
    ("X-Auth-Token", "no token that works has this length"),
    ("Access", "no key that exists has this length"),
    ("SignedHeaders", "a request has no room for more headers"),
    ("X-Sdk-Date from the server's time", "time goes on before the request is read"),
    ("name", "no user of this length may sign in"),
    ("password", "it is no user's password"),
];

/// Adds a row beyond each end of each bound.
pub fn add(rows: &mut Rows, bed: &Bed, contract: &Contract) {
    for bound in &contract.bounds {
        for (end, at, code) in bound.ends() {
            let beyond = if end == End::Least { at - 1 } else { at + 1 };
            let exempt = BEYOND_NOTHING.iter().any(|(call, field, of, _)| {
                (*call, *field, *of) == (&bound.call, &bound.field, end)
            });
            if exempt {
                continue;
            }
            let rule = format!("bound: {} {}, {beyond} {}", bound.call, bound.field, bound.unit);
            rows.add(rule, request(bed, bound, beyond), refusal(contract, bound, code));
        }
    }
}

/// A row at each end of each bound, with the refusal that must not come.
pub fn inside(bed: &Bed, contract: &Contract) -> Vec<Row> {
    let mut rows = Rows::default();
    for bound in &contract.bounds {
        if NO_INSIDE.iter().any(|(field, _)| bound.field == *field) {
            continue;
        }
        for (end, at, code) in bound.ends() {
            // One character is no JSON object, and one byte no signature.
            let whole = !matches!(bound.field.as_str(), "property" | "Authorization" | "server_id");
            if end == End::Least && !whole {
                continue;
            }
            let rule = format!("bound: {} {}, {at} {}", bound.call, bound.field, bound.unit);
            let request = inside_request(bed, bound, at);
            rows.add(rule, request, refusal(contract, bound, code));
        }
    }
    rows.0
}

/// How the code of a bound refuses.
fn refusal(contract: &Contract, bound: &Bound, code: &str) -> Refusal {
    let batch = ["UpdateCloudPhoneProperty", "RestartCloudPhone", "ResetCloudPhone", "*"];
    let of_entry = !matches!(bound.field.as_str(), "phones" | "phone_ids" | "body" | "server_id");
    let known = |place: &str| {
        let of_body = |status: u16| bound.field != "body" || status == 413;
        let of_rest = |status: u16| bound.field == "body" || status != 413;
        contract.codes.iter().find(|row| {
            row.code == code
                && row.places.iter().any(|at| at == place)
                && of_body(row.status)
                && of_rest(row.status)
        })
    };
    if batch.contains(&bound.call.as_str())
        && of_entry
        && let Some(row) = known("entry")
    {
        return Entry(leaked(&row.code));
    }
    if let Some(row) = known("call") {
        return Call(row.status, leaked(&row.code));
    }
    let row = known("token").unwrap_or_else(|| panic!("{code} of {bound:?} is not documented"));
    SignIn(row.status)
}

/// A text that lives as long as the table.
fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// So many of a letter.
fn many(letter: char, count: i64) -> String {
    letter.to_string().repeat(usize::try_from(count).expect("no negative number of letters"))
}

/// A text with blanks behind it, of so many bytes.
fn padded(text: &str, bytes: i64) -> String {
    let blanks = bytes - i64::try_from(text.len()).expect("a short text");
    format!("{text}{}", many(' ', blanks))
}

/// The path of one of the calls about many phones.
fn batch_path(call: &str) -> &'static str {
    match call {
        "RestartCloudPhone" => "phones/batch-restart",
        "ResetCloudPhone" => "phones/batch-reset",
        "StopCloudPhone" => "phones/batch-stop",
        _ => "phones/batch-update-property",
    }
}

/// The request whose field is as long, or as great, as `n`, refused only if that is too much. Fails
/// the test for a bound of which it has no idea.
fn request(bed: &Bed, bound: &Bound, n: i64) -> Request {
    let Bound { call, field, .. } = bound;
    let entry = |entry: Value| {
        bed.with_body("POST", batch_path(call), json!({"phones": [entry]}).to_string())
    };
    let phone = &bed.phone;
    match (call.as_str(), field.as_str()) {
        ("*", "body") => bed.update(padded(r#"{"phones":[{"phone_id":"a","property":"{}"}]}"#, n)),
        ("*", "phone_id") => entry(json!({"phone_id": many('a', n), "property": "{}"})),
        ("*", "server_id") => bed.get(&format!("phones?server_id={}", many('a', n))),
        (_, "phones") => {
            let entries: Vec<Value> =
                (0..n).map(|_| json!({"phone_id": "a", "property": "{}"})).collect();
            bed.with_body("POST", batch_path(call), json!({"phones": entries}).to_string())
        }
        (_, "phone_ids") => {
            let ids: Vec<&str> = (0..n).map(|_| "a").collect();
            bed.with_body("POST", batch_path(call), json!({"phone_ids": ids}).to_string())
        }
        (_, "property") => entry(json!({"phone_id": phone, "property": property_of(n)})),
        (_, "property and custom_property") => {
            let custom = json!({"custom.prop.a": "1"});
            let left = n - i64::try_from(custom.to_string().len()).expect("a short text");
            let entry_of = json!({
                "phone_id": phone, "property": padded("{}", left), "custom_property": custom,
            });
            entry(entry_of)
        }
        (_, "a property's name") => {
            let text = json!({many('a', n): "1"}).to_string();
            entry(json!({"phone_id": phone, "property": text}))
        }
        (_, "a value of custom_property that the catalogue does not list") => {
            let custom = json!({"custom.prop.a": many('a', n)});
            entry(json!({"phone_id": phone, "property": "{}", "custom_property": custom}))
        }
        _ => other_request(bed, bound, n),
    }
}

/// As [`request`], for what is not about many phones.
fn other_request(bed: &Bed, bound: &Bound, n: i64) -> Request {
    let tags = format!("elastic-cloud-phone/{}/tags/action", bed.phone);
    match (bound.call.as_str(), bound.field.as_str()) {
        ("UpdatePhoneName", "phone_name") => named(bed, "phone_name", &many('手', n)),
        ("UpdateServerName", "server_name") => named(bed, "server_name", &many('手', n)),
        ("UpdatePhoneName", "body") => sized_name(bed, "phone_name", n),
        ("UpdateServerName", "body") => sized_name(bed, "server_name", n),
        ("ListJobs", "request_ids") => {
            let ids: Vec<&str> = (0..n).map(|_| bed.request.as_str()).collect();
            bed.get(&format!("jobs?request_ids={}", ids.join(",")))
        }
        ("ListCloudPhones", "phone_name") => bed.get(&format!(
            "phones?phone_name={}",
            "%E6%89%8B".repeat(usize::try_from(n).expect("a length"))
        )),
        ("ListCloudPhoneServers", "server_name") => bed.get(&format!(
            "servers?server_name={}",
            "%E6%89%8B".repeat(usize::try_from(n).expect("a length"))
        )),
        ("ListCloudPhoneServers", time @ ("create_since" | "create_until")) => {
            bed.get(&format!("servers?{time}={n}"))
        }
        ("ListCloudPhoneImages", "marker") => {
            bed.get(&format!("phone-images?marker={}", many('a', n)))
        }
        ("ListResourceInstances", page @ ("limit" | "offset")) => {
            search(bed, &json!({"action": "filter", page: n.to_string()}))
        }
        ("ListResourceInstances", "tags") => {
            let keys: Vec<Value> = (0..n).map(|i| json!({"key": format!("k{i}")})).collect();
            search(bed, &json!({"action": "filter", "tags": keys}))
        }
        ("ListResourceInstances", "tags[].values") => {
            let values: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
            search(bed, &json!({"action": "filter", "tags": [{"key": "k", "values": values}]}))
        }
        ("ListResourceInstances", "key") => {
            search(bed, &json!({"action": "filter", "tags": [{"key": many('键', n)}]}))
        }
        ("ListResourceInstances", "value") => {
            let tag = json!({"key": "k", "values": [many('值', n)]});
            search(bed, &json!({"action": "filter", "tags": [tag]}))
        }
        ("ListResourceInstances", "body") => {
            let target = format!("/v1/{PROJECT}/elastic-cloud-phone/resource_instances/action");
            bed.signed(Request::new("POST", &target).body(padded(r#"{"action":"filter"}"#, n)))
        }
        (call @ ("BatchCreateTags" | "BatchDeleteTags"), field) => {
            let action = if call == "BatchCreateTags" { "create" } else { "delete" };
            let body = match field {
                "key" => tags_body(action, &[json!({"key": many('键', n), "value": "v"})]),
                "value" => tags_body(action, &[json!({"key": "k", "value": many('值', n)})]),
                "body" => padded(&tags_body(action, &[json!({"key": "k", "value": "v"})]), n),
                "tags" => tags_body(action, &some_tags(n)),
                // One is there already.
                "tags of one resource" => tags_body(action, &some_tags(n - 1)),
                _ => panic!("no request for the bound {bound:?}"),
            };
            bed.signed(Request::new("POST", &format!("/v1/{PROJECT}/{tags}")).body(body))
        }
        (call, page @ ("limit" | "offset")) => {
            let list = match call {
                "ListCloudPhones" => bed.target("phones?"),
                "ListJobs" => bed.target(&format!("jobs?request_id={}&", bed.request)),
                "ListCloudPhoneServers" => bed.target("servers?"),
                "ListCloudPhoneModels" => bed.target("phone-models?"),
                "ListCloudPhoneImages" => bed.target("phone-images?"),
                "ListProjectTags" => format!("/v1/{PROJECT}/cph-server/tags?"),
                _ => panic!("no request for the bound {bound:?}"),
            };
            bed.signed(Request::new("GET", &format!("{list}{page}={n}")))
        }
        _ => authenticating(bed, bound, n),
    }
}

/// As [`request`], for how a caller proves who it is.
fn authenticating(bed: &Bed, bound: &Bound, n: i64) -> Request {
    let plain = || Request::new("GET", &bed.target("phones"));
    let signed = || bed.signed(plain());
    match (bound.call.as_str(), bound.field.as_str()) {
        ("*", "X-Auth-Token") => plain().header("x-auth-token", many('t', n)),
        ("*", "Authorization") => {
            let value = signed().authorization();
            let value = match n {
                0 => String::new(),
                // Blanks may stand between the parts.
                _ => {
                    let blanks = n - i64::try_from(value.len()).expect("a short text");
                    value.replacen(", ", &format!(", {}", many(' ', blanks)), 1)
                }
            };
            signed().with("authorization", value)
        }
        ("*", "Access") => {
            let request = signed();
            let value = request.authorization();
            let value = value.replacen(&bed.site.key.ak, &many('A', n), 1);
            request.with("authorization", value)
        }
        ("*", "SignedHeaders") => {
            let request = signed();
            let value = request.authorization();
            let names = value.split_once("SignedHeaders=").expect("the part").1;
            let names = names.split(',').next().expect("names").to_owned();
            let many: Vec<String> = (0..n).map(|i| format!("x-{i:03}")).collect();
            request.with("authorization", value.replacen(&names, &many.join(";"), 1))
        }
        ("*", "X-Sdk-Date from the server's time") => {
            let date = fleet::Timestamp(wall_clock().0 - 1000 * n).to_basic_text();
            plain().signed_at(&bed.site.key, &bed.host(), &date)
        }
        ("KeystoneCreateUserTokenByPassword", "name") => bed.sign_in(&many('n', n), PASSWORD),
        ("KeystoneCreateUserTokenByPassword", "password") => bed.sign_in(USER, &many('p', n)),
        ("KeystoneCreateUserTokenByPassword", "body") => {
            let mut request = bed.sign_in(USER, PASSWORD);
            request.body =
                padded(std::str::from_utf8(&request.body).expect("JSON"), n).into_bytes();
            request
        }
        _ => panic!("no request for the bound {bound:?}"),
    }
}

/// As [`request`] for the bound itself, where being taken needs another request than being refused.
fn inside_request(bed: &Bed, bound: &Bound, n: i64) -> Request {
    match bound.field.as_str() {
        // A name that is in no list is free only among the client's own.
        "a property's name" => {
            let custom = json!({many('a', n): "1"});
            let entry = json!({"phone_id": bed.phone, "property": "{}", "custom_property": custom});
            let body = json!({"phones": [entry]}).to_string();
            bed.with_body("POST", batch_path(&bound.call), body)
        }
        _ => request(bed, bound, n),
    }
}

/// A text of so many characters, most of which have three bytes, that holds an object.
fn property_of(characters: i64) -> String {
    const AROUND: i64 = 16;
    if characters < AROUND {
        return many(' ', characters);
    }
    // `{"com.no.x":""}` and one more.
    let text = format!(r#"{{"com.no.x":"{}" }}"#, many('手', characters - AROUND));
    assert_eq!(i64::try_from(text.chars().count()), Ok(characters));
    text
}

/// UpdatePhoneName or UpdateServerName.
fn renamed(bed: &Bed, key: &str, body: String) -> Request {
    let rest = match key {
        "phone_name" => format!("phones/{}", bed.phone),
        _ => format!("servers/{}", bed.server),
    };
    bed.with_body("PUT", &rest, body)
}

/// The same with a name.
fn named(bed: &Bed, key: &str, name: &str) -> Request {
    renamed(bed, key, json!({key: name}).to_string())
}

/// The same with a body of so many bytes.
fn sized_name(bed: &Bed, key: &str, bytes: i64) -> Request {
    renamed(bed, key, padded(&json!({key: "a-name"}).to_string(), bytes))
}

/// ListResourceInstances.
fn search(bed: &Bed, body: &Value) -> Request {
    let target = format!("/v1/{PROJECT}/elastic-cloud-phone/resource_instances/action");
    bed.signed(Request::new("POST", &target).body(body.to_string()))
}

/// So many tags.
fn some_tags(count: i64) -> Vec<Value> {
    (0..count).map(|i| json!({"key": format!("k{i}"), "value": "v"})).collect()
}

/// The body of BatchCreateTags or BatchDeleteTags.
fn tags_body(action: &str, tags: &[Value]) -> String {
    json!({"action": action, "tags": tags}).to_string()
}
