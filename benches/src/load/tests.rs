//! The load against a server of a few lines, which counts what reaches it.

use std::sync::atomic::AtomicU64;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::statistics::percentile;

/// A server that answers each request with one job and counts the bytes it got.
async fn stand_in(received: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, Arc::clone(&received)));
        }
    });
    address
}

/// Answers every `.` on a connection.
async fn answer_all(mut stream: TcpStream, received: Arc<AtomicU64>) {
    let id = "0".repeat(32);
    let body = format!(r#"{{"request_id":"{id}","jobs":[{{"phone_id":"a","job_id":"b"}}]}}"#);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut byte = [0];
    while stream.read_exact(&mut byte).await.is_ok() {
        assert_eq!(&byte, b".");
        received.fetch_add(1, Ordering::Relaxed);
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
}

fn dots(count: usize) -> Vec<Vec<u8>> {
    vec![b".".to_vec(); count]
}

#[tokio::test]
async fn a_closed_slot_sends_each_request_once() {
    let received = Arc::new(AtomicU64::new(0));
    let address = stand_in(Arc::clone(&received)).await;
    let slot = closed(&[address], dots(500), 8, Duration::from_secs(20)).await.unwrap();
    assert_eq!(received.load(Ordering::Relaxed), 500);
    assert_eq!((slot.jobs, slot.refused, slot.latencies.len()), (500, 0, 500));
    let numbers: Vec<usize> = slot.answered.iter().map(|answer| answer.number).collect();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_closed_slot_ends_in_time() {
    let address = stand_in(Arc::default()).await;
    let requests = dots(1_000_000);
    let slot = closed(&[address], requests, 2, Duration::from_millis(50)).await.unwrap();
    assert!(slot.jobs > 0 && slot.jobs < 1_000_000);
    assert!(slot.elapsed >= Duration::from_millis(50), "{:?}", slot.elapsed);
}

#[tokio::test]
async fn an_open_slot_keeps_its_rate() {
    let address = stand_in(Arc::default()).await;
    let slot = open(address, dots(200), 4, 1_000.0).await.unwrap();
    assert_eq!(slot.jobs, 200);
    // The last of 200 is due after 199 ms.
    assert!(slot.elapsed >= Duration::from_millis(199), "{:?}", slot.elapsed);
    assert_eq!((slot.lateness.len(), slot.latencies.len()), (200, 200));
    assert!(percentile(&slot.latencies, 1) >= percentile(&slot.lateness, 1));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    assert!(closed(&[address], dots(5), 2, Duration::from_secs(1)).await.is_err());
}
