//! Holds the README and the pages in `docs/` to the code: what they name exists, what they show works.

mod code;
mod manifests;
pub mod pages;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use self::pages::{Page, pages};
use crate::support::process::repository;

/// What looks like a path and is none, or need not be there: a mark; what a build makes.
const NO_PATHS: [&str; 2] = ["acme/people/1042", "target/"];

fn page(name: &str) -> Page {
    let found = pages().into_iter().find(|page| page.path == name);
    found.unwrap_or_else(|| panic!("there is no page {name}"))
}

/// Everything that the pages show as code, by page.
fn code() -> Vec<(String, String)> {
    pages()
        .into_iter()
        .flat_map(|page| {
            let blocks = page.blocks().into_iter().map(|block| block.text);
            let spans = page.spans();
            let path = page.path;
            blocks.chain(spans).map(move |code| (path.clone(), code))
        })
        .collect()
}

#[test]
fn every_path_and_link_leads_somewhere() {
    let path = Regex::new(r"^\.?[a-z0-9_-]+(/[A-Za-z0-9._-]+)*/?$").unwrap();
    let mut seen = 0;
    let mut lost = Vec::new();
    for page in pages() {
        let spans = page
            .spans()
            .into_iter()
            .filter(|s| !NO_PATHS.contains(&s.as_str()));
        let rust = |s: &&str| Path::new(s).extension().is_some_and(|e| e == "rs");
        for span in spans.filter(|s| path.is_match(s) && (s.contains('/') || rust(&s.as_str()))) {
            seen += 1;
            // Pages about the code leave out `src/`.
            if !repository(&span).exists() && !repository("src").join(&span).exists() {
                lost.push(format!("{}: `{span}`", page.path));
            }
        }
        let folder = repository(&page.path);
        let folder = folder.parent().unwrap();
        for link in page.links() {
            seen += 1;
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !folder.join(file).exists() {
                lost.push(format!("{}: ({link})", page.path));
            }
        }
    }
    assert!(lost.is_empty(), "these lead nowhere: {lost:#?}");
    assert!(seen > 60, "only {seen} paths and links were found");
}

#[test]
fn every_folder_of_the_code_is_on_the_walk() {
    let architecture = page("docs/architecture.md").spans();
    let folders = code::folders();
    assert!(folders.len() > 10, "{folders:?}");
    let missing: Vec<&String> = folders
        .iter()
        .filter(|folder| !architecture.contains(&format!("{folder}/")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/architecture.md does not name {missing:?}"
    );
}

#[test]
fn imports_are_as_the_table_says() {
    let table = page("docs/architecture.md").table("may import");
    assert!(table.len() >= 8, "the table was not found: {table:?}");
    let wrong = code::imports()
        .into_iter()
        .filter(|import| !import.is_allowed(&table))
        .map(|import| format!("{}: {}", import.file, import.path))
        .collect::<BTreeSet<_>>();
    assert!(
        wrong.is_empty(),
        "not allowed by docs/architecture.md: {wrong:#?}"
    );
}

#[test]
fn every_make_target_exists() {
    let makefile = std::fs::read_to_string(repository("Makefile")).unwrap();
    let wanted = Regex::new(r"(?m)(?:^|\$ |[A-Z]+=\S+ )make ([a-z][a-z-]*)").unwrap();
    let mut seen = BTreeSet::new();
    for (page, code) in code() {
        for found in wanted.captures_iter(&code) {
            let target = &found[1];
            assert!(
                makefile
                    .lines()
                    .any(|l| l.starts_with(&format!("{target}:"))),
                "{page} names `make {target}`"
            );
            seen.insert(target.to_owned());
        }
    }
    for target in ["demo", "test"] {
        assert!(seen.contains(target), "no page names `make {target}`");
    }
}

#[test]
fn flags_and_variables_are_those_of_the_program() {
    let help = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flag = Regex::new(r"(?:^|[\s`])(--[a-z][a-z-]+|-[a-zA-Z]\b)").unwrap();
    let variable = Regex::new(r"\bROLLCALL_[A-Z_]+\b").unwrap();
    let named = |what: &Regex, text: &str| -> BTreeSet<String> {
        let found = what.find_iter(text);
        found.map(|m| m.as_str().trim().to_owned()).collect()
    };
    let (flags, variables) = (named(&flag, &help), named(&variable, &help));
    assert!(flags.contains("--installation") && variables.contains("ROLLCALL_LISTEN"));

    let mut seen = 0;
    for (page, code) in code() {
        let code = code.replace("\\\n", " ");
        for line in code.lines() {
            let Some((_, arguments)) = line
                .split_once("rollcall run ")
                .or_else(|| line.split_once("cargo run -- run "))
            else {
                continue;
            };
            seen += 1;
            for flag in named(&flag, arguments) {
                assert!(flags.contains(&flag), "{page} gives {flag} to rollcall run");
            }
        }
    }
    assert!(seen > 1, "no page shows how to run the operator");

    let operations = page("docs/operations.md").text;
    for flag in flags.iter().filter(|f| f.starts_with("--")) {
        assert!(
            operations.contains(flag.as_str()),
            "docs/operations.md: {flag}"
        );
    }
    let told = named(&variable, &operations);
    assert_eq!(told, variables, "docs/operations.md");
}

#[test]
fn every_manifest_is_one_that_works() {
    let mut kinds = BTreeSet::new();
    for page in pages() {
        for block in page.blocks() {
            if block.language == "yaml" {
                kinds.extend(manifests::check(&page.path, &block.text));
            }
        }
    }
    for kind in ["AppConnector", "ClusterRole", "Employee", "RoleTemplate"] {
        assert!(kinds.contains(kind), "no page shows a {kind}");
    }
}

#[test]
fn every_reason_is_explained() {
    let explained = page("docs/status.md").spans();
    let missing: Vec<String> = code::stable_words()
        .into_iter()
        .filter(|word| !explained.contains(word))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/status.md does not explain {missing:#?}"
    );
}

#[test]
fn metrics_are_those_of_the_program() {
    let bare = |name: &str| {
        let name = name.strip_prefix("rollcall_").unwrap_or(name);
        let suffixes = ["_total", "_info", "_seconds"];
        let suffix = suffixes.iter().find_map(|s| name.strip_suffix(s));
        suffix.unwrap_or(name).to_owned()
    };
    let kept: BTreeSet<String> = code::metrics().iter().map(|name| bare(name)).collect();
    let told: BTreeSet<String> = page("docs/operations.md")
        .spans()
        .iter()
        .filter(|span| span.starts_with("rollcall_"))
        .map(|span| bare(span))
        .collect();
    assert_eq!(told, kept, "docs/operations.md");
}

/// Every oddity of `docs/scim.md`, and every fault of `docs/faults.md`, has its number, and every test that
/// the pages name exists.
#[test]
fn the_tests_that_tables_name_exist() {
    let number = Regex::new(r"(?m)^\| (\d+) \|").unwrap();
    let test = Regex::new(r"^[a-z_0-9]+(::[a-z_0-9]+)+$").unwrap();
    for (name, last) in [("docs/scim.md", 30), ("docs/faults.md", 10)] {
        let page = page(name);
        let numbers: Vec<usize> = number
            .captures_iter(&page.text)
            .map(|found| found[1].parse().unwrap())
            .collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{name}");

        let named: BTreeSet<String> = page
            .spans()
            .into_iter()
            .filter(|span| test.is_match(span))
            .collect();
        assert!(named.len() > 25, "only {named:?}");
        let missing: Vec<&String> = named.iter().filter(|name| !code::has_test(name)).collect();
        assert!(missing.is_empty(), "{name} names {missing:#?}");
    }
}

/// Every story of a fault is in the table.
#[test]
fn every_fault_story_is_told() {
    let page = page("docs/faults.md");
    let named: BTreeSet<String> = page.spans().into_iter().collect();
    let untold: Vec<String> = code::tests_in("faults")
        .into_iter()
        .filter(|test| !named.contains(test))
        .collect();
    assert_eq!(untold, [""; 0]);
}
