use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use fleet::{Catalogue, EventTypes, Principal};
use store::{Refused, StoredWebhook};
use tokio::time::{Instant, sleep};

use super::*;
use crate::command::Error;
use crate::events::{Events, Happened};
use crate::operate::stage::{Stage, project};

/// Longer than anything here may take, by the paused clock.
const SOON: Duration = Duration::from_secs(3_600);

/// Receivers, by URL.
#[derive(Default)]
struct Receivers {
    /// What each answers; 200 if nothing is said of it. 0 never answers, and one above 1000 answers
    /// that less 1000 at the last moment.
    answers: Mutex<HashMap<String, u16>>,
    /// What each has taken: devices by id, in order.
    taken: Mutex<HashMap<String, Vec<String>>>,
    /// Deliveries that are under way, and the most that were at one time.
    under_way: Mutex<(usize, usize)>,
    /// How often each was asked.
    asked: Mutex<HashMap<String, usize>>,
    /// The secret that each was last told with.
    secrets: Mutex<HashMap<String, String>>,
}

impl Receivers {
    fn answer(&self, url: &str, status: u16) {
        self.answers.lock().unwrap().insert(url.to_owned(), status);
    }

    fn taken(&self, url: &str) -> Vec<String> {
        self.taken.lock().unwrap().get(url).cloned().unwrap_or_default()
    }

    fn asked(&self, url: &str) -> usize {
        self.asked.lock().unwrap().get(url).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Deliver for Receivers {
    async fn deliver(
        &self,
        receiver: &Receiver,
        delivery: &Delivery,
        _: Timestamp,
    ) -> Result<Answer, NoAnswer> {
        let url = receiver.url.clone();
        *self.asked.lock().unwrap().entry(url.clone()).or_default() += 1;
        self.secrets.lock().unwrap().insert(url.clone(), receiver.secret.expose().clone());
        {
            let mut under_way = self.under_way.lock().unwrap();
            under_way.0 += 1;
            under_way.1 = under_way.1.max(under_way.0);
        }
        let status = self.answers.lock().unwrap().get(&url).copied().unwrap_or(200);
        let is_slow = status == 0 || status > 1_000;
        sleep(if is_slow { limits::DELIVERY_TIMEOUT } else { Duration::from_millis(5) }).await;
        self.under_way.lock().unwrap().0 -= 1;
        if status == 0 {
            return Err(NoAnswer("no answer in time".to_owned()));
        }
        if status == 200 {
            let ids = delivery.events.iter().filter_map(|(_, event)| match &event.what {
                Happened::DeviceChanged { id: Some(id), .. } => Some(id.as_str().to_owned()),
                _ => None,
            });
            self.taken.lock().unwrap().entry(url).or_default().extend(ids);
        }
        Ok(Answer { status: status % 1_000, detail: String::new() })
    }
}

/// A node that delivers.
async fn delivering(mut stage: Stage) -> (Stage, Arc<Receivers>) {
    let receivers = Arc::new(Receivers::default());
    let events = Events::new(&stage.handle);
    stage.engine.deliver_webhooks(events, receivers.clone());
    (stage, receivers)
}

fn new(project_id: Option<&str>, url: &str) -> NewWebhook {
    NewWebhook {
        project: project_id.map(project),
        url: url.to_owned(),
        insecure: false,
        types: "device.changed".parse().unwrap(),
        secret: None,
        enabled: true,
    }
}

async fn create(stage: &Stage, project_id: Option<&str>, url: &str) -> String {
    stage.handle.create_webhook(&stage.admin, new(project_id, url)).await.unwrap().0
}

/// Puts phones on record, which nobody answers for: each is told as changed, once by its record.
async fn import(stage: &Stage, project: &str, range: std::ops::Range<usize>) {
    for number in range {
        let id = format!("{project}{number}");
        stage.import(project, &id, &format!("{id}:1"), "simulated").await;
    }
}

/// Waits until this holds. The engine's clock goes as the runtime's does.
async fn until(stage: &Stage, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    const STEP_MS: u64 = 20;
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < SOON, "{what}");
        sleep(Duration::from_millis(STEP_MS)).await;
        stage.clock.forward(STEP_MS as i64);
    }
}

async fn stored(stage: &Stage, id: &str) -> StoredWebhook {
    stage.handle.reads().webhook(&stage.admin, id).await.unwrap().unwrap()
}

/// These ids once each, in the order in which they first come: a step of a lane may follow its
/// device's record.
fn once(ids: &[String]) -> Vec<String> {
    let mut seen = Vec::new();
    for id in ids {
        if !seen.contains(id) {
            seen.push(id.clone());
        }
    }
    seen
}

fn ids(project: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{project}{number}")).collect()
}

const ONE: &str = "https://one.example/x?key=1";
const TWO: &str = "https://two.example/";

#[tokio::test(start_paused = true)]
async fn what_happens_in_a_project_is_delivered_to_its_own_webhooks_in_order() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    import(&stage, "p", 0..2).await;
    create(&stage, Some("p"), ONE).await;
    create(&stage, None, TWO).await;
    import(&stage, "p", 2..10).await;
    import(&stage, "q", 0..2).await;
    let all = [ids("p", 2..10), ids("q", 0..2)].concat();
    // Lanes of those before may be told of too, to who is told of all.
    let told = || {
        let taken = once(&receivers.taken(TWO));
        taken.into_iter().filter(|id| all.contains(id)).collect::<Vec<_>>()
    };
    until(&stage, "all to be told", async || told().len() == all.len()).await;
    assert_eq!(told(), all);
    let own = || {
        let taken = once(&receivers.taken(ONE));
        taken.into_iter().filter(|id| all.contains(id)).collect::<Vec<_>>()
    };
    until(&stage, "the project's own", async || own().len() == 8).await;
    assert_eq!(own(), ids("p", 2..10));
    assert!(receivers.taken(ONE).iter().all(|id| id.starts_with('p')));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_away_is_told_all_and_where_it_stands_is_on_record() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    let id = create(&stage, Some("p"), ONE).await;
    receivers.answer(ONE, 503);
    import(&stage, "p", 0..300).await;
    until(&stage, "a few failures", async || stored(&stage, &id).await.failures >= 3).await;
    let failing = stored(&stage, &id).await;
    assert_eq!(failing.last_failure.as_deref(), Some("HTTP status 503"));
    assert!(failing.last_failure_at.is_some() && failing.next_attempt_at.is_some());
    receivers.answer(ONE, 200);
    until(&stage, "all to be told", async || once(&receivers.taken(ONE)).len() == 300).await;
    assert_eq!(once(&receivers.taken(ONE)), ids("p", 0..300));
    until(&stage, "it to be on record", async || {
        let now = stored(&stage, &id).await;
        now.failures == 0 && now.last_success_at.is_some() && now.position != failing.position
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_keeps_nobody_waiting() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    receivers.answer(ONE, 0);
    create(&stage, Some("p"), ONE).await;
    create(&stage, Some("p"), TWO).await;
    let began = Instant::now();
    import(&stage, "p", 0..20).await;
    until(&stage, "the other to be told", async || once(&receivers.taken(TWO)).len() == 20).await;
    assert!(began.elapsed() < limits::DELIVERY_TIMEOUT, "{:?}", began.elapsed());
    assert!(receivers.taken(ONE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn so_many_deliveries_are_under_way_and_one_of_each() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    let projects = ["p", "q", "r", "s", "t"];
    for id in &projects[2..] {
        let (admin, new) = (&stage.admin, Some(project(id)));
        stage.handle.create_project(admin, (*id).to_owned(), new, String::new()).await.unwrap();
    }
    let urls: Vec<String> = (0..15).map(|n| format!("https://r{n}.example/")).collect();
    for (number, url) in urls.iter().enumerate() {
        receivers.answer(url, 0);
        create(&stage, Some(projects[number % 5]), url).await;
    }
    for id in projects {
        import(&stage, id, 0..3).await;
    }
    let all_asked = async || urls.iter().all(|url| receivers.asked(url) > 0);
    until(&stage, "all to be asked", all_asked).await;
    let most = receivers.under_way.lock().unwrap().1;
    assert_eq!(most, limits::DELIVERIES_AT_A_TIME);
}

#[tokio::test(start_paused = true)]
async fn a_projects_receivers_that_hang_leave_room_for_the_others() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    for number in 0..limits::WEBHOOKS_PER_PROJECT_MAX {
        let url = format!("https://r{number}.example/");
        receivers.answer(&url, 0);
        create(&stage, Some("p"), &url).await;
    }
    create(&stage, Some("q"), TWO).await;
    import(&stage, "p", 0..1).await;
    let under_way = || receivers.under_way.lock().unwrap().0;
    let share = limits::DELIVERIES_PER_PROJECT;
    until(&stage, "the project's share", async || under_way() == share).await;
    let began = Instant::now();
    import(&stage, "q", 0..3).await;
    until(&stage, "the other to be told", async || once(&receivers.taken(TWO)).len() == 3).await;
    assert!(began.elapsed() < limits::DELIVERY_TIMEOUT, "{:?}", began.elapsed());
    sleep(limits::DELIVERY_TIMEOUT * 3).await;
    let most = receivers.under_way.lock().unwrap().1;
    assert_eq!(most, share + 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_spoils_no_change_that_was_made_meanwhile() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    receivers.answer(ONE, 1_410);
    let id = create(&stage, Some("p"), ONE).await;
    import(&stage, "p", 0..1).await;
    until(&stage, "it to be asked", async || receivers.asked(ONE) > 0).await;
    let change = WebhookChange { url: Some(TWO.to_owned()), ..WebhookChange::default() };
    stage.handle.change_webhook(&stage.admin, &id, change).await.unwrap();
    until(&stage, "the other to be told", async || !receivers.taken(TWO).is_empty()).await;
    assert!(stored(&stage, &id).await.enabled);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_told_no_more_until_it_is_enabled() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    receivers.answer(ONE, 410);
    let id = create(&stage, Some("p"), ONE).await;
    import(&stage, "p", 0..1).await;
    until(&stage, "it to be disabled", async || !stored(&stage, &id).await.enabled).await;
    let asked = receivers.asked(ONE);
    import(&stage, "p", 1..3).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(receivers.asked(ONE), asked);
    assert_eq!(stored(&stage, &id).await.last_failure.as_deref(), Some("HTTP status 410"));
    receivers.answer(ONE, 200);
    let enable = WebhookChange { enabled: Some(true), ..WebhookChange::default() };
    stage.handle.change_webhook(&stage.admin, &id, enable).await.unwrap();
    until(&stage, "all to be told", async || once(&receivers.taken(ONE)).len() == 3).await;
    assert_eq!(once(&receivers.taken(ONE)), ids("p", 0..3), "nothing is lost by it");
}

#[tokio::test(start_paused = true)]
async fn a_change_holds_for_the_next_delivery_and_a_deleted_one_is_told_nothing() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    let id = create(&stage, Some("p"), ONE).await;
    import(&stage, "p", 0..1).await;
    until(&stage, "the first", async || !receivers.taken(ONE).is_empty()).await;
    let first = receivers.secrets.lock().unwrap()[ONE].clone();
    let url = Some(TWO.to_owned());
    let change = WebhookChange { url, new_secret: true, ..WebhookChange::default() };
    let secret = stage.handle.change_webhook(&stage.admin, &id, change).await.unwrap();
    import(&stage, "p", 1..2).await;
    until(&stage, "the second", async || receivers.taken(TWO).contains(&"p1".to_owned())).await;
    assert!(!receivers.taken(ONE).contains(&"p1".to_owned()));
    let second = receivers.secrets.lock().unwrap()[TWO].clone();
    assert_eq!(Some(&second), secret.as_ref().map(Secret::expose));
    assert_ne!(first, second);
    stage.handle.delete_webhook(&stage.admin, &id).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let asked = receivers.asked(TWO);
    import(&stage, "p", 2..3).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(receivers.asked(TWO), asked);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_does_so_from_the_place_on_record() {
    let began = Timestamp(1_800_000_000_000);
    let inline = store::sqlite::Inline::new(
        Arc::new(move || began),
        fleet::fault_point::FaultPoints::none(),
    );
    let inline = inline.unwrap();
    let catalogue = || Catalogue::built_in().unwrap();
    let first = Stage::node(&inline, "first", catalogue()).await;
    let made = first.handle.create_project(
        &first.admin,
        "p".to_owned(),
        Some(project("p")),
        String::new(),
    );
    made.await.unwrap();
    let (first, told_by_first) = delivering(first).await;
    let id = create(&first, Some("p"), ONE).await;
    let from = stored(&first, &id).await.position;
    import(&first, "p", 0..5).await;
    until(&first, "the first to tell", async || once(&told_by_first.taken(ONE)).len() == 5).await;
    first.engine.stop().await;
    let second = Stage::node(&inline, "second", catalogue()).await;
    assert_ne!(stored(&second, &id).await.position, from, "what was taken is on record");
    import(&second, "p", 5..10).await;
    let (second, told_by_second) = delivering(second).await;
    let new = || {
        let taken = once(&told_by_second.taken(ONE)).into_iter();
        taken.filter(|id| ids("p", 5..10).contains(id)).collect::<Vec<_>>()
    };
    until(&second, "the second to tell", async || new().len() == 5).await;
    assert_eq!(new(), ids("p", 5..10));
    drop(second);
}

#[tokio::test]
async fn a_trial_tells_what_came_back_and_changes_nothing() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    let mut webhook = new(Some("p"), ONE);
    webhook.enabled = false;
    let (id, _) = stage.handle.create_webhook(&stage.admin, webhook).await.unwrap();
    let before = stored(&stage, &id).await;
    for status in [200, 500] {
        receivers.answer(ONE, status);
        let tried = stage.handle.try_webhook(&stage.admin, &id).await.unwrap();
        let answer = tried.answer.unwrap();
        assert_eq!((answer.status, answer.is_taken()), (status, status == 200));
    }
    assert_eq!(stored(&stage, &id).await, before);
    assert_eq!(receivers.asked(ONE), 2);
}

#[tokio::test(start_paused = true)]
async fn so_many_trials_are_under_way_whoever_waits_for_them() {
    let (stage, receivers) = delivering(Stage::new().await).await;
    receivers.answer(ONE, 0);
    let id = create(&stage, Some("p"), ONE).await;
    let trial = || stage.handle.try_webhook(&stage.admin, &id);
    for _ in 0..limits::TRIALS_AT_A_TIME {
        let gone = tokio::time::timeout(Duration::from_millis(100), trial()).await;
        assert!(gone.is_err(), "who has asked goes away: {gone:?}");
    }
    assert_eq!(receivers.under_way.lock().unwrap().0, limits::TRIALS_AT_A_TIME);
    let refused = trial().await.unwrap_err();
    assert!(matches!(refused, Error::Busy), "{refused}");
    // Deliveries are made meanwhile.
    create(&stage, Some("p"), TWO).await;
    import(&stage, "p", 0..1).await;
    until(&stage, "it to be told", async || !receivers.taken(TWO).is_empty()).await;
    sleep(limits::DELIVERY_TIMEOUT).await;
    receivers.answer(ONE, 200);
    assert!(trial().await.unwrap().answer.is_ok());
}

#[tokio::test]
async fn what_can_not_be_a_webhook_is_refused_in_words() {
    let (stage, _) = delivering(Stage::new().await).await;
    let refused = async |new: NewWebhook| {
        let made = stage.handle.create_webhook(&stage.admin, new).await;
        made.map(|_| ()).unwrap_err().to_string()
    };
    let short = Some(Secret::new("short".to_owned()));
    let types = [fleet::EventType::ProjectsChanged].into_iter().collect();
    let none: EventTypes = [].into_iter().collect();
    for (new, expected) in [
        (new(Some("p"), "http://receiver.example/"), "url: goes to another machine by http"),
        (new(Some("p"), "https://a:b@c/"), "url: must not hold a user name"),
        (NewWebhook { secret: short, ..new(Some("p"), ONE) }, "secret: must be 16 to 256"),
        (NewWebhook { types, ..new(Some("p"), ONE) }, "types: projects.changed is told"),
        (NewWebhook { types: none, ..new(Some("p"), ONE) }, "types: there is none"),
        (new(Some("none"), ONE), "no such project"),
    ] {
        let error = refused(new).await;
        assert!(error.starts_with(expected), "{error}");
    }
    let other = stage.handle.reads().project(&stage.admin, &project("q")).await.unwrap().unwrap();
    let user = Principal::user("eve", vec![other.key]);
    let id = create(&stage, Some("p"), ONE).await;
    let hidden = stage.handle.delete_webhook(&user, &id).await.unwrap_err();
    assert!(matches!(hidden, Error::Refused(Refused::NoSuchWebhook(_))), "{hidden}");
    let hidden = stage.handle.try_webhook(&user, &id).await.unwrap_err();
    assert!(matches!(hidden, Error::Refused(Refused::NoSuchWebhook(_))), "{hidden}");
    let all = stage.handle.create_webhook(&user, new(None, ONE)).await.unwrap_err();
    assert!(matches!(all, Error::Refused(Refused::NoSuchServer(_))), "{all}");
}

#[test]
fn webhooks_are_spread_over_the_shards() {
    let shards: std::collections::BTreeSet<Shard> =
        (0..2_000).map(|number: u32| shard(&number.to_string())).collect();
    assert!(shards.len() > 250, "{}", shards.len());
    assert_eq!(shard("a"), shard("a"));
}
