//! Restarts, resets, stops and looks, over a link that can fail.

use fleet::BootIdentity;

use super::*;

impl Bench {
    /// The boot that the phone is in.
    async fn boot(&self) -> BootIdentity {
        match self.phones.run(&device(), Action::default()).await {
            Report::Reached(reached) => reached.boot.unwrap(),
            Report::Away(away) => panic!("{away}"),
        }
    }

    /// Switches a device of this profile, which was last seen in `boot`.
    async fn switch(
        &self,
        profile: &str,
        operation: Operation,
        boot: Option<&BootIdentity>,
    ) -> PowerReport {
        let device = Device { profile: profile.to_owned(), ..device() };
        let target = boot.map_or(Target::Stopped, |boot| Target::Answers(Some(boot)));
        self.phones.power(&device, operation, target).await
    }

    fn told(&self) -> Option<String> {
        self.fake.phone.lock().unwrap().as_ref().unwrap().file("told")
    }

    fn reboots(&self) -> usize {
        self.fake.reboots.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_phone_is_rebooted_over_a_new_connection_if_it_is_the_one() {
    let bench = bench();
    let boot = bench.boot().await;
    let restart = async |boot| bench.switch("adb", Operation::Restart, Some(boot)).await;
    assert_eq!(restart(&boot).await, PowerReport::Told);
    assert_eq!((bench.reboots(), bench.connects()), (1, 2));
    bench.until_open(0).await;

    let other = BootIdentity { init_start: "1".to_owned(), ..boot.clone() };
    assert_eq!(restart(&other).await, PowerReport::OtherBoot);
    let unknown = bench.switch("adb", Operation::Restart, None).await;
    assert!(matches!(unknown, PowerReport::Away(Away::Unreachable(_))), "{unknown:?}");
    bench.fake.phone.lock().unwrap().as_ref().unwrap().set(MARKER_PROPERTY, "foreign");
    let wrong = Away::WrongDevice { marker: "foreign".to_owned(), boot: Some(boot.clone()) };
    assert_eq!(restart(&boot).await, PowerReport::Away(wrong));
    bench.fake.phone.lock().unwrap().as_ref().unwrap().set(MARKER_PROPERTY, MARKER);
    bench.fake.lose.store(1, Ordering::SeqCst);
    let lost = restart(&boot).await;
    assert!(matches!(lost, PowerReport::Away(Away::Unreachable(_))), "{lost:?}");
    assert_eq!(bench.reboots(), 1, "told once");

    let refuse = |how: Refuse| *bench.fake.refuse_reboot.lock().unwrap() = Some(how);
    refuse(|| Ok("reboot failed".to_owned()));
    assert_eq!(restart(&boot).await, PowerReport::Refused("reboot failed".to_owned()));
    refuse(|| Err(LinkError::Refused("no such service".to_owned())));
    assert_eq!(restart(&boot).await, PowerReport::Refused("no such service".to_owned()));
    refuse(|| Err(LinkError::Lost("gone".to_owned())));
    assert!(matches!(restart(&boot).await, PowerReport::Away(Away::Unreachable(_))));
    bench.until_open(0).await;
}

#[tokio::test]
async fn who_is_cut_off_while_wiping_was_told() {
    let bench = bench();
    let boot = bench.boot().await;
    let reset = bench.switch("adb", Operation::Reset, Some(&boot)).await;
    assert_eq!(reset, PowerReport::Told);
    assert_eq!(bench.told().as_deref(), Some("testharness enable\n"));
    bench.fake.lose.store(1, Ordering::SeqCst);
    let reset = bench.switch("adb", Operation::Reset, Some(&boot)).await;
    assert_eq!(reset, PowerReport::Told);
    bench.fake.lose.store(1, Ordering::SeqCst);
    let restart = bench.switch("framework", Operation::Restart, Some(&boot)).await;
    assert!(matches!(restart, PowerReport::Away(Away::Unreachable(_))), "{restart:?}");
}

#[tokio::test]
async fn a_command_of_the_operators_needs_no_phone() {
    let bench = bench();
    *bench.fake.refuse.lock().unwrap() = Some(|| LinkError::TimedOut(Duration::ZERO));
    let switch = async |operation| bench.switch("container", operation, None).await;
    assert_eq!(switch(Operation::Restart).await, PowerReport::Told);
    let refused = "false ended with status 1".to_owned();
    assert_eq!(switch(Operation::Reset).await, PowerReport::Refused(refused));
    let PowerReport::Refused(why) = switch(Operation::Stop).await else { panic!() };
    assert_eq!(why, "sh ended with status 3: stop box-1");
    assert_eq!(bench.connects(), 0);

    let nameless = Device { container: String::new(), profile: "container".to_owned(), ..device() };
    let report = bench.phones.power(&nameless, Operation::Stop, Target::Away).await;
    let PowerReport::Unsupported(why) = report else { panic!("{report:?}") };
    assert!(why.contains("{container}"), "{why}");
    let unknown = bench.switch("none such", Operation::Stop, None).await;
    assert_eq!(unknown, PowerReport::Unsupported("there is no profile \"none such\"".to_owned()));
}

#[tokio::test]
async fn a_look_leaves_the_kept_connection_alone() {
    let bench = bench();
    let boot = bench.boot().await;
    let seen = bench.phones.examine(&device()).await;
    assert_eq!((seen.away, seen.marker.as_deref()), (None, Some(MARKER)));
    assert_eq!(seen.boot, Some(boot));
    assert!(seen.clock_seconds.is_some());
    assert_eq!(bench.connects(), 2);
    bench.until_open(1).await;
    assert_eq!(shown(&bench.run(&device(), "1").await), Some("1"));
    assert_eq!(bench.connects(), 2, "the one that was kept");

    let foreign = Device { marker: "another".to_owned(), ..device() };
    let seen = bench.phones.examine(&foreign).await;
    assert_eq!((seen.away, seen.marker.as_deref()), (None, Some(MARKER)));
    *bench.fake.refuse.lock().unwrap() = Some(|| LinkError::Unauthorised("who".to_owned()));
    let seen = bench.phones.examine(&device()).await;
    assert_eq!(seen.away, Some(Away::Unauthorised("who".to_owned())));
    assert_eq!(seen.marker, None);
}

#[tokio::test]
async fn the_catalogue_in_force_counts() {
    let bench = bench();
    assert_eq!(shown(&bench.run(&device(), "1").await), Some("1"));
    bench.phones.catalogue.replace(fleet::Catalogue::load(&[], &[]).unwrap());
    let Report::Reached(reached) = bench.run(&device(), "2").await else { panic!() };
    assert!(reached.faults.contains_key(NAME));
}
