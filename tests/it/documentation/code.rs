//! What the code itself says: its folders, its imports, its stable words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use crate::support::process::repository;

/// A path of another module that a file names.
pub struct Import {
    /// The file, from `src/`.
    pub file: String,
    /// What it names, such as `runtime::clock::Clock`.
    pub path: String,
}

impl Import {
    /// Whether the row of the table that fits the file best allows it.
    pub fn is_allowed(&self, table: &BTreeMap<String, Vec<String>>) -> bool {
        let row = table
            .iter()
            .filter(|(row, _)| self.file.starts_with(row.as_str()))
            .max_by_key(|(row, _)| row.len());
        let own = self.file.split(['/', '.']).next().unwrap();
        let is_in = |module: &str| {
            let rest = self.path.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        is_in(own) || row.is_some_and(|(_, allowed)| allowed.iter().any(|module| is_in(module)))
    }
}

/// Every file of `src/` that is part of the program, by its path from there, without its tests.
fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy();
            if stem == "tests" || stem.ends_with("_tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let program = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            let program: Vec<&str> = program
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            let path = path.strip_prefix(repository("src")).unwrap();
            files.push((path.to_string_lossy().into_owned(), program.join("\n")));
        }
    }
    files.sort();
    assert!(files.len() > 50, "{}", files.len());
    files
}

/// Every folder that holds a part of the program, from `src/`.
pub fn folders() -> BTreeSet<String> {
    files()
        .iter()
        .filter_map(|(file, _)| Path::new(file).parent())
        .map(|folder| folder.to_string_lossy().into_owned())
        .filter(|folder| !folder.is_empty())
        .collect()
}

/// What every file below a folder of `src/` names of the other modules.
pub fn imports() -> Vec<Import> {
    let named = Regex::new(r"\bcrate::((?:[a-z_]+::)*[A-Za-z_]+|\{)").unwrap();
    let mut imports = Vec::new();
    for (file, text) in files() {
        if !file.contains('/') {
            continue;
        }
        for found in named.captures_iter(&text) {
            assert_ne!(&found[1], "{", "{file}: name one module in each `use`");
            imports.push(Import {
                file: file.clone(),
                path: found[1].to_owned(),
            });
        }
        imports.extend(relative_imports(&file, &text));
    }
    assert!(imports.len() > 100, "{}", imports.len());
    imports
}

/// What a file names by way of `super`, from the top.
fn relative_imports(file: &str, text: &str) -> Vec<Import> {
    let relative = Regex::new(r"\b((?:super::)+)((?:[a-z_]+::)*[A-Za-z_]+|\{)").unwrap();
    let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let module: Vec<&str> = module.split('/').collect();
    relative
        .captures_iter(text)
        .map(|found| {
            let up = found[1].matches("super::").count();
            let above = &module[..module.len().saturating_sub(up)];
            assert!(
                !above.is_empty() || &found[2] != "{",
                "{file}: name one module in each `use`"
            );
            let path: Vec<&str> = above.iter().copied().chain([&found[2]]).collect();
            Import {
                file: file.to_owned(),
                path: path.join("::"),
            }
        })
        .collect()
}

#[test]
fn relative_imports_are_told_from_the_top() {
    for (file, line, expected) in [
        (
            "plan/grants.rs",
            "use super::super::domain::ids;",
            "domain::ids",
        ),
        ("plan/grants.rs", "use super::parts::{A, B};", "plan::parts"),
        ("plan/account/mod.rs", "use super::parts;", "plan::parts"),
        (
            "plan/account/x.rs",
            "use super::{y, z};",
            "plan::account::{",
        ),
    ] {
        let found = relative_imports(file, line);
        let paths: Vec<&str> = found.iter().map(|i| i.path.as_str()).collect();
        assert_eq!(paths, [expected]);
    }
}

/// Words in literals that a status or an event can show: conditions, reasons, states, kinds.
pub fn stable_words() -> BTreeSet<String> {
    // Verbs of audit and metrics, actions of events, kinds and other words of Kubernetes.
    const OTHER: [&str; 24] = [
        "AddEntitlements",
        "AppConnector",
        "Check",
        "Compare",
        "Connect",
        "Create",
        "Adopt",
        "Disable",
        "Disown",
        "Done",
        "Employee",
        "Enable",
        "False",
        "Match",
        "Provision",
        "Read",
        "RemoveEntitlements",
        "RoleTemplate",
        "True",
        "Unknown",
        "Update",
        "Account",
        "Entitlement",
        "Explicit",
    ];
    let shown = |file: &str| {
        let folders = ["api/", "controllers/", "domain/", "plan/"];
        let single = [
            "connectors/error.rs",
            "connectors/registry.rs",
            "connectors/scim/spec.rs",
            "runtime/secrets.rs",
        ];
        // docs/cel.md has a test of its own, and fixtures are people.
        !file.starts_with("domain/cel/")
            && file != "domain/fixtures.rs"
            && (folders.iter().any(|folder| file.starts_with(folder)) || single.contains(&file))
    };
    // Names of columns and kinds stand in attributes of the types.
    let attribute = Regex::new(r"(?s)#\[(kube|x_kube|serde|schemars)\(.*?\)\]\n").unwrap();
    let word = Regex::new(r#""([A-Z][a-z]+(?:[A-Z][a-z]*)*)""#).unwrap();
    let words: BTreeSet<String> = files()
        .into_iter()
        .filter(|(file, _)| shown(file))
        .flat_map(|(_, text)| {
            let text = attribute.replace_all(&text, "").into_owned();
            let found = word.captures_iter(&text);
            found.map(|m| m[1].to_owned()).collect::<Vec<_>>()
        })
        .filter(|found| !OTHER.contains(&found.as_str()))
        .collect();
    for known in ["EntitlementMissing", "Throttled", "InventoryComplete"] {
        assert!(words.contains(known), "{known} was not found: {words:?}");
    }
    words
}

/// Names under which metrics are registered, without prefix and suffix.
pub fn metrics() -> BTreeSet<String> {
    let name = r#"(?:\.register|\.register_with_unit|\.encode_descriptor)\(\s*"([a-z_]+)""#;
    let name = Regex::new(name).unwrap();
    let names: BTreeSet<String> = files()
        .iter()
        .flat_map(|(_, text)| name.captures_iter(text))
        .map(|found| found[1].to_owned())
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Whether there is a test, or a module of tests, of this path: from `src/`, or from `tests/it/`.
pub fn has_test(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap();
    let file = |module: &str| format!("{}.rs", module.replace("::", "/"));
    // Tests stand in a file of their own, or at the end of what they test.
    let inline = module.strip_suffix("::tests").map(file);
    let places = [Some(file(module)), inline];
    ["src", "tests/it"].iter().any(|root| {
        let is_module = repository(root).join(file(path)).exists();
        is_module
            || places.iter().flatten().any(|file| {
                let text = std::fs::read_to_string(repository(root).join(file));
                text.is_ok_and(|text| text.contains(&format!("fn {name}(")))
            })
    })
}

/// Every test in the files of a folder of `tests/it/`, by its path from there.
pub fn tests_in(folder: &str) -> Vec<String> {
    let declared = Regex::new(r"#\[tokio::test\]\n(?:pub )?async fn ([a-z_0-9]+)\(").unwrap();
    let mut tests = Vec::new();
    for entry in std::fs::read_dir(repository("tests/it").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
        let found = declared.captures_iter(&text);
        tests.extend(found.map(|found| format!("{folder}::{module}::{}", &found[1])));
    }
    assert!(tests.len() > 10, "{tests:?}");
    tests
}
