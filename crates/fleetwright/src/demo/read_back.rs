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

/// What a command prints on a phone, without the line feed at its end.
pub async fn run(address: SocketAddr, command: &str) -> Result<String> {
    let ran = timeout(READ_TIMEOUT, Box::pin(run_all(address, &[command.to_owned()]))).await;
    let printed = ran
        .unwrap_or_else(|_| bail!("no answer within {} s", READ_TIMEOUT.as_secs()))
        .with_context(|| format!("the phone at {address} can't be asked"))?;
    Ok(printed.into_iter().next().unwrap_or_default())
}

/// What one phone shows.
async fn read(address: SocketAddr, names: &[&str]) -> Result<Shown> {
    let commands: Vec<String> = names.iter().map(|name| format!("getprop {name}")).collect();
    let printed = run_all(address, &commands).await?;
    Ok(names.iter().map(|name| (*name).to_owned()).zip(printed).collect())
}

/// What each command prints, without the line feed at its end, all on one connection.
async fn run_all(address: SocketAddr, commands: &[String]) -> Result<Vec<String>> {
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
    let mut printed = Vec::with_capacity(commands.len());
    for command in commands {
        let output = v2::exec(&mut connection, command, &mut buffer)
            .await
            .map_err(|error| anyhow::anyhow!("{command}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        printed.push(text.trim_end_matches('\n').to_owned());
    }
    Ok(printed)
}
