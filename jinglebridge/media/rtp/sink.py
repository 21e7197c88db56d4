"""One outgoing stream: numbers its packets, keeps them for a while, repeats them when asked."""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import cast

from aiortc.rtp import RtcpReceiverInfo, RtcpSenderInfo

from jinglebridge.media.program import Source
from jinglebridge.media.rtp.congestion import TransportCc
from jinglebridge.media.rtp.extensions import MID, TRANSPORT_CC, extension_id
from jinglebridge.media.rtp.history import History
from jinglebridge.media.rtp.numbering import Numbering
from jinglebridge.media.rtp.packet import Header, add_element, read_header
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.rtp.rewriting import Rewriting, plan_rewriting
from jinglebridge.media.rtp.stats import SinkStats

_HALF = Struct("!H")
_WORD = Struct("!L")
_LAYOUTS = 16
_REPETITIONS_PER_TICK = 64
_REPORTS = 8
_LEAST_REPEAT, _MOST_REPEAT = 0.010, 0.020


class OutgoingStream:
    """What we send in a section; implements :class:`jinglebridge.media.program.Sink`.

    Args:
        section: the section.
        send_rtp: takes packets to the peer.
        transport_cc: numbers them.
        random_bits: returns that many random bits, for the first sequence numbers.
    """

    __slots__ = (
        "_answers_nack",
        "_fraction_lost",
        "_history",
        "_lost",
        "_mid",
        "_mid_id",
        "_numbering",
        "_octets",
        "_packets",
        "_plans",
        "_repetitions",
        "_reports",
        "_retransmitted",
        "_round_trip",
        "_rtx_sequence",
        "_rtx_types",
        "_section",
        "_send_rtp",
        "_sent_types",
        "_source",
        "_ssrc",
        "_transport_cc",
        "_transport_cc_id",
        "_unanswered",
    )

    def __init__(
        self,
        section: RtpSection,
        *,
        send_rtp: Callable[[bytes], None],
        transport_cc: TransportCc,
        random_bits: Callable[[int], int],
    ) -> None:
        self._send_rtp = send_rtp
        self._transport_cc = transport_cc
        # The upper half stays free: SRTP's rollover counter is guessed wrong when the first
        # packets are lost just before a wrap (RFC 3711 §3.3.1).
        self._numbering = Numbering(random_bits(15))
        self._rtx_sequence = random_bits(15)
        self._history = History()
        self._source: Source | None = None
        self._packets = self._octets = 0
        self._retransmitted = self._unanswered = self._repetitions = 0
        self._fraction_lost = 0.0
        self._lost = 0
        self._round_trip: float | None = None
        self._reports: dict[int, float] = {}
        self.update(section)

    def update(self, section: RtpSection) -> None:
        """Take over what was negotiated anew."""
        self._section = section
        self._ssrc = _WORD.pack(section.local_ssrc)
        self._plans: dict[Header, Rewriting] = {}
        self._mid = section.mid.encode()
        self._mid_id = extension_id(section, MID)
        self._transport_cc_id = extension_id(section, TRANSPORT_CC)
        self._answers_nack = any("nack" in codec.feedback for codec in section.codecs)
        self._sent_types = {
            codec.payload_type: codec.sent_type
            for codec in section.codecs
            if codec.sent_type is not None
        }
        self._rtx_types = dict(_rtx_types(section)) if section.local_rtx_ssrc is not None else {}

    @property
    def section(self) -> RtpSection:
        """The section that it sends in."""
        return self._section

    @property
    def source(self) -> Source | None:
        """The source that it is connected to."""
        return self._source

    @property
    def round_trip(self) -> float | None:
        """To the peer and back, in seconds, once known."""
        return self._round_trip

    def source_connected(self, source: Source, now: float) -> None:
        """From now on the packets are this source's."""
        self._source = source
        self._plans.clear()
        self._numbering.begin(self._section.codecs[0].clock_rate if self._section.codecs else 0)

    def source_disconnected(self, source: Source) -> None:
        """Nothing more comes from this source."""
        self._source = None

    def forward(self, data: bytes, sequence: int, header: Header, now: float) -> None:
        """Send one packet on, as soon as it comes."""
        number = self._numbering.number(sequence, data, now)
        if number < 0:
            return
        plan = self._plans.get(header)
        if plan is None:
            plan = self._plan(header)
        packet = bytearray(data)
        if self._sent_types:
            packet[1] = data[1] & 0x80 | self._sent_types.get(data[1] & 0x7F, data[1] & 0x7F)
        _HALF.pack_into(packet, 2, number)
        packet[8:12] = self._ssrc
        if self._numbering.timestamp_offset:
            timestamp = _WORD.unpack_from(data, 4)[0] + self._numbering.timestamp_offset
            _WORD.pack_into(packet, 4, timestamp & 0xFFFF_FFFF)
        for start, end, octets in plan.patches:
            packet[start:end] = octets
        if plan.transport_cc_at:
            _HALF.pack_into(packet, plan.transport_cc_at, self._transport_cc.next_sequence())
        if plan.abs_send_time_at:
            at = plan.abs_send_time_at
            packet[at : at + 3] = (int(now * 0x4_0000) & 0xFF_FFFF).to_bytes(3, "big")
        if plan.adds_mid:
            add_element(packet, header, self._mid_id, self._mid)
        sent = bytes(packet)
        self._packets += 1
        self._octets += len(data) - header.payload_at
        if self._answers_nack:
            self._history.add(number, sent)
        self._send_rtp(sent)

    def _plan(self, header: Header) -> Rewriting:
        if len(self._plans) >= _LAYOUTS:
            self._plans.clear()
        source = self._section if self._source is None else self._source.section
        plan = self._plans[header] = plan_rewriting(header, source, self._section)
        return plan

    def skip(self, sequence: int) -> None:
        """Close the gap that a packet of padding would leave."""
        self._numbering.skip(sequence)

    def tick(self) -> None:
        """Allow repetitions again; called every 20 ms."""
        self._repetitions = 0

    def request_key_frame(self, now: float) -> None:
        """Pass the peer's wish for a key frame on to the source."""
        if self._source is not None:
            self._source.request_key_frame(now)

    def repeat(self, sequences: list[int], now: float) -> None:
        """Send again what the peer misses.

        Args:
            sequences: our 16-bit sequence numbers.
            now: the time, in seconds.
        """
        interval = min(max(self._round_trip or 0.0, _LEAST_REPEAT), _MOST_REPEAT)
        for sequence in sequences:
            if self._repetitions >= _REPETITIONS_PER_TICK:
                return
            packet = self._history.get(sequence & 0xFFFF)
            if packet is None:
                self._unanswered += 1
            elif self._history.may_repeat(sequence & 0xFFFF, interval, now):
                self._repetitions += 1
                self._retransmitted += 1
                payload_type = self._rtx_types.get(packet[1] & 0x7F)
                # Without RTX it has to be the same octets: another packet under the same number
                # would use SRTP's key stream twice.
                self._send_rtp(packet if payload_type is None else self._wrap(packet, payload_type))

    def _wrap(self, data: bytes, payload_type: int) -> bytes:
        """Make an RTX packet (RFC 4588 §4); with the MID, which Firefox wants to see in each."""
        header = cast(Header, read_header(data))  # it is our own packet
        packet = bytearray(data)
        packet[header.payload_at : header.payload_at] = data[2:4]
        element = header.element(self._transport_cc_id) if self._transport_cc_id else None
        if element is not None and element.length == 2:
            _HALF.pack_into(packet, element.at, self._transport_cc.next_sequence())
        if self._mid_id and header.element(self._mid_id) is None:
            add_element(packet, header, self._mid_id, self._mid)
        packet[1] = data[1] & 0x80 | payload_type
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        _HALF.pack_into(packet, 2, self._rtx_sequence)
        _WORD.pack_into(packet, 8, self._section.local_rtx_ssrc)
        return bytes(packet)

    def report(self, now: float) -> RtcpSenderInfo | None:
        """What to report about it; ``None`` as long as the source's clock is not known.

        Its sender's clock goes on from the sender's latest report, so that all streams of one
        sender stay on one clock and in step with each other.
        """
        report = self._source.report if self._source is not None else None
        if self._source is None or report is None or not self._numbering.began:
            return None
        passed = now - report.received_at
        codecs = self._source.section.codecs
        elapsed = int(passed * codecs[0].clock_rate) if codecs else 0
        ntp = (report.ntp + int(passed * 0x1_0000_0000)) & 0xFFFF_FFFF_FFFF_FFFF
        self._reports[ntp >> 16 & 0xFFFF_FFFF] = now
        while len(self._reports) > _REPORTS:
            del self._reports[next(iter(self._reports))]
        return RtcpSenderInfo(
            ntp_timestamp=ntp,
            rtp_timestamp=(report.timestamp + elapsed + self._numbering.timestamp_offset)
            & 0xFFFF_FFFF,
            packet_count=self._packets & 0xFFFF_FFFF,
            octet_count=self._octets & 0xFFFF_FFFF,
        )

    def report_received(self, block: RtcpReceiverInfo, now: float) -> None:
        """Take the peer's report about what it received."""
        self._fraction_lost = block.fraction_lost / 256
        self._lost = block.packets_lost
        sent_at = self._reports.get(block.lsr)
        if sent_at is not None:
            self._round_trip = max(0.0, now - sent_at - block.dlsr / 0x1_0000)

    def stats(self) -> SinkStats:
        """What went out so far."""
        return SinkStats(
            mid=self._section.mid,
            kind=self._section.kind,
            ssrc=self._section.local_ssrc,
            packets=self._packets,
            octets=self._octets,
            retransmitted=self._retransmitted,
            unanswered=self._unanswered,
            fraction_lost=self._fraction_lost,
            lost=self._lost,
            round_trip=self._round_trip,
        )


def _rtx_types(section: RtpSection) -> Iterator[tuple[int, int]]:
    """For the payload types that we send, what their retransmissions say."""
    for codec in section.codecs:
        repeated = codec.rtx_payload_type if codec.sent_rtx_type is None else codec.sent_rtx_type
        if repeated is not None:
            yield codec.payload_type if codec.sent_type is None else codec.sent_type, repeated
