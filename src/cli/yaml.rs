//! The objects of a file of manifests.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum YamlError {
    /// It can't be read.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// It is no YAML.
    #[error("{}: {why}", path.display())]
    Yaml { path: PathBuf, why: String },
}

/// Every object in a file; `-` is standard input. No line of it is repeated in an error: it may be one of a Secret.
pub(super) fn objects(path: &Path) -> Result<Vec<Value>, YamlError> {
    let text = text(path).map_err(|source| YamlError::File {
        path: path.to_owned(),
        source,
    })?;
    let quiet = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_multiple_with_options(&text, quiet).map_err(|error| YamlError::Yaml {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

fn text(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}
