//! What the calls do: to the record, to the answers, and to cameras.

use serde_json::{Value, json};

use super::state::{assert_unchanged, state};
use crate::harness::cameras::{Faults, record, server};
use crate::harness::iss::{element, elements, entry, failed, request, updated};
use crate::harness::phones::PROJECT;
use crate::harness::sip::{DOMAIN, Line, SERVER_ID, Ua};
use crate::harness::site::import;
use crate::harness::{Cameras, Iss, Native, PATIENCE, Server, Start, wait_until};

/// A server that looks at new cameras at once, and a client of the door; `Pwd` is optional.
fn site() -> (Server, Native, Iss) {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    native.with_optional_password();
    let key = native.new_key(PROJECT, false);
    let iss = Iss::new(server.address(), &key);
    (server, native, iss)
}

/// The one job of an answered call, found by the answer's own RequestId.
#[track_caller]
fn job_of(native: &Native, answer: &str) -> Value {
    let id = element(answer, "RequestId");
    let jobs = native.get(&format!("/api/v1/updates/{id}/jobs"));
    let [job] = jobs["jobs"].as_array().expect("jobs").as_slice() else { panic!("{jobs}") };
    job.clone()
}

/// Waits until the one job of an answered call has ended.
#[track_caller]
fn ended(native: &Native, answer: &str) -> Value {
    let job = job_of(native, answer);
    native.ended(job["id"].as_str().unwrap_or_else(|| panic!("{job}")))
}

#[test]
fn a_name_reaches_a_camera_and_the_job_is_found_by_the_request_id() {
    let (server, native, iss) = site();
    let cameras = Cameras::meet(Cameras::of(1, server.sip()), &native);
    let id = &cameras.ids()[0];
    let answer = iss.set(id, &[("Name", "𠮷野路口-1"), ("Desc", "描述")]);
    assert_eq!(element(&answer, "Name"), "𠮷野路口-1");
    let job = ended(&native, &answer);
    assert_eq!((&job["state"], &job["proof"]), (&json!("succeeded"), &json!("verified")), "{job}");
    assert_eq!(job["record"]["Desc"], "描述", "{job}");
    assert_eq!(cameras.held(id).name, "𠮷野路口-1");

    // The native door knows the update by either form of its id.
    let request_id = element(&answer, "RequestId");
    let update = native.get(&format!("/api/v1/updates/{request_id}"));
    assert_eq!(update["iss_request_id"], request_id, "{update}");
    assert_eq!(update["door"], "iss", "{update}");
    let own = update["id"].as_str().expect("an id");
    assert_eq!(native.get(&format!("/api/v1/updates/{own}")), update);
    // A job of records alone has ended with the answer.
    let answer = iss.set(id, &[("Desc", "新描述"), ("Manufacturer", "厂")]);
    let job = job_of(&native, &answer);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(cameras.held(id).counts.device_configs, 1, "a record was sent to the camera");
    // One that asks nothing gets none.
    let answer = iss.set(id, &[("Name", ""), ("Desc", "")]);
    assert_eq!((element(&answer, "Name"), element(&answer, "Desc")), ("𠮷野路口-1", "新描述"));
    let target = format!("/api/v1/updates/{}", element(&answer, "RequestId"));
    let none = native.call(&http::Method::GET, &target, &Value::Null).expect("an answer");
    assert_eq!(none.status, 404, "{}", none.text);
}

#[test]
fn a_camera_that_is_away_takes_its_name_at_its_next_register() {
    let (server, native, iss) = site();
    let plan = Cameras::of(2, server.sip());
    import(&native, &Cameras::records(&plan));
    let first = Cameras::records(&plan)[0]["id"].as_str().expect("an id").to_owned();
    // It has never registered.
    let never = iss.set(&first, &[("Name", "东门-1")]);
    assert_eq!(job_of(&native, &never)["stored"], true);
    assert_eq!(element(&iss.device(&first), "Status"), "OffLine", "1344 has no Register");
    let cameras = Cameras::start(plan);
    assert_eq!(ended(&native, &never)["state"], "succeeded");
    assert_eq!(cameras.held(&first).name, "东门-1");
    // It was registered, and took itself off.
    let second = cameras.ids()[1].clone();
    native.wait_for_status(&second, "OnLine");
    assert_eq!(element(&iss.device(&second), "Status"), "OnLine");
    cameras.unregister(&second);
    native.wait_for_status(&second, "OffLine");
    let later = iss.set(&second, &[("Name", "西门-2")]);
    assert_eq!(cameras.held(&second).counts.device_configs, 0);
    cameras.register(&second);
    assert_eq!(ended(&native, &later)["state"], "succeeded");
    assert_eq!(cameras.held(&second).name, "西门-2");
}

#[test]
fn what_a_camera_refuses_fails_its_job_and_the_operators_word_stays() {
    let (server, native, iss) = site();
    let faults = Faults { error_answers: true, ..Faults::default() };
    let cameras = Cameras::meet(Cameras::of(1, server.sip()).faults(faults), &native);
    let id = &cameras.ids()[0];
    let answer = iss.set(id, &[("Name", "大门")]);
    let job = ended(&native, &answer);
    assert_eq!(job["state"], "failed", "{job}");
    assert!(job["detail"].as_str().is_some_and(|detail| detail.contains("ERROR")), "{job}");
    // What it goes by here is what the operator said; what it shows itself stands beside.
    assert_eq!(element(&iss.device(id), "Name"), "大门");
    let device = native.device(id);
    assert_eq!((&device["name"], &device["desired"]["Name"]), (&json!("大门"), &json!("大门")));
    assert_eq!(device["camera"]["reported_name"], "cam", "{device}");
    assert_eq!(device["reported"]["Name"]["value"], "cam", "{device}");
    assert_ne!(device["states"]["Name"]["state"], "succeeded", "{device}");
}

#[test]
fn what_a_camera_says_of_itself_changes_no_record() {
    let (server, native, iss) = site();
    let cameras = Cameras::meet(Cameras::of(1, server.sip()).channels(2), &native);
    let id = &cameras.ids()[0];
    let channel = cameras.held(id).channels[0].id.clone();
    wait_until("the catalog", PATIENCE, || native.channels(id).len() == 2);
    let ours = [("Name", "门岗"), ("Manufacturer", "我们"), ("Desc", "一")];
    assert_eq!(ended(&native, &iss.set(id, &ours))["state"], "succeeded");
    let named = iss.set(&channel, &[("Name", "门岗-1"), ("Desc", "二")]);
    assert_eq!(ended(&native, &named)["state"], "succeeded");
    let before = iss.device(id);

    // Somebody renames both at the recorder's own page, and it registers and tells anew.
    cameras.set_name(id, None, "theirs");
    cameras.set_name(id, Some(&channel), "theirs-1");
    let counts = cameras.held(id).counts;
    cameras.unregister(id);
    native.wait_for_status(id, "OffLine");
    cameras.register(id);
    cameras.wait_for_registration(id, counts.registrations);
    native.wait_for_status(id, "OnLine");
    wait_until("what it says to be known", PATIENCE, || {
        native.channels(id).iter().any(|channel| channel.to_string().contains("theirs-1"))
            && native.device(id)["camera"]["reported_name"] == "theirs"
    });
    let after = iss.device(id);
    let of = |text: &str, name: &str| -> Vec<String> {
        elements(text, name).into_iter().map(str::to_owned).collect()
    };
    for name in ["Name", "Desc", "Manufacturer", "ChannelName"] {
        assert_eq!(of(&after, name), of(&before, name), "{after}");
    }
    assert_eq!(cameras.held(id).counts.device_configs, counts.device_configs, "it was overwritten");
}

#[test]
fn the_gbid_of_a_channel_names_the_channel() {
    let (server, native, iss) = site();
    let cameras = Cameras::meet(Cameras::of(1, server.sip()).channels(2), &native);
    let id = &cameras.ids()[0];
    let channels: Vec<String> = cameras.held(id).channels.iter().map(|c| c.id.clone()).collect();
    wait_until("the catalog", PATIENCE, || native.channels(id).len() == 2);
    let filed = "<Level>2</Level><L1>北京</L1><L2>海淀</L2>";
    let fields = [("Name", "通道*1"), ("Desc", "一楼"), ("Organization", filed)];
    let answer = iss.set(&channels[0], &fields);
    let [name, desc, level, user, pwd] =
        ["Name", "Desc", "Level", "User", "Pwd"].map(|name| element(&answer, name));
    assert_eq!((name, desc, level, user, pwd), ("通道*1", "一楼", "2", "", ""));
    assert_eq!(ended(&native, &answer)["state"], "succeeded");
    assert_eq!(cameras.held(id).channels[0].name, "通道*1");
    assert_ne!(cameras.held(id).name, "通道*1", "the recorder was renamed");
    let shown = native.channels(id);
    let shown = shown.iter().find(|channel| channel["id"] == *channels[0]).expect("the channel");
    assert_eq!((&shown["name"], &shown["description"]), (&json!("通道*1"), &json!("一楼")));
    assert_eq!(shown["organization"]["path"], "北京/海淀", "{shown}");
    assert!(elements(&iss.device(id), "ChannelName").contains(&"通道*1"));

    // The whole of an entry fails that asks what a channel has not; its neighbours don't.
    let answer = iss.update(&[
        entry(&channels[1], &[("Name", "没有"), ("Pwd", "12345678")]),
        entry(id, &[("Desc", "录像机")]),
    ]);
    let [(failed_id, why)] = failed(&answer).try_into().expect("one failed");
    assert!(failed_id == channels[1] && why.starts_with("NotOfAChannel: "), "{answer}");
    assert_eq!(updated(&answer), [id.as_str()]);
    let device = iss.device(id);
    assert!(!elements(&device, "ChannelName").contains(&"没有"), "{device}");
    // Level 0 takes it out again.
    let answer = iss.set(&channels[0], &[("Organization", "<Level>0</Level>")]);
    assert_eq!((element(&answer, "Level"), element(&answer, "L1")), ("", ""));
}

/// A good device of an answer, as the vendor's skeleton has it.
fn device(id: &str, name: &str, password: &str) -> String {
    format!(
        "<Device><Gbid>{id}</Gbid><Name>{name}</Name><Desc/><Ip/><Port/><User>{id}</User>\
         <Pwd>{password}</Pwd><Manufacturer/><Type>Ipc</Type><Transport></Transport>\
         <Protocol>GB28181</Protocol><Organization><OrganizationId></OrganizationId>\
         <Level></Level><L1></L1><L2></L2><L3></L3><L4></L4></Organization><Msg/></Device>"
    )
}

#[test]
fn of_a_hundred_devices_one_bad_one_fails_alone() {
    let (server, native) = server(&Start::with_cameras());
    let iss = Iss::new(server.address(), &native.new_key(PROJECT, false));
    let id = |n: usize| format!("3402000000132{n:07}");
    let records: Vec<Value> = (0..101).map(|n| record(&id(n), "12345678")).collect();
    import(&native, &records);
    // From the last to the first, so that the order is the call's and not the store's.
    let name = |n: usize| if n == 42 { "坏 名".to_owned() } else { format!("门-{n}") };
    let entries: Vec<String> = (0..100)
        .rev()
        .map(|n| entry(&id(n), &[("Name", &name(n)), ("Pwd", &format!("9{n:07}"))]))
        .collect();
    let answer = iss.update(&entries);
    let good: String = (0..100)
        .rev()
        .filter(|n| *n != 42)
        .map(|n| device(&id(n), &name(n), &format!("9{n:07}")))
        .collect();
    let [(bad, why)] = failed(&answer).try_into().expect("one failed device");
    assert_eq!(bad, id(42));
    let expected = format!(
        "<Response><RequestId>{}</RequestId><Code>200</Code><Message>OK</Message>\
         <DeviceList>{good}</DeviceList><FailedDeviceList><Device><Gbid>{bad}</Gbid>\
         <Msg>{why}</Msg></Device></FailedDeviceList></Response>",
        element(&answer, "RequestId"),
    );
    assert_eq!(answer, expected);
    assert!(why.starts_with("InvalidName: ") && !answer.contains(&"90000042".to_owned()), "{why}");
    let shown = iss.device(&id(42));
    assert_eq!((element(&shown, "Name"), element(&shown, "Pwd")), (id(42).as_str(), "12345678"));
    let shown = iss.device(&id(7));
    assert_eq!((element(&shown, "Name"), element(&shown, "Pwd")), ("门-7", "90000007"));
    let jobs = native.get(&format!("/api/v1/updates/{}", element(&answer, "RequestId")));
    assert_eq!(jobs["jobs"]["total"], json!(99), "{jobs}");

    // One more than a hundred, and none is changed; all bad, and it is still 200. That a
    // camera with a job has not registered is found out beside the call, by whichever node works
    // on it.
    wait_until("the cameras to be missed", PATIENCE, || {
        let page = native.get("/api/v1/devices?limit=1000");
        let devices = page["devices"].as_array().expect("devices");
        let is_seen =
            |device: &Value| device["open_jobs"] == json!([]) || device["trouble"].is_string();
        devices.iter().all(is_seen)
    });
    let before = state(&native);
    let entries: Vec<String> =
        (0..101).map(|n| entry(&id(n), &[("Name", "新"), ("Pwd", "11112222")])).collect();
    let refused = iss.call("PUT", "/device", &request(PROJECT, &entries));
    assert_eq!((refused.status, element(&refused.text, "Code")), (400, "InvalidArgument"));
    assert_unchanged(&native, &before);
    let entries: Vec<String> = (0..100).map(|n| entry(&id(n), &[("Name", "新")])).collect();
    let answer = iss.update(&entries);
    assert_eq!((failed(&answer).len(), updated(&answer).len()), (100, 0));
    assert!(failed(&answer).iter().all(|(_, why)| why.starts_with("MissingPwd: ")), "{answer}");
    assert_unchanged(&native, &before);
    // The same device twice: the first counts.
    let fields = |name| [("Name", name), ("Pwd", "12345678")];
    let answer = iss.update(&[entry(&id(100), &fields("一")), entry(&id(100), &fields("二"))]);
    assert_eq!(updated(&answer), [id(100)]);
    assert!(failed(&answer)[0].1.starts_with("DuplicateGbid: "), "{answer}");
    assert_eq!(element(&iss.device(&id(100)), "Name"), "一");
}

#[test]
fn a_batch_is_read_in_every_shape_that_the_pages_show() {
    let (server, native) = server(&Start::with_cameras());
    let iss = Iss::new(server.address(), &native.new_key(PROJECT, false));
    let ids: Vec<String> = (1..=4).map(|n| format!("3402000000132{n:07}")).collect();
    import(&native, &ids.iter().map(|id| record(id, "12345678")).collect::<Vec<_>>());
    let fields =
        |id: &str, name: &str| format!("<Pwd>12345678</Pwd><Name>{name}</Name><Gbid>{id}</Gbid>");
    let [a, b, c, d] = ["一", "二", "三", "四"];
    let project = format!("<ProjectId>{PROJECT}</ProjectId>");
    let one = |list: &str, inner: &str| format!("<{list}>{inner}</{list}>");
    let [fa, fb, fc, fd] = [(0, a), (1, b), (2, c), (3, d)].map(|(n, name)| fields(&ids[n], name));
    let [da, db, dc, dd] = [&fa, &fb, &fc, &fd].map(|fields| one("Device", fields));
    let lists = |list: &str| [&fa, &fb, &fc, &fd].map(|fields| one(list, fields)).concat();
    let shapes = [
        format!("<Request>{}{project}</Request>", lists("Devicelist")),
        format!("<Request>{project}{}</Request>", lists("DeviceList")),
        format!("<request>{}{project}</request>", lists("devicelist")),
        format!(
            "<Request>{}{project}</Request>",
            one("DeviceList", &[da.as_str(), &db, &dc, &dd].concat())
        ),
        format!(
            "<Request>{}{project}{}{}</Request>",
            one("Devicelist", &format!("{da}{db}")),
            one("DeviceList", &dc),
            one("Devicelist", &fd)
        ),
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- all -->\n<Request xmlns=\"urn:x\">\n  {}\n  \
             {project}\n</Request>\n",
            lists("Devicelist").replace("><", ">\n    <")
        ),
        format!("\u{feff}<Request>{}{project}<Other/></Request>", lists("Devicelist")),
    ];
    for shape in &shapes {
        let answer = iss.ok("PUT", "/device", shape);
        assert_eq!(updated(&answer), ids, "{shape}: {answer}");
        assert_eq!(elements(&answer, "Name"), [a, b, c, d], "{answer}");
        assert!(failed(&answer).is_empty(), "{answer}");
    }
}

#[test]
fn what_a_project_says_of_addresses_and_passwords_holds() {
    let (server, native) = server(&Start::with_cameras());
    let iss = Iss::new(server.address(), &native.new_key(PROJECT, false));
    let id = "34020000001320000001";
    import(&native, &[record(id, "12345678")]);
    let mut fields = vec![("Pwd", "12345678"), ("Ip", "192.168.1.9"), ("Port", "5060")];
    let answer = iss.set(id, &fields);
    assert_eq!((element(&answer, "Ip"), element(&answer, "Port")), ("192.168.1.9", "5060"));
    native.set_project(PROJECT, &json!({"iss": {"private_ip": false}}));
    let answer = iss.update(&[entry(id, &fields)]);
    assert!(failed(&answer)[0].1.starts_with("InvalidIp: "), "{answer}");
    fields[1].1 = "8.8.8.8";
    assert_eq!(element(&iss.set(id, &fields), "Ip"), "8.8.8.8");
    native.set_project(PROJECT, &json!({"iss": {"private_ip": true}}));
    fields[1].1 = "fd00::9";
    assert_eq!(element(&iss.set(id, &fields), "Ip"), "fd00::9");

    let list = format!("/device?projectId={PROJECT}");
    native.set_project(PROJECT, &json!({"iss": {"mask_passwords": true}}));
    fields[0].1 = "99998888";
    for shown in [iss.set(id, &fields), iss.device(id), iss.ok("GET", &list, "")] {
        assert!(!shown.contains("99998888") && element(&shown, "Pwd") == "******", "{shown}");
    }
    native.set_project(PROJECT, &json!({"iss": {"mask_passwords": false}}));
    for shown in [iss.device(id), iss.ok("GET", &list, "")] {
        assert_eq!(element(&shown, "Pwd"), "99998888", "{shown}");
    }
    // The native door never shows it, masked or not.
    for target in [format!("/api/v1/devices/{id}"), "/api/v1/devices?kind=camera".to_owned()] {
        let shown = native.get(&target).to_string();
        assert!(!shown.contains("99998888") && !shown.contains("12345678"), "{shown}");
    }
}

#[test]
fn an_installer_types_in_what_the_door_says_and_the_camera_is_there() {
    let (server, native, iss) = site();
    let sip = iss.ok("GET", &format!("/device/sip?projectId={PROJECT}"), "");
    let [id, domain, host, port] =
        ["ServerGbid", "Domain", "NetIp", "NetPort"].map(|name| element(&sip, name));
    assert_eq!((id, domain), (SERVER_ID, DOMAIN), "{sip}");
    let place = if host.is_empty() { "127.0.0.1" } else { host };
    let address = format!("{place}:{port}").parse().unwrap_or_else(|e| panic!("{sip}: {e}"));
    assert_eq!(server.sip(), address, "{sip}");
    let body = request(
        PROJECT,
        &["<Devicelist><Name>新门</Name><Pwd>secret.1</Pwd><Transport>TCP</Transport></Devicelist>"
            .to_owned()],
    );
    let made = iss.ok("POST", "/device", &body);
    let gbid = element(&made, "Gbid").to_owned();
    assert!(gbid.len() == 20 && gbid.starts_with(DOMAIN), "{made}");
    let [name, user, password, port, transport] =
        ["Name", "User", "Pwd", "Port", "Transport"].map(|name| element(&made, name));
    assert_eq!((name, user, password), ("新门", gbid.as_str(), "secret.1"), "{made}");
    assert_eq!((port, transport), ("1025", "TCP"), "{made}");

    let mut camera = Ua::new(&gbid, "secret.1", Line::tcp(address));
    assert_eq!(camera.register(3600).status, Some(200));
    native.wait_for_status(&gbid, "OnLine");
    let described = iss.device(&gbid);
    assert_eq!(element(&described, "Status"), "OnLine", "{described}");
    assert_eq!(element(&described, "ChannelCount"), "0", "{described}");

    let gone = iss.ok("DELETE", "/device", &request(PROJECT, &[entry(&gbid, &[])]));
    assert_eq!(updated(&gone), [gbid.as_str()]);
    assert_eq!(camera.register(3600).status, Some(401), "one that was deleted");
    assert_eq!(native.refusals(&gbid).get("unknown_id"), Some(&1));
    let target = format!("/device?projectId={PROJECT}&gbid={gbid}");
    assert_eq!(iss.call("GET", &target, "").status, 404);
    let again = iss.ok("DELETE", "/device", &request(PROJECT, &[entry(&gbid, &[])]));
    assert!(failed(&again)[0].1.starts_with("DeviceNotFound: "), "{again}");
}
