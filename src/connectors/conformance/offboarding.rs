//! Credentials taken away, and what an account owns handed over: what a target says that it can do.

use secrecy::ExposeSecret as _;

use super::super::{ErrorKind, Owned, Revocation};
use super::Check;
use super::report::{Fault, ensure, refused};
use super::stage::Stage;
use crate::domain::account::ObservedAccount;
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::of("sessions are revoked, twice", |stage| {
            Box::pin(revoke(stage, CredentialKind::Sessions))
        }),
        Check::of("tokens are revoked, twice", |stage| {
            Box::pin(revoke(stage, CredentialKind::Tokens))
        }),
        Check::of("keys are revoked, twice", |stage| {
            Box::pin(revoke(stage, CredentialKind::Keys))
        }),
        Check::of("passwords are revoked, twice", |stage| {
            Box::pin(revoke(stage, CredentialKind::Passwords))
        }),
        Check::of("what an account owns goes to another, twice", |stage| {
            Box::pin(hand_over(stage))
        }),
    ]
}

/// What can't be done must be told as that, by whoever is asked for it all the same.
fn unsupported<T>(what: &str, outcome: super::super::Result<T>) -> Result<(), Fault> {
    match outcome {
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(()),
        Ok(_) => Err(Fault::failed(format!(
            "{what} is a success, and not among what it says that it can do"
        ))),
        Err(error) => Err(error.into()),
    }
}

async fn revoke(stage: &Stage<'_>, kind: CredentialKind) -> Result<(), Fault> {
    let made = stage.join(0).await?;
    let kinds = kind.within_a_sentence();
    let take = async |id: &AccountId| stage.connector.revoke(&stage.permit, id, kind).await;
    if !stage.capabilities.revokes.contains(&kind) {
        unsupported(&format!("revoking {kinds}"), take(&made.id).await)?;
        return Err(Fault::gap(format!("it revokes no {kinds}")));
    }
    let mut last: Option<Revocation> = None;
    // Of somebody who is out already, as of most who leave, and of somebody who is not.
    let can_disable = stage.capabilities.disable;
    for active in [true, false].into_iter().take(1 + usize::from(can_disable)) {
        if can_disable {
            let switched = stage.connector.set_active(&stage.permit, &made.id, active);
            switched.await?;
        }
        let before = stage.read(&made.id).await?;
        for _ in 0..2 {
            let revocation = take(&made.id).await?;
            tells_no_secret(stage, &revocation)?;
            last = Some(revocation);
        }
        is_otherwise_as_it_was(stage, &before).await?;
    }
    if kind == CredentialKind::Passwords {
        is_shut_out(stage, &made.id).await?;
    }
    stage.connector.delete(&stage.permit, &made.id).await?;
    let absent = format!("revoking the {kinds} of what is not there");
    refused(&absent, take(&made.id).await, ErrorKind::NotFound)?;
    match last {
        Some(last) if !last.verified => Err(Fault::gap(format!(
            "it is asked for, and not seen to be so: {}",
            last.evidence
        ))),
        _ => Ok(()),
    }
}

fn tells_no_secret(stage: &Stage<'_>, revocation: &Revocation) -> Result<(), Fault> {
    let evidence = &revocation.evidence;
    ensure(!evidence.is_empty(), || "it tells no evidence".to_owned())?;
    let password = stage.samples.password.as_ref();
    let is_told = password.is_some_and(|p| evidence.contains(p.secret.expose_secret()));
    ensure(!is_told, || "its evidence holds the password".to_owned())
}

async fn is_otherwise_as_it_was(stage: &Stage<'_>, before: &ObservedAccount) -> Result<(), Fault> {
    let after = stage.read(&before.id).await?;
    ensure(after == *before, || {
        format!("something else changed: {before:?} became {after:?}")
    })
}

/// The password that it had is of no use, also once the account is enabled again.
async fn is_shut_out(stage: &Stage<'_>, id: &AccountId) -> Result<(), Fault> {
    let Some(password) = &stage.samples.password else {
        return Ok(());
    };
    if stage.capabilities.disable {
        let enabled = stage.connector.set_active(&stage.permit, id, true);
        enabled.await?;
    }
    match stage.connector.lets_in(id, &password.secret).await {
        Ok(let_in) => ensure(!let_in, || {
            "it is let in with the password that it had".to_owned()
        }),
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn hand_over(stage: &Stage<'_>) -> Result<(), Fault> {
    let (first, second) = (stage.join(0).await?.id, stage.join(1).await?.id);
    let connector = &stage.connector;
    let give = async |from: &AccountId, to: &AccountId| {
        connector.transfer_ownership(&stage.permit, from, to).await
    };
    if !stage.capabilities.ownership {
        unsupported(
            "looking what an account owns",
            connector.owned(&first).await,
        )?;
        unsupported("handing it over", give(&first, &second).await)?;
        return Err(Fault::gap("accounts own nothing that is known of"));
    }
    // A target may give something to each new account.
    let owned = connector.owned(&first).await?;
    let theirs = connector.owned(&second).await?;
    for moved in [owned.total, 0] {
        let transfer = give(&first, &second).await?;
        ensure(transfer.moved.total == moved, || {
            format!("{:?} is told to have moved", transfer.moved)
        })?;
        ensure(transfer.left == Owned::default(), || {
            format!("{:?} is left", transfer.left)
        })?;
        let left = connector.owned(&first).await?;
        ensure(left.is_empty(), || format!("it owns {left:?} afterwards"))?;
        let has = connector.owned(&second).await?;
        ensure(has.total == theirs.total + owned.total, || {
            format!("the other one owns {has:?} afterwards")
        })?;
    }
    refused(
        "handing it to itself",
        give(&first, &first).await,
        ErrorKind::Invalid,
    )?;
    connector.delete(&stage.permit, &first).await?;
    for (what, outcome) in [
        ("handing over what nobody owns", give(&first, &second).await),
        ("handing it to nobody", give(&second, &first).await),
    ] {
        refused(what, outcome, ErrorKind::NotFound)?;
    }
    let absent = connector.owned(&first).await;
    refused("looking what nobody owns", absent, ErrorKind::NotFound)
}
