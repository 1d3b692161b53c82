//! Policy is pure by more than words: it compiles with its pure dependencies alone, and its text names
//! nothing that does I/O, reads a clock or awaits.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that must be pure, in the order of dependence.
const FOLDERS: [&str; 2] = ["domain", "plan"];

/// Those, and what makes reports of statuses: it knows the objects of the API, and nothing else of the world.
const BY_THEIR_WORDS: [&str; 3] = ["domain", "plan", "report"];

/// All that they may depend on.
const DEPENDENCIES: [&str; 8] = [
    "cel",
    "deunicode",
    "jiff",
    "litemap",
    "regex",
    "sha2",
    "strsim",
    "thiserror",
];

/// What must not occur in them outside comments.
const FORBIDDEN: [&str; 17] = [
    "async ",
    ".await",
    "tokio",
    "kube::",
    "k8s_openapi",
    "tracing",
    "reqwest",
    "rand::",
    "fastrand",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::fs",
    "std::net",
    "std::env",
    "println!",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn policy_compiles_with_its_pure_dependencies_alone() {
    let package = tempfile::tempdir().expect("a temporary folder");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut scratch = String::from(
        "[package]\nname = \"pure\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n",
    );
    for name in DEPENDENCIES {
        let line = manifest
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")))
            .unwrap_or_else(|| panic!("{name} is a dependency in Cargo.toml"));
        writeln!(scratch, "{line}").expect("text");
    }
    let mut library = String::new();
    for name in FOLDERS {
        let path = root().join("src").join(name).join("mod.rs");
        writeln!(library, "#[path = {path:?}]\npub mod {name};").expect("text");
    }
    let write = |path: &str, text: &str| {
        fs::write(package.path().join(path), text).expect("a file in a temporary folder");
    };
    fs::create_dir(package.path().join("src")).expect("a folder");
    write("Cargo.toml", &scratch);
    write("src/lib.rs", &library);
    fs::copy(root().join("Cargo.lock"), package.path().join("Cargo.lock")).expect("Cargo.lock");
    // Not `--locked`: cargo takes out of the copied lock file what the scratch package lacks, and
    // keeps the versions of the rest.
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--target-dir"])
        .arg(root().join("target").join("purity"))
        .current_dir(package.path())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "domain and plan need more than {DEPENDENCIES:?}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn policy_names_nothing_impure() {
    let mut found = Vec::new();
    let mut files = 0;
    for folder in BY_THEIR_WORDS {
        for path in sources(&root().join("src").join(folder)) {
            files += 1;
            let text = fs::read_to_string(&path).expect("a source file");
            let is_test =
                path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs");
            // They compare with files.
            if is_test && folder == "report" {
                continue;
            }
            for (n, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in FORBIDDEN {
                    if code.contains(word) && !(is_test && word == "println!") {
                        found.push(format!("{}:{}: {word}", path.display(), n + 1));
                    }
                }
            }
        }
    }
    assert!(files > 20, "only {files} files were looked at");
    assert!(found.is_empty(), "{found:#?}");
}

/// Every source file below a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}
