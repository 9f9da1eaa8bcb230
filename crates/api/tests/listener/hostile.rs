//! Clients that hold resources without need are closed, and the honest ones don't notice.

use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test]
async fn headers_that_do_not_end_in_time_are_cut_off() {
    let serving = serve(short(), None).await;
    for start in ["", "G", "GET /peer HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = serving.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        assert_eq!(until_closed(&mut stream).await, "", "after {start:?}");
    }
}

#[tokio::test]
async fn a_header_that_trickles_is_cut_off_all_the_same() {
    let serving = serve(short(), None).await;
    let began = Instant::now();
    let mut stream = serving.connect().await;
    let trickle = async {
        // Each byte comes well within the time-out; the sum does not.
        loop {
            if stream.write_all(b"G").await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the server never closed the connection");
    assert!(began.elapsed() >= short().header_timeout);
}

#[tokio::test]
async fn an_unfinished_second_request_is_cut_off_too() {
    let limits = Limits { idle_timeout: Duration::from_secs(3600), ..short() };
    let serving = serve(limits, None).await;
    let mut stream = serving.connect().await;
    let me = stream.local_addr().unwrap().to_string();
    send(&mut stream, "/peer").await;
    answer(&mut stream, &me).await;
    stream.write_all(b"GET /peer HTTP/1.1\r\n").await.unwrap();
    assert_eq!(until_closed(&mut stream).await, "");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_but_not_its_own() {
    let serving = serve(short(), None).await;
    let mut stream = serving.connect().await;
    let me = stream.local_addr().unwrap().to_string();
    let began = Instant::now();
    send(&mut stream, "/peer").await;
    answer(&mut stream, &me).await;
    assert_eq!(until_closed(&mut stream).await, "");
    assert!(began.elapsed() >= short().idle_timeout - Duration::from_millis(50));
}

#[tokio::test]
async fn a_request_that_takes_long_is_not_idle() {
    let serving = serve(short(), None).await;
    let mut held = serving.hold().await;
    let mut idle = serving.connect().await;
    // Both time-outs have passed once three connections in a row have been cut off by them.
    for _ in 0..3 {
        until_closed(&mut idle).await;
        idle = serving.connect().await;
    }
    serving.release.notify_one();
    answer(&mut held, "released").await;
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_cut_off() {
    let serving = serve(short(), None).await;
    let mut stream = serving.connect().await;
    send(&mut stream, "/flood").await;
    let dropped = timeout(PATIENCE, serving.flood_dropped.acquire()).await;
    dropped.expect("the server holds on to a client that reads nothing").unwrap().forget();
    drop(stream);
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_with_431() {
    let serving = serve(Limits::default(), None).await;
    for (bytes, status) in [
        (30 * 1024, "200 OK"),
        (33 * 1024, "431 Request Header Fields"),
        (70 * 1024, "431 Request Header Fields"),
    ] {
        let mut stream = serving.connect().await;
        let head = format!(
            "GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}\r\n\r\n",
            "y".repeat(bytes)
        );
        // The server may close before all of it is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let text = until_closed(&mut stream).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{bytes}: {text}");
    }
}

#[tokio::test]
async fn many_slow_clients_do_not_keep_a_good_one_waiting() {
    let limits = Limits { header_timeout: Duration::from_secs(3600), ..Limits::default() };
    let serving = serve(limits, None).await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = serving.connect().await;
        stream.write_all(b"GET /").await.unwrap();
        slow.push(stream);
    }
    // Kept waiting, it would wait for an hour.
    let mut good = serving.connect().await;
    let me = good.local_addr().unwrap().to_string();
    send(&mut good, "/peer").await;
    answer(&mut good, &me).await;
}
