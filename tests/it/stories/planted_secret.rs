//! Fault story 9: a secret is planted in every credential, and applications give it back in whatever
//! they answer. It appears in no status, event, log line, metric, error or panic.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::Resource;
use kube::api::ListParams;
use rollcall::api::{AppConnector, Employee, RoleTemplate, SECRET_HOSTS_ANNOTATION, SECRET_LABEL};
use rollcall::connectors::scim::{Auth, ClientAuthentication, OAuth2, ScimConfig, ScimConnector};
use rollcall::runtime::secrets::SecretView;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::kit::{Story, connector_to, employee, everyone, tells};
use crate::support::controlplane::control_plane;
use crate::support::oauth2::{CLIENT_ID, TokenServer};
use crate::support::operator::OperatorProcess;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

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

/// What an application answers that has nothing better to say than what it was sent.
fn echo(code: u16, of: &str, marker: &str) -> Verdict {
    let all: Vec<String> = forms(marker).into_iter().collect();
    let said = format!("no access for {marker}, that is {}", all.join(" or "));
    let json = |body: Value| ("application/scim+json", body.to_string());
    let error = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": code.to_string(), "scimType": marker, "detail": said,
    });
    let (type_, body) = match of {
        "json" => json(error),
        "nested" => json(json!({"error": error.to_string(), marker: marker})),
        "broken" => ("application/scim+json", format!("{{\"token\": \"{said}\"")),
        "html" => ("text/html", format!("<html><b>{said}</b></html>")),
        _ => ("text/plain", said.clone()),
    };
    let headers = vec![
        ("content-type", type_.to_owned()),
        ("www-authenticate", format!("Bearer realm=\"{marker}\"")),
        (
            "location",
            format!("https://elsewhere.example.com/?token={marker}"),
        ),
        ("etag", format!("\"{marker}\"")),
        ("x-authorization", marker.to_owned()),
    ];
    Verdict::Answer(code, headers, body.into_bytes())
}

/// Answers to the creation of each person's account.
const ECHOES: [(&str, u16, &str); 9] = [
    ("ann", 400, "json"),
    ("bea", 500, "text"),
    ("cat", 200, "html"),
    ("dee", 302, "text"),
    ("eve", 403, "nested"),
    ("fay", 201, "broken"),
    ("gil", 404, "html"),
    ("hal", 418, "text"),
    ("ivy", 422, "json"),
];

fn connector(name: &str, proxy: &Proxy) -> Value {
    connector_to(name, proxy.base_url().as_str())
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

/// The secrets, each in a credential of its own.
struct Planted {
    token: String,
    password: String,
    key: String,
    user: String,
    lines: String,
    client: TokenServer,
}

impl Planted {
    async fn new(server: &ScimServer) -> Self {
        Self {
            client: TokenServer::start(3600).await,
            token: server.token().to_owned(),
            password: format!("p4ss+/{}=&%:\"\\end", random()),
            key: random(),
            user: random(),
            lines: random(),
        }
    }

    /// Before an application that repeats what it was sent.
    async fn echoing(&self, server: &ScimServer) -> Proxy {
        let marker = self.token.clone();
        let listed = AtomicBool::new(false);
        let judge = move |asked: &Asked| {
            let username = asked.body["userName"].as_str().unwrap_or_default();
            let found = ECHOES.iter().find(|(name, ..)| username.starts_with(name));
            match found {
                Some((_, code, of)) if asked.method == "POST" => echo(*code, of, &marker),
                _ if asked.path.contains("/Users?") && !listed.swap(true, Ordering::SeqCst) => {
                    echo(500, "text", &marker)
                }
                _ => Verdict::Pass,
            }
        };
        Proxy::before(&server.base_url(), judge).await
    }

    /// Before one that takes no password, and says which.
    async fn refusing(&self, server: &ScimServer) -> Proxy {
        let marker = self.password.clone();
        let judge = move |_: &Asked| echo(401, "json", &marker);
        Proxy::before(&server.base_url(), judge).await
    }

    /// Before one that takes no token of the token endpoint, and says which, and with what it was had.
    async fn refusing_tokens(&self, server: &ScimServer) -> Proxy {
        let secret = self.client.secret().to_owned();
        let judge = move |asked: &Asked| {
            let token = asked.token.as_deref().unwrap_or_default();
            echo(401, "json", &format!("{token} {secret}"))
        };
        Proxy::before(&server.base_url(), judge).await
    }

    /// A client of the token endpoint that is in order, and one that the endpoint refuses, repeating it.
    async fn plant_clients(&self, story: &Story, refusing: &Proxy) {
        for (name, id) in [("client", CLIENT_ID), ("stranger", "stranger")] {
            let hosts = format!("{},{}", refusing.host(), self.client.host());
            secret(story, name, &hosts, self.client.secret()).await;
            let mut client = connector_to(name, &format!("{}/{name}", refusing.base_url()));
            client["spec"]["scim"]["auth"] = json!({"oauth2": {
                "tokenUrl": self.client.token_url().as_str(),
                "clientId": id,
                "clientSecretKeyRef": {"name": name, "key": "token"},
            }});
            story.apply_connector(client).await;
        }
    }

    /// The credentials that there are: a token, a password; in a Secret that is in order, in one that is
    /// not, and where they do not belong.
    async fn plant(&self, story: &Story, echoing: &Proxy, refusing: &Proxy) {
        let token = &self.token;
        secret(story, "directory", &echoing.host(), token).await;
        story.apply_connector(connector("directory", echoing)).await;
        secret(story, "basic", &refusing.host(), &self.password).await;
        let mut basic = connector("basic", refusing);
        let reference = json!({"name": "basic", "key": "token"});
        basic["spec"]["scim"]["auth"] =
            json!({"basic": {"username": "rollcall", "passwordSecretKeyRef": reference}});
        story.apply_connector(basic).await;
        let lines = format!("{0}\n{0}\n", self.lines);
        secret(story, "lines", "localhost", &lines).await;
        let nobody = |name: &str| connector_to(name, &format!("https://localhost:1/{name}"));
        story.apply_connector(nobody("lines")).await;
        secret(story, "bundle", "localhost", token).await;
        let mut bundle = nobody("bundle");
        let pem = |what: &str| {
            format!(
                "-----BEGIN {what}-----\n{}\n-----END {what}-----\n",
                self.key
            )
        };
        let pems = format!("{}{}", pem("CERTIFICATE"), pem("PRIVATE KEY"));
        bundle["spec"]["scim"]["tls"] = json!({"caBundle": pems});
        story.apply_connector(bundle).await;
        let hidden = format!("https://admin:{}@localhost:1/user", self.user);
        let refused = connector_to("user", &hidden);
        let refused = story.ns.apply::<AppConnector>(refused).await;
        refused.expect_err("a password in the address must be refused");
        secret(story, "user", "localhost", token).await;
        story.apply_connector(nobody("user")).await;
        // As an earlier version might have let through.
        control_plane()
            .await
            .smuggle(&format!("appconnectors/{}/user", story.ns.name), |object| {
                object["spec"]["scim"]["baseUrl"] = json!(hidden);
            })
            .await;
    }

    /// None of them is in any of these.
    fn are_not_in(&self, papers: &[(&str, String)]) {
        let tokens: Vec<String> = self
            .client
            .issued()
            .into_iter()
            .filter_map(|i| i.token)
            .collect();
        assert!(!tokens.is_empty());
        let markers = [
            self.token.as_str(),
            &self.password,
            &self.key,
            &self.user,
            &self.lines,
            self.client.secret(),
        ];
        let markers = markers.into_iter().chain(tokens.iter().map(String::as_str));
        for form in markers.flat_map(forms) {
            for (what, paper) in papers {
                if let Some(at) = paper.find(&form) {
                    let from = paper.floor_char_boundary(at.saturating_sub(300));
                    let to = paper.ceil_char_boundary(at + 300);
                    panic!("{form} is in the {what}:\n{}", &paper[from..to]);
                }
            }
        }
    }
}

/// What was said is told, as far as it may be.
async fn all_is_told(story: &Story) {
    let said = story
        .person_says("ann", "Ready", "False", "InvalidValue")
        .await;
    tells(&said, &["no access for [redacted], that is [redacted]"]);
    let said = story
        .person_says("eve", "Ready", "False", "Forbidden")
        .await;
    tells(&said, &["[redacted]"]);
    let said = story
        .connector_says("basic", "Connected", "False", "Unauthorized")
        .await;
    tells(&said, &["no access for [redacted]"]);
    for name in ["client", "stranger"] {
        let said = story
            .connector_says(name, "Connected", "False", "Unauthorized")
            .await;
        tells(&said, &["[redacted]"]);
    }
    for (name, reason) in [
        ("lines", "SecretNotText"),
        ("bundle", "InvalidValue"),
        ("user", "InvalidValue"),
    ] {
        story.connector_says(name, "Ready", "False", reason).await;
    }
    for (name, ..) in ECHOES {
        let why = |reason: &str| reason != "InProgress";
        story
            .person(name, "says why", |s| {
                s.accounts
                    .iter()
                    .any(|a| a.reason.as_deref().is_some_and(why))
            })
            .await;
    }
    eventually("an event tells", async || {
        let events = objects::<Event>(story).await;
        let told = events.iter().filter(|e| e.contains("[redacted]")).count();
        if told > 1 { Ok(()) } else { Err(events) }
    })
    .await;
}

#[tokio::test]
async fn it_comes_to_light_nowhere() {
    let server = ScimServer::scimmy().await;
    let planted = Planted::new(&server).await;
    let echoing = planted.echoing(&server).await;
    let refusing = planted.refusing(&server).await;
    let story = Story::new("planted").await;
    let words = ["--log-format", "json"];
    let operator = OperatorProcess::start_as(&story.ns, &words, &[("RUST_LOG", "trace")]).await;
    planted.plant(&story, &echoing, &refusing).await;
    let refusing_tokens = planted.refusing_tokens(&server).await;
    planted.plant_clients(&story, &refusing_tokens).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    for (i, (name, ..)) in ECHOES.iter().enumerate() {
        story
            .apply_person(employee(name, &i.to_string(), name, "Planted"))
            .await;
    }
    story
        .apply_person(employee("zoe", "z", "Zoe", "Lovelace"))
        .await;
    story.provisioned("zoe", 1).await;
    all_is_told(&story).await;

    let log = operator.log();
    // It is a log of everything, also of the libraries that handle the credential.
    for library in ["hyper_util", "kube", "rollcall::audit"] {
        let line = format!("\"target\":\"{library}");
        assert!(log.contains(&line), "{library} logs nothing");
    }
    let mut papers = vec![("metrics", operator.metrics().await), ("log", log)];
    let mut add = |what, found: Vec<String>| papers.extend(found.into_iter().map(|o| (what, o)));
    add("employee", objects::<Employee>(&story).await);
    add("role template", objects::<RoleTemplate>(&story).await);
    add("connector", objects::<AppConnector>(&story).await);
    add("event", objects::<Event>(&story).await);
    assert!(papers.len() > 15, "{}", papers.len());
    planted.are_not_in(&papers);
}

/// What a panic would print of what holds a credential, or part of one.
#[test]
fn no_panic_tells_it() {
    let marker = format!("m4rk-{}", random());
    let secret = Secret {
        metadata: kube::core::ObjectMeta {
            name: Some("directory".to_owned()),
            labels: Some([(SECRET_LABEL.to_owned(), "true".to_owned())].into()),
            ..kube::core::ObjectMeta::default()
        },
        string_data: Some([("token".to_owned(), marker.clone())].into()),
        data: Some(
            [(
                "token".to_owned(),
                k8s_openapi::ByteString(marker.clone().into_bytes()),
            )]
            .into(),
        ),
        ..Secret::default()
    };
    let view = SecretView::from(secret);
    let config = |auth| ScimConfig {
        base_url: "https://localhost:1/scim/v2".parse().unwrap(),
        auth,
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(1),
        page_size: 10,
        managed_attributes: BTreeSet::new(),
        manager: false,
        ways: rollcall::connectors::scim::Ways::default(),
    };
    let bearer = config(Auth::Bearer(marker.clone().into()));
    let basic = config(Auth::Basic {
        username: "rollcall".to_owned(),
        password: marker.clone().into(),
    });
    let client = config(Auth::OAuth2(OAuth2 {
        token_url: "https://localhost:1/token".parse().unwrap(),
        client_id: "rollcall".to_owned(),
        client_secret: marker.clone().into(),
        scopes: vec![],
        audience: None,
        authentication: ClientAuthentication::Header,
    }));
    let connectors = [
        ScimConnector::new(bearer.clone()),
        ScimConnector::new(basic.clone()),
        ScimConnector::new(client.clone()),
    ];
    let told = catch_unwind(AssertUnwindSafe(|| {
        panic!("{view:#?} {bearer:#?} {basic:#?} {client:#?} {connectors:#?}");
    }));
    let told = told.unwrap_err().downcast::<String>().unwrap();
    assert!(
        told.contains("SecretView") && told.contains("https"),
        "{told}"
    );
    let pair = BASE64_STANDARD.encode(format!("rollcall:{marker}"));
    for form in forms(&marker).into_iter().chain([pair]) {
        assert!(!told.contains(&form), "{form}: {told}");
    }
}
