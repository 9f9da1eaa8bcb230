//! The show: what is sent, what is answered, what the phones say; each checked against what is
//! expected.

mod cameras;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fleet::Secret;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::cph::{Answer, Client};
use super::read_back::{self, Shown};
use super::stage::{SEED_PHONES, Stage, USER};
use crate::output::{self, Paint};

/// The request of the vendor's documentation (UpdateCloudPhoneProperty, request sample), byte for
/// byte. Its first `property` lacks a quote.
const SEED_REQUEST: &[u8] = include_bytes!("seed-request.json");

/// The values that the seed's second phone gets.
const SEED_VALUES: [(&str, &str); 3] =
    [(NUMBER, "13666666666"), (IMSI, "460021624617113"), (WIFI, "test_wifi")];

const NUMBER: &str = "sys.prop.writephonenum";
const IMSI: &str = "sys.prop.writeimsi";
const WIFI: &str = "sys.prop.writewifissid";
const KEYS: &str = "com.cph.mainkeys";

/// What is read back of each phone.
const NAMES: [&str; 4] = [NUMBER, IMSI, WIFI, KEYS];

/// How long the jobs of a request may take: the engine gives an action 15 s.
const JOBS_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks at the jobs.
const JOBS_EVERY: Duration = Duration::from_millis(50);

/// Phones that a table shows; more are counted.
const ROWS_MAX: usize = 16;

/// Lines of a request or an answer that are shown: the whole of the vendors'.
const LINES_MAX: usize = 21;

/// Shows everything, and gives how many things were not as expected.
pub async fn run(stage: &Stage) -> Result<usize> {
    let endpoint = format!("http://{}", stage.address());
    let mut show = Show {
        paint: Paint::stdout(),
        stage,
        client: Client::new(
            endpoint,
            stage.project().to_string(),
            stage.key().ak.clone(),
            stage.key().secret.clone(),
        ),
        differences: 0,
    };
    show.introduce()?;
    show.vendors_request().await?;
    show.all_phones().await?;
    show.restart().await?;
    show.cameras().await?;
    show.conclude()?;
    Ok(show.differences)
}

/// What to do with the server while it runs; `password` is that of [`USER`]. It is shown: it opens
/// what is on this machine's loopback address and gone with the demo.
pub fn how_to_try(stage: &Stage, password: &Secret<String>) -> Result<String> {
    let kept = |name: &str, secret: &Secret<String>| {
        let file = stage.directory().join(name);
        if !file.exists() {
            crate::data_dir::write_secret(&file, secret)
                .with_context(|| format!("{} can't be written", file.display()))?;
        }
        Ok::<String, anyhow::Error>(file.display().to_string())
    };
    let (key, account_key) = (stage.key(), stage.account_key());
    let program = std::env::args().next().unwrap_or_else(|| "fleetwright".to_owned());
    let phone = stage.phones().phone(1).map(|phone| phone.address().to_string());
    let phone = phone.unwrap_or_default();
    let endpoint = format!("http://{}", stage.address());
    let paint = Paint::stdout();
    Ok(format!(
        "\n{}\n{}\n\n{}\n\
         \x20 export FLEETWRIGHT_URL={endpoint}\n\
         \x20 export FLEETWRIGHT_TOKEN=\"$(cat {})\"\n\
         \x20 {program} device list\n\
         \x20 {program} device show {}\n\
         \x20 {program} registrations\n\
         \x20 adb connect {phone} && adb -s {phone} shell getprop {NUMBER}\n\n\
         {}\n{}\n\n{}\n{}\n\n\
         Serving until Ctrl-C; then everything is removed.",
        paint.heading("Try the console, in a browser"),
        indent(&output::fields(&[
            ("address", stage.console()),
            ("user", USER.to_owned()),
            ("password", password.expose().clone()),
            ("or a token", format!("in {}", stage.directory().join("admin-token").display())),
        ])),
        paint.heading("Or the command line, in another terminal"),
        stage.directory().join("admin-token").display(),
        SEED_PHONES[1],
        paint.heading("Or by Huawei's SDK"),
        indent(&output::fields(&[
            ("endpoint", endpoint.clone()),
            ("project_id", stage.project().to_string()),
            ("ak", key.ak.clone()),
            ("sk", format!("in {}", kept("demo-secret-key", &key.secret)?)),
        ])),
        paint.heading("Or by Tencent's signer (COS SDK), on PUT /device and its neighbours"),
        indent(&output::fields(&[
            ("endpoint", endpoint.clone()),
            ("ProjectId", stage.project().to_string()),
            ("SecretId", account_key.ak.clone()),
            ("SecretKey", format!("in {}", kept("demo-account-key", &account_key.secret)?)),
        ])),
    ))
}

struct Show<'a> {
    paint: Paint,
    stage: &'a Stage,
    client: Client,
    differences: usize,
}

impl Show<'_> {
    fn introduce(&self) -> Result<()> {
        let stage = self.stage;
        output::data(&format!(
            "{}\nA server, {} simulated phones and {} simulated cameras, all on this machine's \
             loopback address.\n\n{}",
            self.paint.heading("Fleetwright"),
            stage.phones().phones().len(),
            stage.cameras()?.ids().count(),
            indent(&output::fields(&[
                ("server", format!("http://{}", stage.address())),
                ("project", stage.project().to_string()),
                ("access key", format!("{} (Huawei's API)", stage.key().ak)),
                ("access key", format!("{} (Tencent's, all projects)", stage.account_key().ak)),
                ("phones", "ADB on TCP, a port each".to_owned()),
                ("cameras", stage.sip_address().map(sip).unwrap_or_default()),
                ("data", stage.directory().display().to_string()),
            ])),
        ))?;
        Ok(())
    }

    /// The vendor's request: its first phone is refused for a missing quote, the second changes.
    async fn vendors_request(&mut self) -> Result<()> {
        self.heading("1  The request of Huawei's documentation, byte for byte")?;
        let phones = self.addresses(SEED_PHONES.len());
        let before = read_back::read_all(&phones, &NAMES).await?;
        let answer = self.send(SEED_REQUEST).await?;

        self.expect_accepted(&answer)?;
        let entry = |index: usize| answer.body.pointer(&format!("/jobs/{index}"));
        let (first, second) = (entry(0), entry(1));
        let code = first.and_then(|entry| entry.get("error_code")).and_then(Value::as_str);
        let has_job = first.is_some_and(|entry| entry.get("job_id").is_some());
        let named = first.and_then(|entry| entry.get("phone_id")?.as_str()) == Some(SEED_PHONES[0]);
        self.expect(
            code == Some("CPS.0078") && !has_job && named,
            "its first phone is refused with CPS.0078: the sample lacks a quote",
        )?;
        let job = second.and_then(|entry| entry.get("job_id")).and_then(Value::as_str);
        self.expect(job.is_some(), "its second phone gets a job all the same")?;

        let ended = self.follow(&answer, 1).await?;
        let succeeded = succeeded(&ended);
        self.expect(succeeded == 1 && ended.len() == 1, "that job succeeds")?;
        let after = read_back::read_all(&phones, &NAMES).await?;
        self.expect(before.first() == after.first(), "the first phone shows what it did before")?;
        let shows = after.get(1).is_some_and(|shown| holds(shown, &SEED_VALUES));
        self.expect(shows, "the second phone, asked over ADB, shows all three values")?;
        Ok(())
    }

    /// A valid request for every phone, with other values for each.
    async fn all_phones(&mut self) -> Result<()> {
        let phones = self.stage.phones().phones();
        let count = phones.len();
        self.heading(&format!("2  A valid request for all {count} phones"))?;
        let wanted: Vec<[(&str, String); 4]> = (1..=count).map(values).collect();
        let entries = phones.iter().zip(&wanted).map(|(phone, values)| {
            let property = values.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
            let property = Value::Object(property.collect()).to_string();
            json!({ "phone_id": phone.id(), "property": property })
        });
        let body = json!({ "phones": entries.collect::<Vec<_>>() });
        let answer = self.send(format!("{body:#}").as_bytes()).await?;

        self.expect_accepted(&answer)?;
        let jobs = answer.body.get("jobs").and_then(Value::as_array);
        let jobs =
            jobs.map_or(0, |jobs| jobs.iter().filter(|job| job.get("job_id").is_some()).count());
        self.expect(jobs == count, &format!("every phone gets a job: {jobs} of {count}"))?;
        let ended = self.follow(&answer, count).await?;
        let succeeded = succeeded(&ended);
        self.expect(succeeded == count, &format!("the jobs succeed: {succeeded} of {count}"))?;
        for job in ended.iter().filter(|job| status_of(job) != Some(2)).take(ROWS_MAX) {
            output::data(&format!("    {}", output::clean(&job.to_string())))?;
        }
        self.heading("3  What the phones themselves say, over ADB")?;
        let shown = read_back::read_all(&self.addresses(count), &NAMES).await?;
        self.table(&wanted, &shown)
    }

    /// A restart, after which a value acts that a phone only held before.
    async fn restart(&mut self) -> Result<()> {
        self.heading("4  A property that acts after a restart")?;
        let Some(phone) = self.stage.phones().phone(1) else { bail!("there is no second phone") };
        let acts = format!("dumpsys cph {KEYS}");
        let before = read_back::run(phone.address(), &acts).await?;
        self.expect(before == "0", &format!("the phone holds {KEYS} = 1, and 0 still acts"))?;
        let boots = phone.boot_count();
        let body = json!({ "phones": [{ "phone_id": phone.id() }] }).to_string();
        output::data(&format!(
            "\n  POST {}   signed with the access key\n{}\n",
            self.client.restart_path(),
            self.paint.dim(&excerpt(&body))
        ))?;
        let client = self.client.clone();
        let asked = tokio::task::spawn_blocking(move || client.restart(body.into_bytes()));
        let answer = asked.await??;
        self.expect_accepted(&answer)?;
        let ended = self.follow(&answer, 1).await?;
        self.expect(succeeded(&ended) == 1, "the job succeeds when the phone is back")?;
        self.expect(phone.boot_count() == boots + 1, "the phone has booted once")?;
        let after = read_back::run(phone.address(), &acts).await?;
        self.expect(after == "1", "now 1 acts, as the phone says over ADB")
    }

    /// The table of what the phones show, and whether it is what was asked for.
    fn table(&mut self, wanted: &[[(&str, String); 4]], shown: &[Shown]) -> Result<()> {
        let phones = self.stage.phones().phones();
        let mut rows = Vec::new();
        let mut right = 0;
        for ((phone, wanted), shown) in phones.iter().zip(wanted).zip(shown) {
            let is_right = holds(shown, wanted);
            right += usize::from(is_right);
            if rows.len() < ROWS_MAX || !is_right {
                let mut row = vec![phone.name().to_owned(), phone.id().to_owned()];
                row.push(phone.address().to_string());
                row.extend(NAMES.map(|name| shown.get(name).cloned().unwrap_or_default()));
                row.push(if is_right { "as asked" } else { "DIFFERS" }.to_owned());
                rows.push(row);
            }
        }
        let unseen = phones.len() - rows.len();
        let header = ["NAME", "ID", "ADB", "PHONE NUMBER", "IMSI", "WI-FI", "MAINKEYS", ""];
        let mut table = indent(&output::table(&header, rows));
        if unseen > 0 {
            let _ = write!(table, "\n  and {unseen} more, all as asked");
        }
        output::data(&table)?;
        output::data("")?;
        let count = phones.len();
        self.expect(right == count, &format!("the phones show the values: {right} of {count}"))
    }

    fn conclude(&self) -> Result<()> {
        let line = match self.differences {
            0 => self.paint.good("Everything was as expected."),
            1 => self.paint.bad("One thing was not as expected."),
            more => self.paint.bad(&format!("{more} things were not as expected.")),
        };
        output::data(&format!("\n{line}"))?;
        Ok(())
    }

    fn heading(&self, text: &str) -> Result<()> {
        output::data(&format!("\n{}\n", self.paint.heading(text)))?;
        Ok(())
    }

    /// Says whether something is as expected, and counts it if not.
    fn expect(&mut self, is_so: bool, what: &str) -> Result<()> {
        let mark = if is_so { self.paint.good("✓") } else { self.paint.bad("✗ not so:") };
        self.differences += usize::from(!is_so);
        output::data(&format!("  {mark} {what}"))?;
        Ok(())
    }

    /// An update that was taken as a whole: 200, and one request id in header and body.
    fn expect_accepted(&mut self, answer: &Answer) -> Result<()> {
        let id = answer.body.get("request_id").and_then(Value::as_str).unwrap_or_default();
        let is_so = answer.status == 200 && !id.is_empty() && id == answer.request_id;
        self.expect(is_so, "the answer is 200, with one request id in header and body")
    }

    /// Sends an update, shows it and its answer.
    async fn send(&self, body: &[u8]) -> Result<Answer> {
        let text = String::from_utf8_lossy(body).into_owned();
        output::data(&format!(
            "  POST {}   signed with the access key\n{}\n",
            self.client.update_path(),
            self.paint.dim(&excerpt(&text))
        ))?;
        let (client, body) = (self.client.clone(), body.to_vec());
        let answer = tokio::task::spawn_blocking(move || client.update(body)).await??;
        output::data(&format!(
            "\n  {}   X-Request-Id: {}\n{}\n",
            answer.status,
            output::clean(&answer.request_id),
            self.paint.dim(&excerpt(&format!("{:#}", answer.body)))
        ))?;
        output::data("")?;
        Ok(answer)
    }

    /// Follows the jobs of a request, `count` of them, to their ends, as a client of the vendor's
    /// API does, and gives them as they ended.
    async fn follow(&self, answer: &Answer, count: usize) -> Result<Vec<Value>> {
        let bar = ProgressBar::new(count as u64);
        let style = ProgressStyle::with_template("  jobs {bar:40} {pos} of {len}  {elapsed}")?;
        bar.set_style(style);
        let deadline = Instant::now() + JOBS_TIMEOUT;
        let mut ended: Vec<Value> = Vec::new();
        while ended.len() < count {
            let (client, request) = (self.client.clone(), answer.request_id.clone());
            let offset = ended.len();
            let page = tokio::task::spawn_blocking(move || client.jobs(&request, offset)).await??;
            // A page is done with when its first so many jobs have ended; the rest is asked again.
            let done = page.iter().take_while(|job| status_of(job) != Some(1)).count();
            let waiting = done < page.len() || page.is_empty();
            ended.extend(page.into_iter().take(done));
            bar.set_position(ended.len() as u64);
            if waiting {
                if Instant::now() > deadline {
                    let seconds = JOBS_TIMEOUT.as_secs();
                    bail!("{} of {count} jobs have ended within {seconds} s", ended.len());
                }
                tokio::time::sleep(JOBS_EVERY).await;
            }
        }
        bar.finish_and_clear();
        Ok(ended)
    }

    /// The ADB addresses of the first `count` phones.
    fn addresses(&self, count: usize) -> Vec<SocketAddr> {
        self.stage.phones().phones().iter().take(count).map(|phone| phone.address()).collect()
    }
}

/// How cameras reach the server, in words.
fn sip(address: SocketAddr) -> String {
    format!("SIP on UDP, registered at {address}")
}

/// The values that the phone with this number (from 1) is to get in the second request.
fn values(number: usize) -> [(&'static str, String); 4] {
    [
        (NUMBER, format!("1366666{number:04}")),
        (IMSI, format!("46002162461{number:04}")),
        (WIFI, format!("fleet-{number:04}")),
        (KEYS, "1".to_owned()),
    ]
}

/// Whether a phone shows all of these values.
fn holds(shown: &Shown, wanted: &[(&str, impl AsRef<str>)]) -> bool {
    wanted.iter().all(|(name, value)| shown.get(*name).is_some_and(|shown| shown == value.as_ref()))
}

/// A job's status number: 1 running, 2 succeeded, -1 failed (CPH, ListJobs).
fn status_of(job: &Value) -> Option<i64> {
    job.get("status").and_then(Value::as_i64)
}

/// How many of the jobs have succeeded.
fn succeeded(jobs: &[Value]) -> usize {
    jobs.iter().filter(|job| status_of(job) == Some(2)).count()
}

/// The first lines of a longer text, as far in as its first line says.
fn excerpt(text: &str) -> String {
    let margin = text.len() - text.trim_start_matches(' ').len();
    let lines: Vec<&str> = text.lines().map(|line| line.get(margin..).unwrap_or(line)).collect();
    let mut shown = lines.get(..LINES_MAX).unwrap_or(&lines).to_vec();
    let more = format!("... and {} lines more", lines.len() - shown.len());
    // One line more would take the place of the words that say so.
    match lines.len() - shown.len() {
        0 => {}
        1 => shown = lines,
        _ => shown.push(&more),
    }
    indent(&shown.join("\n"))
}

/// Each line two blanks further in.
fn indent(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_request_is_what_it_is_known_for() {
        let request: Value = serde_json::from_slice(SEED_REQUEST).unwrap();
        let phone = |index: usize| &request["phones"][index];
        assert_eq!(phone(0)["phone_id"], SEED_PHONES[0]);
        assert_eq!(phone(1)["phone_id"], SEED_PHONES[1]);
        let broken = phone(0)["property"].as_str().unwrap();
        assert!(serde_json::from_str::<Value>(broken).is_err(), "the missing quote");
        let values: Value = serde_json::from_str(phone(1)["property"].as_str().unwrap()).unwrap();
        for (name, value) in SEED_VALUES {
            assert_eq!(values[name], value);
        }
        let copy = concat!(env!("CARGO_MANIFEST_DIR"), "/../api/tests/data/cph-seed-update.json");
        assert_eq!(std::fs::read(copy).unwrap(), SEED_REQUEST, "one request, wherever it is kept");
    }

    #[test]
    fn every_phone_gets_values_that_the_catalogue_allows() {
        let catalogue = fleet::Catalogue::built_in().unwrap();
        for number in [1, 12, 8_096] {
            for (name, value) in values(number) {
                let checked = catalogue.check(simulator::phones::PROFILE, false, name, &value);
                assert_eq!(checked, Ok(name), "{value}");
            }
        }
        assert_ne!(values(1), values(2));
    }

    #[test]
    fn a_long_text_is_cut_and_the_rest_counted() {
        let text: Vec<String> = (1..=28).map(|line| line.to_string()).collect();
        let shown = excerpt(&text.join("\n"));
        assert_eq!(shown.lines().count(), LINES_MAX + 1);
        assert!(shown.ends_with("\n  21\n  ... and 7 lines more"), "{shown}");
        assert!(excerpt(&text[..22].join("\n")).ends_with("\n  21\n  22"));
        assert_eq!(excerpt("    a\n      b\n"), "  a\n    b");
    }

    #[test]
    fn a_phone_holds_values_only_if_it_shows_each() {
        let shown = Shown::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert!(holds(&shown, &[("a", "1"), ("b", "2")]));
        assert!(!holds(&shown, &[("a", "1"), ("b", "3")]));
        assert!(!holds(&shown, &[("c", "1")]));
    }
}
