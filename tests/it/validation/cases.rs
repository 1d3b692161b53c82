//! What must be refused, with what must be said of it, and what must be accepted.

use serde_json::{Value, json};

use super::objects::{connector, employee, long, many, map_of, role, with};
use super::{guard_cases, ldap_cases, matching_cases, orphan_cases, sql_cases};

/// Objects that no rule may let pass, and a part of what the API server must say.
pub fn refused() -> Vec<(Value, &'static str)> {
    let mut all = Vec::new();
    all.extend(refused_employees().map(|(at, value, says)| (with(employee(), at, value), says)));
    all.extend(refused_roles().map(|(at, value, says)| (with(role(), at, value), says)));
    all.extend(refused_clients().map(|(at, value, says)| (with(connector(), at, value), says)));
    all.extend(
        refused_references()
            .map(|(value, says)| (with(connector(), "/spec/scim/auth", value), says)),
    );
    all.extend(refused_connectors().map(|(at, value, says)| (with(connector(), at, value), says)));
    all.extend(refused_limits().map(|(at, value, says)| (with(connector(), at, value), says)));
    all.extend(refused_mappings().map(|(at, value, says)| (with(connector(), at, value), says)));
    all.extend(ldap_cases::refused());
    all.extend(guard_cases::refused());
    all.extend(matching_cases::refused());
    all.extend(orphan_cases::refused());
    all.extend(sql_cases::refused());
    all
}

type Case = (&'static str, Value, &'static str);

#[rustfmt::skip] // a table: one case a line
fn refused_employees() -> impl Iterator<Item = Case> {
    let id = "letters, digits and, between them, '.', '_' and '-', such as 1042";
    let email = "must be an e-mail address such as ada@example.com";
    let zone = "timeZone must be an IANA name such as Europe/Berlin, America/New_York or UTC";
    let name = "not a name that an object can have: use lower-case letters";
    let key = "names of attributes may have 63 characters";
    let start = "startDate must be a day of the calendar, written year-month-day, such as 2026-12-01";
    let until = "until must be a day of the calendar, written year-month-day, such as 2027-06-30";
    let end = "endDate must be a day of the calendar, written year-month-day, such as 2027-06-30";
    [
        ("/spec/employeeId", json!(null), "spec.employeeId: Required"),
        ("/spec/employeeId", json!(""), "at least 1 chars long"),
        ("/spec/employeeId", json!("a/b"), id),
        ("/spec/employeeId", json!("-1"), id),
        ("/spec/employeeId", json!("1042 "), id),
        ("/spec/employeeId", json!(long(64)), "63"),
        ("/spec/name", json!(null), "spec.name: Required"),
        ("/spec/name/given", json!(null), "spec.name.given: Required"),
        ("/spec/name/given", json!(""), "spec.name.given"),
        ("/spec/name/given", json!(long(201)), "200"),
        ("/spec/name/family", json!(long(201)), "200"),
        ("/spec/name/display", json!(long(401)), "400"),
        ("/spec/name/preferred", json!(long(201)), "200"),
        ("/spec/email", json!("ada"), email),
        ("/spec/email", json!("ada@"), email),
        ("/spec/email", json!("ada@example com"), email),
        ("/spec/email", json!(long(255)), "254"),
        ("/spec/personalEmail", json!("@example.com"), email),
        ("/spec/personalEmail", json!(long(255)), "254"),
        ("/spec/type", json!(""), "spec.type"),
        ("/spec/type", json!(long(64)), "63"),
        ("/spec/department", json!(null), "spec.department: Required"),
        ("/spec/department", json!(""), "spec.department"),
        ("/spec/department", json!(long(201)), "200"),
        ("/spec/jobTitle", json!(null), "spec.jobTitle: Required"),
        ("/spec/jobTitle", json!(""), "spec.jobTitle"),
        ("/spec/jobTitle", json!(long(201)), "200"),
        ("/spec/location", json!(long(201)), "200"),
        ("/spec/costCenter", json!(long(201)), "200"),
        ("/spec/managerRef", json!({}), "spec.managerRef.name: Required"),
        ("/spec/managerRef", json!({"name": ""}), "at least 1 chars long"),
        ("/spec/managerRef", json!({"name": "Grace Hopper"}), name),
        ("/spec/managerRef", json!({"name": long(254)}), "253"),
        ("/spec/managerRef", json!({"name": "ada-lovelace"}), "this person's own Employee object"),
        ("/spec/startDate", json!(null), "spec.startDate: Required"),
        ("/spec/startDate", json!("2026-02-30"), start),
        ("/spec/startDate", json!("1.12.2026"), start),
        ("/spec/startDate", json!("2026-12-1"), start),
        ("/spec/startDate", json!("2026-12-01T00:00:00Z"), start),
        ("/spec/startDate", json!("tomorrow"), start),
        ("/spec/startDate", json!(""), start),
        ("/spec/startDate", json!(long(65)), "64"),
        ("/spec/endDate", json!("2027-13-01"), end),
        ("/spec/endDate", json!("next year"), end),
        ("/spec/endDate", json!(long(65)), "64"),
        ("/spec/endDate", json!("2026-11-30"), "endDate is before startDate"),
        ("/spec/timeZone", json!("Berlin"), zone),
        ("/spec/timeZone", json!("CET+1"), zone),
        ("/spec/timeZone", json!("Europe/"), zone),
        ("/spec/timeZone", json!("berlin time"), zone),
        ("/spec/timeZone", json!("europe/berlin"), zone),
        ("/spec/timeZone", json!("+02:00"), zone),
        ("/spec/timeZone", json!(""), "spec.timeZone"),
        ("/spec/timeZone", json!(format!("Etc/{}", long(61))), "64"),
        ("/spec/legalHold", json!({}), "spec.legalHold.reason: Required"),
        ("/spec/legalHold", json!({"reason": ""}), "at least 1 chars long"),
        ("/spec/legalHold", json!({"reason": long(255)}), "254"),
        ("/spec/employment", json!("Retired"), r#"supported values: "Active", "OnLeave", "Suspended""#),
        ("/spec/roles", json!([{}]), "spec.roles[0].name: Required"),
        ("/spec/roles", json!([{"name": ""}]), "at least 1 chars long"),
        ("/spec/roles", json!([{"name": long(254)}]), "253"),
        ("/spec/roles", json!([{"name": "Not A Role"}]), name),
        ("/spec/roles", json!([{"name": "a"}, {"name": "a"}]), "Duplicate value"),
        ("/spec/roles", json!([{"name": "a", "until": "next week"}]), until),
        ("/spec/roles", json!([{"name": "a", "until": "2027-02-30"}]), until),
        ("/spec/roles", json!([{"name": "a", "until": long(65)}]), "64"),
        ("/spec/roles", json!([{"name": "a", "reason": ""}]), "at least 1 chars long"),
        ("/spec/roles", json!([{"name": "a", "reason": long(1025)}]), "1024"),
        ("/spec/roles", json!([{"name": "a", "approvedBy": ""}]), "at least 1 chars long"),
        ("/spec/roles", json!([{"name": "a", "approvedBy": long(255)}]), "254"),
        ("/spec/roles", json!([{"name": "a", "ticket": ""}]), "at least 1 chars long"),
        ("/spec/roles", json!([{"name": "a", "ticket": long(255)}]), "254"),
        ("/spec/roles", many(65, |i| json!({"name": format!("r{i}")})), "must have at most 64 items"),
        ("/spec/attributes", map_of(65), "must have at most 64 items"),
        ("/spec/attributes", json!({"team": long(1025)}), "1024"),
        ("/spec/attributes", json!({"not a name": "v"}), key),
        ("/spec/attributes", json!({"": "v"}), key),
        ("/spec/attributes", json!({long(64): "v"}), key),
        ("/spec/attributes", json!({"team": 5}), "spec.attributes.team"),
    ]
    .into_iter()
}

#[rustfmt::skip] // a table: one case a line
fn refused_roles() -> impl Iterator<Item = Case> {
    let name = "not a name that an object can have: use lower-case letters";
    [
        ("/spec/description", json!(long(1025)), "1024"),
        ("/spec/match", json!(""), "spec.match"),
        ("/spec/match", json!(long(4097)), "4096"),
        ("/spec/match", json!(true), "spec.match"),
        ("/spec/conflictsWith", json!(["Every One"]), name),
        ("/spec/conflictsWith", json!([""]), "spec.conflictsWith[0]"),
        ("/spec/conflictsWith", json!([long(254)]), "253"),
        ("/spec/conflictsWith", json!(["a", "a"]), "Duplicate value"),
        ("/spec/conflictsWith", json!(["marketing"]), "conflictsWith names this role template itself"),
        ("/spec/conflictsWith", many(33, |i| json!(format!("r{i}"))), "must have at most 32 items"),
        ("/spec/includes", json!(["Every One"]), name),
        ("/spec/includes", json!([""]), "spec.includes[0]"),
        ("/spec/includes", json!([long(254)]), "253"),
        ("/spec/includes", json!(["a", "a"]), "Duplicate value"),
        ("/spec/includes", json!(["marketing"]), "includes names this role template itself"),
        ("/spec/includes", many(33, |i| json!(format!("r{i}"))), "must have at most 32 items"),
        ("/spec/grants", json!([{}]), "spec.grants[0].connector: Required"),
        ("/spec/grants", json!([{"connector": ""}]), "at least 1 chars long"),
        ("/spec/grants", json!([{"connector": "A B"}]), name),
        ("/spec/grants", json!([{"connector": long(254)}]), "253"),
        ("/spec/grants", json!([{"connector": "a"}, {"connector": "a"}]), "Duplicate value"),
        ("/spec/grants", many(65, |i| json!({"connector": format!("c{i}")})), "must have at most 64 items"),
        ("/spec/grants/0/entitlements", json!([""]), "spec.grants[0].entitlements[0]"),
        ("/spec/availability", json!({"daysBeforeStart": -1}), "spec.availability.daysBeforeStart"),
        ("/spec/availability", json!({"daysBeforeStart": 366}), "365"),
        ("/spec/availability", json!({"graceAfterLoss": ""}), "graceAfterLoss must be a time"),
        ("/spec/availability", json!({"graceAfterLoss": "0h"}), "graceAfterLoss must be a time"),
        ("/spec/availability", json!({"graceAfterLoss": "two weeks"}), "graceAfterLoss must be a time"),
        ("/spec/availability", json!({"graceAfterLoss": long(25)}), "24"),
        ("/spec/grants/0/entitlements", json!([long(257)]), "256"),
        ("/spec/grants/0/entitlements", json!(["a", "a"]), "Duplicate value"),
        ("/spec/grants/0/entitlements", many(129, |i| json!(format!("e{i}"))), "must have at most 128 items"),
    ]
    .into_iter()
}

/// Each way to authenticate, with each fault that a reference to a Secret can have.
fn refused_references() -> impl Iterator<Item = (Value, &'static str)> {
    let good = json!({"name": "a", "key": "b"});
    let with_reference = [
        |reference: Value| json!({"bearer": {"secretKeyRef": reference}}),
        |reference| json!({"basic": {"username": "svc", "passwordSecretKeyRef": reference}}),
        |reference| {
            with(
                json!({"oauth2": oauth2()}),
                "/oauth2/clientSecretKeyRef",
                reference,
            )
        },
    ];
    let faults = [
        ("/name", json!(null), "name: Required"),
        ("/name", json!(""), "at least 1 chars long"),
        ("/name", json!("A B"), "not a name that an object can have"),
        ("/name", json!(long(254)), "253"),
        ("/key", json!(null), "key: Required"),
        ("/key", json!(""), "at least 1 chars long"),
        ("/key", json!(long(254)), "253"),
    ];
    with_reference.into_iter().flat_map(move |wrap| {
        let good = good.clone();
        let faults = faults.clone().into_iter();
        faults.map(move |(at, value, says)| {
            let spoilt = with(json!({"r": good}), &format!("/r{at}"), value);
            (wrap(spoilt["r"].clone()), says)
        })
    })
}

#[rustfmt::skip] // a table: one case a line
fn refused_connectors() -> impl Iterator<Item = Case> {
    let url = "baseUrl must be an absolute http or https URL such as https://example.com/scim/v2";
    let plain = "baseUrl must carry no user, query or fragment; put credentials into a Secret";
    let one = "exactly one of auth.bearer, auth.basic and auth.oauth2 is needed";
    let interval = "interval must be at least 1s, in units from large to small";
    let timeout = "timeout must be at least 1s, of at most 9m and 999s";
    let hold = "hold must be a time in units from large to small";
    let bearer = json!({"secretKeyRef": {"name": "a", "key": "token"}});
    let basic =
        json!({"username": "svc", "passwordSecretKeyRef": {"name": "a", "key": "password"}});
    let user = |text: &str| with(json!({"b": basic}), "/b/username", json!(text));
    let certificate = "caBundle must hold PEM certificates";
    [
        ("/spec/scim", json!(null), "exactly one protocol block is needed: spec.scim, spec.ldap or spec.sql"),
        ("/spec/scim/baseUrl", json!(null), "spec.scim.baseUrl: Required"),
        ("/spec/scim/baseUrl", json!(""), "spec.scim.baseUrl"),
        ("/spec/scim/baseUrl", json!("directory.example.com/scim"), url),
        ("/spec/scim/baseUrl", json!("/scim/v2"), url),
        ("/spec/scim/baseUrl", json!("https:///scim"), url),
        ("/spec/scim/baseUrl", json!("ftp://directory.example.com"), url),
        ("/spec/scim/baseUrl", json!("https://directory.example.com:70000/"), url),
        ("/spec/scim/baseUrl", json!("https://directory.example.com:0/"), url),
        ("/spec/scim/baseUrl", json!("https://directory example.com/"), url),
        ("/spec/scim/baseUrl", json!("https://ada:secret@directory.example.com/"), plain),
        ("/spec/scim/baseUrl", json!("https://directory.example.com/?tenant=1"), plain),
        ("/spec/scim/baseUrl", json!("https://directory.example.com/#a"), plain),
        ("/spec/scim/baseUrl", json!(format!("https://example.com/{}", long(1024))), "1024"),
        ("/spec/scim/auth", json!(null), "spec.scim.auth: Required"),
        ("/spec/scim/auth", json!({}), one),
        ("/spec/scim/auth", json!({"bearer": bearer, "basic": basic}), one),
        ("/spec/scim/auth", json!({"bearer": {}}), "spec.scim.auth.bearer.secretKeyRef: Required"),
        ("/spec/scim/auth", json!({"basic": {"username": "svc"}}), "passwordSecretKeyRef: Required"),
        ("/spec/scim/auth", with(json!({"basic": basic}), "/basic/username", json!(null)), "username: Required"),
        ("/spec/scim/auth", json!({"basic": user("a:b")["b"]}), "username must not hold a colon"),
        ("/spec/scim/auth", json!({"basic": user("")["b"]}), "auth.basic.username"),
        ("/spec/scim/auth", json!({"basic": user(&long(257))["b"]}), "256"),
        ("/spec/scim/tls", json!({}), "spec.scim.tls.caBundle: Required"),
        ("/spec/scim/tls", json!({"caBundle": "MIIB"}), certificate),
        ("/spec/scim/tls", json!({"caBundle": ""}), "spec.scim.tls.caBundle"),
        ("/spec/scim/tls", json!({"caBundle": long(65537)}), "65536"),
        ("/spec/entitlements", json!({"missing": "Ignore"}), r#"supported values: "Report", "Create""#),
        ("/spec/orphans", json!({"ignore": [""]}), "spec.orphans.ignore[0]"),
        ("/spec/protected", json!({"accounts": [""]}), "spec.protected.accounts[0]"),
        ("/spec/protected", json!({"accounts": [long(257)]}), "256"),
        ("/spec/protected", json!({"accounts": many(65, |i| json!(format!("s{i}")))}), "must have at most 64 items"),
        ("/spec/protected", json!({"entitlements": [""]}), "spec.protected.entitlements[0]"),
        ("/spec/protected", json!({"entitlements": [long(257)]}), "256"),
        ("/spec/protected", json!({"entitlements": many(65, |i| json!(format!("s{i}")))}), "must have at most 64 items"),
        ("/spec/orphans", json!({"ignore": [long(257)]}), "256"),
        ("/spec/orphans", json!({"ignore": many(65, |i| json!(format!("s{i}")))}), "must have at most 64 items"),
        ("/spec/moves", json!({"hold": ""}), hold),
        ("/spec/moves", json!({"hold": "a day"}), hold),
        ("/spec/moves", json!({"hold": "100d"}), hold),
        ("/spec/moves", json!({"hold": long(25)}), "24"),
        ("/spec/joiner", json!({"daysBeforeStart": -1}), "spec.joiner.daysBeforeStart"),
        ("/spec/joiner", json!({"daysBeforeStart": 366}), "365"),
        ("/spec/joiner", json!({"untilStart": "Hidden"}), r#"supported values: "Disabled", "Enabled""#),
        ("/spec/leaver", json!({"revoke": ["Fingerprints"]}), "supported values"),
        ("/spec/leaver", json!({"revoke": ["Sessions", "Sessions"]}), "Duplicate value"),
        ("/spec/leaver", json!({"revoke": ["Sessions", "Tokens", "Keys", "Passwords", "Sessions"]}), "must have at most 4 items"),
        ("/spec/leaver", json!({"transferOwnershipTo": "Me"}), r#"supported values: "Nobody", "Manager""#),
        ("/spec/leaver", json!({"fallbackOwner": {}}), "spec.leaver.fallbackOwner.name: Required"),
        ("/spec/leaver", json!({"fallbackOwner": {"name": ""}}), "at least 1 chars long"),
        ("/spec/leaver", json!({"fallbackOwner": {"name": long(254)}}), "253"),
        ("/spec/leaver", json!({"fallbackOwner": {"name": "Grace Hopper"}}), "not a name that an object can have"),
        ("/spec/leaver", json!({"retain": ""}), "retain must be a time of days and hours"),
        ("/spec/leaver", json!({"retain": "0d"}), "retain must be a time of days and hours"),
        ("/spec/leaver", json!({"retain": "30m"}), "retain must be a time of days and hours"),
        ("/spec/leaver", json!({"retain": long(25)}), "24"),
        ("/spec/leaver", json!({"then": "Burn"}), r#"supported values: "Keep", "Delete""#),
        ("/spec/deletion", json!({"policy": "Delete"}), r#"supported values: "Release", "Disable""#),
        ("/spec/sync", json!({"interval": ""}), interval),
        ("/spec/sync", json!({"interval": "0s"}), interval),
        ("/spec/sync", json!({"interval": "0m"}), interval),
        ("/spec/sync", json!({"interval": "8d"}), interval),
        ("/spec/sync", json!({"interval": "5m1h"}), interval),
        ("/spec/sync", json!({"interval": "ten minutes"}), interval),
        ("/spec/sync", json!({"interval": "10"}), interval),
        ("/spec/sync", json!({"interval": long(25)}), "24"),
        ("/spec/sync", json!({"timeout": "0s"}), timeout),
        ("/spec/sync", json!({"timeout": long(25)}), "24"),
        ("/spec/sync", json!({"timeout": ""}), timeout),
        ("/spec/sync", json!({"timeout": "1h"}), timeout),
        ("/spec/sync", json!({"pageSize": 0}), "greater than or equal to 1"),
        ("/spec/sync", json!({"pageSize": 1001}), "less than or equal to 1000"),
        ("/spec/sync", json!({"concurrency": 0}), "greater than or equal to 1"),
        ("/spec/sync", json!({"concurrency": 65}), "less than or equal to 64"),
        ("/spec/sync", json!({"requestsPerSecond": 0}), "greater than or equal to 1"),
        ("/spec/sync", json!({"requestsPerSecond": 10001}), "less than or equal to 10000"),
        ("/spec/sync", json!({"membershipBatch": 0}), "greater than or equal to 1"),
        ("/spec/sync", json!({"membershipBatch": 1001}), "less than or equal to 1000"),
        ("/spec/sync", json!({"tls": {}}), "spec.sync.tls.caBundle: Required"),
        ("/spec/sync", json!({"tls": {"caBundle": "MIIB"}}), certificate),
        ("/spec/sync", json!({"tls": {"caBundle": ""}}), "spec.sync.tls.caBundle"),
        ("/spec/sync", json!({"tls": {"caBundle": long(65537)}}), "65536"),
        ("/spec/mode", json!("Observe"), r#"supported values: "Enforce", "DryRun""#),
    ]
    .into_iter()
}

#[rustfmt::skip] // a table: one case a line
fn refused_limits() -> impl Iterator<Item = Case> {
    [
        ("/spec/entitlements", json!({"limits": [{"maxHolders": 1}]}), "spec.entitlements.limits[0].entitlement: Required"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "", "maxHolders": 1}]}), "spec.entitlements.limits[0].entitlement"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": long(257), "maxHolders": 1}]}), "256"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys"}]}), "a limit needs maxHolders, onlyTypes or both"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "maxHolders": -1}]}), "greater than or equal to 0"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "maxHolders": 1_000_001}]}), "1000000"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "onlyTypes": []}]}), "should have at least 1 items"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "onlyTypes": [""]}]}), "onlyTypes[0]"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "onlyTypes": [long(64)]}]}), "63"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "onlyTypes": ["Intern", "Intern"]}]}), "Duplicate value"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "onlyTypes": many(17, |i| json!(format!("t{i}")))}]}), "must have at most 16 items"),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "maxHolders": 1}, {"entitlement": "keys", "maxHolders": 2}]}), "Duplicate value"),
        ("/spec/entitlements", json!({"limits": many(65, |i| json!({"entitlement": format!("e{i}"), "maxHolders": 1}))}), "must have at most 64 items"),
    ]
    .into_iter()
}

#[rustfmt::skip] // a table: one case a line
fn refused_mappings() -> impl Iterator<Item = Case> {
    let key = "names of attributes must have 1 to 256 characters";
    [
        ("/spec/account", json!(null), "spec.account: Required"),
        ("/spec/account/username", json!(null), "spec.account.username: Required"),
        ("/spec/account/username", json!([]), "at least 1 items"),
        ("/spec/account/username", json!([""]), "spec.account.username[0]"),
        ("/spec/account/username", json!([long(4097)]), "4096"),
        ("/spec/account/username", many(9, |i| json!(format!("'{i}'"))), "must have at most 8 items"),
        ("/spec/account/attributes", map_of(65), "must have at most 64 items"),
        ("/spec/account/attributes", json!({"title": ""}), "spec.account.attributes.title"),
        ("/spec/account/attributes", json!({"title": long(4097)}), "4096"),
        ("/spec/account/attributes", json!({"": "'v'"}), key),
        ("/spec/account/attributes", json!({long(257): "'v'"}), key),
        ("/spec/account/initialPassword", json!({"length": 11}), "greater than or equal to 12"),
        ("/spec/account/initialPassword", json!({"length": 129}), "less than or equal to 128"),
        ("/spec/account/initialPassword", json!({"punctuation": "a"}), "punctuation may hold ASCII punctuation alone"),
        ("/spec/account/initialPassword", json!({"punctuation": ".".repeat(33)}), "32"),
        ("/spec/account/initialPassword", json!({"keepFor": "0s"}), "keepFor must be a time"),
        ("/spec/account/initialPassword", json!({"keepFor": ""}), "keepFor must be a time"),
        ("/spec/account/initialPassword", json!({"keepFor": long(25)}), "24"),
        ("/spec/account/manager", json!("Yes"), r#"supported values: "Unmanaged", "FromManagerRef""#),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": "a"}), "ASCII punctuation alone"),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": " "}), "ASCII punctuation alone"),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": "ß"}), "ASCII punctuation alone"),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": ".................".to_owned()}), "16"),
        ("/spec/account/usernameRules", json!({"maxLength": 3}), "greater than or equal to 4"),
        ("/spec/account/usernameRules", json!({"maxLength": 257}), "less than or equal to 256"),
        ("/spec/onLeave", json!("Delete"), r#"supported values: "Disable", "Keep""#),
        ("/spec/account/usernameChanges", json!("Always"), r#"supported values: "Never", "Follow""#),
        ("/spec/account/usernameRules", json!({"letterCase": "Upper"}), r#"supported values: "Lower", "Preserve""#),
    ]
    .into_iter()
}

#[rustfmt::skip] // a table: one case a line
fn refused_clients() -> impl Iterator<Item = Case> {
    let oauth2 = oauth2();
    let client = |at: &str, value: Value| with(json!({"oauth2": oauth2}), &format!("/oauth2{at}"), value);
    let token_url = "tokenUrl must be an absolute http or https URL";
    let plain_token_url = "tokenUrl must carry no user or fragment";
    let scopes = "each of scopes is one word, such as scim.write";
    [
        ("/spec/scim/auth", json!({"bearer": {"secretKeyRef": {"name": "a", "key": "t"}}, "oauth2": oauth2}), "exactly one of auth.bearer, auth.basic and auth.oauth2 is needed"),
        ("/spec/scim/auth", client("/tokenUrl", json!(null)), "auth.oauth2.tokenUrl: Required"),
        ("/spec/scim/auth", client("/tokenUrl", json!("")), "at least 1 chars long"),
        ("/spec/scim/auth", client("/tokenUrl", json!("login.example.com/token")), token_url),
        ("/spec/scim/auth", client("/tokenUrl", json!("ftp://login.example.com/token")), token_url),
        ("/spec/scim/auth", client("/tokenUrl", json!("https://a:b@login.example.com/token")), plain_token_url),
        ("/spec/scim/auth", client("/tokenUrl", json!("https://login.example.com/token#a")), plain_token_url),
        ("/spec/scim/auth", client("/tokenUrl", json!(format!("https://example.com/{}", long(1024)))), "1024"),
        ("/spec/scim/auth", client("/clientId", json!(null)), "auth.oauth2.clientId: Required"),
        ("/spec/scim/auth", client("/clientId", json!("")), "auth.oauth2.clientId"),
        ("/spec/scim/auth", client("/clientId", json!(long(257))), "256"),
        ("/spec/scim/auth", client("/clientSecretKeyRef", json!(null)), "auth.oauth2.clientSecretKeyRef: Required"),
        ("/spec/scim/auth", client("/scopes", json!(["scim.read scim.write"])), scopes),
        ("/spec/scim/auth", client("/scopes", json!(["a\"b"])), scopes),
        ("/spec/scim/auth", client("/scopes", json!(["a\\b"])), scopes),
        ("/spec/scim/auth", client("/scopes", json!([""])), "auth.oauth2.scopes[0]"),
        ("/spec/scim/auth", client("/scopes", json!([long(257)])), "256"),
        ("/spec/scim/auth", client("/scopes", many(33, |i| json!(format!("s{i}")))), "must have at most 32 items"),
        ("/spec/scim/auth", client("/audience", json!("")), "auth.oauth2.audience"),
        ("/spec/scim/auth", client("/audience", json!(long(1025))), "1024"),
        ("/spec/scim/auth", client("/authStyle", json!("Query")), r#"supported values: "Header", "Body""#),
        ("/spec/scim/profile", json!("Azure"), r#"supported values: "Standard", "Entra", "Okta", "AwsIdentityCenter""#),
        ("/spec/scim/dialect", json!({"deactivation": "Delete"}), r#"supported values: "Path", "NoPath", "StringFalse", "Put""#),
        ("/spec/scim/dialect", json!({"operationCase": "Upper"}), r#"supported values: "Lower", "Capital""#),
        ("/spec/scim/dialect", json!({"manager": "Name"}), r#"supported values: "Object", "BareId""#),
        ("/spec/scim/dialect", json!({"update": "Post"}), r#"supported values: "Patch", "Put""#),
        ("/spec/scim/dialect", json!({"multiValued": "no"}), "spec.scim.dialect.multiValued"),
    ]
    .into_iter()
}

fn oauth2() -> Value {
    json!({
        "tokenUrl": "https://login.example.com/oauth2/token?tenant=1", "clientId": "rollcall",
        "clientSecretKeyRef": {"name": "a", "key": "secret"},
        "scopes": ["scim.write"], "audience": "https://api.example.com/", "authStyle": "Body",
    })
}

/// Objects that no rule may refuse.
#[rustfmt::skip] // a table: one case a line
pub fn accepted() -> Vec<Value> {
    let mut all = vec![employee(), role(), connector()];
    let employees = [
        ("/spec/employeeId", json!("DE-10_4.2")),
        ("/spec/employeeId", json!("7")),
        ("/spec/endDate", json!("2026-12-01")),
        ("/spec/startDate", json!("2028-02-29")),
        ("/spec/name", json!({"given": "Σωκράτης"})),
        ("/spec/name", json!({"given": long(200), "family": "O'Neil-Şahin"})),
        ("/spec/email", json!("o'neil+tag@bücher.example")),
        ("/spec/type", json!("Contractor")),
        ("/spec/employment", json!("Suspended")),
        ("/spec/roles", many(64, |i| json!({"name": format!("r{i}")}))),
        ("/spec/roles", json!([{"name": "a", "until": "2028-02-29", "reason": "r", "approvedBy": long(254), "ticket": "T-1"}])),
        ("/spec/attributes", map_of(64)),
        ("/spec/attributes", json!({long(63): "", "cost-center.eu": "v"})),
        ("/spec/managerRef", json!({"name": "grace.hopper-2"})),
    ];
    all.extend(employees.map(|(at, value)| with(employee(), at, value)));
    let roles = [
        ("/spec", json!({})),
        ("/spec/includes", many(32, |i| json!(format!("r{i}")))),
        ("/spec/availability", json!({"daysBeforeStart": 0, "graceAfterLoss": "14d12h"})),
        ("/spec/grants/0/entitlements", json!(["Budget Approvers (EMEA)", "预算"])),
    ];
    all.extend(roles.map(|(at, value)| with(role(), at, value)));
    let basic =
        json!({"basic": {"username": "svc", "passwordSecretKeyRef": {"name": "a", "key": "p"}}});
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    let connectors = [
        ("/spec/scim/baseUrl", json!("http://127.0.0.1:18101/v2")),
        ("/spec/scim/baseUrl", json!("https://[::1]:8443/")),
        ("/spec/scim/auth", basic),
        ("/spec/scim/auth", json!({"oauth2": oauth2()})),
        ("/spec/scim/profile", json!("AwsIdentityCenter")),
        ("/spec/scim/dialect", json!({"deactivation": "NoPath", "operationCase": "Capital", "manager": "BareId", "update": "Put", "multiValued": false})),
        ("/spec/scim/auth", with(json!({"oauth2": oauth2()}), "/oauth2/scopes", json!(["https://api.example.com/.default", "a[b]~!#"]))),
        ("/spec/scim/tls", json!({"caBundle": "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"})),
        ("/spec/account/attributes", json!({extension: "employee.department", "emails[type eq \"work\"].value": "employee.email"})),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": "!\"#$%&'()*+,-./"})),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": ":;<=>?@[\\]^_`{|}"})),
        ("/spec/account/usernameRules", json!({"allowedPunctuation": ""})),
        ("/spec/orphans", json!({"ignore": ["svc-*", "break-glass-?"]})),
        ("/spec/protected", json!({"accounts": ["svc-*"], "entitlements": ["domain admins"]})),
        ("/spec/entitlements", json!({"limits": [{"entitlement": "keys", "maxHolders": 0}, {"entitlement": "prod-*", "onlyTypes": ["Employee", "Intern"], "maxHolders": 1_000_000}]})),
        ("/spec/sync", json!({"interval": "1s", "timeout": "9m999s"})),
        ("/spec/sync", json!({"interval": "1d12h", "timeout": "1s"})),
        ("/spec/sync", json!({"interval": "90m", "requestsPerSecond": 10000})),
        ("/spec/leaver", json!({"revoke": ["Keys"], "retain": "999d23h", "then": "Delete"})),
        ("/spec/joiner", json!({"daysBeforeStart": 365, "untilStart": "Enabled"})),
        ("/spec/moves", json!({"hold": "0s"})),
        ("/spec/moves", json!({"hold": "99d"})),
        ("/spec/mode", json!("DryRun")),
    ];
    all.extend(connectors.map(|(at, value)| with(connector(), at, value)));
    all.extend(ldap_cases::accepted());
    all.extend(guard_cases::accepted());
    all.extend(matching_cases::accepted());
    all.extend(orphan_cases::accepted());
    all.extend(sql_cases::accepted());
    all
}
