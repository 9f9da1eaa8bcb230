//! What is done to phones from outside, what goes wrong with them, and what they record.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::control::{self, Control, ControlAddress, ControlError};
use crate::phones::MoveError;

/// A greeting as adb sends it.
fn hello() -> Vec<u8> {
    let words =
        [u32::from_le_bytes(*b"CNXN"), 0x0100_0001, 4096, 6, 0, !u32::from_le_bytes(*b"CNXN")];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(b"host::");
    bytes
}

/// Connects and greets.
async fn greeted(phone: &Phone) -> TcpStream {
    let mut socket = TcpStream::connect(phone.address()).await.unwrap();
    socket.write_all(&hello()).await.unwrap();
    socket
}

/// Longer than a phone takes for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a phone first answers: its banner's beginning, or nothing where it hangs up.
async fn answer(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let read = timeout(PATIENCE, socket.read(&mut bytes)).await.expect("an answer");
    bytes.truncate(read.unwrap_or(0));
    bytes
}

/// Whether a phone answers nothing for a while.
async fn is_silent(socket: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(500), socket.read(&mut [0; 4])).await.is_err()
}

async fn faulty(phone: &Phone, change: impl FnOnce(&mut Faults)) {
    let mut faults = Faults::default();
    change(&mut faults);
    phone.set_faults(faults).await;
}

#[tokio::test]
async fn a_dead_daemon_behind_a_proxy_accepts_and_says_nothing() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    assert_eq!(answer(&mut greeted(phone).await).await, b"CNXN");
    faulty(phone, |faults| faults.silent = true).await;
    assert!(is_silent(&mut greeted(phone).await).await);
    faulty(phone, |faults| faults.hang_up = true).await;
    let mut socket = TcpStream::connect(phone.address()).await.unwrap();
    assert_eq!(answer(&mut socket).await, b"");
    faulty(phone, |_| {}).await;
    phone.freeze();
    let mut frozen = greeted(phone).await;
    assert!(is_silent(&mut frozen).await);
    phone.thaw();
    assert_eq!(answer(&mut frozen).await, b"CNXN");
    phone.drop_connections();
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, frozen.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection stays");
    assert_eq!(phone.boot_count(), 1);
}

#[tokio::test]
async fn values_are_refused_altered_and_wiped_wherever_they_are() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    let (setting, file) = ("settings:secure/android_id", "file:/data/local/tmp/f");
    for name in [setting, file, "wm:density", "a.b"] {
        faulty(phone, |faults| faults.refuse_set = [name.to_owned()].into()).await;
        let script = format!("{}; echo $?", set(name, "240"));
        let status = shell(phone, &script).await.unwrap().stdout;
        assert_ne!(status, b"0\n", "{name}");
        faulty(phone, |faults| faults.ignore_set = [name.to_owned()].into()).await;
        assert_eq!(output(phone, &script).await, "0\n", "{name}");
        assert_eq!(phone.effects().set.get(name), None);
        faulty(phone, |faults| {
            faults.store_instead = [(name.to_owned(), "480".to_owned())].into();
        })
        .await;
        assert_eq!(output(phone, &script).await, "0\n", "{name}");
        assert_eq!(phone.effects().recent.last().unwrap().value, "480", "{name}");
    }
    assert_eq!(phone.setting("secure", "android_id").as_deref(), Some("480"));
    assert_eq!(phone.file("/data/local/tmp/f").as_deref(), Some(b"480".as_slice()));
    assert_eq!(output(phone, "wm density; getprop a.b").await.lines().last(), Some("480"));

    phone.set("persist.a", "1");
    faulty(phone, |faults| {
        faults.wipe_at_boot = [setting, "persist.a"].map(str::to_owned).into();
        faults.clock_ahead = -100_000;
        faults.boot = Some(ENDLESS);
    })
    .await;
    let now = crate::android::epoch_seconds();
    let shown: u64 = output(phone, "date +%s").await.trim().parse().unwrap();
    assert!((99_990..100_010).contains(&(now - shown)), "{shown}");
    phone.reboot().await;
    assert_eq!(phone.power(), Power::Down);
    assert_eq!((phone.get("persist.a"), phone.setting("secure", "android_id")), ("".into(), None));
}

/// A command that sets a value by its name in the records.
fn set(name: &str, value: &str) -> String {
    match name.split_once(':') {
        Some(("settings", _)) => format!("settings put secure android_id {value}"),
        Some(("wm", _)) => format!("wm density {value}"),
        Some((_, path)) => format!("printf %s {value} >{path}"),
        None => format!("setprop {name} {value}"),
    }
}

#[tokio::test]
async fn a_file_that_is_written_again_has_not_changed() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    for (script, applications) in [
        ("printf %s 1 >/data/local/tmp/f", 1),
        ("printf %s 1 >/data/local/tmp/f", 1),
        ("printf %s 2 >/data/local/tmp/f", 2),
        ("printf %s 3 >>/data/local/tmp/f", 3),
        ("cat /data/local/tmp/f", 3),
        ("rm /data/local/tmp/f", 4),
    ] {
        output(phone, script).await;
        assert_eq!(phone.applications(), applications, "{script}");
    }
    assert_eq!(phone.effects().set["file:/data/local/tmp/f"], 5);
}

#[tokio::test]
async fn phones_swap_addresses_and_copy_data() {
    let fleet = fleet(Options { count: 3, ..quick() }).await;
    let [a, b, c] = [0, 1, 2].map(|index| fleet.phone(index).unwrap());
    let (first, second) = (a.address(), b.address());
    fleet.swap(a, second).await.unwrap();
    assert_eq!((a.address(), b.address()), (second, first));
    for phone in fleet.phones() {
        assert_eq!(answer(&mut greeted(phone).await).await, b"CNXN");
    }
    b.power_off().await;
    assert!(TcpStream::connect(first).await.is_err());
    assert!(TcpStream::connect(second).await.is_ok());
    fleet.swap(a, second).await.unwrap();
    fleet.swap(b, second).await.unwrap();
    assert!(TcpStream::connect(second).await.is_err());
    assert!(TcpStream::connect(first).await.is_ok());
    // An address that no phone has, and one that somebody else has.
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = probe.local_addr().unwrap();
    assert!(matches!(fleet.swap(c, taken).await, Err(MoveError::Listen { .. })));
    drop(probe);
    let left = c.address();
    fleet.swap(c, taken).await.unwrap();
    assert!(TcpStream::connect(taken).await.is_ok());
    assert!(TcpStream::connect(left).await.is_err());

    output(
        a,
        "setprop persist.fleetwright.id m; settings put global k v; echo 1 >/data/local/tmp/f",
    )
    .await;
    output(c, "setprop persist.own 1; setprop x 1").await;
    c.copy_data(a);
    let script = "getprop persist.fleetwright.id; settings get global k; cat /data/local/tmp/f; \
                  getprop persist.own; getprop x";
    assert_eq!(output(c, script).await, "m\nv\n1\n\n1\n");
    assert_ne!(c.boot_id(), a.boot_id());
}

#[tokio::test]
async fn what_goes_on_at_a_time_is_counted_by_server() {
    let fleet = fleet(Options { count: 6, phones_per_server: 3, ..quick() }).await;
    let sleeping = fleet.phones().iter().take(4).map(|phone| shell(phone, "sleep 0.2"));
    futures_util::future::join_all(sleeping).await;
    let load = |server: &str| fleet.load(server).unwrap();
    assert_eq!(load("server-001"), Load { commands_max: 3, ..Load::default() });
    assert_eq!(load("server-002"), Load { commands_max: 1, ..Load::default() });
    assert_eq!(fleet.total_load().commands_max, 4);
    assert_eq!(fleet.load("server-003"), None);
    fleet.reset_peaks();

    for phone in fleet.phones() {
        faulty(phone, |faults| faults.boot = Some(ENDLESS)).await;
    }
    for phone in fleet.phones().iter().take(2) {
        assert_eq!(shell(phone, "reboot").await, None);
    }
    fleet.phone(2).unwrap().reboot().await;
    let now = load("server-001");
    assert_eq!((now.restarts, now.boots), (2, 3));
    // A boot that begins again is still that boot.
    for phone in fleet.phones().iter().take(3) {
        faulty(phone, |_| {}).await;
        phone.reboot().await;
        phone.booted().await;
    }
    let expect = Load { commands_max: 1, restarts_max: 2, boots_max: 3, ..Load::default() };
    assert_eq!(load("server-001"), expect);
    // One that never comes back counts no longer.
    let lost = fleet.phone(3).unwrap();
    faulty(lost, |faults| faults.never_back = true).await;
    assert_eq!(shell(lost, "reboot").await, None);
    assert_eq!(load("server-002").restarts, 0);
    let shown: Vec<&str> = fleet.loads().map(|(name, _)| name).collect();
    assert_eq!(shown, ["server-001", "server-002"]);
}

#[tokio::test]
async fn an_operators_command_controls_phones() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = fleet(Options { make: Make::Redroid, count: 2, ..quick() }).await;
    let (phone, other) = (fleet.phone(0).unwrap(), fleet.phone(1).unwrap());
    let socket = folder.path().join("control").display().to_string();
    let mut controls: Vec<Control> = Vec::new();
    for address in ["127.0.0.1:0", &socket] {
        controls.push(fleet.control(&address.parse().unwrap()).await.unwrap());
    }
    for control in &controls {
        let at = control.address();
        control::ask(at, &["stop", phone.id()]).await.unwrap();
        assert_eq!(phone.power(), Power::Off);
        control::ask(at, &["stop", phone.id()]).await.unwrap();
        control::ask(at, &["start", phone.name()]).await.unwrap();
        phone.booted().await;
        let boots = phone.boot_count();
        control::ask(at, &["start", phone.id()]).await.unwrap();
        assert_eq!(phone.boot_count(), boots);
        phone.set("persist.a", "1");
        control::ask(at, &["restart", phone.id()]).await.unwrap();
        phone.booted().await;
        assert_eq!((phone.boot_count(), phone.get("persist.a")), (boots + 1, "1".to_owned()));
        control::ask(at, &["factory-reset", phone.id()]).await.unwrap();
        phone.booted().await;
        assert_eq!((phone.boot_count(), phone.get("persist.a")), (boots + 2, String::new()));
        control::ask(at, &["recreate", phone.id(), "ro.product.model=X"]).await.unwrap();
        phone.booted().await;
        assert_eq!(phone.get("ro.product.model"), "X");
        let (own, its) = (phone.address(), other.address());
        control::ask(at, &["swap", phone.id(), &its.to_string()]).await.unwrap();
        assert_eq!((phone.address(), other.address()), (its, own));
        control::ask(at, &["freeze", phone.id()]).await.unwrap();
        control::ask(at, &["thaw", phone.id()]).await.unwrap();
        for bad in [
            &["restart", "nobody"][..],
            &["explode", phone.id()],
            &["restart"],
            &["swap", phone.id(), "here"],
            &["restart", phone.id(), "now"],
            &["recreate", phone.id(), "novalue"],
        ] {
            let refused = control::ask(at, bad).await;
            assert!(matches!(refused, Err(ControlError::Refused(_))), "{bad:?}: {refused:?}");
        }
        let long = control::ask(at, &["restart", &"x".repeat(5000)]).await;
        assert!(matches!(long, Err(ControlError::Connect { .. })), "{long:?}");
    }
    assert_eq!(fleet.load("server-001").unwrap().restarts_max, 1);
    assert!(matches!("0.0.0.0:1".parse::<ControlAddress>(), Err(ControlError::Address(_))));
    let addresses: Vec<ControlAddress> = controls.iter().map(|c| c.address().clone()).collect();
    drop(controls);
    fleet.stop().await;
    for address in addresses {
        let gone = control::ask(&address, &["stop", "x"]).await;
        assert!(matches!(gone, Err(ControlError::Connect { .. })), "{gone:?}");
    }
    assert!(!std::path::Path::new(&socket).exists());
}
