"""DTLS-SRTP on aiortc's transport: keys, identity, and media without detours (RFC 5764, RFC 8827).

The one module that touches aiortc's private names; ``tests/media/test_dtls_private.py`` has a test
for each. What is different from aiortc, and why: several fingerprints are read as RFC 8122 §5
says; SRTP does not pass through a queue, a task and aiortc's routing; the end of the association
is told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol, cast

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceTransport
from aiortc.rtcdtlstransport import (
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    State,
    certificate_digest,
)

from jinglebridge.errors import FailedTransport, SecurityError
from jinglebridge.media.identity import DtlsRole, usable_fingerprints
from jinglebridge.media.mux import Mux
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint

_VALID_FOR = timedelta(days=7)


class PacketSink(Protocol):
    """Takes authenticated, decrypted media."""

    def rtp_received(self, data: bytes, now: float) -> None:
        """An RTP packet, and the monotonic time in seconds."""

    def rtcp_received(self, data: bytes, now: float) -> None:
        """A compound RTCP packet, and the monotonic time in seconds."""


def generate_certificate() -> RTCCertificate:
    """A new ECDSA certificate, valid for 30 days."""
    return RTCCertificate.generateCertificate()


class Certificates:
    """The engine's certificate, a new one before the present one expires."""

    def __init__(self) -> None:
        self._current = generate_certificate()

    def current(self, now: datetime) -> RTCCertificate:
        """A certificate that stays valid for another week."""
        if self._current.expires - now < _VALID_FOR:
            self._current = generate_certificate()
        return self._current


def fingerprint_of(certificate: RTCCertificate) -> Fingerprint:
    """The certificate's SHA-256 digest, as it is signalled."""
    value = next(
        item.value for item in certificate.getFingerprints() if item.algorithm == "sha-256"
    )
    return Fingerprint(hash="sha-256", value=value)


class DtlsTransport(RTCDtlsTransport):
    """One DTLS association and the SRTP keyed by it.

    Args:
        mux: the way to the peer.
        certificate: ours.
        role: from the negotiated ``setup``; ICE's role, which may change, has no say in it.
        fingerprints: what the peer's certificate must match.
    """

    def __init__(
        self,
        *,
        mux: Mux,
        certificate: RTCCertificate,
        role: DtlsRole,
        fingerprints: tuple[Fingerprint, ...],
    ) -> None:
        super().__init__(cast(RTCIceTransport, mux), [certificate])
        self._mux = mux
        self._set_role(role.value)
        self._fingerprints = usable_fingerprints(fingerprints)
        self._identity_refused = False
        self._sink: PacketSink | None = None
        self._inbound: pylibsrtp.Session | None = None
        self._outbound: pylibsrtp.Session | None = None
        self._ended = asyncio.Event()
        self.packets_dropped = 0
        """Packets that failed authentication or could not be protected."""

    async def open(self, sink: PacketSink) -> None:
        """Do the handshake, then let media flow; the caller limits the time.

        Args:
            sink: takes media once the peer has proved its identity.

        Raises:
            SecurityError: the peer's certificate is not the one that was signalled.
            FailedTransport: the handshake failed.
        """
        if not self._fingerprints:
            raise SecurityError("no fingerprint of the peer to trust")
        await self.start(
            RTCDtlsParameters(
                fingerprints=[
                    RTCDtlsFingerprint(algorithm=item.hash, value=item.value)
                    for item in self._fingerprints
                ]
            )
        )
        if self._identity_refused:
            raise SecurityError("the peer's certificate does not match its fingerprint")
        if self._state is not State.CONNECTED:
            raise FailedTransport("the DTLS handshake failed")
        self._sink = sink
        self._inbound, self._outbound = self._rx_srtp, self._tx_srtp
        self._mux.deliver_srtp(self._unprotect)

    async def wait_ended(self) -> None:
        """Return when the peer has closed the association, or we have."""
        await self._ended.wait()

    async def close(self) -> None:
        """Tell the peer and end every task; may be called in any state and more than once."""
        self._mux.deliver_srtp(None)
        pump = self._task
        await self.stop()
        self._set_state(State.CLOSED)
        self._inbound = self._outbound = None
        if pump is not None:
            await asyncio.wait([pump])
            if not pump.cancelled():
                pump.exception()
        self.remove_all_listeners()

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send one RTP packet; dropped while there are no keys."""
        if self._outbound is not None:
            self._send_protected(packet, self._outbound.protect)

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send one compound RTCP packet; dropped while there are no keys."""
        if self._outbound is not None:
            self._send_protected(packet, self._outbound.protect_rtcp)

    def _send_protected(self, packet: bytes, protect: Callable[[bytes], bytes]) -> None:
        try:
            data = protect(packet)
        except (pylibsrtp.Error, ValueError):  # ValueError: longer than libsrtp's buffer
            self.packets_dropped += 1
            return
        self._mux.send(data)

    def _unprotect(self, data: bytes) -> None:
        session, sink = self._inbound, self._sink
        if session is None or sink is None or len(data) < 8:
            return
        try:
            if 192 <= data[1] <= 223:  # RFC 5761 §4
                packet, deliver = session.unprotect_rtcp(data), sink.rtcp_received
            else:
                packet, deliver = session.unprotect(data), sink.rtp_received
        except (pylibsrtp.Error, ValueError):
            self.packets_dropped += 1
            return
        deliver(packet, monotonic())

    # What aiortc calls.

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:  # noqa: N803 # aiortc's
        certificate = self._ssl.get_peer_certificate(as_cryptography=True) if self._ssl else None
        if certificate is not None:
            for item in self._fingerprints:
                if certificate_digest(certificate, item.hash.lower()) == item.value.upper():
                    return
        self._identity_refused = True
        self._set_state(State.FAILED)

    def _set_state(self, state: State) -> None:
        super()._set_state(state)
        if state in (State.CLOSED, State.FAILED):
            self._ended.set()
