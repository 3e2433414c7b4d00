//! Selects the shuttle backend of `models/src/sync` for this build of the shared source.

fn main() {
    println!("cargo::rustc-cfg=falken_shuttle");
    println!("cargo::rerun-if-changed=build.rs");
}
