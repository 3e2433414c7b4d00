//! The published JSON Schemas: real reports conform to them, and that of a night is the one its types have.
//!
//! `FALKEN_WRITE_SCHEMA=1 cargo test -p falken-reports --test schema` writes the latter anew.

#[path = "support/schema.rs"]
mod conforms;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use falken_reports::{Night, format};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name)
}

#[test]
fn the_schema_of_a_night_is_published() {
    let generated = serde_json::to_string_pretty(&schemars::schema_for!(Night)).unwrap() + "\n";
    let published = path("night.schema.json");
    if std::env::var_os("FALKEN_WRITE_SCHEMA").is_some() {
        fs::write(&published, &generated).unwrap();
    }
    let published = fs::read_to_string(published).unwrap_or_default();
    assert!(
        published == generated,
        "reports/schema/night.schema.json is not what the types say; see the top of this file"
    );
}

#[test]
fn a_night_conforms_to_its_schema() {
    let schema: Value = serde_json::from_str(&fs::read_to_string(path("night.schema.json")).unwrap()).unwrap();
    let night: Value = serde_json::from_str(&format::find("json").unwrap().format.write(&support::eventful())).unwrap();
    conforms::check(&schema, &night).unwrap();
    for report in support::without_runs() {
        let night: Value = serde_json::from_str(&format::find("json").unwrap().format.write(&report)).unwrap();
        conforms::check(&schema, &night).unwrap();
    }
    // And what does not is told apart.
    let mut wrong = night;
    wrong["facts"]["groups"][0]["kind"] = "surprise".into();
    let error = conforms::check(&schema, &wrong).unwrap_err();
    assert!(error.contains("/facts/groups/0/kind"), "{error}");
}
