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

// Kinds of HTTP/2 frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// One HTTP/2 frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Reads frames up to one of this kind; gives its flags and payload.
async fn frame_of_kind(stream: &mut TcpStream, kind: u8) -> (u8, Vec<u8>) {
    loop {
        let mut head = [0; 9];
        timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
        let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        timeout(PATIENCE, stream.read_exact(&mut payload)).await.unwrap().unwrap();
        if head[3] == kind {
            return (head[4], payload);
        }
    }
}

#[tokio::test]
async fn speaks_http_2_and_says_goodbye_to_an_idle_client() {
    let serving = serve(short(), None).await;
    let mut stream = serving.connect().await;
    // RFC 9113, section 3.4: the preface, then SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, b"")).await.unwrap();
    // RFC 7541: GET (2), http (6), then :path and :authority as literals.
    let get = b"\x82\x86\x04\x05/peer\x01\x01x";
    stream.write_all(&frame(HEADERS, 0x5, 1, get)).await.unwrap();
    let (_, body) = frame_of_kind(&mut stream, DATA).await;
    assert_eq!(String::from_utf8(body).unwrap(), stream.local_addr().unwrap().to_string());

    let began = tokio::time::Instant::now();
    stream.write_all(&frame(PING, 0, 0, &[7; 8])).await.unwrap();
    assert_eq!(frame_of_kind(&mut stream, PING).await, (1, vec![7; 8]));
    frame_of_kind(&mut stream, GOAWAY).await;
    assert!(began.elapsed() >= short().idle_timeout - Duration::from_millis(50));
    until_closed(&mut stream).await;
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
