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
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from jinglebridge.convert import Role, Slot, SlotTable, jingle_to_sdp, sdp_to_jingle
from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0166 import Creator
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.mapping.residue import with_extensions
from jinglebridge.protocol.mapping.sections import wire_candidate
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate
from jinglebridge.protocol.sdp.text import loads_offer
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
    """The bridge's memory of one session: who created what, and what is being answered."""

    creators: dict[str, Creator] = field(default_factory=dict)
    offered: str = ""

    def __call__(self, sdp: str, *, who: str, kind: str) -> str:
        """The description as it arrives at a peer that ignores the residue."""
        mids = [section.mid for section in loads_offer(sdp).media]
        for mid in mids:
            self.creators.setdefault(mid, Creator(ROLES[who]))
        slots = SlotTable(
            tuple(Slot(creator=self.creators[mid], name=mid, mid=mid) for mid in mids)
        )
        is_offer = kind == "offer"
        action = "session-initiate" if is_offer else "session-accept"
        jingle = sdp_to_jingle(sdp, role=ROLES[who], action=action, sid="s1", slots=slots)
        offer = None if is_offer else self.offered
        if is_offer:
            self.offered = sdp
        return jingle_to_sdp(without_residue(jingle), role=ROLES[who], offer=offer, slots=slots)


def without_residue(jingle: str) -> str:
    root = ElementTree.fromstring(jingle)
    for parent in list(root.iter()):
        for residue in parent.findall(tag_of(Residue)):
            parent.remove(residue)
    return ElementTree.tostring(root, "unicode")


def mapped_candidate(text: str) -> str:
    """A trickled candidate as XEP-0176 alone carries it."""
    sent = build(wire_candidate(parse_candidate(text)))
    read = parse(Candidate, ElementTree.fromstring(ElementTree.tostring(sent)))
    (plain,) = with_extensions((read,), None)
    return build_candidate(plain)


@dataclass(frozen=True)
class Sequence:
    name: str
    steps: tuple[Step, ...]


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
            mapped = mapper(sdp, who=who, kind=TYPES[kind])
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


async def play(page: Page, sequence: Sequence, side: str, text: str) -> list[Step]:
    steps = json.dumps(sequence.steps)
    heard: list[Step] = await page.evaluate(f"replay({steps}, '{side}', '{text}')", within=20)
    return heard


def compare(
    sequence: Sequence, side: str, original: list[Step], mapped: list[Step], counts: Counter[str]
) -> list[str]:
    """What was accepted as recorded and not mapped, or with another effect."""
    where = f"{sequence.name}, played by {side}"
    faults, found = [], {item["step"]: item for item in mapped}
    for item in original:
        if "said" in item:
            counts[f"local offers: {item['said']}"] += 1
            continue
        if "error" in item:
            counts["refused as recorded"] += 1
            print(f"refused as recorded: {where}, step {item['step']}: {item['error']}")
            break
        counts["accepted as recorded"] += 1
        again = found.get(item["step"])
        if again == item:
            counts["accepted mapped, same effect"] += 1
        else:
            other = again or next((late for late in mapped if "error" in late), None)
            faults.append(f"{where}, step {item['step']}: {item} became {other}")
            break
    return faults


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
async def test_browsers_take_what_came_through_jingle(kind: BrowserKind) -> None:
    counts: Counter[str] = Counter()
    faults: list[str] = []
    left = sequences()
    while batch := tuple(islice(left, SEQUENCES_EACH_BROWSER)):
        async with Browser.launch(kind) as browser:
            page = await browser.page()
            await page.evaluate(f"{PLAYER}; true")
            for sequence in batch:
                counts["sequences"] += 1
                for side in ROLES:
                    original = await play(page, sequence, side, "original")
                    mapped = await play(page, sequence, side, "mapped")
                    faults += compare(sequence, side, original, mapped, counts)
    print(f"{kind}: {dict(counts)}")
    assert not faults, "\n".join(faults)
    assert counts["sequences"] == 112
    assert counts["accepted as recorded"] >= 300
