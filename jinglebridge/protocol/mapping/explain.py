"""Which element carries which line of a description: for people who want to see for themselves."""

from collections import Counter
from dataclasses import dataclass, replace

from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.mapping.carry import ATTRIBUTE
from jinglebridge.protocol.mapping.descriptions import mapped
from jinglebridge.protocol.mapping.sections import section_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable
from jinglebridge.protocol.sdp.description import SessionDescription
from jinglebridge.protocol.sdp.writer import write_section, write_session

RESIDUE = "residue"
"""The carrier of lines that no XEP can say."""
IMPLIED = "implied"
"""The carrier of lines that every description has (RFC 9429 §5.2.1)."""
XML = "carried XML"
"""The carrier of ``a=x-jingle`` lines, which become the elements that they hold."""
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_X_JINGLE = f"a={ATTRIBUTE}:"

CARRIERS: dict[str, tuple[str, str]] = {
    "m=": ("XEP-0167 §4", "description, payload-type"),
    "b=": ("XEP-0167 §6", "bandwidth"),
    "mid": ("XEP-0338 §3", "content name"),
    **dict.fromkeys(_DIRECTIONS, ("XEP-0166 §7.3", "content senders")),
    "rtpmap": ("XEP-0167 §4", "payload-type"),
    "fmtp": ("XEP-0167 §4", "payload-type/parameter"),
    "ptime": ("XEP-0167 §4", "payload-type ptime"),
    "maxptime": ("XEP-0167 §4", "payload-type maxptime"),
    "rtcp-mux": ("XEP-0167 §4", "rtcp-mux"),
    "crypto": ("XEP-0167 §7", "encryption/crypto"),
    "rtcp-fb": ("XEP-0293 §3", "rtcp-fb, rtcp-fb-trr-int"),
    "extmap": ("XEP-0294 §3", "rtp-hdrext"),
    "extmap-allow-mixed": ("XEP-0294 §3", "extmap-allow-mixed"),
    "ssrc": ("XEP-0339 §3", "source/parameter"),
    "ssrc-group": ("XEP-0339 §3", "ssrc-group"),
    "content": ("XEP-0507 §2", "category"),
    "ice-ufrag": ("XEP-0176 §5", "transport ufrag"),
    "ice-pwd": ("XEP-0176 §5", "transport pwd"),
    "candidate": ("XEP-0176 §5", "candidate"),
    "remote-candidates": ("XEP-0176 §5", "remote-candidate"),
    "end-of-candidates": ("XEP-0371 §5", "gathering-complete"),
    "fingerprint": ("XEP-0320 §3", "fingerprint"),
    "setup": ("XEP-0320 §3", "fingerprint setup"),
    "sctp-port": ("XEP-0343 §3", "sctpmap"),
    "group": ("XEP-0338 §3", "group"),
    ATTRIBUTE: (XML, ""),
}
"""Specification and element by attribute name, or by type of line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One line and its carrier."""

    section: int | None
    """Index of the m-section; ``None`` for the session's own lines."""
    line: str
    carrier: str
    """A specification with its section, ``residue``, or ``implied``."""
    element: str = ""
    """The element or attribute, where a specification is the carrier."""


def explained(
    description: SessionDescription, *, writer: Creator, slots: SlotTable
) -> list[Carried]:
    """A row for each line of a description, in its written order."""
    rows = []
    parts = mapped(description, writer=writer, slots=slots)
    session = {line for line in parts.residue.lines if line} if parts.residue else set()
    bare = replace(description, media=())
    rows += [
        Carried(section=None, line=line, carrier=RESIDUE)
        if line in session and not line.startswith(_X_JINGLE)
        else _standard(None, line)
        for line in write_session(bare)
    ]
    contents = iter(parts.contents)
    for index, (section, slot) in enumerate(zip(description.media, slots.slots, strict=True)):
        lines = tuple(write_section(section, description.defaults))
        if section.is_rejected:
            rows += [Carried(section=index, line=line, carrier=RESIDUE) for line in lines]
        else:
            rows += _of_section(index, lines, next(contents), slot, writer)
    return rows


def _of_section(
    index: int, lines: tuple[str, ...], content: Content, slot: Slot, writer: Creator
) -> list[Carried]:
    plain = section_of(replace(content, residue=None), slot=slot, writer=writer)
    said = Counter(write_section(plain))
    rows = []
    for line in lines:
        if line.startswith(_X_JINGLE) or said[line] > 0:
            said[line] -= 1
            rows.append(_standard(index, line))
        else:
            rows.append(Carried(section=index, line=line, carrier=RESIDUE))
    return rows


def _standard(section: int | None, line: str) -> Carried:
    name = line[2:].partition(":")[0] if line.startswith("a=") else line[:2]
    carrier, element = CARRIERS.get(name, (IMPLIED, ""))
    return Carried(section=section, line=line, carrier=carrier, element=element)
