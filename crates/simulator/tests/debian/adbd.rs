//! Real adbd 34, three at once, each with its own phone.

use simulator::adbd::Adbd;

use crate::client::Adb;

#[tokio::test(flavor = "multi_thread")]
async fn three_real_daemons_keep_their_phones_apart() {
    let (folder, adb) = (tempfile::tempdir().unwrap(), Adb::new());
    let mut daemons = Vec::new();
    for n in 0..3 {
        daemons.push(Adbd::start(folder.path().join(n.to_string()), 0).await.unwrap());
    }
    let value = r#"a'b"c$(id)`id`;&|<>*?[x]\n #!~{}"#;
    let quoted = value.replace('\'', r"'\''");
    for (n, daemon) in daemons.iter().enumerate() {
        adb.connected(daemon.address()).await;
        let script =
            format!("setprop persist.n {n}; setprop a.b '{quoted}'; getprop a.b; exit {n}");
        let answer = adb.shell(daemon.address(), &script).await;
        assert_eq!((answer.0, answer.1), (i32::try_from(n).unwrap(), format!("{value}\n")));
    }
    for (n, daemon) in daemons.iter().enumerate() {
        assert_eq!(daemon.get("persist.n").unwrap(), n.to_string());
        assert_eq!(daemon.get("a.b").unwrap(), value);
    }
    let refused = adb.shell(daemons[0].address(), "setprop ro.build.type x").await;
    assert_eq!(refused.0, 1);
    assert!(refused.2.contains("Failed to set property 'ro.build.type' to 'x'."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_daemon_comes_back_with_its_state() {
    let (folder, adb) = (tempfile::tempdir().unwrap(), Adb::new());
    let mut daemon = Adbd::start(folder.path(), 0).await.unwrap();
    let address = daemon.address();
    adb.connected(address).await;
    adb.shell(address, "setprop a.b 1; setprop persist.a 1; settings put global k v").await;
    daemon.kill().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    daemon.restart().await.unwrap();
    adb.reconnected(address).await;
    let script = "getprop a.b; getprop persist.a; settings get global k";
    assert_eq!(adb.shell(address, script).await.1, "1\n1\nv\n");
    daemon.reboot().await.unwrap();
    adb.reconnected(address).await;
    assert_eq!(adb.shell(address, script).await.1, "\n1\nv\n");
    let script = "wm density 240; wm density; setprop com.cph.mainkeys 1; \
                  dumpsys cph com.cph.mainkeys; cmd settings get global k";
    let expect = "Physical density: 320\nOverride density: 240\n0\nv\n";
    assert_eq!(adb.shell(address, script).await.1, expect);
    daemon.reboot().await.unwrap();
    adb.reconnected(address).await;
    assert_eq!(adb.shell(address, "dumpsys cph com.cph.mainkeys").await.1, "1\n");
    daemon.set("a.b", "2").unwrap();
    assert_eq!(adb.shell(address, "getprop a.b").await.1, "2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_once_do_not_undo_each_other() {
    let (folder, adb) = (tempfile::tempdir().unwrap(), Adb::new());
    let daemon = Adbd::start(folder.path(), 0).await.unwrap();
    adb.connected(daemon.address()).await;
    let sets = (0..16).map(|n| {
        let script = format!("for i in 1 2 3; do setprop a.{n}.$i $i; done");
        let (adb, address) = (&adb, daemon.address());
        async move { adb.shell(address, &script).await }
    });
    for answer in futures_util::future::join_all(sets).await {
        assert_eq!(answer, (0, String::new(), String::new()));
    }
    for n in 0..16 {
        for i in 1..=3 {
            assert_eq!(daemon.get(&format!("a.{n}.{i}")).unwrap(), i.to_string(), "a.{n}.{i}");
        }
    }
}
