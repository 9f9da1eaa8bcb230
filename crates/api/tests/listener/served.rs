//! What a well-behaved client gets: answers, its address noted, and an orderly end.

use super::*;

#[tokio::test]
async fn answers_several_requests_on_one_connection_with_the_peers_address() {
    let serving = serve(Limits::default(), None).await;
    let mut stream = serving.connect().await;
    let me = stream.local_addr().unwrap().to_string();
    for _ in 0..3 {
        send(&mut stream, "/peer").await;
        let text = answer(&mut stream, &me).await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains(&format!("content-length: {}\r\n", me.len())), "{text}");
    }
}

#[tokio::test]
async fn draining_finishes_what_is_open_and_takes_nothing_new() {
    let serving = serve(Limits::default(), None).await;
    let mut held = serving.hold().await;
    let mut idle = serving.connect().await;
    send(&mut idle, "/peer").await;
    let me = idle.local_addr().unwrap().to_string();
    answer(&mut idle, &me).await;

    serving.shutdown.cancel();
    assert_eq!(until_closed(&mut idle).await, "", "an idle connection is closed at once");
    let refused = TcpStream::connect(serving.address).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(!serving.ended.is_finished());

    serving.release.notify_one();
    let text = until_closed(&mut held).await;
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("released"), "{text}");
    assert!(text.contains("connection: close"), "{text}");
    assert_eq!(serving.stop().await, Drained { cut_off: 0 });
}

#[tokio::test]
async fn draining_ends_at_its_deadline() {
    let limits = Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() };
    let serving = serve(limits, None).await;
    let mut held = serving.hold().await;
    assert_eq!(serving.stop().await, Drained { cut_off: 1 });
    assert_eq!(until_closed(&mut held).await, "");
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_its_connection_only() {
    let serving = serve(Limits::default(), None).await;
    let mut held = serving.hold().await;
    let mut stream = serving.connect().await;
    send(&mut stream, "/panic").await;
    assert_eq!(until_closed(&mut stream).await, "");
    serving.release.notify_one();
    answer(&mut held, "released").await;
    assert_eq!(serving.stop().await, Drained { cut_off: 0 });
}

#[tokio::test]
async fn over_the_cap_a_connection_is_told_503_and_closed() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let serving = serve(limits, None).await;
    let (first, _second) = (serving.hold().await, serving.hold().await);
    for _ in 0..3 {
        let mut third = serving.connect().await;
        send(&mut third, "/peer").await;
        let text = until_closed(&mut third).await;
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{text}");
        assert!(text.contains("retry-after: 1\r\n"), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{text}");
    }
    drop(first);
    // The place is free once the server has seen the close.
    let again = async {
        loop {
            let mut stream = serving.connect().await;
            let me = stream.local_addr().unwrap().to_string();
            send(&mut stream, "/peer").await;
            let mut start = [0; 12];
            stream.read_exact(&mut start).await.unwrap();
            if &start == b"HTTP/1.1 200" {
                return answer(&mut stream, &me).await;
            }
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}
