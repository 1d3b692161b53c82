//! The objects of some files and folders.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::yaml::{self, YamlError};
use crate::preview::Objects;

/// What the files hold.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) objects: Objects,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

/// The files can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    /// A file can't be read, or is no YAML.
    #[error(transparent)]
    Unread(#[from] YamlError),
    /// A folder can't be read.
    #[error("{}: {why}", path.display())]
    Folder { path: PathBuf, why: io::Error },
    /// An object does not fit its kind.
    #[error("{}: {kind} {name}: {why}", path.display())]
    Unfit {
        path: PathBuf,
        kind: String,
        name: String,
        why: String,
    },
    /// An object is there twice.
    #[error("{}: {kind} {name} is in another file, or earlier in this one, already", path.display())]
    Twice {
        path: PathBuf,
        kind: String,
        name: String,
    },
}

/// Reads everything that concerns a namespace. Objects of other kinds are left out.
pub(super) fn read(paths: &[PathBuf], namespace: &str) -> Result<Manifests, ManifestError> {
    let mut out = Manifests::default();
    let mut elsewhere = BTreeSet::new();
    for path in paths {
        let mut files = Vec::new();
        collect(path, &mut files)?;
        for file in files {
            for object in yaml::objects(&file)? {
                take(&mut out.objects, &mut elsewhere, &file, &object, namespace)?;
            }
        }
    }
    if !elsewhere.is_empty() {
        let names: Vec<String> = elsewhere.into_iter().collect();
        let note = format!(
            "objects of other namespaces are left out: {}",
            names.join(", ")
        );
        out.notes.push(note);
    }
    Ok(out)
}

/// Every file that may hold manifests, in the order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), ManifestError> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let failed = |why| ManifestError::Folder {
        path: path.to_owned(),
        why,
    };
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        inside.push(entry.map_err(failed)?.path());
    }
    inside.sort();
    for path in inside {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let kind = path.extension().and_then(|e| e.to_str());
        let fits = matches!(kind, Some("yaml" | "yml" | "json"));
        // A link to a folder could lead back to where it is.
        let folder = path.is_dir() && !path.is_symlink();
        if !hidden && (folder || (fits && !path.is_dir())) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn take(
    objects: &mut Objects,
    elsewhere: &mut BTreeSet<String>,
    path: &Path,
    object: &Value,
    namespace: &str,
) -> Result<(), ManifestError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if object["kind"] == "List" {
        for item in object["items"].as_array().into_iter().flatten() {
            take(objects, elsewhere, path, item, namespace)?;
        }
        return Ok(());
    }
    let ours = object["apiVersion"]
        .as_str()
        .is_some_and(|version| version.starts_with("rollcall.dev/"));
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    if !ours {
        return Ok(());
    }
    let of = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or(namespace);
    if of != namespace {
        elsewhere.insert(format!("{kind} {of}/{name}"));
        return Ok(());
    }
    let twice = match kind.as_str() {
        "Employee" => {
            let read = typed(path, &kind, &name, object)?;
            objects.people.insert(name.clone(), read).is_some()
        }
        "RoleTemplate" => {
            let read = typed(path, &kind, &name, object)?;
            objects.roles.insert(name.clone(), read).is_some()
        }
        "AppConnector" => {
            let read = typed(path, &kind, &name, object)?;
            objects.connectors.insert(name.clone(), read).is_some()
        }
        _ => false,
    };
    if twice {
        return Err(ManifestError::Twice {
            path: path.to_owned(),
            kind,
            name,
        });
    }
    Ok(())
}

fn typed<K: DeserializeOwned>(
    path: &Path,
    kind: &str,
    name: &str,
    object: &Value,
) -> Result<Arc<K>, ManifestError> {
    let read = K::deserialize(object).map(Arc::new);
    read.map_err(|why| ManifestError::Unfit {
        path: path.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        why: why.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "apiVersion: rollcall.dev/v1alpha1\nkind: RoleTemplate\nmetadata: {name: all}\nspec: {match: 'true'}\n";

    fn of(files: &[(&str, &str)]) -> Result<Manifests, ManifestError> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(&[dir.path().to_owned()], "people")
    }

    #[test]
    fn folders_are_read_with_what_is_below() {
        let other = ROLE.replace("{name: all}", "{name: other, namespace: lab}");
        let read = of(&[
            ("roles/all.yaml", ROLE),
            ("roles/other.yml", &other),
            ("README.md", "no manifest"),
            (".git/config.yaml", "{"),
            ("kustomization.yaml", "kind: Kustomization\n"),
            (
                "list.json",
                r#"{"kind": "List", "items": [{"apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate", "metadata": {"name": "listed"}, "spec": {}}]}"#,
            ),
        ])
        .unwrap();
        let names: Vec<&String> = read.objects.roles.keys().collect();
        assert_eq!(names, ["all", "listed"]);
        assert_eq!(
            read.notes,
            ["objects of other namespaces are left out: RoleTemplate lab/other"]
        );
    }

    #[test]
    fn what_can_not_be_used_is_told_with_the_file() {
        for (files, part) in [
            (vec![("a.yaml", "{")], "a.yaml: "),
            (
                vec![("a.yaml", ROLE), ("b.yaml", ROLE)],
                "b.yaml: RoleTemplate all is in another file",
            ),
            (
                vec![(
                    "a.yaml",
                    "apiVersion: rollcall.dev/v1alpha1\nkind: Employee\nmetadata: {name: ada}\nspec: {}\n",
                )],
                "a.yaml: Employee ada: missing field",
            ),
        ] {
            let error = of(&files).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = read(&[PathBuf::from("/nowhere/at/all")], "people").unwrap_err();
        assert!(
            error.to_string().starts_with("/nowhere/at/all: "),
            "{error}"
        );
    }
}
