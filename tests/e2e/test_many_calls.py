"""Many calls of XMPP-only clients: none fails, and nothing grows.

The clients encode and decode in this very process, so their pictures are tiny; what they leave
behind would be counted as ours.
"""

import asyncio
import ctypes
import gc
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from slixmpp.exceptions import IqError

from jinglebridge.config import LimitOptions
from tests.support import leaks
from tests.support.caller import Caller
from tests.support.stack import ECHO, Stack, stack, until

pytestmark = pytest.mark.server

TINY = (64, 48, 10)
GROWTH = 8 * 1024 * 1024
"""Bytes that 40 calls more may leave to the allocator."""


@pytest.fixture
async def bridge_alone(nothing_left: None) -> AsyncIterator[Stack]:
    async with stack(page=False) as running:
        yield running


async def one_call(caller: Caller) -> None:
    call = await caller.call(ECHO, video=TINY)
    await call.wait_for(frames=3, loudness=1_000)
    await call.hang_up()


async def refusal(caller: Caller) -> tuple[str, str]:
    with pytest.raises(IqError) as refused:
        await caller.call(ECHO, video=TINY)
    return refused.value.condition, refused.value.text


def resident_bytes() -> int:
    """What the process really holds, once everything that can be given back is."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(180)
async def test_fifty_calls_one_after_another(bridge_alone: Stack) -> None:
    async with bridge_alone.caller("juliet") as caller:
        before = leaks.holdings()
        sizes = {}
        for number in range(1, 51):
            await one_call(caller)
            if number in (10, 50):
                await until(lambda: not bridge_alone.bridge.calls)
                await leaks.nothing_but(before)
                sizes[number] = resident_bytes()
        print(
            f"\nresident after 10 calls {sizes[10] / 1e6:.1f} MB, after 50 {sizes[50] / 1e6:.1f} MB"
        )
        assert sizes[50] - sizes[10] < GROWTH
    assert len(bridge_alone.events("called")) == 50
    assert not bridge_alone.events("call failed")
    assert [entry["state"] for entry in bridge_alone.events("media")].count("connected") == 50


async def test_ten_calls_at_once(bridge_alone: Stack) -> None:
    async with AsyncExitStack() as entered:
        callers = [
            await entered.enter_async_context(bridge_alone.caller(f"caller{number}"))
            for number in range(5)
        ]
        before = leaks.holdings()
        calls = await asyncio.gather(
            *(caller.call(ECHO, video=TINY) for caller in callers for _ in range(2))
        )
        await asyncio.gather(*(call.wait_for(frames=10, loudness=1_000) for call in calls))
        assert len(bridge_alone.bridge.calls) == 10
        # All of them go on while all of them run.
        seen = [call.heard.video_frames for call in calls]
        await asyncio.gather(
            *(call.wait_for(frames=frames + 10) for call, frames in zip(calls, seen, strict=True))
        )
        await asyncio.gather(*(call.hang_up() for call in calls))
        await until(lambda: not bridge_alone.bridge.calls)
        await leaks.nothing_but(before)
    assert not bridge_alone.events("call failed")


async def test_one_account_takes_no_more_than_its_share(nothing_left: None) -> None:
    async with (
        stack(page=False, limits=LimitOptions(calls=3, calls_per_peer=2)) as running,
        running.caller("juliet") as juliet,
        running.caller("romeo") as romeo,
        running.caller("tybalt") as tybalt,
    ):
        calls = [await juliet.call(ECHO, video=TINY), await juliet.call(ECHO, video=TINY)]
        assert await refusal(juliet) == ("resource-constraint", "at most 2 calls for one account")
        calls.append(await romeo.call(ECHO, video=TINY))
        assert await refusal(tybalt) == ("resource-constraint", "no more calls at the moment")
        for call in calls:
            await call.wait_for(frames=3)
            await call.hang_up()
        await one_call(tybalt)
