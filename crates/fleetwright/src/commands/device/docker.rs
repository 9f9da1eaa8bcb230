//! What `docker ps` prints, as a table or as JSON, and which phones' ports it tells of.

use std::net::Ipv6Addr;

use serde::Deserialize;

/// The port that adbd listens on within a container (AOSP, adb's default).
const ADB_PORT: u32 = 5_555;

/// Bytes of output that are read: some 20,000 containers.
pub const OUTPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A container with a published ADB port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Where its ADB port is published: `host:port`.
    pub address: String,
}

/// What was found in an output.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Containers {
    /// Those with a published ADB port.
    pub phones: Vec<Container>,
    /// The names of those without.
    pub others: Vec<String>,
}

/// Why an output can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is neither form.
    #[error(
        "this is no output of `docker ps`: neither its table, with PORTS and NAMES in the first \
         line, nor that of `docker ps --format json`"
    )]
    Form,
    /// A line is no JSON with names and ports.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A port is published on all addresses of its host, and which host is not known.
    #[error(
        "line {line}: the ports of {name} are published on all addresses of the host of the \
         containers: name one of them by --host, as this server reaches it"
    )]
    NoHost {
        /// The line, from 1.
        line: usize,
        /// The container.
        name: String,
    },
}

/// A line of `docker ps --format json`, as far as it is read.
#[derive(Deserialize)]
struct JsonLine {
    #[serde(rename = "Names")]
    names: String,
    #[serde(rename = "Ports")]
    ports: String,
}

/// Reads an output. `host` is the address at which the containers' host is reached.
pub fn containers(output: &str, host: Option<&str>) -> Result<Containers, Error> {
    let mut found = Containers::default();
    let mut lines = output.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, first)) = lines.clone().next() else { return Err(Error::Form) };
    let columns = if first.starts_with('{') {
        None
    } else {
        lines.next();
        Some((
            column(first, "PORTS").ok_or(Error::Form)?,
            column(first, "NAMES").ok_or(Error::Form)?,
        ))
    };
    for (index, line) in lines {
        let number = index + 1;
        let (names, ports) = match columns {
            None => {
                let read: JsonLine = serde_json::from_str(line)
                    .map_err(|error| Error::Line { line: number, reason: error.to_string() })?;
                (read.names, read.ports)
            }
            Some((ports, names)) => (cell(line, names), cell(line, ports)),
        };
        // A container that others link to has further names behind commas.
        let name = names.split(',').next().unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            let reason = "there is no name where the first line says NAMES".to_owned();
            return Err(Error::Line { line: number, reason });
        }
        match published(&ports) {
            None => found.others.push(name),
            Some((bound, port)) => {
                let address = match (host, bound) {
                    (Some(host), Bound::All) => join(host, port),
                    (_, Bound::One(address)) => join(&address, port),
                    (None, Bound::All) => return Err(Error::NoHost { line: number, name }),
                };
                found.phones.push(Container { name, address });
            }
        }
    }
    Ok(found)
}

/// Where a column begins and ends, in characters: docker counts each as one cell.
fn column(header: &str, name: &str) -> Option<(usize, usize)> {
    let start = header.find(name)?;
    let before = header.get(..start)?.chars().count();
    let after = header.get(start + name.len()..)?;
    let next = after.find(|c: char| !c.is_whitespace());
    let end = next.map_or(usize::MAX, |next| before + name.chars().count() + next);
    Some((before, end))
}

/// What stands in a column.
fn cell(line: &str, (start, end): (usize, usize)) -> String {
    let text: String = line.chars().skip(start).take(end - start).collect();
    text.trim().to_owned()
}

/// On which addresses of its host a port is published.
#[derive(Debug, PartialEq, Eq)]
enum Bound {
    All,
    One(String),
}

/// Where ADB's port is published, by the words of docker: `0.0.0.0:5555->5555/tcp,
/// [::]:5555->5555/tcp`, or with ranges, `0.0.0.0:5000-5001->5554-5555/tcp`. `None` if it is not.
fn published(ports: &str) -> Option<(Bound, u32)> {
    let mut all = None;
    for part in ports.split(',').map(str::trim) {
        let Some((outside, inside)) = part.split_once("->") else { continue };
        let Some(inside) = inside.strip_suffix("/tcp") else { continue };
        let Some((address, outside)) = outside.rsplit_once(':') else { continue };
        let (Some(inside), Some(outside)) = (span(inside), span(outside)) else { continue };
        if !(inside.0..=inside.1).contains(&ADB_PORT) || outside.1 - outside.0 < inside.1 - inside.0
        {
            continue;
        }
        let port = outside.0 + (ADB_PORT - inside.0);
        match address {
            "0.0.0.0" | "[::]" | "::" => all = all.or(Some((Bound::All, port))),
            one => {
                let one =
                    one.strip_prefix('[').and_then(|one| one.strip_suffix(']')).unwrap_or(one);
                return Some((Bound::One(one.to_owned()), port));
            }
        }
    }
    all
}

/// `5555`, or both ends of `5554-5555`.
fn span(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse::<u16>().ok()?, to.parse::<u16>().ok()?);
    (from <= to).then_some((from.into(), to.into()))
}

/// Host and port; an IPv6 address in brackets.
fn join(host: &str, port: u32) -> String {
    if host.parse::<Ipv6Addr>().is_ok() {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As docker 28 prints it, with commands that it cut off.
    const TABLE: &str = "\
CONTAINER ID  COMMAND         STATUS      PORTS                                        NAMES
4c01db0b339c  \"/init qemu=…\"  Up 2 hours  0.0.0.0:5556->5555/tcp, [::]:5556->5555/tcp  phone-2
d7886598dbe2  \"/init qemu=…\"  Up 3 hours  127.0.0.1:5555->5555/tcp                     phone-1
aa7886598dbe  \"/docker-ent…\"  Up 3 days   0.0.0.0:80->80/tcp, [::]:80->80/tcp          web
bb7886598dbe  \"/init\"         Up 3 days   5555/tcp                                     hidden
";

    fn found(output: &str) -> Vec<(String, String)> {
        let found = containers(output, Some("10.0.3.11")).unwrap();
        found.phones.into_iter().map(|phone| (phone.name, phone.address)).collect()
    }

    #[test]
    fn the_table_gives_names_and_published_addresses() {
        let expected = [("phone-2", "10.0.3.11:5556"), ("phone-1", "127.0.0.1:5555")];
        assert_eq!(found(TABLE), expected.map(|(name, at)| (name.to_owned(), at.to_owned())));
        let all = containers(TABLE, Some("10.0.3.11")).unwrap();
        assert_eq!(all.others, ["web", "hidden"]);
        // `docker ps` with other columns.
        let other = "NAMES     PORTS\na         0.0.0.0:7->5555/tcp\nb         \n";
        assert_eq!(found(other), [("a".to_owned(), "10.0.3.11:7".to_owned())]);
    }

    #[test]
    fn json_lines_give_the_same() {
        let output = r#"{"ID":"4c01","Names":"phone-2,web/phone","Ports":"0.0.0.0:5556->5555/tcp, [::]:5556->5555/tcp","State":"running"}

{"ID":"d788","Names":"phone-1","Ports":"","State":"running"}"#;
        assert_eq!(found(output), [("phone-2".to_owned(), "10.0.3.11:5556".to_owned())]);
        let ipv6 = r#"{"Names":"a","Ports":"[fd00::7]:5555->5555/tcp"}"#;
        assert_eq!(found(ipv6), [("a".to_owned(), "[fd00::7]:5555".to_owned())]);
    }

    #[test]
    fn ports_are_read_as_docker_writes_them() {
        let check = |ports: &str, expected: Option<(Bound, u32)>| {
            assert_eq!(published(ports), expected, "{ports}");
        };
        check("0.0.0.0:1->5555/tcp", Some((Bound::All, 1)));
        check(":::1->5555/tcp", Some((Bound::All, 1)));
        check("10.0.0.1:1->5555/tcp", Some((Bound::One("10.0.0.1".into()), 1)));
        check("0.0.0.0:5000-5001->5554-5555/tcp", Some((Bound::All, 5_001)));
        check("8080/tcp, 0.0.0.0:2->5555/tcp", Some((Bound::All, 2)));
        for ports in [
            "",
            "5555/tcp",
            "0.0.0.0:1->5555/udp",
            "0.0.0.0:5555->80/tcp",
            "x->y",
            "0.0.0.0:70000->5555/tcp",
        ] {
            check(ports, None);
        }
    }

    #[test]
    fn what_can_not_be_used_is_said() {
        assert_eq!(containers("", None), Err(Error::Form));
        assert_eq!(containers("hello\nworld\n", None), Err(Error::Form));
        assert!(matches!(containers("{\n", None), Err(Error::Line { line: 1, .. })));
        let error = containers(TABLE, None).unwrap_err();
        assert_eq!(error, Error::NoHost { line: 2, name: "phone-2".to_owned() });
        assert!(error.to_string().contains("--host"), "{error}");
    }
}
