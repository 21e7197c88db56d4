"""Descriptions as text: ``loads`` and ``dumps`` (RFC 8866, RFC 9429 §5).

The reader takes LF or CRLF, a missing last line end, trailing spaces and empty lines; it neither
drops a line nor turns one into something else. The writer is strict: CRLF, RFC 8866's order of
line types, every value through one check.
"""

from dataclasses import fields, replace
from typing import Any

from jinglebridge.errors import SdpError
from jinglebridge.protocol.sdp.description import (
    Answer,
    MediaDescription,
    Offer,
    SectionDefaults,
    SessionDescription,
)
from jinglebridge.protocol.sdp.lines import is_harmless
from jinglebridge.protocol.sdp.reader import SectionReader
from jinglebridge.protocol.sdp.session_reader import SessionReader
from jinglebridge.protocol.sdp.writer import write_session

MAX_SIZE = 262_144
"""The longest description that is read, in characters."""
MAX_SECTIONS = 64
_DEFAULTS = tuple(field.name for field in fields(SectionDefaults))


def loads_offer(sdp: str) -> Offer:
    """Read an offer.

    Raises:
        SdpError: the text breaks the grammar; it names section and line.
    """
    return Offer(**_loads(sdp))


def loads_answer(sdp: str) -> Answer:
    """Read an answer.

    Raises:
        SdpError: the text breaks the grammar; it names section and line.
    """
    return Answer(**_loads(sdp))


def dumps(description: SessionDescription) -> str:
    """Write a description, each line ended by CRLF.

    Raises:
        SdpError: a value cannot stand in a line.
    """
    return "\r\n".join([*write_session(description), ""])


def loads_section(lines: tuple[str, ...], *, index: int = 0) -> MediaDescription:
    """Read the lines of one m-section, ``m=`` first.

    Raises:
        SdpError: they break the grammar.
    """
    reader = SectionReader(index, 1, lines[0] if lines else "")
    for number, line in enumerate(lines[1:], 2):
        reader.read(number, line)
    return reader.finish()


def _loads(sdp: str) -> dict[str, Any]:
    if len(sdp) > MAX_SIZE:
        raise SdpError(f"longer than {MAX_SIZE} characters")
    is_checked = is_harmless(sdp)
    session = SessionReader()
    read = session.read
    sections: list[SectionReader] = []
    for number, raw in enumerate(sdp.replace("\r\n", "\n").split("\n"), 1):
        line = raw.rstrip(" \t")
        if not line:
            continue
        if line.startswith("m="):
            if len(sections) >= MAX_SECTIONS:
                raise SdpError(f"more than {MAX_SECTIONS} sections", line=number, content=line)
            section = SectionReader(len(sections), number, line, is_checked=is_checked)
            sections.append(section)
            read = section.read
        else:
            read(number, line)
    defaults = session.defaults()
    media = tuple(inherit(section.finish(), defaults) for section in sections)
    mids = [section.mid for section in media]
    if len(set(mids)) != len(mids):
        raise SdpError("two sections have the same mid", content=" ".join(mids))
    return {**session.finish(), "defaults": defaults, "media": media}


def inherit(section: MediaDescription, defaults: SectionDefaults) -> MediaDescription:
    """Give a section what stands at session level and it does not say itself (RFC 8866 §5)."""
    values = missing_values(section, defaults)
    return replace(section, **values, inherited=frozenset(values)) if values else section


def missing_values(section: MediaDescription, defaults: SectionDefaults) -> dict[str, Any]:
    """The fields that stand at session level and a section does not say itself."""
    return {
        name: value
        for name in _DEFAULTS
        if (value := getattr(defaults, name)) and not getattr(section, name)
    }
