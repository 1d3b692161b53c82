//! Checks of names given on the command line.

use crate::notify::stored::Place;

/// Longest DNS label (RFC 1123 section 2.1).
const LABEL_LIMIT: usize = 63;

/// Longest name of a field manager that Kubernetes takes.
const MANAGER_LIMIT: usize = 128;

/// A DNS label (RFC 1123): what Kubernetes takes as the name of a namespace.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    dns_label(text).map_err(|why| format!("a namespace's name {why}"))
}

/// The name of this installation.
pub(super) fn installation(text: &str) -> Result<String, String> {
    dns_label(text).map_err(|why| {
        format!(
            "an installation's name {why}. It is part of the mark that every account is known by in its \
             target, <installation>/<namespace>/<employeeId>, so choose one that outlives the cluster and \
             never change it"
        )
    })
}

/// The name under which Kubernetes records our writes.
pub(super) fn field_manager(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MANAGER_LIMIT || text.contains(char::is_control) {
        return Err(format!(
            "a field manager's name has 1 to {MANAGER_LIMIT} printable characters"
        ));
    }
    Ok(text.to_owned())
}

/// Namespace and name of a Lease.
pub(super) fn lease(text: &str) -> Result<(String, String), String> {
    place("a Lease is", text)
}

/// Namespace of the ConfigMaps that remember which notices were sent, and what their names begin with.
pub(super) fn outbox(text: &str) -> Result<Place, String> {
    let (namespace, name) = place("the outbox is", text)?;
    Ok(Place { namespace, name })
}

fn place(what: &str, text: &str) -> Result<(String, String), String> {
    let wrong = |why: &str| format!("{what} given as NAMESPACE/NAME, and each part {why}");
    let (place, name) = text.split_once('/').ok_or_else(|| wrong("must be there"))?;
    let part = |text: &str| dns_label(text).map_err(|why| wrong(&why));
    Ok((part(place)?, part(name)?))
}

fn dns_label(text: &str) -> Result<String, String> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = text.len() <= LABEL_LIMIT
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.chars().all(inside);
    if sound {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "has 1 to {LABEL_LIMIT} lower-case letters, digits and hyphens, and begins and ends with a \
             letter or digit"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_kubernetes_takes_them() {
        let longest = "a".repeat(63);
        for name in ["a", "acme", "acme-eu-1", "1a", &longest] {
            assert_eq!(installation(name), Ok(name.to_owned()));
            assert_eq!(namespace(name), Ok(name.to_owned()));
        }
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "A", "a.b", "a/b", "ä", "a b", &too_long] {
            let why = installation(name).unwrap_err();
            assert!(
                why.contains("<installation>/<namespace>/<employeeId>"),
                "{why}"
            );
            assert!(namespace(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_lease_has_a_namespace_and_a_name() {
        let both = ("ops".to_owned(), "rollcall".to_owned());
        assert_eq!(lease("ops/rollcall"), Ok(both));
        for wrong in [
            "",
            "rollcall",
            "/rollcall",
            "ops/",
            "ops/a/b",
            "Ops/rollcall",
        ] {
            let why = lease(wrong).unwrap_err();
            assert!(why.contains("NAMESPACE/NAME"), "{why}");
            assert!(outbox(wrong).unwrap_err().contains("the outbox"));
        }
        let place = outbox("ops/rollcall-notices").unwrap();
        assert_eq!(
            (&*place.namespace, &*place.name),
            ("ops", "rollcall-notices")
        );
    }

    #[test]
    fn managers_are_short_and_printable() {
        assert!(field_manager("rollcall").is_ok());
        for name in ["", "a\nb", &"a".repeat(129)] {
            assert!(field_manager(name).is_err(), "{name:?}");
        }
    }
}
