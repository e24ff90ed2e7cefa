//! The client's address (CONTRACT §10.3).

use std::net::{IpAddr, Ipv6Addr};

use hallpass_verify::bearer::is_space;
use http::HeaderMap;
use ipnet::IpNet;

use crate::{
    error::BuildError,
    options::{Environment, IpAddressOptions},
    wire::header_text,
};

/// The socket's address, which whoever accepts connections may put into a request's extensions.
///
/// Used only with `advanced.ip_address.peer_address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// Finds client addresses as configured.
#[derive(Debug)]
pub(crate) struct ClientIps {
    headers: Vec<String>,
    trusted: Vec<IpNet>,
    prefix: u8,
    disabled: bool,
    fallback: Option<IpAddr>,
    peer: bool,
}

impl ClientIps {
    pub(crate) fn new(options: &IpAddressOptions, environment: Environment) -> Result<Self, BuildError> {
        let headers = options.ip_address_headers.clone().unwrap_or_else(|| vec!["x-forwarded-for".into()]);
        let trusted = options.trusted_proxies.iter().map(|text| parse_network(text)).collect::<Result<_, _>>()?;
        Ok(Self {
            headers,
            trusted,
            prefix: options.ipv6_subnet.unwrap_or(64).min(128),
            disabled: options.disable_ip_tracking,
            fallback: (environment == Environment::Development).then_some(IpAddr::from([127, 0, 0, 1])),
            peer: options.peer_address,
        })
    }

    /// Whether addresses are not to be kept at all.
    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// The client's address in canonical form, or `None` when no trustworthy one is known.
    pub(crate) fn find(&self, headers: &HeaderMap, peer: Option<PeerAddress>) -> Option<String> {
        if self.disabled {
            return None;
        }
        let named = || self.headers.iter().find_map(|name| self.in_header(&header_text(headers, name)?));
        let found = match peer.filter(|_| self.peer).map(|peer| peer.0.to_canonical()) {
            // Without a proxy in between, the header is the client's own word.
            Some(peer) if !self.is_trusted(peer) => Some(peer),
            Some(proxy) => named().or(Some(proxy)),
            None => named(),
        };
        found.or(self.fallback).map(|address| self.canonical(address))
    }

    fn in_header(&self, value: &str) -> Option<IpAddr> {
        let mut hops = value.split(',').map(|hop| hop.trim_matches(is_space)).filter(|hop| !hop.is_empty());
        if self.trusted.is_empty() {
            // Of a list, anyone could have written the first part: only a single address is believed.
            let only = hops.next()?;
            return hops.next().is_none().then(|| parse_address(only)).flatten();
        }
        let hops: Vec<&str> = hops.collect();
        for hop in hops.into_iter().rev() {
            let address = parse_address(hop)?;
            if !self.is_trusted(address) {
                return Some(address);
            }
        }
        None
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// IPv6 in eight groups of four digits, masked to what one subscriber has: otherwise a client could turn up under as
    /// many addresses as it likes.
    fn canonical(&self, address: IpAddr) -> String {
        match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                let groups = Ipv6Addr::from(u128::from(address) & mask).segments();
                groups.map(|group| format!("{group:04x}")).join(":")
            }
        }
    }
}

/// An address, IPv4 in IPv6 clothing taken for what it is.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn parse_network(text: &str) -> Result<IpNet, BuildError> {
    let network = text.parse::<IpNet>().ok().or_else(|| parse_address(text).map(IpNet::from));
    network.ok_or_else(|| {
        BuildError::new(format!(
            "advanced.ip_address.trusted_proxies: `{text}` is neither an address nor a network such as 10.0.0.0/8"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(proxies: &[&str], header: &str) -> Option<String> {
        let options = IpAddressOptions {
            trusted_proxies: proxies.iter().map(|text| (*text).to_owned()).collect(),
            ..IpAddressOptions::default()
        };
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), header.parse().unwrap())]);
        ClientIps::new(&options, Environment::Production).unwrap().find(&headers, None)
    }

    #[test]
    fn only_a_single_address_is_believed_without_trusted_proxies() {
        assert_eq!(find(&[], "9.9.9.9").as_deref(), Some("9.9.9.9"));
        for unsure in ["9.9.9.9, 8.8.8.8", "", "unknown", "9.9.9.9:80", "1.2.3"] {
            assert_eq!(find(&[], unsure), None, "{unsure}");
        }
    }

    #[test]
    fn trusted_proxies_are_walked_from_the_right() {
        assert_eq!(find(&["10.0.0.0/8"], "6.6.6.6, 9.9.9.9, 10.1.1.1").as_deref(), Some("9.9.9.9"));
        assert_eq!(find(&["10.0.0.0/8"], "9.9.9.9, junk, 10.1.1.1"), None);
        assert_eq!(find(&["10.0.0.0/8"], "10.2.2.2, 10.1.1.1"), None);
    }

    #[test]
    fn one_subscriber_has_one_address() {
        let masked = "2001:0db8:abcd:0012:0000:0000:0000:0000";
        assert_eq!(find(&[], "2001:db8:abcd:12:ffff::7").as_deref(), Some(masked));
        assert_eq!(find(&[], "2001:DB8:ABCD:12::1").as_deref(), Some(masked));
        assert_eq!(find(&[], "::ffff:9.9.9.9").as_deref(), Some("9.9.9.9"));
        assert_eq!(find(&[], "::ffff:909:909").as_deref(), Some("9.9.9.9"));
    }

    #[test]
    fn the_socket_counts_only_when_asked_for() {
        let peer = Some(PeerAddress([9, 9, 9, 9].into()));
        let find = |peer_address, environment| {
            let options = IpAddressOptions { peer_address, ..IpAddressOptions::default() };
            ClientIps::new(&options, environment).unwrap().find(&HeaderMap::new(), peer)
        };
        assert_eq!(find(false, Environment::Production), None);
        assert_eq!(find(false, Environment::Development).as_deref(), Some("127.0.0.1"));
        assert_eq!(find(true, Environment::Production).as_deref(), Some("9.9.9.9"));
    }

    #[test]
    fn a_client_that_connects_itself_cannot_name_another_address() {
        let find = |proxies: &[&str]| {
            let options = IpAddressOptions {
                peer_address: true,
                trusted_proxies: proxies.iter().map(|text| (*text).to_owned()).collect(),
                ..IpAddressOptions::default()
            };
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "6.6.6.6".parse().unwrap())]);
            let peer = Some(PeerAddress([9, 9, 9, 9].into()));
            ClientIps::new(&options, Environment::Production).unwrap().find(&headers, peer)
        };
        assert_eq!(find(&[]).as_deref(), Some("9.9.9.9"));
        assert_eq!(find(&["9.9.9.0/24"]).as_deref(), Some("6.6.6.6"));
    }
}
