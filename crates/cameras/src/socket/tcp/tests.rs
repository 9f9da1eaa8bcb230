use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const BOUND: Stands = Stands { unsent: None, unbound: None };

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A connection of ours, and the peer's end of it.
async fn pair() -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (Connection::new(stream, Instant::now()), peer)
}

#[test]
fn slow_ones_end_and_silent_ones_later() {
    let start = Instant::now();
    let mut patience = Patience::new(start);
    assert_eq!(patience.ends(BOUND), start + MESSAGE_PATIENCE);
    // A byte now and then does not make it last longer.
    patience.read(start + seconds(20), false, true);
    assert_eq!(patience.ends(BOUND), start + MESSAGE_PATIENCE);
    patience.read(start + seconds(25), true, false);
    assert_eq!(patience.ends(BOUND), start + seconds(25) + SILENCE_MAX);
    patience.read(start + seconds(40), true, true);
    assert_eq!(patience.ends(BOUND), start + seconds(40) + MESSAGE_PATIENCE);
    let unsent = start + seconds(20);
    let unread = Stands { unsent: Some(unsent), ..BOUND };
    assert_eq!(patience.ends(unread), unsent + WRITE_PATIENCE);
    patience.linger(start + seconds(41));
    assert_eq!(patience.ends(BOUND), start + seconds(41) + LINGER);
}

#[test]
fn one_without_a_registered_device_ends_however_much_it_says() {
    let start = Instant::now();
    let mut patience = Patience::new(start);
    let unbound = Stands { unbound: Some(start), ..BOUND };
    for at in 1..=59 {
        patience.read(start + seconds(at), true, false);
        assert_eq!(patience.ends(unbound), start + UNBOUND_MAX);
    }
    assert_eq!(patience.ends(BOUND), start + seconds(59) + SILENCE_MAX);
}

#[test]
fn an_address_has_so_many_connections_and_others_theirs() {
    let addresses = Addresses::default();
    let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
    let places: Vec<_> = (0..3).map(|_| addresses.take(one, 3).unwrap()).collect();
    assert!(addresses.take(one, 3).is_none());
    assert!(addresses.take(other, 3).is_some());
    drop(places);
    assert!(addresses.take(one, 3).is_some());
    assert!(addresses.counts().is_empty(), "nothing is kept of who has gone");
}

#[tokio::test]
async fn pings_are_answered_once_and_not_while_nothing_is_read() {
    let (connection, mut peer) = pair().await;
    let flow = Flow::tcp(peer.local_addr().unwrap(), 1);
    let (events, _receiver) = mpsc::channel(8);
    let talking = async {
        peer.write_all(&b"\r\n\r\n".repeat(1_000)).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut answers = Vec::new();
        peer.read_to_end(&mut answers).await.unwrap();
        answers.len()
    };
    let serving = async move {
        talk(&connection, flow, &events).await;
    };
    let ((), bytes) = tokio::join!(serving, talking);
    // 4,000 bytes are one read, or a few if the kernel hands them over in pieces.
    assert!((2..200).contains(&bytes), "{bytes}");

    let (connection, _peer) = pair().await;
    connection.unsent().unbound = None;
    while connection.unsent().queue.is_empty() {
        connection.send(Bytes::from_static(&[b'x'; 64 * 1024]));
    }
    let held = |unsent: MutexGuard<'_, Unsent>| (unsent.queue.len(), unsent.bytes);
    let before = held(connection.unsent());
    for _ in 0..1_000 {
        connection.pong();
    }
    assert_eq!(held(connection.unsent()), before);
}

#[tokio::test]
async fn what_is_unread_is_bounded_however_small_and_less_for_strangers() {
    for (unbound, max) in
        [(None, UNREAD_BYTES_MAX), (Some(Instant::now()), UNREAD_UNBOUND_BYTES_MAX)]
    {
        let (connection, _peer) = pair().await;
        // The kernel's buffer is filled first.
        while connection.stream.try_write(&[b'x'; 64 * 1024]).is_ok() {}
        connection.unsent().unbound = unbound;
        let mut sent = 0;
        while connection.flush_again().is_some() {
            connection.send(Bytes::from_static(b"\r\n"));
            sent += 1;
        }
        assert_eq!(sent, max / (2 + UNREAD_OVERHEAD_BYTES) + 1);
    }
}
