#!/usr/bin/env python3
"""How fast and how whole is SDP to Jingle text to SDP, beside stanza and sdp-jingle-json.

Each of the 280 recorded browser descriptions goes through Jingle as XML text and comes back. The
three mappings take turns every few descriptions, so that whatever else the machine does slows all
of them down, and after a warm-up the median of the rounds counts.

Time is CPU time: of our whole process, but of Node's main thread alone, without the threads that
compile and collect garbage for it, so the comparison favours the peers. sdp-jingle-json has no XML
layer any more: its time is that of objects, not of text.

    benchmarks/mapping.py [--rounds 7] [--json] [--report docs/results/mapping]

The peers are installed from benchmarks/mapping_peers/package-lock.json when they are missing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.report import (  # below the path to it
    described,
    last_line,
    surroundings,
    table,
    write_report,
)
from jinglebridge.convert import Role, jingle_to_sdp, sdp_to_jingle
from jinglebridge.errors import JinglebridgeError

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors" / "browsers"
PEERS = Path(__file__).resolve().parent / "mapping_peers"
NODE_FOLDER = Path(sys.executable).parent
"""Node and npm of this Python environment."""

OURS, STANZA, SJJ = "jinglebridge", "stanza", "sdp-jingle-json"
SLICE = 20
"""Descriptions between two turns."""
WARM_UP = 4
"""Passes over all vectors that do not count; V8 has compiled what matters after two."""

_SESSION_ONLY = "ostv"
"""Types of lines that are not counted: no Jingle element is theirs, constants would do."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One recorded description."""

    name: str
    sdp: str
    role: Role
    """Of its writer."""

    @property
    def action(self) -> str:
        """An offer opens a session here, an answer accepts one."""
        return "session-initiate" if self.role == "initiator" else "session-accept"


def vectors() -> list[Vector]:
    """All recorded descriptions, in order of their names."""
    found = []
    for path in sorted(VECTORS.glob("*/*.sdp")):
        writer = path.stem.partition("--")[2].split("-")[1]
        role: Role = "initiator" if writer == "A" else "responder"
        name = f"{path.parent.name}/{path.stem}"
        found.append(Vector(name, path.read_bytes().decode(), role))
    return found


def round_trip(vector: Vector) -> str | None:
    """Our way there and back; None where it refuses."""
    try:
        jingle = sdp_to_jingle(
            vector.sdp, role=vector.role, action=vector.action, sid="a73sjjvkla37jfea"
        )
        return jingle_to_sdp(jingle, role=vector.role)
    except JinglebridgeError:
        return None


def our_turn(known: list[Vector], start: int, end: int) -> float:
    """CPU time for the vectors of one turn, in µs."""
    before = time.process_time()
    for vector in known[start:end]:
        round_trip(vector)
    return (time.process_time() - before) * 1e6


# ---- the peers -----------------------------------------------------------------------------------


def install_peers() -> None:
    """Install the locked packages, unless they are there."""
    locks = [PEERS / "package.json", PEERS / "package-lock.json"]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in locks)).hexdigest()
    stamp = PEERS / "node_modules" / ".stamp"
    if stamp.exists() and stamp.read_text("ascii") == wanted:
        return
    print("installing stanza and sdp-jingle-json for this benchmark", file=sys.stderr)
    subprocess.run(  # noqa: S603 - the environment's own npm
        [NODE_FOLDER / "npm", "ci", "--ignore-scripts", "--loglevel=error"],
        cwd=PEERS,
        env={**os.environ, "PATH": f"{NODE_FOLDER}{os.pathsep}{os.environ['PATH']}"},
        stdout=sys.stderr,
        check=True,
        timeout=300,
    )
    stamp.write_text(wanted, "ascii")


@contextlib.contextmanager
def peers(known: list[Vector]) -> Iterator[Callable[..., Any]]:
    """A running Node with both peers and all vectors; yields how to ask it."""
    process = subprocess.Popen(  # noqa: S603 - the environment's own Node
        [NODE_FOLDER / "node", PEERS / "peers.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def ask(**request: Any) -> Any:
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        line = answers.readline()
        if not line:
            raise SystemExit("the peers' process has ended")
        return json.loads(line)

    try:
        ask(load=[{"sdp": vector.sdp, "role": vector.role} for vector in known])
        yield ask
    finally:
        requests.close()
        answers.close()
        process.wait(timeout=30)


def versions() -> dict[str, str]:
    """What is installed of the peers and runs them."""
    lock = json.loads((PEERS / "package-lock.json").read_text("utf-8"))["packages"]
    return {name: lock[f"node_modules/{name}"]["version"] for name in (STANZA, SJJ)}


# ---- lines kept ----------------------------------------------------------------------------------


def sections(sdp: str) -> list[list[str]]:
    """The lines of the session's part and of each m-section, without those not counted."""
    parts: list[list[str]] = [[]]
    for line in sdp.splitlines():
        if line.startswith("m="):
            parts.append([])
        if line and line[0] not in _SESSION_ONLY:
            parts[-1].append(line)
    return parts


def by_mid(sdp: str) -> dict[str, list[str]]:
    """The session's part under an empty name, each section under its mid or else its place."""
    named: dict[str, list[str]] = {}
    for index, lines in enumerate(sections(sdp)):
        mid = next((line for line in lines if line.startswith("a=mid:")), f"#{index}")
        named["" if index == 0 else mid] = lines
    return named


def in_meaning(line: str) -> str:
    """A line in a form that is equal where two lines say the same to any reader."""
    if line.startswith("a=candidate:"):
        head, _, rest = line.partition(" typ ")
        kind, *words = rest.split()
        pairs = sorted(zip(words[::2], words[1::2], strict=False))
        said = [pair for pair in pairs if pair != ("generation", "0") and pair[0] != "ufrag"]
        return f"{head.lower()} {kind} {said}"
    if line.startswith("a=fmtp:"):
        return re.sub(r";\s*", ";", line)
    if line.startswith("a=msid-semantic:"):
        return line.replace(" ", "")
    if line.startswith("a=extmap:"):
        return line.replace("/sendrecv ", " ", 1)
    if line.startswith("a=rtpmap:"):
        return line.removesuffix("/1")
    return line


def kept(original: str, back: str | None, form: Callable[[str], str]) -> int:
    """How many lines of a description came back in the same section."""
    found = by_mid(back or "")
    return sum(
        (Counter(map(form, lines)) & Counter(map(form, found.get(mid, ())))).total()
        for mid, lines in by_mid(original).items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one mapping did."""

    us: float
    """CPU time for one description, in µs."""
    exact: int
    """Lines that came back letter by letter."""
    meant: int
    """Lines that came back saying the same."""
    whole: int
    """Descriptions of which no line was lost."""
    refused: int


def judge(known: list[Vector], back: list[str | None], us: float) -> Result:
    """Count what came back."""
    exact = [
        kept(vector.sdp, text, lambda line: line) for vector, text in zip(known, back, strict=True)
    ]
    meant = [kept(vector.sdp, text, in_meaning) for vector, text in zip(known, back, strict=True)]
    whole = [
        count == sum(map(len, sections(vector.sdp)))
        for count, vector in zip(exact, known, strict=True)
    ]
    return Result(
        us=us,
        exact=sum(exact),
        meant=sum(meant),
        whole=sum(whole),
        refused=sum(text is None for text in back),
    )


# ---- the run -------------------------------------------------------------------------------------


def measure(known: list[Vector], rounds: int) -> dict[str, Result]:
    """Run the mappings in turn; the median round counts."""
    times: dict[str, list[float]] = {OURS: [], STANZA: [], SJJ: []}
    with peers(known) as ask:
        for number in range(WARM_UP + rounds):
            passed = dict.fromkeys(times, 0.0)
            for start in range(0, len(known), SLICE):
                turn = {"start": start, "end": start + SLICE}
                for name in times:
                    us = our_turn(known, **turn) if name == OURS else ask(run=name, **turn)
                    passed[name] += us
            if number >= WARM_UP:
                for name, us in passed.items():
                    times[name].append(us / len(known))
        back = {name: ask(show=name) for name in (STANZA, SJJ)}
    back[OURS] = [round_trip(vector) for vector in known]
    return {name: judge(known, back[name], median(spent)) for name, spent in times.items()}


def rows_of(results: dict[str, Result], total: int, count: int) -> list[tuple[str, ...]]:
    """The table for people."""
    return [
        (
            name,
            f"{result.us:.0f}",
            f"{result.us / results[STANZA].us:.2f}",
            f"{result.exact / total:.2%}",
            f"{result.meant / total:.2%}",
            f"{result.whole}/{count}",
        )
        for name, result in results.items()
    ]


NOTES = """
- **Time** is CPU time for one of the 280 recorded browser descriptions, there and back, after a
  warm-up, the median of the rounds, in which the three mappings take turns. It is that of our whole
  process, but of Node's main thread alone. sdp-jingle-json has no XML layer: its time is that of
  objects, not of text.
- **Same lines** came back letter by letter in the same section, **same meaning** lines say the
  same to any reader, and **whole** descriptions lost no line. Lines for which any constant would do
  (`v=`, `o=`, `s=`, `t=`) are not counted.
"""


def figures_of(results: dict[str, Result], total: int) -> dict[str, object]:
    """One object for programs."""
    ours, stanza, sjj = results[OURS], results[STANZA], results[SJJ]
    return {
        "lines_kept": ours.exact / total,
        "us": round(ours.us, 1),
        "ratio_to_stanza": round(ours.us / stanza.us, 3),
        "lines": total,
        "lines_lost": total - ours.exact,
        "descriptions_whole": ours.whole,
        "stanza_us": round(stanza.us, 1),
        "stanza_lines_kept": round(stanza.meant / total, 4),
        "sdp_jingle_json_us": round(sjj.us, 1),
        "sdp_jingle_json_lines_kept": round(sjj.meant / total, 4),
    }


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (at least 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--report", type=Path, help="write this .md and .json")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and fail where a line of ours was lost."""
    options = arguments()
    install_peers()
    known = vectors()
    assert len(known) == 280
    total = sum(len(lines) for vector in known for lines in sections(vector.sdp))
    facts = surroundings("lxml", **versions())
    results = measure(known, max(5, options.rounds))
    print(f"SDP → Jingle text → SDP, {len(known)} browser descriptions, {total} lines\n")
    header = ("CPU time of one", "µs", "× stanza", "same lines", "same meaning", "whole")
    text = table(header, rows_of(results, total, len(known)))
    print(f"{text}\n\n{described(facts)}")
    figures = figures_of(results, total)
    if options.report:
        write_report(
            options.report,
            title="SDP to Jingle text and back: time and lines kept",
            command="benchmarks/mapping.py",
            text=text,
            notes=NOTES,
            facts=facts,
            figures=figures,
        )
    if options.json:
        print(last_line({**figures, **facts}))
    return 0 if results[OURS].exact == total else 1


if __name__ == "__main__":
    sys.exit(main())
