//! The scenario catalogue: one TOML file each under `catalog/`, and a line here.

use std::path::Path;

use falken_harness::scenario::Scenario;

use crate::exit::{Failure, suggest};

/// The scenario that `falken run` runs if none is named.
pub const DEFAULT: &str = "readers-writers-checkpointer";

macro_rules! catalog {
    ($($name:literal,)*) => {
        /// Every scenario: its name and its file's text.
        pub const TABLE: &[(&str, &str)] = &[$(($name, include_str!(concat!("../catalog/", $name, ".toml"))),)*];
    };
}

catalog! {
    "readers-writers-checkpointer",
    "crash-and-recover",
    "crash-under-full-sync",
    "spilled-commits",
    "overflow-and-freelist",
    "tiny-cache",
    "long-readers",
    "one-read-slot",
    "many-rows",
    "wide-keys",
    "errors-and-crashes",
    "fsync-errors",
    "crash-after-crash",
    "spoilt-sectors",
    "spoilt-large-sectors",
    "spilled-neighbours",
    "damaged-disk",
    "io-faults",
    "cancelled-io",
    "full-ring",
    "savepoints",
    "appends",
    "impatient",
    "two-statements",
    "layout-changes",
    "undone-layouts",
    "far-root",
    "two-writers-one-checkpointer",
    "crash-lattice",
    "crash-lattice-normal",
    "crash-lattice-large-pages",
    "killed-lattice",
    "few-buffers",
    "padded-commits",
    "all-spilled",
    "two-trunks",
    "create",
    "create-lattice",
    "close-and-reopen",
    "close-lattice",
    "put-overflow-under-checkpoint",
    "two-writers",
    "two-commits",
    "transactions",
    "writer-and-checkpointer",
    "reader-on-slot-0",
    "reader-and-restart",
    "reader-and-skipped-page",
    "retired-marks",
    "restart-under-checkpointer",
    "readers-and-recovery",
    "cached-frames",
    "writer-and-power-loss",
    "two-closers",
    "two-creators",
}

/// The scenario that must fail, to show that failures surface. It is found by name, and in no sweep.
pub const CANARY: (&str, &str) = ("canary", include_str!("../catalog/canary.toml"));

/// Finds a scenario by name, or reads it from a file if the name looks like a path.
///
/// # Errors
/// There is no such scenario or file, or it is not a good one.
pub fn find(name: &str) -> Result<Scenario, Failure> {
    let is_path = name.ends_with(".toml") || name.contains(std::path::MAIN_SEPARATOR);
    if is_path {
        let text = std::fs::read_to_string(Path::new(name))
            .map_err(|error| Failure::Input(format!("cannot read scenario {name}: {error}")))?;
        return Scenario::from_toml(&text).map_err(|error| Failure::Input(format!("in scenario {name}: {error}")));
    }
    let Some((_, text)) = TABLE.iter().chain([&CANARY]).find(|(known, _)| *known == name) else {
        let hint = suggest(name, TABLE.iter().map(|(known, _)| *known));
        return Err(Failure::Input(format!("there is no scenario `{name}`{hint} (see `falken list`)")));
    };
    Scenario::from_toml(text).map_err(|error| Failure::Harness(format!("in catalogue entry {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_catalogue_is_in_the_table_under_its_own_name() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/catalog");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let mut names: Vec<String> = TABLE.iter().chain([&CANARY]).map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        assert_eq!(files, names);
        for (name, _) in TABLE {
            let scenario = find(name).unwrap();
            assert_eq!(scenario.name, *name);
            assert!(!scenario.probes.expected.is_empty(), "{name} expects no probe");
        }
    }
}
