//! Restarts, resets and stops, over real sockets and by real programs.

use std::fs;

use engine::{Action, Adopt, Away, PowerReport, Report};
use fleet::{Device, Operation};
use simulator::phones::Make;

use super::support::{
    ENDLESS, KEPT, LIMIT, MARKER, adopt, device, faulty, phone, rig, set, simulated, wrong,
};

#[tokio::test]
async fn a_phone_that_is_told_to_reboot_comes_back_in_another_boot() {
    for container in [false, true] {
        let (rig, fleet) = (rig(), simulated(|options| options.container = container).await);
        let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
        let boot = rig.reach(&device, adopt(&[(KEPT, "a")])).await.boot.unwrap();
        let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
        assert_eq!(report, PowerReport::Told);
        phone.booted().await;
        assert_eq!(phone.boot_count(), 2);
        let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
        assert_eq!(report, PowerReport::OtherBoot);
        assert_eq!(phone.boot_count(), 2, "told once");
        let reached = rig.reach(&device, set(&[(KEPT, "a")])).await;
        assert_ne!(reached.boot, Some(boot));
    }
}

#[tokio::test]
async fn another_phone_is_not_switched() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let boot = rig.reach(&device, adopt(&[(KEPT, "a")])).await.boot.unwrap();
    let other = Device { marker: "another".to_owned(), ..device.clone() };
    for operation in [Operation::Restart, Operation::Reset] {
        let report = rig.power(&other, operation, Some(&boot)).await;
        let wrong = Away::WrongDevice { marker: MARKER.to_owned(), boot: Some(boot.clone()) };
        assert_eq!(report, PowerReport::Away(wrong));
    }
    assert_eq!(phone.boot_count(), 1);
    let any = Action { adopt: Adopt::Any, ..set(&[(KEPT, "b")]) };
    rig.reach(&other, any).await;
    let report = rig.run(&device, set(&[(KEPT, "a")])).await;
    assert_eq!(wrong(&report), "another");
    phone.power_off().await;
    let report = rig.power(&other, Operation::Restart, Some(&boot)).await;
    assert!(matches!(report, PowerReport::Away(Away::Unreachable(_))), "{report:?}");
}

#[tokio::test]
async fn a_phone_that_wipes_itself_has_lost_its_marker() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    let boot = rig.reach(&device, adopt(&[(KEPT, "a")])).await.boot.unwrap();
    let report = rig.power(&device, Operation::Reset, Some(&boot)).await;
    assert_eq!(report, PowerReport::Told);
    phone.booted().await;
    assert_eq!((phone.boot_count(), phone.get(KEPT)), (2, String::new()));
    let report = rig.power(&device, Operation::Reset, Some(&boot)).await;
    assert_eq!(report, PowerReport::OtherBoot);
    assert_eq!(wrong(&rig.run(&device, set(&[(KEPT, "a")])).await), "");
    let reached = rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("a"));
}

#[tokio::test]
async fn the_framework_restarts_in_the_same_boot_and_for_root_alone() {
    let fleet = simulated(|options| {
        options.make = Make::Android;
        options.su = true;
    })
    .await;
    let (rig, phone) = (rig(), phone(&fleet));
    let device = Device { profile: "rooted".to_owned(), ..device(phone.address()) };
    let boot = rig.reach(&device, adopt(&[(KEPT, "a")])).await.boot.unwrap();
    let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
    assert_eq!(report, PowerReport::Told);
    let back = async {
        loop {
            match rig.run(&device, set(&[(KEPT, "a")])).await {
                Report::Away(Away::Booting) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    };
    let back = tokio::time::timeout(LIMIT, back).await.unwrap();
    let Report::Reached(reached) = back else { panic!("{back:?}") };
    assert_eq!(reached.boot, Some(boot.clone()));
    phone.set_su(false);
    let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
    let PowerReport::Refused(why) = report else { panic!("{report:?}") };
    assert!(why.starts_with("Must be root") && why.contains("needs root"), "{why}");
    phone.set_su(true);
    phone.set_faults(faulty(|f| f.boot = Some(ENDLESS))).await;
    let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
    assert_eq!(report, PowerReport::Told);
    assert_eq!(rig.run(&device, set(&[(KEPT, "a")])).await, Report::Away(Away::Booting));
}

#[tokio::test]
async fn an_operators_program_gets_what_is_on_record() {
    let (rig, directory) = (rig(), tempfile::tempdir().unwrap());
    let file = directory.path().join("told $(touch ran)");
    let device = Device {
        profile: "commanded".to_owned(),
        server: file.to_str().unwrap().to_owned(),
        ..device("127.0.0.1:1".parse().unwrap())
    };
    let report = rig.power(&device, Operation::Restart, None).await;
    assert_eq!(report, PowerReport::Told);
    assert_eq!(fs::read_to_string(&file).unwrap(), "phone-1\n127.0.0.1\n1\n");
    let PowerReport::Refused(why) = rig.power(&device, Operation::Stop, None).await else {
        panic!()
    };
    assert!(why.starts_with("/no/such/program could not be started: No such file"), "{why}");
    let report = rig.power(&device, Operation::Reset, None).await;
    assert!(matches!(report, PowerReport::Away(Away::Unreachable(_))), "{report:?}");
}
