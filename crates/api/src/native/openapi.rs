//! The door's OpenAPI document, made from its handlers.

use utoipa::PartialSchema as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, License, OpenApiBuilder};

use super::Problem;
use super::need::TOKEN;

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
    /// What is not there.
    Missing {
        NotFound 404 "There is none of this id",
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
    let (_, calls) = super::guarded().split_for_parts();
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
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    let info = InfoBuilder::new()
        .title("Fleetwright")
        .version("1")
        .description(Some(
            "Projects, organizations, access keys, users, devices, updates, jobs and catalogue of a \
             Fleetwright server. Errors are RFC 9457 problems.",
        ))
        .license(Some(License::new("Apache-2.0")));
    let base = OpenApiBuilder::new().info(info).components(Some(components)).build();
    let document = base.nest("/api/v1", calls);
    let mut text = document.to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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
