//! Debian's `adb` against simulated phones, over real sockets.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use simulator::phones::{Auth, Faults, Fleet, Options, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Adb, CALL_MAX};

fn quick() -> Options {
    Options { boot: Duration::from_millis(200), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn adb_runs_shell_commands() {
    let fleet = Fleet::start(quick()).await.unwrap();
    let (phone, adb) = (fleet.phone(0).unwrap(), Adb::new());
    let address = phone.address();
    assert!(adb.connect(address).await.contains("connected to"));
    adb.connected(address).await;
    let serial = address.to_string();

    let script = "echo out; echo err >&2; exit 7";
    let expect = (7, "out\n".to_owned(), "err\n".to_owned());
    assert_eq!(adb.shell(address, script).await, expect);
    let closed = adb.call(&["-s", &serial, "shell", "-n", script]).await;
    assert_eq!(closed, expect);
    // Merged: a terminal, or the legacy service without exit codes.
    let merged = adb.call(&["-s", &serial, "shell", "-tt", script]).await;
    assert_eq!((merged.0, merged.1.as_str()), (7, "out\nerr\n"));
    let legacy = adb.call(&["-s", &serial, "shell", "-x", script]).await;
    assert_eq!((legacy.0, legacy.1.as_str()), (0, "out\nerr\n"));
    let raw = adb.call(&["-s", &serial, "exec-out", r"printf 'a\0011b'"]).await;
    assert_eq!(raw.1, "a\u{1}1b");

    let echoed = adb.call_with(&["-s", &serial, "shell", "cat"], b"line\nno end").await;
    assert_eq!(echoed, (0, "line\nno end".to_owned(), String::new()));
    let large = vec![b'x'; 300_000];
    let counted = adb
        .call_with(
            &["-s", &serial, "shell", "n=0; while read -r l; do n=$((n+1)); done; echo $n"],
            b"1\n2\n3\n",
        )
        .await;
    assert_eq!(counted.1, "3\n");
    let through = adb.call_with(&["-s", &serial, "shell", "cat"], &large).await;
    assert_eq!(through.1.len(), large.len());
    let unread = adb.call_with(&["-s", &serial, "shell", "echo done"], &large).await;
    assert_eq!((unread.0, unread.1.as_str()), (0, "done\n"));

    let value = r#"a'b"c$(id)`id`;&|<>*?[x]\n #!~{}"#;
    let quoted = value.replace('\'', r"'\''");
    let set = adb.shell(address, &format!("setprop persist.x '{quoted}'; getprop persist.x")).await;
    assert_eq!(set, (0, format!("{value}\n"), String::new()));
    assert_eq!(phone.get("persist.x"), value);
    assert_eq!(adb.shell(address, "echo a &").await.0, 2);
    assert!(adb.call(&["-s", &serial, "root"]).await.1.contains("production builds"));
    assert_ne!(adb.call(&["-s", &serial, "push", "/etc/hostname", "/data/local/tmp/x"]).await.0, 0);
    assert!(adb.call(&["disconnect", &serial]).await.1.contains("disconnected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn adb_runs_commands_side_by_side() {
    let fleet = Fleet::start(quick()).await.unwrap();
    let (phone, adb) = (fleet.phone(0).unwrap(), Adb::new());
    let address = phone.address();
    adb.connected(address).await;
    // None ends before all have begun.
    let all = (0..8).map(|n| {
        let adb = &adb;
        let script = format!("while [ \"$(getprop a.all)\" != 1 ]; do sleep 0.05; done; echo {n}");
        async move { adb.shell(address, &script).await.1 }
    });
    let told = async {
        while fleet.total_load().commands < 8 {
            sleep(Duration::from_millis(10)).await;
        }
        phone.set("a.all", "1");
    };
    let both = futures_util::future::join(futures_util::future::join_all(all), told);
    let (answers, ()) = timeout(CALL_MAX, both).await.expect("all at a time");
    let expect: Vec<String> = (0..8).map(|n| format!("{n}\n")).collect();
    assert_eq!(answers, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_key_opens_and_an_unknown_one_does_not() {
    let (known, unknown) = (Adb::new(), Adb::new());
    let key = known.public_key().await;
    let other = unknown.public_key().await;
    assert_ne!(key, other);
    let auth = Auth::Keys(vec![key]);
    let fleet = Fleet::start(Options { auth, ..quick() }).await.unwrap();
    let address = fleet.phone(0).unwrap().address();

    known.connected(address).await;
    assert_eq!(known.shell(address, "echo in").await.1, "in\n");

    let said = unknown.connect(address).await;
    assert!(said.contains("failed to authenticate"), "{said}");
    let (status, stdout, stderr) = unknown.shell(address, "setprop a.b 1; echo in").await;
    assert_ne!(status, 0, "{stdout}{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(fleet.phone(0).unwrap().get("a.b"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused_at_the_start() {
    let auth = Auth::Keys(vec!["QUJD user@host".to_owned()]);
    let error = Fleet::start(Options { auth, ..quick() }).await.unwrap_err();
    assert!(matches!(error, StartError::Key { number: 1, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn adb_reboots_and_reconnects() {
    let fleet = Fleet::start(quick()).await.unwrap();
    let (phone, adb) = (fleet.phone(0).unwrap(), Adb::new());
    let address = phone.address();
    adb.connected(address).await;
    adb.shell(address, "setprop a.b 1; setprop persist.a.b 1").await;
    let before = adb.shell(address, "cat /proc/sys/kernel/random/boot_id").await.1;

    let bootloader = adb.call(&["-s", &address.to_string(), "reboot", "bootloader"]).await;
    assert_ne!(bootloader.0, 0, "{bootloader:?}");
    assert_eq!(phone.boot_count(), 1);

    assert_eq!(adb.call(&["-s", &address.to_string(), "reboot"]).await.0, 0);
    timeout(CALL_MAX, async {
        while phone.boot_count() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    phone.booted().await;
    adb.reconnected(address).await;
    let script = "getprop a.b; getprop persist.a.b; getprop sys.boot_completed";
    assert_eq!(adb.shell(address, script).await.1, "\n1\n1\n");
    assert_ne!(adb.shell(address, "cat /proc/sys/kernel/random/boot_id").await.1, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn adb_sees_the_faults() {
    let fleet = Fleet::start(quick()).await.unwrap();
    let (phone, adb) = (fleet.phone(0).unwrap(), Adb::new());
    let address = phone.address();

    phone.set_faults(Faults { refuse: true, ..Faults::default() }).await;
    assert!(adb.connect(address).await.contains("failed to connect"));

    phone
        .set_faults(Faults { times: Some(1), drop_mid_script: Some(1), ..Faults::default() })
        .await;
    adb.connected(address).await;
    // adb itself ends with 0 when no exit code comes.
    let (_, stdout, _) = adb.shell(address, "setprop a.b 1; setprop a.c 1; echo done").await;
    assert_eq!(stdout, "");
    assert_eq!((phone.get("a.b"), phone.get("a.c")), ("1".into(), String::new()));

    let slow = Some(Duration::from_millis(300));
    phone.set_faults(Faults { slow, ..Faults::default() }).await;
    adb.reconnected(address).await;
    let begun = Instant::now();
    assert_eq!(adb.shell(address, "echo slow").await.1, "slow\n");
    assert!(begun.elapsed() >= Duration::from_millis(300));

    phone.set_faults(Faults { drop_after_bytes: Some(5000), ..Faults::default() }).await;
    adb.reconnected(address).await;
    let (_, stdout, _) = adb.shell(address, "printf '%09999d' 1; echo end").await;
    assert!(stdout.len() < 5000, "{}", stdout.len());
}

/// The 24 bytes of a header.
fn header(command: &[u8; 4], arg0: u32, arg1: u32, length: u32, sum: u32) -> Vec<u8> {
    let command = u32::from_le_bytes(*command);
    let words = [command, arg0, arg1, length, sum, !command];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Sends bytes and gives all that comes back until the phone closes the connection.
async fn exchange(fleet: &Fleet, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(fleet.phone(0).unwrap().address()).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut back = Vec::new();
    let read = timeout(CALL_MAX, socket.read_to_end(&mut back)).await;
    // A reset, too, is an end.
    let _ = read.expect("the phone keeps the connection");
    back
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_ends_the_connection() {
    let fleet = Fleet::start(quick()).await.unwrap();
    let hello = [header(b"CNXN", 0x0100_0001, 1 << 20, 6, 0), b"host::".to_vec()].concat();
    let with = |packets: &[Vec<u8>]| [hello.clone(), packets.concat()].concat();

    assert_eq!(exchange(&fleet, b"GET / HTTP/1.1\r\nHost: a.phone.example\r\n\r\n").await, b"");
    assert_eq!(exchange(&fleet, &header(b"CNXN", 1, 4096, 0, 0)).await, b"");
    assert_eq!(exchange(&fleet, &header(b"CNXN", 0x0100_0000, 4096, 0, 9)).await, b"");
    assert_eq!(exchange(&fleet, &header(b"CNXN", 0x0100_0001, 4096, 4097, 0)).await, b"");
    assert_eq!(exchange(&fleet, &header(b"OPEN", 1, 0, 0, 0)).await, b"");
    for bad in [
        header(b"STLS", 1, 0, 0, 0),
        header(b"ABCD", 1, 0, 0, 0),
        header(b"WRTE", 1, 1, u32::MAX, 0),
        header(b"CNXN", 0x0100_0001, 4096, 0, 0),
        header(b"AUTH", 2, 0, 0, 0),
    ] {
        let back = exchange(&fleet, &with(&[bad])).await;
        assert_eq!(&back[..4], b"CNXN");
        assert!(String::from_utf8_lossy(&back).ends_with("features=shell_v2,cmd"));
    }
    // Noise: random words behind a good greeting, and random bytes instead of one.
    let mut random = StdRng::seed_from_u64(42);
    for _ in 0..200 {
        let mut noise = vec![0; random.random_range(24..600)];
        random.fill(noise.as_mut_slice());
        exchange(&fleet, &noise).await;
        let commands = [b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"AUTH"];
        let packets = (0..random.random_range(1..8)).map(|_| {
            let length: u32 = random.random_range(0..40);
            let command = commands[random.random_range(0..commands.len())];
            let (arg0, arg1) = (random.random_range(0..4), random.random_range(0..4));
            let mut packet = header(command, arg0, arg1, length, 0);
            packet.extend((0..length).map(|_| random.random::<u8>()));
            packet
        });
        let mut packets: Vec<Vec<u8>> = packets.collect();
        packets.push(header(b"STLS", 0, 0, 0, 0));
        exchange(&fleet, &with(&packets)).await;
    }
    // Writes without waiting for their turn.
    let open = [header(b"OPEN", 5, 0, 14, 0), b"shell:sleep 99".to_vec()].concat();
    let write = [header(b"WRTE", 5, 1, 1, 0), b"x".to_vec()].concat();
    let flood: Vec<Vec<u8>> = std::iter::once(open).chain(vec![write; 64]).collect();
    exchange(&fleet, &with(&flood)).await;
    // And the phone is none the worse for it.
    let (address, adb) = (fleet.phone(0).unwrap().address(), Adb::new());
    adb.connected(address).await;
    assert_eq!(adb.shell(address, "echo well").await.1, "well\n");
    assert_eq!(fleet.phone(0).unwrap().commands().last().unwrap(), "echo well");
}

/// A thousand phones and what is written of them, and how long both took.
async fn a_thousand_phones() -> (Fleet, String, Duration) {
    let options = Options { count: 1000, phones_per_server: 60, ..quick() };
    let begun = Instant::now();
    let fleet = Fleet::start(options).await.unwrap();
    let text = fleet.emit();
    (fleet, text, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_phones_start_within_a_second() {
    let (mut fleet, mut text, mut took) = a_thousand_phones().await;
    // A machine may be held up for a while, but not each time.
    for _ in 0..4 {
        if took >= Duration::from_secs(1) {
            fleet.stop().await;
            (fleet, text, took) = a_thousand_phones().await;
        }
    }
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(text.lines().count(), 1000);
    let first = fleet.phone(0).unwrap();
    let expect = format!(
        r#"{{"kind":"phone","project":"demo","id":"{}","name":"phone-0001","server":"server-001","address":"{}","profile":"simulated"}}"#,
        first.id(),
        first.address(),
    );
    assert_eq!(text.lines().next().unwrap(), expect);
    assert!(first.id().len() == 32 && first.id().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let mut ids: Vec<_> = fleet.phones().iter().map(|phone| phone.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    assert_eq!(fleet.phone(60).unwrap().server(), "server-002");
    for phone in fleet.phones() {
        TcpStream::connect(phone.address()).await.unwrap();
    }
    let address = first.address();
    fleet.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_take_ports_and_ids_as_told() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = probe.local_addr().unwrap();
    let error = Fleet::start(Options { listen: taken, ..quick() }).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == taken), "{error}");

    let ids = vec!["1678567b8bab40f93711234cb80d0764".to_owned()];
    // Some range below the ports that systems hand out by themselves, and those among which other
    // tests look for one.
    let mut start = 7_000;
    let fleet = loop {
        let listen = ([127, 0, 0, 1], start).into();
        match Fleet::start(Options { listen, count: 20, ids: ids.clone(), ..quick() }).await {
            Ok(fleet) => break fleet,
            Err(error) => assert!(start < 9_000, "{error}"),
        }
        start += 50;
    };
    let ports: Vec<u16> = fleet.phones().iter().map(|phone| phone.address().port()).collect();
    assert_eq!(ports, (start..start + 20).collect::<Vec<_>>());
    assert_eq!(fleet.phone(0).unwrap().id(), ids[0]);
    assert_eq!(fleet.phone(1).unwrap().id(), simulator::phones::phone_id("demo", 1));

    for (options, name) in [
        (Options { count: 0, ..quick() }, "Count"),
        (Options { count: 70_000, ..quick() }, "Count"),
        (Options { listen: ([127, 0, 0, 1], 65_530).into(), count: 10, ..quick() }, "Ports"),
        (Options { ids: vec!["a b".into()], ..quick() }, "Id"),
    ] {
        let error = Fleet::start(options).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{error:?}");
    }
}

/// Runs `script` over a connection of its own, as plainly as the protocol allows, and gives all
/// that the phone writes.
pub async fn bare_shell(address: std::net::SocketAddr, script: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let service = format!("shell:{script}");
    let length = u32::try_from(service.len()).unwrap();
    let mut hello = header(b"CNXN", 0x0100_0001, 1 << 20, 6, 0);
    hello.extend(b"host::");
    hello.extend(header(b"OPEN", 1, 0, length, 0));
    hello.extend(service.as_bytes());
    socket.write_all(&hello).await?;
    let mut text = String::new();
    loop {
        let mut head = [0; 24];
        socket.read_exact(&mut head).await?;
        let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let mut payload = vec![0; usize::try_from(word(12)).unwrap()];
        socket.read_exact(&mut payload).await?;
        match &head[..4] {
            b"WRTE" => {
                text.push_str(&String::from_utf8_lossy(&payload));
                socket.write_all(&header(b"OKAY", 1, word(4), 0, 0)).await?;
            }
            b"CLSE" => return Ok(text),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_phones_run_a_script_at_once() {
    let fleet = Fleet::start(Options { count: 1000, ..quick() }).await.unwrap();
    let script = "set_one() { [ \"$(getprop \"$1\")\" = \"$2\" ] || setprop \"$1\" \"$2\"; }; \
                  for n in 1 2 3 4 5; do set_one \"persist.n.$n\" \"value $n\"; done; \
                  for n in 1 2 3 4 5; do getprop \"persist.n.$n\"; done";
    let expect: String = (1..=5).map(|n| format!("value {n}\n")).collect();
    let all = fleet.phones().iter().map(|phone| bare_shell(phone.address(), script));
    let all = timeout(CALL_MAX, futures_util::future::join_all(all)).await;
    for answer in all.expect("they keep each other waiting") {
        assert_eq!(answer.unwrap(), expect);
    }
    assert!(fleet.phones().iter().all(|phone| phone.applications() == 1));
}
