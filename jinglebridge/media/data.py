"""Data channels that answer every message with itself, on aiortc's SCTP (RFC 8831, RFC 8832)."""

from contextlib import suppress

from aiortc import RTCDataChannel, RTCSctpTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities

from jinglebridge.media.dtls import DtlsTransport
from jinglebridge.media.plan import DataSection

_MAX_BUFFERED = 1 << 20
"""Bytes waiting to be sent; a peer that does not take its echo back gets no more of it."""
_MAX_CHANNELS = 16


class DataChannels:
    """The data channels of one transport.

    Args:
        dtls: what they run over.
        section: what was negotiated.
    """

    def __init__(self, dtls: DtlsTransport, section: DataSection) -> None:
        self._section = section
        self._sctp = RTCSctpTransport(dtls, port=section.local_port)
        self._sctp.on("datachannel", self._channel_opened)
        self._channels: list[RTCDataChannel] = []

    async def start(self) -> None:
        """Begin the association; channels follow when the peer opens them."""
        size = self._section.remote_max_message_size
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=size), self._section.remote_port)

    async def close(self) -> None:
        """End the association and its timers; may be called in any state and more than once."""
        await self._sctp.stop()
        self._sctp.remove_all_listeners()
        for channel in self._channels:
            channel.remove_all_listeners()
        self._channels.clear()

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if len(self._channels) >= _MAX_CHANNELS:
            channel.close()
            return
        self._channels.append(channel)

        def echo(message: str | bytes) -> None:
            if channel.readyState == "open" and channel.bufferedAmount < _MAX_BUFFERED:
                # A ValueError: longer than what the peer itself is willing to take.
                with suppress(ValueError):
                    channel.send(message)

        def forget() -> None:
            if channel in self._channels:
                self._channels.remove(channel)

        channel.on("message", echo)
        channel.on("close", forget)
