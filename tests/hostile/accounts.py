"""The attacks that an ordinary account can make, through a real server.

A process of its own, as ``attacker`` is: lines of JSON in, figures out.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any

from jinglebridge.dev.prosody import COMPONENT_DOMAIN, DOMAIN
from jinglebridge.protocol.jingle.xep_0166 import Action
from tests.hostile.attacker import made
from tests.hostile.figures import spread
from tests.hostile.generate import Case, initiate
from tests.xmpp.phone import Phone, signed_in

ECHO = f"echo@{COMPONENT_DOMAIN}"
ATTACKERS = tuple(f"mallory{number}" for number in range(5))
CALLERS = tuple(f"caller{number}" for number in range(10))
HONEST = "juliet"
USERS = (*ATTACKERS, *CALLERS, HONEST)


class Line:
    """An attacker's stream, opened again when the server has had enough."""

    def __init__(self, port: int, user: str) -> None:
        self._port, self._user = port, user
        self._stack = AsyncExitStack()
        self._phone: Phone | None = None
        self.opened = 0

    async def send(self, text: str) -> None:
        """Send, on a new stream if it must be."""
        if self._phone is None or self._phone.writer.is_closing():
            await self.close()
            entered = signed_in(self._port, self._user, resource=f"r{self.opened}")
            self._phone = await self._stack.enter_async_context(entered)
            self._phone.received = _Bin()
            self.opened += 1
        try:
            await self._phone.send(text)
        except ConnectionError:
            self._phone = None

    async def close(self) -> None:
        """Close the stream."""
        self._phone = None
        await self._stack.aclose()


class _Bin(list[Any]):
    """Keeps nothing."""

    def append(self, item: Any) -> None: ...


async def stanzas(port: int, cases: list[Case], *, rate: float) -> dict[str, Any]:
    """Send generated stanzas, one in turn from each account, while an honest client pings."""
    lines = [Line(port, user) for user in ATTACKERS]
    sent: Counter[str] = Counter()
    async with signed_in(port, HONEST) as honest, pinging(honest) as times:
        started = perf_counter()
        for number, case in enumerate(cases):
            await lines[number % len(lines)].send(case.text(bridge=COMPONENT_DOMAIN))
            sent[case.giant or case.name] += 1
            await asyncio.sleep(max(0.0, started + (number + 1) / rate - perf_counter()))
        took = perf_counter() - started
        await honest.ping(ECHO)
    opened = sum(line.opened for line in lines)
    for line in lines:
        await line.close()
    return {
        "stanzas": sum(sent.values()),
        "kinds": dict(sent.most_common()),
        "rate": round(sum(sent.values()) / took),
        "streams_of_attackers": opened,
        "pings": spread(times["bridge"]),
        "pings_of_server_alone": spread(times["server"]),
    }


@asynccontextmanager
async def pinging(phone: Phone) -> AsyncIterator[dict[str, list[float]]]:
    """Ping the bridge and, in between, the server itself, which any stanza has to pass."""
    times: dict[str, list[float]] = {"bridge": [], "server": []}

    async def run() -> None:
        while True:
            for name, jid in (("bridge", ECHO), ("server", DOMAIN)):
                times[name].append(await phone.ping(jid))
                await asyncio.sleep(0.04)

    task = asyncio.create_task(run())
    try:
        yield times
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):
            raise AssertionError("the honest client failed") from ended


async def flood(
    port: int, *, rate: float, seconds: float, offer: str, setups: float = 2.0
) -> dict[str, Any]:
    """One account initiates sessions while others set up theirs."""
    times: list[float] = []
    refused: list[str] = []
    async with AsyncExitStack() as stack:
        flooder = await stack.enter_async_context(signed_in(port, ATTACKERS[0]))
        flooder.received = _Bin()
        callers = [await stack.enter_async_context(signed_in(port, user)) for user in CALLERS]
        honest = await stack.enter_async_context(signed_in(port, HONEST))
        pings = await stack.enter_async_context(pinging(honest))
        started, sent, begun = perf_counter(), 0, 0
        tasks: list[asyncio.Task[None]] = []
        while (now := perf_counter() - started) < seconds:
            due = [_initiate(offer, f"f{number}") for number in range(sent, int(now * rate))]
            sent += len(due)
            if now * setups > begun:
                caller = callers[begun % len(callers)]
                work = _set_up(caller, f"honest{begun}", offer, times, refused)
                tasks.append(asyncio.create_task(work))
                begun += 1
            await flooder.send("".join(due))
            await asyncio.sleep(0.005)
        flooded = perf_counter() - started
        await asyncio.gather(*tasks)
    return {
        "initiates": sent,
        "rate": round(sent / flooded),
        "seconds": round(flooded, 1),
        "honest_refused": len(refused),
        "honest_examples": refused[:3],
        "honest_setups": spread(times),
        "pings": spread(pings["bridge"]),
        "pings_of_server_alone": spread(pings["server"]),
    }


def _initiate(offer: str, sid: str) -> str:
    return f"<iq type='set' id='{sid}' to='{ECHO}'>{initiate(offer, sid=sid)}</iq>"


async def _set_up(
    phone: Phone, sid: str, offer: str, times: list[float], refused: list[str]
) -> None:
    started = perf_counter()
    answer = await phone.ask(ECHO, initiate(offer, sid=sid))
    if answer.get("type") != "result":
        refused.append(sid)
        return
    await phone.wait_for(
        lambda it: (
            (sid, Action.SESSION_ACCEPT) in [(each.sid, each.action) for each in it.requests]
        ),
        within=30.0,
    )
    times.append(perf_counter() - started)
    reason = "<reason><success/></reason>"
    await phone.ask(ECHO, initiate(reason, sid=sid, action="session-terminate"))
    phone.received.clear()


async def do(port: int, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out one order; its figures."""
    kind = order.pop("do")
    if kind == "stanzas":
        cases = await made(order["seed"], order["count"])
        return await stanzas(port, cases, rate=order["rate"])
    return await flood(port, **order)


async def main(port: int) -> None:
    """Do what standard input says."""
    loop = asyncio.get_running_loop()
    print(json.dumps({"users": USERS}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await do(port, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
