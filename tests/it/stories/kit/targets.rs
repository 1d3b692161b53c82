//! What stands in targets.

use super::manifests::username;
use crate::support::targets::ScimServer;

/// User names in a target, sorted.
pub async fn usernames(server: &ScimServer) -> Vec<String> {
    let users = server.users().await;
    let mut names: Vec<String> = users
        .iter()
        .map(|u| u["userName"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// The server's own identifier of a clerk's account.
pub async fn id_of(server: &ScimServer, name: &str) -> String {
    user_id(server, &username(name)).await
}

/// The server's own identifier of the account with a user name.
pub async fn user_id(server: &ScimServer, name: &str) -> String {
    let user = server.user_by_name(name).await;
    let user = user.unwrap_or_else(|| panic!("{name} has no account"));
    user["id"].as_str().unwrap().to_owned()
}

/// The server's own identifier of a group.
pub async fn group_id(server: &ScimServer, name: &str) -> String {
    let group = server.group_by_name(name).await;
    let group = group.unwrap_or_else(|| panic!("there is no group {name}"));
    group["id"].as_str().unwrap().to_owned()
}
