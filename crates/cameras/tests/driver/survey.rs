//! What a device is asked when it registers, and what an operator sees of it.

use engine::Driver;
use fleet::{Facts, Operation};

use crate::camera::Script;
use crate::world::{IPC, NVR, World, channel, pass, until};

fn recorder() -> Script {
    let channels = (1..=32).map(|number| (channel(number), format!("camera {number}"))).collect();
    Script { channels, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn a_device_is_asked_what_it_is_when_it_registers() {
    let world = World::new().await;
    let camera = world.camera(NVR, "generic", recorder()).await;
    camera.register();
    world.server.registered(NVR, true).await;
    world.server.surveyed(NVR).await;
    for (name, expected) in [
        (Facts::MANUFACTURER, "ExampleCam"),
        (Facts::MODEL, "EC-200"),
        (Facts::FIRMWARE, "V1.2.3"),
        (Facts::CHANNELS, "32"),
        (Facts::NAME, "factory"),
    ] {
        assert_eq!(world.server.fact(NVR, name).await.as_deref(), Some(expected));
    }
    let channels = world.server.channels(NVR).await;
    assert_eq!(channels.len(), 32);
    let first = channels[0].reported.as_ref().unwrap();
    assert_eq!((first.name.as_str(), first.status.as_str()), ("camera 1", "ON"));
    assert_eq!((first.parent.as_str(), channels[0].name.as_deref()), (NVR, None));
    // A name that the device has for itself never takes the place of ours.
    assert_eq!(world.server.device(NVR).await.name, "ours");
    let asked = camera.heard().count("Catalog");
    assert_eq!(asked, 1);
    // A refresh is no registration.
    camera.register();
    pass(30).await;
    assert_eq!(camera.heard().count("Catalog"), asked);
}

#[tokio::test(start_paused = true)]
async fn a_catalog_that_lost_an_item_deletes_nothing() {
    let world = World::new().await;
    let script = Script { item_by_item: true, ..recorder() };
    let camera = world.camera(NVR, "generic", script).await;
    camera.register();
    world.server.registered(NVR, true).await;
    world.server.surveyed(NVR).await;
    assert_eq!(world.server.channels(NVR).await.len(), 32);

    camera.script(|script| script.loses_item = Some(7));
    for _ in 0..3 {
        again(&world, &camera).await;
        assert_eq!(world.server.channels(NVR).await.len(), 32);
    }
    // One that is gone is forgotten once two whole catalogs have not named it.
    camera.script(|script| {
        script.loses_item = None;
        script.channels.remove(&channel(8));
    });
    again(&world, &camera).await;
    assert_eq!(world.server.channels(NVR).await.len(), 32);
    again(&world, &camera).await;
    assert_eq!(world.server.channels(NVR).await.len(), 31);
}

/// Has the device register anew and be surveyed.
async fn again(world: &World, camera: &crate::camera::Camera) {
    camera.unregister();
    world.server.registered(NVR, false).await;
    camera.register();
    world.server.registered(NVR, true).await;
    world.server.surveyed(NVR).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_tells_what_it_is_and_how_it_is_or_why_nobody_answers() {
    let world = World::new().await;
    let camera = world.camera(IPC, "generic", Script::default()).await;
    let why = async || world.server.examine(IPC).await.away.map(|away| away.to_string());
    assert_eq!(why().await.as_deref(), Some("not registered: it has never registered"));

    camera.register();
    world.server.registered(IPC, true).await;
    world.server.surveyed(IPC).await;
    let found = world.server.examine(IPC).await;
    assert_eq!(found.away, None);
    assert_eq!(found.facts.get(Facts::MODEL), Some("EC-200"));
    assert_eq!(
        (found.facts.get("online"), found.facts.get("status")),
        (Some("ONLINE"), Some("OK"))
    );

    camera.script(|script| script.is_dead = true);
    let dead = "unreachable: no answer to DeviceInfo within 5 s";
    assert_eq!(why().await.as_deref(), Some(dead));
    world.server.registered(IPC, false).await;
    let why = why().await.unwrap();
    assert!(why.starts_with("not registered: its keepalives stopped, at 2027-"), "{why}");
    assert_eq!(camera.heard().configs, []);
}

#[tokio::test(start_paused = true)]
async fn why_a_device_is_gone_is_known_after_a_restart_of_the_server() {
    let mut world = World::new().await;
    let camera = world.camera(IPC, "generic", Script::default()).await;
    let _other = world.camera(NVR, "generic", Script::default()).await;
    camera.register();
    world.server.registered(IPC, true).await;
    world.server.surveyed(IPC).await;
    camera.unregister();
    world.server.registered(IPC, false).await;
    world.restart().await;
    let why = world.server.examine(IPC).await.away.unwrap().to_string();
    let expected = "not registered: it took itself off (REGISTER with Expires 0), at 2027-";
    assert!(why.starts_with(expected), "{why}");
    let why = world.server.examine(NVR).await.away.unwrap().to_string();
    assert_eq!(why, "not registered: it has never registered");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_answers_nothing_is_left_alone_until_something_is_asked_of_it() {
    let world = World::new().await;
    let script = Script { is_deaf: true, ..Script::default() };
    let camera = world.camera(IPC, "generic", script).await;
    camera.register();
    world.server.registered(IPC, true).await;
    world.server.surveyed(IPC).await;
    assert_eq!(world.server.trouble(IPC).await, None);
    world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is found silent", async || world.server.trouble(IPC).await.is_some()).await;
    let trouble = world.server.trouble(IPC).await.unwrap();
    assert_eq!(trouble, "unreachable: no answer to ConfigDownload within 5 s");
}

#[tokio::test(start_paused = true)]
async fn nothing_restarts_a_camera() {
    let world = World::new().await;
    let _camera = world.camera(IPC, "generic", Script::default()).await;
    let device = world.server.device(IPC).await;
    for operation in [Operation::Restart, Operation::Reset, Operation::Stop] {
        let report = world.server.cameras.power(&device, operation, engine::Target::Away).await;
        let engine::PowerReport::Unsupported(why) = report else { panic!("{report:?}") };
        assert!(why.starts_with("restarts of cameras are not offered"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_sip_has_started_nobody_is_registered() {
    let mut world = World::new().await;
    let _camera = world.camera(IPC, "generic", Script::default()).await;
    world.server.sip = None;
    until("SIP has ended", async || {
        let away = world.server.examine(IPC).await.away;
        away.is_some_and(|away| away.to_string() == "not registered: SIP has not started")
    })
    .await;
}
