#!/usr/bin/env python3
"""The server goes and comes back under live calls, again and again: who notices, and for how long.

Prosody is ended (SIGTERM, SIGKILL) and started again, stopped (SIGSTOP, SIGCONT), and the
component's connection is reset or silent for a while. Five callers are in calls of audio and video
all the time, with aiortc's media and XMPP clients that sign in again with the same resource. After
each outage both sides of every call still know their session; after every second one all calls are
ended, half of them from each side, and nothing is left of them.

    benchmarks/outages.py [--rounds 20] [--seed 1] [--report docs/results/outages] [--json]

Exits with 1 when the link came back too late, media stood still, or something was lost or left.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.report import (  # below the path to it
    described,
    last_line,
    surroundings,
    table,
    write_report,
)
from tests.support import leaks
from tests.support.outages import Kind, Measured, outages, rig
from tests.support.tcp_proxy import tcp_proxy

ONLINE_WITHIN = 5.0
"""From the server being there to the component being on it, in s."""
STANDSTILL = 1.0
"""No call is without packets for so long, in s."""
HEADER = (
    "outage", "rounds", "online after, s", "first answer after, s", "longest standstill, s",
    "with waits for a CPU, s",
    "attempts", "calls survived", "calls hung up",
)  # fmt: skip


NOTES = """
Prosody is ended (SIGTERM, SIGKILL) and started again after 0 to 8 s, stopped (SIGSTOP, SIGCONT) for
2 to 14 s, and the component's connection is reset, or silent for 2 to 14 s. Five callers are in
calls of audio and video all the time, with aiortc's media and XMPP clients that sign in again with
the same resource; they and the bridge share one process. After each outage both sides of every call
still know their session, and every caller has the presence of `echo@`; after every second one all
calls are ended, half of them from each side, and no task or descriptor is left of them. A call that
was lost, a hang-up that failed or a thing left behind ends the run without a report.

- **Online after**: from the moment that the server can be reached again until the component is on
  it; for silences, until an answer from it arrives, since the link may live on. The bound is 5 s.
- **First answer**: until the first caller's ping is answered, which after a restart includes its
  own signing in.
- **Standstill**: the longest time in which the count of received packets of one kind of media in
  any call did not grow, looked at every 50 ms. The bound is 1 s. The callers live in the same
  process: what it waited for a CPU on a busy machine is left out, and stands in the next column.
- **Attempts**: connections that the component made.
- **Calls survived**: summed over the outages. In the middle of each silence the bridge ends one
  call, whose caller is told when it is over; that one counts as hung up.
"""


async def main(rounds: int, seed: int) -> list[Measured]:
    """Run all of it; what is wrong beyond the figures raises."""
    measured = []
    await warm_up()
    before = leaks.holdings()
    async with rig() as here:
        for number, outage in enumerate(outages(rounds, seed), 1):
            latest = await here.suffer(outage)
            if number % 2 == 0 or number == rounds:
                await here.hang_up(latest)
            measured.append(latest)
            print(
                f"{number:3} {outage.kind.value}, {outage.seconds:g} s: online after "
                f"{latest.online:.2f} s, standstill {latest.standstill:.2f} s",
                file=sys.stderr,
            )
        for name in ("call failed", "stanza failed", "request failed"):
            assert not here.stack.events(name), here.stack.events(name)
    await leaks.nothing_but(before)
    return measured


async def warm_up() -> None:
    """What the loop opens with the first child and the first server, and keeps."""
    for stdin in (asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE):
        child = await asyncio.create_subprocess_exec("true", stdin=stdin)
        await child.communicate()
    async with tcp_proxy(1):
        pass


def late(measured: Iterable[Measured]) -> list[str]:
    """What missed its bound."""
    return [
        f"{item.outage}: online after {item.online:.2f} s, standstill {item.standstill:.2f} s"
        for item in measured
        if item.online > ONLINE_WITHIN or item.standstill > STANDSTILL
    ]


def row(name: str, measured: Sequence[Measured]) -> tuple[str, ...]:
    """Median and worst of the times, sums of the counts."""

    def spread(times: list[float]) -> str:
        return f"{statistics.median(times):.2f}, at most {max(times):.2f}"

    return (
        name,
        str(len(measured)),
        spread([item.online for item in measured]),
        spread([item.answered for item in measured]),
        f"{max(item.standstill for item in measured):.2f}",
        f"{max(item.on_the_wall for item in measured):.2f}",
        str(sum(item.attempts for item in measured)),
        str(sum(item.survived for item in measured)),
        str(sum(item.hung_up for item in measured)),
    )


def rendered(measured: list[Measured]) -> str:
    """One row for each kind and one for all."""
    rows = []
    for kind in Kind:
        some = [item for item in measured if item.outage.kind is kind]
        if some:
            rows.append(row(kind.value, some))
    return table(HEADER, [*rows, row("all", measured)])


def figures(measured: list[Measured]) -> dict[str, object]:
    """The result for programs."""
    return {
        "rounds": len(measured),
        "online_within_5_s": sum(item.online <= ONLINE_WITHIN for item in measured),
        "online_s_median": round(statistics.median(item.online for item in measured), 2),
        "online_s_max": round(max(item.online for item in measured), 2),
        "standstill_s_max": round(max(item.standstill for item in measured), 2),
        "standstill_with_waits_s_max": round(max(item.on_the_wall for item in measured), 2),
        "calls_survived": sum(item.survived for item in measured),
        "calls_hung_up": sum(item.hung_up for item in measured),
    }


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="outages, of all kinds in turns")
    parser.add_argument("--seed", type=int, default=1, help="of their order")
    parser.add_argument("--report", type=Path, help="write this .md and .json")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    circumstances = surroundings("slixmpp", "aiortc")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(main(given.rounds, given.seed))
    shown, result = rendered(results), figures(results)
    print(f"{shown}\n\n{described(circumstances)}")
    if given.report:
        write_report(
            given.report,
            title="Outages of the server under live calls",
            command=f"python benchmarks/outages.py --rounds {given.rounds} --seed {given.seed}",
            text=shown,
            notes=NOTES,
            facts=circumstances,
            figures=result,
        )
    if given.json:
        print(last_line({**result, **circumstances}))
    missed = late(results)
    for line in missed:
        print(line, file=sys.stderr)
    sys.exit(1 if missed else 0)
