//! Entitlements that dispatch made, so that none is made twice.

use std::collections::HashMap;
use std::time::Instant;

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
    known: HashMap<EntitlementName, (Known, Instant)>,
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

    pub(super) fn made(&mut self, name: EntitlementName, id: EntitlementId, now: Instant) {
        self.known.insert(name, (Known::Made(id), now));
    }

    pub(super) fn doubt(&mut self, name: EntitlementName, now: Instant) {
        self.known.insert(name, (Known::Doubtful, now));
    }

    /// The target says that it does not exist.
    pub(super) fn gone(&mut self, entitlement: &EntitlementId) {
        self.known
            .retain(|_, (known, _)| !matches!(known, Known::Made(id) if id == entitlement));
    }

    /// Compares with a listing. Only what was known before it began can be refuted by it.
    pub(super) fn seen(&mut self, shown: &[ObservedEntitlement], complete: bool, began: Instant) {
        self.known.retain(|name, (known, at)| {
            if *at >= began {
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
    use std::time::Duration;

    fn shown(id: &str, name: &str) -> ObservedEntitlement {
        ObservedEntitlement {
            id: id.into(),
            name: name.into(),
            holders: Vec::new(),
            completeness: Completeness::Complete,
        }
    }

    fn at(seconds: u64, begin: Instant) -> Instant {
        begin + Duration::from_secs(seconds)
    }

    #[test]
    fn one_that_was_made_is_found_until_a_later_complete_listing_lacks_it() {
        let begin = Instant::now();
        let mut made = Made::default();
        let name = EntitlementName::new("staff");
        assert_eq!(made.find(&name), Ok(None));
        made.made(name.clone(), "g1".into(), at(5, begin));
        made.seen(&[], true, at(4, begin));
        assert_eq!(
            made.find(&name),
            Ok(Some("g1".into())),
            "an older listing can't know it"
        );
        made.seen(&[], false, at(6, begin));
        assert_eq!(
            made.find(&name),
            Ok(Some("g1".into())),
            "a partial one proves nothing"
        );
        made.seen(&[shown("g1", "Staff")], true, at(6, begin));
        assert_eq!(made.find(&name), Ok(Some("g1".into())));
        made.seen(&[shown("g2", "other")], true, at(6, begin));
        assert_eq!(made.find(&name), Ok(None));
    }

    #[test]
    fn a_lost_answer_blocks_the_name_until_a_listing_settles_it() {
        let begin = Instant::now();
        let name = EntitlementName::new("staff");
        for (listing, complete, expected) in [
            (vec![shown("g9", "staff")], false, Some(Some("g9"))),
            (vec![], true, Some(None)),
            (vec![], false, None),
        ] {
            let mut made = Made::default();
            made.doubt(name.clone(), begin);
            let error = made.find(&name).unwrap_err();
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
            assert!(error.message.contains("staff"));
            made.seen(&listing, complete, at(1, begin));
            assert_eq!(
                made.find(&name).ok(),
                expected.map(|id| id.map(EntitlementId::new))
            );
        }
    }

    #[test]
    fn one_that_the_target_denies_may_be_made_again() {
        let mut made = Made::default();
        made.made("staff".into(), "g1".into(), Instant::now());
        made.made("other".into(), "g2".into(), Instant::now());
        made.gone(&"g1".into());
        assert_eq!(made.find(&"staff".into()), Ok(None));
        assert_eq!(made.find(&"other".into()), Ok(Some("g2".into())));
    }
}
