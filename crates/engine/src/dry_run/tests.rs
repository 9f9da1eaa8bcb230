use fleet::catalogue::{DESCRIPTION, ORGANIZATION};
use fleet::{NewCamera, NewChannel, NewDevice, Operation, Phase, Plan, Secret, Selector};
use store::Reads;
use store::write::{ChangeTags, DeviceChange};

use super::*;
use crate::operate::stage::{device_id, project};
use crate::presets::{NewPreset, PresetAsk};
use crate::rollout::AskedDevice;
use crate::rollout::tests::phones::{LOCALE, World, ask, asked, id, named, set};

const GATE: &str = "34020000001320000001";
const RECORDER: &str = "34020000001180000001";
const CHANNEL: &str = "34020000001310000007";

/// A property that takes digits.
const NUMBER: &str = "sys.prop.writephonenum";

/// All pages of what is predicted.
async fn predicted(handle: &Handle, world: &World, ask: &Ask) -> Vec<Prediction> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = handle.dry_run(&world.admin, &project("p"), ask, from, 3).await.unwrap();
        assert!(page.devices.len() <= 3);
        all.extend(page.devices);
        after = page.next;
    }
    all
}

/// Predicts what is asked, does it, and compares the two device by device. Gives what was
/// predicted.
async fn compare(handle: &Handle, world: &World, ask: Ask) -> Vec<Prediction> {
    let predictions = predicted(handle, world, &ask).await;
    let reads = world.reads();
    let before = reads.rollouts_open().await.unwrap();
    assert!(before.is_empty(), "a dry run writes nothing");
    let made =
        handle.create_update(&world.admin, handle.new_call(), &project("p"), ask).await.unwrap();
    let done = world.comes_to(&made, |it| it.next == it.total).await;
    assert_eq!(done.total as usize, predictions.len());
    let devices = reads.rollout_devices(&world.admin, made.id, 0, 1_000, false).await.unwrap();
    let wave = reads.waves(&world.admin, made.id).await.unwrap().remove(0);
    for (prediction, device) in predictions.iter().zip(devices) {
        assert_eq!(prediction.id, device.device_id);
        assert_eq!(prediction.refused, device.refusal, "{}", prediction.id);
        let job = wave.request.job(u16::try_from(device.position).unwrap()).unwrap();
        let job = reads.job(&world.admin, job).await.unwrap().map(|found| found.job);
        assert_eq!(prediction.refused.is_none(), job.is_some(), "{}", prediction.id);
        let Some(job) = job else { continue };
        assert_eq!(prediction.away, job.stored, "{}", prediction.id);
        let asked: Values = job.patch.into_iter().chain(job.record).collect();
        let names: BTreeSet<&String> = asked.keys().collect();
        let told = prediction.changes.iter().map(|change| &change.name);
        assert_eq!(names, told.chain(&prediction.unchanged).collect(), "{}", prediction.id);
        for change in &prediction.changes {
            assert_eq!(asked[&change.name], change.to);
            let before = &job.before[&change.name];
            assert_eq!(before.desired, change.desired, "{} {}", prediction.id, change.name);
            assert_eq!(before.shown, change.shown, "{} {}", prediction.id, change.name);
        }
    }
    world.comes_to_be(&made, Phase::Done).await;
    predictions
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn of_phones_it_tells_what_the_update_then_does() {
    let (world, engine) = World::with(8).await;
    let handle = engine.handle();
    let p = project("p");
    set(&handle, [id(0)], &[(LOCALE, "de")]).await;
    set(&handle, [id(4)], &[(LOCALE, "fr")]).await;
    world.settled().await;
    let change = |number, change| {
        let (handle, (p, id)) = (handle.clone(), named(number));
        async move { handle.change_device(&Principal::admin(), &p, &id, change).await.unwrap() }
    };
    change(1, DeviceChange::Frozen(true)).await;
    world.phones.set_off(2, true);
    world.phones.set_off(3, true);
    change(2, DeviceChange::Stopped(true)).await;
    for _ in 0..fleet::limits::OPEN_JOBS_PER_DEVICE_MAX {
        set(&handle, [id(3)], &[(LOCALE, "it")]).await.1.remove(0).unwrap();
    }
    let plan = Plan::all_at_once();
    let told = compare(&handle, &world, ask("fr", plan.clone())).await;
    let refused: Vec<bool> = told.iter().map(|it| it.refused.is_some()).collect();
    assert_eq!(refused, [false, true, false, true, false, false, false, false]);
    assert_eq!(told[1].refused, Some(Refusal::Frozen));
    assert!(matches!(told[3].refused, Some(Refusal::Busy { .. })));
    assert!(told[2].away && !told[0].away);
    assert_eq!(told[4].unchanged, [LOCALE]);
    let first = &told[0].changes[0];
    let seen = (first.desired.as_deref(), first.shown.as_deref(), first.to.as_str(), first.acts);
    assert_eq!(seen, (Some("de"), Some("de"), "fr", Acts::AfterRestart));

    // Named ones, with faults of their own.
    let target = AskTarget::Devices(vec![
        asked(device_id(&id(5)), values(&[("no.such.property", "x")])),
        asked(device_id("nobody"), Values::new()),
        asked(device_id(&id(6)), values(&[(LOCALE, &"x".repeat(5_000))])),
        asked(device_id(&id(7)), Values::new()),
    ]);
    let told = compare(&handle, &world, Ask { target, ..ask("it", plan) }).await;
    assert!(matches!(told[0].refused, Some(Refusal::PropertyUnsupported { .. })));
    assert_eq!(told[1].refused, Some(Refusal::DeviceUnknown));
    assert!(matches!(told[2].refused, Some(Refusal::PropertyInvalid { .. })));
    assert_eq!(told[3].refused, None);

    let text = Some("nobody".to_owned());
    let target = AskTarget::Selector(Selector { text, ..Selector::default() });
    let nobody = Ask { target, ..ask("fr", Plan::all_at_once()) };
    let none = handle.dry_run(&world.admin, &p, &nobody, 0, 10).await;
    assert!(matches!(none, Err(Error::NoneFound)), "{none:?}");
    // Those that were named are told of one by one, if none of them is there, of whatever kind.
    let target = AskTarget::Devices(vec![asked(device_id("nobody"), Values::new())]);
    let nobody = Ask { target, kind: None, ..ask("fr", Plan::all_at_once()) };
    let told = predicted(&handle, &world, &nobody).await;
    let refused = told.iter().map(|told| (told.id.as_str(), told.refused.clone()));
    assert_eq!(refused.collect::<Vec<_>>(), [("nobody", Some(Refusal::DeviceUnknown))]);
}

#[tokio::test(start_paused = true)]
async fn of_cameras_it_tells_what_the_update_then_does() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let channel = NewChannel { id: device_id(CHANNEL), name: "west".to_owned() };
    let devices = [(GATE, Vec::new()), (RECORDER, vec![channel])];
    let devices = devices.map(|(id, channels)| NewDevice {
        project: project("p"),
        kind: Kind::Camera,
        id: device_id(id),
        name: "old name".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera {
            password: Some(Secret::new("12345678".to_owned())),
            channels,
            ..NewCamera::default()
        }),
    });
    handle.import(&world.admin, devices.to_vec()).await.unwrap();
    set(&handle, [GATE.to_owned()], &[(DESCRIPTION, "gate"), (ORGANIZATION, "a/b")]).await;
    let of_all = |patch: &[(&str, &str)]| Ask {
        target: AskTarget::Selector(Selector::default()),
        kind: Some(Kind::Camera),
        operation: Operation::Update,
        preset: None,
        patch: values(patch),
        plan: Plan::all_at_once(),
    };
    let records = of_all(&[(DESCRIPTION, "gate"), (ORGANIZATION, "c")]);
    let told = compare(&handle, &world, records).await;
    assert_eq!(told[0].unchanged, [DESCRIPTION]);
    assert_eq!(told[0].changes[0].desired.as_deref(), Some("a/b"));
    assert!(told.iter().all(|it| !it.away && it.changes.iter().all(|c| c.acts == Acts::Record)));

    let told = compare(&handle, &world, of_all(&[("Name", "new"), (DESCRIPTION, "")])).await;
    assert!(told.iter().all(|it| it.away && it.refused.is_none()));
    let told = compare(&handle, &world, of_all(&[(ORGANIZATION, "a//b")])).await;
    assert!(told.iter().all(|it| matches!(it.refused, Some(Refusal::PropertyInvalid { .. }))));

    let of_channel = format!("Channel.{CHANNEL}.Name");
    let target = AskTarget::Devices(vec![
        asked(device_id(GATE), values(&[(&of_channel, "x")])),
        asked(device_id(RECORDER), values(&[(&of_channel, "x")])),
        asked(device_id(CHANNEL), values(&[(DESCRIPTION, "rusty")])),
        asked(device_id(CHANNEL), values(&[("Ip", "192.0.2.1")])),
    ]);
    let told = compare(&handle, &world, Ask { target, ..of_all(&[]) }).await;
    let refused: Vec<bool> = told.iter().map(|it| it.refused.is_some()).collect();
    assert_eq!(refused, [true, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn of_a_preset_it_tells_what_the_update_then_does() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let p = project("p");
    for (number, lang) in [(0, "fr"), (1, "de")] {
        let put = vec![store::Tag { key: "lang".to_owned(), value: lang.to_owned() }];
        let tagged = store::Tagged::Device(device_id(&id(number)));
        let change = ChangeTags { project: p.clone(), tagged, put, take: Vec::new() };
        handle.change_tags(&world.admin, change).await.unwrap();
    }
    let name: fleet::PresetName = "lobby".parse().unwrap();
    let of_phones = |pairs: &[(&str, &str)]| NewPreset {
        name: name.clone(),
        kind: Kind::Phone,
        description: String::new(),
        values: values(pairs).into_iter().map(|(name, it)| (name, it.parse().unwrap())).collect(),
        expected: None,
    };
    let varied = [(LOCALE, "${tag:lang:-it}"), (NUMBER, "1${var:n}")];
    handle.set_preset(&world.admin, &p, of_phones(&varied)).await.unwrap();
    let with = |variables: &[(&str, &str)], patch: &[(&str, &str)], target: AskTarget| Ask {
        target,
        kind: None,
        operation: Operation::Update,
        preset: Some(PresetAsk { name: name.clone(), variables: values(variables) }),
        patch: values(patch),
        plan: Plan::all_at_once(),
    };
    let all = || AskTarget::Selector(Selector::default());
    let asked_for = |told: &[Prediction], name: &str| {
        let of = |it: &Prediction| {
            it.changes.iter().find(|change| change.name == name).map(|change| change.to.clone())
        };
        told.iter().map(of).map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    let told = compare(&handle, &world, with(&[("n", "7")], &[], all())).await;
    assert_eq!(asked_for(&told, LOCALE), ["fr", "de", "it", "it"]);
    assert_eq!(asked_for(&told, NUMBER), ["17"; 4]);
    assert_eq!(world.phones.value(&id(0), LOCALE).as_deref(), Some("fr"));
    let told = compare(&handle, &world, with(&[], &[(NUMBER, "5"), (LOCALE, "es")], all())).await;
    assert_eq!(asked_for(&told, LOCALE), ["es"; 4], "what is asked otherwise goes before");

    // One that lacks a variable is refused alone.
    let own = |number: usize, variables: &[(&str, &str)], set: &[(&str, &str)]| AskedDevice {
        variables: values(variables),
        ..asked(device_id(&id(number)), values(set))
    };
    let listed = AskTarget::Devices(vec![
        own(0, &[("n", "8")], &[]),
        own(1, &[], &[]),
        own(2, &[], &[(NUMBER, "6")]),
        asked(device_id("nobody"), Values::new()),
    ]);
    let told = compare(&handle, &world, with(&[], &[], listed)).await;
    let missing =
        Refusal::VariableMissing { name: NUMBER.to_owned(), variable: "var:n".to_owned() };
    let refused: Vec<_> = told.iter().map(|it| it.refused.clone()).collect();
    assert_eq!(refused, [None, Some(missing), None, Some(Refusal::DeviceUnknown)]);
    assert_eq!(asked_for(&told, NUMBER), ["18", "", "6", ""]);

    handle.set_preset(&world.admin, &p, of_phones(&[(LOCALE, "pt")])).await.unwrap();
    let told = compare(&handle, &world, with(&[], &[], all())).await;
    assert_eq!(asked_for(&told, LOCALE), ["pt"; 4], "the same for all");
    let rollouts = world.reads().updates(&world.admin, None, None, 1).await.unwrap();
    let last = world.reads().rollout(&world.admin, rollouts.updates[0].id).await.unwrap();
    assert_eq!(last.unwrap().patch, values(&[(LOCALE, "pt")]));

    let refused = |ask: Ask| {
        let (handle, p, admin) = (handle.clone(), p.clone(), world.admin.clone());
        async move { handle.dry_run(&admin, &p, &ask, 0, 9).await.unwrap_err().to_string() }
    };
    let camera = Ask { kind: Some(Kind::Camera), ..with(&[], &[], all()) };
    assert!(refused(camera).await.starts_with("kind: preset lobby is for phones"));
    let none = Ask {
        preset: None,
        ..with(&[], &[], AskTarget::Devices(vec![own(0, &[("n", "1")], &[])]))
    };
    assert!(refused(none).await.starts_with("variables: are of a preset alone"));
    assert!(refused(with(&[("a b", "1")], &[], all())).await.contains("\"a b\" is no name"));
    let mut gone = with(&[], &[], all());
    gone.preset = Some(PresetAsk { name: "gone".parse().unwrap(), variables: Values::new() });
    assert_eq!(refused(gone).await, "no such preset: gone");
}
