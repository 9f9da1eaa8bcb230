//! CreateProject, UpdateProject, DeleteProject and DescribeProjects.

use std::time::Duration;

use fleet::{Principal, ProjectId, ProjectSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::iss_client::ACCOUNT;
use crate::site::{FOREIGN, KEY, PROJECT, Site};

/// A body of CreateProject with these elements.
fn request(elements: &str) -> String {
    format!("<Request>{elements}</Request>")
}

const MINIMAL: &str = "<Name>东门_1-*</Name><Mode>GB28181</Mode>";

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let site = Site::with_iss_keys().await;
    let skeleton = "<Bucket><Region></Region><BucketId></BucketId><Prefix></Prefix></Bucket>";
    let body = request(&format!("{MINIMAL}<Desc>Gates</Desc>{skeleton}"));
    let made = site.iss_as(ACCOUNT, "POST", "/project", &body).await;
    let id = made.element("ProjectId").to_owned();
    assert_eq!(id.len(), 32);
    insta::assert_snapshot!(made.iss_done().replace(&id, "[project]"), @"<Response><Name>东门_1-*</Name><Desc>Gates</Desc><ProjectId>[project]</ProjectId><Mode>GB28181</Mode><Bucket><Region></Region><BucketId></BucketId><Prefix></Prefix></Bucket><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:00:00+0800</UpdateTime></Response>");

    site.clock.advance(Duration::from_secs(61));
    let target = format!("/project/{id}");
    let body = request(
        "<Name>West</Name><Status>Paused</Status><ServiceConf></ServiceConf><TemplateList></TemplateList>",
    );
    let changed = site.iss_as(ACCOUNT, "PUT", &target, &body).await;
    insta::assert_snapshot!(changed.iss_done().replace(&id, "[project]"), @"<Response><Name>West</Name><Desc>Gates</Desc><ProjectId>[project]</ProjectId><Mode>GB28181</Mode><Status>Paused</Status><Bucket><Region></Region><BucketId></BucketId><Prefix></Prefix></Bucket><ServiceConf><Notify></Notify></ServiceConf><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:01:01+0800</UpdateTime></Response>");

    let deleted = site.iss_as(ACCOUNT, "DELETE", &target, "").await;
    assert_eq!(deleted.iss_done(), format!("<Response><ProjectId>{id}</ProjectId></Response>"));
    site.iss_as(ACCOUNT, "DELETE", &target, "").await.iss_refused(404, "NoSuchProject");
    let target = format!("/project/{PROJECT}");
    let used = site.iss_as(ACCOUNT, "DELETE", &target, "").await;
    used.iss_refused(409, "ProjectNotEmpty");
}

#[tokio::test]
async fn the_flags_of_an_update_choose_its_parts() {
    let site = Site::with_iss_keys().await;
    let body = request("<Name>New</Name><Desc>D</Desc><Status>Paused</Status>");
    let mut seen = Vec::new();
    for flags in ["?serviceconf&template", "?status", "?baseinfo", "?BaseInfo&status="] {
        let target = format!("/project/{PROJECT}{flags}");
        let answer = site.iss("PUT", &target, &body).await;
        answer.iss_done();
        let element = |name| answer.element(name).to_owned();
        seen.push((element("Name"), element("Desc"), element("Status")));
        let back = request("<Name>a_project</Name><Desc>was</Desc><Status>Active</Status>");
        site.iss("PUT", &format!("/project/{PROJECT}"), &back).await.iss_done();
    }
    let of = |name: &str, desc: &str, status: &str| (name.into(), desc.into(), status.into());
    assert_eq!(
        seen,
        [
            of("a project", "", "Active"),
            of("a_project", "was", "Paused"),
            of("New", "D", "Active"),
            of("New", "D", "Paused"),
        ]
    );
    let nothing = request("<Name></Name><Desc/>");
    let unchanged = site.iss("PUT", &format!("/project/{PROJECT}"), &nothing).await;
    assert_eq!((unchanged.element("Name"), unchanged.element("Desc")), ("a_project", "was"));
    let status = format!("/project/{PROJECT}?status");
    let message = site.iss("PUT", &status, &nothing).await.iss_refused(400, "InvalidArgument");
    assert_eq!(message, "Status is required.");
}

#[tokio::test]
async fn what_the_flags_do_not_name_is_not_looked_at() {
    let site = Site::with_iss_keys().await;
    let callback = "<ServiceConf><Notify>http://a</Notify></ServiceConf>";
    let templates = "<TemplateList><Output><Object>a</Object></Output></TemplateList>";
    let bucket = "<Bucket><Region>ap-beijing</Region></Bucket>";
    let base = "<Name>a b</Name><Name/><Desc><a/></Desc><Mode>HTTP</Mode>";
    let status = "<Status>Off</Status>";
    let name = "<Name>New</Name>";
    let paused = "<Status>Paused</Status>";
    for (flags, elements) in [
        ("status", format!("{base}{bucket}{callback}{templates}{paused}")),
        ("baseinfo", format!("{name}{status}{callback}{templates}")),
        ("serviceconf", format!("{base}{bucket}{status}{templates}")),
        ("template", format!("{base}{bucket}{status}{callback}")),
        ("baseinfo&status", format!("{name}{paused}{callback}{templates}")),
    ] {
        let target = format!("/project/{PROJECT}?{flags}");
        site.iss("PUT", &target, &request(&elements)).await.iss_done();
    }
    for (flags, elements, code) in [
        ("?baseinfo", "<Name>a b</Name>", 400),
        ("?baseinfo", bucket, 501),
        ("?baseinfo", "<Mode>HTTP</Mode>", 501),
        ("?status", status, 400),
        ("?serviceconf", callback, 501),
        ("?template", templates, 501),
        ("", callback, 501),
        ("", templates, 501),
        ("", status, 400),
    ] {
        let target = format!("/project/{PROJECT}{flags}");
        let answer = site.iss("PUT", &target, &request(elements)).await;
        assert_eq!(answer.status, code, "{target} {elements}: {answer:?}");
    }
}

/// The pause is one change with the rest and touches no other setting: what an operator changes of
/// the project at the same time stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_update_takes_back_nothing_that_is_changed_meanwhile() {
    let site = Site::with_iss_keys().await;
    let (admin, id) = (Principal::admin(), ProjectId::new(PROJECT).unwrap());
    let target = format!("/project/{PROJECT}");
    for round in 1..=200 {
        let status = if round % 2 == 0 { "Active" } else { "Paused" };
        let body = request(&format!("<Status>{status}</Status>"));
        let headers = site.iss_signed(KEY, "PUT", &target, body.as_bytes());
        let mut stream = site.iss_head("PUT", &target, &headers, body.as_bytes()).await;
        stream.write_all(body.as_bytes()).await.unwrap();
        // At another moment of the call in each round.
        for _ in 0..100 * round {
            std::hint::spin_loop();
        }
        let settings =
            ProjectSettings { password_overlap_seconds: round, ..ProjectSettings::default() };
        site.handle.set_project(&admin, &id, settings).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        let found = site.handle.reads().project(&admin, &id).await.unwrap().unwrap();
        assert_eq!(found.settings.password_overlap_seconds, round);
    }
}

#[tokio::test]
async fn a_key_of_one_project_changes_that_one_alone() {
    let site = Site::with_iss_keys().await;
    let created = site.iss("POST", "/project", &request(MINIMAL)).await;
    let message = created.iss_refused(403, "AccessDenied");
    assert_eq!(
        message,
        "this access key opens one project; only one that opens all makes projects."
    );
    let target = format!("/project/{PROJECT}");
    site.iss("DELETE", &target, "").await.iss_refused(403, "AccessDenied");
    let body = request("<Name>x</Name>");
    site.iss("PUT", &target, &body).await.iss_done();
    let target = format!("/project/{FOREIGN}");
    site.iss("PUT", &target, &body).await.iss_refused(404, "NoSuchProject");
    site.iss_as(ACCOUNT, "PUT", &target, &body).await.iss_done();
}

#[tokio::test]
async fn every_rule_of_a_project_names_itself() {
    let site = Site::with_iss_keys().await;
    let before = site.iss_as(ACCOUNT, "GET", "/project", "").await.iss_done();
    let name = |text: &str| format!("<Mode>GB28181</Mode><Name>{text}</Name>");
    let desc = |text: &str| format!("{MINIMAL}<Desc>{text}</Desc>");
    for (elements, status, code, part) in [
        ("<Name>a</Name>".to_owned(), 400, "InvalidArgument", "Mode is required"),
        ("<Mode>GB28181</Mode>".to_owned(), 400, "InvalidArgument", "Name is required"),
        (name(""), 400, "InvalidArgument", "Name is required"),
        (name(&"东".repeat(51)), 400, "InvalidArgument", "Name has 1 to 50"),
        (name("a b"), 400, "InvalidArgument", "Name has 1 to 50"),
        (desc(&"a".repeat(257)), 400, "InvalidArgument", "Desc has 1 to 256"),
        (desc("a.b"), 400, "InvalidArgument", "Desc has 1 to 256"),
        ("<Name>a</Name><Mode>HTTP</Mode>".to_owned(), 501, "NotImplemented", "Mode HTTP"),
        ("<Name>a</Name><Mode>RTMP</Mode>".to_owned(), 501, "NotImplemented", "Mode HTTP"),
        ("<Name>a</Name><Mode>gb</Mode>".to_owned(), 400, "InvalidArgument", "Mode is GB28181"),
        (format!("{MINIMAL}<Status>On</Status>"), 400, "InvalidArgument", "Active or Paused"),
        (
            format!("{MINIMAL}<Status>Paused</Status>"),
            400,
            "InvalidArgument",
            "UpdateProject pauses it",
        ),
        (format!("{MINIMAL}<Name>b</Name>"), 400, "InvalidArgument", "Name is given twice"),
        (format!("{MINIMAL}<Desc><a/></Desc>"), 400, "InvalidArgument", "Desc is a text"),
        (
            format!("{MINIMAL}<Bucket><Region>ap-beijing</Region></Bucket>"),
            501,
            "NotImplemented",
            "does not offer Bucket",
        ),
        (
            format!("{MINIMAL}<ServiceConf><Notify>http://a</Notify></ServiceConf>"),
            501,
            "NotImplemented",
            "does not offer ServiceConf",
        ),
        (
            format!(
                "{MINIMAL}<TemplateList/><TemplateList><Output><Object>a</Object></Output></TemplateList>"
            ),
            501,
            "NotImplemented",
            "does not offer TemplateList",
        ),
    ] {
        let answer = site.iss_as(ACCOUNT, "POST", "/project", &request(&elements)).await;
        let message = answer.iss_refused(status, code);
        assert!(message.contains(part), "{elements}: {message}");
    }
    for (body, code) in [
        ("", "MissingRequestBodyError"),
        ("<Request>", "MalformedXML"),
        ("<Response/>", "MalformedXML"),
        ("<!DOCTYPE a><Request/>", "MalformedXML"),
    ] {
        site.iss_as(ACCOUNT, "POST", "/project", body).await.iss_refused(400, code);
    }
    let after = site.iss_as(ACCOUNT, "GET", "/project", "").await.iss_done();
    assert_eq!(after, before, "nothing was made");
    for elements in [
        name(&"东".repeat(50)),
        name(&"\u{20000}".repeat(50)),
        format!("{MINIMAL}<Status>Active</Status>"),
    ] {
        site.iss_as(ACCOUNT, "POST", "/project", &request(&elements)).await.iss_done();
    }
    // Of one byte, of three and of four.
    for character in ["a", "东", "\u{20000}"] {
        let long = character.repeat(256);
        let made = site.iss_as(ACCOUNT, "POST", "/project", &request(&desc(&long))).await;
        made.iss_done();
        assert_eq!(made.element("Desc"), long);
        let change = request(&format!("<Desc>{long}</Desc>"));
        let changed = site.iss("PUT", &format!("/project/{PROJECT}"), &change).await;
        changed.iss_done();
        assert_eq!(changed.element("Desc"), long);
    }
}

#[tokio::test]
async fn projects_are_listed_by_page_id_and_name() {
    let site = Site::with_iss_keys().await;
    let own = site.iss("GET", "/project", "").await.iss_done();
    insta::assert_snapshot!(own, @"<Response><TotalCount>1</TotalCount><PageNumber>1</PageNumber><PageSize>10</PageSize><ProjectList><Name>a project</Name><Desc></Desc><ProjectId>0123456789abcdef0123456789abcdef</ProjectId><Status>Active</Status><Mode>GB28181</Mode><Bucket><Region></Region><BucketId></BucketId><Prefix></Prefix></Bucket><ServiceConf><Notify></Notify></ServiceConf><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:00:00+0800</UpdateTime></ProjectList></Response>");

    let list = async |query: &str| {
        let answer = site.iss_as(ACCOUNT, "GET", &format!("/project?{query}"), "").await;
        let text = answer.iss_done();
        let ids: Vec<String> = text
            .split("<ProjectId>")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        (answer.element("TotalCount").to_owned(), ids, text.contains("NonExistProjectIds"))
    };
    let of = |total: &str, ids: &[&str], missing| {
        (total.to_owned(), ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>(), missing)
    };
    assert_eq!(list("").await, of("2", &[PROJECT, FOREIGN], false));
    assert_eq!(list("pageSize=1&pageNumber=2").await, of("2", &[FOREIGN], false));
    assert_eq!(list("pageNumber=3").await, of("2", &[], false));
    let ids = format!("ids={FOREIGN},B,%3C,{FOREIGN}");
    assert_eq!(list(&ids).await, of("1", &[FOREIGN, "B", "&lt;"], true));
    assert_eq!(list("name=a%20p").await, of("2", &[PROJECT, FOREIGN], false));
    assert_eq!(list("name=b").await, of("0", &[], false));
    let foreign = site.iss("GET", &format!("/project?ids={FOREIGN}"), "").await.iss_done();
    assert!(foreign.contains(&format!(
        "<NonExistProjectIds><ProjectId>{FOREIGN}</ProjectId></NonExistProjectIds>"
    )));
    for query in ["pageSize=0", "pageSize=101", "pageNumber=0", "pageNumber=x"] {
        let answer = site.iss("GET", &format!("/project?{query}"), "").await;
        answer.iss_refused(400, "InvalidArgument");
    }
}
