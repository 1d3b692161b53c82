//! The connector to an application in memory: it takes time, fails, loses answers and lies as its mood is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rollcall::api::AppConnectorSpec;
use rollcall::connectors::registry::{Credentials, Opener};
use rollcall::connectors::{
    Capabilities, Connector, ConnectorError, ErrorKind, FindKey, HolderChange, HolderResults,
    InitialPassword, Listing, MarkChange, Result, SharedConnector, WritePermit,
};
use rollcall::domain::account::{
    AttributeChanges, Completeness, NewAccount, ObservedAccount, ObservedEntitlement,
};
use rollcall::domain::ids::{AccountId, EntitlementId, EntitlementName, Username};
use rollcall::domain::problem::Problem;
use rollcall::runtime::clock::Clock as _;
use rollcall::runtime::secrets::Destination;
use tokio::time::sleep;

use crate::application::{Account, Application, Mood};
use crate::dice::dice;
use crate::judge::{Judge, Touch};

/// One application, however often somebody connects to it.
pub struct Place {
    pub name: &'static str,
    pub state: Arc<Mutex<Application>>,
    pub mood: Mutex<Mood>,
    pub seed: u64,
    pub judge: Arc<Judge>,
}

/// Opens connectors to the places there are.
pub struct Places(pub BTreeMap<&'static str, Arc<Place>>);

impl Opener for Places {
    fn open(
        &self,
        spec: &AppConnectorSpec,
        credentials: &mut Credentials<'_>,
    ) -> std::result::Result<SharedConnector, Problem> {
        let nowhere = || Problem::edit("NoProtocol", "there is no such application");
        let scim = spec.scim.as_ref().ok_or_else(nowhere)?;
        let url = url::Url::parse(&scim.base_url).map_err(|_| nowhere())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let name = host.split('.').next().unwrap_or_default();
        let place = self.0.get(name).ok_or_else(nowhere)?;
        let to = Destination::of(&url).ok_or_else(nowhere)?;
        let bearer = scim.auth.bearer.as_ref().ok_or_else(nowhere)?;
        credentials(&bearer.secret_key_ref, &to)?;
        Ok(Arc::new(Connection(Arc::clone(place))))
    }
}

struct Connection(Arc<Place>);

/// How one call goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Luck {
    Fine,
    Lost,
    Lied,
}

fn error(kind: ErrorKind, words: &str) -> ConnectorError {
    ConnectorError::new(kind, words)
}

impl Place {
    pub fn state(&self) -> MutexGuard<'_, Application> {
        self.state.lock().unwrap()
    }

    pub fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    async fn pause(&self, occasion: &str) {
        let now = self.judge.wall.now().as_millisecond();
        let pause = dice((self.seed, now, occasion)).u64(1..200);
        sleep(Duration::from_millis(pause)).await;
    }

    /// The way there. An error means that nothing was done.
    async fn arrive(&self, occasion: &str, is_write: bool) -> Result<Luck> {
        let now = self.judge.wall.now().as_millisecond();
        let mut dice = dice((self.seed, now, occasion));
        sleep(Duration::from_millis(dice.u64(1..200))).await;
        let chance = dice.u8(..100);
        match self.mood() {
            Mood::Flaky(percent) if chance < percent => match dice.u8(..5) {
                0 => Err(error(ErrorKind::Unreachable, "connection refused")),
                1 => Err(error(ErrorKind::Nonsense, "a page of HTML")),
                2 => Err(error(ErrorKind::Forbidden, "not this one")),
                _ if is_write => Ok(Luck::Lost),
                _ => Err(error(ErrorKind::OutcomeUnknown, "503")),
            },
            Mood::Throttling(seconds) if chance < 50 => {
                let mut slower = error(ErrorKind::Throttled, "slow down");
                slower.retry_after = Some(Duration::from_secs(seconds.into()));
                Err(slower)
            }
            Mood::Lossy(percent) if is_write && chance < percent => Ok(Luck::Lost),
            Mood::Lying(percent) if is_write && chance < percent => Ok(Luck::Lied),
            Mood::Down => Err(error(ErrorKind::Unreachable, "no route to host")),
            Mood::Unauthorized => Err(error(ErrorKind::Unauthorized, "401")),
            _ => Ok(Luck::Fine),
        }
    }

    /// The way back.
    async fn back<T>(&self, occasion: &str, luck: Luck, result: Result<T>) -> Result<T> {
        self.pause(occasion).await;
        if luck == Luck::Lost {
            return Err(error(ErrorKind::OutcomeUnknown, "the answer was lost"));
        }
        result
    }

    fn tell(&self, id: &AccountId, touch: Touch<'_>) {
        self.judge.touched(self.name, id.as_str(), touch);
    }
}

fn missing() -> ConnectorError {
    error(ErrorKind::NotFound, "there is no such account")
}

#[async_trait]
impl Connector for Connection {
    async fn probe(&self) -> Result<Capabilities> {
        self.0.arrive("probe", false).await?;
        self.0.pause("probe").await;
        Ok(Capabilities {
            disable: true,
            rename: true,
            delete: true,
            patch: true,
            filter: true,
            entitlements: true,
            mark: true,
            revokes: std::collections::BTreeSet::new(),
            ownership: false,
            max_page: None,
            notes: Vec::new(),
        })
    }

    async fn list(&self) -> Result<Listing> {
        self.0.arrive("list", false).await?;
        let mood = self.0.mood();
        let partial = mood == Mood::Partial;
        let listing = {
            let state = match mood {
                Mood::Blank => Application::new(&[], false),
                _ => self.0.state().clone(),
            };
            let leaves_out = |number: usize| partial && number.is_multiple_of(3);
            let all = state.accounts.keys().enumerate();
            let shown = all.filter(|(n, _)| !leaves_out(*n));
            let accounts: Vec<_> = shown.filter_map(|(_, id)| state.shown(id)).collect();
            let groups: Vec<_> = state.groups.keys().filter_map(|n| state.group(n)).collect();
            let how = if partial {
                Completeness::Partial("the last page is missing".to_owned())
            } else {
                Completeness::Complete
            };
            Listing {
                accounts,
                accounts_completeness: how,
                entitlements: groups,
                entitlements_completeness: Completeness::Complete,
                oddities: Vec::new(),
                requests: 2,
            }
        };
        self.0.pause("list").await;
        Ok(listing)
    }

    async fn read(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        self.0.arrive(id.as_str(), false).await?;
        let shown = self.0.state().shown(id.as_str());
        self.0.pause(id.as_str()).await;
        Ok(shown)
    }

    async fn find(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        self.0.arrive(&format!("{key:?}"), false).await?;
        let found = {
            let state = self.0.state();
            let all = state.accounts.keys().filter_map(|id| state.shown(id));
            all.filter(|account| key.fits(account)).collect()
        };
        self.0.pause(&format!("{key:?}")).await;
        Ok(found)
    }

    async fn create(
        &self,
        _: &WritePermit,
        account: &NewAccount,
        _: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        let luck = self.0.arrive(account.mark.as_str(), true).await?;
        let result = {
            let mut state = self.0.state();
            let name = account.username.as_str();
            if state.named(name).is_some() && !state.is_lax {
                Err(error(ErrorKind::Taken, "that user name is taken"))
            } else {
                let mark = account.mark.as_str().to_owned();
                self.0.judge.creates(self.0.name, &state, &mark, name);
                let new = Account {
                    username: name.to_owned(),
                    mark: Some(mark),
                    active: account.active,
                    attributes: account.attributes.clone(),
                };
                let id = state.add(new);
                state.shown(&id).ok_or_else(missing)
            }
        };
        self.0.back(account.mark.as_str(), luck, result).await
    }

    async fn update(
        &self,
        _: &WritePermit,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>> {
        let luck = self.0.arrive(id.as_str(), true).await?;
        self.0.tell(id, Touch::Update);
        if luck == Luck::Lied {
            self.0.judge.misled(self.0.name, id.as_str());
        }
        let result = {
            let mut state = self.0.state();
            let wanted = changes.username.as_ref().map(Username::as_str);
            let owner = wanted.and_then(|name| state.named(name));
            if owner.is_some_and(|owner| owner != id.as_str()) {
                Err(error(ErrorKind::Taken, "that user name is taken"))
            } else if luck == Luck::Lied {
                Ok(None)
            } else {
                match state.accounts.get_mut(id.as_str()) {
                    None => Err(missing()),
                    Some(account) => {
                        if let Some(name) = wanted {
                            name.clone_into(&mut account.username);
                        }
                        for (name, value) in &changes.set {
                            account.attributes.insert(name.clone(), value.clone());
                        }
                        for name in &changes.clear {
                            account.attributes.remove(name);
                        }
                        Ok(state.shown(id.as_str()))
                    }
                }
            }
        };
        self.0.back(id.as_str(), luck, result).await
    }

    async fn set_active(
        &self,
        _: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>> {
        let luck = self.0.arrive(id.as_str(), true).await?;
        self.0.tell(id, Touch::Active(active));
        let result = {
            let mut state = self.0.state();
            match state.accounts.get_mut(id.as_str()) {
                None => Err(missing()),
                Some(_) if luck == Luck::Lied => Ok(None),
                Some(account) => {
                    account.active = active;
                    Ok(state.shown(id.as_str()))
                }
            }
        };
        self.0.back(id.as_str(), luck, result).await
    }

    async fn set_mark(
        &self,
        _: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>> {
        let luck = self.0.arrive(id.as_str(), true).await?;
        self.0.tell(id, Touch::Mark);
        let result = {
            let mut state = self.0.state();
            match state.accounts.get_mut(id.as_str()) {
                None => Err(missing()),
                Some(account) => {
                    let open = change.is_open("the account", account.mark.as_deref());
                    if open == Ok(true) {
                        account.mark = change.wanted().map(|mark| mark.as_str().to_owned());
                    }
                    open.map(|_| state.shown(id.as_str()))
                }
            }
        };
        self.0.back(id.as_str(), luck, result).await
    }

    async fn delete(&self, _: &WritePermit, id: &AccountId) -> Result<()> {
        let luck = self.0.arrive(id.as_str(), true).await?;
        self.0.tell(id, Touch::Delete);
        {
            let mut state = self.0.state();
            state.accounts.remove(id.as_str());
            for holders in state.groups.values_mut() {
                holders.remove(id.as_str());
            }
        }
        self.0.back(id.as_str(), luck, Ok(())).await
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        Err(error(
            ErrorKind::Forbidden,
            &format!("{name} is not to be made"),
        ))
    }

    async fn delete_entitlement(&self, _: &WritePermit, _: &EntitlementId) -> Result<()> {
        Err(error(ErrorKind::Forbidden, "no group is ever deleted"))
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        let luck = self.0.arrive(entitlement.as_str(), true).await?;
        let name = entitlement.as_str();
        let mut results = Vec::new();
        for (id, holds) in change.wishes() {
            self.0.tell(id, Touch::Group(name, holds));
            let mut state = self.0.state();
            if !state.accounts.contains_key(id.as_str()) {
                results.push((id.clone(), Err(missing())));
                continue;
            }
            let Some(holders) = state.groups.get_mut(name) else {
                results.push((id.clone(), Err(error(ErrorKind::NotFound, "no such group"))));
                continue;
            };
            if luck == Luck::Lied {
                self.0.judge.was_told(self.0.name, id.as_str(), name, holds);
            } else if holds {
                holders.insert(id.as_str().to_owned());
            } else {
                holders.remove(id.as_str());
            }
            results.push((id.clone(), Ok(())));
        }
        self.0.back(entitlement.as_str(), luck, Ok(results)).await
    }
}
