//! What the document says of every call alike: the answers that a call gets before it is made, and
//! the headers of its problems.

use utoipa::IntoResponses as _;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Object, OpenApi, PathItem, RefOr, Type};

use super::{Invalid, Missing, Oversized};

/// Adds to each call of the document what nobody has to write down for each.
pub(super) fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        operations_mut(item).for_each(complete_call);
    }
}

/// The calls of a path, to be changed.
fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let by_method = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.options,
        &mut item.head,
        &mut item.trace,
    ];
    by_method.into_iter().flatten()
}

/// Adds to a call the answers that come before it from whoever reads its path, query and body
/// ([`crate::native::exchange`]), and the headers that go with a problem's status.
fn complete_call(operation: &mut Operation) {
    let reads = |place: ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| match parameter {
            RefOr::T(parameter) => parameter.parameter_in == place,
            RefOr::Ref(_) => false,
        })
    };
    let has_body = operation.request_body.is_some();
    let has_values = reads(ParameterIn::Query) || reads(ParameterIn::Header);
    let met = [
        (reads(ParameterIn::Path), Missing::responses()),
        (has_values || has_body, Invalid::responses()),
        (has_body, Oversized::responses()),
    ];
    let responses = &mut operation.responses.responses;
    for (status, response) in met.into_iter().filter(|met| met.0).flat_map(|met| met.1) {
        responses.entry(status).or_insert(response);
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if let Some((name, header)) = header_of(status) {
            response.headers.insert(name.to_owned(), header.into());
        }
    }
}

/// The header that each problem of a status has, as [`crate::native::Problem`] writes it.
fn header_of(status: &str) -> Option<(&'static str, Header)> {
    let (name, kind, description) = match status {
        "401" => ("WWW-Authenticate", Type::String, "How to prove who one is: `Bearer`."),
        "429" | "503" => ("Retry-After", Type::Integer, "In how many seconds to try again."),
        _ => return None,
    };
    let mut header = Header::new(Object::with_type(kind));
    header.description = Some(description.to_owned());
    Some((name, header))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use fleet::limits::BODY_BYTES_MAX;
    use serde_json::Value;

    use crate::native::document;

    /// The document, and each call of it by its name.
    fn calls() -> (Value, Vec<(String, Value)>) {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut calls = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, call) in item.as_object().unwrap() {
                calls.push((format!("{method} {path}"), call.clone()));
            }
        }
        assert!(calls.len() > 50, "{}", calls.len());
        (document, calls)
    }

    #[test]
    fn every_call_says_what_it_is() {
        let (_, calls) = calls();
        let mut ids = BTreeSet::new();
        for (what, call) in calls {
            for field in ["operationId", "summary"] {
                assert!(!call[field].as_str().unwrap_or("").is_empty(), "{what} has no {field}");
            }
            let id = call["operationId"].to_string();
            assert!(ids.insert(id), "{what} has another's operationId");
            assert!(!call["tags"].as_array().unwrap().is_empty(), "{what} has no tag");
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let described = parameter["description"].as_str().unwrap_or("");
                assert!(!described.is_empty(), "{what}: {} has no description", parameter["name"]);
            }
        }
    }

    #[test]
    fn every_call_says_what_it_answers() {
        let (document, calls) = calls();
        for (what, call) in calls {
            let responses = call["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{what}: no success");
            // No status stands for all others, nor is a fault of the server's a promise.
            let mut statuses = responses.keys().map(String::as_str);
            assert!(statuses.all(|status| status < "500" || status == "503"), "{what}");
            let parameters: Vec<&Value> =
                call["parameters"].as_array().into_iter().flatten().collect();
            let reads = |place: &str| parameters.iter().any(|one| one["in"] == place);
            let has_body = call.get("requestBody").is_some();
            let mut expected = vec!["401", "403", "429", "503"];
            expected.extend(reads("path").then_some("404"));
            expected.extend((reads("query") || has_body).then_some("400"));
            expected.extend(has_body.then_some("413"));
            for status in expected {
                assert!(responses.contains_key(status), "{what} does not say its {status}");
            }
            for (status, response) in responses.iter().filter(|one| one.0.as_str() >= "400") {
                let content = &response["content"]["application/problem+json"]["schema"];
                assert!(content.is_object(), "{what}: its {status} is no problem");
                let header = match status.as_str() {
                    "401" => "WWW-Authenticate",
                    "429" | "503" => "Retry-After",
                    _ => continue,
                };
                let header = &response["headers"][header]["schema"];
                assert!(header.is_object(), "{what}: its {status} has not its header");
            }
        }
        assert!(document.to_string().contains("larger than 12 MiB"));
        assert_eq!(BODY_BYTES_MAX, 12 << 20);
    }

    /// The document knows a type by its name alone: of two with one name, one would be described as
    /// the other.
    #[test]
    fn no_two_types_of_the_document_share_a_name() {
        let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/native")];
        let mut names = BTreeSet::new();
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let derived = text.split("#[derive(").skip(1).filter_map(|rest| rest.split_once(")]"));
            for (_, item) in derived.filter(|(traits, _)| traits.contains("ToSchema")) {
                let mut words = item.split_whitespace();
                // Its own name, or that which `#[schema(as = Name)]` gives it in the document.
                words.find(|word| ["struct", "enum", "#[schema(as"].contains(word)).unwrap();
                let name = words.find(|word| *word != "=").unwrap();
                let name = name.trim_end_matches(|end| "<{(;)],".contains(end));
                assert!(names.insert(name.to_owned()), "{}: another {name}", path.display());
            }
        }
        assert!(names.len() > 80, "{}", names.len());
    }
}
