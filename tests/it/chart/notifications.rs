//! Notices to administrators: what the chart makes of its values is what the program reads, and its rights are enough.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::PostParams;
use rollcall::notify::outbox::{Claim, End, Outbox, Slip};
use rollcall::notify::stored::{PARTS, Place, Stored};
use rollcall::notify::{Config, NoticeId, Occasion};
use rollcall::runtime::clock::SystemClock;
use serde_json::{Value, json};

use crate::support::deployed::Release;
use crate::support::helm::{Helm, of_kind, values};
use crate::support::namespace::Namespace;

fn wanted() -> Value {
    json!({
        "enabled": true,
        "secretName": "mail",
        "email": {
            "smtp": {"host": "mail.example.com", "encryption": "StartTLS", "usernameKey": "user", "passwordKey": "pass"},
            "from": "Rollcall <rollcall@example.com>",
            "to": ["it@example.com"],
        },
        "webhooks": [{"name": "chat", "urlKey": "chat"}, {"name": "tickets", "url": "https://tickets.example.com"}],
        "events": ["LeaverReport", "LeaverOverdue"],
        "leaverDeadline": "8h",
    })
}

async fn made(notifications: Value) -> Result<Vec<Value>, String> {
    let mut values = values();
    values["notifications"] = notifications;
    Helm::alone().await.template(&values).await
}

#[tokio::test]
async fn the_program_reads_what_the_chart_writes() {
    let objects = made(wanted()).await.unwrap();
    let map = of_kind(&objects, "ConfigMap")[0];
    let text = map["data"]["notifications.yaml"].as_str().unwrap();
    let config = Config::parse(text).unwrap();
    let files = config.email.unwrap().credentials.unwrap();
    assert_eq!(
        files.password.to_str(),
        Some("/etc/rollcall/notifications-secret/pass")
    );
    assert_eq!((config.webhooks.len(), config.occasions.len()), (2, 2));
    assert_eq!(config.leaver_deadline.as_secs(), 8 * 3600);

    let deployment = of_kind(&objects, "Deployment")[0];
    let template = &deployment["spec"]["template"];
    assert!(template["metadata"]["annotations"]["rollcall.dev/notifications"].is_string());
    let container = &template["spec"]["containers"][0];
    let args = container["args"].to_string();
    assert!(
        args.contains("--notifications=/etc/rollcall/notifications/notifications.yaml"),
        "{args}"
    );
    assert!(
        args.contains("--notifications-outbox=$(POD_NAMESPACE)/it-rollcall-notices"),
        "{args}"
    );
    let mounts = &container["volumeMounts"];
    assert_eq!(mounts[0]["mountPath"], "/etc/rollcall/notifications");
    assert_eq!(mounts[1]["mountPath"], "/etc/rollcall/notifications-secret");
    assert_eq!(
        template["spec"]["volumes"][1]["secret"]["secretName"],
        "mail"
    );

    let none = made(json!({})).await.unwrap();
    assert_eq!(of_kind(&none, "ConfigMap").len(), 0);
    let deployment = of_kind(&none, "Deployment")[0].to_string();
    assert!(!deployment.contains("notifications"), "{deployment}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    for (path, value, parts) in [
        ("/email", json!({}), vec![]),
        (
            "/secretName",
            json!(""),
            vec![
                "notifications.secretName is required",
                "notifications.email.smtp",
            ],
        ),
        (
            "/events",
            json!(["Leaver"]),
            vec!["/notifications/events/0"],
        ),
        (
            "/email/smtp/encryption",
            json!("tls"),
            vec!["/notifications/email/smtp/encryption", "StartTLS"],
        ),
        ("/email/to", json!([]), vec!["/notifications/email/to"]),
        (
            "/email/smtp/password",
            json!("x"),
            vec!["/notifications/email/smtp", "password"],
        ),
        (
            "/webhooks/0/url",
            json!("https://a"),
            vec!["/notifications/webhooks/0"],
        ),
        (
            "/leaverDeadline",
            json!("soon"),
            vec!["/notifications/leaverDeadline"],
        ),
    ] {
        let mut values = wanted();
        let (parent, name) = path.rsplit_once('/').unwrap();
        values.pointer_mut(parent).unwrap()[name] = value;
        let said = made(values).await;
        if parts.is_empty() {
            assert!(said.is_ok(), "{path}: {said:?}");
            continue;
        }
        let why = said.expect_err(path);
        for part in parts {
            assert!(why.contains(part), "{path}: no {part:?} in {why}");
        }
    }
    let nobody = made(json!({"enabled": true})).await.unwrap_err();
    assert!(nobody.contains("nobody would be told"), "{nobody}");
}

#[tokio::test]
async fn the_rights_are_enough_for_the_outbox_and_for_nothing_else() {
    let people = Namespace::new("people").await;
    let more = json!({"notifications": wanted()});
    let release = Release::for_people_with(&people.name, more).await;
    let ops = &release.ops.name;
    let name = release.deployment.metadata.name.clone().unwrap();
    let place = Place {
        namespace: ops.clone(),
        name: format!("{name}-notices"),
    };
    let run = "run".to_owned();
    let outbox = Stored::new(release.client(), place, run, Arc::new(SystemClock));
    // So many that each of the objects is used, and so each of the names that the chart knows.
    for n in 0..usize::from(PARTS) * 8 {
        let slip = Slip {
            sink: "email".to_owned(),
            notice: NoticeId::of(Occasion::LeaverReport, &[&n.to_string()]),
        };
        assert_eq!(outbox.claim(&slip).await, Ok(Claim::Granted));
        outbox.close(&slip, &End::Sent).await.unwrap();
    }
    let maps: Api<ConfigMap> = Api::namespaced(release.client(), ops);
    let denied = |error: kube::Error| match error {
        kube::Error::Api(status) => status.code == 403,
        _ => false,
    };
    let config = format!("{name}-notifications");
    assert!(denied(maps.get(&config).await.unwrap_err()));
    let other = ConfigMap {
        metadata: kube::core::ObjectMeta {
            name: Some(config.clone()),
            ..kube::core::ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    let post = PostParams::default();
    assert!(denied(
        maps.replace(&config, &post, &other).await.unwrap_err()
    ));
    let secrets: Api<Secret> = Api::namespaced(release.client(), ops);
    assert!(denied(secrets.get("mail").await.unwrap_err()));
}
