//! The end of the program on SIGTERM or SIGINT: in good order at the first, at once at the second.

use std::task::Poll;

use futures::{Stream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Number of SIGINT (POSIX).
const SIGINT: i32 = 2;
/// Number of SIGTERM (POSIX).
const SIGTERM: i32 = 15;

/// Cancels `token` at the first SIGTERM or SIGINT, and exits the process at the second with 128 plus
/// the number of the signal, as shells do.
///
/// # Errors
///
/// The signals can't be listened to.
pub fn on_signals(token: CancellationToken) -> std::io::Result<JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signals = futures::stream::poll_fn(move |context| {
        if terminate.poll_recv(context).is_ready() {
            Poll::Ready(Some(SIGTERM))
        } else if interrupt.poll_recv(context).is_ready() {
            Poll::Ready(Some(SIGINT))
        } else {
            Poll::Pending
        }
    });
    Ok(tokio::spawn(async move {
        let code = obey(signals, token).await;
        std::process::exit(code)
    }))
}

/// Follows signals; returns the exit code once a second one came.
async fn obey(mut signals: impl Stream<Item = i32> + Unpin, token: CancellationToken) -> i32 {
    let first = next(&mut signals).await;
    info!(
        signal = first,
        "shutting down; a second signal ends the program at once"
    );
    token.cancel();
    let second = next(&mut signals).await;
    warn!(signal = second, "ending at once");
    128 + second
}

/// The next signal; forever, once there can be none.
async fn next(signals: &mut (impl Stream<Item = i32> + Unpin)) -> i32 {
    match signals.next().await {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_first_asks_and_the_second_ends() {
        let (sender, signals) = mpsc::unbounded();
        let token = CancellationToken::new();
        let ended = obey(signals, token.clone());
        tokio::pin!(ended);
        assert!(futures::poll!(&mut ended).is_pending());
        assert!(!token.is_cancelled());
        sender.unbounded_send(SIGTERM).unwrap();
        assert!(futures::poll!(&mut ended).is_pending());
        assert!(token.is_cancelled());
        sender.unbounded_send(SIGINT).unwrap();
        assert_eq!(ended.await, 130);
    }
}
