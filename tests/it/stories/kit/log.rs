//! What targets were asked, by their own logs.

use crate::support::targets::{LoggedRequest, ScimServer};
use crate::support::wait::eventually;

/// Requests that could change the target, so far.
pub async fn writes(server: &ScimServer) -> Vec<LoggedRequest> {
    let mut requests = server.requests().await;
    requests.retain(LoggedRequest::is_write);
    requests
}

/// Requests of a server since a length of its log.
pub async fn since(server: &ScimServer, mark: usize) -> Vec<LoggedRequest> {
    server.requests().await.split_off(mark)
}

/// Writes among requests, as `METHOD path`.
pub fn lines_of_writes(requests: &[LoggedRequest]) -> Vec<String> {
    let writes = requests.iter().filter(|r| r.is_write());
    writes.map(|r| format!("{} {}", r.method, r.path)).collect()
}

/// Where the first request of a method, and of a path that contains `part`, stands.
pub fn position(requests: &[LoggedRequest], method: &str, part: &str) -> Option<usize> {
    requests
        .iter()
        .position(|r| r.method == method && r.path.contains(part))
}

/// Whether a request begins a listing of everyone.
pub fn begins_listing(request: &LoggedRequest) -> bool {
    begins(&request.method, &request.path)
}

/// The same by method and path, for what a proxy has seen.
pub fn begins(method: &str, path: &str) -> bool {
    method == "GET"
        && path.contains("/Users?startIndex=1&")
        && !path.contains("filter=")
        && !path.contains("count=1&")
        && !path.ends_with("count=1")
}

/// Waits until the operator has begun `n` more listings of a server and ended all but the last.
pub async fn cycles(server: &ScimServer, n: usize) {
    let mark = server.requests().await.len();
    eventually("the target is listed again", async || {
        let seen = since(server, mark).await;
        let begun = seen.iter().filter(|r| begins_listing(r)).count();
        if begun > n { Ok(()) } else { Err(begun) }
    })
    .await;
}
