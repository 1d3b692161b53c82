//! Words that notices of every kind of object have in common.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde_json::json;

use super::{LASTING, Outlook};
use crate::notify::{Notice, NoticeId, Occasion};

/// Orphans that were first seen within such a time are told of together, in seconds.
const TOGETHER: i64 = 15 * 60;
/// Orphans that are named, at most.
const NAMED: usize = 50;

/// The object that a notice is about.
pub(super) struct Subject<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn of(kind: &'static str, meta: &'a ObjectMeta) -> Self {
        Self {
            kind,
            namespace: meta.namespace.as_deref().unwrap_or_default(),
            name: meta.name.as_deref().unwrap_or_default(),
            uid: meta.uid.as_deref().unwrap_or_default(),
        }
    }

    /// What the event is known by. An object that was made anew under the same name is another.
    pub(super) fn id(&self, occasion: Occasion, which: &str) -> NoticeId {
        NoticeId::of(occasion, &[self.namespace, self.name, which, self.uid])
    }

    /// A notice of few words.
    pub(super) fn notice(
        &self,
        occasion: Occasion,
        which: &str,
        what: &str,
        message: &str,
    ) -> Notice {
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        let head = format!("{kind} {namespace}/{name}");
        Notice {
            id: self.id(occasion, which),
            occasion,
            subject: format!("{head}: {what}"),
            text: format!("{head}: {what}\n\n{message}\n"),
            html: None,
            json: json!({
                "kind": kind, "namespace": namespace, "name": name, "what": what, "message": message,
            }),
        }
    }
}

/// Tells of orphans that are there for a while, those together that were first seen together.
pub(super) fn orphans(
    outlook: &mut Outlook,
    subject: &Subject<'_>,
    all: impl Iterator<Item = (Timestamp, String)>,
    now: Timestamp,
) {
    let mut groups: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (since, told) in all {
        let group = since.as_second().div_euclid(TOGETHER);
        groups.entry(group).or_default().push(told);
    }
    for (group, orphans) in groups {
        let ends = group.saturating_add(1).saturating_mul(TOGETHER);
        let Ok(ends) = Timestamp::from_second(ends) else {
            continue;
        };
        let Ok(at) = ends.checked_add(LASTING) else {
            continue;
        };
        outlook.tell(at, now, || {
            let what = match orphans.len() {
                1 => "something new that nobody declared".to_owned(),
                n => format!("{n} new things that nobody declared"),
            };
            let named: Vec<String> = orphans
                .iter()
                .take(NAMED)
                .map(|o| format!("- {o}"))
                .collect();
            let mut message = named.join("\n");
            if orphans.len() > NAMED {
                message = format!("{message}\n- and {} more", orphans.len() - NAMED);
            }
            subject.notice(Occasion::NewOrphans, &ends.to_string(), &what, &message)
        });
    }
}
