//! The AppConnector and the Secrets of some files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{AppConnector, AppConnectorSpec};
use crate::cli::yaml::{self, YamlError};
use crate::domain::ids::ConnectorName;

/// What the files hold.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) name: ConnectorName,
    pub(super) namespace: Option<String>,
    pub(super) spec: AppConnectorSpec,
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// The files can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    /// A file can't be read, or is no YAML.
    #[error(transparent)]
    Unread(#[from] YamlError),
    /// An object does not fit its kind.
    #[error("{}: {kind} {name}: {why}", path.display())]
    Unfit {
        path: PathBuf,
        kind: &'static str,
        name: String,
        why: String,
    },
    /// There is not exactly one AppConnector.
    #[error(
        "the files hold {0} objects of kind AppConnector, and exactly one can be checked at a time"
    )]
    NotOne(usize),
}

/// Reads the files; `-` is standard input. Objects of other kinds are left out.
pub(super) fn read(files: &[PathBuf]) -> Result<Manifest, ManifestError> {
    let mut connectors = Vec::new();
    let mut secrets = BTreeMap::new();
    for path in files {
        for object in yaml::objects(path)? {
            match object["kind"].as_str() {
                Some("AppConnector") => {
                    connectors.push(typed::<AppConnector>(path, "AppConnector", &object)?);
                }
                Some("Secret") => {
                    let secret = whole(typed::<Secret>(path, "Secret", &object)?);
                    let name = secret.metadata.name.clone().unwrap_or_default();
                    secrets.insert(name, secret);
                }
                _ => {}
            }
        }
    }
    let count = connectors.len();
    let Ok([connector]) = <[AppConnector; 1]>::try_from(connectors) else {
        return Err(ManifestError::NotOne(count));
    };
    Ok(Manifest {
        name: ConnectorName::new(connector.metadata.name.unwrap_or_default()),
        namespace: connector.metadata.namespace,
        spec: connector.spec,
        secrets,
    })
}

fn typed<K: DeserializeOwned>(
    path: &Path,
    kind: &'static str,
    object: &Value,
) -> Result<K, ManifestError> {
    K::deserialize(object).map_err(|error| ManifestError::Unfit {
        path: path.to_owned(),
        kind,
        name: object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        // What is in a Secret is not told, also where it makes no sense.
        why: match kind {
            "Secret" => "it is no Secret".to_owned(),
            _ => error.to_string(),
        },
    })
}

/// A Secret as the API server would keep it: `stringData` is laid over `data`.
fn whole(mut secret: Secret) -> Secret {
    let plain = secret.string_data.take().unwrap_or_default();
    let data = secret.data.get_or_insert_default();
    data.extend(
        plain
            .into_iter()
            .map(|(key, text)| (key, ByteString(text.into_bytes()))),
    );
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTOR: &str = "kind: AppConnector\napiVersion: rollcall.dev/v1alpha1\nmetadata: {name: directory, namespace: people}\nspec:\n  scim: {baseUrl: https://d.example.com, auth: {bearer: {secretKeyRef: {name: d, key: token}}}}\n  account: {username: [employee.employeeId]}\n";
    const SECRET: &str =
        "kind: Secret\napiVersion: v1\nmetadata: {name: d}\nstringData: {token: sekret}\n";

    fn of(texts: &[&str]) -> Result<Manifest, ManifestError> {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..texts.len())
            .map(|n| dir.path().join(n.to_string()))
            .collect();
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).unwrap();
        }
        read(&files)
    }

    #[test]
    fn one_connector_and_its_secrets_are_found_in_several_files() {
        let manifest = of(&[&format!("{CONNECTOR}---\nkind: Other\n"), SECRET]).unwrap();
        assert_eq!(manifest.name.as_str(), "directory");
        assert_eq!(manifest.namespace.as_deref(), Some("people"));
        let data = manifest.secrets["d"].data.as_ref().unwrap();
        assert_eq!(data["token"].0, b"sekret");
    }

    #[test]
    fn what_can_not_be_used_is_told_with_the_file() {
        for (texts, part) in [
            (vec![SECRET], "hold 0 objects"),
            (vec![CONNECTOR, CONNECTOR], "hold 2 objects"),
            (vec!["{"], "/0: "),
            (
                vec!["kind: AppConnector\nmetadata: {name: a}\nspec: {}"],
                "/0: AppConnector a: missing field",
            ),
        ] {
            let error = of(&texts).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = read(&[PathBuf::from("/nowhere/at/all")]).unwrap_err();
        assert!(
            error.to_string().starts_with("/nowhere/at/all: "),
            "{error}"
        );
    }
}
