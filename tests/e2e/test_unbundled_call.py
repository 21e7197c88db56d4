"""A client that bundles nothing calls over the real Prosody: sound and picture, both ways."""

from collections.abc import AsyncIterator

import pytest

from tests.support import leaks
from tests.support.stack import ECHO, Stack, stack, until

pytestmark = pytest.mark.server


@pytest.fixture
async def bridge_alone(nothing_left: None) -> AsyncIterator[Stack]:
    async with stack(page=False) as running:
        yield running


async def test_unbundled_sound_and_picture_come_back(bridge_alone: Stack) -> None:
    async with bridge_alone.caller("juliet") as caller:
        before = leaks.holdings()
        call = await caller.call(ECHO, bundled=False)
        await call.wait_for(frames=20, loudness=1_000)
        transceivers = call.pc.getTransceivers()
        assert len({item.receiver.transport for item in transceivers}) == 2
        assert [entry["state"] for entry in bridge_alone.events("media")] == [
            "connecting",
            "connected",
        ]
        await call.hang_up()
        await until(lambda: not bridge_alone.bridge.calls)
        await leaks.nothing_but(before)
    assert not bridge_alone.events("call failed")
