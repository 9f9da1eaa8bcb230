//! Sends webhooks' deliveries by HTTP.
//!
//! Each is sent by a thread of its own, of which there are as many at a time as deliveries and
//! trials may be under way: neither a receiver that hangs nor one that is slow to be looked up
//! keeps the server's own threads waiting, or its end.

use std::io::Read as _;

use async_trait::async_trait;
use engine::webhooks::{Answer, Deliver, Delivery, NoAnswer, Receiver};
use fleet::Timestamp;
use fleet::limits::{DELIVERY_ANSWER_BYTES_MAX, DELIVERY_FAILURE_BYTES_MAX, DELIVERY_TIMEOUT};
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::Request;

/// What sends deliveries. Certificates are checked by the web's public authorities.
#[derive(Debug)]
pub struct WebhookSender {
    agent: Agent,
}

impl WebhookSender {
    /// One that goes straight to receivers. No proxy of the environment is asked: that is the
    /// operator's, and webhooks are the projects'. No redirect is followed: a delivery is for the
    /// URL that was given. No connection is kept: one that the receiver has closed meanwhile would
    /// look like a receiver that is away.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_global(Some(DELIVERY_TIMEOUT))
            .build();
        Self { agent: config.into() }
    }
}

#[async_trait]
impl Deliver for WebhookSender {
    async fn deliver(
        &self,
        receiver: &Receiver,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<Answer, NoAnswer> {
        let request = api::native::delivery_request(receiver, delivery, at);
        let request = request.map_err(|error| NoAnswer(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        let agent = self.agent.clone();
        let send = move || {
            // Whoever has asked may be gone: the server stops.
            let _ = answer.send(send(&agent, request));
        };
        let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(send);
        thread.map_err(|error| NoAnswer(format!("no thread can be started: {error}")))?;
        answered.await.map_err(|_| NoAnswer("the thread that sent it has ended".to_owned()))?
    }
}

/// Sends one request and reads the beginning of the answer. Blocks while it does.
fn send(agent: &Agent, request: Request<Vec<u8>>) -> Result<Answer, NoAnswer> {
    let answer = agent.run(request).map_err(|error| {
        NoAnswer(match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(which) => format!("no answer in time: {which}"),
            other => other.to_string(),
        })
    })?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let content = answer.into_body().into_with_config().limit(u64::MAX).reader();
    // The status says whether it was taken, whatever becomes of the rest.
    let _ = content.take(DELIVERY_ANSWER_BYTES_MAX as u64).read_to_end(&mut body);
    let mut detail = String::from_utf8_lossy(&body).trim().to_owned();
    detail.truncate(detail.floor_char_boundary(DELIVERY_FAILURE_BYTES_MAX));
    Ok(Answer { status, detail })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{Shutdown, TcpListener};

    use fleet::Secret;

    use super::*;

    /// What comes of a delivery that is answered like this; of one that is not answered, if empty.
    async fn answered(text: String) -> (Result<Answer, NoAnswer>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            webhook: "w".to_owned(),
            url: format!("http://{}/x", listener.local_addr().unwrap()),
            secret: Secret::new("0123456789abcdef".to_owned()),
        };
        let taking = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut piece) = (Vec::new(), [0; 4096]);
            while !request.ends_with(b"}") {
                let read = stream.read(&mut piece).unwrap();
                assert!(read > 0);
                request.extend_from_slice(&piece[..read]);
            }
            // The sender reads no further than it needs.
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
            String::from_utf8(request).unwrap()
        });
        let delivery = Delivery { id: "d".to_owned(), events: Vec::new(), dropped: false };
        let answer = WebhookSender::new().deliver(&receiver, &delivery, Timestamp(0)).await;
        (answer, taking.join().unwrap())
    }

    #[tokio::test]
    async fn an_answer_is_its_status_and_the_beginning_of_what_it_says() {
        let long = "x".repeat(1_000_000);
        for (text, status, detail) in [
            ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), 204, ""),
            ("HTTP/1.1 410 Gone\r\ncontent-length: 4\r\n\r\ngone".to_owned(), 410, "gone"),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
                    .to_owned(),
                302,
                "",
            ),
            (format!("HTTP/1.1 500 X\r\ncontent-length: 1000000\r\n\r\n{long}"), 500, &long[..512]),
        ] {
            let (answer, request) = answered(text).await;
            assert_eq!(answer, Ok(Answer { status, detail: detail.to_owned() }));
            assert!(request.starts_with("POST /x HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("fleetwright-signature: v1="), "{request}");
        }
    }

    #[tokio::test]
    async fn no_answer_is_told_with_its_reason() {
        let (answer, _) = answered(String::new()).await;
        assert!(!answer.unwrap_err().to_string().is_empty());
        let receiver = Receiver {
            webhook: "w".to_owned(),
            url: "http://127.0.0.1:1/".to_owned(),
            secret: Secret::new(String::new()),
        };
        let delivery = Delivery { id: "d".to_owned(), events: Vec::new(), dropped: false };
        let answer = WebhookSender::new().deliver(&receiver, &delivery, Timestamp(0)).await;
        let why = answer.unwrap_err().to_string();
        assert!(why.to_lowercase().contains("refused"), "{why}");
    }
}
