//! Standard input: bytes that arrive while a script runs, within a bound.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A bounded queue of input bytes with one reader at a time.
#[derive(Debug, Default)]
pub struct Stdin {
    queue: Mutex<Queue>,
    /// Something arrived, or the end did.
    arrived: Notify,
    /// Something was taken.
    taken: Notify,
}

/// The bytes not yet read.
#[derive(Debug, Default)]
struct Queue {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Stdin {
    /// How much may wait unread; the sender waits from there on.
    pub const WAITING_BYTES_MAX: usize = 64 << 10;

    /// Input that is complete from the start.
    pub fn closed(bytes: Vec<u8>) -> Self {
        let queue = Queue { bytes: bytes.into(), closed: true };
        Stdin { queue: Mutex::new(queue), ..Stdin::default() }
    }

    /// Adds input; ignored after [`Stdin::close`].
    pub fn push(&self, bytes: &[u8]) {
        let mut queue = self.lock();
        if !queue.closed {
            queue.bytes.extend(bytes);
        }
        drop(queue);
        self.arrived.notify_one();
    }

    /// Ends the input.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Waits until less than [`Stdin::WAITING_BYTES_MAX`] is unread.
    pub async fn room(&self) {
        while self.lock().bytes.len() >= Self::WAITING_BYTES_MAX {
            self.taken.notified().await;
        }
    }

    /// Takes all that is there, waiting for at least one byte; none at the end.
    pub async fn chunk(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut queue = self.lock();
                if !queue.bytes.is_empty() {
                    let bytes = std::mem::take(&mut queue.bytes);
                    self.taken.notify_one();
                    return Some(bytes.into());
                }
                if queue.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Takes one byte; none at the end. `read` must not take more than its line.
    pub async fn byte(&self) -> Option<u8> {
        loop {
            {
                let mut queue = self.lock();
                if let Some(byte) = queue.bytes.pop_front() {
                    self.taken.notify_one();
                    return Some(byte);
                }
                if queue.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// A poisoned lock still holds whole bytes: no step leaves the queue half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
