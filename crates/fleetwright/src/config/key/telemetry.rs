//! What can be set of traces.

use super::{Key, quote};

/// Bytes of a collector's address.
const ENDPOINT_BYTES_MAX: usize = 512;

/// The section `telemetry`.
pub const KEYS: &[Key] = &[
    Key {
        name: "telemetry.otlp_endpoint",
        variable: "FLEETWRIGHT_OTLP_ENDPOINT",
        meaning: "Where traces go: the address of an OpenTelemetry collector that takes OTLP over\n\
                  HTTP (protobuf), to which /v1/traces is added. Without it there are none.",
        example: "\"http://127.0.0.1:4318\"",
        set: |config, given| {
            config.telemetry.otlp_endpoint = Some(endpoint(&given.text()?)?);
            Ok(())
        },
        show: |config| config.telemetry.otlp_endpoint.as_deref().map(quote),
    },
    Key {
        name: "telemetry.sampled_percent",
        variable: "FLEETWRIGHT_SAMPLED_PERCENT",
        meaning: "Of 100 requests or actions on devices, how many are traced.",
        example: "",
        set: |config, given| {
            config.telemetry.sampled_percent = given.number_u32(1, 100)?;
            Ok(())
        },
        show: |config| Some(config.telemetry.sampled_percent.to_string()),
    },
];

/// The address without a slash at its end, or in words why it is none. One with a name and a
/// password in it is refused, and not repeated.
fn endpoint(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let rest = rest.ok_or("must begin with http:// or https://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if rest.contains('@') {
        let what = "must not hold a name or password: give the collector's token by \
                    OTEL_EXPORTER_OTLP_HEADERS in the environment";
        return Err(what.to_owned());
    }
    let is_plain =
        rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte));
    if host.is_empty() || !is_plain || text.len() > ENDPOINT_BYTES_MAX {
        return Err("must be http://HOST:PORT, with a path if the collector has one".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
