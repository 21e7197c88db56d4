"""Loss in either direction: NACK, retransmission, recovery."""

import random
import struct

import pytest
from aiortc.rtp import RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSenderInfo, RtcpSrPacket

from tests.media.rtp.harness import (
    AUDIO,
    OPUS,
    OUR_VIDEO,
    OUR_VIDEO_RTX,
    VIDEO,
    VIDEO_RTX,
    VP8_RTX,
    X_MID,
    X_RRID,
    X_TWCC,
    Bench,
    audio_section,
    report_block,
    rtp,
    rtx,
    video_codec,
    video_section,
)


def nack(*sequences: int, ssrc: int = OUR_VIDEO) -> RtcpRtpfbPacket:
    return RtcpRtpfbPacket(fmt=1, ssrc=VIDEO, media_ssrc=ssrc, lost=list(sequences))


def test_up_lost_asked_for_repeated_by_rtx_and_forwarded_in_its_place() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(13))
    bench.take()
    bench.run(0.02)
    (request,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpRtpfbPacket))
    assert (request.ssrc, request.media_ssrc, request.lost) == (OUR_VIDEO, VIDEO, [11, 12])
    bench.receive(rtx(500, 11, marker=True, extensions=((X_MID, b"1"), (X_RRID, b"a"))))
    (sent,) = bench.take()
    assert (sent.ssrc, sent.sequence, sent.timestamp) == (OUR_VIDEO, 1_001, 33_000)
    assert (sent.payload_type, sent.marker, sent.payload) == (96, True, b"payload 11")
    assert sent.extensions == {X_MID: b"1"}
    bench.receive(rtp(12))
    assert [sent.sequence for sent in bench.take()] == [1_002]
    bench.run(0.5)
    assert bench.nacked() == []
    stats = bench.transport.stats().sources[0]
    assert (stats.lost, stats.recovered, stats.nacks) == (1, 2, 2)


def test_up_asks_again_each_round_trip_and_gives_up_after_a_second() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(12))
    asked_at = []
    for _ in range(100):
        bench.run(0.02)
        asked_at += [round(bench.now - 50, 2)] * len(bench.nacked())
    assert len(asked_at) == 10
    assert asked_at[:3] == [0.02, 0.12, 0.22]
    assert asked_at[-1] < 1.1
    bench.receive(rtp(11))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002]


def test_up_retries_follow_the_measured_round_trip() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10))
    bench.feed(source_report())
    bench.run(1.02)
    (report,) = (part for part in bench.take_rtcp() if isinstance(part, RtcpSrPacket))
    bench.now += 0.3
    lsr = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
    bench.feed(RtcpRrPacket(ssrc=1, reports=[report_block(OUR_VIDEO, lsr=lsr, dlsr=0x4000)]))
    assert bench.transport.stats().sinks[0].round_trip == pytest.approx(0.05, abs=0.001)
    bench.receive(rtp(12))
    asked_at = []
    for _ in range(10):
        bench.run(0.02)
        asked_at += [round(bench.now - 51.32, 2)] * len(bench.nacked())
    assert asked_at == [0.02, 0.08, 0.14, 0.2]


def source_report() -> RtcpSrPacket:
    info = RtcpSenderInfo(
        ntp_timestamp=0xE000_0000_0000_0000, rtp_timestamp=0, packet_count=0, octet_count=0
    )
    return RtcpSrPacket(ssrc=VIDEO, sender_info=info)


def test_up_nothing_is_asked_for_where_nack_was_not_negotiated() -> None:
    bench = Bench(audio_section())
    bench.receive(*(rtp(sequence, ssrc=AUDIO, payload_type=OPUS) for sequence in (1, 4)))
    bench.run(0.5)
    assert bench.nacked() == []
    bench.receive(rtp(2, ssrc=AUDIO, payload_type=OPUS))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_003, 1_001]


def test_up_too_large_a_gap_asks_for_a_key_frame_instead() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10))
    bench.run(1.0)
    bench.take_rtcp()
    bench.receive(rtp(1_000))
    bench.run(0.04)
    assert [part.fmt for part in bench.take_rtcp() if isinstance(part, RtcpPsfbPacket)] == [1]
    assert bench.nacked() == []


def test_up_a_packet_lost_at_the_tail_comes_by_rtx() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtx(500, 11), rtp(11), rtp(12))
    assert [(sent.sequence, sent.payload) for sent in bench.take()] == [
        (1_000, b"payload 10"),
        (1_001, b"payload 11"),
        (1_002, b"payload 12"),
    ]


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param(rtx(500, 10), id="a copy of what arrived"),
        pytest.param(
            rtp(500, ssrc=VIDEO_RTX, payload_type=VP8_RTX, payload=b"", padding=255),
            id="mere padding",
        ),
        pytest.param(rtp(500, ssrc=VIDEO_RTX, payload_type=VP8_RTX, payload=b""), id="nothing"),
        pytest.param(rtp(500, ssrc=VIDEO_RTX, payload_type=VP8_RTX, payload=b"\0"), id="half"),
        pytest.param(rtx(500, 30_000), id="from another time"),
    ],
)
def test_up_probes_end_here_but_are_acknowledged(probe: bytes) -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(12))
    bench.take()
    bench.receive(probe)
    with_number = rtx(501, 10, extensions=((X_TWCC, b"\0\x09"),))
    bench.receive(with_number)
    assert bench.take() == []
    bench.run(0.02)
    feedback = bench.take_rtcp()[-1]
    assert getattr(feedback, "base_sequence", None) == 9


def test_up_a_retransmission_with_nothing_but_padding_behind_its_number() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(12), rtx(500, 11, payload=b""), rtp(13))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002, 1_003]


def test_down_answered_by_rtx_with_mid_and_a_fresh_transport_number() -> None:
    bench = Bench(video_section())
    for sequence in range(10, 14):
        bench.receive(rtp(sequence, extensions=((X_TWCC, b"\0\1"),), marker=sequence == 11))
    bench.take()
    bench.feed(nack(1_001))
    (sent,) = bench.take()
    assert (sent.ssrc, sent.payload_type, sent.sequence) == (OUR_VIDEO_RTX, VP8_RTX, 1_001)
    assert (sent.timestamp, sent.marker) == (33_000, True)
    assert sent.payload == struct.pack("!H", 1_001) + b"payload 11"
    assert sent.extensions == {X_MID: b"1", X_TWCC: b"\0\5"}
    bench.feed(nack(1_002, 1_003))
    assert [(sent.sequence, sent.payload[:2]) for sent in bench.take()] == [
        (1_002, struct.pack("!H", 1_002)),
        (1_003, struct.pack("!H", 1_003)),
    ]


def test_down_a_mid_that_is_there_is_not_added_again() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10, extensions=((X_MID, b"1"),)))
    (first,) = bench.take()
    bench.feed(nack(1_000))
    (again,) = bench.take()
    assert len(again.data) == len(first.data) + 2


def test_down_rtx_without_the_extensions() -> None:
    bench = Bench(video_section(header_extensions=()))
    bench.receive(rtp(10, extensions=((X_TWCC, b"\0\1"),), padding=3))
    (first,) = bench.take()
    bench.feed(nack(1_000))
    (again,) = bench.take()
    assert again.payload == struct.pack("!H", 1_000) + b"payload 10"
    assert again.extensions == first.extensions


@pytest.mark.parametrize(
    "changes",
    [{"codecs": video_codec("nack")}, {"local_rtx_ssrc": None}],
)
def test_down_without_rtx_the_very_same_octets_are_sent_again(changes: dict[str, object]) -> None:
    bench = Bench(video_section(**changes))
    bench.receive(rtp(10, extensions=((X_TWCC, b"\0\1"),)), rtp(11))
    first = list(bench.rtp)
    bench.rtp.clear()
    bench.feed(nack(1_001), nack(1_000))
    assert bench.rtp == first[::-1]


def test_down_nothing_is_kept_where_nack_was_not_negotiated() -> None:
    bench = Bench(video_section(codecs=video_codec("nack pli")))
    bench.receive(rtp(10))
    bench.take()
    bench.feed(nack(1_000))
    assert bench.take() == []
    assert bench.transport.stats().sinks[0].unanswered == 1


def test_down_what_is_gone_or_never_came_is_counted() -> None:
    bench = Bench(video_section())
    for sequence in range(10, 610):
        bench.receive(rtp(sequence))
    bench.take()
    bench.feed(nack(1_000, 1_087, 1_088, 1_599, 1_600))
    assert [sent.payload[:2] for sent in bench.take()] == [
        struct.pack("!H", 1_088),
        struct.pack("!H", 1_599),
    ]
    stats = bench.transport.stats().sinks[0]
    assert (stats.unanswered, stats.retransmitted) == (3, 2)


def test_down_a_packet_is_repeated_once_in_a_while() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10))
    bench.take()
    sent = 0
    for _ in range(20):
        bench.now += 0.005
        bench.feed(nack(1_000), nack(1_000))
        sent += len(bench.take())
    assert sent == 10


def test_down_repetitions_are_bounded_in_each_tick() -> None:
    bench = Bench(video_section())
    bench.receive(*(rtp(sequence) for sequence in range(300)))
    bench.take()
    bench.feed(nack(*range(1_000, 1_300)))
    assert len(bench.take()) == 64
    bench.run(0.02)
    bench.feed(nack(*range(1_000, 1_300)))
    assert len(bench.take()) == 64


def test_down_a_nack_for_somebody_else_is_ignored() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10))
    bench.take()
    bench.feed(nack(1_000, ssrc=0x9999))
    assert bench.take() == []


def test_heavy_loss_both_ways_is_recovered_in_full() -> None:
    """A scripted sender that answers NACKs and a receiver that sends them, 10 % loss each way."""
    rng = random.Random(11)
    bench = Bench(video_section())
    received: dict[int, bytes] = {}
    rtx_sequence, highest = 0, 999
    for sequence in range(1_500):
        if sequence == 0 or rng.random() > 0.1:
            bench.receive(rtp(sequence))
        if sequence % 3 == 2:
            bench.run(0.02)
            for lost in bench.nacked():
                rtx_sequence += 1
                if rng.random() > 0.1:
                    bench.receive(rtx(rtx_sequence, lost))
            missing = [item for item in range(1_000, highest) if item not in received]
            if missing:
                bench.feed(nack(*missing[:200]))
        for sent in bench.take():
            if rng.random() < 0.1:
                continue
            if sent.ssrc == OUR_VIDEO:
                received[sent.sequence] = sent.payload
                highest = max(highest, sent.sequence)
            else:
                received[int.from_bytes(sent.payload[:2], "big")] = sent.payload[2:]
    wanted = {1_000 + index: b"payload %d" % index for index in range(1_450)}
    assert {key: received.get(key) for key in wanted} == wanted
