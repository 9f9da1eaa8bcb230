//! What each make of phone lets whom do.

use super::*;

async fn make(make: Make) -> Fleet {
    fleet(Options { make, ..quick() }).await
}

/// The status and standard error of a script that fails.
async fn failure(phone: &Arc<Phone>, script: &str) -> (u8, String) {
    let outcome = shell(phone, script).await.unwrap();
    (outcome.status, String::from_utf8(outcome.stderr).unwrap())
}

const BOOT: &str = "cat /proc/sys/kernel/random/boot_id; read -r s </proc/1/stat; \
                    s=${s##*) }; set -- $s; echo ${20}";

#[tokio::test]
async fn plain_android_holds_the_shell_user_back() {
    let fleet = make(Make::Android).await;
    let phone = fleet.phone(0).unwrap();
    assert_eq!(output(phone, "id -u; getprop ro.product.model").await, "2000\nPixel 6\n");
    for name in ["persist.x", "gsm.operator.alpha", "ro.new", "ro.product.model"] {
        let said =
            format!("Failed to set property '{name}' to '1'.\nSee dmesg for error reason.\n");
        assert_eq!(failure(phone, &format!("setprop {name} 1")).await, (1, said));
    }
    assert_eq!(output(phone, "setprop debug.x 1; getprop debug.x").await, "1\n");
    assert_eq!(failure(phone, "stop").await, (1, "Must be root\n".to_owned()));
    let no_su = "/system/bin/sh: su: inaccessible or not found\n".to_owned();
    assert_eq!(failure(phone, "su 0 id").await, (127, no_su));
    assert_eq!(shell(phone, "command -v su").await.unwrap().status, 127);
    let no_cph = "Can't find service: cph\n".to_owned();
    assert_eq!(failure(phone, "dumpsys cph com.cph.mainkeys").await, (0, no_cph));
    let no_wifi = "cmd: Can't find service: wifi\n".to_owned();
    assert_eq!(failure(phone, "cmd wifi status").await, (20, no_wifi));
    let script = "settings put global http_proxy a:1; cmd settings get global http_proxy; \
                  settings get secure none; wm density 240; wm density; cmd window size";
    let expect =
        "a:1\nnull\nPhysical density: 320\nOverride density: 240\nPhysical size: 720x1280\n";
    assert_eq!(output(phone, script).await, expect);
    let denied = "/system/bin/sh: can't create /data/system/x: Permission denied\n".to_owned();
    assert_eq!(failure(phone, "echo 1 >/data/system/x").await, (1, denied));
    let script = "cmd alarm set-timezone Europe/Berlin; getprop persist.sys.timezone";
    assert_eq!(output(phone, script).await, "Europe/Berlin\n");
    // What the framework keeps outlives a boot.
    assert_eq!(shell(phone, "reboot").await, None);
    phone.booted().await;
    assert_eq!(phone.boot_count(), 2);
    assert_eq!(output(phone, "settings get global http_proxy; getprop debug.x").await, "a:1\n\n");
}

#[tokio::test]
async fn a_rooted_phone_does_more_by_su_alone() {
    let fleet = fleet(Options { make: Make::Android, su: true, ..quick() }).await;
    let phone = fleet.phone(0).unwrap();
    assert_eq!(
        output(phone, "id -u; su 0 id -u; su -c 'id -u'; su root -c 'id -u'").await,
        "2000\n0\n0\n0\n"
    );
    assert_eq!(failure(phone, "setprop persist.x 1").await.0, 1);
    assert_eq!(output(phone, "su 0 setprop persist.x 'a b'; getprop persist.x").await, "a b\n");
    let nested = r#"su 0 sh -c 'v="$1"; setprop persist.x "$v"; id -u' sh "it's \$(id)"; id -u"#;
    assert_eq!(output(phone, nested).await, "0\n2000\n");
    assert_eq!(phone.get("persist.x"), "it's $(id)");
    assert_eq!(failure(phone, "su 0 setprop ro.product.model x").await.0, 1);
    let script = "su -c 'mkdir -p /data/system/f && printf %s 1 >/data/system/f/x && \
                  chmod 600 /data/system/f/x && [ -f /data/system/f/x ] && cat /data/system/f/x'; \
                  [ -f /data/system/f/x ] || echo unseen; cat /data/system/f/x";
    let outcome = shell(phone, script).await.unwrap();
    assert_eq!(String::from_utf8(outcome.stdout).unwrap(), "1unseen\n");
    assert_eq!(outcome.stderr, b"cat: /data/system/f/x: Permission denied\n");
    assert_eq!(phone.file("/data/system/f/x").as_deref(), Some(b"1".as_slice()));
    let gone = "su: failed to exec frob: No such file or directory\n".to_owned();
    assert_eq!(failure(phone, "su 0 frob").await, (1, gone));
    assert_eq!(failure(phone, "su 0 eval id").await.0, 1);
    assert_eq!(failure(phone, "su 5000 id").await.0, 1);
    let read_only = "/system/bin/sh: can't create /system/x: Read-only file system\n".to_owned();
    assert_eq!(failure(phone, "su -c 'echo 1 >/system/x'").await, (1, read_only));
    phone.set_su(false);
    assert_eq!(failure(phone, "su 0 id").await.0, 127);
}

#[tokio::test]
async fn a_redroid_container_is_gone_when_it_reboots_from_inside() {
    let fleet = make(Make::Redroid).await;
    let phone = fleet.phone(0).unwrap();
    assert_eq!(output(phone, "id -u; su 0 id -u").await, "0\n0\n");
    assert_eq!(output(phone, "setprop ro.x 1; setprop persist.x 1; setprop x 1").await, "");
    assert_eq!(failure(phone, "setprop ro.x 2").await.0, 1);
    assert_eq!(failure(phone, "setprop ro.product.model 2").await.0, 1);
    assert_eq!(failure(phone, "cmd testharness enable").await.0, 1);
    assert_eq!(phone.get("persist.x"), "1");
    for told in ["reboot", "setprop sys.powerctl reboot,adb"] {
        assert_eq!(shell(phone, told).await, None);
        phone.settle().await;
        assert_eq!(phone.power(), Power::Off);
        assert!(tokio::net::TcpStream::connect(phone.address()).await.is_err());
        // What `docker restart` does.
        phone.reboot().await;
        phone.booted().await;
        assert_eq!(output(phone, "getprop ro.x; getprop persist.x; getprop x").await, "\n1\n\n");
    }
    assert_eq!(output(phone, "setprop ro.x 2; getprop ro.x").await, "2\n");
}

#[tokio::test]
async fn a_container_is_made_anew_with_arguments() {
    let fleet = make(Make::Redroid).await;
    let phone = fleet.phone(0).unwrap();
    let ask = "getprop ro.product.model; getprop ro.serialno; getprop ro.boot.redroid_width; \
               getprop persist.a";
    output(phone, "setprop persist.a kept").await;
    let before = output(phone, ask).await;
    for wrong in ["novalue", "a..b=1", "=1"] {
        assert_eq!(phone.recreate(&["ro.product.model=X", wrong]).await, Err(wrong));
    }
    assert_eq!(phone.boot_count(), 1);
    let args = ["ro.product.model=X", "androidboot.serialno=S1", "androidboot.redroid_width=1080"];
    phone.recreate(&args).await.unwrap();
    phone.booted().await;
    assert_eq!(output(phone, ask).await, "X\nS1\n1080\nkept\n");
    assert_eq!(failure(phone, "setprop ro.product.model Y").await.0, 1);
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(output(phone, ask).await, "X\nS1\n1080\nkept\n");
    phone.recreate(&[]).await.unwrap();
    phone.booted().await;
    assert_eq!(output(phone, ask).await, before);
}

#[tokio::test]
async fn containers_of_a_server_share_its_kernel() {
    let options = Options { make: Make::Redroid, count: 4, phones_per_server: 2, ..quick() };
    let fleet = fleet(options).await;
    let mut boots = Vec::new();
    for phone in fleet.phones() {
        let text = output(phone, BOOT).await;
        let (kernel, start) = text.trim().split_once('\n').unwrap();
        boots.push((kernel.to_owned(), start.to_owned()));
    }
    assert!(boots[0].0 == boots[1].0 && boots[2].0 == boots[3].0 && boots[0].0 != boots[2].0);
    assert!(boots[0].1 != boots[1].1);
    let first = fleet.phone(0).unwrap();
    first.reboot().await;
    first.booted().await;
    assert_eq!(first.boot_id(), boots[0].0);
    assert_ne!(output(first, BOOT).await, format!("{}\n{}\n", boots[0].0, boots[0].1));

    fleet.restart_server("server-001").await;
    for phone in fleet.phones() {
        phone.booted().await;
    }
    let ids: Vec<String> = fleet.phones().iter().map(|phone| phone.boot_id()).collect();
    assert!(ids[0] == ids[1] && ids[0] != boots[0].0 && ids[2] == boots[2].0);
    let counts: Vec<u64> = fleet.phones().iter().map(|phone| phone.boot_count()).collect();
    assert_eq!(counts, [3, 2, 1, 1]);
}

#[tokio::test]
async fn a_kbox_container_reads_its_values_when_it_starts() {
    let fleet = make(Make::Kbox).await;
    let phone = fleet.phone(0).unwrap();
    let (name, old, new) = ("persist.sys.prop.writeimsi", "460110123456789", "460001111111111");
    assert_eq!(
        output(phone, &format!("setprop {name} {new}; getprop {name}")).await,
        format!("{new}\n")
    );
    assert_eq!(phone.acting(name).as_deref(), Some(old));
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(phone.acting(name).as_deref(), Some(new));
    output(phone, &format!("setprop {name} not-digits")).await;
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(
        (phone.get(name).as_str(), phone.acting(name).as_deref()),
        ("not-digits", Some(old))
    );
    assert_eq!(phone.acting("persist.other"), None);
}

#[tokio::test]
async fn the_vendors_restart_properties_act_after_a_boot() {
    let fleet = make(Make::Simulated).await;
    let phone = fleet.phone(0).unwrap();
    let names = [
        "com.cph.disable_fb_permission",
        "com.cph.mainkeys",
        "disable.status.bar",
        "ro.com.cph.non_root",
        "ro.horizontal.screen",
    ];
    let all = |value: u8| names.map(|name| format!("{name}={value}\n")).concat();
    for name in names {
        let script = format!("setprop {name} 1; getprop {name}; dumpsys cph {name}");
        assert_eq!(output(phone, &script).await, "1\n0\n");
    }
    assert_eq!(output(phone, "dumpsys cph").await, all(0));
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(output(phone, "dumpsys cph; getprop com.cph.mainkeys").await, all(1) + "1\n");
    phone.factory_reset().await;
    phone.booted().await;
    assert_eq!(output(phone, "dumpsys cph; getprop com.cph.mainkeys").await, all(0) + "0\n");
}

#[tokio::test]
async fn the_framework_restarts_alone() {
    let fleet = make(Make::Redroid).await;
    let phone = fleet.phone(0).unwrap();
    let before = output(phone, BOOT).await;
    output(phone, "setprop x 1").await;
    assert_eq!(output(phone, "stop; getprop sys.boot_completed").await, "0\n");
    let down = "cmd: Can't find service: settings\n".to_owned();
    assert_eq!(failure(phone, "settings get global a").await, (20, down));
    assert_eq!(fleet.load("server-001").unwrap().restarts, 1);
    output(phone, "start; start").await;
    while output(phone, "getprop sys.boot_completed").await != "1\n" {
        tokio::task::yield_now().await;
    }
    assert_eq!(output(phone, BOOT).await, before);
    assert_eq!(output(phone, "getprop x").await, "1\n");
    assert_eq!(phone.boot_count(), 1);
    let load = fleet.load("server-001").unwrap();
    assert_eq!((load.restarts, load.restarts_max), (0, 1));
}

#[tokio::test]
async fn a_test_harness_wipes_the_data() {
    let fleet = make(Make::Android).await;
    let phone = fleet.phone(0).unwrap();
    phone.set("persist.fleetwright.id", "x");
    output(phone, "settings put global a b; wm size 300x300; echo 1 >/data/local/tmp/f").await;
    assert_eq!(shell(phone, "cmd testharness enable").await, None);
    phone.booted().await;
    let script = "getprop persist.fleetwright.id; settings get global a; wm size; \
                  [ -e /data/local/tmp/f ] || echo gone";
    assert_eq!(output(phone, script).await, "\nnull\nPhysical size: 720x1280\ngone\n");
    assert_eq!(phone.boot_count(), 2);
}
