"""Which addresses ICE may use: the peer's that may be tried, and our own that are offered.

A candidate is an address of the peer's choice that our sockets will send to. Without a policy, a
session is a port scanner inside the operator's network (RFC 8445 §19.5, RFC 8828).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import ifaddr

from jinglebridge.protocol.jingle.xep_0176 import Candidate

MAX_REMOTE_CANDIDATES = 64
"""Addresses of one peer that one ICE connection tries, those it discovers among them."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NEVER: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "169.254.0.0/16",  # link-local, where clouds serve their secrets
        "192.0.0.192/32",  # cloud metadata
        "100.100.100.200/32",  # cloud metadata
        "168.63.129.16/32",  # cloud metadata
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, and IPv4-compatible; loopback is looked at first
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo, likewise
        "2002::/16",  # 6to4, likewise
        "fd00:ec2::/32",  # cloud metadata
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)


def parse_address(text: str) -> Address | None:
    """An address in its plain form, IPv4-mapped IPv6 as IPv4; ``None`` for a name."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePolicy:
    """Decides whether an address of the peer may be sent to."""

    allow_loopback: bool = False
    denied: tuple[Network, ...] = ()
    """More networks that are never sent to."""

    def admits(self, host: str) -> bool:
        """Whether this host, which must be an address, may be sent to."""
        address = parse_address(host)
        if address is None or (isinstance(address, IPv6Address) and address.scope_id):
            return False
        if address.is_loopback:
            return self.allow_loopback
        return not any(address in network for network in (*_NEVER, *self.denied))

    def refusal(self, candidate: Candidate) -> str | None:
        """Why a signalled candidate is not used, or ``None`` when it is.

        Names are not resolved: a browser's mDNS name (``.local``) hides an address that shows up
        by itself as peer-reflexive, and any other name would make us ask the DNS for the peer.
        """
        if candidate.protocol.lower() != "udp":
            return "not UDP"
        if candidate.component != 1:
            return "not for RTP with rtcp-mux"
        if candidate.type not in ("host", "srflx", "relay"):
            return "unknown type"
        if candidate.port == 0:
            return "no port"
        if parse_address(candidate.ip) is None:
            return "a name"
        return None if self.admits(candidate.ip) else "address not allowed"


def local_addresses(configured: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses to bind: the configured ones, or every one of this machine that leads out."""
    if configured:
        return configured
    return tuple(dict.fromkeys(_interface_addresses()))


def _interface_addresses() -> Iterator[str]:
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = parse_address(text)
            if address is not None and not address.is_loopback and not address.is_link_local:
                yield str(address)
