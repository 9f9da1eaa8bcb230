//! ListCloudPhones (CPH API, page cph_api_0503): a project's phones, newest first.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::RequestId;
use serde::Serialize;
use store::PhoneFilter;

use super::auth::Call;
use super::error::{Code, Failure};
use super::phone::{Phone, Status};
use super::query::{Page, Query, signed_number};
use super::{Door, answer, servers};

/// Phones in one page, and if no limit is given.
pub(super) const LIMIT_MAX: u32 = 200;
const LIMIT_DEFAULT: u32 = 100;

/// Characters of a part of a name that is looked for.
pub(super) const NAME_CHARACTERS_MAX: usize = 64;

/// The answer.
#[derive(Serialize)]
struct Listed {
    request_id: RequestId,
    /// How many there are on all pages.
    count: u64,
    phones: Vec<Phone>,
}

/// `GET /v1/{project_id}/cloud-phone/phones`.
pub(crate) async fn list_phones(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.admit(&mut id, request).await {
        Ok(call) => list(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// Finds the phones.
async fn list(door: &Door, id: RequestId, call: &Call) -> Result<Listed, Failure> {
    let (filter, page) = read(&Query::parse(call.query.as_deref()))?;
    let Some(filter) = filter else {
        return Ok(Listed { request_id: id, count: 0, phones: Vec::new() });
    };
    let reads = door.handle.reads();
    let found = reads.phones(&call.principal, &call.project, &filter, page.offset, page.limit);
    let found = found.await?;
    let phones = found.items.iter().map(Phone::of).collect();
    Ok(Listed { request_id: id, count: found.total, phones })
}

/// Reads the filter, which is `None` where it lets nothing through, and the page.
fn read(query: &Query<'_>) -> Result<(Option<PhoneFilter>, Page), Failure> {
    let page = query.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let name = query.text("phone_name").map(str::to_owned);
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARACTERS_MAX) {
        return Err(Failure::of(Code::PhoneNameInvalid));
    }
    let server = query.text("server_id").map(servers::check_id).transpose()?.map(str::to_owned);
    let mut filter = PhoneFilter { name, server, ..PhoneFilter::default() };
    let mut matches = true;
    if let Some(text) = query.get("status") {
        let status = signed_number(text).and_then(Status::of);
        match status.ok_or_else(|| Failure::of(Code::StatusInvalid))? {
            Status::Condition(condition) => {
                filter.conditions = vec![condition];
                filter.frozen = Some(false);
            }
            Status::Frozen => filter.frozen = Some(true),
            Status::Other => matches = false,
        }
    }
    match query.get("type") {
        None | Some("0") => {}
        // A trial: none of ours is one.
        Some("1") => matches = false,
        Some(_) => return Err(Failure::of(Code::TypeInvalid)),
    }
    Ok((matches.then_some(filter), page))
}

#[cfg(test)]
mod tests {
    use fleet::Condition;

    use super::*;

    fn filter(query: &str) -> Option<PhoneFilter> {
        read(&Query::parse(Some(query))).unwrap().0
    }

    #[test]
    fn reads_what_clients_send() {
        assert_eq!(filter(""), Some(PhoneFilter::default()));
        assert_eq!(filter("phone_name=&server_id=&type=0"), Some(PhoneFilter::default()));
        let all = filter("phone_name=%E6%89%8B&server_id=s%201&status=-7&type=0").unwrap();
        assert_eq!((all.name.as_deref(), all.server.as_deref()), (Some("手"), Some("s 1")));
        assert_eq!((all.conditions, all.frozen), (vec![Condition::Abnormal], Some(false)));
        let frozen = filter("status=6").unwrap();
        assert_eq!((frozen.conditions, frozen.frozen), (vec![], Some(true)));
        for nothing in ["status=0", "status=-8", "type=1", "type=1&status=2"] {
            assert_eq!(filter(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn refuses_with_the_vendors_codes() {
        let check = |query: &str, code: Code| {
            let refused = read(&Query::parse(Some(query))).unwrap_err();
            assert_eq!(refused.code, code, "{query}");
        };
        for status in ["status=5", "status=x", "status=", "status=2.0", "status=+2", "status=-1"] {
            check(status, Code::StatusInvalid);
        }
        for kind in ["type=2", "type=", "type=x", "type=00"] {
            check(kind, Code::TypeInvalid);
        }
        check("limit=201", Code::PagingInvalid);
        check(&format!("phone_name={}", "a".repeat(65)), Code::PhoneNameInvalid);
        assert!(filter(&format!("phone_name={}", "%E6%89%8B".repeat(64))).is_some());
        check(&format!("server_id={}", "a".repeat(257)), Code::ServerIdInvalid);
        check("server_id=a%0Ab", Code::ServerIdInvalid);
    }
}
