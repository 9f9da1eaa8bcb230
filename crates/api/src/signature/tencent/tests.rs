//! The published and the recorded vectors, what else must pass, and what must be refused.

mod flips;
mod malformed;
mod strictness;
mod vectors;

use http::HeaderName;

use super::*;

/// The made-up key of the vectors, and the time for which they were signed.
const AK: &str = "AKIDEXAMPLEiss0000000000000000000001";
const SK: &str = "exampleSecretKey00000000000000AB";
const TIMES: (i64, i64) = (1_497_530_202, 1_497_610_262);
const HOST: &str = "iss.ap-beijing.myqcloud.com";

/// A request as it came over the wire, owned, so that tests can bend it.
#[derive(Debug, Clone)]
struct Wire {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl Wire {
    /// A request without headers.
    fn new(method: Method, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Self { method, path: path.to_owned(), query, headers: HeaderMap::new() }
    }

    /// The same with one more header.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// The same with this header in place of any of that name.
    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.headers.remove(name);
        self.with(name, value)
    }

    /// The same, with the `Authorization` of these lists and this signature.
    fn claiming(self, headers: &str, parameters: &str, signature: &str) -> Self {
        self.set("authorization", &authorization(TIMES, headers, parameters, signature))
    }

    /// The same, signed by [`sign`]: all of its headers and its query.
    fn signed(self) -> Self {
        self.signed_for(TIMES)
    }

    /// The same for another time.
    fn signed_for(mut self, times: (i64, i64)) -> Self {
        self.headers.remove("authorization");
        let value = sign(&self.method, &self.uri(), &self.headers, AK, SK.as_bytes(), times);
        self.headers.insert("authorization", value.unwrap());
        self
    }

    fn uri(&self) -> Uri {
        let query = self.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
        format!("{}{query}", self.path).parse().unwrap()
    }

    fn head(&self) -> Head<'_> {
        let (path, query) = (self.path.as_str(), self.query.as_deref());
        Head { method: &self.method, path, query, authority: None, headers: &self.headers }
    }

    fn parse_at(&self, seconds: i64) -> Result<Signed<'_>, Refusal> {
        Signed::parse(self.head(), Timestamp(seconds * 1000))
    }

    fn verify_with(&self, public_hosts: &[&str]) -> Result<(), Refusal> {
        let hosts: Vec<String> = public_hosts.iter().map(|&host| host.to_owned()).collect();
        self.parse_at(TIMES.0)?.verify(SK.as_bytes(), &hosts)
    }

    fn verify(&self) -> Result<(), Refusal> {
        self.verify_with(&[])
    }
}

/// The `Authorization` value of these parts.
fn authorization(
    (start, end): (i64, i64),
    headers: &str,
    parameters: &str,
    signature: &str,
) -> String {
    format!(
        "q-sign-algorithm=sha1&q-ak={AK}&q-sign-time={start};{end}&q-key-time={start};{end}\
         &q-header-list={headers}&q-url-param-list={parameters}&q-signature={signature}"
    )
}

/// An update with everything in use.
fn whole() -> Wire {
    Wire::new(Method::PUT, "/device?projectId=%E9%A1%B9+1&transport")
        .with("content-length", "139")
        .with("content-type", "application/xml")
        .with("host", "127.0.0.1:18080")
        .signed()
}
