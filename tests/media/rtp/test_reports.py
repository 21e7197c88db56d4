"""Receiver and sender reports, transport-wide feedback, REMB."""

import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from jinglebridge.media.rtp.parameters import RtpCodec
from jinglebridge.media.rtp.rtcp import build_remb
from jinglebridge.media.rtp.twcc import TransportFeedback, build_feedback
from tests.media.rtp.harness import (
    AUDIO,
    OPUS,
    OUR_AUDIO,
    OUR_VIDEO,
    VIDEO,
    X_TWCC,
    Bench,
    audio_section,
    report_block,
    rtp,
    video_codec,
    video_section,
)

NTP = 0xE123_4567_8000_0000


def sender_report(ssrc: int, timestamp: int, ntp: int = NTP) -> RtcpSrPacket:
    info = RtcpSenderInfo(
        ntp_timestamp=ntp, rtp_timestamp=timestamp, packet_count=9, octet_count=99
    )
    return RtcpSrPacket(ssrc=ssrc, sender_info=info)


def audio(sequence: int, **more: object) -> bytes:
    return rtp(sequence, ssrc=AUDIO, payload_type=OPUS, **more)  # type: ignore[arg-type]


def test_a_receiver_report_each_second() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(11), rtp(13), rtp(14))
    bench.run(1.0)
    assert not any(isinstance(part, RtcpRrPacket) for part in bench.take_rtcp())
    bench.run(0.02)
    (report,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpRrPacket))
    assert report.ssrc == OUR_VIDEO
    (block,) = report.reports
    assert (block.ssrc, block.fraction_lost, block.packets_lost) == (VIDEO, 256 // 5, 1)
    assert (block.highest_sequence, block.lsr, block.dlsr) == (14, 0, 0)
    bench.run(3.0)
    assert sum(isinstance(part, RtcpRrPacket) for part in bench.take_rtcp()) == 3


def test_when_the_senders_report_came_is_told() -> None:
    bench = Bench(video_section(sends=False))
    bench.receive(rtp(10))
    bench.run(0.52)
    bench.feed(sender_report(VIDEO, 5_000))
    bench.run(0.5)
    (report,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpRrPacket))
    assert report.reports[0].lsr == 0x4567_8000
    assert report.reports[0].dlsr == pytest.approx(0.5 * 65_536, abs=2)


def test_sender_reports_keep_the_senders_clock_and_lip_sync() -> None:
    bench = Bench(audio_section(), video_section())
    for sequence in range(3):
        bench.receive(rtp(sequence, payload=b"12345", padding=3), audio(sequence, payload=b"12"))
    bench.run(0.2)
    bench.feed(sender_report(VIDEO, 90_000))
    bench.run(0.32)
    # Half a second later on the sender's clock, 0.32 s later here: it has been under way.
    bench.feed(sender_report(AUDIO, 48_000, NTP + 0x8000_0000))
    bench.run(0.5)
    reports = {
        part.ssrc: part.sender_info for part in bench.take_rtcp() if isinstance(part, RtcpSrPacket)
    }
    video, sound = reports[OUR_VIDEO], reports[OUR_AUDIO]
    video_at = (video.ntp_timestamp - NTP) / 2**32
    sound_at = (sound.ntp_timestamp - NTP) / 2**32
    assert video.rtp_timestamp - 90_000 == pytest.approx(video_at * 90_000, abs=2)
    assert sound.rtp_timestamp - 48_000 == pytest.approx((sound_at - 0.5) * 48_000, abs=2)
    assert video_at == pytest.approx(0.82, abs=0.001)
    assert (video.packet_count, video.octet_count) == (3, 3 * 8)
    assert (sound.packet_count, sound.octet_count) == (3, 3 * 2)


def test_a_report_is_a_compound_with_the_cname_of_one_datagram() -> None:
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(1), audio(1))
    bench.feed(sender_report(VIDEO, 0), sender_report(AUDIO, 0))
    bench.run(1.0)
    bench.rtcp.clear()
    bench.run(0.02)
    (compound,) = (data for data in bench.rtcp if data[1] == 200)
    kinds = [(type(part), part) for part in RtcpPacket.parse(compound)]
    assert [kind for kind, _ in kinds] == [RtcpSrPacket, RtcpSdesPacket] * 2
    assert isinstance(kinds[1][1], RtcpSdesPacket)
    assert kinds[1][1].chunks[0].items == [(1, b"bridge")]


def test_no_sender_report_before_the_sender_told_its_clock() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(1))
    bench.run(3.0)
    assert not any(isinstance(part, RtcpSrPacket) for part in bench.take_rtcp())


def test_nothing_is_reported_about_nothing() -> None:
    bench = Bench(audio_section(), video_section())
    bench.run(3.0)
    assert bench.rtcp == []


def test_the_timeline_of_another_source_is_translated() -> None:
    bench = Bench(video_section(remote_ssrcs=(), remote_rtx=()))
    bench.receive(rtp(10, timestamp=1_000))
    bench.now += 0.5
    bench.receive(rtp(20, ssrc=77, timestamp=500_000))
    assert [sent.timestamp for sent in bench.take()] == [1_000, 46_000]
    bench.feed(sender_report(77, 600_000))
    bench.run(1.02)
    (report,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpSrPacket))
    passed = (report.sender_info.ntp_timestamp - NTP) / 2**32
    assert report.sender_info.rtp_timestamp == pytest.approx(146_000 + passed * 90_000, abs=2)


def test_the_round_trip_is_measured_by_our_own_reports() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10))
    bench.feed(sender_report(VIDEO, 0))
    bench.run(12.0)
    reports = [part for part in bench.take_rtcp() if isinstance(part, RtcpSrPacket)]
    lsr = [part.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF for part in reports]
    assert len(lsr) == 11
    for known, unknown in ((lsr[0], lsr[2]), (0, 0x1234)):
        bench.feed(
            RtcpRrPacket(
                ssrc=1, reports=[report_block(OUR_VIDEO, lsr=item) for item in (known, unknown)]
            )
        )
        assert bench.transport.stats().sinks[0].round_trip is None
    bench.now += 0.25
    sent_at = 50.02 + 11
    dlsr = int((bench.now - sent_at - 0.04) * 65_536)
    block = report_block(OUR_VIDEO, lsr=lsr[-1], dlsr=dlsr, fraction_lost=64, packets_lost=12)
    bench.feed(RtcpRrPacket(ssrc=1, reports=[report_block(0x9999), block]))
    stats = bench.transport.stats().sinks[0]
    assert stats.round_trip == pytest.approx(0.04, abs=0.001)
    assert (stats.fraction_lost, stats.lost) == (0.25, 12)


def test_many_sources_take_several_reports() -> None:
    bench = Bench(video_section(remote_ssrcs=tuple(range(1, 41)), remote_rtx=()))
    bench.receive(*(rtp(10, ssrc=ssrc) for ssrc in range(1, 41)))
    bench.run(1.02)
    compounds = [data for data in bench.rtcp if data[1] == 201]
    reported = [
        block.ssrc
        for data in compounds
        for part in RtcpPacket.parse(data)
        if isinstance(part, RtcpRrPacket)
        for block in part.reports
    ]
    assert sorted(reported) == list(range(1, 41))
    assert max(map(len, compounds)) <= 1_200


def test_transport_wide_feedback_each_100_ms() -> None:
    bench = Bench(audio_section(), video_section())
    for number in range(65_500, 65_500 + 100):
        if number % 10:
            twcc = ((X_TWCC, struct.pack("!H", number & 0xFFFF)),)
            bench.receive(
                rtp(number, extensions=twcc) if number % 2 else audio(number, extensions=twcc)
            )
        if number % 2:
            bench.run(0.02)
    feedbacks = [part for part in bench.take_rtcp() if isinstance(part, TransportFeedback)]
    assert len(feedbacks) == 10
    assert [feedback.count for feedback in feedbacks] == list(range(10))
    assert {feedback.sender_ssrc for feedback in feedbacks} <= {OUR_AUDIO, OUR_VIDEO}
    told = {
        (feedback.base_sequence + index) & 0xFFFF: delta is not None
        for feedback in feedbacks
        for index, delta in enumerate(feedback.deltas)
    }
    expected = {number & 0xFFFF: number % 10 != 0 for number in range(65_501, 65_592)}
    assert {number: told.get(number) for number in expected} == expected


def test_feedback_about_our_packets_is_counted() -> None:
    bench = Bench(video_section())
    feedback = TransportFeedback(
        sender_ssrc=1, media_ssrc=2, base_sequence=3, reference_time=4, count=5, deltas=(1,)
    )
    bench.feed(build_feedback(feedback), build_feedback(feedback))
    assert bench.transport.stats().feedbacks == 2


def test_the_peers_remb_is_noted() -> None:
    bench = Bench(video_section())
    bench.feed(build_remb(1, 1_000_000, [OUR_VIDEO]))
    assert bench.transport.stats().remb == pytest.approx(1_000_000, rel=0.001)
    bench.feed(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"ALFB1234"))
    bench.feed(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"REMB"))
    bench.feed(RtcpPsfbPacket(fmt=2, ssrc=1, media_ssrc=OUR_VIDEO, fci=b"0000"))
    assert bench.transport.stats().remb == pytest.approx(1_000_000, rel=0.001)
    assert bench.transport.stats().malformed == 0


def rembs(bench: Bench) -> list[int]:
    return [
        unpack_remb_fci(part.fci)[0]
        for part in bench.take_rtcp()
        if isinstance(part, RtcpPsfbPacket) and part.fmt == 15
    ]


def test_remb_only_where_transport_cc_was_not_negotiated() -> None:
    plain = video_section(header_extensions=(), codecs=video_codec("goog-remb"))
    bench = Bench(plain)
    for _ in range(3):
        for sequence in range(100):
            bench.receive(rtp(sequence, payload=bytes(1_000)))
        bench.run(1.02)
    limits = rembs(bench)
    assert len(limits) == 3
    assert limits == sorted(limits)
    for section in (video_section(), video_section(header_extensions=(), codecs=video_codec())):
        bench = Bench(section)
        bench.receive(rtp(1))
        bench.run(3.0)
        assert rembs(bench) == []


def test_bye_ends_a_source() -> None:
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(1), audio(1))
    bench.feed(RtcpByePacket(sources=[VIDEO, 0x9999]))
    assert [source.ssrc for source in bench.transport.stats().sources] == [AUDIO]
    bench.feed(sender_report(VIDEO, 1))
    bench.run(1.02)
    reported = [
        block.ssrc
        for part in bench.take_rtcp()
        if isinstance(part, RtcpRrPacket)
        for block in part.reports
    ]
    assert reported == [AUDIO]


def test_the_clock_rate_of_the_codec_counts() -> None:
    codec = RtpCodec(payload_type=0, name="pcmu", clock_rate=8_000)
    bench = Bench(audio_section(codecs=(codec,)))
    bench.receive(rtp(1, ssrc=AUDIO, payload_type=0))
    bench.feed(sender_report(AUDIO, 0))
    bench.run(1.02)
    (report,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpSrPacket))
    assert report.sender_info.rtp_timestamp == pytest.approx(1.02 * 8_000, abs=1)
