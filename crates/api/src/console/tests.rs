use axum::body::to_bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Method};
use std::io::Read as _;
use tower::ServiceExt as _;

use super::*;

/// The page of a console that was built.
const INDEX: &str = "<!doctype html><title>Fleetwright</title><div id=root></div>";

/// A script: long enough to be worth compressing.
fn script() -> String {
    "export const a = 1;\n".repeat(100)
}

/// The paths of a console of these files.
fn built() -> Router {
    let files = [
        ("index.html", INDEX.to_owned()),
        ("assets/main-BxT1k9_0.js", script()),
        ("assets/icon.svg", "<svg/>".to_owned()),
    ];
    routes(Console::of(files.into_iter().map(|(path, content)| (path.to_owned(), content))))
}

/// The paths of a build without it.
fn unbuilt() -> Router {
    routes(Console::of(std::iter::empty::<(String, Vec<u8>)>()))
}

/// Asks: gives the status, the headers and the body.
async fn ask(
    router: Router,
    method: Method,
    target: &str,
    lines: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let request = request.body(axum::body::Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    (parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
}

async fn get(router: Router, target: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    ask(router, Method::GET, target, &[]).await
}

#[tokio::test]
async fn a_browser_is_led_to_the_page() {
    for target in ["/", "/ui"] {
        let (status, headers, _) = get(built(), target).await;
        assert_eq!(
            (status, &headers["location"]),
            (StatusCode::TEMPORARY_REDIRECT, &"/ui/".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn the_page_is_at_each_of_its_paths() {
    for target in ["/ui/", "/ui/devices", "/ui/devices/a%2Fb?x=y", "/ui/assets/main.js"] {
        let (status, headers, body) = get(built(), target).await;
        assert_eq!((status, body), (StatusCode::OK, INDEX.into()), "{target}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-cache");
    }
}

#[tokio::test]
async fn files_are_kept_as_long_as_their_names_allow() {
    let (status, headers, body) = get(built(), "/assets/main-BxT1k9_0.js").await;
    assert_eq!((status, body), (StatusCode::OK, script().into()));
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    let (_, headers, _) = get(built(), "/assets/icon.svg").await;
    assert_eq!(headers["content-type"], "image/svg+xml");
    assert_eq!(headers["cache-control"], "no-cache");
    for target in [
        "/assets/none.js",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/assets//icon.svg",
        "/assets/icon.svg/",
    ] {
        assert_eq!(get(built(), target).await.0, StatusCode::NOT_FOUND, "{target}");
    }
}

#[tokio::test]
async fn a_file_goes_compressed_to_those_who_take_that_and_comes_back_the_same() {
    let target = "/assets/main-BxT1k9_0.js";
    let (_, plain, _) = get(built(), target).await;
    let (_, headers, body) =
        ask(built(), Method::GET, target, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(
        (&headers["content-encoding"], &headers["vary"]),
        (&"gzip".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
    );
    assert!(body.len() < script().len() / 4, "{}", body.len());
    let mut text = String::new();
    GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert_eq!(text, script());
    assert_ne!(plain["etag"], headers["etag"]);
    assert!(!plain.contains_key("content-encoding"));
    // What compressing makes longer goes as it is.
    let icon = ask(built(), Method::GET, "/assets/icon.svg", &[("accept-encoding", "gzip")]).await;
    assert_eq!(icon.2, b"<svg/>");
    assert!(!icon.1.contains_key("content-encoding"));
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let (_, headers, _) = get(built(), "/ui/").await;
    let tag = headers["etag"].to_str().unwrap();
    let weak = format!("\"x\", W/{tag}");
    for tags in [tag, &weak, "*"] {
        let (status, headers, body) =
            ask(built(), Method::GET, "/ui/devices", &[("if-none-match", tags)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!(headers["etag"], tag);
        assert_eq!(headers["cache-control"], "no-cache");
        assert!(headers.contains_key("content-security-policy"));
    }
    for tags in ["\"x\"", "x", ""] {
        let (status, ..) = ask(built(), Method::GET, "/ui/", &[("if-none-match", tags)]).await;
        assert_eq!(status, StatusCode::OK, "{tags}");
    }
}

#[tokio::test]
async fn nothing_but_reading_is_let_through() {
    for target in ["/", "/ui", "/ui/", "/ui/devices", "/assets/icon.svg"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let (status, headers, _) =
                ask(built(), method.parse().unwrap(), target, &[("origin", "http://x")]).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {target}");
            assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
            assert!(headers.contains_key("content-security-policy"), "{method} {target}");
        }
    }
    let (status, headers, body) = ask(built(), Method::HEAD, "/ui/", &[]).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(headers["content-length"], INDEX.len().to_string().as_str());
}

#[tokio::test]
async fn a_build_without_the_console_says_how_to_get_it() {
    let (status, headers, body) = get(unbuilt(), "/ui/devices").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers["cache-control"], "no-store");
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("This build has no console") && text.contains("此构建不包含控制台"));
    assert_eq!(text.matches("npm ci --ignore-scripts").count(), 2, "{text}");
    assert_eq!(get(unbuilt(), "/").await.0, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(get(unbuilt(), "/assets/icon.svg").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_answer_bounds_what_a_browser_does_with_it() {
    for router in [built, unbuilt] {
        for target in ["/", "/ui", "/ui/", "/ui/x", "/assets/icon.svg", "/assets/none"] {
            let (_, headers, _) = get(router(), target).await;
            let expected = "default-src 'none'; script-src 'self'; style-src 'self'; img-src \
                            'self' data:; font-src 'self'; connect-src 'self'; manifest-src \
                            'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
            assert_eq!(headers["content-security-policy"], expected, "{target}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
            assert!(headers["permissions-policy"].to_str().unwrap().contains("camera=()"));
            assert!(!headers.contains_key("strict-transport-security"));
        }
    }
}

/// The console of this very build: whole, if it is there at all.
#[tokio::test]
async fn the_built_in_page_names_files_that_are_there() {
    let router = || routes(Console::built_in());
    let (status, _, page) = get(router(), "/ui/").await;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return;
    }
    let page = String::from_utf8(page).unwrap();
    let named: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(named.iter().any(|path| path.ends_with(".js")), "{page}");
    let mut kept_for_good = 0;
    for path in named {
        let (status, headers, _) = get(router(), path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        kept_for_good += usize::from(headers["cache-control"] != "no-cache");
    }
    assert!(kept_for_good > 0, "the build names its files by their content: {page}");
    assert!(!page.contains("<style") && !page.contains("style="), "nothing stands in line");
}
