//! Fault story 9: a secret is planted in every credential, and applications give it back in whatever
//! they answer. It appears in no status, event, log line, metric, error or panic.

mod directories_and_databases;
mod panics;
mod scim;

use std::collections::BTreeSet;
use std::fmt::Debug;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::Resource;
use kube::api::ListParams;
use rollcall::api::{AppConnector, Employee, RoleTemplate, SECRET_HOSTS_ANNOTATION, SECRET_LABEL};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::kit::Story;
use crate::support::operator::OperatorProcess;

/// A marker in every form that it may come to light in.
fn forms(marker: &str) -> BTreeSet<String> {
    let percent = |digits: fn(u8) -> String| {
        let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let bytes = marker.bytes();
        let parts = bytes.map(|b| {
            if keep(b) {
                char::from(b).to_string()
            } else {
                digits(b)
            }
        });
        parts.collect::<String>()
    };
    let json = serde_json::to_string(marker).unwrap();
    let mut forms = BTreeSet::from([
        marker.to_owned(),
        percent(|b| format!("%{b:02X}")),
        percent(|b| format!("%{b:02x}")),
        json.trim_matches('"').to_owned(),
        format!("{marker:?}").trim_matches('"').to_owned(),
    ]);
    for before in 0..3 {
        // The letters that depend on nothing but the marker, wherever it stands.
        let padded = [vec![0; before], marker.as_bytes().to_vec()].concat();
        let range = (before * 8_usize).div_ceil(6)..padded.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            forms.insert(engine.encode(&padded)[range.clone()].to_owned());
        }
    }
    forms
}

fn random() -> String {
    let letters = std::iter::repeat_with(fastrand::alphanumeric);
    letters.take(20).collect()
}

async fn secret(story: &Story, name: &str, host: &str, value: &str) {
    let secret = json!({
        "metadata": {
            "name": name,
            "labels": {SECRET_LABEL: "true"},
            "annotations": {SECRET_HOSTS_ANNOTATION: host},
        },
        "stringData": {"token": value},
    });
    story.ns.apply::<Secret>(secret).await.unwrap();
}

/// Every object of a kind as JSON, its spec apart: that is what somebody wrote.
async fn objects<K>(story: &Story) -> Vec<String>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let list = story
        .ns
        .api::<K>()
        .list(&ListParams::default())
        .await
        .unwrap();
    let objects = list.items.iter().map(|object| {
        let mut object = serde_json::to_value(object).unwrap();
        object.as_object_mut().unwrap().remove("spec");
        object.to_string()
    });
    objects.collect()
}

/// An operator that logs everything, also of the libraries that handle a credential.
async fn talkative(story: &Story) -> OperatorProcess {
    let words = ["--log-format", "json"];
    OperatorProcess::start_as(&story.ns, &words, &[("RUST_LOG", "trace")]).await
}

/// None of the markers, in whatever form, is in anything that the operator has written.
async fn are_nowhere(story: &Story, operator: &OperatorProcess, markers: &[&str]) {
    let log = operator.log();
    for library in ["hyper_util", "kube", "rollcall::audit"] {
        let line = format!("\"target\":\"{library}");
        assert!(log.contains(&line), "{library} logs nothing");
    }
    let mut papers = vec![("metrics", operator.metrics().await), ("log", log)];
    let mut add = |what, found: Vec<String>| papers.extend(found.into_iter().map(|o| (what, o)));
    add("employee", objects::<Employee>(story).await);
    add("role template", objects::<RoleTemplate>(story).await);
    add("connector", objects::<AppConnector>(story).await);
    add("event", objects::<Event>(story).await);
    assert!(papers.len() > 10, "{}", papers.len());
    for form in markers.iter().flat_map(|marker| forms(marker)) {
        for (what, paper) in &papers {
            if let Some(at) = paper.find(&form) {
                let from = paper.floor_char_boundary(at.saturating_sub(300));
                let to = paper.ceil_char_boundary(at + 300);
                panic!("{form} is in the {what}:\n{}", &paper[from..to]);
            }
        }
    }
}
