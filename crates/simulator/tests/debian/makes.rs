//! Each make of phone as Debian's `adb` finds it.

use std::time::Duration;

use simulator::control::{self, ControlAddress};
use simulator::phones::{Auth, Done, Fleet, Make, Options, Power};
use tokio::time::timeout;

use crate::client::{Adb, Answer, CALL_MAX};

/// A fleet of one phone of this make, with a change to its options.
async fn phone_of(make: Make, change: impl FnOnce(&mut Options)) -> Fleet {
    let boot = Duration::from_millis(200);
    let mut options = Options { make, boot, ..Options::default() };
    change(&mut options);
    Fleet::start(options).await.unwrap()
}

fn said(text: &str) -> Answer {
    (0, text.to_owned(), String::new())
}

/// Waits until the phone is in that state of power.
async fn power(fleet: &Fleet, power: Power) {
    let wait = async {
        while fleet.phone(0).unwrap().power() != power {
            tokio::task::yield_now().await;
        }
    };
    timeout(CALL_MAX, wait).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_make_says_what_it_is() {
    let adb = Adb::new();
    for make in Make::ALL {
        let fleet = phone_of(make, |_| {}).await;
        let address = fleet.phone(0).unwrap().address();
        adb.connected(address).await;
        let user = if make.has_root_shell() { "0\n" } else { "2000\n" };
        assert_eq!(adb.shell(address, "id -u").await, said(user));
        for fact in [
            "ro.product.model",
            "ro.product.brand",
            "ro.build.version.release",
            "ro.build.display.id",
            "ro.build.fingerprint",
        ] {
            let shown = adb.shell(address, &format!("getprop {fact}")).await.1;
            assert!(shown.len() > 1, "{make} {fact}");
        }
        let line: serde_json::Value = serde_json::from_str(fleet.emit().trim()).unwrap();
        assert_eq!(line["profile"], make.name());
        let script = "settings put secure android_id 0123456789abcdef; \
                      settings get secure android_id; wm size 600x1000; wm size; wm size reset; \
                      wm density 240; wm density; wm density reset; wm density";
        let expect = "0123456789abcdef\nPhysical size: 720x1280\nOverride size: 600x1000\n\
                      Physical density: 320\nOverride density: 240\nPhysical density: 320\n";
        assert_eq!(adb.shell(address, script).await, said(expect));
        let missing = adb.shell(address, "cmd wifi").await;
        assert_eq!(missing, (20, String::new(), "cmd: Can't find service: wifi\n".to_owned()));
        let clock = adb.shell(address, "date +%s").await.1;
        assert!(clock.trim().parse::<u64>().unwrap() > 1_700_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shops_android_is_wiped_by_its_test_harness_and_still_knows_the_key() {
    let adb = Adb::new();
    let auth = Auth::Keys(vec![adb.public_key().await]);
    let fleet = phone_of(Make::Android, |options| {
        options.auth = auth;
        options.su = true;
    })
    .await;
    let (phone, address) = (fleet.phone(0).unwrap(), fleet.phone(0).unwrap().address());
    adb.connected(address).await;
    let refused = "Failed to set property 'persist.a' to '1'.\nSee dmesg for error reason.\n";
    let refused = (1, String::new(), refused.to_owned());
    assert_eq!(adb.shell(address, "setprop persist.a 1").await, refused);
    let value = r#"a'b"c$(id)`id`;&|<>*?[x]\n #!~{}"#;
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let script = format!("su 0 setprop persist.a {}; getprop persist.a", quote(value));
    assert_eq!(adb.shell(address, &script).await, said(&format!("{value}\n")));
    let script = format!("setprop persist.b {}; getprop persist.b; id -u", quote(value));
    let script = format!("su -c {}", quote(&script));
    assert_eq!(adb.shell(address, &script).await, said(&format!("{value}\n0\n")));

    adb.shell(address, "cmd testharness enable").await;
    timeout(CALL_MAX, phone.booted()).await.unwrap();
    assert_eq!(phone.boot_count(), 2);
    adb.reconnected(address).await;
    assert_eq!(adb.shell(address, "getprop persist.a; getprop persist.b").await, said("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_told_to_reboot_comes_back_by_an_operator_alone() {
    let adb = Adb::new();
    for make in [Make::Redroid, Make::Kbox] {
        let fleet = phone_of(make, |options| options.log_bytes = 8192).await;
        let (phone, address) = (fleet.phone(0).unwrap(), fleet.phone(0).unwrap().address());
        adb.connected(address).await;
        let script = "setprop ro.once 1; setprop ro.once 2; getprop ro.once; setprop persist.a 1";
        assert_eq!(adb.shell(address, script).await.1, "1\n");
        let boot = "cat /proc/sys/kernel/random/boot_id";
        let kernel = adb.shell(address, boot).await;

        assert_eq!(adb.call(&["-s", &address.to_string(), "reboot"]).await.0, 0);
        power(&fleet, Power::Off).await;
        let told = phone.log().pop().unwrap();
        assert_eq!((told.script, told.done), (None, vec![Done::Restarted("reboot")]));
        assert!(adb.connect(address).await.contains("failed to connect"));

        let any: ControlAddress = "127.0.0.1:0".parse().unwrap();
        let operator = fleet.control(&any).await.unwrap();
        control::ask(operator.address(), &["restart", phone.id()]).await.unwrap();
        power(&fleet, Power::Up).await;
        adb.reconnected(address).await;
        assert_eq!(adb.shell(address, boot).await, kernel);
        let script = "getprop ro.once; getprop persist.a; getprop sys.boot_completed";
        assert_eq!(adb.shell(address, script).await, said("\n1\n1\n"));

        // The framework alone restarts under a connection that stays.
        assert_eq!(adb.shell(address, "stop; getprop sys.boot_completed").await, said("0\n"));
        let script = "start; while [ \"$(getprop sys.boot_completed)\" != 1 ]; do sleep 0.01; done";
        assert_eq!(adb.shell(address, script).await, said(""));
        assert_eq!(phone.boot_count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_phone_shows_a_restart_property_act_after_its_reboot() {
    let adb = Adb::new();
    let fleet = phone_of(Make::Simulated, |_| {}).await;
    let (phone, address) = (fleet.phone(0).unwrap(), fleet.phone(0).unwrap().address());
    adb.connected(address).await;
    let ask = "getprop com.cph.mainkeys; dumpsys cph com.cph.mainkeys";
    adb.shell(address, "setprop com.cph.mainkeys 1").await;
    assert_eq!(adb.shell(address, ask).await, said("1\n0\n"));
    assert_eq!(adb.call(&["-s", &address.to_string(), "reboot"]).await.0, 0);
    let booted = async {
        while phone.boot_count() < 2 || phone.power() != Power::Up {
            tokio::task::yield_now().await;
        }
    };
    timeout(CALL_MAX, booted).await.unwrap();
    adb.reconnected(address).await;
    assert_eq!(adb.shell(address, ask).await, said("1\n1\n"));
    assert_eq!(fleet.total_load().restarts_max, 1);
}
