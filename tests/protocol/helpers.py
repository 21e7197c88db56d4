"""The vectors, and the ways through the core that several test modules take."""

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import mapped, offer_of
from jinglebridge.protocol.mapping.slots import SlotTable, slots_of
from jinglebridge.protocol.sdp.description import Offer, SessionDescription
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.protocol.xml import build, parse

VECTORS = Path(__file__).parents[1] / "vectors"
SDP_FILES = tuple(sorted(VECTORS.rglob("*.sdp")))
STANZA_FILES = tuple(sorted((VECTORS / "clients").rglob("*.xml")))
SEQUENCE_FILES = tuple(sorted(VECTORS.rglob("*.sequence.json")))

HEAD = ("v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0")
AUDIO = ("m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "c=IN IP4 0.0.0.0", "a=mid:0")
VIDEO = ("m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1")
DATA = ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2")


def name_of(path: Path) -> str:
    """How a vector is called in a test's name."""
    return str(path.relative_to(VECTORS))


@cache
def read(path: Path) -> str:
    """A file as it is, line ends included."""
    return path.read_bytes().decode()


def text_of(*lines: str) -> str:
    """Lines as a description's text."""
    return "".join(f"{line}\r\n" for line in lines)


def sections(sdp: str) -> list[Counter[str]]:
    """The lines of each part of a description; what is forgiven is made equal."""
    found: list[Counter[str]] = [Counter()]
    for raw in sdp.replace("\r\n", "\n").split("\n"):
        line = raw.rstrip(" \t")
        if line.startswith("a=msid-semantic:"):
            line = "a=msid-semantic:" + line.partition(":")[2].strip()
        if line.startswith("m="):
            found.append(Counter())
        if line:
            found[-1][line] += 1
    return found


def clark(xml: ET.Element) -> object:
    """An element as a value that compares: attributes unordered, white space around text away."""
    return (
        xml.tag,
        frozenset(xml.attrib.items()),
        (xml.text or "").strip(),
        tuple(clark(item) for item in xml),
    )


def wire(jingle: Jingle) -> str:
    """A request as text."""
    return ET.tostring(build(jingle), encoding="unicode")


def unwire(text: str) -> Jingle:
    """A request from text."""
    return parse(Jingle, ET.fromstring(text))


def say(
    description: SessionDescription,
    *,
    action: Action = Action.SESSION_INITIATE,
    writer: Creator = Creator.INITIATOR,
    slots: SlotTable | None = None,
) -> Jingle:
    """A description as the request that carries it, through its text."""
    table = slots_of(description, Creator.INITIATOR) if slots is None else slots
    parts = mapped(description, writer=writer, slots=table)
    request = Jingle(
        action=action,
        sid="sid1",
        contents=parts.contents,
        groups=parts.groups,
        residue=parts.residue,
    )
    read_again = unwire(wire(request))
    assert read_again == request, "what we emit is not what we read"
    return read_again


def through(offer: Offer) -> Offer:
    """An offer from SDP to Jingle text and back."""
    return offer_of(say(offer), writer=Creator.INITIATOR)[0]


def offered(*lines: str) -> Offer:
    """An offer of these lines."""
    return loads_offer(text_of(*lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One offer of a recorded sequence and its answer."""

    offer: Path
    answer: Path
    initiator_offers: bool

    @property
    def name(self) -> str:
        """How it is called in a test's name."""
        return name_of(self.answer)


def exchanges() -> tuple[Exchange, ...]:
    """All offers with answers, in the order in which they were recorded."""
    found = []
    for path in SEQUENCE_FILES:
        offers: dict[str, Path] = {}
        for step in json.loads(read(path)):
            kind, who = step["kind"], step.get("who")
            if kind in ("offer", "re-offer"):
                offers[who] = path.parent / step["file"]
            elif kind in ("answer", "pranswer", "answer-after-rollback"):
                offerer = "B" if who == "A" else "A"
                exchange = Exchange(
                    offer=offers[offerer],
                    answer=path.parent / step["file"],
                    initiator_offers=offerer == "A",
                )
                found.append(exchange)
    return tuple(found)
