"""RTCP compounds (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3.1), on aiortc's packet types.

aiortc's own reader of compounds takes every transport feedback for a NACK and refuses reports with
profile-specific extensions, so the compound is taken apart here and only its parts are given to
aiortc.
"""

from collections.abc import Iterator
from struct import Struct

from aiortc.rtp import (
    RTCP_BYE,
    RTCP_PSFB,
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RR,
    RTCP_RTPFB,
    RTCP_RTPFB_NACK,
    RTCP_SR,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

from jinglebridge.media.rtp import twcc

RtcpPart = (
    RtcpSrPacket
    | RtcpRrPacket
    | RtcpByePacket
    | RtcpRtpfbPacket
    | RtcpPsfbPacket
    | twcc.TransportFeedback
)

REPORT_BLOCKS = 31
"""Report blocks that fit in one report (RFC 3550 §6.4.1)."""
COMPOUND = 1_200
"""Octets of a compound that no path has to fragment."""
_HEAD = Struct("!BBH")
_FIR = Struct("!LB3x")
_CNAME = 1


def read_compound(data: bytes) -> list[RtcpPart]:
    """Take a compound apart; parts of other kinds (SDES, XR, APP …) are left out.

    Raises:
        ValueError: some part of it is malformed (RFC 3550 §A.2 then drops all of it).
    """
    parts: list[RtcpPart] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise ValueError("RTCP header is truncated")
        first, kind, words = _HEAD.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ValueError("RTCP header is invalid")
        body_end = end
        if first & 0x20:
            body_end -= data[end - 1]
            if not at + 4 <= body_end < end:
                raise ValueError("RTCP padding is invalid")
        part = _read_part(first & 0x1F, kind, data[at:body_end])
        if part is not None:
            parts.append(part)
        at = end
    return parts


def _read_part(count: int, kind: int, packet: bytes) -> RtcpPart | None:
    body = packet[4:]
    part: RtcpPart | None = None
    if kind == RTCP_RTPFB and count == twcc.FORMAT:
        part = twcc.parse_feedback(packet)
    elif kind == RTCP_RTPFB and count == RTCP_RTPFB_NACK:
        part = RtcpRtpfbPacket.parse(body, count)
    elif kind == RTCP_PSFB:
        part = RtcpPsfbPacket.parse(body, count)
    elif kind == RTCP_SR:
        part = RtcpSrPacket.parse(body[: 24 + 24 * count], count)
    elif kind == RTCP_RR:
        part = RtcpRrPacket.parse(body[: 4 + 24 * count], count)
    elif kind == RTCP_BYE:
        part = RtcpByePacket.parse(body, count)
    return part


def read_firs(feedback: RtcpPsfbPacket) -> Iterator[tuple[int, int]]:
    """The SSRC and the sequence number of each full intra request (RFC 5104 §4.3.1.1)."""
    for at in range(0, len(feedback.fci) - 7, 8):
        yield _FIR.unpack_from(feedback.fci, at)


def build_pli(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A picture loss indication (RFC 4585 §6.3.1)."""
    return bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=sender_ssrc, media_ssrc=media_ssrc))


def build_fir(sender_ssrc: int, media_ssrc: int, number: int) -> bytes:
    """A full intra request (RFC 5104 §4.3.1); ``number`` grows with each new request."""
    fci = _FIR.pack(media_ssrc, number & 0xFF)
    return bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=sender_ssrc, media_ssrc=0, fci=fci))


def build_remb(sender_ssrc: int, bitrate: int, media_ssrcs: list[int]) -> bytes:
    """A receiver estimated maximum bitrate, in bit/s (draft-alvestrand-rmcat-remb-03 §2)."""
    fci = pack_remb_fci(bitrate, media_ssrcs[:0xFF])
    return bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=sender_ssrc, media_ssrc=0, fci=fci))


def build_report(
    ssrc: int, cname: str, sender: RtcpSenderInfo | None, blocks: list[RtcpReceiverInfo]
) -> bytes:
    """A compound of a report and the CNAME (RFC 3550 §6.1).

    Args:
        ssrc: who reports.
        cname: its canonical name; at most 255 octets are sent.
        sender: what it sent, or ``None`` if nothing.
        blocks: what it received; further ones than fit are left out.
    """
    head: RtcpSrPacket | RtcpRrPacket = (
        RtcpSrPacket(ssrc=ssrc, sender_info=sender, reports=blocks[:REPORT_BLOCKS])
        if sender
        else RtcpRrPacket(ssrc=ssrc, reports=blocks[:REPORT_BLOCKS])
    )
    name = RtcpSourceInfo(ssrc=ssrc, items=[(_CNAME, cname.encode()[:0xFF])])
    return bytes(head) + bytes(RtcpSdesPacket(chunks=[name]))
