//! The Dockerfile goes with the chart. No image is built here: that needs a container engine.

use std::collections::BTreeSet;

use crate::support::process::repository;

fn lines(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository(file)).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What a line of the Dockerfile copies from the repository.
fn copied(line: &str) -> Vec<&str> {
    let Some(words) = line.strip_prefix("COPY ") else {
        return Vec::new();
    };
    let mut words: Vec<_> = words.split(' ').collect();
    words.pop();
    if words.iter().any(|w| w.starts_with("--from=")) {
        words.clear();
    }
    words
}

#[test]
fn what_it_copies_is_there_and_gets_into_the_context() {
    let file = lines("Dockerfile");
    let ignore: BTreeSet<_> = lines(".dockerignore").into_iter().collect();
    let sources: Vec<_> = file.iter().flat_map(|line| copied(line)).collect();
    assert!(sources.contains(&"Cargo.lock"), "{sources:?}");
    for source in sources {
        assert!(repository(source).exists(), "{source} is not there");
        assert!(
            ignore.contains(&format!("!{source}")),
            "{source} is ignored"
        );
    }
    // Whatever Cargo.toml declares must be there for Cargo to read it.
    for line in lines("Cargo.toml") {
        let Some(path) = line.strip_prefix("path = \"") else {
            continue;
        };
        let folder = path.split('/').next().unwrap();
        assert!(
            ignore.contains(&format!("!{folder}")),
            "{folder} is declared and ignored"
        );
    }
}

#[test]
fn it_runs_as_the_chart_expects() {
    let file = lines("Dockerfile");
    let has = |line: &str| file.iter().any(|l| l == line);
    assert!(has("ENTRYPOINT [\"/usr/local/bin/rollcall\"]"));
    let template = std::fs::read_to_string(repository("charts/rollcall/templates/deployment.yaml"));
    let template = template.unwrap();
    // The chart gives arguments alone, and the number of the user.
    assert!(!template.contains("command:"));
    assert!(has("USER 65532:65532") && template.contains("\"runAsUser\" 65532"));
    let manifest = lines("Cargo.toml").join("\n");
    let rust = manifest.split("rust-version = \"").nth(1).unwrap();
    let rust = rust.split('"').next().unwrap();
    assert!(
        file[1].starts_with(&format!("FROM rust:{rust}-")),
        "{}",
        file[1]
    );
    assert!(
        file.iter()
            .any(|l| l.contains("cargo build --release --locked"))
    );
}
