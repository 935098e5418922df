//! Calls each fuzz target with every file kept for it in `testdata/fuzz`; what a fuzzer finds is added there.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../fuzz/targets.rs"]
#[allow(unreachable_pub, reason = "fuzzers use it too")]
mod targets;

use std::path::Path;

#[test]
fn every_kept_file_is_fine_and_the_canary_fails() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, target) in targets::TARGETS {
        assert!(root.join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "no target file for {name}");
        let files: Vec<_> = std::fs::read_dir(root.join("testdata/fuzz").join(name)).unwrap().collect();
        assert!(!files.is_empty(), "no files for {name}");
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let failed = std::panic::catch_unwind(|| target(&bytes)).is_err();
            assert_eq!(failed, *name == "canary", "{}", path.display());
        }
    }
}
