use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::SystemEntropy;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::fixtures::{MARKER, ShellPhone, catalogue, device, set};
use crate::link::PhoneSession;
use crate::script::MARKER_PROPERTY;

const NAME: &str = "persist.test.a";

/// A link to one [`ShellPhone`], whatever the address, with faults on demand.
#[derive(Default)]
struct Fake {
    phone: Mutex<Option<ShellPhone>>,
    connects: AtomicUsize,
    open: AtomicUsize,
    /// How many of the next scripts lose their connection after they ran.
    lose: AtomicUsize,
    /// How many of the next scripts never answer.
    hang: AtomicUsize,
    /// How many of the next answers are cut short.
    garble: AtomicUsize,
    refuse: Mutex<Option<fn() -> LinkError>>,
    reboots: AtomicUsize,
    refuse_reboot: Mutex<Option<Refuse>>,
    /// Ends every connection at rest.
    end: Notify,
    hanging: Notify,
}

/// How a daemon answers that does not reboot.
type Refuse = fn() -> Result<String, LinkError>;

struct FakeSession(Arc<Fake>);

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes one off `count`, if there is one.
fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

struct FakeLink(Arc<Fake>);

#[async_trait]
impl PhoneLink for FakeLink {
    async fn connect(
        &self,
        _address: &str,
        _timeout: Duration,
    ) -> Result<Box<dyn PhoneSession>, LinkError> {
        self.0.connects.fetch_add(1, Ordering::SeqCst);
        if let Some(refuse) = *self.0.refuse.lock().unwrap() {
            return Err(refuse());
        }
        self.0.open.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FakeSession(Arc::clone(&self.0))))
    }
}

#[async_trait]
impl PhoneSession for FakeSession {
    async fn shell(
        &mut self,
        script: &str,
        _timeout: Duration,
        sent: &(dyn Fn() + Sync),
    ) -> Result<ShellOutput, LinkError> {
        sent();
        if take_one(&self.0.hang) {
            self.0.hanging.notify_one();
            std::future::pending::<()>().await;
        }
        let mut output = self.0.phone.lock().unwrap().as_ref().unwrap().run(script);
        if take_one(&self.0.garble) {
            output.stdout.pop();
        }
        if take_one(&self.0.lose) {
            return Err(LinkError::Lost("lost".to_owned()));
        }
        Ok(output)
    }

    async fn reboot(&mut self, _timeout: Duration) -> Result<String, LinkError> {
        self.0.reboots.fetch_add(1, Ordering::SeqCst);
        match *self.0.refuse_reboot.lock().unwrap() {
            Some(refuse) => refuse(),
            None => Ok(String::new()),
        }
    }

    async fn ended(&mut self) -> LinkError {
        self.0.end.notified().await;
        LinkError::Lost("ended".to_owned())
    }
}

struct Bench {
    fake: Arc<Fake>,
    phones: Phones,
    lost: mpsc::UnboundedReceiver<DeviceKey>,
}

fn bench_with(connections_max: usize, fault_points: FaultPoints) -> Bench {
    let fake = Arc::new(Fake::default());
    *fake.phone.lock().unwrap() = Some(ShellPhone::new());
    let (sender, lost) = mpsc::unbounded_channel();
    let mut options = Options::new(Arc::new(SystemEntropy));
    options.connections_max = connections_max;
    options.fault_points = fault_points;
    let link = Arc::new(FakeLink(Arc::clone(&fake)));
    let tell = move |device| sender.send(device).unwrap();
    let phones =
        Phones::with_link(link, Arc::new(CatalogueCell::new(catalogue())), Box::new(tell), options);
    Bench { fake, phones, lost }
}

fn bench() -> Bench {
    bench_with(8, FaultPoints::none())
}

impl Bench {
    async fn run(&self, device: &Device, value: &str) -> Report {
        self.phones.run(device, set(&[(NAME, value)])).await
    }

    fn connects(&self) -> usize {
        self.fake.connects.load(Ordering::SeqCst)
    }

    /// Waits until `count` connections are open.
    async fn until_open(&self, count: usize) {
        let open = || self.fake.open.load(Ordering::SeqCst);
        let wait = async {
            while open() != count {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(60);
        assert!(tokio::time::timeout(limit, wait).await.is_ok(), "{} open", open());
    }
}

fn numbered(number: i64) -> Device {
    Device { key: DeviceKey(number), ..device() }
}

fn shown(report: &Report) -> Option<&str> {
    match report {
        Report::Reached(reached) => reached.shown[NAME].as_deref(),
        Report::Away(away) => panic!("{away}"),
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let bench = bench();
    for value in ["1", "2", "3"] {
        assert_eq!(shown(&bench.run(&device(), value).await), Some(value));
    }
    assert_eq!(bench.connects(), 1);
    let moved = Device { address: "127.0.0.1:2".to_owned(), ..device() };
    assert_eq!(shown(&bench.run(&moved, "4").await), Some("4"));
    assert_eq!(bench.connects(), 2, "another address is another connection");
    bench.until_open(1).await;
    bench.phones.close().await;
    bench.until_open(0).await;
}

#[tokio::test]
async fn a_dead_connection_is_renewed_once() {
    let bench = bench();
    bench.run(&device(), "1").await;
    bench.fake.lose.store(1, Ordering::SeqCst);
    assert_eq!(shown(&bench.run(&device(), "2").await), Some("2"));
    assert_eq!(bench.connects(), 2);

    bench.fake.lose.store(2, Ordering::SeqCst);
    let report = bench.run(&device(), "3").await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
    assert_eq!(bench.connects(), 3);
    bench.until_open(0).await;

    bench.fake.lose.store(1, Ordering::SeqCst);
    let report = bench.run(&device(), "4").await;
    assert!(matches!(report, Report::Away(_)), "a new connection is not renewed");
    assert_eq!(bench.connects(), 4);
}

#[tokio::test]
async fn each_failure_of_the_link_has_its_name() {
    let bench = bench();
    let refuse = |error: fn() -> LinkError| *bench.fake.refuse.lock().unwrap() = Some(error);
    refuse(|| LinkError::Connect(std::io::ErrorKind::ConnectionRefused.into()));
    let report = bench.run(&device(), "1").await;
    let expected = Away::Unreachable("no connection: connection refused".to_owned());
    assert_eq!(report, Report::Away(expected));
    refuse(|| LinkError::Unauthorised("who".to_owned()));
    assert_eq!(bench.run(&device(), "1").await, Report::Away(Away::Unauthorised("who".to_owned())));
    refuse(|| LinkError::TimedOut(Duration::from_secs(5)));
    let expected = Away::Unreachable("no answer within 5 s".to_owned());
    assert_eq!(bench.run(&device(), "1").await, Report::Away(expected));
    refuse(|| LinkError::Protocol("http".to_owned()));
    assert_eq!(bench.run(&device(), "1").await, Report::Away(Away::Garbled("http".to_owned())));
}

#[tokio::test]
async fn a_dropped_action_leaves_no_connection() {
    let bench = bench();
    bench.run(&device(), "1").await;
    bench.fake.hang.store(1, Ordering::SeqCst);
    let device = device();
    tokio::select! {
        _ = bench.run(&device, "2") => panic!("it hangs"),
        () = bench.fake.hanging.notified() => {}
    }
    bench.until_open(0).await;
    assert_eq!(shown(&bench.run(&device, "3").await), Some("3"));
    assert_eq!(bench.connects(), 2);
}

#[tokio::test]
async fn the_one_that_rested_longest_makes_room() {
    let bench = bench_with(2, FaultPoints::none());
    for number in [1, 2, 1, 3] {
        bench.run(&numbered(number), "1").await;
    }
    bench.until_open(2).await;
    assert_eq!(bench.connects(), 3);
    bench.run(&numbered(1), "2").await;
    bench.run(&numbered(3), "2").await;
    assert_eq!(bench.connects(), 3, "2 was closed, not 1");
    bench.run(&numbered(2), "2").await;
    assert_eq!(bench.connects(), 4);
    bench.until_open(2).await;
}

#[tokio::test]
async fn with_every_connection_in_use_an_action_waits() {
    let bench = bench_with(1, FaultPoints::none());
    bench.fake.hang.store(1, Ordering::SeqCst);
    let (first, second) = (numbered(1), numbered(2));
    let first = bench.run(&first, "1");
    let second = bench.run(&second, "2");
    let mut second = std::pin::pin!(second);
    {
        let mut first = std::pin::pin!(first);
        tokio::select! {
            _ = &mut first => panic!("it hangs"),
            () = bench.fake.hanging.notified() => {}
        }
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(bench.connects(), 1);
    }
    assert_eq!(shown(&second.await), Some("2"));
}

#[tokio::test]
async fn the_end_of_a_watched_phone_is_told() {
    let mut bench = bench();
    bench.run(&device(), "1").await;
    bench.phones.watch(&device());
    bench.run(&device(), "2").await;
    bench.fake.end.notify_waiters();
    // The task at rest may not have begun to wait: ask until it has ended.
    let lost = async {
        loop {
            tokio::select! {
                event = bench.lost.recv() => return event,
                () = tokio::task::yield_now() => bench.fake.end.notify_waiters(),
            }
        }
    };
    let lost = tokio::time::timeout(Duration::from_secs(60), lost).await.unwrap();
    assert_eq!(lost, Some(device().key));
    bench.until_open(0).await;
}

/// Somebody else may answer at its address by now: an end before the watch must not be missed.
#[tokio::test]
async fn a_phone_that_went_before_it_was_watched_is_told_if_there_is_room() {
    let mut bench = bench_with(1, FaultPoints::none());
    bench.phones.watch(&numbered(1));
    assert_eq!(bench.lost.try_recv(), Ok(DeviceKey(1)), "no connection is left to watch");
    bench.run(&numbered(1), "1").await;
    bench.phones.watch(&numbered(1));
    bench.phones.watch(&numbered(2));
    assert!(bench.lost.try_recv().is_err(), "one is watched, there is no place for the other");
    assert_eq!(bench.connects(), 1);
}

/// Each look opens a connection, and its end asks for a look.
#[tokio::test]
async fn a_phone_that_closes_each_connection_is_not_looked_at_without_a_pause() {
    let mut bench = bench();
    for watched_in_time in [true, false] {
        bench.run(&device(), "1").await;
        let begun = Instant::now();
        if watched_in_time {
            bench.phones.watch(&device());
        }
        let end = async {
            loop {
                bench.fake.end.notify_waiters();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let told = async {
            if !watched_in_time {
                tokio::time::sleep(Duration::from_millis(500)).await;
                bench.phones.watch(&device());
            }
            bench.lost.recv().await
        };
        let told = tokio::select! { told = told => told, () = end => None };
        assert_eq!(told, Some(device().key));
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn nothing_is_kept_of_a_phone_that_is_deleted() {
    let mut bench = bench();
    for number in [1, 2] {
        bench.run(&numbered(number), "1").await;
        bench.phones.watch(&numbered(number));
    }
    bench.until_open(2).await;
    bench.phones.forget(DeviceKey(1));
    bench.until_open(1).await;
    // An action that was about to begin, and one that was under way.
    assert_eq!(shown(&bench.run(&numbered(1), "2").await), Some("2"));
    bench.until_open(1).await;
    bench.fake.hang.store(1, Ordering::SeqCst);
    let third = numbered(3);
    {
        let mut hanging = std::pin::pin!(bench.run(&third, "1"));
        tokio::select! {
            _ = &mut hanging => panic!("it hangs"),
            () = bench.fake.hanging.notified() => {}
        }
        bench.phones.forget(third.key);
    }
    bench.until_open(1).await;
    let connects = bench.connects();
    bench.phones.watch(&numbered(1));
    bench.phones.watch(&third);
    assert_eq!(shown(&bench.run(&numbered(2), "2").await), Some("2"));
    bench.phones.close().await;
    assert_eq!(bench.connects(), connects, "the others' are kept, and none is opened to watch");
    assert!(bench.lost.try_recv().is_err(), "nobody is told");
}

#[tokio::test]
async fn the_fault_point_lies_between_the_script_and_its_answer() {
    let passed = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&passed);
    let bench = bench_with(8, FaultPoints::with(move |point| log.lock().unwrap().push(point)));
    bench.run(&device(), "1").await;
    assert_eq!(*passed.lock().unwrap(), [FaultPoint::AfterSend]);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_ends_its_connection_and_another_device_does_not() {
    let bench = bench();
    let stranger = Device { marker: "stranger".to_owned(), ..device() };
    for _ in 0..2 {
        let report = bench.run(&stranger, "1").await;
        assert!(matches!(report, Report::Away(Away::WrongDevice { .. })), "{report:?}");
    }
    assert_eq!(bench.connects(), 1);
    bench.until_open(1).await;
    bench.fake.garble.store(1, Ordering::SeqCst);
    let report = bench.run(&stranger, "1").await;
    assert!(matches!(report, Report::Away(Away::Garbled(_))), "{report:?}");
    bench.until_open(0).await;
}

mod switching;
