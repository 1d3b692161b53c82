//! Holds a connector to its contract: a call ends, and with a result.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use crate::connectors::{ConnectorError, ErrorKind};

/// Awaits a call for at most `timeout`; what then remains of it is dropped, and the error is of the
/// kind `late`. A panic becomes an error.
pub(super) async fn bounded<T>(
    timeout: Duration,
    late: ErrorKind,
    call: impl Future<Output = Result<T, ConnectorError>>,
) -> Result<T, ConnectorError> {
    // What a panic left behind is dropped here with the call; connectors keep no invariant across
    // calls that half a call could break.
    let call = AssertUnwindSafe(call).catch_unwind();
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(broken()),
        Err(_) => Err(ConnectorError::new(
            late,
            format!(
                "the application gave no answer within {} s",
                timeout.as_secs_f64()
            ),
        )),
    }
}

/// The error for a call that ended without a result.
pub(super) fn broken() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Nonsense,
        "the connector stopped in the middle of a call, so what the call did is not known; \
         this is a bug in Rollcall, please report it",
    )
}
