"""The media half of a service: which source's packets go to which sink.

A **source** is one stream that a peer sends, a **sink** one outgoing stream of a section, of the
same session or of another. A :class:`Program` learns of both as they come and go and connects
them; from then on packets, sender reports and key frame requests take the direct way and the
program sees none of them. A program that wants the packets themselves (to record them, to measure
them) connects a sink of its own; one that makes packets drives a sink as a source does.

Everything here is called synchronously with ``now``, a monotonic time in seconds.
"""

from typing import NamedTuple, Protocol

from jinglebridge.media.rtp.packet import Header
from jinglebridge.media.rtp.parameters import RtpSection


class SenderReport(NamedTuple):
    """When a source's timestamp was what on its sender's clock (RFC 3550 §6.4.1)."""

    ntp: int
    """The sender's wall clock in NTP format, 64 bits."""
    timestamp: int
    """The same instant as an RTP timestamp of the source."""
    received_at: float
    """When the report arrived, in seconds."""


class Source(Protocol):
    """One stream of media that comes in."""

    @property
    def section(self) -> RtpSection:
        """The section that it belongs to."""

    @property
    def ssrc(self) -> int:
        """Its identifier on the wire."""

    @property
    def rid(self) -> str | None:
        """Which encoding of a simulcast track it is (RFC 8852), if it says so."""

    @property
    def report(self) -> SenderReport | None:
        """The latest sender report."""

    def connect(self, sink: "Sink", now: float) -> None:
        """Give every further packet to this sink too; asks for a key frame of a video source.

        A sink has one source: connecting it to another one takes it away from the first.
        """

    def disconnect(self, sink: "Sink") -> None:
        """Give nothing more to this sink; nothing happens if it is not connected."""

    def request_key_frame(self, now: float) -> None:
        """Ask the sender for a key frame, now or as soon as the rate limit allows."""


class Sink(Protocol):
    """Takes one source's packets; an outgoing stream, or whatever a program makes of it."""

    @property
    def section(self) -> RtpSection:
        """The section that it sends in."""

    @property
    def source(self) -> Source | None:
        """The source that it is connected to."""

    def source_connected(self, source: Source, now: float) -> None:
        """From now on the packets are this source's; called by the source alone."""

    def source_disconnected(self, source: Source) -> None:
        """Nothing more comes from this source; called by the source alone."""

    def forward(self, data: bytes, sequence: int, header: Header, now: float) -> None:
        """Take one packet.

        Packets may come late and with gaps, each only once.

        Args:
            data: the whole RTP packet as the source sent it.
            sequence: its extended sequence number, which never wraps.
            header: where things are in it.
            now: when it arrived, in seconds.
        """

    def skip(self, sequence: int) -> None:
        """Learn that this sequence number carried padding alone, so that no gap is left."""


class Program(Protocol):
    """What happens to the media of one session."""

    def source_appeared(self, source: Source, now: float) -> None:
        """The first packet of a stream arrived and is about to be delivered."""

    def source_ended(self, source: Source, now: float) -> None:
        """The stream is gone for good; its sinks are already disconnected."""

    def sink_opened(self, sink: Sink, now: float) -> None:
        """The peer receives in a section, so something may be sent there."""

    def sink_closed(self, sink: Sink, now: float) -> None:
        """Nothing can be sent there any more; its source is already disconnected."""
