//! The part of the show that is about cameras: what is sent over Tencent's API, and what the
//! cameras then register with and show.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use fleet::{DeviceId, Kind, Principal};
use serde_json::Value;
use simulator::camera;
use store::{CameraListing, DeviceFilter, Page};

use super::super::iss::{Answer, Client, elements};
use super::super::native::{Native, until};
use super::{Show, excerpt, indent};
use crate::output;

/// The request of the worked example in the vendor's documentation (UpdateDevice), byte for byte.
/// It names neither a device nor a project.
const WORKED_REQUEST: &[u8] = include_bytes!("../iss-worked-request.xml");

/// The skeleton of the request in the same place, byte for byte: what stands in each element is
/// mostly the element's name.
const SKELETON_REQUEST: &[u8] = include_bytes!("../iss-skeleton-request.xml");

/// The password that the cameras get: 6 to 64 digits (ISS, UpdateDevice).
const PASSWORD: &str = "87654321";

/// Cameras in one look at all of them: more than there are.
const CAMERAS_MAX: u32 = 100;

/// What of a camera an update may change: its record, who may register as it, and its revision.
type Record = (CameraListing, i64);

impl Show<'_> {
    /// Everything about cameras.
    pub(super) async fn cameras(&mut self) -> Result<()> {
        let endpoint = format!("http://{}", self.stage.address());
        let key = self.stage.account_key();
        let iss = Client::new(endpoint, key.ak.clone(), key.secret.clone());
        let native = Native::of(self.stage)?;
        self.worked_request(&iss).await?;
        self.skeleton(&iss).await?;
        self.batch(&iss, &native).await?;
        self.passwords(&native).await
    }

    /// The vendor's worked request, which is refused whole.
    async fn worked_request(&mut self, iss: &Client) -> Result<()> {
        self.heading("5  The worked request of Tencent's documentation, byte for byte")?;
        let before = self.records().await?;
        let answer = self.put_device(iss, WORKED_REQUEST).await?;
        let named = answer.first("Message").is_some_and(|message| message.contains("ProjectId"));
        let is_refused = answer.status == 400 && answer.first("Code") == Some("InvalidArgument");
        self.expect(
            is_refused && named,
            "it is refused with 400 InvalidArgument, which names ProjectId: the sample has none",
        )?;
        self.expect_one_id(&answer)?;
        self.expect_unchanged(&before).await
    }

    /// The skeleton of the vendor's request, whose device fails alone.
    async fn skeleton(&mut self, iss: &Client) -> Result<()> {
        self.heading("6  The skeleton of that request, for a project of the id `ProjectId`")?;
        let before = self.records().await?;
        let answer = self.put_device(iss, SKELETON_REQUEST).await?;
        self.expect(answer.status == 200, "the answer is 200: one device alone is not right")?;
        self.expect_one_id(&answer)?;
        let (good, failed) = (answer.devices("DeviceList"), answer.devices("FailedDeviceList"));
        let text = |name: &str| {
            let found = failed.first().and_then(|device| elements(device, name).into_iter().next());
            output::clean(found.unwrap_or_default())
        };
        let message = text("Msg");
        let is_so = good.is_empty() && failed.len() == 1 && text("Gbid") == "Gbid";
        self.expect(
            is_so && !message.is_empty(),
            &format!("its device is in FailedDeviceList: {message}"),
        )?;
        self.expect_unchanged(&before).await
    }

    /// Another name and another password for every camera.
    async fn batch(&mut self, iss: &Client, native: &Native) -> Result<()> {
        let ids = self.camera_ids()?;
        let count = ids.len();
        self.heading(&format!("7  A valid batch: a name and a password for {count} cameras"))?;
        let names: Vec<String> = (1..=count).map(name).collect();
        let mut body = String::from("<Request>\n");
        for (id, name) in ids.iter().zip(&names) {
            let _ = writeln!(
                body,
                "  <Devicelist><Gbid>{id}</Gbid><Name>{name}</Name><Pwd>{PASSWORD}</Pwd></Devicelist>"
            );
        }
        let _ = writeln!(body, "  <ProjectId>{}</ProjectId>\n</Request>", self.stage.project());
        let answer = self.put_device(iss, body.as_bytes()).await?;
        self.expect(answer.status == 200, "the answer is 200")?;
        self.expect_one_id(&answer)?;
        let (good, failed) = (answer.devices("DeviceList"), answer.devices("FailedDeviceList"));
        let named = |element: &str| -> Vec<&str> {
            good.iter().flat_map(|device| elements(device, element)).collect()
        };
        let is_so = named("Gbid") == ids && named("Name") == names && failed.is_empty();
        self.expect(
            is_so,
            &format!("all are in DeviceList, with their new names: {}", good.len()),
        )?;

        let id = answer.request_id;
        let ended = async || {
            let update = native.get(&["updates", &id]).await?;
            Ok(update.get("ended_at").is_some_and(Value::is_string))
        };
        until("the jobs' end", ended).await?;
        let jobs = native.get(&["updates", &id, "jobs"]).await?;
        let jobs = jobs.get("jobs").and_then(Value::as_array).cloned().unwrap_or_default();
        let proofs: Vec<String> = jobs.iter().map(|job| text(job, "/proof")).collect();
        let verified = proofs.iter().filter(|proof| *proof == "verified").count();
        self.expect(
            verified == count,
            &format!(
                "asked over SIP, the cameras show the names: {verified} of {count} jobs verified, \
                 found by ISS's RequestId"
            ),
        )?;
        let held: Vec<String> = ids.iter().map(|id| self.held_name(id)).collect::<Result<_>>()?;
        let rows = ids
            .iter()
            .zip(&held)
            .zip(&proofs)
            .map(|((id, held), proof)| vec![id.clone(), held.clone(), proof.clone()]);
        let table = output::table(&["CAMERA", "SHOWS", "JOB"], rows.collect());
        output::data(&format!("\n{}\n", indent(&table)))?;
        self.expect(held == names, "each camera itself holds its name, the rare 𠮷 in it too")
    }

    /// One camera is given the new password at its own web page, another keeps the old one.
    async fn passwords(&mut self, native: &Native) -> Result<()> {
        self.heading("8  Who registers from now on")?;
        let ids = self.camera_ids()?;
        let [given, kept, ..] = ids.as_slice() else { bail!("there are no two cameras") };
        let fleet = self.stage.cameras()?;
        let is_current = |device: &Value| {
            text(device, "/camera/credentials/in_use") == "current"
                && text(device, "/camera/status") == "OnLine"
        };
        let before = native.get(&["devices", given]).await?;
        self.expect(
            text(&before, "/camera/credentials/in_use") == "not_renewed",
            "until they register anew, the cameras stay: their registrations are not cut off",
        )?;
        fleet.with(given, |camera, now| camera.set_password(now, camera::Secret::new(PASSWORD)));
        let shown = async || Ok(is_current(&native.get(&["devices", given]).await?));
        let registers = until("the registration with the new password", shown).await;
        self.expect(registers.is_ok(), &format!("{given} has the new password, and registers"))?;

        fleet.with(kept, |camera, now| camera.register(now));
        let refused = async || {
            let refused = native.get(&["registrations", "refused"]).await?;
            Ok(refused.pointer("/registrations").and_then(Value::as_array).is_some_and(|list| {
                let is_it = |refused: &&Value| text(refused, "/id") == *kept;
                list.iter().find(is_it).is_some_and(|it| text(it, "/why") == "wrong_digest")
            }))
        };
        let is_refused = until("the refusal of the old password", refused).await;
        self.expect(
            is_refused.is_ok(),
            &format!("{kept} has the old one, and is refused: wrong_digest"),
        )?;
        let waits = async || Ok(fleet.held(kept).is_some_and(|held| held.state == "waiting"));
        let knows = until("the camera's own idea of it", waits).await;
        self.expect(knows.is_ok(), "it knows so, and waits to try again")
    }

    /// Sends UpdateDevice, shows it and its answer.
    async fn put_device(&self, iss: &Client, body: &[u8]) -> Result<Answer> {
        let text = String::from_utf8_lossy(body).into_owned();
        output::data(&format!(
            "  PUT /device   signed with the access key for all projects; {} bytes\n{}\n",
            body.len(),
            self.paint.dim(&excerpt(&text))
        ))?;
        let (client, body) = (iss.clone(), body.to_vec());
        let answer = tokio::task::spawn_blocking(move || client.update(body)).await??;
        output::data(&format!(
            "\n  {}   x-iss-request-id: {}\n{}\n",
            answer.status,
            output::clean(&answer.request_id),
            self.paint.dim(&excerpt(&laid_out(&answer.xml)))
        ))?;
        output::data("")?;
        Ok(answer)
    }

    /// An answer has one id, in header and body.
    fn expect_one_id(&mut self, answer: &Answer) -> Result<()> {
        let id = answer.request_id.as_str();
        let is_so = !id.is_empty() && answer.first("RequestId") == Some(id);
        self.expect(is_so, "one request id stands in header and body")
    }

    /// Nothing of any camera has changed since `before`.
    async fn expect_unchanged(&mut self, before: &[Record]) -> Result<()> {
        let is_so = self.records().await? == before;
        let count = before.len();
        self.expect(is_so && count > 0, &format!("nothing has changed of any of {count} cameras"))
    }

    /// What is on record of the cameras.
    async fn records(&self) -> Result<Vec<Record>> {
        let (handle, admin) = (self.stage.handle(), Principal::admin());
        let filter = DeviceFilter { kind: Some(Kind::Camera), ..DeviceFilter::default() };
        let page = Page { after: fleet::DeviceKey(0), limit: CAMERAS_MAX };
        let found = handle.reads().devices(&admin, &filter, page).await?;
        let ids: Vec<DeviceId> = found.iter().map(|found| found.device.id.clone()).collect();
        let listed = handle.reads().cameras_named(&admin, self.stage.project(), ids).await?;
        let records = listed.into_iter().zip(found).filter_map(|(listed, found)| {
            // Where it is registered is its own doing.
            let record = CameraListing { binding: None, channels: 0, ..listed? };
            Some((record, found.state.revision.0))
        });
        Ok(records.collect())
    }

    /// The cameras' ids.
    fn camera_ids(&self) -> Result<Vec<String>> {
        Ok(self.stage.cameras()?.ids().map(str::to_owned).collect())
    }

    /// The name that a camera holds.
    fn held_name(&self, id: &str) -> Result<String> {
        let held = self.stage.cameras()?.held(id);
        held.map(|held| held.name).with_context(|| format!("there is no camera {id}"))
    }
}

/// The text at a place of a value; empty if there is none.
fn text(value: &Value, place: &str) -> String {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The name that the camera with this number (from 1) gets: Chinese, with a character that GB2312
/// and GBK lack.
fn name(number: usize) -> String {
    format!("东门-𠮷{number}")
}

/// XML with an element a line, further in with each level.
fn laid_out(xml: &str) -> String {
    let apart = xml.replace("><", ">\n<");
    let (mut text, mut depth) = (String::new(), 0_usize);
    for line in apart.lines() {
        let is_end = line.starts_with("</");
        depth = depth.saturating_sub(usize::from(is_end));
        let _ = writeln!(text, "{:width$}{}", "", output::clean(line), width = 2 * depth);
        let is_whole = is_end || line.contains("</") || line.ends_with("/>") || line.contains("<?");
        depth += usize::from(!is_whole);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_requests_are_what_they_are_known_for() {
        assert_eq!((WORKED_REQUEST.len(), SKELETON_REQUEST.len()), (199, 539));
        let worked = String::from_utf8_lossy(WORKED_REQUEST);
        for (name, text) in [("ProjectId", ""), ("Gbid", ""), ("Name", ""), ("Pwd", "Pwd")] {
            assert_eq!(elements(&worked, name), [text], "{name}");
        }
        let skeleton = String::from_utf8_lossy(SKELETON_REQUEST);
        for name in ["ProjectId", "Gbid", "Name", "Port", "Pwd"] {
            assert_eq!(elements(&skeleton, name), [name]);
        }
        assert_eq!(elements(&skeleton, "Level"), [""]);
        for (name, request) in
            [("iss-seed-request.xml", WORKED_REQUEST), ("iss-seed-skeleton.xml", SKELETON_REQUEST)]
        {
            let path = format!("{}/../api/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
            let copy = std::fs::read(path).unwrap();
            let copy = copy.trim_ascii_end();
            assert_eq!(copy, request.trim_ascii_end(), "one request, wherever it is kept");
        }
    }

    #[test]
    fn every_camera_gets_a_name_that_the_catalogue_allows() {
        let catalogue = fleet::Catalogue::built_in().unwrap();
        let name = name(3);
        let profile = fleet::catalogue::GENERIC_PROFILE;
        assert_eq!(catalogue.check(profile, false, "Name", &name), Ok("Name"), "{name}");
        assert!(name.contains('𠮷') && PASSWORD.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn an_answer_is_laid_out_an_element_a_line() {
        let xml =
            "<Response><Id>x</Id><List><Device><Ip/><Level></Level></Device></List></Response>";
        insta::assert_snapshot!(laid_out(xml), @r"
        <Response>
          <Id>x</Id>
          <List>
            <Device>
              <Ip/>
              <Level>
              </Level>
            </Device>
          </List>
        </Response>
        ");
    }
}
