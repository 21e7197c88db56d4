"""Requests for key frames: passed on, coalesced, rate-limited, remembered."""

from collections.abc import Callable

import pytest
from aiortc.rtp import RtcpPsfbPacket

from jinglebridge.media.rtp.rtcp import build_fir, build_pli
from tests.media.rtp.harness import (
    AUDIO,
    OPUS,
    OUR_AUDIO,
    OUR_VIDEO,
    VIDEO,
    Bench,
    audio_section,
    rtp,
    video_codec,
    video_section,
)


def requests(bench: Bench) -> list[tuple[int, int]]:
    """Format and media source of each request sent since the last time."""
    return [
        (part.fmt, part.media_ssrc)
        for part in bench.take_rtcp()
        if isinstance(part, RtcpPsfbPacket) and part.fmt in (1, 4)
    ]


@pytest.fixture
def bench() -> Bench:
    """A video call whose first request is over."""
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(10), rtp(1, ssrc=AUDIO, payload_type=OPUS))
    assert requests(bench) == [(1, VIDEO)]
    bench.run(1.0)
    assert requests(bench) == []
    return bench


@pytest.mark.parametrize(
    "build", [lambda: build_pli(1, OUR_VIDEO), lambda: build_fir(1, OUR_VIDEO, 0)]
)
def test_passed_on_at_once(bench: Bench, build: Callable[[], bytes]) -> None:
    bench.feed(build())
    assert requests(bench) == [(1, VIDEO)]


def test_many_become_one_each_half_second_and_none_is_forgotten(bench: Bench) -> None:
    sent_at = []
    for _ in range(60):  # 1.2 s
        bench.feed(build_pli(1, OUR_VIDEO), build_pli(1, OUR_VIDEO))
        sent_at += [round(bench.now - 51, 2)] * len(requests(bench))
        bench.run(0.02)
        sent_at += [round(bench.now - 51, 2)] * len(requests(bench))
    bench.run(1.0)
    sent_at += [round(bench.now - 51, 2)] * len(requests(bench))
    assert sent_at == [0, 0.5, 1.0, 2.2]
    bench.run(2.0)
    assert requests(bench) == []


def test_fir_where_pli_was_not_negotiated() -> None:
    bench = Bench(video_section(codecs=video_codec("ccm fir")))
    bench.receive(rtp(10))
    bench.run(1.0)
    bench.feed(build_pli(1, OUR_VIDEO))
    firs = [part for part in bench.take_rtcp() if isinstance(part, RtcpPsfbPacket)]
    assert [(part.fmt, part.ssrc, part.media_ssrc) for part in firs] == [(4, OUR_VIDEO, 0)] * 2
    assert [part.fci for part in firs] == [
        VIDEO.to_bytes(4, "big") + bytes([number, 0, 0, 0]) for number in (0, 1)
    ]
    assert bench.transport.stats().sources[0].key_frame_requests == 2


def test_nothing_where_neither_was_negotiated() -> None:
    bench = Bench(video_section(codecs=video_codec("nack")))
    bench.receive(rtp(10))
    bench.feed(build_pli(1, OUR_VIDEO))
    bench.run(1.0)
    assert requests(bench) == []


def test_audio_has_no_key_frames(bench: Bench) -> None:
    bench.feed(build_pli(1, OUR_AUDIO))
    bench.run(1.0)
    assert requests(bench) == []


def test_a_request_for_somebody_else_or_without_a_source_is_ignored(bench: Bench) -> None:
    bench.feed(build_pli(1, 0x9999), build_fir(1, 0x9999, 1))
    assert requests(bench) == []
    silent = Bench(video_section())
    silent.feed(build_pli(1, OUR_VIDEO))
    assert requests(silent) == []


def test_a_new_source_is_asked_for_one(bench: Bench) -> None:
    bench.transport.configure((video_section(remote_ssrcs=(77,), remote_rtx=()),), bench.now)
    bench.receive(rtp(1, ssrc=77))
    assert requests(bench) == [(1, 77)]
