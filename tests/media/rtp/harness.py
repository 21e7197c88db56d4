"""A transport in virtual time between scripted peers; packets are read back by aiortc's parser."""

import struct
from collections.abc import Sequence

from aiortc.rtp import AnyRtcpPacket, RtcpPacket, RtcpReceiverInfo, RtcpRtpfbPacket, RtcpSdesPacket

from jinglebridge.media.program import Program
from jinglebridge.media.rtp.extensions import ABS_SEND_TIME, MID, REPAIRED_RID, RID, TRANSPORT_CC
from jinglebridge.media.rtp.packet import read_header
from jinglebridge.media.rtp.parameters import RtpCodec, RtpSection
from jinglebridge.media.rtp.transport import RtpTransport
from jinglebridge.media.rtp.twcc import TransportFeedback, parse_feedback
from jinglebridge.services.echo import EchoProgram

VIDEO, AUDIO = 0x1111, 0x2222
"""The peer's sources."""
VIDEO_RTX = 0x1112
OUR_VIDEO, OUR_VIDEO_RTX, OUR_AUDIO = 0xAAAA, 0xAAAB, 0xBBBB
VP8, VP8_RTX, OPUS = 96, 97, 111
X_AST, X_TWCC, X_MID, X_RID, X_RRID, X_LEVEL = 2, 3, 4, 10, 11, 1
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
EXTENSIONS = (
    (X_LEVEL, LEVEL),
    (X_AST, ABS_SEND_TIME),
    (X_TWCC, TRANSPORT_CC),
    (X_MID, MID),
    (X_RID, RID),
    (X_RRID, REPAIRED_RID),
)
FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})


def video_section(**changes: object) -> RtpSection:
    values: dict[str, object] = {
        "mid": "1",
        "kind": "video",
        "codecs": (
            RtpCodec(
                payload_type=VP8,
                name="vp8",
                clock_rate=90_000,
                feedback=FEEDBACK,
                rtx_payload_type=VP8_RTX,
            ),
        ),
        "header_extensions": EXTENSIONS,
        "remote_ssrcs": (VIDEO,),
        "remote_rtx": ((VIDEO, VIDEO_RTX),),
        "local_ssrc": OUR_VIDEO,
        "local_rtx_ssrc": OUR_VIDEO_RTX,
        "cname": "bridge",
        "sends": True,
        "receives": True,
    }
    return RtpSection(**(values | changes))  # type: ignore[arg-type]  # a test's keywords


def audio_section(**changes: object) -> RtpSection:
    values: dict[str, object] = {
        "mid": "0",
        "kind": "audio",
        "codecs": (
            RtpCodec(
                payload_type=OPUS,
                name="opus",
                clock_rate=48_000,
                feedback=frozenset({"transport-cc"}),
            ),
        ),
        "header_extensions": EXTENSIONS,
        "remote_ssrcs": (AUDIO,),
        "local_ssrc": OUR_AUDIO,
        "cname": "bridge",
        "sends": True,
        "receives": True,
    }
    return RtpSection(**(values | changes))  # type: ignore[arg-type]  # a test's keywords


def video_codec(*feedback: str, rtx: int | None = None) -> tuple[RtpCodec, ...]:
    return (
        RtpCodec(
            payload_type=VP8,
            name="vp8",
            clock_rate=90_000,
            feedback=frozenset(feedback),
            rtx_payload_type=rtx,
        ),
    )


def rtp(
    sequence: int,
    *,
    ssrc: int = VIDEO,
    payload_type: int = VP8,
    timestamp: int | None = None,
    payload: bytes | None = None,
    marker: bool = False,
    extensions: Sequence[tuple[int, bytes]] = (),
    two_byte: bool = False,
    padding: int = 0,
    csrcs: Sequence[int] = (),
) -> bytes:
    """An RTP packet; its payload names its sequence number unless given."""
    sequence &= 0xFFFF
    body = b""
    for identifier, value in extensions:
        if two_byte:
            body += bytes([identifier, len(value)]) + value
        else:
            body += bytes([identifier << 4 | len(value) - 1]) + value
    body += bytes(-len(body) % 4)
    block = struct.pack("!HH", 0x1000 if two_byte else 0xBEDE, len(body) // 4) + body
    return (
        struct.pack(
            "!BBHLL",
            0x80 | (0x20 if padding else 0) | (0x10 if extensions else 0) | len(csrcs),
            (0x80 if marker else 0) | payload_type,
            sequence,
            sequence * 3_000 & 0xFFFFFFFF if timestamp is None else timestamp,
            ssrc,
        )
        + b"".join(struct.pack("!L", csrc) for csrc in csrcs)
        + (block if extensions else b"")
        + (b"payload %d" % sequence if payload is None else payload)
        + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    )


def rtx(sequence: int, original: int, *, payload: bytes | None = None, **more: object) -> bytes:
    """A retransmission of what :func:`rtp` makes for ``original``."""
    body = b"payload %d" % (original & 0xFFFF) if payload is None else payload
    values: dict[str, object] = {
        "ssrc": VIDEO_RTX,
        "payload_type": VP8_RTX,
        "timestamp": (original & 0xFFFF) * 3_000 & 0xFFFFFFFF,
        "payload": struct.pack("!H", original & 0xFFFF) + body,
    }
    return rtp(sequence, **(values | more))  # type: ignore[arg-type]  # a test's keywords


class Packet:
    """What was sent, taken apart."""

    def __init__(self, data: bytes) -> None:
        header = read_header(data)
        assert header is not None
        self.data = data
        self.payload_type = data[1] & 0x7F
        self.marker = bool(data[1] & 0x80)
        self.sequence, self.timestamp, self.ssrc = struct.unpack_from("!HLL", data, 2)
        self.payload = data[header.payload_at : header.payload_end(data)]
        self.two_byte = header.two_byte
        self.extensions = {
            element.id: data[element.at : element.at + element.length]
            for element in header.elements
        }


class Bench:
    """One transport and the clock; what it sends is kept."""

    def __init__(
        self,
        *sections: RtpSection,
        program: Program | None = None,
        first: int = 1_000,
    ) -> None:
        self.now = 50.0
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.transport = RtpTransport(
            self.rtp.append,
            self.rtcp.append,
            program or EchoProgram(),
            random_bits=lambda bits: first,
        )
        self.transport.configure(sections, self.now)

    def receive(self, *packets: bytes) -> None:
        for data in packets:
            self.transport.rtp_received(data, self.now)

    def feed(self, *parts: object) -> None:
        """Receive a compound."""
        data = b"".join(bytes(part) for part in parts)  # type: ignore[call-overload]
        self.transport.rtcp_received(data, self.now)

    def run(self, seconds: float) -> None:
        """Let time pass in ticks of 20 ms."""
        for _ in range(round(seconds / 0.02)):
            self.now = round(self.now + 0.02, 6)
            self.transport.tick(self.now)

    def take(self) -> list[Packet]:
        """What was sent since the last time."""
        taken = [Packet(data) for data in self.rtp]
        self.rtp.clear()
        return taken

    def take_rtcp(self) -> list[AnyRtcpPacket | TransportFeedback]:
        taken: list[AnyRtcpPacket | TransportFeedback] = []
        for data in self.rtcp:
            if data[1] == 205 and data[0] & 0x1F == 15:
                taken.append(parse_feedback(data))
            else:
                taken += RtcpPacket.parse(data)
        self.rtcp.clear()
        return [part for part in taken if not isinstance(part, RtcpSdesPacket)]

    def nacked(self) -> list[int]:
        """The sequence numbers asked for since the last time."""
        return [
            sequence
            for part in self.take_rtcp()
            if isinstance(part, RtcpRtpfbPacket) and part.fmt == 1
            for sequence in part.lost
        ]


def report_block(ssrc: int, **changes: int) -> RtcpReceiverInfo:
    values = {
        "fraction_lost": 0,
        "packets_lost": 0,
        "highest_sequence": 0,
        "jitter": 0,
        "lsr": 0,
        "dlsr": 0,
    }
    return RtcpReceiverInfo(ssrc=ssrc, **(values | changes))
