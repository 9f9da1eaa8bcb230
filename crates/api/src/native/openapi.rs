//! The door's OpenAPI document, made from its handlers.

mod answers;

use fleet::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, Required,
    Response, ResponseBuilder,
};

use super::need::{Need, TOKEN};
use super::{Problem, cookie};

/// Declares the answers that several calls share: each a problem.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident $status:literal $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(utoipa::IntoResponses)]
            #[expect(dead_code, reason = "only its description is used")]
            pub(super) enum $name {
                $(
                    #[doc = $text]
                    #[response(
                        status = $status,
                        description = $text,
                        content_type = "application/problem+json"
                    )]
                    $variant(Problem),
                )*
            }
        )*
    };
}

problems! {
    /// What every call may answer.
    Guarded {
        Unauthorized 401 "The token is missing or wrong, or has expired",
        Forbidden 403 "The token's holder may not do this; the problem says what it takes",
        Busy 429 "Too much is waiting: try again after Retry-After seconds",
        Unavailable 503 "The store can't answer now: try again after Retry-After seconds",
    }
    /// What can't be meant.
    Invalid {
        BadRequest 400 "A value is not acceptable or not known; the problem names it",
    }
    /// A body that is not read to its end.
    Oversized {
        TooLarge 413 "The body is larger than 12 MiB",
    }
    /// What is not there.
    Missing {
        NotFound 404 "There is none of this id",
    }
    /// What is not as the caller said that it has to be.
    Differs {
        PreconditionFailed 412 "The device is at another revision; the problem says both",
    }
    /// What does not go together with what is there.
    Conflict {
        Conflict 409 "The id is taken, or stands for several things; the problem names them",
    }
}

/// The OpenAPI 3.1 document of `/api/v1` as it is committed in `openapi/native.json`: pretty JSON
/// with a line feed at its end.
///
/// # Errors
/// Only if the document can't be written as JSON.
pub fn document() -> Result<String, serde_json::Error> {
    let (_, mut calls) = super::guarded().split_for_parts();
    add_idempotency(&mut calls);
    let token = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The admin token (the file admin-token in the server's data directory), or the \
                 token of a user: from POST /session, or made with a name and an end. Each call \
                 names the role that it takes in the project that it is about: viewer, operator \
                 or admin, each of which may what those before it may; server takes the admin \
                 token.",
            ))
            .build(),
    );
    let mut components = Components::new();
    components.add_security_scheme(TOKEN, token);
    let cookie = ApiKeyValue::with_description(
        cookie::NAME,
        "Of a browser, from POST /session/cookie: stands for the token wherever a call names that, \
         unless there is a header Authorization. A call by cookie that is not GET needs the header \
         X-Fleetwright-Console: 1.",
    );
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    let info = InfoBuilder::new()
        .title("Fleetwright")
        .version("1")
        .description(Some(
            "Projects, organizations, access keys, users, devices, updates, jobs and catalogue of a \
             Fleetwright server. Errors are RFC 9457 problems. Whatever takes a token takes it \
             from the console's cookie as well; such a call is refused with 403 `cross_site` \
             where a page of another site may have had it sent.",
        ))
        .license(Some(License::new("Apache-2.0")));
    let base = OpenApiBuilder::new().info(info).components(Some(components)).build();
    let mut document = base.nest("/api/v1", calls);
    answers::complete(&mut document);
    let mut text = document.to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

/// Says of each call that changes something that it may be sent twice, and what is answered then.
/// Signing in is none: it is not known who calls before it has been done.
fn add_idempotency(calls: &mut OpenApi) {
    for item in calls.paths.paths.values_mut() {
        let changing = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in changing.into_iter().flatten() {
            if Need::of(operation) == Some(Need::Nothing) {
                continue;
            }
            operation.parameters.get_or_insert_default().push(idempotency_key().into());
            let answers = &mut operation.responses.responses;
            for (status, description) in [
                ("409", "The call of this Idempotency-Key is being made: ask again"),
                ("422", "The Idempotency-Key was used for another request"),
            ] {
                let answer = || problem(description).into();
                answers.entry(status.to_owned()).or_insert_with(answer);
            }
        }
    }
}

/// The header by which a call may be sent twice.
fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(IDEMPOTENCY_KEY_BYTES_MAX))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Which call it is. The same key with the same request has one effect, and one answer, \
             for 24 hours; an answer that was given before has the header Idempotency-Replayed.",
        ))
        .schema(Some(text))
        .build()
}

/// An answer that is a problem.
fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use utoipa::openapi::RefOr;

    use super::*;
    use crate::native::need;

    #[test]
    fn each_change_but_signing_in_may_be_sent_twice() {
        let (_, mut calls) = crate::native::guarded().split_for_parts();
        add_idempotency(&mut calls);
        let mut without = Vec::new();
        for (path, item) in &calls.paths.paths {
            for (method, operation) in need::operations(item) {
                let parameters = operation.parameters.as_deref().unwrap_or_default();
                let has_key = parameters
                    .iter()
                    .any(|one| matches!(one, RefOr::T(one) if one.name == "Idempotency-Key"));
                let answers = &operation.responses.responses;
                let answers = answers.contains_key("409") && answers.contains_key("422");
                match (method == http::Method::GET, has_key && answers) {
                    (true, _) => assert!(!has_key, "{path}"),
                    (false, false) => without.push(format!("{method} {path}")),
                    (false, true) => {}
                }
            }
        }
        assert_eq!(without, ["POST /session", "POST /session/cookie"]);
    }

    /// `UPDATE_OPENAPI=1` writes the document instead of comparing it.
    #[test]
    fn the_committed_document_is_that_of_the_handlers() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/native.json");
        let document = document().unwrap();
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, &document).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(committed == document, "openapi/native.json is stale: run with UPDATE_OPENAPI=1");
    }
}
