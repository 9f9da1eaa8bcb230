//! CreateDeviceOrganization, DescribeDeviceOrganization, and our two: another path, deletion.

use std::time::Duration;

use crate::client::Answer;
use crate::iss_client::ACCOUNT;
use crate::site::{FOREIGN, PROJECT, Site};

/// A body with an organization of these elements.
fn request(elements: &str) -> String {
    format!(
        "<Request><ProjectId>{PROJECT}</ProjectId><Organization>{elements}</Organization></Request>"
    )
}

/// Makes one; gives its id.
async fn make(site: &Site, elements: &str) -> String {
    let made = site.iss("POST", "/organization", &request(elements)).await;
    made.iss_done();
    made.element("OrganizationId").to_owned()
}

#[tokio::test]
async fn an_organization_is_made_moved_and_deleted() {
    let site = Site::with_iss_keys().await;
    let body = request("<Level>2</Level><L1>河北省</L1><L2>保定市</L2><L3></L3><L4></L4>");
    let made = site.iss("POST", "/organization", &body).await;
    let id = made.element("OrganizationId").to_owned();
    let shown = |answer: &Answer| answer.iss_done().replace(&id, "[organization]");
    insta::assert_snapshot!(shown(&made), @"<Response><RequestId>[id]</RequestId><ProjectId>0123456789abcdef0123456789abcdef</ProjectId><Organization><OrganizationId>[organization]</OrganizationId><Level>2</Level><L1>河北省</L1><L2>保定市</L2><L3></L3><L4></L4></Organization><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:00:00+0800</UpdateTime></Response>");
    let again = site.iss("POST", "/organization", &body).await;
    let message = again.iss_refused(409, "OrganizationAlreadyExists");
    assert!(message.contains(&id), "{message}");

    site.clock.advance(Duration::from_secs(1));
    let body = request(&format!("<OrganizationId>{id}</OrganizationId><Level>1</Level><L1>A</L1>"));
    let moved = site.iss("PUT", "/organization", &body).await;
    insta::assert_snapshot!(shown(&moved), @"<Response><RequestId>[id]</RequestId><ProjectId>0123456789abcdef0123456789abcdef</ProjectId><Organization><OrganizationId>[organization]</OrganizationId><Level>1</Level><L1>A</L1><L2></L2><L3></L3><L4></L4></Organization><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:00:01+0800</UpdateTime></Response>");

    let target = format!("/organization?projectId={PROJECT}&id={id}");
    let deleted = site.iss("DELETE", &target, "").await;
    insta::assert_snapshot!(shown(&deleted), @"<Response><RequestId>[id]</RequestId><ProjectId>0123456789abcdef0123456789abcdef</ProjectId><OrganizationId>[organization]</OrganizationId></Response>");
    site.iss("DELETE", &target, "").await.iss_refused(404, "NoSuchOrganization");
    site.iss("PUT", "/organization", &body).await.iss_refused(404, "NoSuchOrganization");
}

#[tokio::test]
async fn every_rule_of_an_organization_names_itself() {
    let site = Site::with_iss_keys().await;
    let long = "x".repeat(65);
    for (elements, part) in [
        ("", "Organization is required"),
        ("<L1>a</L1>", "Level is required"),
        ("<Level>0</Level>", "Level is 0"),
        ("<Level>5</Level><L1>a</L1>", "0 to 4"),
        ("<Level>x</Level><L1>a</L1>", "0 to 4"),
        ("<Level>01</Level><L1>a</L1>", "0 to 4"),
        ("<Level>1</Level>", "L1 is empty or absent"),
        ("<Level>2</Level><L1>a</L1>", "L2 is empty or absent"),
        ("<Level>2</Level><L2>a</L2>", "L1 is empty or absent"),
        ("<Level>1</Level><L1>a</L1><L2>b</L2>", "L2 is given"),
        ("<Level>1</Level><L1>a/b</L1>", "L1 has 1 to 64"),
        (&format!("<Level>1</Level><L1>{long}</L1>"), "L1 has 1 to 64"),
        ("<Level>1</Level><L1>a</L1><L1>b</L1>", "L1 is given twice"),
        ("<Level>1</Level><L1><a/></L1>", "L1 is a text"),
    ] {
        let answer = site.iss("POST", "/organization", &request(elements)).await;
        let message = answer.iss_refused(400, "InvalidArgument");
        assert!(message.contains(part), "{elements}: {message}");
    }
    for (body, status, code) in [
        (
            "<Request><Organization><Level>1</Level></Organization></Request>",
            400,
            "InvalidArgument",
        ),
        ("<Request><ProjectId/></Request>", 400, "InvalidArgument"),
        ("<Request><ProjectId>nobody</ProjectId></Request>", 404, "NoSuchProject"),
        ("", 400, "MissingRequestBodyError"),
        ("<Request>", 400, "MalformedXML"),
    ] {
        site.iss("POST", "/organization", body).await.iss_refused(status, code);
    }
    let no_id = request("<Level>1</Level><L1>a</L1>");
    let message = site.iss("PUT", "/organization", &no_id).await;
    assert_eq!(message.iss_refused(400, "InvalidArgument"), "OrganizationId is required.");
    let bad_id = request("<OrganizationId>a,b</OrganizationId><Level>1</Level><L1>a</L1>");
    site.iss("PUT", "/organization", &bad_id).await.iss_refused(404, "NoSuchOrganization");
    let none = format!("/organization?projectId={PROJECT}");
    assert_eq!(
        site.iss("DELETE", &none, "").await.iss_refused(400, "InvalidArgument"),
        "id is required."
    );
    site.iss("DELETE", "/organization?id=1", "").await.iss_refused(400, "InvalidArgument");
    assert!(site.iss("GET", &none, "").await.text.contains("<TotalCount>0</TotalCount>"));
}

#[tokio::test]
async fn organizations_are_listed_by_page_and_by_id() {
    let site = Site::with_iss_keys().await;
    let b = make(&site, "<Level>1</Level><L1>b</L1>").await;
    let ab = make(&site, "<Level>2</Level><L1>a</L1><L2>b</L2>").await;
    let a = make(&site, "<Level>1</Level><L1>a</L1>").await;
    let four = "<Level>4</Level><L1>c</L1><L2>东</L2><L3>_</L3><L4>*</L4>";
    let c = make(&site, four).await;
    let list = async |query: &str| {
        let target = format!("/organization?projectId={PROJECT}&{query}");
        let answer = site.iss("GET", &target, "").await;
        let text = answer.iss_done();
        let (listed, missing) = text.split_once("<NonExistOrganizationIds>").unwrap_or((&text, ""));
        let ids = |text: &str| -> Vec<String> {
            let parts = text.split("<OrganizationId>").skip(1);
            parts.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
        };
        (answer.element("TotalCount").to_owned(), ids(listed), ids(missing))
    };
    let of = |total: &str, ids: &[&String], missing: &[&str]| {
        let ids = ids.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
        (total.to_owned(), ids, missing.iter().map(|&id| id.to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(list("").await, of("4", &[&a, &ab, &b, &c], &[]));
    assert_eq!(list("pageSize=2&pageNumber=2").await, of("4", &[&b, &c], &[]));
    assert_eq!(list("pageNumber=9").await, of("4", &[], &[]));
    assert_eq!(list(&format!("ids={c},B,{a},{c}")).await, of("2", &[&c, &a], &["B"]));
    let second = format!("ids={c},B,{a}&pageSize=1&pageNumber=2");
    assert_eq!(list(&second).await, of("2", &[&a], &["B"]));
    assert_eq!(list("ids=%20,B").await, of("0", &[], &[" ", "B"]));

    let target = format!("/organization?projectId={PROJECT}&ids={ab}");
    let one = site.iss("GET", &target, "").await.iss_done().replace(&ab, "[organization]");
    insta::assert_snapshot!(one, @"<Response><RequestId>[id]</RequestId><TotalCount>1</TotalCount><PageNumber>1</PageNumber><PageSize>10</PageSize><ProjectId>0123456789abcdef0123456789abcdef</ProjectId><OrganizationList><Organization><OrganizationId>[organization]</OrganizationId><Level>2</Level><L1>a</L1><L2>b</L2><L3></L3><L4></L4></Organization><CreateTime>2026-11-21T20:00:00+0800</CreateTime><UpdateTime>2026-11-21T20:00:00+0800</UpdateTime></OrganizationList></Response>");

    let foreign = format!("/organization?projectId={FOREIGN}&ids={a}");
    site.iss("GET", &foreign, "").await.iss_refused(404, "NoSuchProject");
    let none = site.iss_as(ACCOUNT, "GET", &foreign, "").await.iss_done();
    assert!(none.contains("<TotalCount>0</TotalCount>"), "another project's is none: {none}");
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let target = format!("/organization?projectId={PROJECT}&ids={}", many.join(","));
    site.iss("GET", &target, "").await.iss_refused(400, "InvalidArgument");
}

#[tokio::test]
async fn a_move_onto_another_is_refused() {
    let site = Site::with_iss_keys().await;
    let a = make(&site, "<Level>1</Level><L1>a</L1>").await;
    make(&site, "<Level>1</Level><L1>b</L1>").await;
    let onto = |path: &str| {
        request(&format!("<OrganizationId>{a}</OrganizationId><Level>1</Level><L1>{path}</L1>"))
    };
    let refused = site.iss("PUT", "/organization", &onto("b")).await;
    refused.iss_refused(409, "OrganizationAlreadyExists");
    site.iss("PUT", "/organization", &onto("a")).await.iss_done();
}
