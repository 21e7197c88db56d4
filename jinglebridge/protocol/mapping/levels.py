"""What may stand at session level although every content says it (RFC 8839 §5.4, RFC 8122 §5).

Jingle knows no session level: each content has its own fingerprint and senders. A line of the
session's residue names what stood above all sections; a content's residue names what the section
said itself as well.
"""

from dataclasses import replace

from jinglebridge.protocol.sdp.description import (
    MediaDescription,
    SectionDefaults,
    SessionDescription,
)
from jinglebridge.protocol.sdp.text import missing_values

REPEATED = ("ice_ufrag", "ice_pwd", "fingerprints", "setup", "direction")
"""Fields of :class:`SectionDefaults` that standard elements say of each content."""
_NOTHING = SectionDefaults()


_ABOVE, _BOTH = "~session ", "~section "
"""Begin lines that are ours, not SDP's: fields that stood at session level, or there as well."""


def session_levels(
    description: SessionDescription,
) -> tuple[SectionDefaults, tuple[str, ...]]:
    """What stood at session level: what only lines can say, and the line that names the rest.

    A field is named when the first live section has the same value, which its content says.
    """
    defaults = description.defaults
    first = next((item for item in description.media if not item.is_rejected), None)
    named = [
        name
        for name in REPEATED
        if first is not None
        and getattr(defaults, name)
        and getattr(defaults, name) == getattr(first, name)
    ]
    rest = replace(defaults, **{name: getattr(_NOTHING, name) for name in named})
    return rest, ((_ABOVE + " ".join(named),) if named else ())


def section_levels(
    section: MediaDescription, defaults: SectionDefaults, *, extmap_allow_mixed: bool = False
) -> tuple[str, ...]:
    """The line that names what a section says although it stands at session level."""
    names = [
        name
        for name in REPEATED
        if name not in section.inherited
        and getattr(defaults, name)
        and getattr(defaults, name) == getattr(section, name)
    ]
    if extmap_allow_mixed and section.extmap_allow_mixed and section.is_rtp:
        names.append("extmap_allow_mixed")
    return (_BOTH + " ".join(names),) if names else ()


def raised(
    said: SectionDefaults, lines: tuple[str, ...], live: list[MediaDescription]
) -> SectionDefaults:
    """What stood at session level, from the lines of the session's residue.

    A section whose content says nothing of a field must not get it from the residue, so a field
    counts only when every live section says it.
    """
    named = _named(lines, _ABOVE)
    values = {}
    for name in REPEATED:
        if not all(getattr(item, name) for item in live):
            values[name] = getattr(_NOTHING, name)
        elif name in named and live:
            values[name] = getattr(live[0], name)
    return replace(said, **values)


def unrepeated(
    section: MediaDescription, defaults: SectionDefaults, lines: tuple[str, ...]
) -> MediaDescription:
    """Give a section what stood at session level, and leave out what stood there only.

    Args:
        section: as its content says it.
        defaults: what stood at session level.
        lines: the content's residue.
    """
    both = said_twice(lines)
    above = (
        name
        for name in REPEATED
        if name not in both
        and getattr(defaults, name)
        and getattr(section, name) == getattr(defaults, name)
    )
    values = missing_values(section, defaults)
    inherited = section.inherited.union(above, values)
    if inherited == section.inherited:
        return section
    return replace(section, **values, inherited=inherited)


def said_twice(lines: tuple[str, ...]) -> frozenset[str]:
    """The names of what a section says although it stands at session level, by its residue."""
    return _named(lines, _BOTH)


def _named(lines: tuple[str, ...], prefix: str) -> frozenset[str]:
    found = (line.removeprefix(prefix).split() for line in lines if line.startswith(prefix))
    return frozenset(name for names in found for name in names)
