"""Who is said to be offline in the middle of a call."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition
from jinglebridge.xmpp.departures import Departures
from tests.bridge.stage import JULIET, Stage, eventually

AFTER = 0.1


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    here = Stage()
    yield here
    await here.bridge.close()


async def test_a_call_without_media_ends_at_once(stage: Stage) -> None:
    call = stage.peer().call()
    await eventually(lambda: stage.engine.sessions)
    Departures(stage.bridge, after=60).gone(JULIET)
    await stage.over(call)
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.GONE


async def test_a_call_with_media_ends_a_little_later(stage: Stage) -> None:
    _, call = await stage.connected()
    departures = Departures(stage.bridge, after=AFTER)
    loop = asyncio.get_running_loop()
    started = loop.time()
    departures.gone(JULIET)
    departures.gone(JULIET)
    await stage.over(call)
    assert loop.time() - started > 0.9 * AFTER
    assert not departures._timers


@pytest.mark.parametrize("word", ["back", "forget"])
async def test_who_comes_back_keeps_the_call(stage: Stage, word: str) -> None:
    """Or whose server went away right after it had said so."""
    _, call = await stage.connected()
    departures = Departures(stage.bridge, after=AFTER)
    departures.gone(JULIET)
    await asyncio.sleep(0.3 * AFTER)
    if word == "back":
        departures.back(JULIET)
    else:
        departures.forget()
    await asyncio.sleep(1.5 * AFTER)
    assert call in stage.bridge.calls
    assert call.connection is ConnectionState.CONNECTED
    departures.gone(JULIET)
    await stage.over(call)


async def test_a_call_that_ended_meanwhile(stage: Stage) -> None:
    _, call = await stage.connected()
    departures = Departures(stage.bridge, after=AFTER)
    departures.gone(JULIET)
    call.hang_up()
    await stage.over(call)
    await asyncio.sleep(1.5 * AFTER)
    assert not departures._timers


async def test_strangers_are_nothing_to_us(stage: Stage) -> None:
    _, call = await stage.connected()
    departures = Departures(stage.bridge, after=0)
    departures.gone("mallory@example.org/balcony")
    departures.back("nurse@example.org/hall")
    await asyncio.sleep(0.02)
    assert stage.bridge.calls == (call,)
