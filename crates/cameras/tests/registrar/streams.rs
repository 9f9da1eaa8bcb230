//! TCP as it comes: in pieces, in heaps, broken, and over IPv6.

use cameras::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Socket};
use crate::server::{Server, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_come_in_pieces_and_in_heaps() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut client = Client::tcp(1, server.address()).await;
    assert_eq!(client.enter().await, 200);
    let keepalive = client.keepalive();
    for piece in keepalive.as_bytes().chunks(7) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.next().await.unwrap().status(), Some(200));
    let heap: String = (0..200).map(|_| client.keepalive()).collect();
    client.send(heap).await;
    for _ in 0..200 {
        assert_eq!(client.next().await.unwrap().status(), Some(200));
    }
    until("the count", async || server.sip.tally().keepalives == 201).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_is_answered_and_nonsense_ends_the_connection() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\r\n");
    // A body of a length that nobody can tell: 400, and no more.
    let mut client = Client::tcp(1, server.address()).await;
    let request = client.register(None).replace("Content-Length: 0", "Content-Length: many");
    assert_eq!(client.ask(request).await, 400);
    assert!(client.next().await.is_none());
    // A head without an end.
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let endless = vec![b'x'; 64 * 1024];
    // The server may close while it is still being written to.
    let _ = stream.write_all(&endless).await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_there_is_room_for_are_closed_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { connections_max: 2, ..Settings::default() };
    let server = Server::with_cameras(directory.path(), settings, 1).await;
    let mut first = Client::tcp(1, server.address()).await;
    assert_eq!(first.enter().await, 200);
    let second = Client::tcp(1, server.address()).await;
    let mut third = Client::tcp(1, server.address()).await;
    assert!(third.next().await.is_none());
    let keepalive = first.keepalive();
    assert_eq!(first.ask(keepalive).await, 200);
    drop(second);
    until("room", async || {
        let mut client = Client::tcp(1, server.address()).await;
        let request = client.register(None);
        let Socket::Tcp(it) = &mut client.socket else { return false };
        it.0.write_all(request.as_bytes()).await.is_ok() && client.next().await.is_some()
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_that_are_no_sip_are_dropped_and_others_answered_in_one_batch() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut client = Client::udp(1, server.address()).await;
    for nonsense in [&b""[..], b"\r\n\r\n", b"\0\0\0\0", b"hello", &[0xff; 9_000]] {
        client.send(nonsense).await;
    }
    assert!(client.is_quiet().await);
    // Several batches, and no more answers than fit into a socket that nobody reads yet.
    let requests: Vec<_> = (0..100).map(|_| client.register(None)).collect();
    for request in &requests {
        client.send(request).await;
    }
    for _ in &requests {
        assert_eq!(client.next().await.unwrap().status(), Some(401));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_of_both_families_knows_an_ipv4_peer_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 2).await;
    server.stop().await;
    let server = Server::start(directory.path(), Settings::default(), "[::]:0").await;
    let port = server.address().port();
    let mut udp = Client::udp(1, ([127, 0, 0, 1], port).into()).await;
    let mut tcp = Client::tcp(2, ([127, 0, 0, 1], port).into()).await;
    assert_eq!(udp.enter().await, 200);
    assert_eq!(tcp.enter().await, 200);
    let remotes: Vec<_> = server.stored().await.iter().map(|it| it.binding.remote).collect();
    assert_eq!(remotes, [udp.local(), tcp.local()]);
    // The wildcard is not advertised: the address that faces the peer is.
    let told = server.cameras.line().server(udp.local().ip()).unwrap();
    assert_eq!((told.host.as_str(), told.port), ("127.0.0.1", port));
    server.stop().await;
}
