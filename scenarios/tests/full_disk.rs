//! A full disk or a killed process loses no repro that was there before.
//!
//! The disk is full for the child alone: a limit on the size of files, with the signal that comes with it ignored, makes
//! `write` fail in the middle of a file as a full disk does.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const FALKEN: &str = env!("CARGO_BIN_EXE_falken");

/// One run that fails, always with the same repro file.
const RUN: [&str; 7] = ["run", "long-readers", "--plant", "ckpt.ignores-read-marks", "--no-shrink", "--jobs", "1"];

/// Files end after one block: 512 or 1024 bytes, as the shell counts, and a repro is longer than either.
const ON_A_FULL_DISK: &str = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";

fn falken(dir: &Path, args: &[&str]) -> Output {
    Command::new(FALKEN).current_dir(dir).args(args).output().unwrap()
}

fn falken_on_a_full_disk(dir: &Path, args: &[&str]) -> Output {
    Command::new("sh").args(["-c", ON_A_FULL_DISK, FALKEN]).current_dir(dir).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names of the files in the directory of repros.
fn repros(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir.join("falken-repros")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A directory with one repro, and its bytes.
fn with_one_repro() -> (TempDir, PathBuf, Vec<u8>) {
    let dir = TempDir::new().unwrap();
    let run = falken(dir.path(), &RUN);
    assert_eq!(run.status.code(), Some(1), "{}{}", text(&run.stdout), text(&run.stderr));
    let names = repros(dir.path());
    assert_eq!(names.len(), 1, "{names:?}");
    let path = dir.path().join("falken-repros").join(&names[0]);
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 1024, "a limit of one block must be felt");
    (dir, path, bytes)
}

/// The repro is what it was, nothing lies beside it, and it replays.
fn assert_intact(dir: &TempDir, path: &Path, bytes: &[u8]) {
    assert_eq!(std::fs::read(path).unwrap(), bytes, "the repro has changed");
    let names = repros(dir.path());
    assert_eq!(names.len(), 1, "something is left beside the repro: {names:?}");
    let replayed = falken(dir.path(), &["replay", "--strict", path.to_str().unwrap()]);
    assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed.stderr));
    assert!(text(&replayed.stdout).contains("reproduced bit for bit"), "{}", text(&replayed.stdout));
}

#[test]
fn on_a_full_disk_the_violation_is_told_in_one_line_without_a_repro_and_the_earlier_one_stays() {
    let (dir, path, bytes) = with_one_repro();
    let run = falken_on_a_full_disk(dir.path(), &RUN);
    let told = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{told}{}", text(&run.stderr));
    let problem: Vec<&str> = told.lines().filter(|line| line.contains("not written")).collect();
    let [problem] = problem[..] else { panic!("one line must say that there is no repro:\n{told}") };
    assert!(problem.contains("cannot write falken-repros/") && problem.contains("too large"), "{problem}");
    assert!(!text(&run.stderr).contains("panicked"), "{}", text(&run.stderr));
    assert_intact(&dir, &path, &bytes);
}

#[test]
fn a_repro_that_cannot_be_shrunk_onto_itself_for_want_of_space_stays_and_the_exit_code_is_3() {
    let (dir, path, bytes) = with_one_repro();
    let file = path.to_str().unwrap();
    let shrunk = falken_on_a_full_disk(dir.path(), &["shrink", file, "--output", file, "--seconds", "5"]);
    let error = text(&shrunk.stderr);
    assert_eq!(shrunk.status.code(), Some(3), "{error}");
    assert_eq!(error.lines().filter(|line| line.contains("cannot write")).count(), 1, "{error}");
    assert_intact(&dir, &path, &bytes);
}

#[test]
fn a_kill_while_a_repro_is_written_leaves_the_earlier_one() {
    let (dir, path, bytes) = with_one_repro();
    // Opening a pipe that nobody reads blocks: the writer stands still where it would write.
    let pipe = path.with_extension("partial");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = Command::new(FALKEN).current_dir(dir.path()).args(RUN).spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        assert!(child.try_wait().unwrap().is_none(), "it was to stop where it writes the repro");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    // What a kill leaves is in nobody's way.
    std::fs::remove_file(&pipe).unwrap();
    std::fs::write(&pipe, &bytes[..bytes.len() / 2]).unwrap();
    let run = falken(dir.path(), &RUN);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert_intact(&dir, &path, &bytes);
}
