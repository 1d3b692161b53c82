//! Changing the members of one group, many at a time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::failure::{Failure, Intent};
use super::filter::equals;
use super::groups::GroupRecord;
use super::json::{get, text};
use super::patch;
use super::resource::{self, GroupView};
use super::transport::Answer;
use super::{ScimConnector, locked};
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults};
use crate::domain::ids::{AccountId, EntitlementId};

/// Requests that one change may cost, when members must be singled out.
const MAX_REQUESTS: u32 = 64;

/// What is wanted of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    account: AccountId,
    member: bool,
}

/// A change on its way.
#[derive(Default)]
struct Run {
    results: HashMap<AccountId, Result<(), ConnectorError>>,
    /// Members, as far as an answer showed them since the last write.
    known: Option<HashSet<AccountId>>,
    requests: u32,
}

impl Run {
    fn settle(&mut self, wishes: &[Wish], result: &Result<(), ConnectorError>) {
        self.results.extend(
            wishes
                .iter()
                .map(|wish| (wish.account.clone(), result.clone())),
        );
    }
}

impl ScimConnector {
    pub(super) async fn change_members(
        &self,
        group: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults, ConnectorError> {
        let wish = |(account, member): (&AccountId, bool)| Wish {
            account: account.clone(),
            member,
        };
        let wishes: Vec<Wish> = change.wishes().map(wish).collect();
        let mut run = Run::default();
        // A member that is added twice stands there twice on some servers, so what may be there
        // already is looked up first.
        if self.in_doubt(group) || (self.dialect().learnt.repeats_members && !change.add.is_empty())
        {
            self.look(group, &mut run).await?;
        }
        let mut batches = vec![wishes.clone()];
        while let Some(mut batch) = batches.pop() {
            batch.retain(|wish| !run.is_so(wish));
            if batch.is_empty() {
                continue;
            }
            run.requests += 1;
            let Err(failure) = self.send_members(group, &batch, &mut run).await else {
                continue;
            };
            let stop = match concerns_group(&failure) {
                Some(error) => Some(error),
                // What was asked may have been done all the same.
                None => self.look(group, &mut run).await.err().map(after_sending),
            };
            if let Some(stop) = stop {
                if run.results.values().all(Result::is_err) {
                    return Err(stop);
                }
                for unsent in std::iter::once(batch).chain(batches.drain(..)) {
                    run.settle(&unsent, &Err(stop.clone()));
                }
                break;
            }
            batch.retain(|wish| !run.is_so(wish));
            if batch.len() > 1 && run.requests < MAX_REQUESTS {
                let half = batch.split_off(batch.len() / 2);
                batches.extend([half, batch]);
            } else {
                run.settle(&batch, &Err(failure.error));
            }
        }
        let result = |wish: Wish| {
            let result = run.results.get(&wish.account).cloned();
            (
                wish.account,
                result.unwrap_or_else(|| Err(unsettled(group))),
            )
        };
        Ok(wishes.into_iter().map(result).collect())
    }

    /// Reads who is a member now.
    async fn look(&self, group: &EntitlementId, run: &mut Run) -> Result<(), ConnectorError> {
        run.known = match self.members_now(group).await {
            // What it does not show can't keep it from being changed.
            Err(error) if !error.kind.concerns_target() && error.kind != ErrorKind::NotFound => {
                None
            }
            known => known?,
        };
        self.settled(group);
        Ok(())
    }

    /// Who is a member now; `None` where the server does not show it.
    async fn members_now(
        &self,
        group: &EntitlementId,
    ) -> Result<Option<HashSet<AccountId>>, ConnectorError> {
        let view = self.group_or_error(group).await?.view;
        if let Some(known) = shown(&view) {
            return Ok(Some(known));
        }
        if !view.entitlement.completeness.is_complete() {
            return Ok(None);
        }
        // Without members, or with members that it hides.
        let asked_for = self.members_asked_for(group).await?;
        let ids = asked_for.iter().filter_map(member_id);
        Ok(Some(ids.map(AccountId::new).collect()))
    }

    async fn group_or_error(&self, group: &EntitlementId) -> Result<GroupRecord, ConnectorError> {
        self.read_group(group).await?.ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::NotFound,
                format!("group {group} does not exist (any more)"),
            )
        })
    }

    async fn send_members(
        &self,
        group: &EntitlementId,
        batch: &[Wish],
        run: &mut Run,
    ) -> Result<(), Failure> {
        let what = format!("changing {} members of group {group}", batch.len());
        locked(&self.empty).forget(group);
        // In doubt from here on, as whoever waits for this may give up before the answer is here.
        self.doubt(group);
        let sent = self.change_once(group, batch, &what).await;
        if sent
            .as_ref()
            .err()
            .is_none_or(|failure| failure.error.kind != ErrorKind::OutcomeUnknown)
        {
            self.settled(group);
        }
        let answer = sent?;
        let seen = self.seen_after(group, batch, &answer).await;
        if seen.is_err() {
            self.doubt(group);
        }
        for wish in batch {
            let result = match &seen {
                Err(error) if !wish.member => Err(unproved(group, wish, error)),
                Ok(Some(known)) if known.contains(&wish.account) != wish.member => {
                    Err(ignored(group, wish))
                }
                _ => Ok(()),
            };
            run.results.insert(wish.account.clone(), result);
        }
        run.known = seen.ok().flatten();
        Ok(())
    }

    /// One write, in the way that the server takes.
    async fn change_once(
        &self,
        group: &EntitlementId,
        batch: &[Wish],
        what: &str,
    ) -> Result<Answer, Failure> {
        if self.dialect().patches_groups() {
            let body = patch::request(&operations(batch), self.ways.operation_case);
            let path = ["Groups", group.as_str()];
            let sent = self.write(Method::PATCH, &path, &body, Intent::Change, what);
            match sent.await {
                Err(failure) if failure.error.kind == ErrorKind::Unsupported => {
                    self.learn(|dialect| dialect.learnt.group_patch_refused = true);
                }
                answer => return answer,
            }
        }
        self.put_members(group, batch, what).await
    }

    /// Who is a member after a write: by its answer, or, until a removal was once seen to work, by
    /// reading. Some servers ignore a removal and answer success. An error means that a removal is not
    /// proved.
    async fn seen_after(
        &self,
        group: &EntitlementId,
        batch: &[Wish],
        answer: &Answer,
    ) -> Result<Option<HashSet<AccountId>>, ConnectorError> {
        let view = answer
            .json
            .as_ref()
            .and_then(|json| resource::group(json).ok());
        let view = view.filter(|view| view.entitlement.id == *group);
        if let Some(view) = &view {
            self.note_repeats(view);
        }
        let removes = batch.iter().any(|wish| !wish.member);
        let members = view.as_ref().and_then(shown);
        if members.is_some() || !removes || self.dialect().learnt.removal_proved {
            return Ok(members);
        }
        let Some(known) = self.members_now(group).await? else {
            return Ok(None);
        };
        let mut gone = batch.iter().filter(|wish| !wish.member);
        if gone.all(|wish| !known.contains(&wish.account)) {
            self.learn(|dialect| dialect.learnt.removal_proved = true);
        }
        Ok(Some(known))
    }

    /// The members of a group whose record speaks of none: asked for by name, a server that leaves
    /// them out by default shows them (RFC 7643 section 7, `returned`; RFC 7644 section 3.9). One that
    /// has none to show leaves `members` out again.
    async fn members_asked_for(&self, group: &EntitlementId) -> Result<Vec<Value>, Failure> {
        let what = format!("reading the members of group {group}");
        let path = ["Groups", group.as_str()];
        let answer = self.get(&path, &[("attributes", "members")], &what).await?;
        let json = answer
            .json
            .filter(|json| resource::id_of(json).as_deref() == Some(group.as_str()))
            .ok_or_else(|| {
                let message = format!("{what}: the answer is not that group");
                Failure::new(ErrorKind::Nonsense, message)
            })?;
        Ok(member_list(&json, group)?.unwrap_or_default())
    }

    /// Changes the members inside the group as it is, and puts it back.
    async fn put_members(
        &self,
        group: &EntitlementId,
        batch: &[Wish],
        what: &str,
    ) -> Result<Answer, Failure> {
        let record = self.group_or_error(group).await?.record;
        let mut json = record.json;
        let mut members = match member_list(&json, group)? {
            Some(members) => members,
            None => self.members_asked_for(group).await?,
        };
        for wish in batch {
            let is = |member: &Value| member_id(member).as_deref() == Some(wish.account.as_str());
            if !wish.member {
                members.retain(|member| !is(member));
            } else if !members.iter().any(is) {
                members.push(json!({"value": wish.account.as_str()}));
            }
        }
        patch::put(&mut json, "members", Value::Array(members));
        self.put_back(
            &["Groups", group.as_str()],
            json,
            record.etag,
            Intent::Change,
            what,
        )
        .await
    }
}

impl Run {
    /// Whether a wish is known to be true already.
    fn is_so(&mut self, wish: &Wish) -> bool {
        let so = self
            .known
            .as_ref()
            .is_some_and(|known| known.contains(&wish.account) == wish.member);
        if so {
            self.results.insert(wish.account.clone(), Ok(()));
        }
        so
    }
}

/// One operation adds, and one for each member removes. Never a removal of `members` with a value:
/// a strict server takes that for all of them (RFC 7644 section 3.5.2.2).
fn operations(batch: &[Wish]) -> Vec<Value> {
    let added: Vec<Value> = batch
        .iter()
        .filter(|w| w.member)
        .map(|w| json!({"value": w.account.as_str()}))
        .collect();
    let add = (!added.is_empty()).then(|| json!({"op": "add", "path": "members", "value": added}));
    let removals = batch.iter().filter(|w| !w.member).map(|w| {
        json!({"op": "remove", "path": format!("members[{}]", equals("value", w.account.as_str()))})
    });
    add.into_iter().chain(removals).collect()
}

/// The members, where the view shows any. A group without `members` may have none, or may hide them.
fn shown(view: &GroupView) -> Option<HashSet<AccountId>> {
    let whole = view.members_shown && view.entitlement.completeness.is_complete();
    whole.then(|| view.entitlement.holders.iter().cloned().collect())
}

/// The members as the record has them; none where it does not speak of them. What is no list is not
/// taken for an empty one: it would be put back without its members.
fn member_list(record: &Value, group: &EntitlementId) -> Result<Option<Vec<Value>>, Failure> {
    match get(record, "members") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Vec::new())),
        Some(Value::Array(members)) => Ok(Some(members.clone())),
        Some(_) => Err(Failure::new(
            ErrorKind::Nonsense,
            format!("`members` of group {group} is no list: it is left as it is"),
        )),
    }
}

fn member_id(member: &Value) -> Option<String> {
    text(member).or_else(|| get(member, "value").and_then(text))
}

/// The error, where no smaller request could do better.
fn concerns_group(failure: &Failure) -> Option<ConnectorError> {
    let kind = failure.error.kind;
    let lost = kind == ErrorKind::OutcomeUnknown && failure.status.is_none();
    let hopeless = kind.concerns_target()
        || matches!(
            kind,
            ErrorKind::Forbidden | ErrorKind::Unsupported | ErrorKind::Changed
        );
    (lost || hopeless).then(|| failure.error.clone())
}

/// What keeps us from reading, once a write was sent: nobody may take it for a write that was not.
fn after_sending(error: ConnectorError) -> ConnectorError {
    if !error.kind.concerns_target() {
        return error;
    }
    let quiet = error.asks_for_quiet().then_some(Duration::from_secs(1));
    ConnectorError {
        kind: ErrorKind::OutcomeUnknown,
        message: format!(
            "what became of the change is not known, as {}",
            error.message
        ),
        retry_after: error.retry_after.or(quiet),
    }
}

fn unproved(group: &EntitlementId, wish: &Wish, error: &ConnectorError) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::OutcomeUnknown,
        format!(
            "the server answered the removal of {} from group {group} with success, and reading it back failed: {}",
            wish.account, error.message
        ),
    )
}

fn unsettled(group: &EntitlementId) -> ConnectorError {
    let message = format!("what became of this member of group {group} is not known");
    ConnectorError::new(ErrorKind::OutcomeUnknown, message)
}

fn ignored(group: &EntitlementId, wish: &Wish) -> ConnectorError {
    let (done, so) = if wish.member {
        ("addition", "not a member")
    } else {
        ("removal", "still a member")
    };
    ConnectorError::new(
        ErrorKind::Ignored,
        format!(
            "the server answered the {done} with success, but {} is {so} of group {group}",
            wish.account
        ),
    )
}
