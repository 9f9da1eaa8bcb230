//! ListCloudPhoneServers, ShowCloudPhoneServerDetail and UpdateServerName (CPH API, pages
//! cph_api_0502, 0540 and 0551): the hosts that phones live on, which are known because the phones'
//! records name them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::limits::NAME_BYTES_MAX;
use fleet::{RequestId, Timestamp};
use serde::Serialize;
use store::{Server, ServerFilter};

use super::auth::Call;
use super::error::{Code, Failure};
use super::query::{Page, Query, signed_number};
use super::{Door, answer, list_phones, names, small_body};

/// Servers in one page, and if no limit is given.
pub(super) const LIMIT_MAX: u32 = 100;

/// The latest time that may be looked for, in milliseconds since 1970: the vendor's bound.
pub(super) const TIME_MAX: u64 = 20_000_000_000_000;

/// Servers that are read at a time where the store can't filter them.
const SCAN_PAGE: u32 = 1_000;

/// The vendor's number for a server in order. Ours are names on records: what they run is what is
/// known of their phones.
const NORMAL: i64 = 5;

/// The numbers that the vendor's documents have for a server's status.
const STATUSES: [i64; 11] = [0, 1, 2, 3, 4, NORMAL, 8, 10, 11, 12, 13];

/// The answer of the list.
#[derive(Serialize)]
struct Listed {
    request_id: RequestId,
    /// How many there are on all pages.
    count: u64,
    servers: Vec<Entry>,
}

/// A server: of the vendor's fields those that this server knows.
#[derive(Serialize)]
struct Entry {
    server_name: String,
    server_id: String,
    /// The model that most of its phones say they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_model_name: Option<String>,
    status: i64,
    create_time: String,
    update_time: String,
}

/// The answer of the detail.
#[derive(Serialize)]
struct Shown {
    request_id: RequestId,
    #[serde(flatten)]
    server: Entry,
}

/// The answer to a new name.
#[derive(Serialize)]
struct Named {
    request_id: RequestId,
}

/// `GET /v1/{project_id}/cloud-phone/servers`.
pub(crate) async fn list_servers(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.admit(&mut id, request).await {
        Ok(call) => list(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// `GET /v1/{project_id}/cloud-phone/servers/{server_id}`.
pub(crate) async fn show_server(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let shown = match door.admit(&mut id, request).await {
        Ok(call) => show(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, shown)
}

/// `PUT /v1/{project_id}/cloud-phone/servers/{server_id}`.
pub(crate) async fn rename_server(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let named = match door.admit(&mut id, request).await {
        Ok(call) => rename(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, named)
}

/// Lets a text through that can be a server's id: what a phone's record may name.
///
/// # Errors
/// CPS.0016 for any other.
pub(super) fn check_id(id: &str) -> Result<&str, Failure> {
    let fits = (1..=NAME_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
    if fits { Ok(id) } else { Err(Failure::of(Code::ServerIdInvalid)) }
}

/// What a call looks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// What the store filters by.
    filter: ServerFilter,
    /// The model that it filters by itself.
    model: Option<String>,
    /// Whether anything can be found.
    matches: bool,
}

/// Finds the servers.
async fn list(door: &Door, id: RequestId, call: &Call) -> Result<Listed, Failure> {
    let (asked, page) = read(&Query::parse(call.query.as_deref()))?;
    let (servers, count) = match &asked.model {
        _ if !asked.matches => (Vec::new(), 0),
        Some(model) => of_model(door, call, &asked.filter, model, page).await?,
        None => {
            let reads = door.handle.reads();
            let Page { offset, limit } = page;
            let filter = &asked.filter;
            let found = reads.servers(&call.principal, &call.project, filter, offset, limit);
            let found = found.await?;
            (found.items, found.total)
        }
    };
    Ok(Listed { request_id: id, count, servers: servers.into_iter().map(entry).collect() })
}

/// The servers most of whose phones are of `model`. The model of a server follows from what its
/// phones say, so the store has it only once the server is read.
async fn of_model(
    door: &Door,
    call: &Call,
    filter: &ServerFilter,
    model: &str,
    page: Page,
) -> Result<(Vec<Server>, u64), Failure> {
    let (reads, mut matching, mut offset) = (door.handle.reads(), Vec::new(), 0);
    loop {
        let found = reads.servers(&call.principal, &call.project, filter, offset, SCAN_PAGE);
        let items = found.await?.items;
        offset += u64::from(SCAN_PAGE);
        let is_last = items.len() < usize::try_from(SCAN_PAGE).unwrap_or(usize::MAX);
        let of_model = |server: &Server| server.model.as_deref() == Some(model);
        matching.extend(items.into_iter().filter(of_model));
        if is_last {
            let count = u64::try_from(matching.len()).unwrap_or(u64::MAX);
            return Ok((page.of(matching.into_iter()), count));
        }
    }
}

/// Reads the filter and the page.
fn read(query: &Query<'_>) -> Result<(Asked, Page), Failure> {
    let page = query.page(LIMIT_MAX, LIMIT_MAX)?;
    let name = query.text("server_name").map(str::to_owned);
    let characters_max = list_phones::NAME_CHARACTERS_MAX;
    if name.as_ref().is_some_and(|name| name.chars().count() > characters_max) {
        return Err(Failure::of(Code::ServerNameInvalid));
    }
    let id = query.text("server_id").map(check_id).transpose()?.map(str::to_owned);
    let time = |name: &str| {
        let number = query.number(name, (0, TIME_MAX), Code::TimeInvalid)?;
        Ok::<_, Failure>(number.and_then(|number| i64::try_from(number).ok()).map(Timestamp))
    };
    let created_since = time("create_since")?;
    let created_until = time("create_until")?;
    let mut matches = true;
    if let Some(text) = query.get("status") {
        let status = signed_number(text).filter(|status| STATUSES.contains(status));
        matches &= status.ok_or_else(|| Failure::of(Code::StatusInvalid))? == NORMAL;
    }
    match query.text("network_version") {
        None => {}
        // Whose network a server is in, nobody knows.
        Some("v1" | "v2") => matches = false,
        Some(_) => return Err(Failure::of(Code::NetworkVersionInvalid)),
    }
    let filter = ServerFilter { name, id, created_since, created_until };
    let model = query.text("phone_model_name").map(str::to_owned);
    Ok((Asked { filter, model, matches }, page))
}

/// Finds the server.
async fn show(door: &Door, id: RequestId, call: &Call) -> Result<Shown, Failure> {
    let server = check_id(call.param("server_id"))?.to_owned();
    let filter = ServerFilter { id: Some(server), ..ServerFilter::default() };
    let reads = door.handle.reads();
    let found = reads.servers(&call.principal, &call.project, &filter, 0, 1).await?;
    let server = found.items.into_iter().next().ok_or_else(|| Failure::of(Code::ServerUnknown))?;
    Ok(Shown { request_id: id, server: entry(server) })
}

/// Gives the server another name.
async fn rename(door: &Door, id: RequestId, call: &Call) -> Result<Named, Failure> {
    let server = check_id(call.param("server_id"))?;
    let body = small_body::object(&call.body, Code::ServerNameInvalid)?;
    let name = small_body::text(&body, "server_name", Code::ServerNameInvalid)?;
    if !names::is_name(name) {
        return Err(Failure::of(Code::ServerNameInvalid));
    }
    let (server, name) = (server.to_owned(), name.to_owned());
    let renamed = door.handle.rename_server(&call.principal, &call.project, server, name).await;
    renamed.map_err(|error| Failure::of_input(error, Code::ServerNameInvalid))?;
    Ok(Named { request_id: id })
}

/// A server as it is shown.
fn entry(server: Server) -> Entry {
    Entry {
        server_name: server.name,
        server_id: server.id,
        phone_model_name: server.model,
        status: NORMAL,
        create_time: server.created_at.to_seconds_text(),
        update_time: server.updated_at.to_seconds_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let read = |query: &str| read(&Query::parse(Some(query))).unwrap();
        let (asked, page) = read("");
        assert_eq!(asked, Asked { matches: true, ..Asked::default() });
        assert_eq!(page, Page { offset: 0, limit: 100 });
        let (asked, _) =
            read("server_name=a&server_id=b&create_since=1&create_until=20000000000000");
        assert_eq!(
            (asked.filter.name.as_deref(), asked.filter.id.as_deref()),
            (Some("a"), Some("b"))
        );
        assert_eq!(asked.filter.created_since, Some(Timestamp(1)));
        assert_eq!(asked.filter.created_until, Some(Timestamp(20_000_000_000_000)));
        assert_eq!(read("phone_model_name=m").0.model.as_deref(), Some("m"));
        assert!(read("status=5").0.matches);
        for nothing in ["status=8", "network_version=v1", "network_version=v2&status=5"] {
            assert!(!read(nothing).0.matches, "{nothing}");
        }
    }

    #[test]
    fn refuses_with_the_vendors_codes() {
        let check = |query: &str, code: Code| {
            let refused = read(&Query::parse(Some(query))).unwrap_err();
            assert_eq!(refused.code, code, "{query}");
        };
        check("limit=101", Code::PagingInvalid);
        check("status=6", Code::StatusInvalid);
        check("status=", Code::StatusInvalid);
        check("network_version=v3", Code::NetworkVersionInvalid);
        check("create_since=x", Code::TimeInvalid);
        check("create_until=20000000000001", Code::TimeInvalid);
        check("create_until=-1", Code::TimeInvalid);
        check(&format!("server_name={}", "a".repeat(65)), Code::ServerNameInvalid);
        check(&format!("server_id={}", "a".repeat(257)), Code::ServerIdInvalid);
    }
}
