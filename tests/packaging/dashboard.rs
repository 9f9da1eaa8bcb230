//! The Grafana dashboard and the page about metrics: each name in them is one that the server has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{files_below, text};
use crate::harness::{PATIENCE, Phones, Site, Start, tools, wait_until};

const DASHBOARD: &str = "packaging/grafana/fleetwright.json";
const PAGE: &str = "docs/operate/observability.md";

/// The words of a text that could be metrics.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("fleetwright_")).map(str::to_owned).collect()
}

/// Every metric that the program counts, by the texts in its code.
fn declared() -> BTreeSet<String> {
    let crates = tools::workspace().join("crates");
    let mut names = BTreeSet::new();
    for file in files_below(&crates, "rs") {
        if !file.components().any(|part| part.as_os_str() == "src") {
            continue;
        }
        let code = std::fs::read_to_string(&file).expect("code");
        let quoted = code.split('"').filter(|piece| names_in(piece).contains(*piece));
        names.extend(quoted.map(str::to_owned));
    }
    assert!(names.len() > 40, "{names:?}");
    names
}

/// All expressions of the dashboard: of its panels and of its variables.
fn expressions() -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let own = ["expr", "definition"].iter().filter_map(|name| map.get(*name)?.as_str());
                found.extend(own.map(str::to_owned));
                map.values().for_each(|inner| walk(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, found)),
            _ => {}
        }
    }
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).expect("JSON");
    let mut found = Vec::new();
    walk(&dashboard, &mut found);
    assert!(found.len() > 30, "{found:?}");
    found
}

/// A name without what Prometheus adds to that of a histogram.
fn family(name: &str) -> &str {
    let parts = ["_bucket", "_count", "_sum"];
    parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

#[test]
fn every_name_on_the_dashboard_is_a_metric() {
    let known = declared();
    for expression in expressions() {
        let names = names_in(&expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(known.contains(family(&name)), "{name} is no metric: {expression}");
        }
        let opened = expression.matches(['(', '{', '[']).count();
        assert_eq!(opened, expression.matches([')', '}', ']']).count(), "{expression}");
    }
}

#[test]
fn the_page_has_every_metric_and_no_other() {
    let (known, told) = (declared(), names_in(&text(PAGE)));
    let missing: Vec<_> = known.difference(&told).collect();
    let invented: Vec<_> = told.difference(&known).collect();
    assert!(missing.is_empty() && invented.is_empty(), "lacks {missing:?}, has {invented:?}");
}

#[test]
fn a_running_server_gives_them_in_the_form_that_the_dashboard_asks_for() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let job =
        site.cph().update(&site.phones.id(0), serde_json::json!({"sys.prop.writephonenum": "1"}));
    wait_until("the job to end", PATIENCE, || site.cph().job(&job)["status"] != 1);
    // Of the store's word, which is asked for now and then.
    wait_until("all gauges", PATIENCE, || site.native().metric("fleetwright_cluster_nodes") > 0.0);
    let url = format!("{}/metrics", site.server.url());
    let metrics = ureq::get(&url).call().expect("metrics").into_body().read_to_string();
    let metrics = metrics.expect("text");
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let kinds: BTreeMap<&str, &str> = lines.collect();
    for name in ["fleetwright_ready", "fleetwright_http_requests_total"] {
        assert!(kinds.contains_key(name), "{kinds:?}");
    }
    for name in kinds.keys() {
        assert!(declared().contains(*name), "{name} is in no code");
    }
    for expression in expressions() {
        for name in names_in(&expression) {
            let Some(kind) = kinds.get(family(&name)) else { continue };
            let asked = match family(&name) == name {
                false => "histogram",
                true if expression.contains("rate(") => "counter",
                true => "gauge",
            };
            assert_eq!(*kind, asked, "{name}: {expression}");
        }
    }
}
