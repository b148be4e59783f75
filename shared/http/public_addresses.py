"""Which IP addresses belong to hosts of the public internet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network (RFC 791)
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # shared by customers of a carrier (RFC 6598)
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local (RFC 3927): metadata of cloud machines
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""The only part of IPv6 from which addresses of hosts are given out (RFC 4291, 2.4)."""
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments (RFC 2928), with Teredo
            "2001:db8::/32",  # documentation (RFC 3849)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)
_CONTAINING_4 = {
    IPv6Network("::ffff:0:0/96"): 0,  # IPv4-mapped (RFC 4291)
    IPv6Network("64:ff9b::/96"): 0,  # NAT64 (RFC 6052)
    IPv6Network("2002::/16"): 80,  # 6to4 (RFC 3056)
}
"""Networks whose addresses contain an IPv4 address: by how many bits it is shifted to the left."""


def read_address(text: str) -> Address:
    """Return an IP address, without the zone that IPv6 addresses may have. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks in a text, with commas between them. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def contained_address(address: Address) -> Address:
    """Return the IPv4 address to which packets for this IPv6 address go, or the same address."""
    if isinstance(address, IPv6Address):
        for network, shift in _CONTAINING_4.items():
            if address in network:
                return IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether a host of the public internet may have this address.

    `ipaddress.is_global` answers differently in each version of Python, and for multicast.
    """
    address = contained_address(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)
