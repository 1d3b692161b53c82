//! The objects of some files and folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::Schemas;
use crate::api;
use crate::cli::yaml::{self, YamlError};
use crate::preview::Objects;

/// What the files hold.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) objects: Objects,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

/// Where in a file an object stands. Documents are counted without those that are empty.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    document: usize,
    item: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}", self.path.display(), self.document)?;
        match self.item {
            Some(item) => write!(f, ", item {item}"),
            None => Ok(()),
        }
    }
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
    /// There is no such kind of ours.
    #[error("{place}: {group} has no kind {kind}; it has {known}", group = api::GROUP)]
    NoKind {
        place: String,
        kind: String,
        known: String,
    },
    /// The version is none of ours.
    #[error("{place}: {kind} {name} has the apiVersion {version:?}, and must have {group}/{served}", group = api::GROUP, served = api::VERSION)]
    NoVersion {
        place: String,
        kind: String,
        name: String,
        version: String,
    },
    /// An object has no name.
    #[error("{place}: metadata.name of the {kind} is missing{then}")]
    Nameless {
        place: String,
        kind: String,
        then: &'static str,
    },
    /// An object does not fit its kind.
    #[error("{place}: {kind} {name}: {}", why.join("; "))]
    Unfit {
        place: String,
        kind: String,
        name: String,
        why: Vec<String>,
    },
    /// An object is there twice.
    #[error("{place}: {kind} {name} is in another file, or earlier in this one, already")]
    Twice {
        place: String,
        kind: String,
        name: String,
    },
}

/// Reads everything that concerns a namespace. Objects of other groups are left out.
pub(super) fn read(paths: &[PathBuf], namespace: &str) -> Result<Manifests, ManifestError> {
    let mut reader = Reader {
        schemas: Schemas::new(),
        namespace,
        objects: Objects::default(),
        elsewhere: BTreeSet::new(),
        ours: 0,
    };
    let mut notes = Vec::new();
    for path in paths {
        let ours = reader.ours;
        let mut files = Vec::new();
        collect(path, &mut files)?;
        for file in files {
            for (n, object) in yaml::objects(&file)?.into_iter().enumerate() {
                let place = Place {
                    path: file.clone(),
                    document: n + 1,
                    item: None,
                };
                reader.take(&place, object)?;
            }
        }
        if reader.ours == ours {
            notes.push(format!(
                "no Employee, RoleTemplate or AppConnector in {}: is it the right place?",
                path.display()
            ));
        }
    }
    if !reader.elsewhere.is_empty() {
        let names: Vec<String> = reader.elsewhere.into_iter().collect();
        notes.push(format!(
            "objects of other namespaces are left out: {}",
            names.join(", ")
        ));
    }
    Ok(Manifests {
        objects: reader.objects,
        notes,
    })
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

struct Reader<'a> {
    schemas: Schemas,
    namespace: &'a str,
    objects: Objects,
    /// What is of other namespaces.
    elsewhere: BTreeSet<String>,
    /// How many objects of our kinds there were.
    ours: usize,
}

impl Reader<'_> {
    fn take(&mut self, place: &Place, mut object: Value) -> Result<(), ManifestError> {
        let version = text(&object["apiVersion"]);
        let kind = text(&object["kind"]);
        let is_known = self.schemas.kinds().any(|known| known == kind);
        let group = version.split('/').next().unwrap_or_default();
        // A kind of ours that says no version is forgetful, and not of another group.
        let ours = group == api::GROUP || (version.is_empty() && is_known);
        if let Some(of) = list(&kind, ours) {
            return self.take_list(place, &version, of, &mut object);
        }
        if !ours {
            return Ok(());
        }
        if !is_known {
            let known: Vec<&str> = self.schemas.kinds().collect();
            return Err(ManifestError::NoKind {
                place: place.to_string(),
                kind,
                known: known.join(", "),
            });
        }
        let name = text(&object["metadata"]["name"]);
        if version != format!("{}/{}", api::GROUP, api::VERSION) {
            return Err(ManifestError::NoVersion {
                place: place.to_string(),
                kind,
                name,
                version,
            });
        }
        self.ours += 1;
        let of = object["metadata"]["namespace"].as_str();
        if let Some(of) = of.filter(|of| *of != self.namespace) {
            self.elsewhere.insert(format!("{kind} {of}/{name}"));
            return Ok(());
        }
        if object["metadata"].get("name").is_none_or(Value::is_null) {
            let generated = object["metadata"].get("generateName").is_some();
            return Err(ManifestError::Nameless {
                place: place.to_string(),
                kind,
                then: if generated {
                    ": with generateName each apply would make another object"
                } else {
                    ""
                },
            });
        }
        self.add(place, &kind, name, object)
    }

    /// What `kubectl get` prints, and what Helm and Kustomize may: a list is its items.
    fn take_list(
        &mut self,
        place: &Place,
        version: &str,
        of: &str,
        list: &mut Value,
    ) -> Result<(), ManifestError> {
        let items = list.get_mut("items").and_then(Value::as_array_mut);
        let items = items.map(std::mem::take);
        for (n, mut item) in items.into_iter().flatten().enumerate() {
            // An item of a list of one kind may leave out what the list says.
            if let Some(fields) = item.as_object_mut().filter(|_| !of.is_empty()) {
                fields.entry("kind").or_insert_with(|| of.into());
                fields.entry("apiVersion").or_insert_with(|| version.into());
            }
            let place = Place {
                item: Some(n + 1),
                ..place.clone()
            };
            self.take(&place, item)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        place: &Place,
        kind: &str,
        name: String,
        mut object: Value,
    ) -> Result<(), ManifestError> {
        let unfit = |why| ManifestError::Unfit {
            place: place.to_string(),
            kind: kind.to_owned(),
            name: name.clone(),
            why,
        };
        let faults = self.schemas.faults(kind, &mut object);
        if !faults.is_empty() {
            return Err(unfit(faults));
        }
        if let Some(fields) = object.as_object_mut() {
            // It is the operator's, and what the cluster has of it counts.
            fields.remove("status");
        }
        let other = |why: serde_json::Error| unfit(vec![why.to_string()]);
        let Objects {
            people,
            roles,
            connectors,
        } = &mut self.objects;
        let twice = match kind {
            "Employee" => insert(people, &name, object).map_err(other)?,
            "RoleTemplate" => insert(roles, &name, object).map_err(other)?,
            _ => insert(connectors, &name, object).map_err(other)?,
        };
        if twice {
            return Err(ManifestError::Twice {
                place: place.to_string(),
                kind: kind.to_owned(),
                name,
            });
        }
        Ok(())
    }
}

/// Whether a kind is a list, and of which kind; of any where that is empty.
fn list(kind: &str, ours: bool) -> Option<&str> {
    let of = kind.strip_suffix("List")?;
    (ours || of.is_empty()).then_some(of)
}

/// Tells whether there was one of that name.
fn insert<K: DeserializeOwned>(
    all: &mut BTreeMap<String, Arc<K>>,
    name: &str,
    object: Value,
) -> Result<bool, serde_json::Error> {
    let read = serde_json::from_value(object)?;
    Ok(all.insert(name.to_owned(), Arc::new(read)).is_some())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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

    /// The one fault of a file.
    fn wrong(text: &str) -> String {
        let error = of(&[("a.yaml", text)]).unwrap_err().to_string();
        let at = error.find("a.yaml").unwrap();
        error[at..].to_owned()
    }

    #[test]
    fn what_can_not_be_used_is_told_with_the_file() {
        let twice = of(&[("a.yaml", ROLE), ("b.yaml", ROLE)]).unwrap_err();
        let says = "b.yaml, document 1: RoleTemplate all is in another file, or earlier in this one, already";
        assert!(twice.to_string().ends_with(says), "{twice}");
        assert!(wrong("{").starts_with("a.yaml: "));
        let error = read(&[PathBuf::from("/nowhere/at/all")], "people").unwrap_err();
        assert!(
            error.to_string().starts_with("/nowhere/at/all: "),
            "{error}"
        );
    }

    #[test]
    fn a_kind_or_version_that_there_is_not_is_told_with_what_there_is() {
        let second = |object: &str| wrong(&format!("{ROLE}---\n{object}"));
        assert_eq!(
            second(&ROLE.replace("RoleTemplate", "RoleTemplates")),
            "a.yaml, document 2: rollcall.dev has no kind RoleTemplates; it has AppConnector, Employee, RoleTemplate"
        );
        assert_eq!(
            second(&ROLE.replace("v1alpha1", "v9")),
            "a.yaml, document 2: RoleTemplate all has the apiVersion \"rollcall.dev/v9\", and must have rollcall.dev/v1alpha1"
        );
        assert_eq!(
            second("kind: RoleTemplate\nmetadata: {name: all}\n"),
            "a.yaml, document 2: RoleTemplate all has the apiVersion \"\", and must have rollcall.dev/v1alpha1"
        );
        // Of other groups nothing is known.
        let other = ROLE.replace("rollcall.dev/v1alpha1", "example.com/v1");
        assert!(of(&[("a.yaml", &other)]).unwrap().objects.roles.is_empty());
    }

    #[test]
    fn what_has_no_name_is_told() {
        assert_eq!(
            wrong(&ROLE.replace("{name: all}", "{}")),
            "a.yaml, document 1: metadata.name of the RoleTemplate is missing"
        );
        assert_eq!(
            wrong(&ROLE.replace("{name: all}", "{generateName: all-}")),
            "a.yaml, document 1: metadata.name of the RoleTemplate is missing: with generateName each apply would make another object"
        );
    }

    #[test]
    fn what_does_not_fit_is_told_field_by_field() {
        let bad = ROLE.replace("{match: 'true'}", "{match: true, grant: []}");
        assert_eq!(
            wrong(&bad),
            "a.yaml, document 1: RoleTemplate all: there is no field spec.grant; spec.match must be a text, and is a boolean: put it into quotes"
        );
    }

    #[test]
    fn lists_are_their_items() {
        let item = "- {metadata: {name: listed}, spec: {}}\n";
        let typed =
            format!("apiVersion: rollcall.dev/v1alpha1\nkind: RoleTemplateList\nitems:\n{item}");
        let read = of(&[("a.yaml", &typed)]).unwrap();
        assert_eq!(read.objects.roles.keys().collect::<Vec<_>>(), ["listed"]);
        assert_eq!(
            wrong(&typed.replace("spec", "specs")),
            "a.yaml, document 1, item 1: RoleTemplate listed: there is no field specs; spec is missing"
        );
        assert_eq!(
            wrong(&typed.replace("TemplateList", "TemplatesList")),
            "a.yaml, document 1, item 1: rollcall.dev has no kind RoleTemplates; it has AppConnector, Employee, RoleTemplate"
        );
    }

    #[test]
    fn a_place_with_nothing_of_ours_is_told() {
        let read = of(&[("kustomization.yaml", "kind: Kustomization\n")]).unwrap();
        assert_eq!(read.notes.len(), 1, "{:?}", read.notes);
        let says = "no Employee, RoleTemplate or AppConnector in /";
        assert!(read.notes[0].starts_with(says), "{:?}", read.notes);
        assert!(of(&[("a.yaml", ROLE)]).unwrap().notes.is_empty());
    }

    #[test]
    fn a_status_that_was_exported_with_an_object_is_left_out() {
        let with = format!("{ROLE}status: {{holders: many}}\n");
        let read = of(&[("a.yaml", &with)]).unwrap();
        assert!(read.objects.roles["all"].status.is_none());
    }
}
