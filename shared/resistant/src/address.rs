//! Which addresses a document may be sent to. Everything that a registry of special addresses names is
//! out: this machine, its network, the metadata and runtime services of AWS, and what leads back to
//! them.
//!
//! The sources are IANA's registries of special-purpose addresses
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>) and of the IPv6 address space
//! (<https://www.iana.org/assignments/ipv6-address-space>). An entry that they call globally reachable
//! is refused too: no storage host stands there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a document may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To public unicast addresses.
    Public,
    /// To this machine: a local run.
    Loopback,
}

/// An address that a document must not be sent to. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has the address {address}, which is {range}")]
pub struct UnsafeAddress {
    /// The name that has it.
    pub name: String,
    /// The address.
    pub address: IpAddr,
    /// What kind of address it is.
    pub range: &'static str,
}

impl Reach {
    /// Checks one address of `name`.
    pub(crate) fn check(self, name: &str, address: IpAddr) -> Result<(), UnsafeAddress> {
        let range = match self {
            Self::Public => special(address),
            Self::Loopback if address.is_loopback() => None,
            Self::Loopback => Some("not this machine's, and this is a local run"),
        };
        match range {
            Some(range) => Err(UnsafeAddress { name: name.to_owned(), address, range }),
            None => Ok(()),
        }
    }
}

type Range<A> = (A, u32, &'static str);

const fn v4(a: u8, b: u8, c: u8, length: u32, range: &'static str) -> Range<Ipv4Addr> {
    (Ipv4Addr::new(a, b, c, 0), length, range)
}

/// What is not public unicast.
const SPECIAL_V4: [Range<Ipv4Addr>; 19] = [
    v4(0, 0, 0, 8, "unspecified (RFC 1122)"),
    v4(10, 0, 0, 8, "private (RFC 1918)"),
    v4(100, 64, 0, 10, "a carrier's own (RFC 6598)"),
    // Lambda's runtime API among others.
    v4(127, 0, 0, 8, "loopback (RFC 1122)"),
    // The metadata and credentials services of AWS, and Lambda's runtime API (169.254.100.1).
    v4(169, 254, 0, 16, "link-local (RFC 3927)"),
    v4(172, 16, 0, 12, "private (RFC 1918)"),
    v4(192, 0, 0, 24, "kept for protocols (RFC 6890)"),
    v4(192, 0, 2, 24, "documentation (RFC 5737)"),
    v4(192, 31, 196, 24, "a sink for reverse look-ups (RFC 7535)"),
    v4(192, 52, 193, 24, "a multicast relay (RFC 7450)"),
    v4(192, 88, 99, 24, "a 6to4 relay (RFC 7526)"),
    v4(192, 168, 0, 16, "private (RFC 1918)"),
    v4(192, 175, 48, 24, "a sink for reverse look-ups (RFC 7534)"),
    v4(198, 18, 0, 15, "benchmarking (RFC 2544)"),
    v4(198, 51, 100, 24, "documentation (RFC 5737)"),
    v4(203, 0, 113, 24, "documentation (RFC 5737)"),
    v4(224, 0, 0, 4, "multicast (RFC 5771)"),
    (Ipv4Addr::BROADCAST, 32, "broadcast (RFC 919)"),
    v4(240, 0, 0, 4, "reserved (RFC 1112)"),
];

const fn v6(a: u16, b: u16, c: u16, length: u32, range: &'static str) -> Range<Ipv6Addr> {
    (Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length, range)
}

/// What is not public unicast; the first that fits names it. Forms that carry an IPv4 address are
/// refused whatever they carry, for something else than a public router decides where they lead.
const SPECIAL_V6: [Range<Ipv6Addr>; 18] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified (RFC 4291)"),
    (Ipv6Addr::LOCALHOST, 128, "loopback (RFC 4291)"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped (RFC 4291)"),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, "IPv4-translated (RFC 2765)"),
    (Ipv6Addr::UNSPECIFIED, 96, "IPv4-compatible (RFC 4291)"),
    v6(0x64, 0xff9b, 1, 48, "translated to IPv4 on a local network (RFC 8215)"),
    v6(0x100, 0, 0, 64, "a sink (RFC 6666)"),
    // Teredo (RFC 4380), benchmarking (RFC 5180), ORCHIDv2 (RFC 7343) and others.
    v6(0x2001, 0, 0, 23, "kept for protocols, such as Teredo (RFC 2928)"),
    v6(0x2001, 0xdb8, 0, 32, "documentation (RFC 3849)"),
    v6(0x2002, 0, 0, 16, "6to4 (RFC 3056)"),
    v6(0x2620, 0x4f, 0x8000, 48, "a sink for reverse look-ups (RFC 7534)"),
    v6(0x3ffe, 0, 0, 16, "the former 6bone (RFC 3701)"),
    v6(0x3fff, 0, 0, 20, "documentation (RFC 9637)"),
    v6(0x5f00, 0, 0, 16, "a segment's id (RFC 9602)"),
    // `fd00:ec2::254`, the metadata service, is one.
    v6(0xfc00, 0, 0, 7, "unique local (RFC 4193)"),
    v6(0xfe80, 0, 0, 10, "link-local (RFC 4291)"),
    v6(0xfec0, 0, 0, 10, "site-local (RFC 3879)"),
    v6(0xff00, 0, 0, 8, "multicast (RFC 4291)"),
];

/// All that IANA gives out as unicast (RFC 4291, 2.4; the registry of the address space). What lies
/// beside it is reserved.
const UNICAST_V6: Range<Ipv6Addr> = v6(0x2000, 0, 0, 3, "global unicast (RFC 4291)");

/// A public IPv4 address as a host of an IPv6 network sees it (RFC 6052). Where DNS64 is on, every name
/// that has IPv4 addresses only, as the documented storage hosts do, gets such ones, so they are
/// judged by the address in them.
const NAT64: Range<Ipv6Addr> = v6(0x64, 0xff9b, 0, 96, "NAT64 (RFC 6052)");

/// What kind of address it is, if it is not public unicast.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) if holds_v6(NAT64, address) => {
            let [.., a, b, c, d] = address.octets();
            special_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            let found = SPECIAL_V6.into_iter().find(|range| holds_v6(*range, address));
            match found {
                Some((_, _, range)) => Some(range),
                None if holds_v6(UNICAST_V6, address) => None,
                None => Some("reserved (RFC 4291)"),
            }
        }
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = |address: Ipv4Addr, length| u64::from(address.to_bits()) >> (32 - length);
    SPECIAL_V4
        .into_iter()
        .find(|(first, length, _)| bits(address, *length) == bits(*first, *length))
        .map(|(_, _, range)| range)
}

fn holds_v6((first, length, _): Range<Ipv6Addr>, address: Ipv6Addr) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> Option<&'static str> {
        let address = address.parse().unwrap_or_else(|_| panic!("{address} is no address"));
        Reach::Public.check("name", address).err().map(|error| error.range)
    }

    #[test]
    fn every_range_is_refused_from_its_first_address_to_its_last() {
        for (first, length, range) in SPECIAL_V4 {
            let last = Ipv4Addr::from_bits(first.to_bits() | (u64::from(u32::MAX) >> length) as u32);
            for address in [first, last] {
                let expected = if address == Ipv4Addr::BROADCAST { "broadcast (RFC 919)" } else { range };
                assert_eq!(refused(&address.to_string()), Some(expected), "{address}");
                let [a, b, c, d] = address.octets();
                let seen = [
                    format!("::ffff:{address}"),
                    format!("::{address}"),
                    format!("64:ff9b::{address}"),
                    format!("64:ff9b:1::{address}"),
                    format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1"),
                    format!("2001:0:{a:02x}{b:02x}:{c:02x}{d:02x}::"),
                    format!("::ffff:0:{address}"),
                ];
                for form in seen {
                    assert!(refused(&form).is_some(), "{form}");
                }
            }
        }
        for (first, length, range) in SPECIAL_V6 {
            let last = Ipv6Addr::from_bits(first.to_bits() | u128::MAX.checked_shr(length).unwrap_or(0));
            assert_eq!(refused(&last.to_string()), Some(range), "{last}");
            assert!(refused(&first.to_string()).is_some(), "{first}");
        }
    }

    #[test]
    fn what_lies_beside_a_range_is_public_again() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.31.195.255",
            "192.31.197.0",
            "192.52.192.255",
            "192.52.194.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.175.47.255",
            "192.175.49.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            // Of S3 in us-east-1.
            "52.216.0.1",
            "3.5.0.1",
            "16.182.0.1",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2001:ffff::",
            "2003::",
            "2620:4f:7fff::",
            "2620:4f:8001::",
            "2600:1f18::1",
            "3ffd::",
            "3fff:1000::",
            "64:ff9b::52.216.0.1",
        ] {
            assert_eq!(refused(address), None, "{address}");
        }
    }

    #[test]
    fn what_attackers_ask_for_is_refused_by_its_name() {
        for (address, range) in [
            ("169.254.169.254", "link-local (RFC 3927)"),
            ("169.254.170.2", "link-local (RFC 3927)"),
            ("169.254.170.23", "link-local (RFC 3927)"),
            ("169.254.100.1", "link-local (RFC 3927)"),
            ("127.0.0.1", "loopback (RFC 1122)"),
            ("127.9.8.7", "loopback (RFC 1122)"),
            ("0.0.0.0", "unspecified (RFC 1122)"),
            ("100.100.100.200", "a carrier's own (RFC 6598)"),
            ("255.255.255.255", "broadcast (RFC 919)"),
            ("::", "unspecified (RFC 4291)"),
            ("::1", "loopback (RFC 4291)"),
            ("::2", "IPv4-compatible (RFC 4291)"),
            ("::ffff:52.216.0.1", "IPv4-mapped (RFC 4291)"),
            ("64:ff9b::169.254.169.254", "link-local (RFC 3927)"),
            ("64:ff9b:0:0:0:1::", "reserved (RFC 4291)"),
            ("fd00:ec2::254", "unique local (RFC 4193)"),
            ("fc00::1", "unique local (RFC 4193)"),
            ("fe80::1", "link-local (RFC 4291)"),
            ("febf::1", "link-local (RFC 4291)"),
            ("fec0::1", "site-local (RFC 3879)"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "kept for protocols, such as Teredo (RFC 2928)"),
            ("2002:a9fe:a9fe::", "6to4 (RFC 3056)"),
            ("1fff:ffff::", "reserved (RFC 4291)"),
            ("4000::", "reserved (RFC 4291)"),
            ("fe00::", "reserved (RFC 4291)"),
        ] {
            assert_eq!(refused(address), Some(range), "{address}");
        }
    }

    #[test]
    fn a_local_run_reaches_this_machine_alone() {
        for address in ["127.0.0.1", "127.255.255.255", "::1"] {
            assert!(Reach::Loopback.check("name", address.parse().unwrap()).is_ok(), "{address}");
        }
        for address in ["0.0.0.0", "52.216.0.1", "10.0.0.1", "169.254.169.254", "::", "::ffff:127.0.0.1"] {
            assert!(Reach::Loopback.check("name", address.parse().unwrap()).is_err(), "{address}");
        }
    }
}
