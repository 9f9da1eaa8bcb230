//! DescribeDeviceSip: what an installer types into a camera so that it registers here.

use std::sync::Arc;

use super::Door;
use super::auth::Call;
use super::error::Failure;
use super::xml::Writer;

/// Gives the SIP servers that cameras are told of; none if cameras are not served.
pub type SipServers = Arc<dyn Fn() -> Vec<SipServer> + Send + Sync>;

/// An address at which cameras register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipServer {
    /// The server's 20-digit id.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// The host name or address that cameras reach; empty if only they can know it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// After how many seconds without a sign of life a camera counts as gone.
    pub timeout_seconds: u32,
}

/// `GET /device/sip`.
pub(super) async fn describe_sip(door: &Door, call: &Call) -> Result<String, Failure> {
    door.project(call, call.query.get("projectId")).await?;
    Ok(write(&call.request_id, &(door.sip_servers)()))
}

/// The answer; the one that the vendor prints with a declaration.
fn write(request_id: &str, servers: &[SipServer]) -> String {
    let mut xml = Writer::new();
    xml.declaration("utf-8").open("Response").text("RequestId", request_id);
    xml.open("SipServerList");
    for server in servers {
        xml.open("SipServer")
            .text("ServerGbid", &server.id)
            .text("NetPort", &server.port.to_string())
            .short("NetIp", &server.host)
            .text("TimeOut", &server.timeout_seconds.to_string())
            .short("Domain", &server.domain)
            .close("SipServer");
    }
    xml.close("SipServerList").close("Response");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_as_the_vendor_does() {
        let server = |host: &str, domain: &str| SipServer {
            id: "34010000002000000010".to_owned(),
            domain: domain.to_owned(),
            host: host.to_owned(),
            port: 5060,
            timeout_seconds: 180,
        };
        assert_eq!(
            write("aWQ=", &[server("", ""), server("192.0.2.1", "3401000000")]),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <Response><RequestId>aWQ=</RequestId><SipServerList>\
             <SipServer><ServerGbid>34010000002000000010</ServerGbid><NetPort>5060</NetPort>\
             <NetIp/><TimeOut>180</TimeOut><Domain/></SipServer>\
             <SipServer><ServerGbid>34010000002000000010</ServerGbid><NetPort>5060</NetPort>\
             <NetIp>192.0.2.1</NetIp><TimeOut>180</TimeOut><Domain>3401000000</Domain></SipServer>\
             </SipServerList></Response>"
        );
        assert!(write("", &[]).ends_with("<SipServerList></SipServerList></Response>"));
    }
}
