use std::net::{IpAddr, SocketAddr};

use reqwest::dns::Resolve as _;

use super::{GuardedResolver, is_link_local, permitted};

#[test]
fn knows_link_local_addresses_in_every_dress() {
    for (text, link_local) in [
        ("169.254.0.1", true),
        ("169.254.169.254", true),
        ("169.253.255.255", false),
        ("169.255.0.0", false),
        ("127.0.0.1", false),
        ("10.0.0.1", false),
        ("fe80::1", true),
        ("febf::1", true),
        ("fec0::1", false),
        ("::1", false),
        ("2001:db8::1", false),
        ("::ffff:169.254.169.254", true),
        ("::ffff:10.0.0.1", false),
        ("64:ff9b::169.254.169.254", true),
        ("64:ff9b::10.0.0.1", false),
        ("65:ff9b::169.254.169.254", false),
    ] {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(is_link_local(address), link_local, "{text}");
    }
}

#[test]
fn a_name_keeps_only_its_other_addresses() {
    let addresses =
        |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
    let mixed = permitted(
        "h",
        addresses(&["169.254.169.254:0", "10.0.0.1:0", "[fe80::1]:0"]),
    );
    assert_eq!(mixed, Ok(addresses(&["10.0.0.1:0"])));
    let why = permitted("metadata.internal", addresses(&["169.254.169.254:0"])).unwrap_err();
    assert!(
        why.contains("metadata.internal resolves to link-local addresses only"),
        "{why}"
    );
    assert_eq!(permitted("h", vec![]), Ok(vec![]));
}

/// Resolving looks at what the system answers, whatever the name looked like.
#[tokio::test]
async fn resolving_is_guarded() {
    let resolve = async |name: &str| {
        let found = GuardedResolver.resolve(name.parse().unwrap()).await;
        found.map(|addresses| addresses.map(|a| a.ip()).collect::<Vec<_>>())
    };
    assert!(
        resolve("localhost")
            .await
            .unwrap()
            .iter()
            .all(IpAddr::is_loopback)
    );
    let error = resolve("169.254.169.254").await.unwrap_err();
    assert!(
        error.to_string().contains("link-local addresses only"),
        "{error}"
    );
}
