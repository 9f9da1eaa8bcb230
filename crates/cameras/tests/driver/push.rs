//! Config push and its safety rules, from the update to the job's end.

use std::time::Duration;

use fleet::{End, Failure, Principal};
use gb28181::manscdp::BasicParam;

use crate::camera::{Camera, OnConfig, Script};
use crate::world::{IPC, World, acknowledged, id, pass, project, refused, until, verified};

/// A server and one registered device that was surveyed.
async fn stage(script: Script) -> (World, Camera) {
    let world = World::new().await;
    let camera = world.camera(IPC, "generic", script).await;
    camera.register();
    world.server.registered(IPC, true).await;
    world.server.surveyed(IPC).await;
    (world, camera)
}

/// A device that answers a DeviceConfig so.
fn on_config(on_config: OnConfig) -> Script {
    Script { on_config, ..Script::default() }
}

/// A device of which nothing can be read back.
fn mute(on_config: OnConfig) -> Script {
    Script { shows_config: false, shows_info: false, on_config, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_read_back() {
    let (world, camera) = stage(Script::default()).await;
    assert_eq!(
        world.server.set(IPC, &[("Name", "东门-1"), ("Expiration", "7200")]).await,
        verified()
    );
    let expected = BasicParam {
        name: Some("东门-1".to_owned()),
        expiration: Some(7_200),
        ..BasicParam::default()
    };
    assert_eq!(camera.heard().configs, [(IPC.to_owned(), expected)]);
    assert_eq!(world.server.reported(IPC, "Name").await.as_deref(), Some("东门-1"));
    assert_eq!(world.server.reported(IPC, "Expiration").await.as_deref(), Some("7200"));
    assert_eq!(world.server.trouble(IPC).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_it_shows_already_is_not_set() {
    let script = Script { name: "东门-1".to_owned(), ..Script::default() };
    let (world, camera) = stage(script).await;
    assert_eq!(world.server.set(IPC, &[("Name", "东门-1")]).await, verified());
    assert_eq!(camera.heard().configs, []);
    // Of two values only the one that differs.
    let both = [("Name", "东门-1"), ("Expiration", "86400")];
    assert_eq!(world.server.set(IPC, &both).await, verified());
    let expected = BasicParam { expiration: Some(86_400), ..BasicParam::default() };
    assert_eq!(camera.heard().configs, [(IPC.to_owned(), expected)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_beyond_gb2312_arrives_as_gb18030_and_is_read_back_equal() {
    let (world, camera) = stage(Script::default()).await;
    for name in ["𠮷野家-萳", "a<b>&\"c\"", "镕🙂"] {
        assert_eq!(world.server.set(IPC, &[("Name", name)]).await, verified(), "{name}");
        assert_eq!(camera.name(), name);
    }
    // Python: "𠮷野家-萳".encode("gb18030")
    let bytes = b"<Name>\x95\x34\xb2\x35\xd2\xb0\xbc\xd2-\xc8\x6c</Name>";
    let body = &camera.heard().bodies[0];
    assert!(body.windows(bytes.len()).any(|window| window == bytes), "{}", body.escape_ascii());
}

#[tokio::test(start_paused = true)]
async fn without_config_download_the_name_is_read_by_device_info() {
    let (world, camera) = stage(Script { shows_config: false, ..Script::default() }).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    assert_eq!(camera.name(), "gate-1");
    // At the first look: what was read before is not taken for what it shows now.
    let began = world.server.handle.now();
    assert_eq!(world.server.set(IPC, &[("Name", "gate-2")]).await, verified());
    assert!(world.server.handle.now().since(began) < Duration::from_millis(300));
    // What was not answered is not asked again in the same registration.
    assert_eq!(camera.heard().count("ConfigDownload"), 1);
    // What DeviceInfo does not show is taken by its word.
    let both = [("Name", "gate-3"), ("HeartBeatInterval", "30")];
    assert_eq!(world.server.set(IPC, &both).await, acknowledged());
    camera.unregister();
    world.server.registered(IPC, false).await;
    camera.register();
    world.server.registered(IPC, true).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-4")]).await, verified());
    assert_eq!(camera.heard().count("ConfigDownload"), 2);
}

#[tokio::test(start_paused = true)]
async fn ok_without_any_way_to_read_back_is_acknowledged() {
    let (world, camera) = stage(mute(OnConfig::Ok)).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, acknowledged());
    assert_eq!(camera.heard().configs.len(), 1);
    assert_eq!(world.server.reported(IPC, "Name").await, None);
}

#[tokio::test(start_paused = true)]
async fn error_ends_the_job_at_once_in_the_devices_words() {
    let (world, camera) = stage(on_config(OnConfig::Error("ERROR: 密码".to_owned()))).await;
    let began = world.server.handle.now();
    let end = world.server.set(IPC, &[("Name", "gate-1")]).await;
    assert_eq!(refused(&end, "Name"), "it answered ERROR: 密码");
    assert!(world.server.handle.now().since(began) < Duration::from_secs(2));
    assert_eq!(camera.heard().configs.len(), 1);
    // A later update is another matter.
    camera.script(|script| script.on_config = OnConfig::Ok);
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    assert_eq!(camera.heard().configs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_found_by_reading() {
    let (world, camera) = stage(on_config(OnConfig::TakeSilently)).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_answered_and_not_taken_is_not_sent_again() {
    let (world, camera) = stage(on_config(OnConfig::Ignore)).await;
    let end = world.server.set(IPC, &[("Name", "gate-1")]).await;
    let why = refused(&end, "Name");
    assert_eq!(why, "it did not answer within 15 s, and shows Name \"factory\"");
    pass(600).await;
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_counts() {
    for late in [7, 14] {
        let (world, camera) = stage(on_config(OnConfig::Late(Duration::from_secs(late)))).await;
        assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified(), "{late} s");
        assert_eq!(camera.heard().configs.len(), 1);

        let (world, camera) = stage(mute(OnConfig::Late(Duration::from_secs(late)))).await;
        assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, acknowledged(), "{late} s");
        assert_eq!(camera.heard().configs.len(), 1);
    }
    let (world, _camera) = stage(on_config(OnConfig::LateError(Duration::from_secs(9)))).await;
    let end = world.server.set(IPC, &[("Name", "gate-1")]).await;
    assert_eq!(refused(&end, "Name"), "it answered ERROR");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_restarts_instead_of_answering_is_asked_once_and_not_for_ever() {
    let (world, camera) = stage(on_config(OnConfig::Restart)).await;
    let end = world.server.set(IPC, &[("Name", "gate-1")]).await;
    let why = refused(&end, "Name");
    assert!(why.starts_with("it did not answer the setting of 2027-"), "{why}");
    assert!(why.ends_with(", and shows Name \"factory\""), "{why}");
    for _ in 0..20 {
        camera.unregister();
        world.server.registered(IPC, false).await;
        camera.register();
        world.server.registered(IPC, true).await;
        world.server.surveyed(IPC).await;
    }
    assert_eq!(camera.heard().configs.len(), 1);
    assert!(camera.heard().registrations > 20);
}

#[tokio::test(start_paused = true)]
async fn one_that_took_it_and_restarted_is_verified_when_it_is_back() {
    let (world, camera) = stage(on_config(OnConfig::TakeAndRestart)).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    assert_eq!(camera.heard().configs.len(), 1);
    assert_eq!(camera.heard().registrations, 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_known_after_a_restart_of_the_server() {
    let (mut world, camera) = stage(on_config(OnConfig::Restart)).await;
    let job = world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is sent", async || !camera.heard().configs.is_empty()).await;
    for _ in 0..5 {
        world.restart().await;
        camera.unregister();
        world.server.registered(IPC, false).await;
        camera.register();
        world.server.registered(IPC, true).await;
        world.server.surveyed(IPC).await;
    }
    refused(&world.server.ended(job).await, "Name");
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_can_not_be_read_is_not_asked_again_after_a_restart_either() {
    let (mut world, camera) = stage(mute(OnConfig::Restart)).await;
    let job = world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is sent", async || !camera.heard().configs.is_empty()).await;
    world.restart().await;
    until("it has registered again", async || camera.heard().registrations == 2).await;
    let why = refused(&world.server.ended(job).await, "Name");
    assert!(why.contains("has registered since"), "{why}");
    pass(900).await;
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_is_unreachable_and_nothing_is_sent_twice() {
    let (world, camera) = stage(mute(OnConfig::Ignore)).await;
    let job = world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is found silent", async || world.server.trouble(IPC).await.is_some()).await;
    let trouble = world.server.trouble(IPC).await.unwrap();
    assert!(
        trouble.starts_with("unreachable: it did not answer the setting within 15 s"),
        "{trouble}"
    );
    assert_eq!(world.server.end(job).await, None);
    pass(120).await;
    assert_eq!(camera.heard().configs.len(), 1);
    // The next thing that is asked of it waits until it has registered again.
    let next = world.server.update(IPC, &[("Name", "gate-2")]).await;
    pass(60).await;
    assert_eq!(camera.heard().configs.len(), 1);
    camera.script(|script| script.on_config = OnConfig::Ok);
    camera.register();
    assert_eq!(world.server.ended(next).await, acknowledged());
    assert_eq!(world.server.ended(job).await, acknowledged());
    assert_eq!(camera.heard().configs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_device_is_unreachable_until_the_deadline() {
    let (world, camera) = stage(Script::default()).await;
    camera.script(|script| script.is_dead = true);
    let job = world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is found dead", async || world.server.trouble(IPC).await.is_some()).await;
    let trouble = world.server.trouble(IPC).await.unwrap();
    assert_eq!(trouble, "unreachable: no answer to ConfigDownload within 5 s");
    let end = world.server.ended(job).await;
    let End::Failed { failure: Failure::DeadlinePassed { trouble } } = &end else {
        panic!("{end:?}")
    };
    assert!(trouble.starts_with("not registered: its keepalives stopped"), "{trouble}");
    assert_eq!(camera.heard().configs, []);
    // What was asked for stays, and is set when the device is back.
    camera.script(|script| script.is_dead = false);
    camera.unregister();
    camera.register();
    until("it is set", async || camera.name() == "gate-1").await;
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_offline_device_takes_its_name_when_it_registers() {
    let world = World::new().await;
    let camera = world.camera(IPC, "generic", Script::default()).await;
    let job = world.server.update(IPC, &[("Name", "gate-1")]).await;
    until("it is found missing", async || world.server.trouble(IPC).await.is_some()).await;
    let trouble = world.server.trouble(IPC).await.unwrap();
    assert_eq!(trouble, "not registered: it has never registered");
    pass(3_000).await;
    assert_eq!(world.server.end(job).await, None);
    camera.register();
    assert_eq!(world.server.ended(job).await, verified());
    assert_eq!(camera.name(), "gate-1");
}

#[tokio::test(start_paused = true)]
async fn repaired_drift_is_sent_again_and_what_was_declined_is_not() {
    let (world, camera) = stage(Script::default()).await;
    world.server.repair().await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    for sent in 2..5 {
        camera.script(|script| script.name = "by hand".to_owned());
        until("it is repaired", async || camera.name() == "gate-1").await;
        assert_eq!(camera.heard().configs.len(), sent);
    }
    camera.script(|script| {
        script.on_config = OnConfig::Error("ERROR".to_owned());
        script.name = "by hand".to_owned();
    });
    until("it is tried", async || camera.heard().configs.len() == 5).await;
    pass(600).await;
    assert_eq!(camera.heard().configs.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_without_an_answer_is_repaired_whatever_was_asked_for_since() {
    // Nothing, a record of ours, and what the device shows already.
    for since in [None, Some(("Desc", "东门")), Some(("Expiration", "3600"))] {
        let (world, camera) = stage(on_config(OnConfig::Ignore)).await;
        world.server.repair().await;
        refused(&world.server.set(IPC, &[("Name", "gate-1")]).await, "Name");
        if let Some(since) = since {
            let end = world.server.set(IPC, &[since]).await;
            assert!(matches!(end, End::Succeeded { .. }), "{end:?}");
        }
        pass(120).await;
        camera.script(|script| {
            script.name = "gate-1".to_owned();
            script.on_config = OnConfig::Ok;
        });
        camera.register();
        let name = async || world.server.reported(IPC, "Name").await;
        until("it is read", async || name().await.as_deref() == Some("gate-1")).await;
        pass(120).await;
        assert_eq!(camera.heard().configs.len(), 1, "{since:?}");
        camera.script(|script| script.name = "by hand".to_owned());
        until("it is repaired", async || camera.name() == "gate-1").await;
        assert_eq!(camera.heard().configs.len(), 2, "{since:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_declined_is_not_sent_again_with_another_value() {
    let (world, camera) = stage(on_config(OnConfig::Error("ERROR".to_owned()))).await;
    world.server.repair().await;
    let end = world.server.set(IPC, &[("Name", "gate-1")]).await;
    assert_eq!(refused(&end, "Name"), "it answered ERROR");
    camera.script(|script| script.on_config = OnConfig::Ok);
    for expiration in [7_200, 7_300, 7_400] {
        let text = expiration.to_string();
        assert_eq!(world.server.set(IPC, &[("Expiration", &text)]).await, verified());
        let (_, basic) = camera.heard().configs.pop().unwrap();
        let expected = BasicParam { expiration: Some(expiration), ..BasicParam::default() };
        assert_eq!(basic, expected);
    }
    pass(300).await;
    assert_eq!(camera.heard().configs.len(), 4);
    assert_eq!(camera.name(), "factory");
}

#[tokio::test(start_paused = true)]
async fn after_one_that_was_not_answered_nothing_is_sent_before_it_has_registered() {
    let (world, camera) = stage(on_config(OnConfig::Ignore)).await;
    refused(&world.server.set(IPC, &[("Name", "gate-1")]).await, "Name");
    camera.script(|script| script.on_config = OnConfig::Ok);
    let next = world.server.update(IPC, &[("Name", "gate-2")]).await;
    pass(120).await;
    assert_eq!(camera.heard().configs.len(), 1);
    let trouble = world.server.trouble(IPC).await.unwrap();
    assert!(trouble.starts_with("unreachable: it has not answered the setting of"), "{trouble}");
    camera.register();
    assert_eq!(world.server.ended(next).await, verified());
    assert_eq!(camera.heard().configs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_some_time_after_the_ok_is_verified() {
    let (world, camera) = stage(on_config(OnConfig::TakeLate(Duration::from_secs(10)))).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_missed_answer_does_not_end_reading_back() {
    let (world, camera) = stage(Script::default()).await;
    for (misses, expiration) in [(1, "7200"), (2, "7300")] {
        camera.script(|script| script.misses = misses);
        assert_eq!(world.server.set(IPC, &[("Expiration", expiration)]).await, verified());
    }
    assert_eq!(camera.heard().configs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_shape_of_2014_has_all_ten_parts_and_the_password() {
    let world = World::new().await;
    let profiles = fleet::catalogue::Source {
        name: "old.toml",
        text: "name = \"old\"\nbase = \"generic\"\nmeaning = \"Of 2014\"\n[gb]\nshape = \"2014\"\n",
    };
    let catalogue = fleet::Catalogue::with(&[], &[profiles]).unwrap();
    world.server.catalogue.replace(catalogue);
    let camera = world.camera(IPC, "old", Script::default()).await;
    camera.register();
    world.server.registered(IPC, true).await;
    assert_eq!(world.server.set(IPC, &[("Name", "gate-1")]).await, verified());
    let (target, basic) = camera.heard().configs.remove(0);
    assert_eq!(target, IPC);
    assert_eq!(basic.password.as_ref().map(|secret| secret.expose()), Some("12345678"));
    let expected = BasicParam {
        name: Some("gate-1".to_owned()),
        device_id: Some(IPC.to_owned()),
        sip_server_id: Some("34020000002000000001".to_owned()),
        sip_server_ip: Some("198.51.100.5".to_owned()),
        sip_server_port: Some(5060),
        domain_name: Some("3402000000".to_owned()),
        expiration: Some(3_600),
        password: basic.password.clone(),
        heartbeat_interval: Some(60),
        heartbeat_count: Some(3),
        ..BasicParam::default()
    };
    assert_eq!(basic, expected);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_deleted_is_not_spoken_to_any_more() {
    let (world, camera) = stage(Script::default()).await;
    let key = world.server.device(IPC).await.key;
    camera.script(|script| script.is_deaf = true);
    let job = world.server.update(IPC, &[("Name", "东门-1")]).await;
    until("it is spoken to", async || world.server.sip.as_ref().unwrap().counts().exchanges > 0)
        .await;
    let begun = tokio::time::Instant::now();
    let (handle, admin) = (&world.server.handle, Principal::admin());
    handle.delete_device(&admin, &project(), &id(IPC)).await.unwrap();
    assert_eq!(world.server.end(job).await, Some(End::Failed { failure: Failure::Deleted }));
    until("nobody speaks to it", async || !handle.is_running(key)).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "what was awaited is given up at once");
    assert_eq!(world.server.sip.as_ref().unwrap().counts().exchanges, 0);
    assert!(world.server.cameras.line().binding(key).unwrap().ended.is_some());
    assert_eq!(camera.heard().configs, []);
}
