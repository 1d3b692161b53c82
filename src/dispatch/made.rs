//! Entitlements that dispatch made, so that none is made twice.

use std::collections::HashMap;

use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::ObservedEntitlement;
use crate::domain::ids::{EntitlementId, EntitlementName};

#[derive(Debug)]
enum Known {
    /// It was made.
    Made(EntitlementId),
    /// Its making was answered with nothing usable: it may exist.
    Doubtful,
}

/// What is known of entitlements made in this run, until a later listing says otherwise.
///
/// Orders that were planned before the controllers heard of the making still ask for it, and some
/// targets would take a second one of the same name without a word.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// With whether the listing that began last can refute it, having begun later.
    known: HashMap<EntitlementName, (Known, bool)>,
}

impl Made {
    /// The entitlement, if it was made already.
    ///
    /// # Errors
    /// It may exist, which only a listing can show: it is not made again blindly.
    pub(super) fn find(
        &self,
        name: &EntitlementName,
    ) -> Result<Option<EntitlementId>, ConnectorError> {
        match self.known.get(name) {
            None => Ok(None),
            Some((Known::Made(id), _)) => Ok(Some(id.clone())),
            Some((Known::Doubtful, _)) => Err(ConnectorError::new(
                ErrorKind::OutcomeUnknown,
                format!(
                    "the answer to the making of entitlement {name} was lost; the next complete \
                     listing shows whether it exists"
                ),
            )),
        }
    }

    pub(super) fn made(&mut self, name: EntitlementName, id: EntitlementId) {
        self.known.insert(name, (Known::Made(id), false));
    }

    pub(super) fn doubt(&mut self, name: EntitlementName) {
        self.known.insert(name, (Known::Doubtful, false));
    }

    /// The target says that it does not exist.
    pub(super) fn gone(&mut self, entitlement: &EntitlementId) {
        self.known
            .retain(|_, (known, _)| !matches!(known, Known::Made(id) if id == entitlement));
    }

    /// A listing begins. Only what is known by now can be refuted by it.
    pub(super) fn listing_begins(&mut self) {
        for (_, refutable) in self.known.values_mut() {
            *refutable = true;
        }
    }

    /// Compares with the listing that began last.
    pub(super) fn seen(&mut self, shown: &[ObservedEntitlement], complete: bool) {
        self.known.retain(|name, (known, refutable)| {
            if !*refutable {
                return true;
            }
            match known {
                Known::Made(id) => !complete || shown.iter().any(|e| e.id == *id),
                Known::Doubtful => match shown.iter().find(|e| e.name == *name) {
                    Some(found) => {
                        *known = Known::Made(found.id.clone());
                        true
                    }
                    None => !complete,
                },
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Completeness;

    fn shown(id: &str, name: &str) -> ObservedEntitlement {
        ObservedEntitlement {
            id: id.into(),
            name: name.into(),
            holders: Vec::new(),
            completeness: Completeness::Complete,
        }
    }

    #[test]
    fn one_that_was_made_is_found_until_a_later_complete_listing_lacks_it() {
        let mut made = Made::default();
        let name = EntitlementName::new("staff");
        assert_eq!(made.find(&name), Ok(None));
        made.listing_begins();
        made.made(name.clone(), "g1".into());
        made.seen(&[], true);
        assert_eq!(
            made.find(&name),
            Ok(Some("g1".into())),
            "a listing that began before can't know it"
        );
        made.listing_begins();
        made.seen(&[], false);
        assert_eq!(
            made.find(&name),
            Ok(Some("g1".into())),
            "a partial one proves nothing"
        );
        made.seen(&[shown("g1", "Staff")], true);
        assert_eq!(made.find(&name), Ok(Some("g1".into())));
        made.seen(&[shown("g2", "other")], true);
        assert_eq!(made.find(&name), Ok(None));
    }

    #[test]
    fn a_lost_answer_blocks_the_name_until_a_listing_settles_it() {
        let name = EntitlementName::new("staff");
        for (listing, complete, expected) in [
            (vec![shown("g9", "staff")], false, Some(Some("g9"))),
            (vec![], true, Some(None)),
            (vec![], false, None),
        ] {
            let mut made = Made::default();
            made.doubt(name.clone());
            made.seen(&listing, complete);
            let error = made.find(&name).unwrap_err();
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
            assert!(error.message.contains("staff"));
            made.listing_begins();
            made.seen(&listing, complete);
            assert_eq!(
                made.find(&name).ok(),
                expected.map(|id| id.map(EntitlementId::new))
            );
        }
    }

    #[test]
    fn one_that_the_target_denies_may_be_made_again() {
        let mut made = Made::default();
        made.made("staff".into(), "g1".into());
        made.made("other".into(), "g2".into());
        made.gone(&"g1".into());
        assert_eq!(made.find(&"staff".into()), Ok(None));
        assert_eq!(made.find(&"other".into()), Ok(Some("g2".into())));
    }
}
