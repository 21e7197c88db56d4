"""RTP and RTCP of one transport: bytes and the time go in, bytes come out.

The owner calls :meth:`RtpTransport.rtp_received` and :meth:`RtpTransport.rtcp_received` with what
SRTP has decrypted, and :meth:`RtpTransport.tick` every 20 ms. No data of the peer's makes any of
them raise: what breaks the rules is dropped and counted. The two callables are called from inside
these methods and must not call back.

SRTP must let a packet be sent twice (``allow_repeat_tx``): where RTX was not negotiated, a lost
packet is repeated octet by octet.
"""

import secrets
from collections.abc import Callable

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from jinglebridge.media.program import Program
from jinglebridge.media.rtp.congestion import TransportCc
from jinglebridge.media.rtp.demultiplexing import Demultiplexer
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.rtp.reporting import Reporter
from jinglebridge.media.rtp.rtcp import RtcpPart, read_compound, read_firs
from jinglebridge.media.rtp.sink import OutgoingStream
from jinglebridge.media.rtp.source import IncomingStream, RetransmissionStream
from jinglebridge.media.rtp.stats import TransportStats
from jinglebridge.media.rtp.twcc import TransportFeedback

STREAMS = 64
"""Most incoming streams of one transport, retransmission streams among them."""
IDLE = 5.0
"""Seconds without a packet after which a stream makes room for another one."""


class RtpTransport:
    """Forwards the media of the sections that share one transport.

    Args:
        send_rtp: takes each RTP packet for the peer.
        send_rtcp: takes each RTCP compound for the peer.
        program: decides where packets go; told of every source and sink.
        transport_cc: the numbering that the transports of one peer connection share; one of its
            own by default.
        random_bits: returns that many random bits.
    """

    def __init__(
        self,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
        program: Program,
        *,
        transport_cc: TransportCc | None = None,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._program = program
        self._transport_cc = transport_cc or TransportCc()
        self._random_bits = random_bits
        self._sections: dict[str, RtpSection] = {}
        self._demultiplexer = Demultiplexer()
        self._streams: dict[int, IncomingStream | RetransmissionStream] = {}
        self._sinks: dict[str, OutgoingStream] = {}
        self._sinks_by_ssrc: dict[int, OutgoingStream] = {}
        self._reporter = Reporter()
        self._malformed = self._unrouted = self._feedbacks = 0
        self._remb: int | None = None
        self._now = 0.0

    def configure(self, sections: tuple[RtpSection, ...], now: float) -> None:
        """Take what was negotiated, at first or anew; streams of a section that stays go on.

        Args:
            sections: all RTP sections in use on this transport.
            now: the time, in seconds.
        """
        self._now = now
        self._sections = {section.mid: section for section in sections}
        self._demultiplexer = Demultiplexer(sections)
        for ssrc, stream in list(self._streams.items()):
            section = self._sections.get(_section_of(stream).mid)
            if section is None or not section.receives:
                self._end_stream(ssrc, now)
            elif isinstance(stream, IncomingStream):
                stream.update(section)
        for stream in self._streams.values():
            if isinstance(stream, RetransmissionStream):
                stream.update(stream.source.section)
        for mid, sink in list(self._sinks.items()):
            section = self._sections.get(mid)
            if section is None or not section.sends or not _same_stream(sink.section, section):
                self._close_sink(mid, now)
            else:
                sink.update(section)
        for section in sections:
            if section.sends and section.mid not in self._sinks:
                self._open_sink(section, now)

    def _open_sink(self, section: RtpSection, now: float) -> None:
        sink = OutgoingStream(
            section,
            send_rtp=self._send_rtp,
            transport_cc=self._transport_cc,
            random_bits=self._random_bits,
        )
        self._sinks[section.mid] = sink
        self._sinks_by_ssrc[section.local_ssrc] = sink
        self._program.sink_opened(sink, now)

    def _close_sink(self, mid: str, now: float) -> None:
        sink = self._sinks.pop(mid)
        self._sinks_by_ssrc.pop(sink.section.local_ssrc, None)
        if sink.source is not None:
            sink.source.disconnect(sink)
        self._program.sink_closed(sink, now)

    def _end_stream(self, ssrc: int, now: float) -> None:
        stream = self._streams.pop(ssrc, None)
        if isinstance(stream, IncomingStream):
            for other, repeating in list(self._streams.items()):
                if isinstance(repeating, RetransmissionStream) and repeating.source is stream:
                    del self._streams[other]
            stream.end()
            self._program.source_ended(stream, now)

    def rtp_received(self, data: bytes, now: float) -> None:
        """Take one decrypted RTP packet.

        Args:
            data: the packet.
            now: when it arrived, in seconds.
        """
        if len(data) < 12 or data[0] >> 6 != 2:
            self._malformed += 1
            return
        stream = self._streams.get(int.from_bytes(data[8:12], "big")) or self._bind(data, now)
        if stream is not None:
            stream.received(data, now)

    def _bind(self, data: bytes, now: float) -> IncomingStream | RetransmissionStream | None:
        """Find the stream that begins with this packet, make it, and tell the program."""
        ssrc = int.from_bytes(data[8:12], "big")
        binding = self._demultiplexer.bind(ssrc, data)
        if binding is None or not self._make_room(now):
            self._unrouted += 1
            return None
        if binding.retransmits:
            source = self._repeated(ssrc, binding.section.mid, binding.rid)
            if source is None:
                self._unrouted += 1
                return None
            repeating = RetransmissionStream(source, self._transport_cc)
            self._streams[ssrc] = repeating
            return repeating
        stream = IncomingStream(
            binding.section,
            ssrc,
            binding.rid,
            send_rtcp=self._send_rtcp,
            transport_cc=self._transport_cc,
        )
        stream.last_at = now
        self._streams[ssrc] = stream
        self._program.source_appeared(stream, now)
        return stream

    def _make_room(self, now: float) -> bool:
        if len(self._streams) < STREAMS:
            return True
        ssrc, oldest = min(self._streams.items(), key=lambda item: item[1].last_at)
        if now - oldest.last_at < IDLE:
            return False
        self._end_stream(ssrc, now)
        return True

    def _repeated(self, ssrc: int, mid: str, rid: str | None) -> IncomingStream | None:
        """The source that a retransmission stream belongs to."""
        signalled = self._demultiplexer.primary_of(ssrc)
        if signalled is not None:
            primary = self._streams.get(signalled)
            return primary if isinstance(primary, IncomingStream) else None
        sources = [item for item in self._sources() if item.section.mid == mid and item.rid == rid]
        return sources[-1] if sources else None

    def _sources(self) -> list[IncomingStream]:
        return [item for item in self._streams.values() if isinstance(item, IncomingStream)]

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Take one decrypted RTCP compound.

        Args:
            data: the compound.
            now: when it arrived, in seconds.
        """
        try:
            parts = read_compound(data)
        except ValueError:
            self._malformed += 1
            return
        for part in parts:
            self._take(part, now)

    def _take(self, part: RtcpPart, now: float) -> None:
        if isinstance(part, TransportFeedback):
            self._feedbacks += 1
        elif isinstance(part, RtcpRtpfbPacket):
            sink = self._sinks_by_ssrc.get(part.media_ssrc)
            if sink is not None:
                sink.repeat(part.lost, now)
        elif isinstance(part, RtcpPsfbPacket):
            self._take_payload_feedback(part, now)
        elif isinstance(part, RtcpByePacket):
            for ssrc in part.sources:
                self._end_stream(ssrc, now)
        else:
            if isinstance(part, RtcpSrPacket):
                stream = self._streams.get(part.ssrc)
                if isinstance(stream, IncomingStream):
                    info = part.sender_info
                    stream.report_received(info.ntp_timestamp, info.rtp_timestamp, now)
            self._take_reports(part, now)

    def _take_payload_feedback(self, part: RtcpPsfbPacket, now: float) -> None:
        wanted: list[int] = []
        if part.fmt == RTCP_PSFB_PLI:
            wanted.append(part.media_ssrc)
        elif part.fmt == RTCP_PSFB_FIR:
            wanted += (ssrc for ssrc, _ in read_firs(part))
        elif part.fmt == RTCP_PSFB_APP:
            self._take_remb(part)
        for ssrc in wanted:
            sink = self._sinks_by_ssrc.get(ssrc)
            if sink is not None:
                sink.request_key_frame(now)

    def _take_remb(self, part: RtcpPsfbPacket) -> None:
        if part.fci[:4] == b"REMB" and len(part.fci) >= 8:
            self._remb = unpack_remb_fci(part.fci[:4] + b"\0" + part.fci[5:])[0]

    def _take_reports(self, part: RtcpSrPacket | RtcpRrPacket, now: float) -> None:
        blocks: list[RtcpReceiverInfo] = part.reports
        for block in blocks:
            sink = self._sinks_by_ssrc.get(block.ssrc)
            if sink is not None:
                sink.report_received(block, now)
                for source in self._sources():
                    source.round_trip = sink.round_trip

    def tick(self, now: float) -> None:
        """Send what is due: NACKs, key frame requests, feedback, reports. Call it every 20 ms.

        Args:
            now: the time, in seconds.
        """
        self._now = now
        sources = self._sources()
        for source in sources:
            source.tick(now)
        for sink in self._sinks.values():
            sink.tick()
        if sources and self._transport_cc.is_due(now):
            source = max(sources, key=lambda item: item.last_at)
            for feedback in self._transport_cc.feedback(
                source.section.local_ssrc, source.ssrc, now
            ):
                self._send_rtcp(feedback)
        for compound in self._reporter.due(self._sections, sources, self._sinks, now):
            self._send_rtcp(compound)

    def close(self) -> None:
        """End every stream and tell the program; may be called more than once."""
        self.configure((), self._now)

    def stats(self) -> TransportStats:
        """What went through so far."""
        return TransportStats(
            sources=tuple(source.stats() for source in self._sources()),
            sinks=tuple(sink.stats() for sink in self._sinks.values()),
            malformed=self._malformed,
            unrouted=self._unrouted,
            feedbacks=self._feedbacks,
            remb=self._remb,
        )


def _section_of(stream: IncomingStream | RetransmissionStream) -> RtpSection:
    return stream.section if isinstance(stream, IncomingStream) else stream.source.section


def _same_stream(before: RtpSection, after: RtpSection) -> bool:
    return (before.local_ssrc, before.local_rtx_ssrc) == (after.local_ssrc, after.local_rtx_ssrc)
