"""Whole calls over loopback that the endpoint makes, with aiortc's RTCPeerConnection answering."""

import re

import pytest

from jinglebridge.bridge.ports import ConnectionState
from tests.media.answering import called
from tests.media.calls import loopback_aiortc

__all__ = ["loopback_aiortc"]
pytestmark = pytest.mark.usefixtures("nothing_left", "loopback_aiortc")


async def test_sound_and_picture_come_back() -> None:
    async with called() as call:
        await call.call()
        assert "a=group:BUNDLE 0 1" in call.answer
        pictures = await call.frames("video", 20)
        assert (pictures[-1].width, pictures[-1].height) == (640, 480)
        sounds = await call.frames("audio", 20)
        assert sounds[-1].sample_rate == 48_000
        assert call.events.states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]
    assert call.events.states[-1] is ConnectionState.CLOSED


def without_group(sdp: str) -> str:
    return re.sub("a=group:BUNDLE.*\r\n", "", sdp)


async def test_peer_that_does_not_bundle_has_two_transports() -> None:
    async with called() as call:
        call.change_offer = without_group
        # aiortc writes BUNDLE into every answer, whatever it does.
        call.change_answer = without_group
        await call.call()
        assert len(set(re.findall("^m=\\S+ ([0-9]+)", call.answer, re.MULTILINE))) == 2
        await call.frames("video", 20)
        await call.frames("audio", 20)


async def test_peer_that_waits_for_our_handshake() -> None:
    async with called() as call:
        call.change_offer = lambda sdp: sdp.replace("a=setup:actpass", "a=setup:active")
        await call.call()
        assert "a=setup:passive" in call.answer
        await call.frames("video", 5)
        await call.frames("audio", 5)


@pytest.mark.parametrize(("kind", "mid"), [("audio", "0"), ("video", "0")])
async def test_one_kind_of_media(kind: str, mid: str) -> None:
    async with called(audio=kind == "audio", video=kind == "video") as call:
        await call.call((kind,))
        await call.frames(kind, 10)
        assert {one.trickled.mid for one in call.events.candidates} == {mid}


async def test_picture_comes_back_in_h264() -> None:
    def h264_alone(sdp: str) -> str:
        sdp = re.sub("a=(?:rtpmap|fmtp|rtcp-fb):9[6-9] .*\r\n", "", sdp)
        return sdp.replace("96 97 102 103 98 99", "102 103")

    async with called(audio=False) as call:
        call.change_offer = h264_alone
        await call.call(("video",))
        assert "H264/90000" in call.answer
        assert "VP8" not in call.answer
        assert len(await call.frames("video", 10)) == 10


async def test_peer_that_takes_the_sound_alone() -> None:
    def rejected(sdp: str) -> str:
        head, _ = without_group(sdp).split("m=video")
        return f"{head}m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"

    async with called(video=False) as call:
        # aiortc cannot refuse a section: it is asked for the sound, and the rest is said for it.
        call.change_offer = lambda sdp: without_group(sdp).split("m=video")[0]
        call.change_answer = lambda sdp: rejected(f"{sdp}m=video")
        await call.call()
        await call.frames("audio", 10)
        assert call.events.states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]
