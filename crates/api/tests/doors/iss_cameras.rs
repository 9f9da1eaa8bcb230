//! What the tests of the ISS door's calls about devices have in common: many cameras, the bodies of
//! calls, and what answers say.

use api::iss::request_id;
use fleet::{
    DeviceId, IssSettings, Kind, NewCamera, NewDevice, Principal, ProjectId, ProjectSettings,
    Secret,
};

use crate::client::Answer;
use crate::site::{PROJECT, Site};

/// The id of the camera of this number, which [`Site::with_many_cameras`] records from 1 on.
pub fn camera(number: usize) -> String {
    format!("440103000013200{number:05}")
}

/// The password that the camera of this number must register with.
pub fn password(number: usize) -> String {
    format!("{:06}", 100_000 + number)
}

/// A body with this inside.
pub fn request(inside: &str) -> String {
    format!("<Request>{inside}<ProjectId>{PROJECT}</ProjectId></Request>")
}

/// One device of a body.
pub fn device(gbid: &str, fields: &str) -> String {
    format!("<Devicelist><Gbid>{gbid}</Gbid>{fields}</Devicelist>")
}

/// The texts of all elements of this name in an XML text, in their order.
pub fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts.map(|rest| rest.split(close.as_str()).next().unwrap()).collect()
}

/// The one text of an element of this name.
#[track_caller]
pub fn text<'a>(xml: &'a str, name: &str) -> &'a str {
    let all = texts(xml, name);
    assert_eq!(all.len(), 1, "{name}: {xml}");
    all[0]
}

/// What an answer about devices says: the ids of those that were done, and of those that failed
/// each with the code of its `Msg`.
#[track_caller]
pub fn outcome(answer: &Answer) -> (Vec<&str>, Vec<(&str, &str)>) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let done = text(&answer.text, "DeviceList");
    let failed = texts(&answer.text, "FailedDeviceList").first().copied().unwrap_or_default();
    let codes = texts(failed, "Msg").into_iter().map(|message| message.split(':').next().unwrap());
    let failed = texts(failed, "Gbid").into_iter().zip(codes).collect();
    (texts(done, "Gbid"), failed)
}

impl Answer {
    /// The answer whole, as it came: the status, the headers in their order, the body. For what
    /// differs from run to run there is a word in brackets, after a look at its form.
    #[track_caller]
    pub fn iss_whole(&self) -> String {
        self.iss_headers();
        let id = self.header("x-iss-request-id");
        assert!(request_id::from_text(id).is_some(), "{id}");
        assert_eq!(self.header("date").len(), 29, "{self:?}");
        let mut whole = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            let value = match name.as_str() {
                // That it is true is checked with the headers.
                "content-length" => "[length]",
                "date" => "[date]",
                _ => value.to_str().unwrap(),
            };
            whole += &format!("{name}: {value}\n");
        }
        format!("{whole}\n{}", self.text).replace(id, "[id]")
    }
}

impl Site {
    /// UpdateDevice with these devices.
    pub async fn update_cameras(&self, devices: &str) -> Answer {
        self.iss("PUT", "/device", &request(devices)).await
    }

    /// How ISS treats the project from now on.
    pub async fn iss_settings(&self, iss: IssSettings) {
        let project = ProjectId::new(PROJECT).unwrap();
        let settings = ProjectSettings { iss, ..ProjectSettings::default() };
        self.handle.set_project(&Principal::admin(), &project, settings).await.unwrap();
    }

    /// Records the cameras of the numbers 1 to `count`.
    pub async fn with_many_cameras(self, count: usize) -> Self {
        let record = |number: usize| NewDevice {
            project: ProjectId::new(PROJECT).unwrap(),
            kind: Kind::Camera,
            id: DeviceId::new(camera(number)).unwrap(),
            name: format!("gate-{number}"),
            server: String::new(),
            address: String::new(),
            container: String::new(),
            profile: "generic".to_owned(),
            camera: Some(NewCamera {
                password: Some(Secret::new(password(number))),
                ..NewCamera::default()
            }),
        };
        if count > 0 {
            let records = (1..=count).map(record).collect();
            self.handle.import(&Principal::admin(), records).await.unwrap();
        }
        self
    }

    /// The user name and the password that the device of this id must register with.
    pub async fn credentials(&self, gbid: &str) -> (String, String) {
        let ids = vec![DeviceId::new(gbid).unwrap()];
        let found = self.handle.registrants(ids).await.unwrap().remove(0);
        (found.user.clone(), found.password.expose().clone())
    }

    /// DescribeDevice of the project.
    pub async fn describe(&self, gbid: &str) -> Answer {
        self.iss("GET", &format!("/device?projectId={PROJECT}&gbid={gbid}"), "").await
    }

    /// Everything that a call about cameras could change, as ISS shows it, and each one's revision.
    pub async fn cameras_fingerprint(&self) -> String {
        let mut all = String::new();
        for page in 1.. {
            let target = format!("/device?projectId={PROJECT}&pageSize=100&pageNumber={page}");
            let listed = self.iss("GET", &target, "").await;
            let gbids = texts(&listed.text, "Gbid");
            if gbids.is_empty() {
                break;
            }
            for gbid in gbids {
                let id = DeviceId::new(gbid).unwrap();
                let found = self.handle.reads().device(&Principal::admin(), None, &id).await;
                let revision = found.unwrap()[0].state.revision;
                all += &format!("{gbid} {revision:?}\n");
            }
            all += text(&listed.text, "DeviceList");
        }
        all
    }
}
