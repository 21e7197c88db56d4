import struct

import pytest
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from jinglebridge.media.rtp.rtcp import (
    build_fir,
    build_pli,
    build_remb,
    build_report,
    read_compound,
    read_firs,
)
from jinglebridge.media.rtp.twcc import TransportFeedback, build_feedback
from tests.media.rtp.harness import report_block

SENDER = RtcpSenderInfo(ntp_timestamp=1, rtp_timestamp=2, packet_count=3, octet_count=4)
FEEDBACK = TransportFeedback(
    sender_ssrc=1, media_ssrc=2, base_sequence=3, reference_time=4, count=5, deltas=(1, None, 2)
)


def test_a_compound_of_everything() -> None:
    parts: list[AnyRtcpPacket] = [
        RtcpSrPacket(ssrc=1, sender_info=SENDER, reports=[report_block(2)]),
        RtcpRrPacket(ssrc=1, reports=[report_block(2), report_block(3)]),
        RtcpByePacket(sources=[4, 5]),
        RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[10, 12]),
        RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2),
    ]
    data = b"".join(bytes(part) for part in parts) + build_feedback(FEEDBACK)
    assert read_compound(data) == [*parts, FEEDBACK]


def test_other_kinds_are_left_out() -> None:
    sdes = build_report(1, "name", None, [])
    report_of_another_kind = struct.pack("!BBHL", 0x80, 207, 1, 1)
    feedback_of_another_format = struct.pack("!BBHLL", 0x85, 205, 2, 1, 2)
    data = sdes + report_of_another_kind + feedback_of_another_format
    assert read_compound(data) == [RtcpRrPacket(ssrc=1)]


def test_profile_specific_extensions_are_left_out() -> None:
    report = bytes(RtcpRrPacket(ssrc=1, reports=[report_block(2)]))
    longer = report[:2] + struct.pack("!H", 8) + report[4:] + b"more"
    assert read_compound(longer) == [RtcpRrPacket(ssrc=1, reports=[report_block(2)])]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\xc9\x00", id="short"),
        pytest.param(b"\x40\xc9\x00\x01\0\0\0\1", id="version 1"),
        pytest.param(b"\x80\xc9\x00\x02\0\0\0\1", id="truncated"),
        pytest.param(b"\xa0\xc9\x00\x01\0\0\0\0", id="padding of nothing"),
        pytest.param(b"\xa0\xc9\x00\x01\0\0\0\x09", id="padding too long"),
        pytest.param(b"\x81\xc9\x00\x01\0\0\0\1", id="report missing"),
        pytest.param(b"\x80\xc8\x00\x01\0\0\0\1", id="sender info missing"),
        pytest.param(b"\x82\xcb\x00\x01\0\0\0\1", id="source missing"),
        pytest.param(b"\x81\xce\x00\x01\0\0\0\1", id="media source missing"),
        pytest.param(b"\x81\xcd\x00\x01\0\0\0\1", id="NACK short"),
        pytest.param(b"\x8f\xcd\x00\x01\0\0\0\1", id="transport feedback short"),
    ],
)
def test_malformed_compounds_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_compound(build_pli(1, 2) + data)


def test_requests_for_key_frames() -> None:
    (pli,) = read_compound(build_pli(1, 2))
    assert pli == RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2)
    (fir,) = read_compound(build_fir(1, 2, 300))
    assert isinstance(fir, RtcpPsfbPacket)
    assert (fir.fmt, list(read_firs(fir))) == (4, [(2, 300 - 256)])


def test_remb() -> None:
    (part,) = read_compound(build_remb(1, 1_500_000, [2, 3]))
    assert isinstance(part, RtcpPsfbPacket)
    bitrate, ssrcs = unpack_remb_fci(part.fci)
    assert bitrate == pytest.approx(1_500_000, rel=0.001)
    assert ssrcs == [2, 3]


def test_reports_end_with_the_cname() -> None:
    sender, name = RtcpPacket.parse(build_report(1, "bridge", SENDER, [report_block(2)]))
    assert sender == RtcpSrPacket(ssrc=1, sender_info=SENDER, reports=[report_block(2)])
    assert isinstance(name, RtcpSdesPacket)
    assert name.chunks[0].items == [(1, b"bridge")]
    many = [report_block(ssrc) for ssrc in range(40)]
    receiver, _ = RtcpPacket.parse(build_report(1, "x" * 300, None, many))
    assert receiver == RtcpRrPacket(ssrc=1, reports=many[:31])
