"""One incoming stream and its retransmission stream: where their packets go, what they need."""

from collections.abc import Callable
from struct import Struct

from aiortc.rtp import RtcpReceiverInfo

from jinglebridge.media.program import SenderReport, Sink
from jinglebridge.media.rtp.congestion import TransportCc
from jinglebridge.media.rtp.extensions import TRANSPORT_CC, extension_id
from jinglebridge.media.rtp.keyframes import KeyFrameRequests
from jinglebridge.media.rtp.nack import FIRST_RETRY, build_nacks
from jinglebridge.media.rtp.packet import Header, HeaderReader
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.rtp.reception import NOT_WANTED, Reception
from jinglebridge.media.rtp.stats import SourceStats

_FIXED = Struct("!xBHL")
_HALF = Struct("!H")
_WORD = Struct("!L")


class IncomingStream:
    """A source of media; implements :class:`jinglebridge.media.program.Source`.

    Args:
        section: the section that it belongs to.
        ssrc: its identifier.
        rid: its RTP stream id, if it said one.
        send_rtcp: takes RTCP to its sender.
        transport_cc: notes the arrivals.
    """

    __slots__ = (
        "_clock_rates",
        "_key_frames",
        "_malformed",
        "_nacks",
        "_octets",
        "_reader",
        "_reception",
        "_report",
        "_rid",
        "_section",
        "_send_rtcp",
        "_sinks",
        "_ssrc",
        "_transport_cc",
        "_wants",
        "last_at",
        "round_trip",
    )

    def __init__(
        self,
        section: RtpSection,
        ssrc: int,
        rid: str | None,
        *,
        send_rtcp: Callable[[bytes], None],
        transport_cc: TransportCc,
    ) -> None:
        self._ssrc = ssrc
        self._rid = rid
        self._send_rtcp = send_rtcp
        self._transport_cc = transport_cc
        self.update(section)
        self._sinks: tuple[Sink, ...] = ()
        self._report: SenderReport | None = None
        self._reception = Reception()
        self._key_frames = KeyFrameRequests(ssrc)
        self._octets = self._nacks = self._malformed = 0
        self.last_at = 0.0
        """When its last packet arrived."""
        self.round_trip: float | None = None
        """To its sender, in seconds, as far as known."""

    def update(self, section: RtpSection) -> None:
        """Take over what was negotiated anew."""
        self._section = section
        self._reader = HeaderReader(extension_id(section, TRANSPORT_CC))
        self._clock_rates = {codec.payload_type: codec.clock_rate for codec in section.codecs}
        self._wants = frozenset[str]().union(*(codec.feedback for codec in section.codecs))

    @property
    def section(self) -> RtpSection:
        """The section that it belongs to."""
        return self._section

    @property
    def ssrc(self) -> int:
        """Its identifier on the wire."""
        return self._ssrc

    @property
    def rid(self) -> str | None:
        """Which encoding of a simulcast track it is, if it says so."""
        return self._rid

    @property
    def report(self) -> SenderReport | None:
        """The latest sender report."""
        return self._report

    @property
    def octets(self) -> int:
        """Octets of payload received, and of padding."""
        return self._octets

    def received(self, data: bytes, now: float) -> None:
        """Take a packet of at least 12 octets with this SSRC."""
        header = self._reader.read(data)
        if header is None:
            self._malformed += 1
            return
        if header.transport_cc_at:
            self._transport_cc.received(_HALF.unpack_from(data, header.transport_cc_at)[0], now)
        kind, sequence, timestamp = _FIXED.unpack_from(data)
        clock_rate = self._clock_rates.get(kind & 0x7F)
        if clock_rate is None:
            self._malformed += 1
            return
        self.last_at = now
        self._octets += len(data) - header.payload_at
        extended = self._reception.arrived(sequence, timestamp, clock_rate, now)
        if extended != NOT_WANTED:
            self._deliver(data, extended, header, now)

    def restore(self, sequence: int, data: bytes, header: Header, now: float) -> None:
        """Take a packet that was unwrapped from a retransmission."""
        extended = self._reception.restored(sequence, now)
        if extended != NOT_WANTED:
            self._deliver(data, extended, header, now)

    def _deliver(self, data: bytes, extended: int, header: Header, now: float) -> None:
        end = header.payload_end(data) if header.padded else len(data)
        if end > header.payload_at:
            for sink in self._sinks:
                sink.forward(data, extended, header, now)
        elif end == header.payload_at:
            for sink in self._sinks:
                sink.skip(extended)
        else:
            self._malformed += 1

    def connect(self, sink: Sink, now: float) -> None:
        """Give every further packet to this sink too; asks for a key frame of a video source."""
        if sink.source is not None:
            sink.source.disconnect(sink)
        self._sinks += (sink,)
        sink.source_connected(self, now)
        self.request_key_frame(now)

    def disconnect(self, sink: Sink) -> None:
        """Give nothing more to this sink."""
        if sink in self._sinks:
            self._sinks = tuple(item for item in self._sinks if item is not sink)
            sink.source_disconnected(self)

    def end(self) -> None:
        """Disconnect every sink."""
        for sink in self._sinks:
            self.disconnect(sink)

    def request_key_frame(self, now: float) -> None:
        """Ask the sender for a key frame, now or as soon as the rate limit allows."""
        if self._section.kind == "video":
            self._key_frames.want()
            self._ask_for_key_frame(now)

    def _ask_for_key_frame(self, now: float) -> None:
        request = self._key_frames.due(self._section.local_ssrc, self._wants, now)
        if request is not None:
            self._send_rtcp(request)

    def tick(self, now: float) -> None:
        """Ask for what is missing; called every 20 ms."""
        reception = self._reception
        if reception.overrun:
            reception.overrun = False
            self.request_key_frame(now)
        if reception.missing:
            missing = reception.missing.due(now, self.round_trip or FIRST_RETRY)
            if missing and "nack" in self._wants:
                self._nacks += len(missing)
                for nack in build_nacks(self._section.local_ssrc, self._ssrc, missing):
                    self._send_rtcp(nack)
        self._ask_for_key_frame(now)

    def report_received(self, ntp: int, timestamp: int, now: float) -> None:
        """Take the sender's report."""
        self._report = SenderReport(ntp, timestamp, now)

    def report_block(self, now: float) -> RtcpReceiverInfo:
        """What to report about it."""
        if self._report is None:
            return self._reception.report(self._ssrc, 0, 0)
        since = int((now - self._report.received_at) * 0x1_0000)
        return self._reception.report(self._ssrc, self._report.ntp >> 16 & 0xFFFF_FFFF, since)

    def stats(self) -> SourceStats:
        """What came in so far."""
        reception = self._reception
        return SourceStats(
            mid=self._section.mid,
            kind=self._section.kind,
            ssrc=self._ssrc,
            rid=self._rid,
            packets=reception.packets,
            octets=self._octets,
            lost=reception.lost,
            recovered=reception.recovered,
            duplicates=reception.duplicates,
            jitter=reception.jitter,
            nacks=self._nacks,
            key_frame_requests=self._key_frames.sent,
            malformed=self._malformed,
        )


class RetransmissionStream:
    """The RTX stream of a source (RFC 4588 §4): what is missing goes on as if it were never lost.

    Browsers also probe the path with copies of what arrived and with empty packets; those end here.
    """

    __slots__ = ("_originals", "_reader", "_transport_cc", "last_at", "source")

    def __init__(self, source: IncomingStream, transport_cc: TransportCc) -> None:
        self._transport_cc = transport_cc
        self.source = source
        """Whose packets it repeats."""
        self.last_at = 0.0
        """When its last packet arrived."""
        self.update(source.section)

    def update(self, section: RtpSection) -> None:
        """Take over what was negotiated anew."""
        self._reader = HeaderReader(extension_id(section, TRANSPORT_CC))
        self._originals = {
            codec.rtx_payload_type: codec.payload_type
            for codec in section.codecs
            if codec.rtx_payload_type is not None
        }

    def received(self, data: bytes, now: float) -> None:
        """Take a packet of at least 12 octets with its SSRC."""
        header = self._reader.read(data)
        if header is None:
            return
        self.last_at = now
        if header.transport_cc_at:
            self._transport_cc.received(_HALF.unpack_from(data, header.transport_cc_at)[0], now)
        start = header.payload_at
        original = self._originals.get(data[1] & 0x7F)
        if original is None or header.payload_end(data) < start + 2:
            return
        packet = bytearray(data)
        packet[1] = data[1] & 0x80 | original
        packet[2:4] = data[start : start + 2]
        _WORD.pack_into(packet, 8, self.source.ssrc)
        del packet[start : start + 2]
        self.source.restore(_HALF.unpack_from(packet, 2)[0], bytes(packet), header, now)
