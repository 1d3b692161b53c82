//! From the manifest to a connector.

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::api::AppConnectorSpec;
use crate::connectors::registry;
use crate::domain::problem::Problem;

fn spec(auth: &Value) -> AppConnectorSpec {
    serde_json::from_value(json!({
        "scim": {"baseUrl": "https://directory.example.com/scim/v2", "auth": auth},
        "account": {"username": ["employee.employeeId"]},
    }))
    .unwrap()
}

/// Opens it with a credential that may go to these places, and tells to which it was wanted for.
fn open(auth: &Value, allowed: &[&str]) -> (Result<(), Problem>, Vec<String>) {
    let mut wanted = Vec::new();
    let opened = registry::open(&spec(auth), &mut |_, to| {
        wanted.push(to.host.clone());
        if allowed.contains(&to.host.as_str()) {
            Ok(SecretString::from("s3cret"))
        } else {
            Err(Problem::waiting("SecretHostNotAllowed", "not there"))
        }
    });
    (opened.map(drop), wanted)
}

fn oauth2(token_url: &str) -> Value {
    json!({"oauth2": {
        "tokenUrl": token_url, "clientId": "rollcall",
        "clientSecretKeyRef": {"name": "directory", "key": "secret"},
    }})
}

#[test]
fn the_secret_of_a_client_must_be_meant_for_both_hosts() {
    let auth = oauth2("https://login.example.com:8443/token");
    let (target, login) = ("directory.example.com:443", "login.example.com:8443");
    let (opened, wanted) = open(&auth, &[target, login]);
    assert!(opened.is_ok(), "{opened:?}");
    assert_eq!(wanted, [target, login]);
    for allowed in [&[target][..], &[login], &[]] {
        let (opened, _) = open(&auth, allowed);
        let problem = opened.unwrap_err();
        assert_eq!(problem.reason, "SecretHostNotAllowed", "{allowed:?}");
    }
}

#[test]
fn a_token_endpoint_that_can_not_be_one_is_told_before_the_secret_is_wanted() {
    for url in [
        "login.example.com",
        "ftp://login.example.com/token",
        "https://a:b@login.example.com/token",
        "http://169.254.169.254/token",
    ] {
        let (opened, wanted) = open(&oauth2(url), &[]);
        let problem = opened.unwrap_err();
        assert!(problem.message.contains("okenUrl"), "{url}: {problem:?}");
        assert!(wanted.is_empty(), "{url}");
    }
}
