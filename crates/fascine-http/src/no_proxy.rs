use std::net::IpAddr;

/// The hosts that are reached without a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// A name with all that end in it.
    Domain(String),
    /// Those addresses whose first bits are these.
    Network {
        address: IpAddr,
        bits: u8,
    },
}

impl NoProxy {
    pub(crate) fn parse(list: &str) -> Self {
        let entries = list.split(',').map(str::trim);
        Self {
            entries: entries.filter_map(Entry::parse).collect(),
        }
    }

    pub(crate) fn contains(&self, host: &str, port: u16) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.port.is_none_or(|only| only == port) && entry.hosts.contains(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::of_address(text) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let host = host.to_ascii_lowercase();
        let hosts = match Hosts::of_address(host.trim_matches(['[', ']'])) {
            Some(hosts) => hosts,
            None if host == "*" => Hosts::All,
            None => Hosts::Domain(
                host.trim_start_matches("*.")
                    .trim_start_matches('.')
                    .to_owned(),
            ),
        };
        (hosts != Hosts::Domain(String::new())).then_some(Self { hosts, port })
    }
}

impl Hosts {
    fn of_address(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = bits.unwrap_or(u8::MAX);
        Some(Self::Network { address, bits })
    }

    fn contains(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            Self::Network { address, bits } => host
                .parse()
                .is_ok_and(|host: IpAddr| common_bits(*address, host) >= Some(*bits)),
        }
    }
}

/// How many leading bits two addresses share, `u8::MAX` if all; `None` if they are of two families.
fn common_bits(one: IpAddr, other: IpAddr) -> Option<u8> {
    let (differing, width) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            ((u32::from(one) ^ u32::from(other)).leading_zeros(), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            ((u128::from(one) ^ u128::from(other)).leading_zeros(), 128)
        }
        _ => return None,
    };
    if differing == width {
        Some(u8::MAX)
    } else {
        u8::try_from(differing).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_networks_and_ports_are_told_apart() {
        let list =
            NoProxy::parse("localhost, .Example.com ,*.corp,10.0.0.0/8,::1,a.b:8080,[fd00::]/8,,");
        for (host, port, expected) in [
            ("localhost", 1, true),
            ("notlocalhost", 1, false),
            ("example.com", 1, true),
            ("api.example.com", 1, true),
            ("badexample.com", 1, false),
            ("x.corp", 1, true),
            ("10.200.3.4", 1, true),
            ("11.0.0.1", 1, false),
            ("::1", 1, true),
            ("::2", 1, false),
            ("a.b", 8080, true),
            ("a.b", 80, false),
        ] {
            assert_eq!(list.contains(host, port), expected, "{host}:{port}");
        }
        assert!(NoProxy::parse("*").contains("any.host", 1));
        assert!(!NoProxy::parse("").contains("any.host", 1));
        assert!(NoProxy::parse("0.0.0.0/0").contains("1.2.3.4", 1));
    }
}
