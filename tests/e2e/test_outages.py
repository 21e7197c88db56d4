"""The server goes and comes back under live calls: one outage of each kind.

``benchmarks/outages.py`` does the same at length.
"""

import pytest

from tests.support.outages import Kind, Outage, rig

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
