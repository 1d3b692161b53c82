//! Accounts: made, found, renamed, disabled, deleted.

use super::super::{ErrorKind, FindKey, MarkChange};
use super::Check;
use super::report::{Fault, ensure, refused};
use super::stage::{Stage, renaming};
use crate::domain::account::{Activity, NewAccount, ObservedAccount};
use crate::domain::ids::{AccountId, Username};
use crate::domain::mark::Mark;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            is_needed: true,
            ..Check::of("our mark is kept", |stage| Box::pin(mark(stage)))
        },
        Check::of("an account is made as it was asked for", |stage| {
            Box::pin(create(stage))
        }),
        Check::of(
            "an account is found by identifier, mark and user name",
            |stage| Box::pin(find(stage)),
        ),
        Check::of("what looks like a query finds nothing", |stage| {
            Box::pin(injection(stage))
        }),
        Check::of("a user name is given once", |stage| {
            Box::pin(duplicate(stage))
        }),
        Check::of("a rename keeps the account", |stage| {
            Box::pin(rename(stage))
        }),
        Check::of("an account is disabled and enabled, twice each", |stage| {
            Box::pin(disable(stage))
        }),
        Check::of("our mark is taken off, and put on again", |stage| {
            Box::pin(marking(stage))
        }),
        Check::of("an account is made disabled", |stage| {
            Box::pin(asleep(stage))
        }),
        Check::of("an account is deleted, and deleted again", |stage| {
            Box::pin(delete(stage))
        }),
        Check::of("what is not there is told as that", |stage| {
            Box::pin(absent(stage))
        }),
    ]
}

async fn create(stage: &Stage<'_>) -> Result<(), Fault> {
    let wanted = stage.newcomer(0)?;
    let made = stage.create(&wanted).await?;
    for (when, shown) in [
        ("made", made.clone()),
        ("read back", stage.read(&made.id).await?),
    ] {
        ensure(shown.id == made.id, || {
            format!(
                "its identifier was {} and is {} when {when}",
                made.id, shown.id
            )
        })?;
        ensure(shown.username == wanted.username, || {
            format!("its user name is {} when {when}", shown.username)
        })?;
        ensure(shown.activity == Activity::Active, || {
            format!("it is {:?} when {when}", shown.activity)
        })?;
        for (name, value) in &wanted.attributes {
            let there = shown.attributes.get(name);
            ensure(there == Some(value), || {
                format!("{name} was to be {value:?} and is {there:?} when {when}")
            })?;
        }
    }
    Ok(())
}

/// An account that does not keep it would not be found again, so it is taken away at once.
async fn mark(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    let shown = stage.read(&made.id).await?;
    if stage.mark(0).is_kept_as(shown.mark.as_deref()) {
        return Ok(());
    }
    stage.connector.delete(&stage.permit, &made.id).await?;
    Err(Fault::failed(match shown.mark {
        None => "it keeps none, and without it no account is made safely".to_owned(),
        Some(other) => format!("it shows {other:?} in its place"),
    }))
}

/// What is done to an account that was there before. One that has lost the mark is not found by it: it is taken
/// away at once where the mark does not come back.
async fn marking(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    let mark = stage.mark(0);
    let (put, take) = (
        MarkChange::Put(mark.clone()),
        MarkChange::Take(mark.clone()),
    );
    let set = async |id: &AccountId, change: &MarkChange| {
        let shown = stage.connector.set_mark(&stage.permit, id, change).await?;
        let id = shown
            .as_ref()
            .map_or_else(|| id.clone(), |account| account.id.clone());
        let read = stage.read(&id).await?;
        let is_so = change.wanted().map(Mark::as_str) == read.mark.as_deref();
        ensure(is_so, || format!("it shows {:?} afterwards", read.mark))?;
        let is_same = read.username == made.username && read.activity == made.activity;
        ensure(is_same, || {
            "it is another account, or in another state, afterwards".to_owned()
        })?;
        Ok::<_, Fault>(id)
    };
    let other = stage.mark(1);
    let refused_other = async |id: &AccountId| {
        for change in [
            MarkChange::Put(other.clone()),
            MarkChange::Take(other.clone()),
        ] {
            let done = stage.connector.set_mark(&stage.permit, id, &change).await;
            refused("a mark where another stands", done, ErrorKind::Changed)?;
        }
        Ok::<_, Fault>(())
    };
    refused_other(&made.id).await?;
    let bare = set(&made.id, &take).await?;
    let again = async {
        let bare = set(&bare, &take).await?;
        let marked = set(&bare, &put).await?;
        set(&marked, &put).await
    };
    let again = again.await;
    if again.is_err() {
        stage.connector.delete(&stage.permit, &bare).await?;
    }
    let id = again?;
    ensure(id == made.id, || {
        format!("its identifier was {} and is {id}", made.id)
    })
}

async fn find(stage: &Stage<'_>) -> Result<(), Fault> {
    let (first, second) = (stage.join(0).await?, stage.join(1).await?);
    for (n, account) in [(0, &first), (1, &second)] {
        let keys = [
            ("mark", FindKey::Mark(stage.mark(n).to_string())),
            ("user name", FindKey::Username(account.username.clone())),
        ];
        for (word, key) in keys {
            let ids: Vec<AccountId> = ids(stage.connector.find(&key).await?);
            ensure(ids == [account.id.clone()], || {
                format!("the {word} of {} finds {ids:?}", account.id)
            })?;
        }
        let read = stage.read(&account.id).await?;
        ensure(read.id == account.id, || {
            format!("{} is read as {}", account.id, read.id)
        })?;
    }
    let nobody = FindKey::Mark(stage.mark(super::PEOPLE).to_string());
    let found = ids(stage.connector.find(&nobody).await?);
    ensure(found.is_empty(), || {
        format!("a mark that nobody has finds {found:?}")
    })
}

fn ids(accounts: Vec<ObservedAccount>) -> Vec<AccountId> {
    accounts.into_iter().map(|account| account.id).collect()
}

async fn injection(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    let name = made.username.as_str();
    for evil in [
        "*".to_owned(),
        "' OR '1'='1".to_owned(),
        "\" or userName pr or userName eq \"".to_owned(),
        "*)(objectClass=*".to_owned(),
        "\\2a".to_owned(),
        format!("{name}\\"),
        format!("{name}*"),
        format!("{name}'; --"),
        format!("{name}%22%20or%20userName%20pr"),
        format!("{name}\u{0}"),
    ] {
        for key in [
            FindKey::Mark(evil.clone()),
            FindKey::Username(Username::new(&evil)),
        ] {
            match stage.connector.find(&key).await {
                Ok(found) => {
                    let found = ids(found);
                    ensure(found.is_empty(), || format!("{evil:?} finds {found:?}"))?;
                }
                // That it can't be asked for is as good.
                Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Invalid) => {
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    let found = ids(stage
        .connector
        .find(&FindKey::Username(made.username))
        .await?);
    ensure(found == [made.id], || {
        format!("afterwards its user name finds {found:?}")
    })
}

async fn duplicate(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    let shouted = made.username.as_str().to_uppercase();
    for name in [made.username.as_str(), &shouted] {
        let twin = NewAccount {
            username: Username::new(name),
            ..stage.newcomer(1)?
        };
        let second = stage.create(&twin).await;
        refused(&format!("a second {name}"), second, ErrorKind::Taken)?;
    }
    Ok(())
}

async fn rename(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.rename {
        return Err(Fault::gap("it does not rename"));
    }
    let (made, other) = (stage.join(0).await?, stage.join(1).await?);
    let new = &stage.sample(2)?.username;
    stage.update(&made.id, &renaming(new)).await?;
    let shown = stage.read(&made.id).await?;
    ensure(shown.username == *new, || {
        format!("it is called {} where it was to be {new}", shown.username)
    })?;
    ensure(shown.mark == made.mark, || {
        format!("its mark was {:?} and is {:?}", made.mark, shown.mark)
    })?;
    let taken = stage
        .connector
        .update(&stage.permit, &made.id, &renaming(&other.username))
        .await;
    refused("a name that another has", taken, ErrorKind::Taken)
}

async fn disable(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.disable {
        return Err(Fault::gap("it does not disable"));
    }
    let made = stage.join(0).await?;
    for (active, activity) in [
        (false, Activity::Disabled),
        (false, Activity::Disabled),
        (true, Activity::Active),
        (true, Activity::Active),
    ] {
        stage
            .connector
            .set_active(&stage.permit, &made.id, active)
            .await?;
        let shown = stage.read(&made.id).await?.activity;
        ensure(shown == activity, || {
            format!("it is {shown:?} where it was to be {activity:?}")
        })?;
    }
    Ok(())
}

async fn asleep(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.disable {
        return Err(Fault::gap("it does not disable"));
    }
    let account = NewAccount {
        active: false,
        first_used: None,
        ..stage.newcomer(0)?
    };
    let made = stage.create(&account).await?;
    let shown = stage.read(&made.id).await?.activity;
    ensure(shown == Activity::Disabled, || format!("it is {shown:?}"))
}

async fn delete(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    for _ in 0..2 {
        stage.connector.delete(&stage.permit, &made.id).await?;
        let left = stage.connector.read(&made.id).await?;
        ensure(left.is_none(), || format!("{} is still there", made.id))?;
    }
    Ok(())
}

async fn absent(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.rename && !stage.capabilities.disable {
        return Err(Fault::gap("it neither renames nor disables"));
    }
    // An identifier of the target's own form, and nobody's any more.
    let made = stage.join(0).await?;
    stage.connector.delete(&stage.permit, &made.id).await?;
    let connector = &stage.connector;
    if stage.capabilities.rename {
        let changes = renaming(&stage.sample(1)?.username);
        let outcome = connector.update(&stage.permit, &made.id, &changes).await;
        refused("renaming it", outcome, ErrorKind::NotFound)?;
    }
    if stage.capabilities.disable {
        let outcome = connector.set_active(&stage.permit, &made.id, false).await;
        refused("disabling it", outcome, ErrorKind::NotFound)?;
    }
    Ok(())
}
