"""Which stream a packet belongs to."""

import pytest

from jinglebridge.media.rtp.parameters import RtpCodec, RtpSection
from jinglebridge.media.rtp.transport import STREAMS
from tests.media.rtp.harness import (
    AUDIO,
    EXTENSIONS,
    OPUS,
    OUR_AUDIO,
    OUR_VIDEO,
    VIDEO,
    VIDEO_RTX,
    VP8,
    VP8_RTX,
    X_MID,
    X_RID,
    X_RRID,
    Bench,
    audio_section,
    rtp,
    rtx,
    video_section,
)

NO_MID = tuple(item for item in EXTENSIONS if item[0] != X_MID)


def unsignalled(**changes: object) -> RtpSection:
    return video_section(**({"remote_ssrcs": (), "remote_rtx": ()} | changes))


@pytest.mark.parametrize("two_byte", [False, True])
def test_by_mid_then_by_the_latched_source(two_byte: bool) -> None:
    bench = Bench(
        unsignalled(mid="a", local_ssrc=1, local_rtx_ssrc=2),
        unsignalled(mid="b", local_ssrc=3, local_rtx_ssrc=4),
    )
    bench.receive(
        rtp(5, ssrc=77, extensions=((X_MID, b"b"),), two_byte=two_byte),
        rtp(5, ssrc=78, extensions=((X_MID, b"a"),), two_byte=two_byte),
        rtp(6, ssrc=77),
        rtp(6, ssrc=78),
        rtp(7, ssrc=79),  # the payload type is ambiguous
        rtp(7, ssrc=80, extensions=((X_MID, b"nobody"),)),
    )
    assert [sent.ssrc for sent in bench.take()] == [3, 1, 3, 1]
    assert bench.transport.stats().unrouted == 2


def test_mid_wins_over_what_was_signalled() -> None:
    other = unsignalled(mid="b", local_ssrc=3, local_rtx_ssrc=None)
    bench = Bench(video_section(), other)
    bench.receive(rtp(5, ssrc=VIDEO, extensions=((X_MID, b"b"),)))
    assert [sent.ssrc for sent in bench.take()] == [3]


def test_by_what_was_signalled() -> None:
    other = video_section(mid="b", local_ssrc=3, remote_ssrcs=(77,), remote_rtx=((77, 78),))
    bench = Bench(video_section(), other)
    bench.receive(rtp(5, ssrc=77), rtp(5, ssrc=VIDEO))
    assert [sent.ssrc for sent in bench.take()] == [3, OUR_VIDEO]


def test_by_payload_type_where_it_says_enough() -> None:
    bench = Bench(
        audio_section(remote_ssrcs=(), header_extensions=NO_MID),
        unsignalled(header_extensions=NO_MID),
    )
    bench.receive(rtp(5, ssrc=77), rtp(5, ssrc=78, payload_type=OPUS), rtp(6, ssrc=79))
    bench.receive(rtp(5, ssrc=80, payload_type=35))
    assert [sent.ssrc for sent in bench.take()] == [OUR_VIDEO, OUR_AUDIO, OUR_VIDEO]
    assert bench.transport.stats().unrouted == 1


def test_nothing_is_taken_where_the_peer_does_not_send() -> None:
    bench = Bench(video_section(receives=False))
    bench.receive(rtp(5), rtp(6))
    assert bench.take() == []
    assert bench.transport.stats().unrouted == 2


def test_a_payload_type_of_another_section_binds_nothing() -> None:
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(5, payload_type=OPUS, extensions=((X_MID, b"1"),)))
    assert bench.transport.stats().sources == ()
    assert bench.transport.stats().unrouted == 1


def test_retransmissions_find_their_source_as_signalled() -> None:
    bench = Bench(video_section())
    bench.receive(rtx(1, 9))  # nothing to repeat yet
    bench.receive(rtp(10), rtp(12), rtx(2, 11))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002, 1_001]
    assert bench.transport.stats().unrouted == 1


def test_retransmissions_find_their_source_by_section() -> None:
    bench = Bench(audio_section(), unsignalled())
    bench.receive(rtx(1, 11, ssrc=78, extensions=((X_MID, b"1"),)))
    bench.receive(rtp(10, ssrc=77), rtp(12, ssrc=77))
    bench.receive(rtx(2, 11, ssrc=78, extensions=((X_MID, b"1"),)))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002, 1_001]
    assert bench.transport.stats().unrouted == 1


def test_retransmissions_find_their_encoding_by_rid() -> None:
    bench = Bench(unsignalled())
    for ssrc, rid in ((70, b"lo"), (71, b"hi")):
        bench.receive(
            rtp(10, ssrc=ssrc, extensions=((X_MID, b"1"), (X_RID, rid))), rtp(12, ssrc=ssrc)
        )
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002]  # the first is heard
    bench.receive(rtx(1, 11, ssrc=81, extensions=((X_MID, b"1"), (X_RRID, b"hi"))))
    assert bench.take() == []
    bench.receive(rtx(1, 11, ssrc=80, extensions=((X_MID, b"1"), (X_RRID, b"lo"))))
    assert [sent.sequence for sent in bench.take()] == [1_001]
    rids = {source.ssrc: source.rid for source in bench.transport.stats().sources}
    assert rids == {70: "lo", 71: "hi"}


def test_a_signalled_number_that_is_used_for_something_else() -> None:
    bench = Bench(video_section(remote_ssrcs=(), remote_rtx=((VIDEO_RTX, VIDEO),)))
    bench.receive(rtp(5, ssrc=VIDEO_RTX), rtx(9, 1, ssrc=AUDIO), rtx(9, 1, ssrc=VIDEO))
    assert bench.transport.stats().unrouted == 0
    assert len(bench.transport.stats().sources) == 1
    bench = Bench(video_section(remote_rtx=((VIDEO_RTX, VIDEO_RTX + 1), (VIDEO, VIDEO_RTX))))
    bench.receive(rtp(5), rtx(1, 4), rtx(1, 4, ssrc=VIDEO_RTX + 1))
    assert bench.transport.stats().unrouted == 1


def test_the_table_is_bounded_and_the_oldest_idle_stream_makes_room() -> None:
    bench = Bench(unsignalled())
    for ssrc in range(1, STREAMS + 21):
        bench.receive(rtp(1, ssrc=ssrc))
    stats = bench.transport.stats()
    assert (len(stats.sources), stats.unrouted) == (STREAMS, 20)
    bench.now += 6
    bench.receive(*(rtp(2, ssrc=ssrc) for ssrc in range(2, 10)))
    bench.receive(rtp(1, ssrc=1_000))
    known = {source.ssrc for source in bench.transport.stats().sources}
    assert len(known) == STREAMS
    assert 1_000 in known
    assert 1 not in known


def test_retransmission_streams_go_with_their_source() -> None:
    bench = Bench(unsignalled())
    bench.receive(rtp(1, ssrc=70), rtx(1, 0, ssrc=71))
    bench.now += 6
    for ssrc in range(100, 100 + STREAMS - 1):
        bench.receive(rtp(1, ssrc=ssrc))
    assert len(bench.transport.stats().sources) == STREAMS - 1
    bench.receive(rtx(1, 0, ssrc=71))
    assert bench.transport.stats().unrouted == 0


def test_two_codecs_with_retransmissions_of_their_own() -> None:
    codecs = (
        RtpCodec(payload_type=VP8, name="vp8", clock_rate=90_000, rtx_payload_type=VP8_RTX),
        RtpCodec(payload_type=98, name="vp9", clock_rate=90_000, rtx_payload_type=99),
    )
    bench = Bench(video_section(codecs=codecs))
    bench.receive(rtp(1, payload_type=98), rtp(3), rtx(1, 2, payload_type=99))
    assert [sent.payload_type for sent in bench.take()] == [98, 96, 98]
