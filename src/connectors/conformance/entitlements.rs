//! Entitlements: made, given, taken.

use super::super::{ErrorKind, HolderChange};
use super::Check;
use super::report::{Fault, ensure, refused};
use super::stage::{Stage, renaming};
use crate::domain::ids::{AccountId, EntitlementId};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::of("an entitlement is made, and seen", |stage| {
            Box::pin(make(stage))
        }),
        Check::of("an entitlement is given and taken, twice each", |stage| {
            Box::pin(give(stage))
        }),
        Check::of("an entitlement outlives a rename", |stage| {
            Box::pin(rename(stage))
        }),
        Check::of(
            "an entitlement that is not there is told as that",
            |stage| Box::pin(absent(stage)),
        ),
    ]
}

fn give_to(who: &[AccountId]) -> HolderChange {
    HolderChange {
        add: who.to_vec(),
        remove: Vec::new(),
    }
}

fn take_from(who: &[AccountId]) -> HolderChange {
    HolderChange {
        add: Vec::new(),
        remove: who.to_vec(),
    }
}

/// The entitlement of the suite, made anew.
async fn made(stage: &Stage<'_>) -> Result<EntitlementId, Fault> {
    if !stage.capabilities.entitlements {
        return Err(Fault::gap("it has no entitlements"));
    }
    let name = stage.entitlement();
    let made = stage.make_entitlement().await?;
    ensure(made.name == name, || format!("it is called {}", made.name))?;
    Ok(made.id)
}

/// Who holds it, by a listing.
async fn holders(stage: &Stage<'_>, id: &EntitlementId) -> Result<Vec<AccountId>, Fault> {
    let listing = stage.connector.list().await?;
    let mut seen = listing.entitlements.into_iter().filter(|e| e.id == *id);
    let Some(entitlement) = seen.next() else {
        return Err(Fault::failed("a listing does not show it"));
    };
    ensure(seen.next().is_none(), || {
        "a listing shows it twice".to_owned()
    })?;
    ensure(entitlement.completeness.is_complete(), || {
        format!("its holders are known {}", entitlement.completeness.word())
    })?;
    let mut holders = entitlement.holders;
    holders.sort();
    Ok(holders)
}

async fn make(stage: &Stage<'_>) -> Result<(), Fault> {
    let id = made(stage).await?;
    let holders = holders(stage, &id).await?;
    ensure(holders.is_empty(), || {
        format!("{holders:?} hold it from the start")
    })
}

async fn give(stage: &Stage<'_>) -> Result<(), Fault> {
    let id = made(stage).await?;
    let mut people = [stage.join(0).await?.id, stage.join(1).await?.id];
    people.sort();
    let [first, second] = &people;
    let steps = [
        (give_to(std::slice::from_ref(first)), vec![first.clone()]),
        (give_to(&people), people.to_vec()),
        (give_to(&people), people.to_vec()),
        (take_from(std::slice::from_ref(first)), vec![second.clone()]),
        (take_from(std::slice::from_ref(first)), vec![second.clone()]),
        (take_from(&people), vec![]),
    ];
    for (change, wanted) in steps {
        let told = format!("{change:?}");
        stage.hold(&id, change).await?;
        let holders = holders(stage, &id).await?;
        ensure(holders == wanted, || {
            format!("after {told} it is held by {holders:?}")
        })?;
    }
    Ok(())
}

async fn rename(stage: &Stage<'_>) -> Result<(), Fault> {
    if !stage.capabilities.rename {
        return Err(Fault::gap("it does not rename"));
    }
    let id = made(stage).await?;
    let person = stage.join(0).await?.id;
    stage
        .hold(&id, give_to(std::slice::from_ref(&person)))
        .await?;
    let renaming = renaming(&stage.sample(1)?.username);
    stage.update(&person, &renaming).await?;
    let holders = holders(stage, &id).await?;
    ensure(holders == [person], || {
        format!("it is held by {holders:?} afterwards")
    })
}

async fn absent(stage: &Stage<'_>) -> Result<(), Fault> {
    let id = made(stage).await?;
    let person = stage.join(0).await?.id;
    for _ in 0..2 {
        stage
            .connector
            .delete_entitlement(&stage.permit, &id)
            .await?;
    }
    let results = stage
        .connector
        .change_holders(&stage.permit, &id, &give_to(&[person]))
        .await;
    let outcome = results.and_then(|results| results.into_iter().try_for_each(|(_, one)| one));
    refused("giving it", outcome, ErrorKind::NotFound)
}
