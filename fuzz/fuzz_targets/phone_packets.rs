//! A hostile phone's bytes at the driver's ADB link: the handshake, then one script's answer.
//!
//! Whatever comes, the link gives an answer within its bounds or an error, and never waits once
//! the phone has hung up.

#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::{Corpus, fuzz_target};
use phones::adb::{Adb, HostKey};
use phones::link::{LinkError, OUTPUT_BYTES_MAX, PhoneLink as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// Far above what bytes that are all there can take; the run's own limit is a second.
const LIMIT: Duration = Duration::from_secs(5);

/// The link under test, and the port at which it meets the phone. One thread, so that a run can be
/// repeated.
struct Bed {
    runtime: Runtime,
    link: Adb,
    listener: TcpListener,
    address: SocketAddr,
}

static BED: LazyLock<Bed> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    let link = Adb::new(Arc::new(HostKey::generate().expect("a key")));
    Bed { runtime, link, listener, address }
});

/// The phone: says its bytes, hangs up, and hears the rest out.
async fn phone(mut client: TcpStream, bytes: &[u8]) {
    // The link may have hung up before: that is its right.
    let _ = client.write_all(bytes).await;
    let _ = client.shutdown().await;
    let mut heard = [0; 4096];
    while client.read(&mut heard).await.is_ok_and(|count| count > 0) {}
}

/// The driver: one connection, one script.
async fn driver(link: &Adb, address: SocketAddr) -> Result<(), LinkError> {
    let mut session = link.connect(&address.to_string(), LIMIT).await?;
    let output = session.shell("getprop", LIMIT, &|| {}).await?;
    let bytes = output.stdout.len() + output.stderr.len();
    assert!(bytes <= OUTPUT_BYTES_MAX, "{bytes} bytes of answer were kept");
    Ok(())
}

/// Whether an input is run: of those with a request to sign, few are, since a signature costs as
/// much as hundreds of inputs without.
fn is_signed_for(bytes: &[u8]) -> bool {
    let asks = bytes.windows(4).any(|word| word == b"AUTH");
    !asks || bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).is_multiple_of(32)
}

fuzz_target!(init: LazyLock::force(&BED), |bytes: &[u8]| -> Corpus {
    if !is_signed_for(bytes) {
        return Corpus::Reject;
    }
    let bed = &*BED;
    bed.runtime.block_on(async {
        let accepted = async {
            if let Ok((client, _)) = bed.listener.accept().await {
                phone(client, bytes).await;
            }
        };
        let (told, ()) = tokio::join!(driver(&bed.link, bed.address), accepted);
        if let Err(LinkError::TimedOut(limit)) = told {
            panic!("the phone had hung up, and the link waited {limit:?}");
        }
    });
    Corpus::Keep
});
