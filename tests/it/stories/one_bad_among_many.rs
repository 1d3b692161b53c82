//! Fault story 8: of five hundred joiners the account of one is refused for good. Everyone else is done
//! as if nothing were, and the one is told why and is tried again when something relevant changes.

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use rollcall::api::RoleTemplate;
use rollcall::api::employee::{AccountState, AccountStatus};
use serde_json::{Value, json};

use super::kit::{Story, connector_to, employee, everyone, is, tells};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::wait_for;

const PEOPLE: usize = 500;
const BAD: usize = 250;
const DETAIL: &str = "this one shall not pass";

fn name(i: usize) -> String {
    format!("p{i:03}")
}

fn person(i: usize) -> Value {
    // They are looked at in the order of their ids: the bad one comes in the middle.
    employee(&name(i), &format!("{i:03}"), "Pat", &format!("Smith{i:03}"))
}

fn is_bad(asked: &Asked) -> bool {
    asked.method == "POST" && asked.body["userName"] == format!("pat.smith{BAD:03}")
}

/// What is mended: with either the person is given another user name.
enum Cure {
    Fact,
    Mapping,
}

impl Cure {
    async fn apply(&self, story: &Story, connector: &mut Value, mut person: Value) {
        match self {
            Self::Fact => {
                person["spec"]["name"]["family"] = json!("Smythe");
                story.apply_person(person).await;
            }
            Self::Mapping => {
                connector["spec"]["account"]["username"] = json!(["'id-' + employee.employeeId"]);
                story.apply_connector(connector.clone()).await;
            }
        }
    }

    fn username(&self) -> &'static str {
        match self {
            Self::Fact => "pat.smythe",
            Self::Mapping => "id-250",
        }
    }
}

async fn one_is_refused(code: u16, scim_type: Option<&'static str>, reason: &str, cure: Cure) {
    let judge = move |asked: &Asked| {
        if !is_bad(asked) {
            return Verdict::Pass;
        }
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": code.to_string(), "scimType": scim_type, "detail": DETAIL,
        });
        let headers = vec![("content-type", "application/scim+json".to_owned())];
        Verdict::Answer(code, headers, body.to_string().into_bytes())
    };
    let server = ScimServer::scimmy().await;
    let proxy = Proxy::before(&server.base_url(), judge).await;
    let story = Story::new("one-bad").await;
    let (token, host) = (server.token(), proxy.host());
    story.ns.credential("directory", token, &host).await;
    let mut object = connector_to("directory", proxy.base_url().as_str());
    // Only failures could bring a second listing.
    object["spec"]["sync"] = json!({"interval": "1h"});
    story.apply_connector(object.clone()).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    futures::stream::iter(0..PEOPLE)
        .for_each_concurrent(8, async |i| {
            story.apply_person(person(i)).await;
        })
        .await;
    let operator = Operator::start(&story.ns).await;
    // The answer is given in our name, so the server's own status is not in the proxy's log.
    let attempts = || {
        let seen = proxy.seen();
        let refused = seen.iter().filter(|s| s.status.is_none());
        refused.count()
    };
    for i in (0..PEOPLE).filter(|i| *i != BAD) {
        story.provisioned(&name(i), 1).await;
    }
    assert_eq!(attempts(), 1);
    // It was never taken for a failure of the application: one probe, one listing.
    let seen = proxy.seen();
    let count = |part: &str| seen.iter().filter(|s| s.path.contains(part)).count();
    assert_eq!(count("/ServiceProviderConfig"), 1);
    assert_eq!(count("startIndex=1&count=1"), 1, "{seen:?}");
    assert_eq!(count("/.search"), 0);

    let failed = |status: &AccountStatus, attempt: &str| {
        let message = status.message.as_deref().unwrap_or_default();
        status.state == AccountState::Failed && message.contains(attempt)
    };
    let tells_why = async |attempt: &str| {
        let status = story
            .person(&name(BAD), "says why", |s| {
                s.accounts.iter().any(|a| failed(a, attempt)) && is(&s.conditions, "Ready", "False")
            })
            .await;
        let account = status.accounts[0].clone();
        assert_eq!(account.reason.as_deref(), Some(reason));
        tells(account.message.as_deref().unwrap(), &[DETAIL]);
        assert!(!is(&status.conditions, "Stalled", "True"));
        account.retry_at.unwrap().0
    };
    let retry_at = tells_why("tried 1 times").await;
    let ahead = retry_at.duration_since(Timestamp::now());
    assert!(ahead > SignedDuration::from_mins(2), "{ahead}");
    wait_for(
        &story.ns.api::<RoleTemplate>(),
        "all",
        "counts who has everything",
        |role: &RoleTemplate| {
            let status = role.status.as_ref().unwrap();
            (status.holders, status.provisioned, status.failures) == (500, 499, 1)
        },
    )
    .await;
    story
        .connector_says("directory", "Ready", "True", "InOrder")
        .await;

    // Slowly, if nothing happens.
    operator.clock.shift(SignedDuration::from_mins(10));
    let later = tells_why("tried 2 times").await;
    assert!(later.duration_since(retry_at) > SignedDuration::from_mins(4));
    assert_eq!(attempts(), 2);
    // At once, if something relevant does: another fact, and the cure.
    let mut edited = person(BAD);
    edited["spec"]["jobTitle"] = json!("Director");
    story.apply_person(edited.clone()).await;
    tells_why("tried 1 times").await;
    assert_eq!(attempts(), 3);
    cure.apply(&story, &mut object, edited).await;
    let status = story.provisioned(&name(BAD), 1).await;
    assert_eq!(
        status.accounts[0].username.as_deref(),
        Some(cure.username())
    );
    assert_eq!(server.users().await.len(), PEOPLE);
    assert_eq!(server.group_member_ids("staff").await.len(), PEOPLE);
}

#[tokio::test]
async fn with_400_for_an_invalid_value() {
    one_is_refused(400, Some("invalidValue"), "InvalidValue", Cure::Fact).await;
}

#[tokio::test]
async fn with_403() {
    one_is_refused(403, None, "Forbidden", Cure::Mapping).await;
}
