//! ShowCloudPhoneDetail (CPH API, page cph_api_0504): one phone and the values asked of it; and
//! UpdatePhoneName (page cph_api_0508).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::{Catalogue, DeviceId, Kind, RequestId, Values};
use serde::Serialize;
use store::DeviceWithState;
use store::write::DeviceChange;

use super::auth::Call;
use super::error::{Code, Failure};
use super::phone::Phone;
use super::{Door, answer, names, small_body};

/// The answer.
#[derive(Serialize)]
struct Shown {
    request_id: RequestId,
    #[serde(flatten)]
    phone: Phone,
    /// The values asked for of properties that the catalogue lists, each as text, in the text of a
    /// JSON object.
    property: String,
    /// Those of all others.
    custom_property: Values,
    access_infos: Vec<AccessInfo>,
}

/// Where the phone answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct AccessInfo {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_ip: Option<String>,
    /// The older name of `phone_ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_ipv6: Option<String>,
    listen_port: u16,
    access_port: u16,
}

/// The answer to a new name.
#[derive(Serialize)]
struct Named {
    request_id: RequestId,
}

/// `GET /v1/{project_id}/cloud-phone/phones/{phone_id}`.
pub(crate) async fn show_phone(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let shown = match door.admit(&mut id, request).await {
        Ok(call) => show(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, shown)
}

/// `PUT /v1/{project_id}/cloud-phone/phones/{phone_id}`.
pub(crate) async fn rename_phone(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let named = match door.admit(&mut id, request).await {
        Ok(call) => rename(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, named)
}

/// The phone in the path.
fn phone_id(call: &Call) -> Result<DeviceId, Failure> {
    DeviceId::new(call.param("phone_id")).map_err(|_| Failure::of(Code::PhoneIdInvalid))
}

/// The phone of this id. To this door no camera exists.
pub(super) async fn find(
    door: &Door,
    call: &Call,
    id: &DeviceId,
) -> Result<DeviceWithState, Failure> {
    let found = door.handle.reads().device(&call.principal, Some(&call.project), id).await?;
    let phone = found.into_iter().find(|found| found.device.kind == Kind::Phone);
    phone.ok_or_else(|| Failure::of(Code::PhoneUnknown))
}

/// Shows the phone.
async fn show(door: &Door, id: RequestId, call: &Call) -> Result<Shown, Failure> {
    let found = find(door, call, &phone_id(call)?).await?;
    let (listed, custom_property) = split(&door.handle.catalogue(), found.state.desired.values());
    let property = serde_json::to_string(&listed).map_err(|error| {
        tracing::error!(%error, "desired values can't be written as JSON");
        Failure::of(Code::Internal)
    })?;
    Ok(Shown {
        request_id: id,
        phone: Phone::of(&found),
        property,
        custom_property,
        access_infos: access_info(&found.device.address).into_iter().collect(),
    })
}

/// Gives the phone another name.
async fn rename(door: &Door, id: RequestId, call: &Call) -> Result<Named, Failure> {
    let phone = phone_id(call)?;
    let body = small_body::object(&call.body, Code::PhoneNameInvalid)?;
    let name = small_body::text(&body, "phone_name", Code::PhoneNameInvalid)?;
    if !names::is_name(name) {
        return Err(Failure::of(Code::PhoneNameInvalid));
    }
    find(door, call, &phone).await?;
    let change = DeviceChange::Name(name.to_owned());
    let named = door.handle.change_device(&call.principal, &call.project, &phone, change).await;
    named.map_err(|error| Failure::of_input(error, Code::PhoneNameInvalid))?;
    Ok(Named { request_id: id })
}

/// Parts the values into those of properties that the catalogue lists and all others.
fn split(catalogue: &Catalogue, values: Values) -> (Values, Values) {
    values.into_iter().partition(|(name, _)| catalogue.property(name).is_some())
}

/// The way to the phone at `address`, `host:port`; `None` if it is no such thing. On record is the
/// one address at which adbd is reached, through however many translations, so both ports are
/// that one. A host's name stands where an address would.
fn access_info(address: &str) -> Option<AccessInfo> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_v6 = host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    let phone_ip = (!is_v6).then(|| host.clone());
    Some(AccessInfo {
        r#type: "ADB",
        device_ip: phone_ip.clone(),
        phone_ip,
        phone_ipv6: is_v6.then_some(host),
        listen_port: port,
        access_port: port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_phone_is_its_address_on_record() {
        let check = |address: &str, ip: Option<&str>, ipv6: Option<&str>, port: u16| {
            let info = access_info(address).unwrap();
            assert_eq!(info.phone_ip.as_deref(), ip, "{address}");
            assert_eq!(info.device_ip, info.phone_ip, "{address}");
            assert_eq!(info.phone_ipv6.as_deref(), ipv6, "{address}");
            assert_eq!((info.listen_port, info.access_port), (port, port), "{address}");
        };
        check("10.0.3.11:5555", Some("10.0.3.11"), None, 5555);
        check("[2001:db8::1]:5556", None, Some("2001:db8::1"), 5556);
        check("phone-1.example.com:1", Some("phone-1.example.com"), None, 1);
        assert_eq!(access_info("10.0.3.11"), None);
        assert_eq!(access_info("10.0.3.11:x"), None);
    }

    #[test]
    fn values_of_names_that_no_catalogue_lists_are_custom() {
        let catalogue = Catalogue::built_in().unwrap();
        let values = [("com.cph.mainkeys", "1"), ("custom.prop.key1", "x")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (listed, custom) = split(&catalogue, values.into_iter().collect());
        assert_eq!(listed.keys().collect::<Vec<_>>(), ["com.cph.mainkeys"]);
        assert_eq!(custom.keys().collect::<Vec<_>>(), ["custom.prop.key1"]);
    }
}
