//! A client's bytes at a simulated phone: packets, streams, services, shell,v2 frames, scripts.
//!
//! Whatever comes, the phone lives on and answers the next client, within bounds of time and
//! memory; what it sends back is not judged here.

#![no_main]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use simulator::phones::{Fleet, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// A phone, and the runtime that it lives in: one thread, so that a run can be repeated.
struct Bed {
    runtime: Runtime,
    address: SocketAddr,
    _fleet: Fleet,
}

static BED: LazyLock<Bed> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = Options { boot: Duration::ZERO, ..Options::default() };
    let fleet = runtime.block_on(Fleet::start(options)).expect("a phone");
    let address = fleet.phone(0).expect("one phone").address();
    Bed { runtime, address, _fleet: fleet }
});

fuzz_target!(init: LazyLock::force(&BED), |bytes: &[u8]| {
    let bed = &*BED;
    bed.runtime.block_on(async {
        // A phone that the last client rebooted is away for a moment.
        let mut client = loop {
            match TcpStream::connect(bed.address).await {
                Ok(client) => break client,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        // It may have hung up before it has read all: that is its right.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut Vec::new()).await;
    });
});
