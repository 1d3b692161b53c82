//! A plain SCIM client, apart from the operator's own, so that the two can't share a mistake.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// Query that every request of the tests carries, so that logs tell them from the operator's.
pub const TESTER: &str = "tester=";

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Talks to one SCIM server, in plain JSON.
pub struct ScimClient {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl ScimClient {
    /// A client for a base URL and a bearer token.
    pub fn new(base: Url, token: &str) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base,
            token: token.to_owned(),
        }
    }

    /// Base URL, without a slash at its end.
    pub fn base_url(&self) -> &Url {
        &self.base
    }

    /// Sends one request; `path` is below the base URL, such as `Users/1`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/{path}{joint}{TESTER}1", self.base);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/scim+json")
                .body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let shown = format!("{method} {path} {body:?}");
        let (status, answer) = self.send(method, path, body).await.unwrap();
        assert!(status.is_success(), "{shown}: {status} {answer}");
        answer
    }

    /// Whether the server accepts our token; what stands in the way otherwise.
    pub async fn answers(&self) -> Result<(), String> {
        match self.send(Method::GET, "Users?count=1", None).await {
            Ok((StatusCode::OK, _)) => Ok(()),
            Ok((status, answer)) => Err(format!("{status} {answer}")),
            Err(e) => Err(format!("{e:?}")),
        }
    }

    /// Reads with a word of our own in the query, to be found in the log.
    pub async fn look(&self, word: &str) {
        self.must(Method::GET, &format!("Users?count=1&look={word}"), None)
            .await;
    }

    /// Every user.
    pub async fn users(&self) -> Vec<Value> {
        self.all("Users").await
    }

    /// Every group.
    pub async fn groups(&self) -> Vec<Value> {
        self.all("Groups").await
    }

    async fn all(&self, kind: &str) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let path = format!("{kind}?startIndex={}&count=200", found.len() + 1);
            let page = self.must(Method::GET, &path, None).await;
            let total = page["totalResults"].as_u64().unwrap();
            let rows = page["Resources"].as_array().cloned().unwrap_or_default();
            let empty = rows.is_empty();
            found.extend(rows);
            if empty || found.len() as u64 >= total {
                return found;
            }
        }
    }

    /// The user of this name, compared without case.
    pub async fn user_by_name(&self, name: &str) -> Option<Value> {
        let name = name.to_lowercase();
        let mut users = self.users().await.into_iter();
        users.find(|u| {
            u["userName"]
                .as_str()
                .is_some_and(|n| n.to_lowercase() == name)
        })
    }

    /// The group of this name.
    pub async fn group_by_name(&self, name: &str) -> Option<Value> {
        let mut groups = self.groups().await.into_iter();
        groups.find(|g| g["displayName"] == name)
    }

    /// User names of a group's members; the bare id where a member is no user. Empty where there is
    /// no such group.
    pub async fn group_members(&self, name: &str) -> BTreeSet<String> {
        let ids = self.group_member_ids(name).await;
        let users = self.users().await;
        let name_of = |id: &str| {
            let user = users.iter().find(|u| u["id"] == id);
            user.and_then(|u| u["userName"].as_str()).map(str::to_owned)
        };
        ids.into_iter()
            .map(|id| name_of(&id).unwrap_or(id))
            .collect()
    }

    /// Ids of a group's members as the server lists them, doubled ones too.
    pub async fn group_member_ids(&self, name: &str) -> Vec<String> {
        let group = self.group_by_name(name).await.unwrap_or_default();
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|m| m["value"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Creates a user from attributes, `userName` among them, and returns its id.
    pub async fn create_user(&self, mut attributes: Value) -> String {
        attributes["schemas"] = json!([USER]);
        let user = self.must(Method::POST, "Users", Some(attributes)).await;
        user["id"].as_str().unwrap().to_owned()
    }

    /// Creates an empty group and returns its id.
    pub async fn create_group(&self, name: &str) -> String {
        let body = json!({"schemas": [GROUP], "displayName": name});
        let group = self.must(Method::POST, "Groups", Some(body)).await;
        group["id"].as_str().unwrap().to_owned()
    }

    /// Applies PATCH operations (RFC 7644 section 3.5.2) to a user.
    pub async fn patch_user(&self, id: &str, operations: Value) {
        self.patch(&format!("Users/{id}"), operations).await;
    }

    /// Applies PATCH operations to a group.
    pub async fn patch_group(&self, id: &str, operations: Value) {
        self.patch(&format!("Groups/{id}"), operations).await;
    }

    async fn patch(&self, path: &str, operations: Value) {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.must(Method::PATCH, path, Some(body)).await;
    }

    /// Adds a user to a group by their ids.
    pub async fn add_member(&self, group: &str, user: &str) {
        let operations = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
        self.patch_group(group, operations).await;
    }

    /// Removes a user from a group by their ids.
    pub async fn remove_member(&self, group: &str, user: &str) {
        let path = format!("members[value eq \"{user}\"]");
        self.patch_group(group, json!([{"op": "remove", "path": path}]))
            .await;
    }

    /// Deletes a user.
    pub async fn delete_user(&self, id: &str) {
        self.must(Method::DELETE, &format!("Users/{id}"), None)
            .await;
    }
}
