//! Master keys changed in a file, and what both engines are tested with. Those in a PostgreSQL
//! database are in `crate::postgres::tests`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::conformance::fixture::{AT, camera_id};
use crate::copy::tables::{Table, bytes, integer, table, text};
use crate::copy::tests::Stored;
use crate::sqlite::{DirectoryLock, Options, Sqlite};

/// The project of the keys and the cameras.
const PROJECT: &str = "project-1";

/// Cameras that there are. The second and each third after it has no password, and the first and
/// each fourth after it has an old one besides.
const CAMERAS: usize = 7;

/// What is sealed, of each column.
pub(crate) const VALUES: [(&str, &str, u64); 5] = [
    ("access_key", "sealed_secret", 3),
    ("camera", "sealed_password", 5),
    ("camera", "old_sealed_password", 2),
    ("enrolment", "sealed_password", 1),
    ("webhook", "sealed_secret", 2),
];

/// The tags of the cameras, by device.
const TAGS: Table = table("camera", 1, &[integer("device"), bytes("password_tag")]);

/// The keys of calls, by caller.
const KEYS: Table = table("idempotency", 1, &[text("caller")]);

/// A key.
fn key(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; 32])
}

/// A nonce, another each time.
fn nonce() -> [u8; 24] {
    static NONCES: AtomicU8 = AtomicU8::new(0);
    [NONCES.fetch_add(1, Ordering::Relaxed); 24]
}

/// A hash that depends on all that it must.
fn tag(key: &MasterKey, place: &[&str; 3], plain: &[u8]) -> [u8; 16] {
    let hash = key.derive(&format!("{place:?} {plain:?}"));
    hash[..16].try_into().unwrap()
}

/// Changes one key for another, in small batches.
async fn change(
    place: &Place,
    (old, new): (&MasterKey, &MasterKey),
    leave_lost: bool,
    watch: Watch<'_>,
) -> Result<Vec<Rekeyed>, RekeyError> {
    let store = small(place).await;
    let fault_points = &FaultPoints::none();
    let change = Change { old, new, nonce: &nonce, tag: &tag, leave_lost, fault_points };
    let result = store.run(&change, watch).await;
    store.close().await.unwrap();
    result
}

/// Opens a store for small batches.
async fn small(place: &Place) -> Rekeying {
    Rekeying { batch: 2, ..Rekeying::open(place, AT).await.unwrap() }
}

/// Watches and never breaks off.
fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A statement with its parameters.
fn run(sql: &str, params: impl Into<Row>) -> (Arc<str>, Row) {
    (sql.into(), params.into())
}

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Fills a store with secrets that this key has sealed.
async fn fill(place: &Place, key: &MasterKey) {
    let store = Rekeying::open(place, AT).await.unwrap();
    let seal = |place: [&str; 3], plain: &str| {
        Value::Bytes(key.seal(nonce(), &place, plain.as_bytes()).unwrap())
    };
    let mut changes = vec![
        run(
            "INSERT INTO project (key, id, name, created_at, updated_at)
             VALUES (7, $1, 'name', 1, 1)",
            [word(PROJECT)],
        ),
        put(HOST_KEY, &hex::encode(key.seal(nonce(), &HOST_KEY_PLACE, b"pem").unwrap())),
        put(MASTER_KEY_CHECK, &check_of(key)),
    ];
    for (ak, of, revoked) in [("A", PROJECT, false), ("B", "", false), ("C", PROJECT, true)] {
        let number = |is: bool, number| if is { Value::Integer(number) } else { Value::Null };
        let secret = seal([of, ak, ACCESS_KEY_SECRET], &format!("secret of {ak}"));
        changes.push(run(
            "INSERT INTO access_key (ak, project, sealed_secret, created_at, revoked_at)
             VALUES ($1, $2, $3, 1, $4)",
            [word(ak), number(!of.is_empty(), 7), secret, number(revoked, 2)],
        ));
    }
    for camera in 0..CAMERAS {
        let (device, id) = (Value::Integer(camera as i64 + 10), camera_id(camera));
        changes.push(run(
            "INSERT INTO device (key, project, kind, id, name, server, address, profile, marker,
                 created_at, updated_at)
             VALUES ($1, 7, 'camera', $2, '', '', '', 'gb28181', $3, 1, 1)",
            [device.clone(), word(&id), word(&format!("marker {camera}"))],
        ));
        let place = [PROJECT, &id, REGISTRATION_PASSWORD];
        let password = format!("password {camera}");
        let (sealed, tag) = match camera % 3 {
            1 => (Value::Null, Value::Null),
            _ => {
                let tag = tag(key, &place, password.as_bytes());
                (seal(place, &password), Value::Bytes(tag.to_vec()))
            }
        };
        let old = if camera % 4 == 0 { seal(place, "old password") } else { Value::Null };
        changes.push(run(
            "INSERT INTO camera (device, project, sealed_password, password_tag,
                 old_sealed_password)
             VALUES ($1, 7, $2, $3, $4)",
            [device, sealed, tag, old],
        ));
    }
    changes.push(run(
        "INSERT INTO enrolment (project, sealed_password, prefixes, ends_at, actor, set_at)
         VALUES (7, $1, '[]', 1, '', 1)",
        [seal([PROJECT, "", ENROLMENT_PASSWORD], "enrolment password")],
    ));
    for (id, of, project) in [("W", PROJECT, Value::Integer(7)), ("V", "", Value::Null)] {
        let secret = seal([of, id, WEBHOOK_SECRET], &format!("secret of {id}"));
        changes.push(run(
            "INSERT INTO webhook (id, project, url, filter, sealed_secret, enabled, position,
                 created_at, created_by, updated_at)
             VALUES ($1, $2, '', '', $3, $4, '', 1, '', 1)",
            [word(id), project, secret, Value::Flag(true)],
        ));
    }
    changes.push(run(
        "INSERT INTO idempotency (caller, key_hash, fingerprint, request, node, begun_at,
             expires_at)
         VALUES ($1, $2, $2, $2, '', 1, 1)",
        [word("caller"), Value::Bytes(vec![0; 16])],
    ));
    store.side.change(changes).await.unwrap();
    store.close().await.unwrap();
}

/// Asserts that all of it opens under a key, and is what was put there.
async fn assert_opens(place: &Place, key: &MasterKey) {
    let store = small(place).await;
    let opened = store.check(&[key], false, &mut go_on).await.unwrap();
    assert_eq!(counts(&opened), VALUES);
    for sealed in SEALED {
        let mut pages = Pages::of(&*store.side, sealed, 100).await.unwrap();
        for value in pages.next().await.unwrap() {
            let plain = value.open(sealed, &[key]).unwrap();
            let plain = std::str::from_utf8(plain.expose()).unwrap();
            let expected = match (sealed.column(), &value.key) {
                ("sealed_secret", Value::Text(id)) => format!("secret of {id}"),
                ("sealed_password", Value::Integer(_)) if sealed.table() == "enrolment" => {
                    "enrolment password".to_owned()
                }
                ("sealed_password", Value::Integer(device)) => format!("password {}", device - 10),
                _ => "old password".to_owned(),
            };
            assert_eq!(plain, expected);
        }
    }
    let pem = store.open_host_key(&[key]).await.unwrap().unwrap();
    assert_eq!(pem.expose(), b"pem");
    store.close().await.unwrap();
}

/// Asserts that the tags are those of a key.
async fn assert_tags(place: &Place, key: &MasterKey) {
    let store = small(place).await;
    let sql = "SELECT device, password_tag FROM camera ORDER BY device".to_owned();
    let found = store.side.found(&TAGS, sql, Vec::new()).await.unwrap();
    assert_eq!(found.len(), CAMERAS);
    for (camera, row) in found.into_iter().enumerate() {
        let id = camera_id(camera);
        let plain = format!("password {camera}");
        let expected = tag(key, &[PROJECT, &id, REGISTRATION_PASSWORD], plain.as_bytes());
        let expected = if camera % 3 == 1 { Value::Null } else { Value::Bytes(expected.to_vec()) };
        assert_eq!(row[1], expected, "camera {camera}");
    }
    store.close().await.unwrap();
}

fn counts(rekeyed: &[Rekeyed]) -> Vec<(&'static str, &'static str, u64)> {
    rekeyed.iter().map(|one| (one.table, one.column, one.values)).collect()
}

pub(crate) async fn everything_is_sealed_again(place: &Place) {
    let (old, new) = (key(1), key(2));
    fill(place, &old).await;
    assert_opens(place, &old).await;
    assert_tags(place, &old).await;
    let mut told = BTreeSet::new();
    let mut watch = |progress: Progress| {
        assert!(progress.values <= progress.of, "{progress:?}");
        told.insert((progress.step == Step::Sealing, progress.table, progress.column));
        ControlFlow::Continue(())
    };
    let rekeyed = change(place, (&old, &new), false, &mut watch).await.unwrap();
    assert_eq!(counts(&rekeyed), VALUES);
    assert!(rekeyed.iter().all(|column| column.lost == 0), "{rekeyed:?}");
    assert_eq!(told.len(), 2 * VALUES.len(), "{told:?}");
    assert_opens(place, &new).await;
    assert_tags(place, &new).await;
    let store = small(place).await;
    assert_eq!(store.standing(&old, &new).await.unwrap(), Standing::Ended);
    assert_eq!(store.kept(RETIRING_KEY_CHECK).await.unwrap(), None);
    let left = store.side.found(&KEYS, "SELECT caller FROM idempotency".to_owned(), Vec::new());
    assert_eq!(left.await.unwrap(), Vec::<Row>::new(), "answers that nobody can open any more");
    let closed = store.check(&[&old], false, &mut go_on).await.unwrap_err();
    let wrong = matches!(closed, RekeyError::Closed { source: SealError::WrongKey { .. }, .. });
    assert!(wrong, "{closed:?}");
    store.close().await.unwrap();
    // Asked for again it is checked alone; and the next key takes its place as it did.
    change(place, (&old, &new), false, &mut go_on).await.unwrap();
    assert_opens(place, &new).await;
    let third = key(3);
    change(place, (&new, &third), false, &mut go_on).await.unwrap();
    assert_opens(place, &third).await;
    assert_tags(place, &third).await;
}

pub(crate) async fn what_is_broken_off_at_any_step_goes_on(place: &Place) {
    let (old, new) = (key(1), key(2));
    fill(place, &old).await;
    for steps in 0.. {
        let mut left = steps;
        let mut watch = |_| {
            let ends = left == 0;
            left = if ends { 0 } else { left - 1 };
            if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = change(place, (&old, &new), false, &mut watch).await;
        // Whoever has both keys opens everything, at any time.
        assert_opens(place, &key(2).beside(key(1))).await;
        let store = small(place).await;
        let standing = store.standing(&old, &new).await.unwrap();
        store.close().await.unwrap();
        match result {
            Err(RekeyError::Stopped) => assert_eq!(standing, Standing::Begun, "{steps}"),
            Ok(rekeyed) => {
                assert_eq!((counts(&rekeyed), standing), (VALUES.to_vec(), Standing::Ended));
                assert!(steps > 2 * VALUES.len(), "it was broken off {steps} times");
                break;
            }
            Err(error) => panic!("{error:?} after {steps} steps"),
        }
    }
    assert_opens(place, &new).await;
    assert_tags(place, &new).await;
}

pub(crate) async fn what_a_lost_key_has_sealed_is_refused_or_left(place: &Place) {
    let (old, new) = (key(1), key(2));
    fill(place, &old).await;
    let lost = key(9).seal(nonce(), &[PROJECT, "A", ACCESS_KEY_SECRET], b"lost").unwrap();
    let store = small(place).await;
    let sql = "UPDATE access_key SET sealed_secret = $1 WHERE ak = 'A'";
    store.side.change(vec![run(sql, [Value::Bytes(lost.clone())])]).await.unwrap();
    let found = store.check(&[&old], true, &mut go_on).await.unwrap();
    assert_eq!((found[0].values, found[0].lost, found[1].lost), (2, 1, 0));
    store.close().await.unwrap();
    let error = change(place, (&old, &new), false, &mut go_on).await.unwrap_err();
    let RekeyError::Closed { table, row, column, .. } = error else { panic!("{error:?}") };
    assert_eq!((table, &*row, column), ("access_key", "\"A\"", "sealed_secret"));
    let rekeyed = change(place, (&old, &new), true, &mut go_on).await.unwrap();
    assert_eq!((rekeyed[0].values, rekeyed[0].lost), (2, 1));
    let store = small(place).await;
    let mut pages = Pages::of(&*store.side, &SEALED[0], 100).await.unwrap();
    assert_eq!(pages.next().await.unwrap()[0].sealed, lost, "it is as it was");
    // What is damaged is lost to nobody's knowledge, and never passed over.
    let mut damaged = new.seal(nonce(), &[PROJECT, "A", ACCESS_KEY_SECRET], b"x").unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    store.side.change(vec![run(sql, [Value::Bytes(damaged)])]).await.unwrap();
    let error = store.check(&[&new], true, &mut go_on).await.unwrap_err();
    let is_damaged = matches!(error, RekeyError::Closed { source: SealError::Damaged, .. });
    assert!(is_damaged, "{error:?}");
    store.close().await.unwrap();
}

pub(crate) async fn a_store_of_another_key_is_refused(place: &Place) {
    let (old, new, third) = (key(1), key(2), key(3));
    fill(place, &old).await;
    let error = change(place, (&third, &new), false, &mut go_on).await.unwrap_err();
    assert!(matches!(error, RekeyError::OtherKey), "{error:?}");
    assert_opens(place, &old).await;
    // Begun with another pair.
    let stop = change(place, (&old, &new), false, &mut |_| ControlFlow::Break(())).await;
    assert!(matches!(stop, Err(RekeyError::Stopped)), "{stop:?}");
    for pair in [(&old, &third), (&new, &third), (&third, &new)] {
        let error = change(place, pair, false, &mut go_on).await.unwrap_err();
        assert!(matches!(error, RekeyError::OneOfTwo), "{error:?}");
    }
    // A value with no place is one that nobody could open.
    change(place, (&old, &new), false, &mut go_on).await.unwrap();
}

/// Compares the columns of a schema, of any name that has `sealed` in it, with the list.
pub(crate) fn check_columns(found: &BTreeSet<(String, String)>) {
    let listed = SEALED.iter().map(|sealed| (sealed.table().into(), sealed.column().into()));
    assert_eq!(found, &listed.collect());
}

#[test]
fn every_sealed_column_of_the_schema_is_in_the_list() {
    let stored = made();
    let connection = rusqlite::Connection::open(stored.file()).unwrap();
    let mut select = connection
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND c.name LIKE '%sealed%'",
        )
        .unwrap();
    let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    check_columns(&found.map(Result::unwrap).collect());
}

/// An empty store.
fn made() -> Stored {
    let stored = Stored::nowhere();
    Sqlite::open(Options::new(stored.file(), AT)).unwrap().close();
    stored
}

/// Runs cases, each on a file of its own.
macro_rules! in_files {
    ($($case:ident),+ $(,)?) => {
        mod in_files {
            $(
                #[tokio::test]
                async fn $case() {
                    let stored = super::made();
                    super::$case(&stored.place()).await;
                }
            )+
        }
    };
}

in_files!(
    everything_is_sealed_again,
    what_is_broken_off_at_any_step_goes_on,
    what_a_lost_key_has_sealed_is_refused_or_left,
    a_store_of_another_key_is_refused,
);

#[tokio::test]
async fn a_row_whose_place_is_unknown_is_noticed() {
    let stored = made();
    fill(&stored.place(), &key(1)).await;
    stored.execute("PRAGMA foreign_keys = OFF; DELETE FROM device WHERE key = 10");
    let result = change(&stored.place(), (&key(1), &key(2)), false, &mut go_on).await;
    let error = result.unwrap_err();
    let is_noticed = matches!(error, RekeyError::NoPlace { values: 5, found: 4, .. });
    assert!(is_noticed, "{error:?}");
}

#[tokio::test]
async fn a_store_that_is_not_there_or_in_use_is_refused() {
    let nowhere = Stored::nowhere();
    let error = Rekeying::open(&nowhere.place(), AT).await.map(drop).unwrap_err();
    assert!(matches!(error, RekeyError::Store(CopyError::NoDatabase { .. })), "{error:?}");
    assert_eq!(std::fs::read_dir(nowhere.directory.path()).unwrap().count(), 0, "nothing is made");
    let stored = made();
    let lock = DirectoryLock::take(stored.directory.path()).unwrap();
    let error = Rekeying::open(&stored.place(), AT).await.map(drop).unwrap_err();
    assert!(error.to_string().starts_with("the store "), "{error}");
    drop(lock);
    Rekeying::open(&stored.place(), AT).await.unwrap().close().await.unwrap();
}
