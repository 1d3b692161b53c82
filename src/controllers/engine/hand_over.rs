//! Hands a status to the writer, and what is new in it to the events. One way for all kinds.

use std::sync::Arc;

use super::Ports;
use crate::controllers::world::{Meta, Status, Tracked};
use crate::plan::Lane;
use crate::runtime::events::Notice;
use crate::runtime::status_writer::{ObjectKind, StatusWrite};

/// The object whose status it is.
pub(super) struct Subject<'a> {
    pub(super) kind: ObjectKind,
    pub(super) namespace: &'a Arc<str>,
    pub(super) name: &'a str,
    pub(super) meta: &'a Meta,
    pub(super) lane: Lane,
}

impl Ports {
    /// Hands a status over, unless it is there or on its way already. `news` tells what a person
    /// should notice between the newest status told so far and this one. Tells whether it was handed over.
    pub(super) fn hand_over<S: Status>(
        &self,
        subject: &Subject<'_>,
        tracked: &mut Tracked<S>,
        status: &S,
        token: u64,
        news: impl FnOnce(&S, &S) -> Vec<Notice>,
    ) -> bool {
        let Some(packed) = tracked.unwritten(status) else {
            return false;
        };
        for notice in news(&tracked.newest(), status) {
            self.events.notify(notice);
        }
        self.statuses.write(StatusWrite {
            kind: subject.kind,
            namespace: subject.namespace.to_string(),
            name: subject.name.to_owned(),
            uid: subject.meta.uid.to_string(),
            lane: subject.lane,
            status: packed.to_write(),
            token,
        });
        tracked.write(token, packed);
        true
    }
}
