//! Names of a recorder's channels.

use std::time::Duration;

use fleet::{End, Failure, Proof};

use crate::camera::{Camera, OnConfig, Script};
use crate::world::{NVR, World, acknowledged, channel, channel_name, refused, until, verified};

/// A server and a registered recorder with so many channels.
async fn stage(count: usize, script: Script) -> (World, Camera) {
    let world = World::new().await;
    let channels =
        (1..=count).map(|number| (channel(number), format!("camera {number}"))).collect();
    let camera = world.camera(NVR, "generic", Script { channels, ..script }).await;
    camera.register();
    world.server.registered(NVR, true).await;
    world.server.surveyed(NVR).await;
    (world, camera)
}

#[tokio::test(start_paused = true)]
async fn renaming_one_channel_leaves_31_alone() {
    let (world, camera) = stage(32, Script::default()).await;
    let before = camera.channels();
    assert_eq!(world.server.set(NVR, &[(&channel_name(17), "𠮷-大门")]).await, verified());
    let configs = camera.heard().configs;
    assert_eq!(configs.len(), 1);
    assert_eq!(configs[0].0, channel(17));
    let mut expected = before;
    expected.insert(channel(17), "𠮷-大门".to_owned());
    assert_eq!(camera.channels(), expected);
    assert_eq!(camera.name(), "factory");
    // Ours and what the device shows, side by side.
    let of_17 = |channels: Vec<fleet::Channel>| {
        channels.into_iter().find(|found| found.id.as_str() == channel(17)).unwrap()
    };
    let found = of_17(world.server.channels(NVR).await);
    assert_eq!(found.name.as_deref(), Some("𠮷-大门"));
    assert_eq!(found.reported.unwrap().name, "𠮷-大门");
    // A later catalog changes what is reported, never our name.
    camera.script(|script| drop(script.channels.insert(channel(17), "by hand".to_owned())));
    camera.unregister();
    world.server.registered(NVR, false).await;
    camera.register();
    world.server.registered(NVR, true).await;
    world.server.surveyed(NVR).await;
    let found = of_17(world.server.channels(NVR).await);
    assert_eq!(found.name.as_deref(), Some("𠮷-大门"));
    assert_eq!(found.reported.unwrap().name, "by hand");
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_config_download_the_catalog_shows_the_name() {
    let script = Script { shows_channels: false, item_by_item: true, ..Script::default() };
    let (world, camera) = stage(32, script).await;
    assert_eq!(world.server.set(NVR, &[(&channel_name(3), "gate")]).await, verified());
    // At the first look: what was read before is not taken for what it shows now.
    let began = world.server.handle.now();
    assert_eq!(world.server.set(NVR, &[(&channel_name(4), "door")]).await, verified());
    assert!(world.server.handle.now().since(began) < Duration::from_millis(300));
    assert_eq!(camera.heard().configs.len(), 2);
    let asked = camera.heard().queries.into_iter();
    let asked = asked.filter(|(cmd, id)| cmd == "ConfigDownload" && *id != NVR);
    assert_eq!(asked.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_names_in_one_update_are_each_sent_once() {
    let (world, camera) = stage(32, Script::default()).await;
    let names: Vec<(String, String)> =
        (1..=32).map(|number| (channel_name(number), format!("门 {number}"))).collect();
    let mut values: Vec<(&str, &str)> =
        names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    values.push(("Name", "recorder"));
    assert_eq!(world.server.set(NVR, &values).await, verified());
    assert_eq!(camera.heard().configs.len(), 33);
    assert_eq!(camera.name(), "recorder");
    assert!(camera.channels().values().all(|name| name.starts_with("门 ")));
}

#[tokio::test(start_paused = true)]
async fn of_several_settings_a_restart_ends_all() {
    let (mut world, camera) = stage(4, Script::default()).await;
    camera.script(|script| script.on_config = OnConfig::Restart);
    let (first, second) = (channel_name(1), channel_name(2));
    let job = world.server.update(NVR, &[(&first, "a"), (&second, "b")]).await;
    until("one is sent", async || !camera.heard().configs.is_empty()).await;
    world.restart().await;
    let end = world.server.ended(job).await;
    let End::Failed { failure: Failure::Refused { .. } } = &end else { panic!("{end:?}") };
    assert_eq!(camera.heard().configs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_several_settings_each_has_its_own_end() {
    let (world, camera) = stage(4, Script::default()).await;
    world.server.repair().await;
    camera.script(|script| script.on_config = OnConfig::Error("ERROR".to_owned()));
    let (first, second) = (channel_name(1), channel_name(2));
    let end = world.server.set(NVR, &[(&first, "a"), (&second, "b")]).await;
    assert_eq!(refused(&end, &first), "it answered ERROR");
    assert_eq!(camera.heard().configs.len(), 2);
    crate::world::pass(300).await;
    assert_eq!(camera.heard().configs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn channels_that_show_nothing_are_each_sent_and_acknowledged() {
    let script = Script { shows_channels: false, shows_names: false, ..Script::default() };
    let (world, camera) = stage(3, script).await;
    let names = [channel_name(1), channel_name(2), channel_name(3)];
    let values = names.each_ref().map(|name| (name.as_str(), "a"));
    assert_eq!(world.server.set(NVR, &values).await, acknowledged());
    let targets: Vec<String> = camera.heard().configs.into_iter().map(|(id, _)| id).collect();
    assert_eq!(targets, [channel(1), channel(2), channel(3)]);
    assert!(camera.channels().values().all(|name| name == "a"));
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_one_action_goes_on_in_the_next() {
    let mute = Script { shows_channels: false, shows_names: false, ..Script::default() };
    for (script, expected) in [(Script::default(), verified()), (mute, acknowledged())] {
        let (world, camera) = stage(16, script).await;
        camera.script(|script| script.on_config = OnConfig::Late(Duration::from_secs(7)));
        let names: Vec<String> = (1..=16).map(channel_name).collect();
        let values: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
        let began = world.server.handle.now();
        assert_eq!(world.server.set(NVR, &values).await, expected);
        assert!(world.server.handle.now().since(began) > Duration::from_secs(16 * 7));
        assert_eq!(camera.heard().configs.len(), 16);
        assert!(camera.channels().values().all(|name| name == "a"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_profile_follows_the_manufacturer_and_dahua_takes_no_channel() {
    let script = Script { manufacturer: "DAHUA Technology".to_owned(), ..Script::default() };
    let (world, camera) = stage(4, script).await;
    let name = channel_name(2);
    let end = world.server.set(NVR, &[(&name, "gate")]).await;
    assert_eq!(end, End::Succeeded { proof: Proof::Recorded });
    assert_eq!(camera.heard().configs, []);
    // Its own name it takes.
    assert_eq!(world.server.set(NVR, &[("Name", "recorder")]).await, verified());
    // What it shows already is as good as set.
    assert_eq!(world.server.set(NVR, &[(&name, "camera 2")]).await, verified());
}
