"""What may stand at session level although every content says it (RFC 8839 §5.4, RFC 8122 §5).

Jingle knows no session level: each content has its own fingerprint and senders. The session's
residue keeps the lines that stood above all sections; a content's residue repeats those that the
section said itself as well.
"""

from dataclasses import replace

from jinglebridge.protocol.sdp.description import MediaDescription, SectionDefaults
from jinglebridge.protocol.sdp.writer import transport_lines

REPEATED = ("ice_ufrag", "ice_pwd", "fingerprints", "setup", "direction")
"""Fields of :class:`SectionDefaults` that standard elements say of each content."""


def _lines(section: MediaDescription, name: str) -> tuple[str, ...]:
    return tuple(transport_lines(SectionDefaults(**{name: getattr(section, name)})))


def explicit_lines(section: MediaDescription, defaults: SectionDefaults) -> tuple[str, ...]:
    """The lines that a section repeats although they stand at session level."""
    return tuple(
        line
        for name in REPEATED
        if name not in section.inherited
        and getattr(defaults, name)
        and getattr(defaults, name) == getattr(section, name)
        for line in _lines(section, name)
    )


def unrepeated(
    section: MediaDescription, defaults: SectionDefaults, explicit: tuple[str, ...]
) -> MediaDescription:
    """Leave out of a section what stood at session level only.

    Args:
        section: as its content says it.
        defaults: what stood at session level.
        explicit: the lines of the content's residue.
    """
    above = (
        name
        for name in REPEATED
        if getattr(defaults, name)
        and getattr(section, name) == getattr(defaults, name)
        and not set(_lines(section, name)) <= set(explicit)
    )
    return replace(section, inherited=section.inherited.union(above))
