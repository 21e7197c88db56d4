"""The attacking process: a scripted server, told by lines of JSON what to do.

Its own work (making stanzas, measuring) takes no time of the process under attack.
"""

import asyncio
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.hostile import attacks
from tests.hostile.generate import BRIDGE, Case, batch
from tests.hostile.server import ScriptedServer, serving

BATCH = 1_000


async def made(seed: int, count: int) -> list[Case]:
    """So many stanzas, made by two processes."""
    loop = asyncio.get_running_loop()
    sizes = [min(BATCH, count - start) for start in range(0, count, BATCH)]
    with ProcessPoolExecutor(2) as pool:
        batches = await asyncio.gather(
            *(loop.run_in_executor(pool, batch, seed, n, size) for n, size in enumerate(sizes))
        )
    return [case for each in batches for case in each]


@dataclass(frozen=True, slots=True)
class Attacker:
    """Does what it is told."""

    server: ScriptedServer

    async def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order; its figures."""
        kind = order.pop("do")
        await asyncio.wait_for(self.server.bound.wait(), 30)
        if kind == "stanzas":
            cases = await made(order["seed"], order["count"])
            return await attacks.stanzas(self.server, cases, rate=order["rate"])
        if kind == "hijack":
            return await attacks.hijack(self.server, **order)
        if kind == "flood":
            return await attacks.flood(self.server, **order)
        return {
            "outgoing": self.server.total,
            "foreign": len(self.server.foreign),
            "foreign_examples": self.server.foreign[:3],
            "streams": self.server.streams,
        }


async def main() -> None:
    """Serve, and do what standard input says."""
    loop = asyncio.get_running_loop()
    async with serving(BRIDGE) as server:
        attacker = Attacker(server)
        print(json.dumps({"port": server.port}), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await attacker.do(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
