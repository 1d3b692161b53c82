//! Notices by e-mail, to a real server: what it refuses comes again, and what it took does not, over restarts too.

use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use rollcall::notify::stored::Place;
use rollcall::notify::{Config, Notice, NoticeId, Notifier, Occasion, Settings};
use rollcall::runtime::clock::SystemClock;
use rollcall::runtime::metrics::{self, Metrics};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::stories::kit::{Story, day, employee, everyone};
use crate::support::mail::{MailServer, Protection};
use crate::support::namespace::Namespace;
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// States of everything in the outbox.
async fn outbox(ns: &Namespace) -> Vec<String> {
    let maps = ns.api::<ConfigMap>().list(&ListParams::default()).await;
    let maps = maps.unwrap().items.into_iter();
    let lines = maps.filter(|map| {
        map.metadata
            .name
            .as_deref()
            .unwrap()
            .starts_with("notices-")
    });
    let lines = lines.flat_map(|map| map.data.unwrap_or_default().into_values());
    let state = |line: String| {
        let line: Value = serde_json::from_str(&line).unwrap();
        line["state"].as_str().unwrap_or("Claimed").to_owned()
    };
    lines.map(state).collect()
}

async fn outbox_is(ns: &Namespace, wanted: &[&str]) {
    eventually("the outbox says so", async || {
        let seen = outbox(ns).await;
        if seen == wanted { Ok(()) } else { Err(seen) }
    })
    .await;
}

async fn operator(story: &Story, config: &Path) -> OperatorProcess {
    let place = format!("{}/notices", story.ns.name);
    let config = config.to_str().unwrap();
    let more = ["--notifications", config, "--notifications-outbox", &place];
    OperatorProcess::start_as(&story.ns, &more, &[]).await
}

async fn counts(operator: &OperatorProcess, result: &str) {
    let labels = format!("sink=\"email\",event=\"LeaverReport\",result=\"{result}\"");
    eventually("the notice is counted", async || {
        let metrics = operator.metrics().await;
        let found = metrics
            .lines()
            .any(|line| line.starts_with("rollcall_notices_total") && line.contains(&labels));
        if found { Ok(()) } else { Err(metrics) }
    })
    .await;
}

#[tokio::test]
async fn a_leaver_is_reported_once_although_it_is_refused_first_and_the_operator_restarted() {
    let server = ScimServer::scim2_server().await;
    let mail = MailServer::start(Protection::StartTls).await;
    mail.refuse(Some("451 4.3.0 try again later"));
    let config = mail.config("leaverDeadline: 7d");
    let story = Story::new("leaver-report").await;
    server.create_group("staff").await;
    story.connect("directory", &server).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut ada = employee("ada", "1", "Ada", "Lovelace");
    story.apply_person(ada.clone()).await;
    let mut first = operator(&story, &config).await;
    story.provisioned("ada", 1).await;

    ada["spec"]["endDate"] = json!(day(-2));
    story.apply_person(ada).await;
    eventually("it was refused twice", async || match mail.refused() {
        0 | 1 => Err(first.log()),
        _ => Ok(()),
    })
    .await;
    assert!(first.terminate().await, "{}", first.log());
    assert_eq!(outbox(&story.ns).await, [""; 0], "the claim was given back");

    let mut second = operator(&story, &config).await;
    mail.refuse(None);
    let mails = mail.receives(1).await;
    let told = &mails[0];
    for part in [
        "X-Rcpt: it@example.com\r\n",
        "Subject: Leaver Ada Lovelace",
        "Auto-Submitted: auto-generated",
        "multipart/alternative",
        "No credential is left.",
        "directory",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    outbox_is(&story.ns, &["Sent"]).await;
    second.kill();

    // Whoever comes next finds the same event, and knows that it was told of.
    let third = operator(&story, &config).await;
    counts(&third, "Known").await;
    assert_eq!(mail.mails().len(), 1);
    let logs = [first.log(), second.log(), third.log()].concat();
    assert!(!logs.contains(crate::support::mail::PASSWORD), "{logs}");
}

fn notice(name: &str) -> Notice {
    Notice {
        id: NoticeId::of(Occasion::NewOrphans, &[name]),
        occasion: Occasion::NewOrphans,
        subject: format!("{name}\r\nBcc: eve@example.com"),
        text: "Zoë\n.\nend".to_owned(),
        html: Some("<p>Zoë</p>".to_owned()),
        json: json!({}),
    }
}

/// Somebody who tells notices of a test's own.
struct Teller {
    notifier: Notifier,
    registry: prometheus_client::registry::Registry,
    stop: CancellationToken,
}

impl Teller {
    fn start(ns: &Namespace, config: &Path) -> Self {
        let mut registry = metrics::registry();
        let clock = Arc::new(SystemClock);
        let metrics = Metrics::register(&mut registry, clock.clone());
        let stop = CancellationToken::new();
        let settings = Settings {
            config: Config::read(config).unwrap(),
            place: Place {
                namespace: ns.name.clone(),
                name: "notices".to_owned(),
            },
        };
        let (notifier, _) = Notifier::start(settings, "it", ns.client(), clock, &metrics, &stop)
            .map(|(notifier, running)| (notifier, tokio::spawn(running.ended())))
            .unwrap();
        Self {
            notifier,
            registry,
            stop,
        }
    }

    async fn counts(&self, result: &str) {
        eventually("the notice is counted", async || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
            let label = format!("result=\"{result}\"");
            if text
                .lines()
                .any(|l| l.starts_with("rollcall_notices_total") && l.contains(&label))
            {
                Ok(())
            } else {
                Err(text)
            }
        })
        .await;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn mails_travel_encrypted_by_either_way_to_a_server_that_is_known() {
    for protection in [Protection::Tls, Protection::StartTls] {
        let mail = MailServer::start(protection).await;
        let ns = Namespace::new("mail").await;
        let teller = Teller::start(&ns, &mail.config(""));
        assert!(teller.notifier.notify(notice("one")));
        let mails = mail.receives(1).await;
        let head = mails[0].split("\r\n\r\n").next().unwrap();
        assert!(!head.contains("\r\nBcc:"), "{head}");
        assert!(head.contains("X-Rcpt: it@example.com\r\n"), "{head}");
        teller.counts("Sent").await;
    }
    // Somebody else's server, by its certificate: nothing is said to it.
    let stranger = MailServer::start(Protection::Tls).await;
    let known = MailServer::start(Protection::Tls).await;
    let text = std::fs::read_to_string(stranger.config("")).unwrap();
    let (head, _) = text.split_once("caBundle").unwrap();
    let other = std::fs::read_to_string(known.config("")).unwrap();
    let (_, bundle) = other.split_once("caBundle").unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, format!("{head}caBundle{bundle}")).unwrap();
    let ns = Namespace::new("mail").await;
    let teller = Teller::start(&ns, &config);
    assert!(teller.notifier.notify(notice("one")));
    teller.counts("Refused").await;
    assert!(stranger.mails().is_empty());
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_up_and_a_password_may_be_renewed() {
    let mail = MailServer::start(Protection::StartTls).await;
    let ns = Namespace::new("mail").await;
    mail.write_password("wrong");
    let teller = Teller::start(&ns, &mail.config(""));
    assert!(teller.notifier.notify(notice("one")));
    teller.counts("Refused").await;
    mail.write_password(crate::support::mail::PASSWORD);
    mail.receives(1).await;
    teller.counts("Sent").await;

    mail.refuse(Some("554 5.7.1 no"));
    assert!(teller.notifier.notify(notice("two")));
    teller.counts("GivenUp").await;
    eventually("it is written down", async || {
        let mut seen = outbox(&ns).await;
        seen.sort();
        if seen == ["GivenUp", "Sent"] {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
    assert_eq!(mail.refused(), 1);
}
