//! Which network addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::connectors::{ConnectorError, ErrorKind};

/// Whether an address is link-local, where cloud metadata services answer: `169.254.0.0/16` (RFC 3927)
/// and `fe80::/10` (RFC 4291), also where IPv4 is written inside IPv6 (mapped, or NAT64 of RFC 6052).
#[must_use]
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || embedded(v6).is_some_and(|v4| v4.is_link_local())
        }
    }
}

fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [a, b, 0, 0, 0, 0, high, low] = v6.segments() else {
        return None;
    };
    let [[h1, h2], [l1, l2]] = [high.to_be_bytes(), low.to_be_bytes()];
    (a == 0x64 && b == 0xff9b).then(|| Ipv4Addr::new(h1, h2, l1, l2))
}

/// Refuses an address that is written out in a URL, where no name is resolved.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a link-local address.
pub fn check_literal(field: &str, url: &Url) -> Result<(), ConnectorError> {
    let address = match url.host() {
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    if is_link_local(address) {
        return Err(ConnectorError::new(
            ErrorKind::Invalid,
            format!(
                "{field} names the link-local address {address}; set spec.sync.allowLinkLocal if that is meant"
            ),
        ));
    }
    Ok(())
}

/// The system's resolver, without link-local answers.
#[derive(Debug, Default)]
pub struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            permitted(&host, found)
                .map(|addresses| -> Addrs { Box::new(addresses.into_iter()) })
                .map_err(Into::into)
        })
    }
}

/// Leaves out link-local addresses.
///
/// # Errors
/// A sentence, when none is left.
pub fn permitted(host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let any = !found.is_empty();
    let kept: Vec<SocketAddr> = found
        .into_iter()
        .filter(|a| !is_link_local(a.ip()))
        .collect();
    if kept.is_empty() && any {
        return Err(format!(
            "{host} resolves to link-local addresses only; set spec.sync.allowLinkLocal if that is meant"
        ));
    }
    Ok(kept)
}

/// The addresses of a host that may be connected to.
///
/// # Errors
/// A sentence.
pub async fn resolved(
    host: &str,
    port: u16,
    allow_link_local: bool,
) -> Result<Vec<SocketAddr>, String> {
    // An IPv6 address stands in brackets in a URL.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((name, port)).await;
    let addresses = found.map_err(|error| error.to_string())?.collect();
    if allow_link_local {
        return Ok(addresses);
    }
    permitted(host, addresses)
}

/// Connects to a host, at an address that may be connected to; at the preferred one if it is one of them.
///
/// # Errors
/// A sentence.
pub async fn dial(
    host: &str,
    port: u16,
    allow_link_local: bool,
    preferred: Option<SocketAddr>,
) -> Result<TcpStream, String> {
    let mut addresses = resolved(host, port, allow_link_local).await?;
    // Where a name leads to several servers, they are not asked in turn.
    addresses.sort_by_key(|address| Some(*address) != preferred);
    let mut why = format!("{host} has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small requests are not held back for the answer to the one before.
                stream
                    .set_nodelay(true)
                    .map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests;
