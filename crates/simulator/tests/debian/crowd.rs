//! As many phones in one process as one request may name.

use simulator::phones::{Fleet, Options};

use crate::simulated::bare_shell;

/// The most phones that one request names (Huawei CPH, UpdateCloudPhoneProperty).
const COUNT: usize = 8096;
/// The most memory that a phone may cost, in bytes: some five of these crowds fit into 1 GiB.
const PHONE_BYTES_MAX: usize = 24 << 10;

/// The memory that this process holds, in bytes (proc_pid_status(5), `VmRSS`).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

// The allocator keeps memory for each thread: as many of them on any machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_costs_little_memory_however_often_it_is_asked() {
    let before = resident();
    let fleet = Fleet::start(Options { count: COUNT, ..Options::default() }).await.unwrap();
    let script = "setprop persist.fleetwright.id 0123456789abcdef; setprop com.cph.mainkeys 1; \
                  setprop gsm.operator.alpha CMCC; settings put global k v; echo done";
    let mut held = vec![resident()];
    for _ in 0..2 {
        for phones in fleet.phones().chunks(200) {
            let answers = phones.iter().map(|phone| bare_shell(phone.address(), script));
            for answer in futures_util::future::join_all(answers).await {
                assert_eq!(answer.unwrap(), "done\n");
            }
        }
        held.push(resident());
    }
    let each: Vec<usize> = held.iter().map(|held| held.saturating_sub(before) / COUNT).collect();
    println!("bytes a phone, started, asked once, asked twice: {each:?}");
    assert!(each.iter().all(|each| *each < PHONE_BYTES_MAX), "{each:?}");
    // What a second script adds is its text in the record.
    assert!(each[2] < each[1] + 2048, "{each:?}");
}
