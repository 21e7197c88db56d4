"""Renegotiation, the end, and whatever else a peer may send."""

import random

from aiortc.rtp import RtcpByePacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSenderInfo, RtcpSrPacket

from jinglebridge.media.program import Sink, Source
from jinglebridge.media.rtp.rtcp import build_fir, build_pli, build_remb, build_report
from jinglebridge.media.rtp.twcc import TransportFeedback, build_feedback
from jinglebridge.services.echo import EchoProgram
from tests.media.rtp.harness import (
    AUDIO,
    OPUS,
    OUR_VIDEO,
    OUR_VIDEO_RTX,
    VIDEO,
    VIDEO_RTX,
    X_AST,
    X_MID,
    X_RID,
    X_TWCC,
    Bench,
    audio_section,
    report_block,
    rtp,
    rtx,
    video_codec,
    video_section,
)


class Recorder(EchoProgram):
    """An echo that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, int]] = []

    def source_appeared(self, source: Source, now: float) -> None:
        self.told.append(("source appeared", source.section.mid, source.ssrc))
        super().source_appeared(source, now)

    def source_ended(self, source: Source, now: float) -> None:
        self.told.append(("source ended", source.section.mid, source.ssrc))
        super().source_ended(source, now)

    def sink_opened(self, sink: Sink, now: float) -> None:
        self.told.append(("sink opened", sink.section.mid, sink.section.local_ssrc))
        super().sink_opened(sink, now)

    def sink_closed(self, sink: Sink, now: float) -> None:
        assert sink.source is None
        self.told.append(("sink closed", sink.section.mid, sink.section.local_ssrc))
        super().sink_closed(sink, now)


def test_the_program_is_told_of_everything_that_comes_and_goes() -> None:
    program = Recorder()
    bench = Bench(audio_section(), video_section(), program=program)
    bench.receive(rtp(1), rtp(2), rtp(1, ssrc=AUDIO, payload_type=OPUS), rtx(1, 2))
    bench.transport.close()
    bench.transport.close()
    bench.receive(rtp(3))
    assert program.told == [
        ("sink opened", "0", 0xBBBB),
        ("sink opened", "1", OUR_VIDEO),
        ("source appeared", "1", VIDEO),
        ("source appeared", "0", AUDIO),
        ("source ended", "1", VIDEO),
        ("source ended", "0", AUDIO),
        ("sink closed", "0", 0xBBBB),
        ("sink closed", "1", OUR_VIDEO),
    ]
    stats = bench.transport.stats()
    assert (stats.sources, stats.sinks, stats.unrouted) == ((), (), 1)


def test_what_stays_goes_on_through_renegotiation() -> None:
    program = Recorder()
    bench = Bench(video_section(), program=program)
    bench.receive(rtp(10), rtp(12))
    told = list(program.told)
    changed = video_section(
        header_extensions=((7, dict(video_section().header_extensions)[X_TWCC]),),
        codecs=video_codec("nack", rtx=99),
    )
    bench.transport.configure((audio_section(), changed), bench.now)
    assert program.told == [*told, ("sink opened", "0", 0xBBBB)]
    bench.take()
    bench.receive(rtp(13, extensions=((7, b"\0\1"),)), rtx(1, 11, payload_type=99))
    first, second = bench.take()
    assert (first.sequence, second.sequence) == (1_003, 1_001)
    assert first.extensions == {7: b"\0\1"}
    bench.feed(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=OUR_VIDEO, lost=[1_000]))
    assert [(sent.ssrc, sent.payload_type) for sent in bench.take()] == [(OUR_VIDEO_RTX, 99)]


def test_retransmission_streams_take_over_what_was_negotiated() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(13), rtx(1, 11))
    bench.transport.configure((video_section(codecs=video_codec("nack", rtx=99)),), bench.now)
    bench.take()
    bench.receive(rtx(2, 12), rtx(3, 12, payload_type=99))
    assert [sent.sequence for sent in bench.take()] == [1_002]


def test_directions_may_change() -> None:
    program = Recorder()
    bench = Bench(video_section(), program=program)
    bench.receive(rtp(10))
    bench.transport.configure((video_section(receives=False),), bench.now)
    bench.receive(rtp(11))
    bench.transport.configure((video_section(sends=False),), bench.now)
    bench.receive(rtp(12))
    bench.transport.configure((video_section(),), bench.now)
    bench.receive(rtp(13))
    assert len(bench.take()) == 2
    assert [what for what, *_ in program.told] == [
        "sink opened",
        "source appeared",
        "source ended",
        "sink closed",
        "source appeared",
        "sink opened",
    ]


def test_another_local_source_is_another_stream() -> None:
    program = Recorder()
    bench = Bench(video_section(), program=program)
    bench.receive(rtp(10))
    bench.transport.configure((video_section(local_ssrc=5, local_rtx_ssrc=6),), bench.now)
    bench.receive(rtp(11))
    assert [sent.ssrc for sent in bench.take()] == [OUR_VIDEO, 5]
    assert program.told[-2:] == [("sink closed", "1", OUR_VIDEO), ("sink opened", "1", 5)]


def test_a_section_that_goes_takes_its_streams_along() -> None:
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(1), rtx(1, 0), rtp(1, ssrc=AUDIO, payload_type=OPUS))
    bench.transport.configure((audio_section(),), bench.now)
    stats = bench.transport.stats()
    assert [source.mid for source in stats.sources] == ["0"]
    assert [sink.mid for sink in stats.sinks] == ["0"]
    bench.receive(rtp(2), rtx(2, 1))
    assert bench.transport.stats().unrouted == 2


def test_a_source_may_come_again_after_its_bye() -> None:
    program = Recorder()
    bench = Bench(video_section(), program=program)
    bench.receive(rtp(10), rtx(1, 9))
    bench.feed(RtcpByePacket(sources=[VIDEO_RTX, VIDEO]))
    bench.receive(rtp(40_000))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_001]
    assert [what for what, *_ in program.told[1:]] == [
        "source appeared",
        "source ended",
        "source appeared",
    ]


def test_what_is_no_rtp_or_rtcp_is_counted() -> None:
    bench = Bench(video_section())
    bench.receive(b"", b"\x80" * 11, bytes(40))
    bench.transport.rtcp_received(b"\x80\xc9\x00\x09", bench.now)
    bench.transport.rtcp_received(b"", bench.now)
    assert bench.transport.stats().malformed == 4
    bench.receive(b"\x8f" + rtp(1)[1:12])
    assert bench.transport.stats().unrouted == 1


def test_stats_of_a_call() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(1, payload=bytes(100)), rtp(2, payload=bytes(50)))
    stats = bench.transport.stats()
    (source,), (sink,) = stats.sources, stats.sinks
    assert (source.mid, source.kind, source.ssrc) == ("1", "video", VIDEO)
    assert (source.packets, source.octets, source.key_frame_requests) == (2, 150, 1)
    assert (sink.mid, sink.kind, sink.ssrc) == ("1", "video", OUR_VIDEO)
    assert (sink.packets, sink.octets, sink.round_trip) == (2, 150, None)


RTCP_SEEDS = [
    build_pli(1, OUR_VIDEO),
    build_fir(1, OUR_VIDEO, 3),
    build_remb(1, 500_000, [OUR_VIDEO]),
    build_report(VIDEO, "peer", None, [report_block(OUR_VIDEO)]),
    bytes(
        RtcpSrPacket(
            ssrc=VIDEO,
            sender_info=RtcpSenderInfo(
                ntp_timestamp=1 << 60, rtp_timestamp=5, packet_count=1, octet_count=1
            ),
            reports=[report_block(OUR_VIDEO, packets_lost=-5)],
        )
    ),
    bytes(RtcpRrPacket(ssrc=VIDEO, reports=[report_block(OUR_VIDEO), report_block(9)])),
    bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=OUR_VIDEO, lost=[1_000, 1_003, 1_040])),
    bytes(RtcpByePacket(sources=[77])),
    build_feedback(
        TransportFeedback(
            sender_ssrc=1,
            media_ssrc=2,
            base_sequence=65_530,
            reference_time=7,
            count=1,
            deltas=(1, None, -700, *[3] * 20),
        )
    ),
]


def rtp_seeds(sequence: int) -> list[bytes]:
    extensions = (
        (X_AST, b"\1\2\3"),
        (X_TWCC, sequence.to_bytes(2, "big")),
        (X_MID, b"1"),
        (X_RID, b"a"),
    )
    return [
        rtp(sequence),
        rtp(sequence, extensions=extensions, padding=7),
        rtp(sequence, extensions=extensions, two_byte=True, csrcs=(1, 2)),
        rtp(sequence, ssrc=AUDIO, payload_type=OPUS, extensions=extensions[:2]),
        rtx(sequence, sequence - 1, extensions=extensions),
    ]


def mutate(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        step = rng.random()
        if step < 0.7 and changed:
            changed[min(rng.randrange(len(changed)), rng.randrange(40))] = rng.randrange(256)
        elif step < 0.85:
            del changed[rng.randrange(len(changed) + 1) :]
        else:
            changed += rng.randbytes(rng.randrange(40))
    return bytes(changed)


def test_twenty_thousand_mutations_raise_nothing_and_leave_the_call_alive() -> None:
    rng = random.Random(4585)
    bench = Bench(audio_section(), video_section())
    for step in range(20_000):
        if step % 3:
            seeds = rtp_seeds(step // 40 & 0xFFFF)
            bench.receive(mutate(rng, rng.choice(seeds)))
        else:
            compound = b"".join(rng.sample(RTCP_SEEDS, rng.randrange(1, 4)))
            bench.transport.rtcp_received(mutate(rng, compound), bench.now)
        if step % 10 == 0:
            bench.run(0.02)
    assert bench.transport.stats().malformed > 1_000
    assert all(len(data) <= 1_500 for data in bench.rtcp)
    bench.transport.configure((audio_section(),), bench.now)
    bench.transport.configure((audio_section(), video_section()), bench.now)
    bench.take()
    bench.receive(rtp(20_000), rtp(20_001))
    assert [sent.payload for sent in bench.take()] == [b"payload 20000", b"payload 20001"]
