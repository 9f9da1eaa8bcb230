//! The pages, and what their examples need: what is there beforehand, what stands for the reader's
//! own, what can't be run here and why, and which examples end with another status than 0.
//!
//! A page that is not in [`PAGES`] is run as it stands.

use std::collections::BTreeSet;
use std::path::Path;

use super::examples::examples;
use super::run;
use crate::harness::tools;

/// How the examples of a page are run.
#[derive(Debug)]
pub struct Page {
    /// The page's path, from the workspace's root.
    pub name: &'static str,
    /// What the shell does before the first: see `prelude.sh`.
    pub setup: &'static str,
    /// What stands for what in the examples.
    pub instead: &'static [(&'static str, &'static str)],
    /// How an example begins that can't be run here, and why.
    pub cannot: &'static [(&'static str, &'static str)],
    /// A part of an example that ends with another status than 0, and that status.
    pub ends: &'static [(&'static str, i32)],
}

/// What stands for what in all pages, after what the page itself has.
pub const INSTEAD: &[(&str, &str)] = &[
    ("/etc/fleetwright/fleetwright.toml", "$WORK/fleetwright.toml"),
    ("/var/lib/fleetwright", "$DATA"),
    ("/srv/backups", "$WORK/backups"),
    ("--docker-ps - --host 10.0.3.11", "--docker-ps - --host 127.0.0.1"),
];

/// How an example of any page begins that can't be run here, and why.
pub const CANNOT: &[(&str, &str)] = &[
    ("cargo ", "builds or tests the repository itself"),
    ("cd console ", "builds the repository itself"),
    ("sudo systemctl ", "no systemd runs here"),
    ("sudo apt ", "installs on the machine itself"),
    ("sudo apt-get ", "installs on the machine itself"),
    ("sudo dpkg ", "installs on the machine itself; the package has a test of its own"),
    ("sudo install ", "installs on the machine itself"),
    ("install ", "installs on the machine itself"),
    ("sudo useradd ", "makes a user of the machine itself"),
    ("systemctl ", "no systemd runs here"),
    ("journalctl ", "no systemd runs here"),
    ("docker build ", "no Docker runs here"),
    ("helm ", "no Kubernetes runs here"),
    ("kubectl ", "no Kubernetes runs here"),
];

/// The pages that need something.
pub const PAGES: &[Page] = &[
    Page {
        name: "README.md",
        setup: "phones x 2 --make redroid; containers",
        instead: &[
            ("serve --data ~/fleet", "serve --data $WORK/served"),
            ("~/fleet/", "$DATA/"),
            ("fleetwright serve", "serve_until_ready"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/moving-from-cph.md",
        setup: "echo the/secret+of/the/key0123456789abcdefghijk > secret.txt\n\
                printf 'a-Password-of-hers' > ada.txt",
        instead: &[
            ("https://fleet.example.com", "$FLEETWRIGHT_URL"),
            ("\"password\": \"...\"", "\"password\": \"a-Password-of-hers\""),
            ("curl -si", "curl -sif"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/moving-from-iss.md",
        setup: "echo the/secret+of/the/key0123456789abcdefghijk > secret.txt\n\
                P=pj1460606b9752148c4ab182f55163ba7cd; I=34020000001320000001\n\
                echo '{\"kind\":\"camera\",\"project\":\"'$P'\",\"id\":\"'$I'\",\"name\":\"a\"}' \
                > cameras.jsonl\n\
                echo '{\"id\":\"'$I'\",\"set\":{\"Desc\":\"b\"}}' > records.jsonl\n\
                its_update() { fleetwright device import cameras.jsonl >&2; \
                an_update $P $I Desc=a; }",
        instead: &[("NmIwMmNhYzRfMDAwMDI4NTlfYjM3Ml8yZDlmNjEy", "$(its_update)")],
        cannot: &[("python3 iss_export.py", "asks Tencent's own service")],
        ends: &[],
    },
    Page {
        name: "docs/moving-from-wvp.md",
        setup: "printf 20170615 > sip-password.txt\n\
                printf 'id,device_id,name,password,custom_name\\n\
                1,34020000001320000001,IPC,secret-1,gate\\n' > wvp_device.csv\n\
                printf 'id,device_id,name,channel_type,data_type,data_device_id\\n\
                1,34020000001310000001,Camera 01,0,1,1\\n' > wvp_device_channel.csv",
        instead: &[],
        cannot: &[("mysql ", "asks a database of WVP's")],
        ends: &[],
    },
    Page {
        name: "docs/quick-start-redroid.md",
        setup: REDROID,
        instead: &[
            ("'10.0.3.[11-70]:[5555-5604]'", "127.0.0.1:[$FIRST-$FIRST]"),
            ("85f78679cdcf1d5bed05f7e62748e20b", "$(found)"),
            (" ID", " $(found)"),
            ("127.0.0.1:6555", "127.0.0.1:$PORT"),
            ("'127.0.0.1:[6555-6558]'", "127.0.0.1:[$PORT-$((PORT + 3))]"),
            ("127.0.0.1:6999", "127.0.0.1:$CONTROL"),
            ("--emit phones.jsonl &", "--emit four.jsonl & wait_until test -s four.jsonl"),
        ],
        cannot: &[
            ("-p 10.0.3.11:5555:5555", "a part of the command that starts a container"),
            ("iptables ", "sets the machine's own firewall"),
            ("adb ", "a daemon of adb's own would stay: the module phones asks phones by adb"),
        ],
        ends: &[],
    },
    Page {
        name: "docs/quick-start-cameras.md",
        setup: CAMERAS,
        instead: &[
            ("device channels 34020000001180000001", "device channels $(recorder)"),
            ("move ID ", "move $(organization) "),
            ("update show ID", "update show $(an_update site-1 $ID Desc=x)"),
            (" ID ", " $ID "),
            (
                "fleetwright serve --data /tmp/fleet &",
                "export FLEETWRIGHT_URL=http://127.0.0.1:$HTTP2 SIP=127.0.0.1:$SIP2\n\
                 fleetwright serve --data $WORK/fleet --http 127.0.0.1:$HTTP2 --sip $SIP 2>log2 &",
            ),
            ("sleep 1", "wait_until grep '^ready ' log2"),
            ("/tmp/fleet", "$WORK/fleet"),
            ("./cameras.sock &", "./cameras.sock & wait_until test -S cameras.sock"),
        ],
        cannot: &[],
        ends: &[
            // The page says so: the second camera refuses its name.
            ("--file names.jsonl", 1),
            // And the first one still registers with its old password.
            ("device check", 1),
        ],
    },
    Page {
        name: "docs/operate/phones.md",
        setup: PHONES,
        instead: &[
            ("--project ID", "--project farm"),
            ("project set ID", "project set farm"),
            ("'10.0.3.[11-70]:[5555-5604]'", "127.0.0.1:[$FIRST-$FIRST]"),
            (" ID", " $PHONE"),
            (" JOB", " $(a_job farm $OTHER sys.prop.writephonenum=1)"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/cameras.md",
        setup: "mkdir -p backups; known_cameras site 2; printf 87654321 > new.txt\n\
                printf install-me-2026 > shared.txt",
        instead: &[(" ID", " $CAMERA"), (" FILE", " new.txt")],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/access.md",
        setup: "known_phones demo 1; printf 'a-Password-of-hers' > ada.txt\n\
                mkdir -p backups; mkdir -m 700 off\n\
                cp -p \"$DATA\"/fleetwright.db* \"$DATA/master-key\" \"$DATA/adb-host-key\" off",
        instead: &[("--data /var/lib/fleetwright", "--data $WORK/off")],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/import.md",
        setup: "known_phones acme 2; cp blocks/csv-1 phones.csv; cp blocks/csv-2 cameras.csv",
        instead: &[],
        cannot: &[],
        // The page says so: a line of it has a mistake.
        ends: &[("cameras.csv --good-lines", 1)],
    },
    Page {
        name: "docs/operate/updates.md",
        setup: UPDATES,
        instead: &[
            ("farm-1", "$FARM"),
            ("--device ID", "--device $PHONE"),
            ("device show ID", "device show $PHONE"),
            ("pause ID", "pause $(begun)"),
            ("resume ID", "resume $(paused)"),
            ("abort ID", "abort $(begun)"),
            ("cancel ID", "cancel $(begun)"),
            ("update revert ID", "update revert $(done_with)"),
            ("update refused ID", "update refused $(begun)"),
            ("device revert ID --to 3", "device revert $PHONE --to $(earlier)"),
            ("device history ID", "device history $PHONE"),
            (" ID", " $(done_with)"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/outage.md",
        setup: UPDATES,
        instead: &[
            ("http://127.0.0.1:8080", "$FLEETWRIGHT_URL"),
            ("DEVICE", "$PHONE"),
            ("update show ID", "update show $(done_with)"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/why.md",
        setup: "known_phones acme 1",
        instead: &[(" ID", " $PHONE")],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/events.md",
        setup: "fleetwright project create Known --id ID\n\
                W() { fleetwright webhook list --json | json 'd[\"webhooks\"][0][\"id\"]'; }",
        // A port that nobody listens at.
        instead: &[("https://receiver.example/", "https://127.0.0.1:9/"), (" WEBHOOK", " $(W)")],
        cannot: &[
            ("fleetwright events", "goes on until it is stopped: the module native::events does"),
            ("curl -N", "goes on until it is stopped"),
        ],
        ends: &[("fleetwright webhook test", 1)],
    },
    Page {
        name: "docs/operate/backup-and-restore.md",
        setup: "mkdir -p backups; mkdir -m 700 -p restored\n\
                cp -p \"$DATA/master-key\" \"$DATA/adb-host-key\" restored",
        instead: &[
            ("fleet-2026-11-21.db", "fleet-$(date +%F).db"),
            ("--data /var/lib/fleetwright", "--data $WORK/restored"),
            ("\"/srv/backups/fleet-$(date +%F).db\"", "$WORK/backups/daily.db"),
        ],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/operate/lost-key.md",
        setup: "known_phones farm 1; mkdir -m 700 off\n\
                cp -p \"$DATA\"/fleetwright.db* \"$DATA/adb-host-key\" off\n\
                OLDKEY=$(fleetwright key create --project farm --json | json 'd[\"ak\"]')",
        instead: &[
            ("cd /var/lib/fleetwright", "cd $WORK/off"),
            ("--project ID", "--project farm"),
            (" OLDKEY", " $OLDKEY"),
        ],
        cannot: &[("sudo tar ", "age asks at a terminal for a passphrase")],
        ends: &[],
    },
    Page {
        name: "docs/operate/cluster.md",
        setup: "mkdir -p backups",
        instead: &[],
        cannot: &[
            ("export FLEETWRIGHT_COPY_TO", "of the next"),
            ("sudo -E -u fleetwright", "takes a PostgreSQL: the module cluster copies to one"),
            ("mkdir -p -m 700 /var/lib", "is done on another machine"),
            ("scp ", "copies from another machine"),
            ("chmod 600 /var/lib", "is done on another machine"),
            ("fleetwright serve", "takes a PostgreSQL: the module cluster starts such nodes"),
            ("pg_dump ", "takes a PostgreSQL"),
        ],
        ends: &[],
    },
    Page {
        name: "docs/operate/console.md",
        setup: "",
        instead: &[("https://fleet.example.com", "$FLEETWRIGHT_URL")],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/reference/catalogue-files.md",
        setup: "cp blocks/toml-1 own.toml; mkdir profiles; cp blocks/toml-3 profiles/own.toml\n\
                mkdir -p -m 700 \"$DATA/catalogue/profiles\"\n\
                cp own.toml \"$DATA/catalogue/\"; cp profiles/own.toml \"$DATA/catalogue/profiles/\"",
        instead: &[],
        cannot: &[],
        ends: &[],
    },
    Page {
        name: "docs/test-your-client.md",
        setup: "cp \"$WORKSPACE\"/tests/python/your_client/* .; PATH=$(dirname \"$PROGRAM\"):$PATH\n\
                export FLEETWRIGHT=$PROGRAM",
        instead: &[
            ("fleetwright demo --quiet", "demo_until_ready --quiet"),
            ("127.0.0.1:6999", "127.0.0.1:$CONTROL"),
        ],
        cannot: &[("python3 -m pip install", "the packages are there, pinned")],
        ends: &[],
    },
];

/// Containers on one host, and a profile by whose command they are restarted.
const REDROID: &str = r#"
mkdir -p backups
phones x 2 --make redroid --control "127.0.0.1:$HTTP2"
containers
mkdir -p -m 700 "$DATA/catalogue/profiles"
cat >"$DATA/catalogue/profiles/redroid.toml" <<TOML
name = "redroid"
base = "redroid"
restart = "command"
[commands]
restart = ["$PROGRAM", "simulate", "control", "127.0.0.1:$HTTP2", "restart", "{container}"]
TOML
found() {
    fleetwright device discover --project $PROJECT --docker-ps docker-ps.txt --host 127.0.0.1 \
        --server farm-1 --apply >&2
    local id
    id=$(fleetwright device list --project $PROJECT --json | json 'd["devices"][0]["id"]')
    wait_until runs "$id"
    echo "$id"
}
"#;

/// The page's own two cameras, which wait to be put on record, and a recorder.
const CAMERAS: &str = r#"
mkdir -p backups
cp blocks/toml-1 fleetwright.toml
cp blocks/json-1 cameras.jsonl
cp blocks/json-2 names.jsonl
ID=34020000001320000001
fleetwright simulate cameras --count 1 --retry 200ms --password 20261122 --emit one &
fleetwright simulate cameras --count 1 --retry 200ms --password 20261123 --user gate2 \
    --first-id 34020000001320000002 --fault '{"error_answers":true}' --emit two &
recorder() {
    known_cameras site-1 1 --kind nvr --channels 4 >&2
    wait_until has_channels "$CAMERA" 4
    echo "$CAMERA"
}
organization() {
    fleetwright organization list --project site-1 --json | json 'd["organizations"][0]["id"]'
}
"#;

/// Twelve phones, and updates of them in waves: one that is begun, one that is paused, one that is
/// over.
const UPDATES: &str = r#"
known_phones acme 12
ids() { while read -r line; do json 'd["id"]' <<<"$line"; done <phones.jsonl; }
FARM=$(head -n 1 phones.jsonl | json 'd["server"]')
fleetwright update --project acme --kind phone --wave 12 --wait \
    --set sys.prop.writephonenum=1 --set com.cph.mainkeys=0 >&2
{ echo id,number; ids | sed 's/$/,301/'; } >numbers.csv
{ echo id,com.cph.mainkeys; ids | sed 's/$/,1/'; } >values.csv
asked() {
    fleetwright update --project acme --kind phone --set sys.prop.writephonenum=$RANDOM "$@" \
        --json | json 'd["id"]'
}
earlier() {
    fleetwright device history "$PHONE" --json | json 'd["changes"][1]["revision"]'
}
begun() { asked --canary 1 --wave 1 --pause 1h; }
paused() {
    local id
    id=$(begun)
    fleetwright update pause "$id" >&2
    echo "$id"
}
done_with() {
    local id
    id=$(asked --wave 12)
    fleetwright update wait "$id" >&2
    echo "$id"
}
"#;

/// Phones of a profile that says how they are stopped.
const PHONES: &str = r#"
mkdir -p -m 700 "$DATA/catalogue/profiles"
cat >"$DATA/catalogue/profiles/simulated.toml" <<TOML
name = "simulated"
base = "simulated"
[commands]
stop = ["$PROGRAM", "simulate", "control", "127.0.0.1:$CONTROL", "stop", "{device}"]
start = ["$PROGRAM", "simulate", "control", "127.0.0.1:$CONTROL", "start", "{device}"]
TOML
fleetwright catalogue reload
known_phones farm 2 --control "127.0.0.1:$CONTROL"
# The other one stays as it is.
OTHER=$(tail -n 1 phones.jsonl | json 'd["id"]')
containers
"#;

/// The pages that have examples: this folder's and those below `docs`.
fn with_examples() -> BTreeSet<String> {
    let root = tools::workspace();
    let mut found = BTreeSet::new();
    let mut folders = vec![root.join("docs")];
    let mut files = vec![root.join("README.md")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    for path in files {
        let name = path
            .strip_prefix(root)
            .unwrap_or_else(|_| Path::new(""))
            .to_string_lossy()
            .into_owned();
        if !examples(&run::read(&name)).is_empty() {
            found.insert(name);
        }
    }
    found
}

/// Runs a page of the table.
#[track_caller]
fn run_page(name: &str) {
    let page = PAGES.iter().find(|page| page.name == name);
    run::page(page.unwrap_or_else(|| panic!("{name} is not in the table")));
}

/// A test for each page of the table.
macro_rules! tests {
    ($($test:ident: $name:literal,)+) => {
        $(#[test] fn $test() { run_page($name); })+
        /// The pages that a test runs.
        const TESTED: &[&str] = &[$($name),+];
    };
}

tests! {
    the_readme: "README.md",
    moving_from_cph: "docs/moving-from-cph.md",
    moving_from_iss: "docs/moving-from-iss.md",
    moving_from_wvp: "docs/moving-from-wvp.md",
    quick_start_redroid: "docs/quick-start-redroid.md",
    quick_start_cameras: "docs/quick-start-cameras.md",
    operating_phones: "docs/operate/phones.md",
    operating_cameras: "docs/operate/cameras.md",
    who_may_do_what: "docs/operate/access.md",
    importing_and_exporting: "docs/operate/import.md",
    updating_many: "docs/operate/updates.md",
    when_something_is_wrong: "docs/operate/outage.md",
    why_it_is_not_so: "docs/operate/why.md",
    watching_events: "docs/operate/events.md",
    backup_and_restore: "docs/operate/backup-and-restore.md",
    the_lost_key: "docs/operate/lost-key.md",
    operating_a_cluster: "docs/operate/cluster.md",
    the_web_console: "docs/operate/console.md",
    catalogue_files: "docs/reference/catalogue-files.md",
    testing_your_client: "docs/test-your-client.md",
}

#[test]
fn every_page_of_the_table_is_there_and_has_a_test() {
    let pages = with_examples();
    let table: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
    assert_eq!(table, TESTED);
    for name in table {
        assert!(pages.contains(name), "{name} has no examples");
    }
}

#[test]
fn all_other_pages_as_they_stand() {
    for name in with_examples() {
        if !TESTED.contains(&name.as_str()) {
            let name: &'static str = name.leak();
            run::page(&Page { name, setup: "", instead: &[], cannot: &[], ends: &[] });
        }
    }
}
