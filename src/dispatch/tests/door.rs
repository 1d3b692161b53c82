//! There is one door.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Whether a file is made of tests only.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        matches!(
            &*part,
            "tests" | "tests.rs" | "conformance" | "conformance.rs"
        )
    })
}

#[test]
fn only_the_door_issues_permits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let issuers: Vec<String> = files
        .iter()
        .map(|file| file.strip_prefix(&root).unwrap())
        .filter(|file| !is_test(file))
        .filter(|file| {
            let text = fs::read_to_string(root.join(file)).unwrap();
            let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            program.contains("WritePermit::issue")
        })
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    assert_eq!(issuers, ["dispatch/door.rs"]);
}
