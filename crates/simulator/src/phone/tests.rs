//! A phone's boots, faults and records, driven through its shell without the wire.

mod makes;
mod outside;
mod told;

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use super::*;
use crate::phone::session::Session;
use crate::phones::{Fleet, Options};
use crate::shell::{Chunk, Outcome, Stdin};

async fn fleet(options: Options) -> Fleet {
    Fleet::start(options).await.unwrap()
}

/// A boot that no test waits for the end of.
const ENDLESS: Duration = Duration::from_secs(3_600);

fn quick() -> Options {
    Options { boot: Duration::from_millis(40), ..Options::default() }
}

/// Runs a script as a client would; none when the phone killed it.
async fn shell(phone: &Arc<Phone>, script: &str) -> Option<Outcome> {
    let (sender, mut receiver) = mpsc::channel(4);
    let end = CancellationToken::new();
    let session = Arc::new(Session::new(Arc::clone(phone), script.as_bytes(), end.clone()));
    let boot = phone.lock().session.clone();
    let run = async {
        let stdin = Arc::new(Stdin::closed(Vec::new()));
        let collect = async {
            let mut outcome = Outcome::default();
            while let Some(chunk) = receiver.recv().await {
                match chunk {
                    Chunk::Stdout(bytes) => outcome.stdout.extend(bytes),
                    Chunk::Stderr(bytes) => outcome.stderr.extend(bytes),
                    Chunk::Exit(status) => outcome.status = status,
                }
            }
            outcome
        };
        let run = crate::shell::run(session, script.as_bytes(), stdin, sender);
        tokio::join!(run, collect).1
    };
    tokio::select! {
        outcome = run => Some(outcome),
        () = end.cancelled() => None,
        () = boot.cancelled() => None,
    }
}

async fn output(phone: &Arc<Phone>, script: &str) -> String {
    let outcome = shell(phone, script).await.unwrap();
    assert_eq!(outcome.stderr, b"", "{script}");
    String::from_utf8(outcome.stdout).unwrap()
}

#[tokio::test]
async fn android_commands_answer() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    assert_eq!(output(phone, "getprop sys.boot_completed; getprop none dflt").await, "1\ndflt\n");
    assert_eq!(output(phone, "id -u; whoami").await, "2000\nshell\n");
    assert_eq!(output(phone, "settings put system a 'b c'; settings get system a").await, "b c\n");
    assert!(output(phone, "getprop").await.contains("[com.cph.mainkeys]: [0]\n"));
    assert!(output(phone, "date +%s").await.trim().parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(
        output(phone, "command -v setprop; cd_=1; command -v nothing").await,
        "/system/bin/setprop\n"
    );
    let id = output(phone, "cat /proc/sys/kernel/random/boot_id").await;
    assert_eq!(id, format!("{}\n", phone.boot_id()));
    assert_eq!(id.len(), 37);
    assert_eq!(id.as_bytes()[14], b'4');
    // The start time of pid 1, as a driver takes it: behind the name, field 22.
    let script = "read -r s </proc/1/stat; s=${s##*) }; set -- $s; echo ${20}";
    assert_eq!(output(phone, script).await, "2\n");
    let refused = shell(phone, "setprop ro.build.type x").await.unwrap();
    assert_eq!(refused.status, 1);
    let text = "Failed to set property 'ro.build.type' to 'x'.\nSee dmesg for error reason.\n";
    assert_eq!(String::from_utf8(refused.stderr).unwrap(), text);
    assert_eq!(shell(phone, "cmd wifi status").await.unwrap().status, 20);
    assert_eq!(shell(phone, "su -c id").await.unwrap().status, 127);
}

#[tokio::test]
async fn effects_and_applications_are_counted() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    output(phone, "setprop a.b 1; setprop a.c 2; setprop a.b 1").await;
    output(phone, "setprop a.b 1; getprop a.b").await;
    output(phone, "setprop a.b 2; settings put secure k v").await;
    let effects = phone.effects();
    assert_eq!((effects.set["a.b"], effects.changed["a.b"]), (4, 2));
    assert_eq!((effects.set["a.c"], effects.set["settings:secure/k"]), (1, 1));
    assert_eq!(phone.applications(), 2);
    phone.set("a.b", "3");
    assert_eq!(phone.effects(), effects);
    assert_eq!(phone.setting("secure", "k").as_deref(), Some("v"));
}

#[tokio::test]
async fn a_reboot_wipes_kills_and_comes_back() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    output(phone, "setprop a.b 1; setprop persist.a 1; echo kept >/data/local/tmp/f").await;
    let before = phone.boot_id();
    let script = "setprop c.d 1; sleep 30; setprop c.d 2";
    let (killed, ()) = tokio::join!(shell(phone, script), async {
        while phone.get("c.d") != "1" {
            tokio::task::yield_now().await;
        }
        phone.set_faults(Faults { boot: Some(ENDLESS), ..Faults::default() }).await;
        phone.reboot().await;
        assert!(tokio::net::TcpStream::connect(phone.address()).await.is_err());
    });
    assert_eq!(killed, None);
    assert_eq!((phone.get("a.b"), phone.get("c.d")), (String::new(), String::new()));
    assert_eq!(phone.get(crate::property::BOOT_COMPLETED), "");
    assert_eq!(phone.boot_count(), 2);
    phone.set_faults(Faults::default()).await;
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(phone.get(crate::property::BOOT_COMPLETED), "1");
    assert_eq!(output(phone, "getprop persist.a; cat /data/local/tmp/f").await, "1\nkept\n");
    assert_eq!(phone.boot_count(), 3);
    assert_ne!(phone.boot_id(), before);
    assert!(tokio::net::TcpStream::connect(phone.address()).await.is_ok());
}

#[tokio::test]
async fn a_container_keeps_its_kernel() {
    let fleet = fleet(Options { container: true, boot: Duration::ZERO, ..quick() }).await;
    let phone = fleet.phone(0).unwrap();
    let start = async || output(phone, "read -r a </proc/1/stat; set -- $a; echo ${22}").await;
    let (id, first) = (phone.boot_id(), start().await);
    phone.reboot().await;
    phone.booted().await;
    let second = start().await;
    phone.reboot().await;
    phone.booted().await;
    assert_eq!(phone.boot_id(), id);
    assert_ne!(first, second);
    assert_ne!(second, start().await);
}

#[tokio::test]
async fn power_and_refusal_close_the_port() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    let connects = async || tokio::net::TcpStream::connect(phone.address()).await.is_ok();
    assert!(connects().await);
    phone.power_off().await;
    assert!(!connects().await);
    assert_eq!(phone.power(), Power::Off);
    // The address is still ours.
    assert!(std::net::TcpListener::bind(phone.address()).is_err() || !connects().await);
    phone.power_on().await;
    phone.booted().await;
    assert!(connects().await);
    phone.set_faults(Faults { refuse: true, ..Faults::default() }).await;
    assert!(!connects().await);
    phone.set_faults(Faults::default()).await;
    assert!(connects().await);
}

#[tokio::test]
async fn faults_strike_as_told() {
    let fleet = fleet(quick()).await;
    let phone = fleet.phone(0).unwrap();
    let names = |name: &str| BTreeSet::from([name.to_owned()]);
    phone
        .set_faults(Faults {
            refuse_set: names("a.refused"),
            ignore_set: names("a.ignored"),
            ..Faults::default()
        })
        .await;
    let script =
        "setprop a.refused 1 2>/dev/null; echo $?; setprop a.ignored 1; echo $?; getprop a.ignored";
    assert_eq!(output(phone, script).await, "1\n0\n\n");
    assert_eq!(phone.applications(), 0);

    let once = Some(1);
    phone.set_faults(Faults { drop_mid_script: Some(2), times: once, ..Faults::default() }).await;
    let script = "setprop a.x 1; setprop a.y 1; setprop a.z 1";
    assert_eq!(shell(phone, script).await, None);
    assert_eq!((phone.get("a.y"), phone.get("a.z")), ("1".into(), String::new()));
    assert!(shell(phone, script).await.is_some());

    let overwrite = BTreeMap::from([("persist.a".to_owned(), "other".to_owned())]);
    let mid = Faults { reboot_mid_script: Some(1), times: once, ..Faults::default() };
    phone.set_faults(Faults { overwrite_at_boot: overwrite, ..mid }).await;
    assert_eq!(shell(phone, "setprop persist.a 1; setprop persist.b 1").await, None);
    phone.booted().await;
    assert_eq!((phone.get("persist.a"), phone.get("persist.b")), ("other".into(), String::new()));
    assert_eq!(phone.boot_count(), 2);

    phone.set_faults(Faults { never_back: true, ..Faults::default() }).await;
    phone.reboot().await;
    assert_eq!(phone.power(), Power::Off);
    assert!(tokio::net::TcpStream::connect(phone.address()).await.is_err());
}
