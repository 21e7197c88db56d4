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
