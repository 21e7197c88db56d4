"""What stands between one DTLS transport and the ICE connection under it.

aiortc's DTLS expects an ICE transport here and holds on to it for life; the mux stays while the
connection may be exchanged.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

_MAX_QUEUED = 64
"""Unread DTLS datagrams; more are dropped, which DTLS repairs."""


class DatagramSender(Protocol):
    """The connection under the mux, for sending."""

    def transmit(self, data: bytes) -> None:
        """Send one datagram to the peer, or lose it."""


class Mux:
    """Carries datagrams between ICE and DTLS; SRTP goes straight to its receiver.

    ``role``, ``state``, ``_recv`` and ``_send`` are what aiortc's ``RTCDtlsTransport`` uses.
    """

    role = "controlled"  # never asked for: the DTLS role is set before the start

    def __init__(self) -> None:
        self.state = "completed"
        self._connection: DatagramSender | None = None
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._srtp: Callable[[bytes], None] | None = None

    def attach(self, connection: DatagramSender | None) -> None:
        """Send through this connection from now on, or through none."""
        self._connection = connection

    def deliver_srtp(self, receiver: Callable[[bytes], None] | None) -> None:
        """Hand SRTP packets to this receiver from now on; without one they are dropped."""
        self._srtp = receiver

    def dtls_received(self, data: bytes) -> None:
        """Queue a DTLS datagram for the handshake or the data channels."""
        if self._queue.qsize() < _MAX_QUEUED:
            self._queue.put_nowait(data)

    def srtp_received(self, data: bytes) -> None:
        """Pass an SRTP or SRTCP packet on."""
        if self._srtp is not None:
            self._srtp(data)

    def send(self, data: bytes) -> None:
        """Send one datagram to the peer, or lose it."""
        if self._connection is not None:
            self._connection.transmit(data)

    def close(self) -> None:
        """Let a waiting DTLS transport see the end."""
        self.state = "closed"
        self._connection = None
        self._srtp = None
        self._queue.put_nowait(None)

    async def _recv(self) -> bytes:
        data = await self._queue.get()
        if data is None:
            raise ConnectionError("the transport is closed")
        return data

    async def _send(self, data: bytes) -> None:
        self.send(data)
