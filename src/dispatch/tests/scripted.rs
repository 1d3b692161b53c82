//! A connector that does what a test says, and remembers what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::decide::{capabilities, listing};
use super::orders::observed;
use crate::connectors::{
    Capabilities, Connector, ConnectorError, FindKey, HolderChange, HolderResults, InitialPassword,
    Listing, MarkChange, Result, WritePermit,
};
use crate::domain::account::{
    AttributeChanges, Completeness, NewAccount, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// What it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Probe,
    List,
    Read(String),
    Find(String),
    Create(String),
    Password(String),
    Update(String),
    SetActive(String, bool),
    SetMark(String, Option<String>),
    CreateEntitlement(String),
    Change {
        id: String,
        add: Vec<String>,
        remove: Vec<String>,
    },
}

/// What it does about it.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Fine,
    Fail(ConnectorError),
    /// Members of a change that fail, by account; or an account that is made without its mark.
    Members(BTreeMap<String, ConnectorError>),
    Panic,
    Never,
}

impl From<ConnectorError> for Answer {
    fn from(error: ConnectorError) -> Self {
        Self::Fail(error)
    }
}

type Script = Box<dyn FnMut(&Asked) -> Answer + Send>;

/// Takes 5 ms for each call, and does what the script says.
pub(super) struct ScriptedConnector {
    script: Mutex<Script>,
    seen: Mutex<Seen>,
    takes: Duration,
    /// Requests that a listing takes.
    pub(super) pages: u32,
}

#[derive(Default)]
struct Seen {
    log: Vec<(Instant, Asked)>,
    ended: Vec<Asked>,
    in_flight: usize,
    most_in_flight: usize,
    accounts: BTreeSet<String>,
    doubled: bool,
}

impl ScriptedConnector {
    pub(super) fn new(script: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        Self {
            script: Mutex::new(Box::new(script)),
            seen: Mutex::default(),
            takes: Duration::from_millis(5),
            pages: 1,
        }
    }

    pub(super) fn fine() -> Self {
        Self::new(|_| Answer::Fine)
    }

    /// What it was asked so far, apart from probes and listings.
    pub(super) fn operations(&self) -> Vec<Asked> {
        self.log()
            .into_iter()
            .map(|(_, asked)| asked)
            .filter(Asked::is_operation)
            .collect()
    }

    pub(super) fn log(&self) -> Vec<(Instant, Asked)> {
        self.seen.lock().unwrap().log.clone()
    }

    pub(super) fn ended(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().ended.clone()
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.seen.lock().unwrap().most_in_flight
    }

    /// Whether an account was ever written by two calls at once.
    pub(super) fn doubled(&self) -> bool {
        self.seen.lock().unwrap().doubled
    }

    async fn answer(&self, asked: Asked) -> Result<BTreeMap<String, ConnectorError>> {
        let answer = (self.script.lock().unwrap())(&asked);
        let account = asked.account();
        {
            let mut seen = self.seen.lock().unwrap();
            seen.log.push((Instant::now(), asked.clone()));
            if asked.is_operation() {
                seen.in_flight += 1;
                seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
            }
            if let Some(account) = &account {
                seen.doubled |= !seen.accounts.insert(account.clone());
            }
        }
        tokio::time::sleep(self.takes).await;
        if matches!(answer, Answer::Never) {
            std::future::pending::<()>().await;
        }
        {
            let mut seen = self.seen.lock().unwrap();
            if asked.is_operation() {
                seen.in_flight -= 1;
            }
            if let Some(account) = &account {
                seen.accounts.remove(account);
            }
            seen.ended.push(asked);
        }
        match answer {
            Answer::Fine | Answer::Never => Ok(BTreeMap::new()),
            Answer::Members(errors) => Ok(errors),
            Answer::Fail(error) => Err(error),
            Answer::Panic => panic!("scripted panic"),
        }
    }
}

impl Asked {
    fn is_operation(&self) -> bool {
        !matches!(self, Self::Probe | Self::List)
    }

    fn account(&self) -> Option<String> {
        match self {
            Self::Create(a) | Self::Update(a) | Self::SetActive(a, _) | Self::Read(a) => {
                Some(a.clone())
            }
            Self::SetMark(a, _) => Some(a.clone()),
            _ => None,
        }
    }
}

fn texts(ids: &[AccountId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[async_trait]
impl Connector for ScriptedConnector {
    async fn probe(&self) -> Result<Capabilities> {
        self.answer(Asked::Probe).await.map(|_| capabilities())
    }

    async fn list(&self) -> Result<Listing> {
        self.answer(Asked::List).await.map(|_| Listing {
            requests: self.pages,
            ..listing()
        })
    }

    async fn read(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        let asked = Asked::Read(id.to_string());
        self.answer(asked)
            .await
            .map(|_| Some(observed(id.as_str())))
    }

    async fn find(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        let (asked, found) = match key {
            FindKey::Mark(mark) => (mark.clone(), vec!["shared", "marked"]),
            FindKey::Username(name) => (name.to_string(), vec!["named", "shared"]),
        };
        self.answer(Asked::Find(asked)).await?;
        Ok(found.into_iter().map(observed).collect())
    }

    async fn create(
        &self,
        _: &WritePermit,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        if let Some(password) = password {
            let asked = Asked::Password(password.secret.expose_secret().to_owned());
            self.answer(asked).await?;
        }
        let name = account.username.to_string();
        let drops = self.answer(Asked::Create(name.clone())).await?;
        let mark = (!drops.contains_key(&name)).then(|| account.mark.to_string());
        Ok(ObservedAccount {
            mark,
            ..observed(&name)
        })
    }

    async fn update(
        &self,
        _: &WritePermit,
        id: &AccountId,
        _: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>> {
        self.answer(Asked::Update(id.to_string()))
            .await
            .map(|_| None)
    }

    async fn set_active(
        &self,
        _: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>> {
        self.answer(Asked::SetActive(id.to_string(), active))
            .await
            .map(|_| None)
    }

    async fn set_mark(
        &self,
        _: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>> {
        let wanted = change.wanted().map(ToString::to_string);
        let asked = Asked::SetMark(id.to_string(), wanted);
        self.answer(asked).await.map(|_| None)
    }

    async fn delete(&self, _: &WritePermit, id: &AccountId) -> Result<()> {
        panic!("nothing orders the deletion of {id}")
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        self.answer(Asked::CreateEntitlement(name.to_string()))
            .await?;
        Ok(ObservedEntitlement {
            id: format!("made-{name}").as_str().into(),
            name: name.clone(),
            holders: vec![],
            completeness: Completeness::Complete,
        })
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> Result<()> {
        panic!("nothing orders the deletion of {id}")
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        let asked = Asked::Change {
            id: entitlement.to_string(),
            add: texts(&change.add),
            remove: texts(&change.remove),
        };
        let errors = self.answer(asked).await?;
        let all = change.add.iter().chain(&change.remove);
        Ok(all
            .map(|id| {
                (
                    id.clone(),
                    errors.get(id.as_str()).cloned().map_or(Ok(()), Err),
                )
            })
            .collect())
    }
}
