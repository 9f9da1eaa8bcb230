//! What one answer to an update says, by its vendor's form. It is searched, not parsed: the load
//! runs beside the server.

use api::iss::request_id;

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// How many devices have a job from it.
    pub jobs: usize,
    /// Whether a device was refused.
    pub refuses: bool,
    /// The id of the request, 32 hexadecimal digits.
    pub request: Option<String>,
}

impl Said {
    /// Reads an answer with status 200: JSON is CPH's, XML is ISS's.
    pub fn of(body: &[u8]) -> Self {
        if body.first() == Some(&b'<') { iss(body) } else { cph(body) }
    }
}

/// UpdateCloudPhoneProperty: an entry has `job_id` or `error_code`.
fn cph(body: &[u8]) -> Said {
    const ID_DIGITS: usize = 32;
    let request = after(body, b"\"request_id\":\"").and_then(|rest| rest.get(..ID_DIGITS));
    Said {
        jobs: count(body, b"\"job_id\""),
        refuses: count(body, b"\"error_code\"") > 0,
        request: request.and_then(text).map(str::to_owned),
    }
}

/// UpdateDevice: what was done is in `DeviceList`, what was refused in `FailedDeviceList` behind
/// it. Each device of which something was asked has a job.
fn iss(body: &[u8]) -> Said {
    const END: &[u8] = b"</DeviceList>";
    const DEVICE: &[u8] = b"<Gbid>";
    let end = find(body, END).unwrap_or_default();
    let (done, rest) = body.split_at(end);
    let id = after(body, b"<RequestId>").and_then(|rest| rest.get(..find(rest, b"<")?));
    Said {
        jobs: count(done, DEVICE),
        refuses: count(rest, DEVICE) > 0,
        request: id.and_then(text).and_then(request_id::from_text).map(|id| id.to_string()),
    }
}

/// Where `wanted` first stands.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// What stands behind the first `wanted`.
fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    bytes.get(find(bytes, wanted)? + wanted.len()..)
}

/// How often `wanted` stands there.
fn count(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).filter(|window| *window == wanted).count()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use fleet::RequestId;

    use super::*;

    #[test]
    fn an_answer_of_cph_names_its_jobs() {
        let id = "6837531fd3f54550927b930180a706bf";
        let body = format!(
            r#"{{"request_id":"{id}","jobs":[{{"phone_id":"a","job_id":"1"}},
            {{"phone_id":"b","error_code":"CPS.0042","error_msg":"System busy."}}]}}"#
        );
        let expected = Said { jobs: 1, refuses: true, request: Some(id.to_owned()) };
        assert_eq!(Said::of(body.as_bytes()), expected);
    }

    #[test]
    fn an_answer_of_iss_lists_what_was_done_and_then_what_was_not() {
        let id = RequestId::from_parts(1_795_000_000_123, 7);
        let answer = |failed: &str| {
            format!(
                "<Response><RequestId>{}</RequestId><Code>200</Code><Message>OK</Message>\
                 <DeviceList><Device><Gbid>1</Gbid></Device><Device><Gbid>2</Gbid></Device>\
                 </DeviceList>{failed}</Response>",
                request_id::to_text(id)
            )
        };
        let request = Some(id.to_string());
        let all = Said { jobs: 2, refuses: false, request };
        assert_eq!(Said::of(answer("").as_bytes()), all);
        let failed = "<FailedDeviceList><Device><Gbid>3</Gbid></Device></FailedDeviceList>";
        assert_eq!(Said::of(answer(failed).as_bytes()), Said { refuses: true, ..all });
    }

    #[test]
    fn anything_else_says_nothing() {
        let nothing = Said { jobs: 0, refuses: false, request: None };
        for body in ["", "<", "<Response/>", "{}", "<RequestId>x", "\"request_id\":\"12"] {
            assert_eq!(Said::of(body.as_bytes()), nothing, "{body}");
        }
    }
}
