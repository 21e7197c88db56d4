"""DTLS-SRTP between two transports on joined muxes."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiortc.rtcdtlstransport import certificate_digest

from jinglebridge.errors import FailedTransport, SecurityError
from jinglebridge.media.dtls import (
    Certificates,
    DtlsTransport,
    fingerprint_of,
    generate_certificate,
)
from jinglebridge.media.identity import DtlsRole, usable_fingerprints
from jinglebridge.media.mux import Mux
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint

pytestmark = pytest.mark.usefixtures("nothing_left")

RTP = bytes.fromhex("806000010000000100000001") + b"payload"
RTCP = bytes.fromhex("81c9000700000001") + bytes(24)


@dataclass
class Wire:
    """Carries one direction; a packet may be kept, doubled or lost."""

    mux: Mux
    sent: list[bytes] = field(default_factory=list)
    cut: bool = False

    def transmit(self, data: bytes) -> None:
        self.sent.append(data)
        if self.cut:
            return
        if 127 < data[0] < 192:
            self.mux.srtp_received(data)
        else:
            self.mux.dtls_received(data)


@dataclass
class Sink:
    rtp: list[bytes] = field(default_factory=list)
    rtcp: list[bytes] = field(default_factory=list)

    def rtp_received(self, data: bytes, now: float) -> None:
        self.rtp.append(data)

    def rtcp_received(self, data: bytes, now: float) -> None:
        self.rtcp.append(data)


class Pair:
    """Two ends that know each other's fingerprints, unless told others."""

    def __init__(
        self,
        *,
        client_sees: tuple[Fingerprint, ...] | None = None,
        server_sees: tuple[Fingerprint, ...] | None = None,
    ) -> None:
        self.certificates = (generate_certificate(), generate_certificate())
        muxes = (Mux(), Mux())
        self.wires = (Wire(muxes[1]), Wire(muxes[0]))
        for mux, wire in zip(muxes, self.wires, strict=True):
            mux.attach(wire)
        seen = (
            client_sees if client_sees is not None else (fingerprint_of(self.certificates[1]),),
            server_sees if server_sees is not None else (fingerprint_of(self.certificates[0]),),
        )
        self.client, self.server = (
            DtlsTransport(mux=mux, certificate=certificate, role=role, fingerprints=fingerprints)
            for mux, certificate, role, fingerprints in zip(
                muxes, self.certificates, (DtlsRole.CLIENT, DtlsRole.SERVER), seen, strict=True
            )
        )
        self.sinks = (Sink(), Sink())

    async def open(self) -> tuple[BaseException | None, BaseException | None]:
        async with asyncio.timeout(10):
            client, server = await asyncio.gather(
                self.client.open(self.sinks[0]),
                self.server.open(self.sinks[1]),
                return_exceptions=True,
            )
        return client, server

    async def close(self) -> None:
        await self.client.close()
        await self.server.close()


async def test_media_goes_both_ways() -> None:
    pair = Pair()
    assert await pair.open() == (None, None)
    pair.client.send_rtp(RTP)
    pair.client.send_rtcp(RTCP)
    pair.server.send_rtp(RTP + b"!")
    assert pair.sinks[1] == Sink([RTP], [RTCP])
    assert pair.sinks[0] == Sink([RTP + b"!"], [])
    assert all(RTP not in data for wire in pair.wires for data in wire.sent)
    await pair.close()


async def test_forged_repeated_and_oversized_packets_are_counted_not_delivered() -> None:
    pair = Pair()
    await pair.open()
    pair.client.send_rtp(RTP)
    protected = pair.wires[0].sent[-1]
    mux = pair.wires[0].mux
    for data in (
        protected,
        protected[:-1] + b"\x00",
        RTP,
        RTCP,
        b"\x80" * 3000,
        b"\x80\xc9" + bytes(8),
    ):
        mux.srtp_received(data)
    mux.srtp_received(b"\x80")
    assert pair.sinks[1] == Sink([RTP], [])
    assert pair.server.packets_dropped == 6
    pair.client.send_rtp(RTP[:4] + bytes(2000))
    assert pair.client.packets_dropped == 1
    await pair.close()


async def test_same_packet_may_be_sent_twice() -> None:
    pair = Pair()
    await pair.open()
    pair.client.send_rtp(RTP)
    pair.client.send_rtp(RTP)
    assert pair.client.packets_dropped == 0
    await pair.close()


def wrong(fingerprint: Fingerprint) -> Fingerprint:
    digits = "00" if fingerprint.value[:2] != "00" else "11"
    return replace(fingerprint, value=digits + fingerprint.value[2:])


async def test_wrong_fingerprint_is_refused_before_there_are_keys() -> None:
    other = fingerprint_of(generate_certificate())
    pair = Pair(client_sees=(other,))
    refused, _ = await pair.open()
    assert isinstance(refused, SecurityError)
    pair.server.send_rtp(RTP)
    pair.client.send_rtp(RTP)
    assert pair.sinks[0] == Sink()
    assert not any(127 < data[0] < 192 for data in pair.wires[0].sent)
    await pair.close()


@pytest.mark.parametrize(
    "given", [(), (Fingerprint(hash="sha-1", value=":".join(["00"] * 20)),)], ids=["none", "weak"]
)
async def test_fingerprint_that_proves_nothing_is_refused(given: tuple[Fingerprint, ...]) -> None:
    pair = Pair(client_sees=given)
    with pytest.raises(SecurityError):
        await pair.client.open(pair.sinks[0])
    assert pair.wires[0].sent == []
    await pair.close()


def digest(pair: Pair, name: str) -> Fingerprint:
    return Fingerprint(hash=name, value=certificate_digest(pair.certificates[1]._cert, name))


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
async def test_every_strong_digest_is_read_in_any_case(name: str) -> None:
    pair = Pair()
    right = digest(pair, name)
    pair.client._fingerprints = usable_fingerprints(
        (replace(right, hash=name.upper(), value=right.value.lower()),)
    )
    assert await pair.open() == (None, None)
    await pair.close()


async def test_one_of_several_certificates_is_enough() -> None:
    pair = Pair()
    right = digest(pair, "sha-256")
    pair.client._fingerprints = usable_fingerprints((wrong(right), right))
    assert await pair.open() == (None, None)
    await pair.close()


def test_best_digest_alone_counts() -> None:
    strong = Fingerprint(hash="sha-512", value="AA:BB")
    weaker = Fingerprint(hash="sha-256", value="CC:DD")
    assert usable_fingerprints((weaker, strong)) == (strong,)
    assert usable_fingerprints((Fingerprint(hash="md5", value="AA"),)) == ()


def test_certificate_is_renewed_in_time() -> None:
    certificates = Certificates()
    now = datetime.now(UTC)
    first = certificates.current(now)
    assert certificates.current(now + timedelta(days=20)) is first
    assert certificates.current(now + timedelta(days=24)) is not first


async def test_end_is_told_to_the_peer() -> None:
    pair = Pair()
    await pair.open()
    await pair.client.close()
    async with asyncio.timeout(5):
        await pair.server.wait_ended()
    await pair.close()


async def test_nothing_is_sent_or_taken_after_the_end() -> None:
    pair = Pair()
    await pair.open()
    pair.server.send_rtp(RTP)
    protected = pair.wires[1].sent[-1]
    await pair.client.close()
    count = len(pair.wires[0].sent)
    pair.client.send_rtp(RTP)
    pair.client.send_rtcp(RTCP)
    pair.wires[1].mux.srtp_received(protected)
    assert len(pair.wires[0].sent) == count
    assert pair.sinks[0].rtp == [RTP]
    await pair.close()


async def test_closed_mux_ends_a_handshake() -> None:
    pair = Pair()
    pair.wires[0].cut = True
    opening = asyncio.create_task(pair.client.open(pair.sinks[0]))
    await asyncio.sleep(0.05)
    pair.wires[1].mux.close()
    with pytest.raises(FailedTransport):
        await opening
    await pair.close()


async def test_lost_flight_is_sent_again() -> None:
    pair = Pair()
    pair.wires[0].cut = True
    opening = asyncio.create_task(pair.open())
    await asyncio.sleep(0.1)
    assert pair.wires[0].sent
    pair.wires[0].cut = False
    assert await opening == (None, None)
    await pair.close()


async def test_mux_keeps_a_bounded_number_of_datagrams() -> None:
    mux = Mux()
    for _ in range(1000):
        mux.dtls_received(b"\x16")
    assert mux._queue.qsize() == 64
    mux.send(b"lost: nobody is attached")
    mux.srtp_received(b"lost: nobody listens")
