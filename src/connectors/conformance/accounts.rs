//! Accounts: made, found, renamed, disabled, deleted.

use super::super::{Connector, ErrorKind, FindKey};
use super::Check;
use super::report::{Fault, ensure};
use super::stage::Stage;
use crate::domain::account::{Activity, AttributeChanges, NewAccount, ObservedAccount};
use crate::domain::ids::{AccountId, Username};

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
        match stage.create(&twin).await {
            Ok(second) => {
                let why = format!("{name} was given a second time, to {}", second.id);
                return Err(Fault::failed(why));
            }
            Err(error) => ensure(error.kind == ErrorKind::Taken, || {
                format!(
                    "a second {name} is refused with {}: {error}",
                    error.kind.reason()
                )
            })?,
        }
    }
    Ok(())
}

async fn rename(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.rename {
        return Err(Fault::gap("it does not rename"));
    }
    let (made, other) = (stage.join(0).await?, stage.join(1).await?);
    let to = |name: &Username| AttributeChanges {
        username: Some(name.clone()),
        ..AttributeChanges::default()
    };
    let new = &stage.sample(2)?.username;
    stage.update(&made.id, &to(new)).await?;
    let shown = stage.read(&made.id).await?;
    ensure(shown.username == *new, || {
        format!("it is called {} where it was to be {new}", shown.username)
    })?;
    ensure(shown.mark == made.mark, || {
        format!("its mark was {:?} and is {:?}", made.mark, shown.mark)
    })?;
    let taken = stage
        .connector
        .update(&stage.permit, &made.id, &to(&other.username))
        .await;
    match taken {
        Ok(_) => Err(Fault::failed("it was given a name that another has")),
        Err(error) => ensure(error.kind == ErrorKind::Taken, || {
            format!(
                "a name that another has is refused with {}: {error}",
                error.kind.reason()
            )
        }),
    }
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
        set_active(stage.connector.as_ref(), stage, &made.id, active).await?;
        let shown = stage.read(&made.id).await?.activity;
        ensure(shown == activity, || {
            format!("it is {shown:?} where it was to be {activity:?}")
        })?;
    }
    Ok(())
}

async fn set_active(
    connector: &dyn Connector,
    stage: &Stage<'_>,
    id: &AccountId,
    active: bool,
) -> Result<(), Fault> {
    connector.set_active(&stage.permit, id, active).await?;
    Ok(())
}

async fn asleep(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.disable {
        return Err(Fault::gap("it does not disable"));
    }
    let account = NewAccount {
        active: false,
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
    // An identifier of the target's own form, and nobody's any more.
    let made = stage.join(0).await?;
    stage.connector.delete(&stage.permit, &made.id).await?;
    let changes = AttributeChanges {
        username: Some(stage.sample(1)?.username.clone()),
        ..AttributeChanges::default()
    };
    let updated = stage
        .connector
        .update(&stage.permit, &made.id, &changes)
        .await
        .map(drop);
    let disabled = stage
        .connector
        .set_active(&stage.permit, &made.id, false)
        .await
        .map(drop);
    let mut tried = Vec::new();
    if stage.capabilities.rename {
        tried.push(("renaming", updated));
    }
    if stage.capabilities.disable {
        tried.push(("disabling", disabled));
    }
    for (what, outcome) in tried {
        match outcome {
            Ok(()) => return Err(Fault::failed(format!("{what} of it is a success"))),
            Err(error) => ensure(error.kind == ErrorKind::NotFound, || {
                format!(
                    "{what} of it is answered with {}: {error}",
                    error.kind.reason()
                )
            })?,
        }
    }
    Ok(())
}
