//! A connection of an HTTP/1.1 client that does no more than it must: it writes bytes that were
//! made before, and of an answer reads the status and the body.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of one answer: 8,096 entries of an update have less than a fifth of it.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A kept-alive connection with at most one request in flight.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What came: the last answer.
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

/// Where the pieces of an answer are.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    status: u16,
    body_at: usize,
    end: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true).context("could not switch off Nagle's algorithm")?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// A connection that ends, and an answer that is not plain HTTP/1.1 with a length.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await.context("could not send a request")?;
        let layout = loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.context("could not read an answer")? == 0 {
                bail!("the server closed a connection within an answer");
            }
            if let Some(layout) = layout(&self.buffer)? {
                break layout;
            }
        };
        let body = self.buffer.get(layout.body_at..layout.end).unwrap_or_default();
        Ok(Answer { status: layout.status, body })
    }
}

/// Finds the pieces of an answer; `None` while it isn't whole.
fn layout(bytes: &[u8]) -> Result<Option<Layout>> {
    let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        if bytes.len() > ANSWER_BYTES_MAX {
            bail!("an answer's head has no end");
        }
        return Ok(None);
    };
    let head = bytes.get(..head_end).unwrap_or_default();
    let head = std::str::from_utf8(head).context("an answer's head is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.context("an answer doesn't begin with HTTP/1.1 and a status")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("an answer has no content-length")?;
    if length > ANSWER_BYTES_MAX {
        bail!("an answer of {length} bytes");
    }
    let body_at = head_end + 4;
    let end = body_at + length;
    if bytes.len() > end {
        bail!("an answer is longer than it says");
    }
    Ok((bytes.len() == end).then_some(Layout { status, body_at, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let whole = b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc";
        for cut in 0..whole.len() {
            assert_eq!(layout(&whole[..cut]).unwrap(), None, "{cut}");
        }
        let expected = Layout { status: 200, body_at: whole.len() - 3, end: whole.len() };
        assert_eq!(layout(whole).unwrap(), Some(expected));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let check = |answer: &str, error: &str| {
            let found = layout(answer.as_bytes()).unwrap_err().to_string();
            assert_eq!(found, error, "{answer:?}");
        };
        check("HTTP/1.1 200 OK\r\n\r\n", "an answer has no content-length");
        check("SSH-2.0-x\r\n\r\n", "an answer doesn't begin with HTTP/1.1 and a status");
        check("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab", "an answer is longer than it says");
        check("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", "an answer of 99999999 bytes");
    }
}
