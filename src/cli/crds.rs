//! `rollcall crds`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::failed;
use crate::api::{self, GROUP};

/// First line of each file.
const HEADER: &str =
    "# Generated from the Rust types in src/api by `rollcall crds`. Do not edit.\n";

/// Where the CRDs go.
#[derive(Debug, Args)]
pub(super) struct CrdsArgs {
    /// Write one file for each CRD into this directory, instead of printing them.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    output_dir: Option<PathBuf>,

    /// Compare with the files in this directory; name those that differ and exit with 1.
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

/// The CRDs can't be printed, written or compared.
#[derive(Debug, thiserror::Error)]
enum CrdsError {
    /// They can't be put into YAML.
    #[error("the CRDs can't be put into YAML: {0}")]
    Yaml(#[from] serde_saphyr::SerializeError),
    /// They can't be put into JSON, on the way there.
    #[error("the CRDs can't be put into JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Standard output is closed.
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
    /// The files are not what the types say.
    #[error("out of date: {}; run `make generate` and commit the result", .0.join(", "))]
    Drift(Vec<String>),
}

/// Prints, writes or compares the CRDs.
pub(super) fn execute(args: &CrdsArgs) -> ExitCode {
    match attempt(args, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn attempt(args: &CrdsArgs, out: &mut impl Write) -> Result<(), CrdsError> {
    let files = files()?;
    if let Some(dir) = &args.check {
        return check(&files, dir);
    }
    if let Some(dir) = &args.output_dir {
        return write(&files, dir);
    }
    for text in files.values() {
        out.write_all(b"---\n")?;
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// What each file should hold, by its name.
fn files() -> Result<BTreeMap<String, String>, CrdsError> {
    api::crds::all()
        .into_iter()
        .map(|crd| {
            let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
            let yaml = serde_saphyr::to_string(&whole(serde_json::to_value(&crd)?))?;
            Ok((name, format!("{HEADER}{yaml}")))
        })
        .collect()
}

/// Writes whole numbers as such: the bounds of a schema are floats in the types, and `64.0` where an
/// integer is bounded only makes readers wonder.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "checked: whole and far below 2^53"
            )]
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(members) => members.into_iter().map(|(k, v)| (k, whole(v))).collect(),
        other => other,
    }
}

fn write(files: &BTreeMap<String, String>, dir: &Path) -> Result<(), CrdsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CrdsError::File { path, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

fn check(files: &BTreeMap<String, String>, dir: &Path) -> Result<(), CrdsError> {
    let mut drifted = BTreeSet::new();
    for (name, text) in files {
        let path = dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(found) if found == *text => {}
            Ok(_) => {
                drifted.insert(format!("{name} differs"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                drifted.insert(format!("{name} is missing"));
            }
            Err(source) => return Err(CrdsError::File { path, source }),
        }
    }
    for name in leftovers(files, dir)? {
        drifted.insert(format!("{name} is of no kind any more"));
    }
    if drifted.is_empty() {
        Ok(())
    } else {
        Err(CrdsError::Drift(drifted.into_iter().collect()))
    }
}

/// Files that look like our CRDs and belong to no kind.
fn leftovers(files: &BTreeMap<String, String>, dir: &Path) -> Result<Vec<String>, CrdsError> {
    let failed = |source| CrdsError::File {
        path: dir.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&format!("{GROUP}_")) && !files.contains_key(&*name) {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

    use super::*;

    fn run(output_dir: Option<&Path>, check: Option<&Path>) -> (Result<(), CrdsError>, String) {
        let args = CrdsArgs {
            output_dir: output_dir.map(Path::to_owned),
            check: check.map(Path::to_owned),
        };
        let mut out = Vec::new();
        let result = attempt(&args, &mut out);
        (result, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_yaml_reads_back_as_what_it_was() {
        let (result, text) = run(None, None);
        result.unwrap();
        let read: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&text).unwrap();
        let mut expected = api::crds::all();
        expected.sort_by_key(|crd| crd.spec.names.plural.clone());
        assert_eq!(read, expected);
        for line in text.lines() {
            assert!(!line.contains('\t'), "a tab: {line}");
            assert!(!line.starts_with("status:"), "a manifest has no status");
            assert_eq!(line, line.trim_end(), "space at the end");
            assert!(
                !line.ends_with(".0"),
                "a whole number is written as one: {line}"
            );
        }
        assert_eq!(text, run(None, None).1, "the same text each time");
    }

    #[test]
    fn drift_is_named_file_by_file() {
        let dir = tempfile::tempdir().unwrap();
        let crds = dir.path().join("crds");
        let error = run(None, Some(&crds)).0.unwrap_err().to_string();
        assert!(
            error.contains("rollcall.dev_employees.yaml is missing"),
            "{error}"
        );
        run(Some(&crds), None).0.unwrap();
        run(None, Some(&crds)).0.unwrap();
        let employees = crds.join("rollcall.dev_employees.yaml");
        let text = std::fs::read_to_string(&employees).unwrap();
        std::fs::write(&employees, text.replacen("emp", "employee", 1)).unwrap();
        std::fs::write(crds.join("rollcall.dev_teams.yaml"), "").unwrap();
        std::fs::write(crds.join("README.md"), "").unwrap();
        let error = run(None, Some(&crds)).0.unwrap_err().to_string();
        assert_eq!(
            error,
            "out of date: rollcall.dev_employees.yaml differs, rollcall.dev_teams.yaml is of no kind any \
             more; run `make generate` and commit the result"
        );
    }

    #[test]
    fn the_committed_files_are_current() {
        let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        run(None, Some(&crds)).0.unwrap();
    }
}
