//! What each call needs its caller to be allowed. It is part of the call's own description, so that
//! a call can't be made without saying it.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request};
use fleet::Grant;
use http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

/// What the calls name the token by that they need, whatever brings it.
pub(super) const TOKEN: &str = "token";

/// What stands for calls that the administrator of the server alone may make.
const SERVER: &str = "server";

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it is how one gets a token.
    Nothing,
    /// A token, whatever may be done with it.
    Token,
    /// This grant, or more, in the projects that it is about.
    Grant(Grant),
    /// The admin token.
    Server,
}

impl Need {
    /// What a call's description says; `None` if it says nothing that is known.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let [requirement] = operation.security.as_deref()? else { return None };
        let described = serde_json::to_value(requirement).ok()?;
        let described = described.as_object()?;
        if described.is_empty() {
            return Some(Self::Nothing);
        }
        let roles = described.get(TOKEN)?.as_array()?;
        match roles.as_slice() {
            [] => Some(Self::Token),
            [role] if role == SERVER => Some(Self::Server),
            [role] => role.as_str()?.parse().ok().map(Self::Grant),
            _ => None,
        }
    }
}

/// What the calls need, by path and method.
#[derive(Debug, Default)]
pub(super) struct Needs(HashMap<String, Vec<(Method, Need)>>);

impl Needs {
    /// Those of the calls of this document. One that does not say what it needs needs the admin
    /// token.
    pub(super) fn of(document: &OpenApi) -> Self {
        let mut needs = Self::default();
        for (path, item) in &document.paths.paths {
            let of_path = operations(item)
                .map(|(method, operation)| (method, Need::of(operation).unwrap_or(Need::Server)));
            needs.0.insert(path.clone(), of_path.collect());
        }
        needs
    }

    /// What a request needs that the router has led to a call below `/api/v1`; `None` if there is
    /// no such call.
    pub(super) fn of_request(&self, request: &Request) -> Option<Need> {
        let calls = self.0.get(path(request)?)?;
        // A call by GET answers HEAD too.
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        calls.iter().find(|(known, _)| known == method).map(|(_, need)| *need)
    }
}

/// Which of the paths below `/api/v1` the router has led a request to.
pub(super) fn path(request: &Request) -> Option<&str> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    Some(path.strip_prefix("/api/v1").unwrap_or(path))
}

/// The calls of a path, by method.
pub(super) fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let by_method = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
        (Method::OPTIONS, &item.options),
        (Method::HEAD, &item.head),
        (Method::TRACE, &item.trace),
    ];
    by_method.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_says_what_it_needs() {
        let (_, document) = crate::native::guarded().split_for_parts();
        let mut open = Vec::new();
        let mut calls = 0;
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                let need = Need::of(operation);
                assert!(need.is_some(), "{method} {path} does not say what it needs");
                if need == Some(Need::Nothing) {
                    open.push(format!("{method} {path}"));
                }
                let changes = method != Method::GET;
                let may_view = need == Some(Need::Grant(Grant::Viewer));
                assert!(!(changes && may_view), "{method} {path} is open to viewers");
                calls += 1;
            }
        }
        assert_eq!(open, ["POST /session", "POST /session/cookie"]);
        assert!(calls > 50, "{calls}");
    }
}
