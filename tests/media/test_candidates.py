"""Which addresses of a peer are sent to, and which of ours are offered."""

import re
from dataclasses import replace
from ipaddress import ip_network

import pytest

from jinglebridge.media.candidates import CandidatePolicy, local_addresses, parse_address
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.jingle.xep_0176 import Candidate

CANDIDATE = Candidate(
    component=1,
    foundation="1",
    ip="192.0.2.1",
    port=5000,
    priority=1,
    protocol="udp",
    type="host",
)

DENIED = re.findall(
    r"\S+",
    """
    127.0.0.1 127.8.9.10 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 0.0.0.0 0.1.2.3 ::
    ::ffff:0.0.0.0 169.254.169.254 169.254.0.1 ::ffff:169.254.169.254 fd00:ec2::254
    100.100.100.200 192.0.0.192 168.63.129.16 224.0.0.1 239.255.255.250 255.255.255.255
    240.0.0.1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2001:db8::1%eth0 64:ff9b::7f00:1
    64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 ::127.0.0.1 localhost example.org
    metadata.internal 3077a82d-83f2-48a7-b246-259bd931264f.local 1.2.3 0x7f.1 2130706433
    [::1]
""",
)
ADMITTED = re.findall(
    r"\S+",
    """
    192.0.2.1 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 8.8.8.8 2001:db8::1 fd00::1
""",
)


@pytest.mark.parametrize("host", DENIED)
def test_denied(host: str) -> None:
    assert not CandidatePolicy().admits(host)
    assert CandidatePolicy().refusal(replace(CANDIDATE, ip=host)) is not None


@pytest.mark.parametrize("host", [*ADMITTED, "::ffff:192.0.2.1"])
def test_admitted(host: str) -> None:
    assert CandidatePolicy().admits(host)
    assert CandidatePolicy().refusal(replace(CANDIDATE, ip=host)) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_when_it_is_wanted(host: str) -> None:
    assert CandidatePolicy(allow_loopback=True).admits(host)
    assert not CandidatePolicy(allow_loopback=True).admits("0.1.2.3")


def test_operators_own_networks() -> None:
    policy = CandidatePolicy(denied=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    assert not policy.admits("10.1.2.3")
    assert not policy.admits("::ffff:10.1.2.3")
    assert not policy.admits("fd00::1")
    assert policy.admits("192.0.2.1")


@pytest.mark.parametrize(
    "change",
    [{"protocol": "tcp"}, {"component": 2}, {"type": "prflx"}, {"type": "x"}, {"port": 0}],
)
def test_candidates_of_no_use(change: dict[str, object]) -> None:
    assert CandidatePolicy().refusal(replace(CANDIDATE, **change)) is not None  # type: ignore[arg-type]  # one of its fields


def test_upper_case_udp_is_udp() -> None:
    assert CandidatePolicy().refusal(replace(CANDIDATE, protocol="UDP")) is None


def test_mapped_addresses_become_ipv4() -> None:
    assert str(parse_address("::ffff:192.0.2.1")) == "192.0.2.1"
    assert parse_address("example.org") is None


def test_local_addresses_lead_out() -> None:
    for host in local_addresses(()):
        address = parse_address(host)
        assert address is not None
        assert not address.is_loopback
        assert not address.is_link_local
    assert local_addresses(("127.0.0.1", "::1")) == ("127.0.0.1", "::1")


@pytest.mark.parametrize("address", ["localhost", "0.0.0.0", "::", "eth0", ""])  # noqa: S104 refused
def test_bind_address_must_be_one(address: str) -> None:
    with pytest.raises(ValueError, match="an address is needed"):
        MediaSettings(bind_addresses=("127.0.0.1", address))


@pytest.mark.parametrize(("low", "high"), [(5, 4), (-1, 4), (1, 65_536), (0, 5)])
def test_port_range_must_be_one(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="port range"):
        MediaSettings(port_min=low, port_max=high)
