//! The web console's files, which the build puts into the binary: its page at `/ui/` and below,
//! whose paths the page itself knows, and what the page is made of at `/assets/`.
//!
//! They are the same for everybody and hold nothing of the fleet: what the console shows it asks of
//! the native door, as whoever has signed in. A build without Node has none of them, and says so at
//! `/ui/`. There is no file system behind these paths.

mod asset;
mod headers;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::native::Problem;
use asset::Asset;

/// Where the console is. A browser that asks for nothing is led here.
const PAGE: &str = "/ui/";

/// The page's name among the files.
const PAGE_FILE: &str = "index.html";

/// What stands at [`PAGE`] in a build without the console.
const MISSING: &str = include_str!("console/missing.html");

/// What the build of `console/` has made; nothing where that was not built.
#[derive(rust_embed::Embed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Dist;

/// The files, by their paths below the console's root.
pub(crate) struct Console(HashMap<String, Asset>);

impl Console {
    /// The console of this build.
    pub(crate) fn built_in() -> Self {
        let files = Dist::iter().filter_map(|path| Some((path.to_string(), Dist::get(&path)?)));
        Self::of(files.map(|(path, file)| (path, file.data)))
    }

    /// A console of these files, by their paths.
    fn of(files: impl Iterator<Item = (String, impl Into<Vec<u8>>)>) -> Self {
        let served = files.map(|(path, content)| {
            let asset = Asset::new(&path, content.into());
            (path, asset)
        });
        Self(served.collect())
    }
}

/// The console's paths.
pub(crate) fn routes<S>(console: Console) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/", get(to_page))
        .route("/ui", get(to_page))
        .route(PAGE, get(page))
        .route("/ui/{*path}", get(page))
        .route("/assets/{*path}", get(file))
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(map_response(headers::add))
        .with_state(Arc::new(console))
}

/// Leads to the page.
async fn to_page() -> Redirect {
    Redirect::temporary(PAGE)
}

/// The page, whatever of it is asked for.
async fn page(State(console): State<Arc<Console>>, request: Request) -> Response {
    match console.0.get(PAGE_FILE) {
        Some(page) => page.answer(request.headers()),
        // Not 200: whoever watches the console is to see that it is not there.
        None => {
            let not_kept = [(header::CACHE_CONTROL, "no-store")];
            (StatusCode::SERVICE_UNAVAILABLE, not_kept, Html(MISSING)).into_response()
        }
    }
}

/// What the page is made of.
async fn file(State(console): State<Arc<Console>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    match console.0.get(path) {
        Some(asset) => asset.answer(request.headers()),
        None => Problem::not_found("the console has no such file").into_response(),
    }
}

#[cfg(test)]
mod tests;
