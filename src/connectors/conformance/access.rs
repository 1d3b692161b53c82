//! Whether a target says clearly that it does not let us in.

use super::super::ErrorKind;
use super::report::{Fault, ensure};
use super::stage::Stage;
use super::{Check, Opening};

pub(super) fn checks() -> Vec<Check> {
    vec![Check::of("a wrong credential is refused", |stage| {
        Box::pin(wrong_credential(stage))
    })]
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
