//! What `pgbench` is told and what it says. See its page in PostgreSQL's documentation.

use anyhow::{Context, Result, bail};

use crate::requests::patch;

/// The script of one transaction that inserts `rows` rows.
///
/// `n` counts the client's transactions, so ids are as long as ours, never the same twice and
/// growing. What the caller of ours sends, the devices and the patches, this client sends too; the
/// rest stands in the statement. Several rows go as arrays, the fastest way to hand them over: as
/// `VALUES` of one statement they take three times as long.
pub fn script(rows: usize) -> String {
    let rest = "1, :n::bigint, 0, false, 'cph', 'key ABCDEFGHIJKLMNOPQRST', \
         :n::bigint + 1700000000000";
    let columns = "id, device, project, revision, state, stored, door, actor, accepted_at, patch";
    let insert =
        format!("\\set n :n + 1\n\\set device random(1, 20000)\nINSERT INTO job ({columns})");
    if rows == 1 {
        return format!(
            "{insert} VALUES (int8send(:n) || int8send(:client_id), :device, {rest}, :patches);\n"
        );
    }
    format!(
        "{insert} SELECT int8send(:n::bigint * 1000 + :client_id::bigint) || int8send(device), \
         :device::bigint + device, {rest}, patch \
         FROM unnest(:devices::bigint[], :patches::text[]) AS sent (device, patch);\n"
    )
}

/// The variables that the script needs, as `name=value`.
pub fn variables(rows: usize) -> Vec<String> {
    let start = "n=0".to_owned();
    if rows == 1 {
        return vec![start, format!("patches={}", patch(0))];
    }
    // An array in PostgreSQL's own notation: elements in quotes, theirs behind a backslash.
    let quoted = |serial: usize| format!("\"{}\"", patch(serial).replace('"', "\\\""));
    let patches: Vec<String> = (0..rows).map(quoted).collect();
    let devices: Vec<String> = (0..rows).map(|device| device.to_string()).collect();
    let array = |name: &str, items: &[String]| format!("{name}={{{}}}", items.join(","));
    vec![start, array("devices", &devices), array("patches", &patches)]
}

/// What a run did.
#[derive(Debug, PartialEq)]
pub struct Transactions {
    /// How many transactions succeeded.
    pub count: u64,
    /// The same in each second, the making of connections not counted.
    pub per_second: f64,
}

/// Reads the report of a run.
///
/// # Errors
/// Another form than that of PostgreSQL 14 and later, and transactions that failed.
pub fn transactions(report: &str) -> Result<Transactions> {
    let after = |start: &str| {
        let rest = report.lines().find_map(|line| line.strip_prefix(start));
        rest.and_then(|rest| rest.split_whitespace().next())
    };
    let count = after("number of transactions actually processed: ");
    let per_second = after("tps = ");
    let (Some(count), Some(per_second)) = (count, per_second) else {
        bail!("pgbench's report has another form: {report}");
    };
    if let Some(failed) = after("number of failed transactions: ").filter(|count| *count != "0") {
        bail!("{failed} of pgbench's transactions failed");
    }
    Ok(Transactions {
        count: count.parse().context("pgbench's count of transactions is no number")?,
        per_second: per_second.parse().context("pgbench's rate is no number")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "pgbench (15.18 (Debian 15.18-0+deb12u1))
transaction type: insert-1.sql
scaling factor: 1
query mode: prepared
number of clients: 64
number of threads: 2
maximum number of tries: 1
duration: 5 s
number of transactions actually processed: 73561
number of failed transactions: 0 (0.000%)
latency average = 4.350 ms
initial connection time = 92.881 ms
tps = 14712.300741 (without initial connection time)
";

    #[test]
    fn a_report_gives_count_and_rate() {
        let expected = Transactions { count: 73_561, per_second: 14_712.300_741 };
        assert_eq!(transactions(REPORT).unwrap(), expected);
    }

    #[test]
    fn failures_and_other_forms_are_errors() {
        let failed = REPORT.replace("transactions: 0 (0.000%)", "transactions: 12 (0.016%)");
        let error = transactions(&failed).unwrap_err().to_string();
        assert_eq!(error, "12 of pgbench's transactions failed");
        assert!(transactions("pgbench: error").is_err());
    }

    #[test]
    fn rows_are_sent_as_arrays() {
        assert_eq!(variables(1), ["n=0".to_owned(), format!("patches={}", patch(0))]);
        let several = variables(2);
        assert_eq!(several[1], "devices={0,1}");
        let start = "patches={\"{\\\"sys.prop.writeimsi\\\":";
        assert!(several[2].starts_with(start), "{}", several[2]);
        assert_eq!(several[2].matches("writeimsi").count(), 2);
    }

    #[test]
    fn a_script_names_no_variable_that_it_is_not_given() {
        for rows in [1, 100] {
            let script = script(rows).replace("::", " ");
            let given = variables(rows);
            let mut known: Vec<&str> =
                given.iter().filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
            known.extend(["client_id", "device"]);
            for named in script.split(':').skip(1) {
                let end = named.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
                assert!(known.contains(&&named[..end]), "{}", &named[..end]);
            }
        }
    }
}
