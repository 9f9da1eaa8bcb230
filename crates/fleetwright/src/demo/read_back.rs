//! Reading properties from phones over ADB, on connections of the demo's own: nothing here is
//! shared with the driver whose work it checks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use libadb::auth::Authenticator;
use libadb::shell::v2;
use libadb::{Connection, ConnectionConfig, Feature, TokioTcp};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Phones that are read at a time.
const READS_MAX: usize = 64;

/// How long one phone may take.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a message from a phone.
const PAYLOAD_BYTES_MAX: u32 = 16 * 1024;

/// What a phone shows, by property.
pub type Shown = BTreeMap<String, String>;

/// The demo's phones let anybody in, so it has no key.
struct NoKey;

impl Authenticator for NoKey {
    type Error = &'static str;

    async fn sign(&mut self, _token: &[u8]) -> Result<Vec<u8>, Self::Error> {
        Err("the phone asks for a key, and a demo's phone should not")
    }

    fn public_key(&self) -> &[u8] {
        &[]
    }

    fn offer_public_key(&self) -> bool {
        false
    }
}

/// What each phone shows of these properties, in the order of the addresses.
pub async fn read_all(addresses: &[SocketAddr], names: &[&str]) -> Result<Vec<Shown>> {
    let reads = addresses.iter().map(|address| async move {
        let read = timeout(READ_TIMEOUT, Box::pin(read(*address, names))).await;
        read.unwrap_or_else(|_| bail!("no answer within {} s", READ_TIMEOUT.as_secs()))
            .with_context(|| format!("the phone at {address} can't be read"))
    });
    stream::iter(reads).buffered(READS_MAX).try_collect().await
}

/// What one phone shows.
async fn read(address: SocketAddr, names: &[&str]) -> Result<Shown> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let config = ConnectionConfig::new().with_max_payload(PAYLOAD_BYTES_MAX);
    let connecting = Connection::<_>::connect_with_config(
        TokioTcp::new(socket),
        NoKey,
        &[Feature::ShellV2],
        config,
    );
    let mut connection = connecting.await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut buffer = vec![0_u8; PAYLOAD_BYTES_MAX as usize];
    let mut shown = Shown::new();
    for name in names {
        let output = v2::exec(&mut connection, &format!("getprop {name}"), &mut buffer)
            .await
            .map_err(|error| anyhow::anyhow!("getprop {name}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        shown.insert((*name).to_owned(), text.trim_end_matches('\n').to_owned());
    }
    Ok(shown)
}
