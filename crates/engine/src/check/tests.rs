use super::*;
use crate::operate::stage::{Stage, answering, boot, device_id, project};

async fn check(stage: &Stage) -> Check {
    stage.handle.check(&stage.admin, &project("p"), &device_id("A")).await.unwrap()
}

fn result<'a>(check: &'a Check, name: &str) -> &'a CheckItem {
    check.items.iter().find(|item| item.name == name).unwrap()
}

#[tokio::test]
async fn a_device_is_looked_at_and_its_desired_properties_are_named() {
    let stage = Stage::new().await;
    stage.import("p", "A", "a:1", "simulated").await;
    let gone = check(&stage).await;
    assert!(!gone.holds());
    assert_eq!(result(&gone, "reachable").detail, "a:1: connection refused");

    let marker = stage.device("p", "A").await.marker;
    let mut answer = answering(&marker, boot(1));
    answer.facts.0.insert(fleet::Facts::RIGHTS.to_owned(), "root".to_owned());
    stage.phones.put("a:1", answer);
    let well = check(&stage).await;
    assert!(well.holds(), "{well:?}");
    assert!(well.items.len() > 6, "what the profile can set and read is there");

    let nobody = stage.handle.check(&stage.admin, &project("q"), &device_id("A")).await;
    assert_eq!(nobody.unwrap_err().to_string(), "no such device");
}

#[tokio::test]
async fn a_neighbour_is_named_and_a_stranger_is_not() {
    let stage = Stage::new().await;
    stage.import("p", "A", "a:1", "simulated").await;
    stage.import("p", "B", "a:2", "simulated").await;
    stage.import("q", "C", "a:3", "simulated").await;
    let neighbour = stage.device("p", "B").await.marker;
    stage.phones.put("a:1", answering(&neighbour, boot(1)));
    let detail = result(&check(&stage).await, "right phone").detail.clone();
    assert_eq!(detail, "it bears the marker of B (phone B, at a:2)");
    let stranger = stage.device("q", "C").await.marker;
    stage.phones.put("a:1", answering(&stranger, boot(1)));
    let detail = result(&check(&stage).await, "right phone").detail.clone();
    let expected =
        format!("it bears the marker {stranger}, which no device of this project was given");
    assert_eq!(detail, expected);
}
