"""Every recorded negotiation again, in real browsers, after SDP to Jingle to SDP.

The residue is taken away on the way: what is left is what a peer that knows only the XEPs would
understand. Each sequence is played from both sides, with trickled candidates and with complete
descriptions, once as recorded and once mapped, under the same conditions. Whatever a browser
accepted of the recorded texts it must accept of the mapped ones, with the same effect.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from jinglebridge.convert import Role, SlotTable, jingle_to_sdp, sdp_to_jingle, slots_after
from jinglebridge.errors import JinglebridgeError
from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.mapping.candidates import wired, with_extensions
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate
from jinglebridge.protocol.xml import build, parse, tag_of
from tests.e2e.browser import Browser, BrowserKind, Page

pytestmark = pytest.mark.e2e

VECTORS = Path(__file__).parents[1] / "vectors" / "browsers"
PLAYER = (Path(__file__).parent / "replay.js").read_text("utf-8")
SEQUENCES_EACH_BROWSER = 50
"""Browsers bound how many peer connections one process may have made."""
KINDS: tuple[BrowserKind, ...] = ("chromium", "firefox")
TYPES = {
    "offer": "offer",
    "re-offer": "offer",
    "answer": "answer",
    "answer-after-rollback": "answer",
    "pranswer": "pranswer",
}
ROLES: dict[str, Role] = {"A": "initiator", "B": "responder"}

Step = dict[str, Any]


@dataclass
class Mapper:
    """The bridge's memory of one session: its table, and what is offered with the table to be."""

    slots: SlotTable = field(default_factory=SlotTable)
    pending: dict[str, tuple[str, SlotTable]] = field(default_factory=dict)

    def offer(self, sdp: str, who: str) -> str:
        slots = slots_after(sdp, role=ROLES[who], slots=self.slots)
        self.pending[who] = (sdp, slots)
        jingle = sdp_to_jingle(sdp, role=ROLES[who], sid="s1", slots=slots)
        return jingle_to_sdp(without_residue(jingle), role=ROLES[who], slots=slots)

    def answer(self, sdp: str, who: str) -> str:
        offer, self.slots = self.pending["B" if who == "A" else "A"]
        jingle = sdp_to_jingle(
            sdp, role=ROLES[who], action="session-accept", sid="s1", slots=self.slots
        )
        return jingle_to_sdp(
            without_residue(jingle), role=ROLES[who], offer=offer, slots=self.slots
        )


def without_residue(jingle: str) -> str:
    root = ElementTree.fromstring(jingle)
    for parent in list(root.iter()):
        for residue in parent.findall(tag_of(Residue)):
            parent.remove(residue)
    return ElementTree.tostring(root, "unicode")


def mapped_candidate(text: str) -> str:
    """A trickled candidate as XEP-0176 alone carries it."""
    ((sent, _),) = wired((parse_candidate(text),))
    read = parse(Candidate, ElementTree.fromstring(ElementTree.tostring(build(sent))))
    (plain,) = with_extensions((read,), None)
    return build_candidate(plain)


@dataclass(frozen=True)
class Sequence:
    name: str
    steps: tuple[Step, ...]

    def seen_by(self, side: str) -> list[Step]:
        """The steps in the order in which this side meets them.

        Two offers that cross: the side that answers the other's takes its own back (the polite
        one, which had sent its offer before the other's came), the other side ignores what came.
        """
        steps = list(self.steps)
        for index, (first, second) in enumerate(pairwise(self.steps)):
            if first["kind"] == second["kind"] == "offer":
                answering = next(item for item in steps[index:] if item["kind"] == "answer")
                polite = second if answering["who"] == second["who"] else first
                steps.remove(polite)
                if polite["who"] == side:
                    steps.insert(index, polite)
        return steps


def sequences() -> Iterator[Sequence]:
    """Each recorded sequence, trickled, and complete where that was recorded."""
    for path in sorted(VECTORS.glob("*/*.sequence.json")):
        recorded = json.loads(path.read_text("utf-8"))
        name = f"{path.parent.name}/{path.name.removesuffix('.sequence.json')}"
        gathered = {
            step["who"]: step for step in recorded if step["kind"] == "local-after-gathering"
        }
        trickled = [step for step in recorded if step["kind"] in (*TYPES, "candidate")]
        yield Sequence(name, tuple(_steps(path.parent, trickled, {})))
        if gathered:
            complete = [step for step in trickled if step["kind"] in TYPES]
            yield Sequence(f"{name} complete", tuple(_steps(path.parent, complete, gathered)))


def _steps(folder: Path, recorded: list[Step], gathered: dict[str, Step]) -> Iterator[Step]:
    mapper, left = Mapper(), dict(gathered)
    for step in recorded:
        who, kind = step["who"], step["kind"]
        common = {"step": step["step"], "who": who, "kind": TYPES.get(kind, kind)}
        if kind in TYPES:
            file = left.pop(who, step)["file"]
            sdp = (folder / file).read_bytes().decode()
            try:
                say = mapper.offer if TYPES[kind] == "offer" else mapper.answer
                mapped = say(sdp, who)
            except JinglebridgeError as error:
                mapped = f"the mapping refused: {error}"  # which no browser takes
            yield {**common, "file": file, "original": sdp, "mapped": mapped}
        elif step["candidate"]:
            place = {"sdpMid": step["mid"], "sdpMLineIndex": step["mline"]}
            place["usernameFragment"] = step["ufrag"]
            yield {
                **common,
                "original": {**place, "candidate": step["candidate"]},
                "mapped": {**place, "candidate": mapped_candidate(step["candidate"])},
            }
        else:
            yield {**common, "original": None, "mapped": None}


async def play(page: Page, sequence: Sequence) -> dict[str, dict[str, list[Step]]]:
    """What each side heard, of the recorded and of the mapped texts."""
    orders = {side: [step["step"] for step in sequence.seen_by(side)] for side in ROLES}
    heard: dict[str, dict[str, list[Step]]] = await page.evaluate(
        f"replay({json.dumps(sequence.steps)}, {json.dumps(orders)})", within=30
    )
    return heard


def compare(original: list[Step], mapped: list[Step], counts: Counter[str]) -> Iterator[str]:
    """What was accepted as recorded and not mapped, or with another effect."""
    again = {item["step"]: item for item in mapped}
    for item in original:
        if "said" in item:
            counts[f"own offers as {item['said']}"] += 1
        elif "error" in item:
            counts["refused as recorded"] += 1
        else:
            counts["accepted as recorded"] += 1
            if again.get(item["step"]) != item:
                other = next((late for late in mapped if "error" in late), again.get(item["step"]))
                yield f"step {item['step']}: {item} became {other}"
                return
            counts["accepted mapped, same effect"] += 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
async def test_browsers_take_what_came_through_jingle(kind: BrowserKind) -> None:
    counts: Counter[str] = Counter()
    faults: list[str] = []
    left = sequences()
    while batch := tuple(islice(left, SEQUENCES_EACH_BROWSER)):
        async with Browser.launch(kind) as browser:
            page = await browser.page()
            await page.evaluate(f"void (0, eval)({json.dumps(PLAYER)})")
            for sequence in batch:
                counts["sequences"] += 1
                for side, heard in (await play(page, sequence)).items():
                    found = compare(heard["original"], heard["mapped"], counts)
                    faults += [f"{sequence.name}, played by {side}, {fault}" for fault in found]
    print(f"{kind}: {dict(counts)}")
    assert not faults, "\n".join(faults)
    assert counts["sequences"] == 112
    assert counts["accepted as recorded"] >= 315
