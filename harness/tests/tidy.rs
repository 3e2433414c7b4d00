//! The architecture's "must not"s, read off the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every Rust source below a directory, with its path from the workspace's root.
fn sources(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(dir)];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources below {dir}");
    found
}

/// The code lines of a file in which one of the words occurs; comments do not count.
fn mentions<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).filter(|line| words.iter().any(|word| line.contains(word))).collect()
}

struct Rule {
    dir: &'static str,
    words: &'static [&'static str],
    except: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        dir: "models/src",
        words: &["std::sync", "std::thread", "parking_lot", "loom::", "shuttle::", "crossbeam"],
        except: &["models/src/sync/"],
        why: "only models/src/sync names a thread backend",
    },
    Rule {
        dir: "models/src",
        words: &["falken_harness", "falken_reports", "rand::"],
        except: &[],
        why: "models use nothing of ours and know no randomness",
    },
    Rule {
        dir: "models/src",
        words: &["HashMap", "HashSet", "Instant", "SystemTime", "thread_local"],
        except: &[],
        why: "a run is a function of scenario, strategy and seed",
    },
    Rule {
        dir: "harness/src",
        words: &["HashMap", "HashSet", "Instant", "SystemTime", "thread_local", "static mut"],
        // The checks of a finished history are off a run's path; their tables are read by key, never walked.
        except: &["harness/src/check/", "harness/src/history/"],
        why: "a run is a function of scenario, strategy and seed",
    },
    Rule {
        dir: "harness/src",
        words: &["rand::"],
        except: &["harness/src/random.rs"],
        why: "one module makes randomness",
    },
    Rule {
        dir: "harness/src",
        words: &["println!", "eprintln!", "print!(", "dbg!"],
        except: &["/tests"],
        why: "the harness never prints",
    },
    Rule {
        dir: "harness/src",
        words: &["rusqlite", "SELECT ", "PRAGMA "],
        except: &[],
        why: "the harness knows no SQL",
    },
    Rule {
        dir: "reports/src",
        words: &["falken_harness::run::Run", "Run::models", "std::process"],
        except: &[],
        why: "reports never run anything",
    },
];

#[test]
fn no_arrow_points_the_wrong_way() {
    let mut broken = Vec::new();
    for Rule { dir, words, except, why } in RULES {
        for (name, text) in sources(dir) {
            if except.iter().any(|allowed| name.contains(allowed)) {
                continue;
            }
            broken.extend(mentions(&text, words).iter().map(|line| format!("{why}: {name}: {}", line.trim())));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_of_a_kind_is_in_the_table_beside_it() {
    for (dir, not_in_table) in [
        ("harness/src/invariant", &["mod", "view"][..]),
        ("harness/src/strategy", &["mod", "access", "whereabouts"]),
        ("harness/src/shrink/pass", &["mod"]),
        ("reports/src/format", &["mod"]),
        (
            "reports/src",
            &[
                "lib",
                "alone",
                "event",
                "images",
                "lanes",
                "scene",
                "story",
                "summary",
                "catalogue",
                "sweep",
                "duel",
                "kill",
                "table",
                "damage",
                "threads",
                "rust_test",
                "github",
                "words",
                "action",
                "timeline",
                "cycle",
                "exploration",
            ],
        ),
    ] {
        let table =
            ["mod.rs", "lib.rs"].iter().find_map(|name| fs::read_to_string(root().join(dir).join(name)).ok()).unwrap();
        for (name, _) in sources(dir).into_iter().filter(|(name, _)| Path::new(name).parent() == Some(Path::new(dir))) {
            let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap();
            let used = table.matches(stem).count() >= 2 || not_in_table.contains(&stem);
            assert!(used, "{name} is not in the table of {dir}");
        }
    }
}

#[test]
fn every_enum_of_states_names_them_for_the_probes() {
    let mut without = Vec::new();
    for (name, text) in sources("models/src") {
        let lines: Vec<&str> = text.lines().collect();
        for (derive, line) in lines.iter().zip(&lines[1..]) {
            let is_states = line.contains("enum ") && (line.contains("State {") || line.contains("enum Phase {"));
            if is_states && derive.starts_with("#[derive") && !derive.contains("VariantNames") {
                without.push(format!("{name}: {line}"));
            }
        }
    }
    assert!(without.is_empty(), "derive VariantNames, and add a line to `machines!` beside it: {without:?}");
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_ignored() {
    let words = ["todo!(", "unimplemented!(", "#[ignore"];
    for dir in ["models", "harness/src", "harness/benches", "reports/src", "scenarios/src", "scenarios/tests"] {
        for (name, text) in sources(dir) {
            assert!(mentions(&text, &words).is_empty(), "{name}");
        }
    }
}

#[test]
fn the_top_level_shows_the_architecture_and_nothing_else() {
    let known = [
        ".cargo",
        ".ci",
        ".git",
        ".github",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "harness",
        "models",
        "reports",
        "rustfmt.toml",
        "scenarios",
    ];
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let is_ignored = |name: &str| ignored.lines().any(|line| line.strip_prefix('/') == Some(name));
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<_> = names.filter(|name| !known.contains(&name.as_str()) && !is_ignored(name)).collect();
    assert!(strange.is_empty(), "{strange:?}: what is left of a run belongs into .gitignore, not into the repository");
}
