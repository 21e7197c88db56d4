"""The server goes and comes back under live calls: one outage of each kind.

``benchmarks/outages.py`` does the same at length.
"""

import asyncio

import pytest

from tests.support.outages import Gauge, Kind, Outage, rig

pytestmark = pytest.mark.server

ONLINE_WITHIN = 5.0
"""From the server being there to the component being on it, in s."""
STANDSTILL = 1.0
"""No call is without packets for so long, in s."""
SAMPLES = (
    Outage(kind=Kind.KILL, seconds=1.0),
    Outage(kind=Kind.BLACKHOLE, seconds=3.0),
    Outage(kind=Kind.TERM, seconds=0.0),
    Outage(kind=Kind.STOP, seconds=7.0),
    Outage(kind=Kind.RESET, seconds=0.0),
)


@pytest.mark.timeout(180)
async def test_calls_outlive_the_server(nothing_left: None) -> None:
    async with rig() as here:
        for outage in SAMPLES:
            measured = await here.suffer(outage)
            await here.hang_up(measured)
            print(f"\n{measured}")
            assert measured.online < ONLINE_WITHIN, outage
            assert measured.standstill < STANDSTILL, outage
            assert measured.hung_up == 5, outage
        assert not here.stack.events("call failed")
        assert not here.stack.events("stanza failed")


async def test_a_standstill_would_be_seen(nothing_left: None) -> None:
    """The bridge ends a call, and its caller waits: no packets, at a normal pace of all else."""
    async with rig(callers=1) as here:
        await here.dial()
        (call,) = here.calls
        gauge = Gauge(calls=here.calls)
        watching = asyncio.create_task(gauge.watch(), name="gauge")
        await asyncio.sleep(0.5)
        before = gauge.longest
        here.stack.bridge.calls[0].hang_up()
        await asyncio.sleep(1.5)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await call.close()
        assert before < STANDSTILL < gauge.longest <= gauge.on_the_wall + 0.1
