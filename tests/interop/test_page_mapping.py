"""The page's mapping and the bridge's understand each other, residue included."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import answer_of, mapped, offer_of
from jinglebridge.protocol.mapping.slots import slots_of
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.protocol.xml import build, parse

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
Mapper = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def page() -> Iterator[Mapper]:
    """The page's mapping, in Node."""
    node = Path(sys.executable).parent / "node"
    program = ROOT / "web" / "tests" / "interop" / "mapper.ts"
    command = [node, "--experimental-transform-types", "--no-warnings", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT / "web"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(**request: str | None) -> dict[str, str]:
            assert process.stdin is not None
            assert process.stdout is not None
            said = {name: value for name, value in request.items() if value is not None}
            process.stdin.write(json.dumps(said) + "\n")
            process.stdin.flush()
            answer: dict[str, str] = json.loads(process.stdout.readline())
            return answer

        yield ask
        process.stdin.close()
        process.wait(timeout=10)


def sections(sdp: str) -> list[Counter[str]]:
    found: list[list[str]] = [[]]
    for raw in sdp.replace("\r\n", "\n").split("\n"):
        line = raw.rstrip().replace("a=msid-semantic: ", "a=msid-semantic:")
        if line.startswith("m="):
            found.append([])
        if line:
            found[-1].append(line)
    return [Counter(lines) for lines in found]


def calls() -> Iterator[tuple[str, Path, Path]]:
    """First offers and their answers, of both browsers and of aiortc."""
    for browser in ("chromium-156", "firefox-153"):
        folder = VECTORS / "browsers" / browser
        for offer in sorted(folder.glob("*--01-A-offer-*.sdp")):
            answer = next(iter(folder.glob(f"{offer.name.split('--')[0]}--02-B-answer-*.sdp")))
            yield f"{browser}/{offer.stem.split('--')[0]}", offer, answer


CALLS = [
    pytest.param(offer, answer, id=name)
    for name, offer, answer in calls()
    if "m=" in offer.read_text()
]


def to_xml(sdp: str, writer: Creator) -> str:
    offer = loads_offer(sdp)
    parts = mapped(offer, writer=writer, slots=slots_of(offer, Creator.INITIATOR))
    jingle = Jingle(
        action=Action.SESSION_INITIATE,
        sid="s1",
        groups=parts.groups,
        contents=parts.contents,
        residue=parts.residue,
    )
    return ElementTree.tostring(build(jingle), "unicode")


@pytest.mark.parametrize(("offer_file", "answer_file"), CALLS)
def test_an_offer_of_the_page_reaches_the_bridge_whole(
    page: Mapper, offer_file: Path, answer_file: Path
) -> None:
    sdp = offer_file.read_text()
    said = page(sdp=sdp, writer="initiator")
    offer, _ = offer_of(
        parse(Jingle, ElementTree.fromstring(said["jingle"])), writer=Creator.INITIATOR
    )
    assert sections(dumps(offer)) == sections(sdp)


@pytest.mark.parametrize(("offer_file", "answer_file"), CALLS)
def test_an_answer_of_the_bridge_reaches_the_page_whole(
    page: Mapper, offer_file: Path, answer_file: Path
) -> None:
    sdp = answer_file.read_text()
    xml = to_xml(sdp, Creator.RESPONDER)
    read = page(jingle=xml, writer="responder", offer=offer_file.read_text())
    assert "error" not in read
    answer = loads_answer(sdp)
    for index, (theirs, ours) in enumerate(zip(sections(read["sdp"]), sections(sdp), strict=True)):
        rejected = index > 0 and answer.media[index - 1].is_rejected
        if not rejected:
            assert theirs == ours


@pytest.mark.parametrize(("offer_file", "answer_file"), CALLS)
def test_an_answer_of_the_page_reaches_the_bridge_whole(
    page: Mapper, offer_file: Path, answer_file: Path
) -> None:
    sdp = answer_file.read_text()
    said = page(sdp=sdp, writer="responder")
    offer = loads_offer(offer_file.read_text())
    slots = slots_of(offer, Creator.INITIATOR)
    jingle = parse(Jingle, ElementTree.fromstring(said["jingle"]))
    answer = answer_of(jingle, writer=Creator.RESPONDER, offer=offer, slots=slots)
    for theirs, ours in zip(sections(dumps(answer))[1:], sections(sdp)[1:], strict=True):
        if not any(line.startswith("m=") and " 0 " in line for line in ours):
            assert theirs == ours
