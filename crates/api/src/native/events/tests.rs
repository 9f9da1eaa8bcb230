use engine::events::{Aspect, Event, Happened};
use fleet::ProjectKey;
use store::{FeedPosition, StoreId};

use super::*;

fn headers(id: &str) -> HeaderMap {
    [(http::HeaderName::from_static(LAST_EVENT_ID), id.parse().unwrap())].into_iter().collect()
}

#[test]
fn where_a_client_goes_on_is_said_by_the_header_before_the_query() {
    let (store, position) = (StoreId([7; 16]), FeedPosition { row: 5, ..FeedPosition::default() });
    let token = ResumeToken { store, position };
    let text = token.to_string();
    let text = text.as_str();
    let none = HeaderMap::new();
    assert_eq!(after(&none, None).unwrap(), None);
    assert_eq!(after(&headers(""), None).unwrap(), None);
    assert_eq!(after(&none, Some(text)).unwrap(), Some(token));
    assert_eq!(after(&headers(text), Some("nonsense")).unwrap(), Some(token));
    assert_eq!(after(&headers(""), Some(text)).unwrap(), Some(token));
    for (headers, query) in [(headers("nonsense"), Some(text)), (none, Some(""))] {
        let answer = after(&headers, query).unwrap_err().into_response();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
}

#[test]
fn what_a_client_may_not_see_or_did_not_ask_for_is_not_told() {
    let id = |id: &str| DeviceId::new(id).unwrap();
    let project = |id: &str| ProjectId::new(id).unwrap();
    let changed = |key: Option<i64>| Event {
        project: key.map(ProjectKey),
        what: Happened::DeviceChanged {
            id: key.map(|_| id("phone")),
            project: key.map(|_| project("acme")),
            what: Aspect::Deleted,
        },
    };
    let projects = Event { project: None, what: Happened::ProjectsChanged };
    let admin = Principal::admin();
    let own = Principal::user("ada", vec![ProjectKey(1)]);
    let other = Principal::user("bob", vec![ProjectKey(2)]);
    let all = Filter { project: None, device: None, types: EventTypes::ALL };
    let passes = |filter: &Filter, event: &Event| {
        [&admin, &own, &other].map(|principal| filter.passes(principal, event))
    };
    assert_eq!(passes(&all, &changed(Some(1))), [true, true, false]);
    assert_eq!(passes(&all, &changed(None)), [true, false, false]);
    assert_eq!(passes(&all, &projects), [true, false, false]);
    let narrowed = [
        (Filter { project: Some(project("acme")), ..all.clone() }, true),
        (Filter { project: Some(project("other")), ..all.clone() }, false),
        (Filter { device: Some(id("phone")), ..all.clone() }, true),
        (Filter { device: Some(id("other")), ..all.clone() }, false),
        (Filter { types: "device.changed".parse().unwrap(), ..all.clone() }, true),
        (Filter { types: "job.ended".parse().unwrap(), ..all }, false),
    ];
    for (filter, is_told) in narrowed {
        assert_eq!(passes(&filter, &changed(Some(1))), [is_told, is_told, false], "{filter:?}");
        let types_alone = filter.project.is_none() && filter.device.is_none();
        let is_told = types_alone && filter.types == EventTypes::ALL;
        assert_eq!(passes(&filter, &projects), [is_told, false, false], "{filter:?}");
    }
}
