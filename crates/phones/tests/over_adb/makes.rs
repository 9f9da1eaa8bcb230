//! Phones of each make, by the profiles that are part of the product.

use engine::{Action, Fault, Reached};
use fleet::{Device, Facts};
use simulator::phones::{Fleet, Make, Phone};

use super::support::{Rig, adopt, device, phone, rig, set, simulated};

/// A phone of this make and its record.
async fn of_make(make: Make, profile: &str, su: bool) -> (Rig, Fleet, Device) {
    let fleet = simulated(|options| {
        options.make = make;
        options.su = su;
    })
    .await;
    let device = Device { profile: profile.to_owned(), ..device(phone(&fleet).address()) };
    (rig(), fleet, device)
}

fn refused<'r>(reached: &'r Reached, name: &str) -> &'r str {
    match &reached.faults[name] {
        Fault::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn fact<'r>(reached: &'r Reached, name: &str) -> Option<&'r str> {
    reached.facts.as_ref()?.get(name)
}

/// The settings and the screen, which every make has.
const EVERYWHERE: [(&str, &str); 4] = [
    ("settings.global.http_proxy", "10.0.0.1:3128"),
    ("settings.secure.android_id", "0123456789abcdef"),
    ("wm.density", "240"),
    ("wm.size", "1080x1920"),
];

fn check_everywhere(phone: &Phone, reached: &Reached) {
    for (name, value) in EVERYWHERE {
        assert_eq!(reached.shown[name].as_deref(), Some(value), "{name}: {:?}", reached.faults);
    }
    assert_eq!(phone.setting("global", "http_proxy").as_deref(), Some("10.0.0.1:3128"));
    assert_eq!(phone.setting("secure", "android_id").as_deref(), Some("0123456789abcdef"));
}

#[tokio::test]
async fn plain_android_has_settings_and_says_what_needs_root() {
    let (rig, fleet, device) = of_make(Make::Android, "android", false).await;
    let phone = phone(&fleet);
    let read = vec!["settings.global.private_dns_mode".to_owned()];
    let pairs = [EVERYWHERE.as_slice(), &[("persist.test.kept", "1")]].concat();
    let reached = rig.reach(&device, Action { read, ..adopt(&pairs) }).await;
    check_everywhere(phone, &reached);
    assert_eq!(reached.shown["settings.global.private_dns_mode"], None);
    let why = refused(&reached, "persist.test.kept");
    assert!(why.contains("needs root: commands run as user 2000; give its profile"), "{why}");
    assert_eq!(reached.faults.len(), 1);
    assert_eq!(fact(&reached, Facts::RIGHTS), Some("shell"));
    assert!(fact(&reached, Facts::MODEL).is_some());
    let changes = phone.applications();
    let known_boot = reached.boot;
    let again = Action { known_boot, ..set(&EVERYWHERE) };
    let reached = rig.reach(&device, again).await;
    check_everywhere(phone, &reached);
    assert_eq!(phone.applications(), changes, "what a phone shows already is not set");
    assert_eq!(reached.facts, None, "the boot is known");
}

#[tokio::test]
async fn android_with_su_sets_what_needs_root() {
    let (rig, fleet, device) = of_make(Make::Android, "rooted", true).await;
    let phone = phone(&fleet);
    let value = "it's $(reboot) \"root\"";
    let pairs = [EVERYWHERE.as_slice(), &[("persist.test.kept", value)]].concat();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    check_everywhere(phone, &reached);
    assert!(reached.faults.is_empty(), "{:?}", reached.faults);
    assert_eq!(phone.get("persist.test.kept"), value);
    assert_eq!(fact(&reached, Facts::RIGHTS), Some("root"));

    phone.set_su(false);
    let pairs = [("persist.test.kept", "other"), ("wm.density", "300")];
    let reached = rig.reach(&device, set(&pairs)).await;
    let why = refused(&reached, "persist.test.kept");
    assert!(why.contains("since its profile's su gave no root (su: "), "{why}");
    assert_eq!(reached.shown["wm.density"].as_deref(), Some("300"));
    assert_eq!(fact(&reached, Facts::RIGHTS), Some("shell"));
}

#[tokio::test]
async fn redroid_takes_read_only_names_once_and_others_by_arguments() {
    let (rig, fleet, device) = of_make(Make::Redroid, "redroid", false).await;
    let phone = phone(&fleet);
    let own = [("ro.com.cph.sfs_enable", "1"), ("ro.product.model", "Pixel")];
    let pairs = [EVERYWHERE.as_slice(), &own].concat();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    check_everywhere(phone, &reached);
    assert_eq!(fact(&reached, Facts::RIGHTS), Some("root"));
    let recreate = Fault::NeedsRecreate("ro.product.model=Pixel".to_owned());
    assert_eq!(reached.faults["ro.product.model"], recreate);
    let shown = reached.shown["ro.product.model"].clone().unwrap();
    assert_eq!(shown, phone.get("ro.product.model"));
    let same = rig.reach(&device, set(&[("ro.product.model", &shown)])).await;
    assert!(same.faults.is_empty(), "{:?}", same.faults);
}

#[tokio::test]
async fn kbox_takes_the_vendors_names_under_its_own() {
    let (rig, fleet, device) = of_make(Make::Kbox, "kbox", false).await;
    let phone = phone(&fleet);
    let own = [("sys.prop.writeimei", "861234567890123"), ("ro.build.id", "X")];
    let pairs = [EVERYWHERE.as_slice(), &own].concat();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    check_everywhere(phone, &reached);
    assert_eq!(reached.shown["sys.prop.writeimei"].as_deref(), Some("861234567890123"));
    assert_eq!(phone.get("persist.sys.prop.writeimei"), "861234567890123");
    assert!(matches!(reached.faults["ro.build.id"], Fault::Unsupported(_)));
}

#[tokio::test]
async fn a_vendors_phone_shows_what_acts() {
    let (rig, fleet, device) = of_make(Make::Simulated, "simulated", false).await;
    let phone = phone(&fleet);
    let reached = rig.reach(&device, adopt(&[("com.cph.mainkeys", "1")])).await;
    assert_eq!(reached.shown["com.cph.mainkeys"].as_deref(), Some("1"));
    assert_eq!(reached.effects["com.cph.mainkeys"], "0", "it acts after a restart");
    phone.reboot().await;
    phone.booted().await;
    let reached = rig.reach(&device, set(&[("com.cph.mainkeys", "1")])).await;
    assert_eq!(reached.effects["com.cph.mainkeys"], "1");
}
