//! Rules of the house that a machine can check. Who may import what is told, and held to, by the table in
//! `docs/architecture.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::purity::sources;

/// Longest file that is one thing.
const MAX_LINES: usize = 500;

struct Source {
    /// Below `src`, with forward slashes.
    path: String,
    text: String,
    is_test: bool,
}

impl Source {
    /// Lines of the part that is not tests, with their numbers, without comments.
    fn code(&self) -> Vec<(usize, &str)> {
        if self.is_test {
            return Vec::new();
        }
        // A module of tests stands at the end of a file, or in a file of its own.
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .enumerate()
            .map(|(n, line)| (n + 1, line.split("//").next().unwrap_or_default()))
            .collect()
    }
}

fn all() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all: Vec<Source> = sources(&src)
        .into_iter()
        .map(|path| {
            let below = path.strip_prefix(&src).expect("a path below src");
            Source {
                text: fs::read_to_string(&path).expect("a source file"),
                path: below.to_string_lossy().replace('\\', "/"),
                is_test: false,
            }
        })
        .collect();
    assert!(all.len() > 100, "only {} files were found", all.len());
    let of_tests: Vec<String> = all.iter().flat_map(modules_of_tests).collect();
    for source in &mut all {
        let is_in = |module: &String| {
            source.path == format!("{module}.rs") || source.path.starts_with(&format!("{module}/"))
        };
        source.is_test = of_tests.iter().any(is_in);
    }
    all
}

/// Modules in files of their own that a file declares for tests only, as paths without ending.
fn modules_of_tests(source: &Source) -> Vec<String> {
    let folder = source
        .path
        .strip_suffix("/mod.rs")
        .or_else(|| source.path.strip_suffix(".rs"))
        .unwrap_or_default();
    source
        .text
        .split("#[cfg(test)]\n")
        .skip(1)
        .filter_map(|rest| {
            let (declaration, _) = rest.split_once('\n')?;
            let name = declaration.strip_suffix(';')?.rsplit_once("mod ")?.1;
            Some(format!("{folder}/{name}"))
        })
        .collect()
}

/// Where everything is decided: nothing in it may wait for Kubernetes or for a target.
const DECIDING: [&str; 6] = [
    "domain/",
    "plan/",
    "controllers/app_connector/",
    "controllers/employee/",
    "controllers/engine/",
    "controllers/role_template/",
];

#[test]
fn a_look_waits_for_nobody() {
    let waits = Regex::new(r"\.await\b|\basync\b").unwrap();
    let mut looked_at = BTreeSet::new();
    let mut waiting = BTreeSet::new();
    for source in all() {
        let Some(folder) = DECIDING.iter().find(|f| source.path.starts_with(**f)) else {
            continue;
        };
        looked_at.insert(*folder);
        if source.code().iter().any(|(_, line)| waits.is_match(line)) {
            waiting.insert(source.path.clone());
        }
    }
    assert_eq!(looked_at, DECIDING.into());
    // The loop itself, which sleeps when there is nothing to do, and a task of its own for each run that
    // ends, which tells the loop when it has.
    let may_wait = ["controllers/engine/mod.rs", "controllers/engine/reports.rs"];
    assert_eq!(waiting, may_wait.map(str::to_owned).into());
}

#[test]
fn only_the_one_door_issues_permits_to_write() {
    let issuers: Vec<String> = all()
        .iter()
        .filter(|source| source.path != "connectors/permit.rs")
        .filter(|source| {
            source
                .code()
                .iter()
                .any(|(_, l)| l.contains("WritePermit::issue"))
        })
        .map(|source| source.path.clone())
        .collect();
    // The conformance suite works with accounts of its own, beside any operator.
    assert_eq!(
        issuers,
        ["connectors/conformance/stage.rs", "dispatch/door.rs"]
    );
}

#[test]
fn no_file_grows_beyond_what_one_thing_needs() {
    let long: Vec<String> = all()
        .iter()
        // A table of cases is one thing, however many they are.
        .filter(|source| !source.is_test)
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("src/{path} has {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn nothing_outside_tests_gives_up_by_panic() {
    let mut found = Vec::new();
    for source in all() {
        for (n, line) in source.code() {
            for word in [
                ".unwrap()",
                ".expect(\"",
                "panic!(",
                "todo!(",
                "unimplemented!(",
            ] {
                if line.contains(word) {
                    found.push(format!("src/{}:{n}: {word}", source.path));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
