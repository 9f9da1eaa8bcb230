//! What an update asks of each of its devices, never the same twice, and how its vendor's call says
//! it.
//!
//! Of phones it is the documented sample of UpdateCloudPhoneProperty (Huawei CPH API, page
//! `cph_api_0536`): a phone number, an IMSI and a Wi-Fi name. Of cameras it is what UpdateDevice
//! (Tencent ISS API, `product/460`) requires, the password, which stays as it is, and a description
//! that is another each time; or a name besides, which the camera is to be given too.

use http::Method;
use serde_json::json;

use super::{Plain, Scheme};
use crate::cameras::PASSWORD;

/// What an update asks of each of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Of phones: three properties, by a job that stays open until the phone holds them.
    Properties,
    /// Of cameras: what goes on record and no further, by a job that ends with the commit.
    Records,
    /// Of cameras: the same and a name, by a job that stays open until the camera has it.
    RecordsAndName,
}

impl Asks {
    /// How its call is signed.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Properties => Scheme::Cph,
            Self::Records | Self::RecordsAndName => Scheme::Iss,
        }
    }

    /// The call for these devices, each with the number of its entry.
    pub(super) fn plain<'a>(
        self,
        project: &str,
        entries: impl Iterator<Item = (&'a str, usize)>,
    ) -> Plain {
        match self {
            Self::Properties => properties(project, entries),
            Self::Records => records(project, entries, false),
            Self::RecordsAndName => records(project, entries, true),
        }
    }
}

/// UpdateCloudPhoneProperty.
fn properties<'a>(project: &str, entries: impl Iterator<Item = (&'a str, usize)>) -> Plain {
    let phones: Vec<_> = entries
        .map(|(phone, serial)| json!({ "phone_id": phone, "property": patch(serial) }))
        .collect();
    Plain {
        method: Method::POST,
        target: format!("/v1/{project}/cloud-phone/phones/batch-update-property"),
        content_type: "application/json",
        body: json!({ "phones": phones }).to_string().into_bytes(),
    }
}

/// What the `serial`-th entry asks of a phone, as JSON text. Always of the same length.
pub fn patch(serial: usize) -> String {
    let number = serial % 10_000_000_000;
    format!(
        "{{\"sys.prop.writeimsi\":\"46002{number:010}\",\
         \"sys.prop.writephonenum\":\"1{number:010}\",\
         \"sys.prop.writewifissid\":\"test_wifi\"}}"
    )
}

/// UpdateDevice. Nothing in it needs escaping: ids and passwords are digits.
fn records<'a>(
    project: &str,
    entries: impl Iterator<Item = (&'a str, usize)>,
    named: bool,
) -> Plain {
    let mut body = format!("<Request><ProjectId>{project}</ProjectId>");
    for (camera, serial) in entries {
        let number = serial % 10_000_000_000;
        body.push_str(&format!("<Devicelist><Gbid>{camera}</Gbid>"));
        if named {
            body.push_str(&format!("<Name>gate_{number:010}</Name>"));
        }
        body.push_str(&format!(
            "<Desc>shelf_{number:010}</Desc><Pwd>{PASSWORD}</Pwd></Devicelist>"
        ));
    }
    body.push_str("</Request>");
    Plain {
        method: Method::PUT,
        target: "/device".to_owned(),
        content_type: "application/xml",
        body: body.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_json_of_one_length() {
        for serial in [0, 1, 9_999_999_999, 10_000_000_001] {
            assert_eq!(patch(serial).len(), patch(0).len());
            serde_json::from_str::<serde_json::Value>(&patch(serial)).unwrap();
        }
    }

    #[test]
    fn a_camera_is_described_anew_and_keeps_its_password() {
        let body = |asks: Asks| {
            let plain = asks.plain("p", [("34020000001320100001", 7)].into_iter());
            assert_eq!((plain.method, plain.target.as_str()), (Method::PUT, "/device"));
            String::from_utf8(plain.body).unwrap()
        };
        let end = "<Desc>shelf_0000000007</Desc><Pwd>12345678</Pwd></Devicelist></Request>";
        let begin =
            "<Request><ProjectId>p</ProjectId><Devicelist><Gbid>34020000001320100001</Gbid>";
        assert_eq!(body(Asks::Records), format!("{begin}{end}"));
        let name = "<Name>gate_0000000007</Name>";
        assert_eq!(body(Asks::RecordsAndName), format!("{begin}{name}{end}"));
    }
}
