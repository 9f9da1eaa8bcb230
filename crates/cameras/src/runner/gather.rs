//! Lets messages gather where many come: one turn that takes ten costs hardly more than one that
//! takes a single one, since it receives, writes and sends all of them at once.

use std::time::Duration;

use tokio::time::Instant;

/// How long messages are counted before the count begins anew: long enough for a stream to be told
/// from a few that come together, short enough for a herd to be seen as one at once.
const WINDOW: Duration = Duration::from_millis(100);
/// Messages within [`WINDOW`] of a stream that is not dense yet: 1,000 a second, one in each
/// [`PAUSE`]. Below that there is nothing to gather.
const THIN_MAX: usize = 100;
/// How long after a turn that took messages the next one may begin: one tick of the runtime's
/// timer, which is as short as it can wait. It may take one tick more.
const PAUSE: Duration = Duration::from_millis(1);

/// How dense messages have come lately.
#[derive(Debug)]
pub(super) struct Gather {
    /// When the count began.
    began: Instant,
    /// Messages since.
    count: usize,
    /// Messages in the window right before.
    before: usize,
    /// When some were last taken.
    taken_at: Instant,
}

impl Gather {
    /// Nothing has come.
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, count: 0, before: 0, taken_at: now }
    }

    /// A turn has taken messages.
    pub(super) fn took(&mut self, now: Instant, messages: usize) {
        let age = now.saturating_duration_since(self.began);
        if age >= WINDOW {
            self.before = if age < 2 * WINDOW { self.count } else { 0 };
            (self.began, self.count) = (now, 0);
        }
        self.count += messages;
        self.taken_at = now;
    }

    /// When the next messages are taken, if they are let gather until then.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        let age = now.saturating_duration_since(self.began);
        let is_dense =
            (self.count > THIN_MAX && age < 2 * WINDOW) || (self.before > THIN_MAX && age < WINDOW);
        let until = self.taken_at + PAUSE;
        (is_dense && until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the messages that come so far apart for a second are waited with, the first
    /// quarter of that second not counted.
    fn waits(apart: Duration) -> (usize, usize) {
        let begun = Instant::now();
        let mut gather = Gather::new(begun);
        let (mut waits, mut all) = (0, 0);
        let mut now = begun;
        while now < begun + Duration::from_secs(1) {
            gather.took(now, 1);
            if now >= begun + Duration::from_millis(250) {
                all += 1;
                waits += usize::from(gather.until(now).is_some());
            }
            now += apart;
        }
        (waits, all)
    }

    #[test]
    fn a_thin_stream_never_waits_and_a_dense_one_does() {
        for micros in [1_000, 1_500, 10_000, 150_000] {
            assert_eq!(waits(Duration::from_micros(micros)).0, 0, "{micros}");
        }
        for micros in [900, 300, 10] {
            let (waits, all) = waits(Duration::from_micros(micros));
            assert_eq!(waits, all, "{micros}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_the_pause_and_it_ends_with_the_stream() {
        let begun = Instant::now();
        let mut gather = Gather::new(begun);
        gather.took(begun, 100);
        assert_eq!(gather.until(begun), None);
        gather.took(begun, 1);
        assert_eq!(gather.until(begun), Some(begun + PAUSE));
        assert_eq!(gather.until(begun + PAUSE), None, "the turn itself took as long");
        // The first one after a silence.
        for silence in [2, 3, 1_000] {
            let mut gather = Gather::new(begun);
            gather.took(begun, 5_000);
            let later = begun + silence * WINDOW;
            gather.took(later, 1);
            assert_eq!(gather.until(later), None, "{silence}");
        }
    }
}
