//! Selects the loom backend of `models/src/sync` for this build of the shared source.

fn main() {
    println!("cargo::rustc-cfg=falken_loom");
    println!("cargo::rerun-if-changed=build.rs");
}
