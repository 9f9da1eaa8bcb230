use std::io::Write as _;

use super::*;

fn from_file(text: &str) -> Result<Config, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(Some(file.path()), |_| None, &[])
}

/// The problems of a file, each as `line: key: what`.
fn problems(text: &str) -> Vec<String> {
    let Err(Error::Problems(problems)) = from_file(text) else { panic!("accepted: {text}") };
    let word = |problem: Problem| {
        let Origin::Line(_, line) = problem.origin else { panic!("{problem} has no line") };
        format!("{line}: {}: {}", problem.key, problem.what)
    };
    problems.into_iter().map(word).collect()
}

#[test]
fn the_default_file_is_accepted_and_says_the_defaults() {
    assert_eq!(from_file(&default_file()).unwrap(), Config::default());
    assert_eq!(from_file("").unwrap(), Config::default());
}

#[test]
fn the_default_files_examples_are_accepted_too() {
    let text = default_file();
    let uncommented: Vec<String> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = \"") => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let config = from_file(&uncommented.join("\n")).unwrap();
    assert!(config.store.is_some() && config.http.tls_cert.is_some());
    assert!(config.http.tls_key.is_some() && config.sip.realm.is_some());
}

#[test]
fn every_key_says_what_it_means_and_has_a_variable_of_its_own() {
    for key in keys() {
        assert!(key.meaning.len() > 20 && key.meaning.ends_with('.'), "{}", key.name);
        assert!(key.variable.starts_with("FLEETWRIGHT_"), "{}", key.name);
        let same = keys().filter(|other| other.variable == key.variable).count();
        assert_eq!(same, 1, "{}", key.variable);
        let shown = (key.show)(&Config::default()).is_some();
        assert_ne!(shown, !key.example.is_empty(), "{}: a default or an example", key.name);
    }
}

#[test]
fn every_key_takes_its_value_from_the_file() {
    let config = from_file(
        "data = '/srv/fw'\nstore = 'postgres://fw:pw@db/fw'\n\
         [cluster]\nnode = 'n-1'\nroles = ['api', 'sip']\n\
         [postgres]\ntls = 'verify-full'\ntls_ca = 'ca'\nsynchronous_standby = true\n\
         [http]\nlisten = '[::]:443'\ntls_cert = 'c'\ntls_key = 'k'\ninsecure = true\n\
         public_hosts = ['cph.example.com', 'b:8443']\n\
         trusted_proxies = ['10.1.2.3/8', '::1']\ntoken_lifetime_seconds = 60\n\
         [engine]\njob_deadline_seconds = 3\nboot_deadline_seconds = 4\n\
         actions_per_server = 2\nactions_per_node = 0x10\nrestarts_per_server = 5\n\
         boots_per_server = 6\nrestarts_per_project = 7\nsweep_per_second = 0\n\
         [history]\nkeep_days = 0\nkeep_jobs = 1_000\ndisk_free_percent = 25\n\
         [sip]\nlisten = '127.0.0.1:5070'\n\
         advertise = ['10.0.0.0/8=10.1.2.3', 'sip.example.com:5061']\n\
         id = '11010000002000000001'\ndomain = '1101000000'\nrealm = 'r'\nfollow = 'any'\n\
         date_header = false\nsha256 = true\nkeepalive_seconds = 30\nkeepalive_misses = 5\n\
         expires_min_seconds = 120\nexpires_max_seconds = 7_200\nsurvey_per_second = 9\n\
         [log]\nfilter = 'info,phones=debug'\nformat = 'json'\n\
         [telemetry]\notlp_endpoint = 'https://otel:4318/x/'\nsampled_percent = 5\n",
    )
    .unwrap();
    let expected = Config {
        data: "/srv/fw".into(),
        store: Some(StoreUrl::parse("postgres://fw:pw@db/fw").unwrap()),
        cluster: Cluster {
            node: Some("n-1".into()),
            roles: Roles { api: true, engine: false, sip: true },
        },
        postgres: Postgres {
            tls: Some(Tls::VerifyFull),
            tls_ca: Some("ca".into()),
            synchronous_standby: true,
        },
        http: Http {
            listen: "[::]:443".parse().unwrap(),
            tls_cert: Some("c".into()),
            tls_key: Some("k".into()),
            insecure: true,
            public_hosts: vec!["cph.example.com".into(), "b:8443".into()],
            trusted_proxies: vec!["10.1.2.3/8".into(), "::1".into()],
            token_lifetime_seconds: 60,
        },
        engine: Engine {
            job_deadline_seconds: 3,
            boot_deadline_seconds: 4,
            actions_per_server: 2,
            actions_per_node: 16,
            restarts_per_server: 5,
            boots_per_server: 6,
            restarts_per_project: 7,
            sweep_per_second: 0,
        },
        history: History { keep_days: 0, keep_jobs: 1_000, disk_free_percent: 25 },
        sip: Sip {
            listen: Some("127.0.0.1:5070".parse().unwrap()),
            advertise: vec!["10.0.0.0/8=10.1.2.3".into(), "sip.example.com:5061".into()],
            id: "11010000002000000001".into(),
            domain: "1101000000".into(),
            realm: Some("r".into()),
            follow: cameras::Follow::Any,
            date_header: false,
            sha256: true,
            keepalive_seconds: 30,
            keepalive_misses: 5,
            expires_min_seconds: 120,
            expires_max_seconds: 7_200,
            survey_per_second: 9,
        },
        log: Log { filter: "info,phones=debug".into(), format: LogFormat::Json },
        telemetry: Telemetry {
            otlp_endpoint: Some("https://otel:4318/x".into()),
            sampled_percent: 5,
        },
    };
    assert_eq!(config, expected);
    assert_eq!(config.store_url().to_string(), "postgres://fw@db/fw");
    assert_eq!(Config::default().store_url().to_string(), "sqlite:fleetwright-data/fleetwright.db");
}

#[test]
fn all_problems_are_named_at_once_with_key_and_line() {
    let found = problems(
        "data = ''\nstore = 'mysql:x'\nstoer = 1\n[http]\nlisten = 'localhost:80'\n\
         insecure = 'yes'\npublic_hosts = 'a'\ntsl_cert = 'x'\n\
         trusted_proxies = ['10.0.0.0/33']\n[engine]\n\
         job_deadline_seconds = 0\nactions_per_server = 1.5\nsweep_per_second = -1\n\
         [log]\nfilter = 'a=b=c'\nformat = 'xml'\n[colour]\nred = 1\n",
    );
    let starts = [
        "1: data: is empty",
        "2: store: \"mysql:x\" is no store: it must be sqlite:PATH or postgres://USER@HOST",
        "3: stoer: there is no such key; there are data, store and the sections [http], ",
        "5: http.listen: \"localhost:80\" is not IP:PORT",
        "6: http.insecure: must be true or false, not a string",
        "7: http.public_hosts: must be a list of texts, not a string",
        "8: http.tsl_cert: there is no such key; there are http.listen, http.tls_cert, ",
        "9: http.trusted_proxies: \"10.0.0.0/33\" must have a prefix of 0 to 32 bits",
        "11: engine.job_deadline_seconds: must be a whole number from 1 to ",
        "12: engine.actions_per_server: must be a whole number, not a float",
        "13: engine.sweep_per_second: must be a whole number from 0 to ",
        "15: log.filter: \"a=b=c\" is no log filter: ",
        "16: log.format: \"xml\" must be \"text\" or \"json\"",
        "17: colour: there is no such key; ",
    ];
    let mut sorted = found.clone();
    sorted.sort_by_key(|line| line.split(':').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(sorted.len(), starts.len(), "{found:#?}");
    for (line, start) in sorted.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\nmust begin with\n{start}");
    }
}

#[test]
fn what_sip_can_not_be_is_named() {
    let found = problems(
        "[sip]\nlisten = 'localhost:5060'\nadvertise = ['10.0.0.0/33=10.1.2.3']\n\
         id = '3402000000200000000'\ndomain = '3402 0'\nrealm = 'a\"b'\nfollow = 'ip'\n\
         date_header = 1\nsha256 = 'no'\nkeepalive_seconds = -1\nkeepalive_misses = 0\n\
         expires_min_seconds = 0\nexpires_max_seconds = 59\nsurvey_per_second = 0\n",
    );
    let starts = [
        "2: sip.listen: \"localhost:5060\" is not IP:PORT",
        "3: sip.advertise: ",
        "4: sip.id: \"3402000000200000000\" is not 20 digits",
        "5: sip.domain: \"3402 0\" must be at most 64 letters, digits and . - _ :",
        "6: sip.realm: \"a\\\"b\" must be at most 64 letters, digits and . - _ :",
        "7: sip.follow: \"ip\" must be \"registered\", \"same-ip\" or \"any\"",
        "8: sip.date_header: must be true or false, not an integer",
        "9: sip.sha256: must be true or false, not a string",
        "10: sip.keepalive_seconds: must be a whole number from 0 to 86400",
        "11: sip.keepalive_misses: must be a whole number from 1 to 1000",
        "12: sip.expires_min_seconds: must be a whole number from 1 to 86400",
        "13: sip.expires_max_seconds: must be a whole number from 60 to 31536000",
        "14: sip.survey_per_second: must be a whole number from 1 to 100000",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for start in starts {
        assert!(found.iter().any(|line| line.starts_with(start)), "{start}\nof\n{found:#?}");
    }
    let found = problems("[sip]\nexpires_min_seconds = 7200\nexpires_max_seconds = 3600\n");
    assert_eq!(
        found,
        ["2: sip.expires_min_seconds: is more than sip.expires_max_seconds, the longest"]
    );
}

#[test]
fn sip_is_listened_for_unless_it_is_none() {
    let listen = |text: &str| {
        let flags: [Flag; 1] = [("sip.listen", "--sip", Some(text.into()))];
        load(None, |_| None, &flags).map(|config| config.sip.listen)
    };
    assert_eq!(Config::default().sip.listen, "127.0.0.1:5060".parse().ok());
    assert_eq!(listen("[::1]:0").unwrap(), "[::1]:0".parse().ok());
    assert_eq!(listen("none").unwrap(), None);
    let error = listen("5060").unwrap_err().to_string();
    assert!(error.contains("--sip: sip.listen: \"5060\" is not IP:PORT"), "{error}");
}

#[test]
fn no_more_is_listed_than_is_used() {
    let listed = |key: &str, entry: &str, count: usize| {
        let list = vec![format!("'{entry}'"); count].join(", ");
        from_file(&format!("[http]\n{key} = [{list}]\n"))
    };
    let max = api::signature::huawei::PUBLIC_HOSTS_MAX;
    assert_eq!(listed("public_hosts", "a", max).unwrap().http.public_hosts.len(), max);
    let error = listed("public_hosts", "a", max + 1).unwrap_err().to_string();
    assert!(error.contains("http.public_hosts: has 9 entries; at most 8"), "{error}");
    assert!(listed("trusted_proxies", "::1", 16).is_ok());
    assert!(listed("trusted_proxies", "::1", 17).is_err());
    let words = default_file();
    assert!(words.contains(&format!("at most {max}, ")), "the file says so: {words}");
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    let found = problems("data = 'x'\n[http\nlisten = \n");
    assert!(found.iter().any(|line| line.starts_with("2: : ")), "{found:?}");
    let found = problems("data = 'x'\ndata = 'y'\n");
    assert!(found.iter().any(|line| line.starts_with("2: : ")), "{found:?}");
    assert!(problems("http = 1\n")[0].starts_with("1: http: must be a section"));
}

#[test]
fn tls_and_plain_http_are_checked_together() {
    assert!(problems("[http]\ntls_cert = 'c'\n")[0].contains("needs http.tls_key"));
    assert!(problems("[http]\ntls_key = 'c'\n")[0].contains("needs http.tls_cert"));
    let found = problems("[http]\nlisten = '0.0.0.0:80'\n");
    assert!(found[0].starts_with("2: http.listen: 0.0.0.0:80 is not loopback"), "{found:?}");
    assert!(found[0].contains("http.insecure = true"), "it says what to do: {found:?}");
    assert!(from_file("[http]\nlisten = '0.0.0.0:80'\ninsecure = true\n").is_ok());
    assert!(from_file("[http]\nlisten = '[::1]:80'\n").is_ok());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"data = 'file'\n[log]\nfilter = 'warn'\n[http]\nlisten = '127.0.0.1:1'\n")
        .unwrap();
    let environment = |name: &str| match name {
        "FLEETWRIGHT_LOG" => Some("debug".to_owned()),
        "FLEETWRIGHT_HTTP" => Some("127.0.0.1:2".to_owned()),
        "FLEETWRIGHT_PUBLIC_HOSTS" => Some("a, b:1".to_owned()),
        _ => None,
    };
    let flags: [Flag; 2] =
        [("http.listen", "--http", Some("127.0.0.1:3".into())), ("store", "--store", None)];
    let config = load(Some(file.path()), environment, &flags).unwrap();
    assert_eq!(config.data, PathBuf::from("file"));
    assert_eq!(config.log.filter, "debug");
    assert_eq!(config.http.listen.port(), 3);
    assert_eq!(config.http.public_hosts, ["a", "b:1"]);
}

#[test]
fn places_are_the_servers_and_nothing_else_of_it_is_asked() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"store = 'sqlite:/srv/x.db'\n[http]\nlisten = '0.0.0.0:443'\n").unwrap();
    let environment = |name: &str| match name {
        "FLEETWRIGHT_DATA" => Some("/srv/fw".to_owned()),
        "FLEETWRIGHT_HTTP" => Some("nowhere".to_owned()),
        _ => None,
    };
    let sqlite = |path: &str| StoreUrl::Sqlite(path.into());
    let places = load_places(Some(file.path()), environment, &[]).unwrap();
    assert_eq!((places.data.clone(), places.store_url()), ("/srv/fw".into(), sqlite("/srv/x.db")));
    let flags: [Flag; 2] = [
        ("data", "--data-dir", Some("/tmp/try".into())),
        ("store", "--store", Some("sqlite:y.db".into())),
    ];
    let places = load_places(Some(file.path()), environment, &flags).unwrap();
    assert_eq!((places.data.clone(), places.store_url()), ("/tmp/try".into(), sqlite("y.db")));
    let store = |name: &str| (name == "FLEETWRIGHT_STORE").then(|| "mysql:x".to_owned());
    let error = load_places(None, store, &[]).unwrap_err().to_string();
    assert!(error.contains("environment FLEETWRIGHT_STORE: store: \"mysql:x\""), "{error}");
}

#[test]
fn a_problem_outside_the_file_names_where_it_was_given() {
    let environment = |name: &str| (name == "FLEETWRIGHT_HTTP").then(|| "nowhere".to_owned());
    let flags: [Flag; 1] = [("store", "--store", Some("mysql:x".into()))];
    let error = load(None, environment, &flags).unwrap_err().to_string();
    assert!(error.contains("environment FLEETWRIGHT_HTTP: http.listen: \"nowhere\""), "{error}");
    assert!(error.contains("--store: store: \"mysql:x\""), "{error}");
    let missing = load(Some(Path::new("/nonexistent/x.toml")), |_| None, &[]).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read /nonexistent/x.toml");
}

#[test]
fn a_node_among_others_is_checked_with_its_store() {
    let found = problems(
        "store = 'postgres://fw:hunter2@db/fw?sslmode=require'\n[cluster]\nnode = 'a b'\n\
         roles = ['api', 'sipp']\n[postgres]\ntls = 'verify-ca'\ntls_ca = ''\n\
         synchronous_standby = 'yes'\n",
    );
    let starts = [
        "1: store: this postgres://... can't be used: it speaks of TLS (sslmode)",
        "3: cluster.node: \"a b\" must be at most 64 letters, digits and . - _",
        "4: cluster.roles: \"sipp\" is no role: api, engine and sip are",
        "6: postgres.tls: \"verify-ca\" is no way to use TLS",
        "7: postgres.tls_ca: is empty",
        "8: postgres.synchronous_standby: must be true or false, not a string",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for start in starts {
        assert!(found.iter().any(|line| line.starts_with(start)), "{start}\nof\n{found:#?}");
    }
    assert!(!found.iter().any(|line| line.contains("hunter2")), "{found:#?}");
    assert!(problems("[cluster]\nroles = []\n")[0].contains("names no role"));

    // What does not go together, all of it at once.
    let found = problems(
        "[cluster]\nroles = ['engine']\n[postgres]\nsynchronous_standby = true\ntls_ca = 'x'\n",
    );
    for part in
        ["2: cluster.roles: a store on SQLite", "4: postgres.synchronous_standby: SQLite has"]
    {
        assert!(found.iter().any(|line| line.starts_with(part)), "{part} of {found:#?}");
    }
    assert!(found.iter().any(|line| line.starts_with("5: postgres.tls_ca: is of no use")));
    let needs = "store = 'postgres://fw@db/fw'\n[postgres]\ntls = 'verify-full'\n";
    assert!(problems(needs)[0].contains("needs postgres.tls_ca"));
}

#[test]
fn roles_are_parted_by_commas_and_the_name_is_the_machines() {
    let flags: [Flag; 2] = [
        ("store", "--store", Some("postgres://fw:hunter2@localhost/fw".into())),
        ("cluster.roles", "--roles", Some("engine, sip".into())),
    ];
    let config = load(None, |_| None, &flags).unwrap();
    assert_eq!(config.cluster.roles, Roles { api: false, engine: true, sip: true });
    assert!(!config.node().is_empty());
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_store_is_not_spoken_to_in_the_clear_unless_that_is_said() {
    let given = |url: &str, tls: Option<&str>| {
        let flags: [Flag; 1] = [("store", "--store", Some(url.to_owned()))];
        let tls = tls.map(str::to_owned);
        load(None, |name| tls.clone().filter(|_| name == "FLEETWRIGHT_POSTGRES_TLS"), &flags)
    };
    let refused = given("postgres://fw:hunter2@127.0.0.1,db2/fw", None).unwrap_err().to_string();
    for words in ["--store: store: postgres://fw@127.0.0.1,db2/fw", "postgres.tls", "\"disable\""] {
        assert!(refused.contains(words), "{words} is not in {refused}");
    }
    assert!(!refused.contains("hunter2"), "{refused}");
    for tls in ["disable", "require"] {
        let config = given("postgres://fw@db/fw", Some(tls)).unwrap();
        assert_eq!(config.postgres.tls, Some(tls.parse().unwrap()));
    }
    let local = given("postgres://fw@localhost/fw", None).unwrap();
    let StoreUrl::Postgres(url) = local.store_url() else { panic!("{local:?}") };
    assert_eq!(local.postgres_options(&url, Timestamp(0)).tls, Tls::Disable);
    // The file that is printed says nothing of it, so that whoever fills it in is asked.
    let url = "store = 'postgres://fw@db/fw'\n";
    assert!(problems(&format!("{url}{}", default_file()))[0].contains("postgres.tls"));
}

#[test]
fn a_role_that_does_nothing_and_an_address_without_a_role_are_refused() {
    let given = |roles: &str, sip: Option<&str>| {
        let flags: [Flag; 3] = [
            ("store", "--store", Some("postgres://fw@localhost/fw".into())),
            ("cluster.roles", "--roles", Some(roles.to_owned())),
            ("sip.listen", "--sip", sip.map(str::to_owned)),
        ];
        load(None, |_| None, &flags)
    };
    for roles in ["sip", "sip,engine", "api,sip"] {
        let why = given(roles, Some("none")).unwrap_err().to_string();
        assert!(why.contains("--roles: cluster.roles: the role \"sip\" does nothing"), "{why}");
        assert!(given(roles, None).is_ok(), "{roles}");
    }
    for roles in ["api", "engine", "api,engine"] {
        for address in ["127.0.0.1:15060", "127.0.0.1:5060"] {
            let why = given(roles, Some(address)).unwrap_err().to_string();
            assert!(why.contains("--sip: sip.listen: nobody listens there"), "{why}");
        }
        assert!(given(roles, Some("none")).is_ok() && given(roles, None).is_ok(), "{roles}");
    }
    assert!(given("api,engine,sip", Some("none")).is_ok(), "all roles, and no cameras");
    // The printed file names the address, and still one node may have other roles.
    let file = default_file().replace("roles = [\"api\", \"engine\", \"sip\"]", "roles = ['api']");
    let file = format!("store = 'postgres://fw@localhost/fw'\n{file}");
    assert_eq!(from_file(&file).unwrap().cluster.roles.words(), "api");
}

#[test]
fn a_collector_is_an_address_without_a_secret() {
    let config = from_file("[telemetry]\notlp_endpoint = 'http://[::1]:4318'\n").unwrap();
    assert_eq!(config.telemetry.otlp_endpoint.as_deref(), Some("http://[::1]:4318"));
    for wrong in
        ["otel:4318", "ftp://otel", "http://", "http://u:p@otel", "http://a/?b", "http://a b"]
    {
        let found = problems(&format!("[telemetry]\notlp_endpoint = '{wrong}'\n"));
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].contains("telemetry.otlp_endpoint"), "{found:?}");
        assert!(!found[0].contains("u:p"), "{found:?}");
    }
    assert_eq!(problems("[telemetry]\nsampled_percent = 0\n").len(), 1);
}
