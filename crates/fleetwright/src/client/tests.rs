use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use super::*;

fn options(url: &str) -> ServerOptions {
    ServerOptions { url: url.to_owned(), ca_cert: None, json: false }
}

fn client(url: &str) -> Client {
    Client::with_token(&options(url), &Secret::new("secret-token".into()), CALL_TIMEOUT).unwrap()
}

/// A server that gives one answer, and what it was asked: the request's head and body.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (url, asked)
}

#[test]
fn a_call_names_the_path_escaped_and_carries_the_token() {
    let (url, asked) =
        answering("HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n{\"a\":1}");
    let query = [("project", "a&b".to_owned())];
    let answer = client(&url).get(&["devices", "a/b ü"], &query).unwrap();
    assert_eq!(answer["a"], 1);
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("GET /api/v1/devices/a%2Fb%20%C3%BC?project=a%26b HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(asked.contains("authorization: Bearer secret-token\r\n"), "{asked}");
}

#[test]
fn a_refusal_says_what_the_server_said_and_ends_with_5() {
    let (url, asked) = answering(
        "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 64\r\n\r\n\
         {\"title\":\"not found\",\"detail\":\"no such project: x\",\"status\":404}",
    );
    let error = client(&url).post(&["projects"], &serde_json::json!({"name": "x"})).unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert_eq!(error.to_string(), format!("{url} refused: no such project: x"));
    assert!(asked.join().unwrap().ends_with("{\"name\":\"x\"}"));
}

#[test]
fn a_wrong_token_says_where_the_right_one_is() {
    let (url, _asked) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let error = client(&url).delete(&["keys", "x"], &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    let text = error.to_string();
    assert!(text.contains("HTTP 401") && text.contains("admin-token"), "{text}");
    assert!(!text.contains("secret-token"), "{text}");
}

#[test]
fn where_nothing_answers_the_error_names_the_url_and_what_to_do() {
    // Nobody listens on port 1.
    let url = "http://127.0.0.1:1";
    let error = client(url).get(&["projects"], &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Unreachable);
    let text = error.to_string();
    assert!(text.contains(url) && text.contains("fleetwright serve"), "{text}");
}

#[test]
fn https_where_there_is_none_is_told_from_a_server_that_is_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // Until the client has gone: what it has sent must not be answered by a reset.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = client(&url).get(&["projects"], &[]).unwrap_err().to_string();
    assert!(error.ends_with("is its URL http://?"), "{error}");
    server.join().unwrap();
}

#[test]
fn what_is_no_fleetwright_is_said_so() {
    let (url, _asked) = answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>");
    let error = client(&url).get(&["projects"], &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Failed);
    assert!(matches!(error, Error::Garbled { .. }), "{error}");
}

#[test]
fn settings_that_can_not_work_are_refused_before_any_call() {
    let with = |url: &str, token: &str| {
        let token = Secret::new(token.into());
        Client::with_token(&options(url), &token, CALL_TIMEOUT).map(|_| ()).unwrap_err()
    };
    let error = with("http://x", " \n");
    assert!(matches!(error, Error::NoToken) && error.to_string().contains("admin-token"));
    assert_eq!(error.exit(), Exit::Usage);
    assert_eq!(with("127.0.0.1:8080", "t").exit(), Exit::Usage);
    assert_eq!(with("http://x", "a b").exit(), Exit::Usage);
    let mut missing = options("https://x");
    missing.ca_cert = Some("/nonexistent/ca.pem".into());
    let token = Secret::new("t".to_owned());
    let made = Client::with_token(&missing, &token, CALL_TIMEOUT);
    assert!(matches!(made, Err(Error::Setting { .. })));
}
