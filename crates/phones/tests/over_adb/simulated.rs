//! What an action does to a phone.

use engine::{Action, Away, Fault, Report};
use simulator::phones::Phone;

use super::support::{
    ENDLESS, KEPT, MARKER, WIPED, adopt, dangerous, device, faulty, phone, rig, set, simulated,
    values, wrong,
};

const MARKER_PROPERTY: &str = phones::script::MARKER_PROPERTY;

/// How often a test property was really changed.
fn changes(phone: &Phone) -> u64 {
    let effects = phone.effects().changed;
    effects.iter().filter(|(name, _)| name.as_str() != MARKER_PROPERTY).map(|(_, n)| n).sum()
}

#[tokio::test]
async fn a_phone_is_adopted_and_set_once() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let reached = rig.reach(&device, adopt(&[(KEPT, "a"), (WIPED, "b")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("a"));
    assert_eq!(reached.shown[WIPED].as_deref(), Some("b"));
    assert!(reached.faults.is_empty());
    assert_eq!(reached.boot.as_ref().map(|boot| &boot.kernel), Some(&phone.boot_id()));
    assert_eq!(phone.get(MARKER_PROPERTY), MARKER);
    assert_eq!(changes(phone), 2);

    let again = rig.reach(&device, set(&[(KEPT, "a"), (WIPED, "b")])).await;
    assert_eq!((again.shown, again.boot), (reached.shown, reached.boot));
    assert_eq!(changes(phone), 2, "what the phone shows already is not set");
    assert_eq!(phone.commands().len(), 2, "one script an action");
}

#[tokio::test]
async fn nothing_is_set_on_a_phone_that_is_another() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let report = rig.run(&device, set(&[(KEPT, "a")])).await;
    assert_eq!(wrong(&report), "");
    phone.set(MARKER_PROPERTY, "foreign");
    let report = rig.run(&device, adopt(&[(KEPT, "a")])).await;
    assert_eq!(wrong(&report), "foreign");
    assert_eq!(phone.applications(), 0);
    assert_eq!(phone.get(KEPT), "");
    assert_eq!(phone.get(MARKER_PROPERTY), "foreign");
}

#[tokio::test]
async fn without_the_right_to_the_property_the_marker_is_a_file() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    phone.set_faults(faulty(|f| f.refuse_set = [MARKER_PROPERTY.to_owned()].into())).await;
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    assert_eq!(phone.get(MARKER_PROPERTY), "");
    rig.reach(&device, set(&[(KEPT, "b")])).await;
    phone.reboot().await;
    phone.booted().await;
    rig.reach(&device, set(&[(KEPT, "c")])).await;
    assert_eq!(phone.get(KEPT), "c");
}

#[tokio::test]
async fn a_phone_that_boots_is_waited_for() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    // While its port is closed, and while its daemon answers already.
    phone.set_faults(faulty(|f| f.boot = Some(ENDLESS))).await;
    phone.reboot().await;
    let report = rig.run(&device, set(&[(KEPT, "b")])).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
    phone.set_faults(faulty(|_| {})).await;
    phone.reboot().await;
    phone.booted().await;
    phone.set("sys.boot_completed", "");
    let report = rig.run(&device, set(&[(KEPT, "b")])).await;
    assert_eq!(report, Report::Away(Away::Booting));
    assert_eq!(phone.get(KEPT), "a");
    // And from the beginning of a boot to its end.
    phone.reboot().await;
    loop {
        match rig.run(&device, set(&[(KEPT, "b")])).await {
            Report::Away(Away::Unreachable(_) | Away::Booting) => tokio::task::yield_now().await,
            Report::Away(away) => panic!("{away}"),
            Report::Reached(_) => break,
        }
    }
    assert_eq!(phone.get(KEPT), "b");
}

#[tokio::test]
async fn a_refused_value_and_an_ignored_one_are_told_apart() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    phone
        .set_faults(faulty(|f| {
            f.refuse_set = ["test.refused".to_owned()].into();
            f.ignore_set = ["test.ignored".to_owned()].into();
        }))
        .await;
    let action = adopt(&[("test.refused", "1"), ("test.ignored", "1"), (KEPT, "1")]);
    let reached = rig.reach(&device, action).await;
    let Fault::Refused(said) = &reached.faults["test.refused"] else { panic!() };
    assert!(said.starts_with("Failed to set property 'test.refused' to '1'"), "{said}");
    assert!(said.contains("(needs root: commands run as user 2000; "), "{said}");
    assert_eq!(reached.faults.len(), 1);
    assert_eq!(reached.shown["test.refused"].as_deref(), Some(""));
    assert_eq!(reached.shown["test.ignored"].as_deref(), Some(""));
    assert_eq!(reached.shown[KEPT].as_deref(), Some("1"));
}

#[tokio::test]
async fn what_a_boot_wiped_is_set_again() {
    for container in [false, true] {
        let (rig, fleet) = (rig(), simulated(|options| options.container = container).await);
        let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
        let first = rig.reach(&device, adopt(&[(WIPED, "b")])).await.boot.unwrap();
        let action = Action {
            known_boot: Some(first.clone()),
            set_after_boot: values(&[(WIPED, "c")]),
            ..Action::default()
        };
        let same = rig.reach(&device, action.clone()).await;
        assert_eq!(same.shown[WIPED].as_deref(), Some("b"), "no boot lies between");
        phone.reboot().await;
        phone.booted().await;
        assert_eq!(phone.get(WIPED), "");
        let reached = rig.reach(&device, action).await;
        assert_eq!(reached.shown[WIPED].as_deref(), Some("c"));
        let second = reached.boot.unwrap();
        assert_ne!(second, first);
        assert_eq!(second.kernel == first.kernel, container);
        assert_eq!(second.init_start != first.init_start, container);
    }
}

#[tokio::test]
async fn every_value_arrives_as_itself() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let pairs = dangerous();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    assert!(reached.faults.is_empty(), "{:?}", reached.faults);
    for (name, value) in &pairs {
        assert_eq!(phone.get(name), *value);
        assert_eq!(reached.shown[name].as_ref(), Some(value));
    }
}

#[tokio::test]
async fn sixty_four_kilobytes_take_several_scripts() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let pairs: Vec<(String, String)> = (0..600)
        .map(|n| (format!("persist.test.n{n}"), format!("{n:03}{}", "'".repeat(88))))
        .collect();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    assert_eq!(reached.shown.len(), 600);
    assert!(reached.faults.is_empty());
    for (name, value) in &pairs {
        assert_eq!(phone.get(name), *value);
    }
}
