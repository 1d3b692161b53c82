//! Applications that speak SCIM, and the token endpoint before them.

use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::events::v1::Event;
use rollcall::api::AppConnector;
use serde_json::{Value, json};

use super::super::kit::{Story, connector_to, employee, everyone, tells};
use super::{are_nowhere, forms, objects, random, secret, talkative};
use crate::support::controlplane::control_plane;
use crate::support::oauth2::{CLIENT_ID, TokenServer};
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

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

    /// All of them, those that the token endpoint has given since included.
    fn markers(&self) -> Vec<String> {
        let tokens = self.client.issued().into_iter().filter_map(|i| i.token);
        let mut markers: Vec<String> = tokens.collect();
        assert!(!markers.is_empty());
        let planted = [
            &self.token,
            &self.password,
            &self.key,
            &self.user,
            &self.lines,
        ];
        markers.extend(planted.map(Clone::clone));
        markers.push(self.client.secret().to_owned());
        markers
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
    let operator = talkative(&story).await;
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

    let markers = planted.markers();
    let markers: Vec<&str> = markers.iter().map(String::as_str).collect();
    are_nowhere(&story, &operator, &markers).await;
}
