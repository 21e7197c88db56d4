"""Candidates between SDP and XEP-0176, which lacks a place for extensions.

On the wire each candidate has an id, a generation and its protocol in lower case, as XEP-0176 §5.3
requires and some clients insist on; a line of the residue says under the id what SDP had otherwise.
"""

import zlib
from collections import Counter
from dataclasses import replace

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import MAX_LINES, Residue
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.sdp.lines import build_plain_candidate, word

_PREFIX = "~c "
"""Begins a line that is ours, not SDP's: an id and extension pairs."""
_NO_GENERATION = ("generation", "-")
"""The pair that says that SDP gave no generation."""


def wired(candidates: tuple[Candidate, ...]) -> tuple[tuple[Candidate, str | None], ...]:
    """Candidates as they go on the wire, each with the residue line that it needs.

    The ids are the same each time, and different within one call of this function.
    """
    seen: Counter[str] = Counter()
    pairs = []
    for candidate in candidates:
        identifier = f"c{zlib.crc32(build_plain_candidate(candidate).encode()):08x}"
        seen[identifier] += 1
        if seen[identifier] > 1:
            identifier = f"{identifier}-{seen[identifier]}"
        sent = replace(
            candidate,
            id=identifier,
            network=None,
            extensions=(),
            generation=candidate.generation or 0,
            protocol=candidate.protocol.lower(),
        )
        pairs.append((sent, _extension_line(candidate, identifier)))
    return tuple(pairs)


def _extension_line(candidate: Candidate, identifier: str) -> str | None:
    pairs = candidate.extensions
    if candidate.protocol != candidate.protocol.lower():
        pairs = (("protocol", candidate.protocol), *pairs)
    if candidate.generation is None:
        pairs = (_NO_GENERATION, *pairs)
    words = (word(text) for pair in pairs for text in pair)
    return _PREFIX + " ".join((identifier, *words)) if pairs else None


def with_extensions(
    candidates: tuple[Candidate, ...], residue: Residue | None
) -> tuple[Candidate, ...]:
    """Candidates as SDP has them, with what a residue says under their ids.

    Raises:
        SdpError: a line of the residue has no pairs.
    """
    said: dict[str, list[tuple[str, str]]] = {}
    for line in residue.lines[:MAX_LINES] if residue else ():
        if line.startswith(_PREFIX):
            identifier, *words = line.removeprefix(_PREFIX).split(" ")
            if len(words) % 2 or not all(words):
                raise SdpError("extensions of a candidate come in pairs", content=line)
            said[identifier] = list(zip(words[::2], words[1::2], strict=True))
    return tuple(_plain(item, said.get(item.id or "", [])) for item in candidates)


def _plain(candidate: Candidate, pairs: list[tuple[str, str]]) -> Candidate:
    absent = _NO_GENERATION in pairs and candidate.generation == 0
    spelled = next(
        (
            value
            for name, value in pairs
            if name == "protocol" and value.lower() == candidate.protocol
        ),
        candidate.protocol,
    )
    ours = (_NO_GENERATION, ("protocol", spelled))
    return replace(
        candidate,
        id=None,
        network=None,
        generation=None if absent else candidate.generation,
        protocol=spelled,
        extensions=tuple(pair for pair in pairs if pair not in ours),
    )
