//! Which addresses may be fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Ports of the web.
const PORTS: [u16; 2] = [80, 443];

/// A range of addresses, such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("a network like 10.1.0.0/16 is expected, not {text:?}");
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() {
            bits
        } else {
            prefix.parse().map_err(|_| wrong())?
        };
        if prefix > bits {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => in_v4(address, network, self.prefix),
            (IpAddr::V6(network), IpAddr::V6(address)) => in_v6(address, network, self.prefix),
            _ => false,
        }
    }
}

fn in_v4(address: Ipv4Addr, network: Ipv4Addr, prefix: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(32 - prefix).unwrap_or(0) == 0
}

fn in_v6(address: Ipv6Addr, network: Ipv6Addr, prefix: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(128 - prefix).unwrap_or(0) == 0
}

/// Where fetching may lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Networks of one's own that may be fetched from all the same, on any port.
    pub allowed: Vec<Network>,
}

impl Rules {
    /// Whether an address was allowed by hand.
    pub fn allows_specially(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.holds(address))
    }

    /// Whether something may be fetched from this address and port.
    pub fn allows(&self, address: IpAddr, port: u16) -> bool {
        self.allows_specially(address) || (PORTS.contains(&port) && is_public(address))
    }
}

/// Ranges of IPv4 that are no public hosts, by the registry of special-purpose addresses, and two in which clouds keep
/// what is meant for their own machines.
const SPECIAL_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local, and the metadata of most clouds.
    ([169, 254, 0, 0], 16),
    // Azure's metadata and agents.
    ([168, 63, 129, 16], 32),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// Ranges inside the global unicast addresses of IPv6 that are no public hosts, or that wrap an address of IPv4 which
/// somebody else would unwrap.
const SPECIAL_V6: [([u16; 8], u32); 4] = [
    // Protocol assignments, with Teredo and ORCHID.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xDB8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3FFF, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// All public hosts of IPv6 have such an address.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Hosts of IPv4 behind a translator, by the well-known prefix.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xFF9B, 0, 0, 0, 0, 0, 0), 96);

/// Whether an address is that of a host on the public internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if in_v6(address, NAT64.0, NAT64.1) => {
            let [.., high, low] = address.segments();
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4
        .iter()
        .any(|&(network, prefix)| in_v4(address, Ipv4Addr::from(network), prefix))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [.., kind, isatap, _, _] = address.segments();
    // ISATAP carries an address of IPv4 below any prefix.
    let is_isatap = kind & 0xFDFF == 0 && isatap == 0x5EFE;
    let is_special = SPECIAL_V6
        .iter()
        .any(|&(network, prefix)| in_v6(address, Ipv6Addr::from(network), prefix));
    in_v6(address, GLOBAL_V6.0, GLOBAL_V6.1) && !is_special && !is_isatap
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts that must never be reached, each of which is spelled in all ways below.
    const FORBIDDEN: [[u8; 4]; 21] = [
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [10, 0, 0, 1],
        [10, 255, 255, 255],
        [100, 64, 0, 1],
        [100, 100, 100, 200],
        [127, 0, 0, 1],
        [127, 255, 255, 254],
        [168, 63, 129, 16],
        [169, 254, 169, 254],
        [172, 16, 0, 1],
        [172, 31, 255, 255],
        [192, 0, 0, 192],
        [192, 0, 2, 7],
        [192, 88, 99, 1],
        [192, 168, 1, 1],
        [198, 19, 255, 255],
        [203, 0, 113, 9],
        [224, 0, 0, 251],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ];

    /// The ways in which a URL may spell an address of IPv4.
    fn spellings([a, b, c, d]: [u8; 4]) -> Vec<String> {
        let whole = u32::from_be_bytes([a, b, c, d]);
        let cd = u16::from_be_bytes([c, d]);
        let bcd = u32::from_be_bytes([0, b, c, d]);
        let ab = u16::from_be_bytes([a, b]);
        vec![
            format!("{a}.{b}.{c}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{whole}"),
            format!("{whole:#x}"),
            format!("0{whole:o}"),
            format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a}.{bcd}"),
            format!("{a}.{b}.{cd}"),
            format!("{a}%2E{b}%2e{c}.{d}"),
            format!("[::ffff:{a}.{b}.{c}.{d}]"),
            format!("[::ffff:{ab:x}:{cd:x}]"),
            format!("[0:0:0:0:0:FFFF:{ab:04X}:{cd:04X}]"),
            format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            format!("[64:ff9b::{ab:x}:{cd:x}]"),
            format!("[64:ff9b:1::{ab:x}:{cd:x}]"),
            format!("[::{a}.{b}.{c}.{d}]"),
            format!("[2002:{ab:x}:{cd:x}::1]"),
            format!("[2001:0:4136:e378::{:x}:{:x}]", !ab, !cd),
            format!("[2607:f8b0::5efe:{ab:x}:{cd:x}]"),
            format!("user:password@{a}.{b}.{c}.{d}"),
        ]
    }

    const FORBIDDEN_V6: [&str; 16] = [
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1]",
        "[febf::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fdff:ffff::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2001:10::1]",
        "[3fff::1]",
        "[100::1]",
        "[5f00::1]",
        "[4000::1]",
    ];

    /// The address that a URL names, without asking anybody.
    fn named(host: &str) -> IpAddr {
        let url = url::Url::parse(&format!("http://{host}/")).expect(host);
        match url.host() {
            Some(url::Host::Ipv4(address)) => address.into(),
            Some(url::Host::Ipv6(address)) => address.into(),
            other => panic!("{host} is {other:?}"),
        }
    }

    #[test]
    fn no_spelling_leads_to_a_forbidden_host() {
        let rules = Rules::default();
        let mut count = 0;
        let v4 = FORBIDDEN.into_iter().flat_map(spellings);
        for host in v4.chain(FORBIDDEN_V6.map(str::to_owned)) {
            assert!(!rules.allows(named(&host), 80), "{host}");
            count += 1;
        }
        assert!(count >= 200, "{count} spellings");
    }

    #[test]
    fn public_hosts_are_reached_on_the_ports_of_the_web() {
        let rules = Rules::default();
        for host in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[2a00:1450:4001::1]",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::8.8.8.8]",
        ] {
            assert!(rules.allows(named(host), 80), "{host}");
            assert!(rules.allows(named(host), 443), "{host}");
            assert!(!rules.allows(named(host), 8080), "{host}");
            assert!(!rules.allows(named(host), 25), "{host}");
        }
    }

    #[test]
    fn networks_of_ones_own_are_allowed_on_any_port() {
        let rules = Rules {
            allowed: ["10.1.0.0/16", "::1", "fd00::/8"]
                .map(|text| text.parse().expect(text))
                .to_vec(),
        };
        for (host, expected) in [
            ("10.1.255.3", true),
            ("[::ffff:10.1.0.1]", true),
            ("10.2.0.1", false),
            ("[::1]", true),
            ("[::2]", false),
            ("[fd12::1]", true),
            ("[fc12::1]", false),
        ] {
            assert_eq!(rules.allows(named(host), 8080), expected, "{host}");
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "host/8",
            "10.0.0.0/-1",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let everything: Network = "0.0.0.0/0".parse().expect("a network");
        assert!(everything.holds(named("127.0.0.1")));
    }
}
