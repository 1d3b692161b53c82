//! Who may import what, as one table, and a few more rules of the house that a machine can check.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::purity::sources;

/// Who may import what: the longest prefix of a file's path below `src` decides. `*` is everything.
const MAY_IMPORT: [(&str, &[&str]); 13] = [
    ("domain/", &["domain"]),
    ("plan/", &["plan", "domain"]),
    ("connectors/", &["connectors", "domain"]),
    (
        "connectors/registry.rs",
        &["connectors", "domain", "api", "runtime::secrets"],
    ),
    (
        "connectors/scim/spec.rs",
        &["connectors", "domain", "api", "runtime::secrets"],
    ),
    (
        "dispatch/",
        &[
            "dispatch",
            "plan",
            "domain",
            "connectors",
            "audit",
            "runtime::clock",
        ],
    ),
    ("api/", &["api"]),
    ("audit/", &["audit", "plan", "domain"]),
    ("runtime/", &["runtime", "api", "plan"]),
    ("controllers/", &["*"]),
    ("cli/", &["*"]),
    ("lib.rs", &["*"]),
    ("main.rs", &["*"]),
];

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
        // A module of tests stands at the end of a file.
        let end = self
            .text
            .find("#[cfg(test)]\nmod ")
            .filter(|at| self.text[*at..].contains('{'))
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

fn allowed(path: &str) -> &'static [&'static str] {
    MAY_IMPORT
        .iter()
        .filter(|(prefix, _)| path.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .unwrap_or_else(|| panic!("{path} is in no row of the table"))
        .1
}

/// What follows each `crate::` in a line, those in braces one by one.
fn imports(line: &str) -> Vec<String> {
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .flat_map(|(at, word)| {
            let rest = &line[at + word.len()..];
            let inner = rest
                .strip_prefix('{')
                .map(|r| r.split('}').next().unwrap_or(r));
            let parts: Vec<&str> = inner.map_or_else(|| vec![rest], |i| i.split(',').collect());
            parts
                .into_iter()
                .map(|part| {
                    part.trim()
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                        .collect()
                })
                .collect::<Vec<String>>()
        })
        .collect()
}

#[test]
fn imports_keep_to_the_table() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for source in all() {
        let may = allowed(&source.path);
        for (n, line) in source.code() {
            for import in imports(line) {
                seen.insert(import.split("::").next().unwrap_or_default().to_owned());
                let is_fine = may
                    .iter()
                    .any(|m| *m == "*" || import == *m || import.starts_with(&format!("{m}::")));
                if !is_fine {
                    wrong.push(format!("src/{}:{n} imports crate::{import}", source.path));
                }
            }
        }
    }
    assert!(seen.len() > 6, "hardly any import was recognised: {seen:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_are_recognised() {
    for (line, expected) in [
        (
            "use crate::domain::ids::Username;",
            vec!["domain::ids::Username"],
        ),
        (
            "    let x = crate::api::FINALIZER.to_owned();",
            vec!["api::FINALIZER"],
        ),
        (
            "use crate::{domain::ids, plan::{self}};",
            vec!["domain::ids", "plan::"],
        ),
        ("use mycrate::x;", vec![]),
        ("pub(crate) fn x()", vec![]),
    ] {
        assert_eq!(imports(line), expected, "{line}");
    }
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
    assert_eq!(issuers, ["dispatch/door.rs"]);
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
