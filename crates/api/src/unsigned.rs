//! Vendors' calls that nobody has signed, for the one benchmark of what checking signatures costs.
//!
//! The product has no such setting: this is there with the feature `unsigned` only, which its
//! manifest never asks for. Where it is there, because a whole workspace is built with all
//! features, it does nothing until somebody makes a router by [`router`]: what marks a request is
//! no part of what a client sends.

use std::sync::Arc;

use axum::{Extension, Router};
use fleet::{Principal, ProjectId};
use http::request::Parts;

/// Marks a request as one of this caller, whoever sent it.
#[derive(Debug, Clone)]
struct Anybody(Arc<(Principal, ProjectId)>);

/// The same router, whose vendors' doors take every request, signed or not, for one of `principal`,
/// a client of `project`. The native door goes on asking for its token.
pub fn router(router: Router, principal: Principal, project: ProjectId) -> Router {
    router.layer(Extension(Anybody(Arc::new((principal, project)))))
}

/// Whom a request is to be taken for; `None`, as everywhere in the product: for whoever signed it.
pub(crate) fn caller(parts: &Parts) -> Option<(Principal, ProjectId)> {
    parts.extensions.get::<Anybody>().map(|Anybody(caller)| (**caller).clone())
}
