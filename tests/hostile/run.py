#!/usr/bin/env python3
"""Everything hostile, whole: `make hostile`.

    tests/hostile/run.py [--stanzas 100000] [--hijacks 10000] [--seconds 20] [--seed N] [--report]

The bridge runs in this process, the attackers in others. Figures go to standard output and, with
--report, to docs/results/hostile.md and .json. The exit code is 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody  # noqa: E402 # below the path
from tests.hostile.accounts import USERS  # noqa: E402 # as above
from tests.hostile.attacks import ATTACKERS  # noqa: E402 # as above
from tests.hostile.generate import BRIDGE  # noqa: E402 # as above
from tests.hostile.report import page, verdicts  # noqa: E402 # as above
from tests.hostile.subject import (  # noqa: E402 # as above
    Burden,
    Subject,
    burden,
    default_limits,
    subject,
)
from tests.xmpp.phone import PASSWORD  # noqa: E402 # as above

RESULTS = ROOT / "docs" / "results"
VECTORS = ROOT / "tests" / "vectors" / "clients"
REAPED_WITHIN = 60.0
"""For everything of a flood to be gone, in s."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    seed: int
    stanzas: int = 100_000
    rate: float = 400.0
    hijacks: int = 10_000
    flood_rate: float = 1_000.0
    flood_seconds: float = 20.0
    account_stanzas: int = 5_000
    account_rate: float = 50.0


class Clock:
    """Time of a processor that this process has had, and has waited for."""

    def __init__(self) -> None:
        self._ran, self._waited = time.process_time(), self._delay()

    @staticmethod
    def _delay() -> float:
        """What the main thread has waited, in s: its second number is ns (proc(5), schedstat)."""
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9

    def shares(self, seconds: float) -> dict[str, float]:
        """Shares of so many seconds since then, in percent of a core."""
        return {
            "cpu_percent": round((time.process_time() - self._ran) / seconds * 100, 1),
            "cpu_wait_percent": round((self._delay() - self._waited) / seconds * 100, 1),
        }


class Other:
    """An attacking process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self) -> dict[str, Any]:
        """The next line that it says.

        Raises:
            RuntimeError: it ended instead.
        """
        if self._process.stdout is None:
            raise RuntimeError("the attacker has no output")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the attacker ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def do(self, kind: str, **order: Any) -> dict[str, Any]:
        """Let it attack; its figures."""
        if self._process.stdin is None:
            raise RuntimeError("the attacker has no input")
        self._process.stdin.write(json.dumps({"do": kind, **order}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.said()


@asynccontextmanager
async def attacking(module: str, *arguments: str) -> AsyncIterator[Other]:
    """An attacking process for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=1 << 24,
    )
    try:
        yield Other(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def calling(running: Subject, every: float = 0.25) -> AsyncIterator[None]:
    """Calls that the bridge makes to the attackers: sessions in which it is the initiator."""

    async def run() -> None:
        number = 0
        while True:
            jid = ATTACKERS[number % len(ATTACKERS)]
            call = running.bridge.call(jid if number % 3 else jid.partition("/")[0], "echo")
            asyncio.get_running_loop().call_later(20 * every, call.hang_up)
            number += 1
            await asyncio.sleep(every)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def scripted(plan: Plan) -> dict[str, Any]:
    """Generated stanzas and hijacks, straight into the component's stream."""
    async with attacking("tests.hostile.attacker") as other:
        port = (await other.said())["port"]
        async with subject(BRIDGE, port, "secret") as running:
            before = burden(running)
            clock = Clock()
            async with calling(running):
                stanzas = await other.do(
                    "stanzas", seed=plan.seed, count=plan.stanzas, rate=plan.rate
                )
            stanzas |= clock.shares(stanzas["stanzas"] / stanzas["rate"])
            hijack = await other.do("hijack", attempts=plan.hijacks, seed=plan.seed)
            totals = await other.do("totals")
            stanzas |= await reaped(running, before)
            failures = running.failures()
            uncaught, errors = len(running.watch.exceptions), len(running.watch.errors)
    return {
        "stanzas": stanzas | {"uncaught": uncaught, "logged_errors": errors},
        "hijack": hijack,
        "totals": totals,
        "failures": failures[:5],
    }


async def scripted_flood(plan: Plan, offer: str, *, seconds: float) -> dict[str, Any]:
    """A flood with the product's own limits and a media side that opens sockets."""
    async with attacking("tests.hostile.attacker") as other:
        port = (await other.said())["port"]
        limits = default_limits()
        async with subject(BRIDGE, port, "secret", limits=limits, real_media=True) as running:
            # what is loaded and remembered once is no burden of the flood
            await other.do("flood", rate=50, seconds=2, offer=offer, setups=4)
            await reaped(running, None)
            before = burden(running)
            clock = Clock()
            figures = await other.do("flood", rate=plan.flood_rate, seconds=seconds, offer=offer)
            figures |= clock.shares(figures["seconds"])
            figures |= await reaped(running, before)
            totals = await other.do("totals")
            return figures | {"totals": totals, "failures": running.failures()[:5]}


async def reaped(running: Subject, before: Burden | None) -> dict[str, Any]:
    """Wait until nothing of a flood is held any more; how long that took."""
    started = time.monotonic()
    while True:
        now = burden(running)
        waited = time.monotonic() - started
        gone = now.calls == 0 and (before is None or now.tasks <= before.tasks)
        gone = gone and (before is None or now.files <= before.files)
        if gone or waited > REAPED_WITHIN:
            break
        await asyncio.sleep(0.5)
    return {
        "reaped_s": round(waited, 1),
        "before": asdict(before) if before else None,
        "after": asdict(now),
    }


async def served(plan: Plan, offer: str) -> dict[str, Any]:
    """The same through a real Prosody, from ordinary accounts."""
    async with PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as prosody:
        for user in USERS:
            prosody.add_account(user, PASSWORD)
        port, secret = prosody.component_port, prosody.component_secret
        async with attacking("tests.hostile.accounts", str(prosody.c2s_port)) as other:
            await other.said()
            async with subject(COMPONENT_DOMAIN, port, secret) as running:
                stream = str(running.component.stream.stream_id)
                clock = Clock()
                stanzas = await other.do(
                    "stanzas",
                    seed=plan.seed + 1,
                    count=plan.account_stanzas,
                    rate=plan.account_rate,
                )
                stanzas |= clock.shares(stanzas["stanzas"] / stanzas["rate"])
                stanzas["stream_drops"] = int(str(running.component.stream.stream_id) != stream)
                stanzas["uncaught"] = len(running.watch.exceptions)
                stanzas["logged_errors"] = len(running.watch.errors)
                failures = running.failures()
            limits = default_limits()
            async with subject(
                COMPONENT_DOMAIN, port, secret, limits=limits, real_media=True
            ) as running:
                clock = Clock()
                flood = await other.do(
                    "flood", rate=plan.flood_rate, seconds=plan.flood_seconds, offer=offer
                )
                flood |= clock.shares(flood["seconds"])
                flood |= await reaped(running, None)
                failures += running.failures()
    return {"stanzas": stanzas, "flood": flood, "failures": failures[:5]}


def offers() -> dict[str, str]:
    """Contents of session-initiates, small to large."""
    from tests.hostile.attacks import OFFER

    dino = (VECTORS / "dino" / "010-in-session-initiate.xml").read_text()
    inner = dino.partition("<jingle")[2].partition(">")[2].rpartition("</jingle>")[0]
    # nothing leaves this machine
    inner = re.sub(r"ip='[^']*'", "ip='127.0.0.1'", inner)
    return {"one audio codec": OFFER, "Dino, audio and video": inner}


async def everything(plan: Plan) -> dict[str, Any]:
    """All of it, one after the other."""
    small, dino = offers().values()
    figures: dict[str, Any] = {"plan": asdict(plan)}
    for name, work in (
        ("scripted", scripted(plan)),
        ("flood", scripted_flood(plan, dino, seconds=plan.flood_seconds)),
        ("flood_small", scripted_flood(plan, small, seconds=plan.flood_seconds)),
        ("prosody", served(plan, dino)),
    ):
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        figures[name] = await work
        took = time.monotonic() - started
        print(f"{name}: {took:.0f} s\n{json.dumps(figures[name])}", file=sys.stderr, flush=True)
    return figures


def main() -> int:
    """Entry point."""
    from benchmarks.report import described, surroundings

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--stanzas", type=int, default=100_000)
    parser.add_argument("--hijacks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--report", action="store_true", help="write docs/results/hostile.*")
    given = parser.parse_args()
    plan = Plan(
        seed=given.seed,
        stanzas=given.stanzas,
        hijacks=given.hijacks,
        flood_seconds=given.seconds,
        account_stanzas=given.accounts,
    )
    facts = surroundings("slixmpp", "hypothesis")
    print(f"seed {plan.seed}", file=sys.stderr, flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = {**runner.run(everything(plan)), "surroundings": facts}
    written = page(figures, described(facts))
    print(written)
    if given.report:
        (RESULTS / "hostile.md").write_text(written, "utf-8")
        (RESULTS / "hostile.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0 if all(verdict.holds for verdict in verdicts(figures)) else 1


if __name__ == "__main__":
    sys.exit(main())
