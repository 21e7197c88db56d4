"""Candidates between SDP and XEP-0176, which lacks a place for extensions.

On the wire each candidate has an id and a generation, as XEP-0176 §5.3 requires and some clients
insist on; a line of the residue says under the id what SDP had otherwise.
"""

import zlib
from dataclasses import replace

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import MAX_LINES, Residue, residue_of
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.sdp.lines import build_candidate, word

_PREFIX = "~candidate "
"""Begins a line that is ours, not SDP's: an id and extension pairs."""
_NO_GENERATION = ("generation", "-")
"""The pair that says that SDP gave no generation."""


def wire_candidate(candidate: Candidate) -> Candidate:
    """The candidate as it goes on the wire."""
    return replace(
        candidate, id=_wire_id(candidate), generation=candidate.generation or 0, extensions=()
    )


def _wire_id(candidate: Candidate) -> str:
    """The same each time, whatever the extensions."""
    bare = replace(candidate, extensions=(), id=None, network=None)
    return f"c{zlib.crc32(build_candidate(bare).encode()):08x}"


def extension_line(candidate: Candidate) -> str | None:
    """The residue line with what XEP-0176 has no attribute for, under the wire's id."""
    pairs = candidate.extensions
    if candidate.generation is None:
        pairs = (_NO_GENERATION, *pairs)
    if not pairs:
        return None
    return " ".join(
        (f"{_PREFIX}{_wire_id(candidate)}", *(word(text) for pair in pairs for text in pair))
    )


def candidate_residue(candidate: Candidate) -> Residue | None:
    """The residue of a trickled candidate, when it needs one."""
    line = extension_line(candidate)
    return residue_of((line,)) if line is not None else None


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
    return replace(
        candidate,
        id=None,
        network=None,
        generation=None if absent else candidate.generation,
        extensions=tuple(pair for pair in pairs if pair != _NO_GENERATION),
    )
