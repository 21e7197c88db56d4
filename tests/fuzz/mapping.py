#!/usr/bin/env python3
"""Random edits of the vectors, through the conversion: only typed errors come out.

    tests/fuzz/mapping.py [--count 1000000] [--seed 1] [--jobs 2] [--report FILE]
    tests/fuzz/mapping.py --seed 1 --only 4711     one case again, with what went in

Case number n of a seed is always the same one. Beside the errors, each description that was read is
held to the promises of the conversion: nothing of it is lost in Jingle but what docs/mapping.md
excepts, we read what we write, and between two of our own texts nothing changes. `make fuzz` writes
docs/results/fuzz-mapping.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from jinglebridge.convert import (  # noqa: E402 # the program finds the checkout by itself
    Role,
    explain,
    jingle_to_sdp,
    sdp_to_jingle,
    slots_after,
)
from jinglebridge.errors import JinglebridgeError  # noqa: E402 # as above
from jinglebridge.protocol.sdp.text import loads_offer  # noqa: E402 # as above

VECTORS = ROOT / "tests" / "vectors"
ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS = ("session-initiate", "session-accept", "content-add", "content-modify")
JINGLE = "{urn:xmpp:jingle:1}jingle"
PIECES = (
    *("\r\n", "\n", "\r", "\x00", "\u2028", " ", ":", "=", "/", "-1", "0", "99999999999", "a="),
    *("m=", "*", ";", "\u00a0", "\t", "nan", "\ud800", "\uffff", "1e9", "~session direction\n"),
    *("a=mid:0\r\n", "a=x-jingle:PGEvPg==\r\n", "m=audio 0 RTP/AVP 0\r\n", "a=bundle-only\r\n"),
    *("a=setup:active\r\n", "a=sendonly\r\n", "a=ice-ufrag:abcd\r\n", "a=extmap-allow-mixed\r\n"),
    *("<a/>", "&lt;", "&#10;", "<!--", "]]>", "'", '"', "xmlns=''", "\u00e9", "\U0001f980"),
)
ONCE = ("a=ice-ufrag", "a=ice-pwd", "a=ice-options", "a=setup")
SAID_ONCE = frozenset(
    (
        *("direction", "mid", "group", "setup", "fingerprint", "ice-ufrag", "ice-pwd"),
        *(
            "ice-options",
            "rtcp-mux",
            "extmap-allow-mixed",
            "end-of-candidates",
            "ptime",
            "maxptime",
        ),
        *("content", "remote-candidates", "sctp-port", "rtpmap", "fmtp", "rtcp-fb"),
    )
)
"""What standard elements say, and once: docs/mapping.md, What is not kept."""
FORMED = re.compile(r"a=(mid:\S+|group:\S+( \S+)*|(send|recv)only|sendrecv|inactive)")
BY_ELEMENTS = SAID_ONCE | {"ssrc", "ssrc-group", "extmap", "crypto"}
"""Whose lines, if they are not of their form, are not kept beside the elements either."""
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
BATCH = 1_000
EVERY = 8
"""One case of so many is held to the promises."""


class Broken(Exception):
    """A promise of the conversion does not hold."""


@dataclass(frozen=True, slots=True)
class Case:
    """One edited vector."""

    kind: str
    """``sdp``, ``tree`` (a changed element) or ``xml`` (a changed text of one)."""
    text: str
    role: Role
    action: str
    carry: bool


@cache
def sdps() -> tuple[str, ...]:
    """The vectors that are descriptions; short ones count more often, as they take less time."""
    texts = [path.read_bytes().decode() for path in sorted(VECTORS.rglob("*.sdp"))]
    short = [text for text in texts if len(text) < 1_800]
    return (*texts, *short * 12)


@cache
def jingles() -> tuple[str, ...]:
    """Captured requests, and ours for the descriptions."""
    captured = [
        ET.tostring(root, "unicode")
        for path in sorted((VECTORS / "clients").rglob("*.xml"))
        for root in ET.parse(path).iter(JINGLE)
    ]
    ours = [sdp_to_jingle(text, role="initiator", sid="sid1") for text in sdps()[::3]]
    return (*[text for text in captured if len(text) < 9_000] * 8, *ours)


def edited(text: str, rng: random.Random) -> str:
    """A text with one to three changes of the kinds that parsers trip over."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(7):
            case 0:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 12) :]
            case 2:
                text = text[:at] + chr(rng.randrange(0x180)) + text[at + 1 :]
            case 3:
                end = at + rng.randint(1, 200)
                text = text[:end] + text[at:end] + text[end:]
            case 4:
                lines = text.split("\n")
                first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[first], lines[second] = lines[second], lines[first]
                text = "\n".join(lines)
            case 5:
                lines = text.split("\n")
                lines.insert(rng.randrange(len(lines)), rng.choice(rng.choice(sdps()).split("\n")))
                text = "\n".join(lines)
            case _:
                lines = text.split("\n")
                del lines[rng.randrange(len(lines))]
                text = "\n".join(lines)
    return text


def edit_tree(root: ET.Element, rng: random.Random) -> None:
    """One to three changes of a tree's elements and attributes."""
    items = list(root.iter())
    for _ in range(rng.randint(1, 3)):
        item, other = rng.choice(items), rng.choice(items)
        match rng.randrange(8):
            case 0 if item.attrib:
                name = rng.choice(sorted(item.attrib))
                item.set(name, edited(item.attrib[name], rng))
            case 1 if item.attrib:
                del item.attrib[rng.choice(sorted(item.attrib))]
            case 2:
                item.text = edited(item.text or "", rng)
            case 3 if len(item):
                item.remove(rng.choice(list(item)))
            case 4 if other not in item.iter() and item not in other.iter():
                item.append(other)
            case 5 if other.attrib:
                name = rng.choice(sorted(other.attrib))
                item.set(name, other.attrib[name])
            case 6:
                item.insert(
                    rng.randrange(len(item) + 1), ET.Element(rng.choice(["{urn:odd}o", "o"]))
                )
            case _:
                item.tag = other.tag


def case_of(seed: int, number: int) -> Case:
    """The case of this number."""
    rng = random.Random(f"{seed}/{number}")
    role, action, carry = rng.choice(ROLES), rng.choice(ACTIONS), rng.random() < 0.5
    kind = rng.choice(["sdp", "sdp", "tree", "xml"])
    if kind == "sdp":
        text = edited(rng.choice(sdps()), rng)
    elif kind == "xml":
        text = edited(rng.choice(jingles()), rng)
    else:
        root = ET.fromstring(rng.choice(jingles()))
        edit_tree(root, rng)
        text = ET.tostring(root, "unicode")
    return Case(kind, text, role, action, carry)


def lines_of(sdp: str) -> list[Counter[str]]:
    """The lines of each part of a description."""
    found: list[Counter[str]] = [Counter()]
    for raw in sdp.replace("\r\n", "\n").split("\n"):
        line = raw.rstrip(" \t")
        if line.startswith("m="):
            found.append(Counter())
        if line:
            found[-1][line] += 1
    return found


def says_twice(sdp: str) -> bool:
    """Whether the session says twice what can hold once: the second word may be lost."""
    names = [line.partition(":")[0] for line in sdp.partition("\r\nm=")[0].split("\r\n") if line]
    once = [name for name in names if name in ONCE or name[2:] in DIRECTIONS]
    return len({"direction" if name[2:] in DIRECTIONS else name for name in once}) < len(once)


def subject(line: str) -> tuple[str, str]:
    """Of what a line speaks: of two with one subject, Jingle may be able to say one."""
    name, _, value = line.removeprefix("a=").partition(":")
    if name in ("rtpmap", "fmtp", "rtcp-fb"):
        return name, value.partition(" ")[0].lstrip("0")
    return ("direction" if name in DIRECTIONS else name if line.startswith("a=") else line[:2]), ""


@cache
def is_read(line: str) -> bool:
    """Whether a line is understood, by itself, and not only kept."""
    section = loads_offer(f"v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 0\n{line}\n").media[0]
    return not section.attributes


def is_excepted(line: str, part: Counter[str], above: Counter[str]) -> bool:
    """Whether docs/mapping.md says that a line may be lost."""
    what = subject(line)
    if what[0] in BY_ELEMENTS and not is_read(line):
        return True
    if what[0] not in SAID_ONCE:
        return False
    subjects = [subject(item) for item in part.elements()]
    again = subjects.count(what) > 1 or what in map(subject, above)
    is_formed = FORMED.fullmatch(line) is not None or what[0] not in ("mid", "group", "direction")
    is_video = any(item.startswith("m=video") for item in part)
    has_channels = what[0] == "rtpmap" and is_video and line.count("/") > 1
    return again or not is_formed or has_channels


def changes(sdp: str, back: str) -> list[str]:
    """The lines that are missing or new, but for those that docs/mapping.md excepts."""
    olds, news = lines_of(sdp), lines_of(back)
    if len(olds) != len(news):
        return [f"{len(olds)} parts became {len(news)}"]
    found = []
    for old, new in zip(olds, news, strict=True):
        lost, more = old - new, new - old
        excepted = [line for line in lost if is_excepted(line, old, olds[0])]
        found += [f"- {line}" for line in lost if line not in excepted]
        # what every description has is added; what is lost may come back in another form
        present = {subject(line)[0] for line in old if line != "a=mid"}
        added = {"o=", "s=", "t=", "c=", "mid"} - present
        added |= {subject(line)[0] for line in excepted}
        found += [f"+ {line}" for line in more if subject(line)[0] not in added]
    return found


def tried(case: Case, *, holds: bool = True) -> str:
    """What became of a case: ``accepted`` or an error's name.

    Args:
        case: what to convert.
        holds: whether the promises are looked at too, which takes four times as long.

    Raises:
        Broken: a promise does not hold.
    """
    try:
        if case.kind == "sdp":
            jingle = sdp_to_jingle(case.text, role=case.role, action=case.action, sid="sid1")
            slots_after(case.text, role=case.role)
        else:
            back = jingle_to_sdp(case.text, role=case.role, carry=case.carry)
    except JinglebridgeError as error:
        return type(error).__name__
    if case.kind == "sdp":
        back = read_again(case, jingle)
    if holds:
        check_promises(case, back)
    return "accepted"


def read_again(case: Case, jingle: str) -> str:
    """The description that comes back from our own Jingle."""
    try:
        back = jingle_to_sdp(jingle, role=case.role)
    except JinglebridgeError as error:
        raise Broken(f"our own Jingle is refused: {error}") from error
    if (found := changes(case.text, back)) and "a=x-jingle" not in case.text:
        raise Broken(f"the way through Jingle changed {found[:3]}")
    return back


def check_promises(case: Case, back: str) -> None:
    """Hold our own text to what the conversion promises."""

    def once_more(sdp: str) -> str:
        jingle = sdp_to_jingle(sdp, role=case.role, action=case.action, sid="sid1")
        return jingle_to_sdp(jingle, role=case.role, carry=case.kind != "sdp" and case.carry)

    try:
        twice = once_more(back)
        thrice = twice if case.kind == "sdp" else once_more(twice)
        rows = explain(back, role=case.role)
    except JinglebridgeError as error:
        raise Broken(f"our own text is refused: {error}") from error
    if says_twice(back):
        return
    # a value of Jingle that SDP has no place for becomes a line of its own once
    if without_xml(lines_of(twice)) != without_xml(lines_of(back)):
        raise Broken("our own text comes back with other lines")
    if thrice != twice or (case.kind == "sdp" and twice != back):
        raise Broken("our own text comes back in another order")
    if Counter(row.line for row in rows) != sum(lines_of(back), Counter()):
        raise Broken("explain leaves out a line")


def without_xml(parts: list[Counter[str]]) -> list[Counter[str]]:
    """The lines without the carried ones."""
    return [
        Counter({line: count for line, count in part.items() if "a=x-jingle:" not in line})
        for part in parts
    ]


def batch(arguments: tuple[int, int, int]) -> tuple[Counter[str], list[str]]:
    """Try the cases of a range: what became of them, and what went wrong."""
    seed, start, end = arguments
    outcomes: Counter[str] = Counter()
    wrong = []
    for number in range(start, end):
        try:
            case = case_of(seed, number)
            outcomes[f"{case.kind} {tried(case, holds=number % EVERY == 0)}"] += 1
        except Exception as error:  # every other error is what is looked for
            wrong.append(f"--seed {seed} --only {number}: {type(error).__name__}: {error}"[:300])
    return outcomes, wrong


def ranges(seed: int, count: int) -> Iterator[tuple[int, int, int]]:
    for start in range(0, count, BATCH):
        yield seed, start, min(count, start + BATCH)


def report(seed: int, outcomes: Counter[str], wrong: list[str], seconds: float) -> str:
    """A page that says what was run and found."""
    rows = [
        f"| {kind} | {outcome} | {count} |"
        for (kind, outcome), count in sorted(
            (tuple(name.split(" ")), count) for name, count in outcomes.items()
        )
    ]
    total = outcomes.total() + len(wrong)
    return "\n".join(
        (
            "# Random edits of the vectors",
            "",
            f"`make fuzz` tried {total:,} edited descriptions and requests (seed {seed}, Python "
            f"{platform.python_version()}, {seconds / 60:.0f} min): {len(wrong)} untyped "
            "errors or broken promises. Each case is one of the vectors with one to "
            "three edits; each that is accepted must come back from Jingle byte for byte.",
            "",
            "| Edited | Outcome | Cases |",
            "|---|---|---|",
            *rows,
            *(["", "Wrong:", "", *(f"- `{line}`" for line in wrong[:50])] if wrong else []),
            "",
        )
    )


def run(seed: int, count: int, jobs: int) -> tuple[Counter[str], list[str]]:
    """Try all cases, with progress on standard error."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    started = last = time.monotonic()
    with multiprocessing.Pool(jobs) as pool:
        for found, more in pool.imap_unordered(batch, ranges(seed, count)):
            outcomes += found
            wrong += more
            for line in more:
                print(f"WRONG {line}", file=sys.stderr, flush=True)
            if time.monotonic() - last > 5:
                last = time.monotonic()
                done = outcomes.total() + len(wrong)
                rate = done / (last - started)
                left = (count - done) / rate / 60
                print(
                    f"seed {seed}: {done:,} of {count:,}, {rate:.0f}/s, {left:.0f} min left, "
                    f"{len(wrong)} wrong",
                    file=sys.stderr,
                    flush=True,
                )
    return outcomes, wrong


def main() -> int:
    """Entry point; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--only", type=int, help="number of one case to try again")
    parser.add_argument("--report", type=Path, help="file to write")
    given = parser.parse_args()
    if given.only is not None:
        case = case_of(given.seed, given.only)
        print(json.dumps(case.text))
        print(f"{case.kind}, {case.role}, {case.action}, carry={case.carry}: {tried(case)}")
        return 0
    print(f"seed {given.seed}: {given.count:,} cases", file=sys.stderr, flush=True)
    started = time.monotonic()
    outcomes, wrong = run(given.seed, given.count, given.jobs)
    page = report(given.seed, outcomes, wrong, time.monotonic() - started)
    if given.report is not None:
        given.report.write_text(page, "utf-8")
    print(page)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
