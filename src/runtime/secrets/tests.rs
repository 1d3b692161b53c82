//! The rules of who may have a credential, as tables and properties.

use k8s_openapi::ByteString;
use proptest::prelude::*;

use super::*;

fn secret(label: Option<&str>, hosts: Option<&str>, value: &[u8]) -> SecretView {
    let mut secret = Secret::default();
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    secret.metadata.labels = label.map(|value| one(SECRET_LABEL, value));
    secret.metadata.annotations = hosts.map(|value| one(SECRET_HOSTS_ANNOTATION, value));
    secret.data = Some(BTreeMap::from([(
        "token".to_owned(),
        ByteString(value.to_vec()),
    )]));
    SecretView::from(secret)
}

fn reason(view: Option<&SecretView>, key: &str, host: &str) -> &'static str {
    credential_for(view, key, &to(host)).map_or_else(|problem| problem.reason(), |_| "allowed")
}

fn to(host: &str) -> Destination {
    Destination {
        host: host.to_owned(),
        encrypted: true,
    }
}

#[test]
fn what_travels_in_the_clear_needs_its_port_named() {
    for (hosts, url, allowed) in [
        ("x.example", "https://x.example/scim", true),
        ("x.example", "http://x.example/scim", false),
        ("x.example", "http://x.example:443/scim", false),
        ("*.example.org", "http://x.example.org/scim", false),
        ("x.example:80", "http://x.example/scim", true),
        ("x.example:80", "https://x.example/scim", false),
    ] {
        let view = secret(Some("true"), Some(hosts), b"v");
        let to = Destination::of(&Url::parse(url).unwrap()).unwrap();
        let got = credential_for(Some(&view), "token", &to);
        assert_eq!(got.is_ok(), allowed, "{hosts} {url}");
    }
}

#[test]
fn hosts_are_matched_as_documented() {
    for (hosts, host, allowed) in [
        ("directory.example.com", "directory.example.com:443", true),
        ("directory.example.com", "directory.example.com", true),
        ("Directory.EXAMPLE.com", "directory.example.COM:8443", true),
        (
            "other.test, directory.example.com ,",
            "directory.example.com:443",
            true,
        ),
        ("directory.example.com.", "directory.example.com:443", true),
        ("directory.example.com", "directory.example.com.:443", true),
        (
            "directory.example.com:8443",
            "directory.example.com:8443",
            true,
        ),
        (
            "directory.example.com:8443",
            "directory.example.com:443",
            false,
        ),
        ("directory.example.com:8443", "directory.example.com", false),
        ("directory.example.com:x", "directory.example.com", false),
        ("", "directory.example.com:443", false),
        ("directory.example.com", "evil.test:443", false),
        ("example.com", "directory.example.com:443", false),
        ("directory.example.com", "example.com:443", false),
        ("example.com", "notexample.com:443", false),
        (
            "https://directory.example.com",
            "directory.example.com:443",
            false,
        ),
        ("*.example.com", "directory.example.com:443", true),
        ("*.example.com", "a.b.example.com:443", true),
        ("*.example.com:443", "a.example.com:443", true),
        ("*.example.com:443", "a.example.com:80", false),
        ("*.example.com", "example.com:443", false),
        ("*.example.com", "notexample.com:443", false),
        ("*.example.com", "example.com.evil.test:443", false),
        ("*.com", "example.com:443", false),
        ("*", "example.com:443", false),
        ("*.*.example.com", "a.b.example.com:443", false),
        ("a*.example.com", "ab.example.com:443", false),
        ("10.0.0.1", "10.0.0.1:443", true),
        ("*.0.0.1", "10.0.0.1:443", false),
        ("10.0.0.1", "010.0.0.1:443", false),
        ("[::1]:8443", "[0:0:0:0:0:0:0:1]:8443", true),
        ("[::1]", "[::1]:8443", true),
        ("[::1]:443", "[::1]:8443", false),
        ("::1", "[::1]:8443", false),
        ("bücher.example", "xn--bcher-kva.example:443", true),
        ("directory.example.com", "", false),
        (
            "directory.example.com",
            "directory.example.com:99999",
            false,
        ),
    ] {
        let view = secret(Some("true"), Some(hosts), b"s3cret");
        let expected = if allowed {
            "allowed"
        } else {
            "SecretHostNotAllowed"
        };
        assert_eq!(
            reason(Some(&view), "token", host),
            expected,
            "{hosts:?} for {host:?}"
        );
    }
}

#[test]
fn each_problem_says_what_to_do() {
    let host = "directory.example.com:443";
    let hosts = Some("directory.example.com");
    let cases = [
        (
            None,
            "token",
            "SecretMissing",
            "rollcall.dev/credential: \"true\"",
        ),
        (
            Some(secret(None, hosts, b"v")),
            "token",
            "SecretNotLabelled",
            "rollcall.dev/credential: \"true\"",
        ),
        (
            Some(secret(Some("yes"), hosts, b"v")),
            "token",
            "SecretNotLabelled",
            "add the label",
        ),
        (
            Some(secret(Some("true"), None, b"v")),
            "token",
            "SecretHostNotAllowed",
            "add directory.example.com:443 to",
        ),
        (
            Some(secret(Some("true"), Some("x.test"), b"v")),
            "nokey",
            "SecretHostNotAllowed",
            "rollcall.dev/hosts",
        ),
        (
            Some(secret(Some("true"), hosts, b"v")),
            "nokey",
            "SecretKeyMissing",
            "no key nokey",
        ),
        (
            Some(secret(Some("true"), hosts, b"\xff\xfe")),
            "token",
            "SecretNotText",
            "key token",
        ),
        (
            Some(secret(Some("true"), hosts, b"")),
            "token",
            "SecretNotText",
            "not empty",
        ),
        (
            Some(secret(Some("true"), hosts, b"\n")),
            "token",
            "SecretNotText",
            "not empty",
        ),
        (
            Some(secret(Some("true"), hosts, b"a\r\nHost: b")),
            "token",
            "SecretNotText",
            "one line",
        ),
    ];
    for (view, key, reason, part) in cases {
        let problem = credential_for(view.as_ref(), key, &to(host)).unwrap_err();
        assert_eq!(problem.reason(), reason);
        assert!(problem.may_pass());
        let message = problem.message("directory");
        assert!(
            message.contains(part) && message.contains("Secret directory"),
            "{message}"
        );
    }
}

#[test]
fn a_line_break_at_the_end_is_dropped() {
    for value in ["s3 cret", "s3 cret\n", "s3 cret\r\n"] {
        let view = secret(Some("true"), Some("x.example"), value.as_bytes());
        let got = credential_for(Some(&view), "token", &to("x.example:1")).unwrap();
        assert_eq!(got.expose_secret(), "s3 cret");
    }
}

#[test]
fn nothing_prints_the_value() {
    let view = secret(Some("true"), Some("x.example"), b"s3cret");
    assert!(!format!("{view:?}").contains("s3cret"));
    assert!(!format!("{view:?}").contains("115"), "nor its bytes");
    let got = credential_for(Some(&view), "token", &to("x.example")).unwrap();
    assert!(!format!("{got:?}").contains("s3cret"));
    assert!(
        secret(None, None, b"s3cret").data.is_empty(),
        "what is not ours is not kept"
    );
}

#[test]
fn a_url_gives_its_host_with_the_port_in_use() {
    for (url, host) in [
        (
            "https://Directory.example.com/scim/v2",
            Some("directory.example.com:443"),
        ),
        (
            "http://directory.example.com",
            Some("directory.example.com:80"),
        ),
        ("https://[::1]:8443/", Some("[::1]:8443")),
        ("data:text/plain,x", None),
    ] {
        let to = Destination::of(&url.parse().unwrap());
        assert_eq!(to.as_ref().map(|to| to.host.as_str()), host);
    }
}

proptest! {
    #[test]
    fn a_foreign_host_is_never_allowed(label in "[a-z][a-z0-9]{0,8}", port in 1_u16.., hosts in "[a-z*.:,0-9\\[\\] -]{0,40}") {
        let view = secret(Some("true"), Some(&hosts), b"s3cret");
        // A top-level domain that the generated annotation can't hold.
        let host = format!("{label}.evil_host:{port}");
        prop_assert!(Endpoint::parse(&host).is_some());
        prop_assert_eq!(reason(Some(&view), "token", &host), "SecretHostNotAllowed");
    }

    #[test]
    fn what_is_named_is_allowed(label in "[a-z][a-z0-9]{0,8}", port in 1_u16..) {
        let view = secret(Some("true"), Some(&format!("a.test,{label}.example:{port}")), b"s3cret");
        let host = format!("{}.EXAMPLE:{port}", label.to_uppercase());
        prop_assert_eq!(reason(Some(&view), "token", &host), "allowed");
    }
}
