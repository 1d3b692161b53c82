//! Whether a target says clearly that it does not let us in.

use secrecy::{ExposeSecret as _, SecretString};

use super::super::ErrorKind;
use super::report::{Fault, ensure};
use super::stage::Stage;
use super::{Check, Opening};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::of("a wrong credential is refused", |stage| {
            Box::pin(wrong_credential(stage))
        }),
        Check::of("a password lets in, but not while disabled", |stage| {
            Box::pin(password(stage))
        }),
    ]
}

async fn password(stage: &Stage<'_>) -> Result<(), Fault> {
    let Some(password) = &stage.samples.password else {
        return Err(Fault::gap("new accounts get no password"));
    };
    let id = stage.join(0).await?.id;
    let wrong = SecretString::from(format!("{}-", password.secret.expose_secret()));
    let lets_in = async |password: &SecretString| stage.connector.lets_in(&id, password).await;
    ensure(lets_in(&password.secret).await?, || {
        "it is not let in with its password".to_owned()
    })?;
    ensure(!lets_in(&wrong).await?, || {
        "it is let in with another password".to_owned()
    })?;
    if !stage.capabilities.disable {
        return Ok(());
    }
    for active in [false, true] {
        stage
            .connector
            .set_active(&stage.permit, &id, active)
            .await?;
        ensure(lets_in(&password.secret).await? == active, || {
            if active {
                "it is not let in once it is enabled again".to_owned()
            } else {
                "it is let in while it is disabled".to_owned()
            }
        })?;
    }
    Ok(())
}

async fn wrong_credential(stage: &Stage<'_>) -> Result<(), Fault> {
    let connector = stage.opener.open(Opening::WrongCredential)?;
    // What a server tells of itself it may tell everybody.
    match connector.list().await {
        Ok(_) => Err(Fault::failed("everything is shown to whoever asks")),
        Err(error) => ensure(
            matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Forbidden),
            || format!("it is answered with {}: {error}", error.kind.reason()),
        ),
    }
}
