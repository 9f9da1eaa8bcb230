//! The log of what a phone was told: nothing but the intended command ran.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

async fn logged(make: Make) -> Fleet {
    fleet(Options { make, log_bytes: 64 << 10, ..quick() }).await
}

fn ran(args: &[&str]) -> Done {
    Done::Ran(args.iter().map(|arg| (*arg).to_owned()).collect())
}

fn wrote(name: &str, value: &str) -> Done {
    Done::Wrote { name: name.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn the_log_tells_each_command_and_what_came_of_it() {
    let fleet = logged(Make::Redroid).await;
    let phone = fleet.phone(0).unwrap();
    let script = "f() { setprop \"$1\" \"$(printf %s b)\"; }; f a.b; x=$(getprop a.b); \
                  settings put global k 'v w'; printf %s 1 >/data/system/x; \
                  su 0 sh -c 'wm density 240'; false || reboot";
    assert_eq!(shell(phone, script).await, None);
    let log = phone.take_log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].script.as_deref(), Some(script));
    let expect = [
        ran(&["f", "a.b"]),
        ran(&["printf", "%s", "b"]),
        ran(&["setprop", "a.b", "b"]),
        wrote("a.b", "b"),
        ran(&["getprop", "a.b"]),
        ran(&["settings", "put", "global", "k", "v w"]),
        wrote("settings:global/k", "v w"),
        ran(&["printf", "%s", "1"]),
        wrote("file:/data/system/x", "1"),
        ran(&["su", "0", "sh", "-c", "wm density 240"]),
        ran(&["sh", "-c", "wm density 240"]),
        ran(&["wm", "density", "240"]),
        wrote("wm:density", "240"),
        ran(&["false"]),
        ran(&["reboot"]),
        Done::Restarted("reboot"),
    ];
    assert_eq!(log[0].done, expect);
    assert!(!log[0].cut);
    assert!(phone.log().is_empty());
}

/// Text made to break out of quotes.
fn hostile(random: &mut StdRng) -> String {
    const PIECES: &[&str] = &[
        "'",
        "\"",
        "\\",
        "`id`",
        "$(id)",
        "${x}",
        "$x",
        ";",
        "&",
        "|",
        "\n",
        "\r",
        "\t",
        " ",
        "<",
        ">",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "~",
        "#",
        "!",
        "%s",
        "%",
        "-n",
        "--",
        "=",
        "(",
        ")",
        "a",
        "机",
        "é",
        "'; reboot; '",
        "\" && setprop evil 1; \"",
        "\\'",
        "$'\\n'",
        "EOF",
        "\u{1}",
        "\u{7f}",
        "\u{200b}",
        ";;",
        "&&",
        "||",
        "\\\n",
        "$(",
        "${",
        "$((1",
        "0",
    ];
    let count = random.random_range(0..12);
    (0..count).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

#[tokio::test]
async fn nothing_runs_but_the_intended_command() {
    let fleet = logged(Make::Redroid).await;
    let phone = fleet.phone(0).unwrap();
    let mut random = StdRng::seed_from_u64(11);
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    for _ in 0..1000 {
        let (name, value) = (hostile(&mut random), hostile(&mut random));
        let inner = format!("setprop {} {}", quote(&name), quote(&value));
        for (script, depth) in [(inner.clone(), 0), (format!("su 0 sh -c {}", quote(&inner)), 2)] {
            shell(phone, &script).await.expect("no reboot");
            let log = phone.take_log();
            let done = &log[0].done;
            assert!(log.len() == 1 && !log[0].cut, "{script}");
            assert_eq!(done[depth], ran(&["setprop", &name, &value]), "{script}");
            let legal = done.get(depth + 1) == Some(&wrote(&name, &value));
            assert_eq!(done.len(), depth + 1 + usize::from(legal), "{script}: {done:?}");
        }
    }
    assert_eq!((phone.get("evil"), phone.boot_count()), (String::new(), 1));
}
