"""Whole descriptions: the contents, groups and residue of a request, and back."""

from dataclasses import dataclass, replace
from typing import Any

from jinglebridge.errors import CallError, SdpError
from jinglebridge.protocol.jingle.residue import MAX_LINES, Residue, residue_of
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.jingle.xep_0338 import Group, group_of
from jinglebridge.protocol.mapping.levels import (
    raised,
    said_twice,
    section_levels,
    session_levels,
    unrepeated,
)
from jinglebridge.protocol.mapping.rejected import pack, unpack
from jinglebridge.protocol.mapping.residue import malformed_residue
from jinglebridge.protocol.mapping.sections import content_of, section_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable
from jinglebridge.protocol.sdp.description import (
    SCTP_PROTOCOL,
    Answer,
    MediaDescription,
    Offer,
    SessionDescription,
)
from jinglebridge.protocol.sdp.session_reader import SessionReader
from jinglebridge.protocol.sdp.text import inherit
from jinglebridge.protocol.sdp.writer import write_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The parts of a request that carry a description."""

    contents: tuple[Content, ...]
    groups: tuple[Group, ...]
    residue: Residue | None


def mapped(description: SessionDescription, *, writer: Creator, slots: SlotTable) -> Mapped:
    """Say a description in Jingle; rejected sections have no content (XEP-0166 §7.2.9).

    Args:
        description: an offer or an answer.
        writer: the role of the party that wrote it.
        slots: the session's table, one slot per section.

    Raises:
        SdpError: a part has more lines that no XEP can say than a residue holds.
    """
    contents, kept = [], []
    for index, (section, slot) in enumerate(zip(description.media, slots.slots, strict=True)):
        if section.is_rejected:
            kept.append(pack(index, section, description.defaults))
            continue
        content = content_of(
            section,
            slot=slot,
            writer=writer,
            extmap_allow_mixed=description.extmap_allow_mixed,
            explicit=section_levels(
                section, description.defaults, extmap_allow_mixed=description.extmap_allow_mixed
            ),
        )
        if description.connection is not None and section.connection is not None:
            content = _with_connection(content, section.connection)
        _bounded(content.residue, section=index)
        contents.append(content)
    names = {slot.mid: slot.name for slot in slots.slots}
    groups = tuple(
        group_of(group.semantics, tuple(names.get(mid, mid) for mid in group.names))
        for group in description.groups
    )
    residue = residue_of(_session_lines(description), tuple(kept))
    _bounded(residue, section=None)
    return Mapped(contents=tuple(contents), groups=groups, residue=residue)


def _bounded(residue: Residue | None, *, section: int | None) -> None:
    if residue is not None and residue.text.count("\n") >= MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines that no XEP can say", section=section)


def _with_connection(content: Content, connection: str) -> Content:
    """A content that says the usual ``c=`` too, which one at session level would replace."""
    lines = content.residue.lines if content.residue else ()
    if any(line.startswith("c=") for line in lines):
        return content
    return replace(content, residue=residue_of((f"c={connection}", *lines)))


def _session_lines(description: SessionDescription) -> tuple[str, ...]:
    several = any(line.startswith("t=") for line in description.other_lines)
    usual = [line for line in write_session(SessionDescription()) if not several or line[0] != "t"]
    defaults, levels = session_levels(description)
    bare = replace(description, media=(), groups=(), defaults=defaults)
    return (*(line for line in write_session(bare) if line not in usual), *levels)


def offer_of(
    jingle: Jingle, *, writer: Creator, slots: SlotTable | None = None
) -> tuple[Offer, SlotTable]:
    """The offer that a request's contents make, and the session's table with it.

    Contents of another application or transport get no section: the answer cannot take them.

    Args:
        jingle: the request, a session-initiate for example.
        writer: the role of the party that sent it.
        slots: the session's table so far: its contents keep their places, those that are missing
            come back rejected, new ones follow. ``None`` begins a session.

    Raises:
        UnsupportedApplications: no content is RTP or data channels.
        UnsupportedTransports: those that are have no ICE-UDP transport.
        IncompatibleParameters: those that are have no payload type.
        MalformedStanza: a content contradicts itself.
    """
    table = slots or SlotTable()
    kept = _unclaimed(unpack(jingle.residue), jingle, table)
    known = table.of_contents(jingle.contents, are_new=jingle.action is Action.CONTENT_ADD)
    media = _known_sections(jingle, table, known, kept, writer)
    refused: CallError | None = None
    for content, slot in zip(jingle.contents, known, strict=True):
        if slot is not None:
            continue
        table, media = _with_kept(table, media, kept, writer)
        grown = table.with_content(content)
        try:
            media.append(section_of(content, slot=grown.slots[-1], writer=writer))
        except CallError as error:
            refused = error
        else:
            table = grown
    table, media = _with_kept(table, media, kept, writer)
    if not media and refused is not None:
        raise refused
    return Offer(**_session_of(jingle, tuple(media), table)), table


def _unclaimed(
    kept: dict[int, MediaDescription], jingle: Jingle, slots: SlotTable
) -> dict[int, MediaDescription]:
    """The rejected sections whose mids are nobody else's: a content keeps its name."""
    names = {content.name for content in jingle.contents}
    places = {slot.mid: index for index, slot in enumerate(slots.slots)}
    return {
        index: section
        for index, section in kept.items()
        if section.mid not in names and places.get(section.mid, index) == index
    }


def _known_sections(
    jingle: Jingle,
    slots: SlotTable,
    known: tuple[Slot | None, ...],
    kept: dict[int, MediaDescription],
    writer: Creator,
) -> list[MediaDescription]:
    """The sections of the contents that the table knows, each in its place."""
    found = {
        slot.mid: section_of(content, slot=slot, writer=writer)
        for content, slot in zip(jingle.contents, known, strict=True)
        if slot is not None
    }
    return [
        found.get(slot.mid) or kept.get(index) or _empty(slot)
        for index, slot in enumerate(slots.slots)
    ]


def _empty(slot: Slot) -> MediaDescription:
    """The rejected section of a content that nothing is said of."""
    if slot.media == "application":
        return MediaDescription(
            mid=slot.mid,
            media=slot.media,
            port=0,
            protocol=SCTP_PROTOCOL,
            formats=("webrtc-datachannel",),
        )
    return MediaDescription(mid=slot.mid, media=slot.media, port=0)


def _with_kept(
    slots: SlotTable,
    media: list[MediaDescription],
    kept: dict[int, MediaDescription],
    writer: Creator,
) -> tuple[SlotTable, list[MediaDescription]]:
    """Put the rejected sections that come next into their places."""
    while (section := kept.get(len(media))) is not None and slots.by_mid(section.mid) is None:
        slots = slots.with_section(section, writer)
        media = [*media, section]
    return slots, media


def answer_of(jingle: Jingle, *, writer: Creator, offer: Offer, slots: SlotTable) -> Answer:
    """The answer that a session-accept gives: the offer's sections, in the offer's order.

    A content that is missing was not accepted: its section comes back with port 0 (RFC 9429
    §5.3.1).

    Raises:
        MalformedStanza: a content was never offered or contradicts itself, or the table is not
            the offer's.
        CallError: an accepted content has no known application or transport.
    """
    if [slot.mid for slot in slots.slots] != [item.mid for item in offer.media]:
        raise SdpError("the table of slots is not that of the offer")
    found: dict[str, MediaDescription] = {}
    for content, slot in zip(jingle.contents, slots.of_contents(jingle.contents), strict=True):
        if slot is None:
            raise SdpError("a content was accepted that was not offered", content=content.name)
        found[slot.mid] = section_of(content, slot=slot, writer=writer)
    kept = unpack(jingle.residue)
    media = tuple(
        found.get(item.mid) or _refused(item, kept.get(index))
        for index, item in enumerate(offer.media)
    )
    return Answer(**_session_of(jingle, media, slots))


def _refused(offered: MediaDescription, kept: MediaDescription | None) -> MediaDescription:
    return kept if kept is not None and kept.mid == offered.mid else rejected(offered)


def rejected(offered: MediaDescription) -> MediaDescription:
    """The section of an answer that refuses what was offered."""
    return MediaDescription(
        mid=offered.mid,
        media=offered.media,
        port=0,
        protocol=offered.protocol,
        formats=offered.formats,
        payload_types=offered.payload_types[:1],
        direction=None,
    )


def _session_of(
    jingle: Jingle, media: tuple[MediaDescription, ...], slots: SlotTable
) -> dict[str, Any]:
    groups = tuple(_group_of(group, jingle, slots) for group in jingle.groups)
    lines = jingle.residue.lines if jingle.residue else ()
    reader = _session_reader(lines)
    values = reader.finish()
    live = [item for item in media if not item.is_rejected]
    explicit = {
        slot.mid: content.residue.lines if content.residue else ()
        for content, slot in zip(jingle.contents, slots.of_contents(jingle.contents), strict=True)
        if slot is not None
    }
    if values.get("extmap_allow_mixed") and any(item.is_rtp for item in live):
        values["extmap_allow_mixed"] = all(item.extmap_allow_mixed for item in live if item.is_rtp)
        if values["extmap_allow_mixed"]:
            media = tuple(_without_mixed(item, explicit.get(item.mid, ())) for item in media)
    defaults = raised(reader.defaults(), lines, live)
    if "connection" in values:
        # what stands at session level is said of sections that do not say it themselves
        media = tuple(
            item if _says_connection(item, explicit) else replace(item, connection=None)
            for item in media
        )
    media = tuple(
        # the lines of a rejected section are all its own
        inherit(item, defaults)
        if item.is_rejected
        else unrepeated(item, defaults, explicit.get(item.mid, ()))
        for item in media
    )
    return {**values, "groups": groups, "defaults": defaults, "media": media}


def _group_of(group: Group, jingle: Jingle, slots: SlotTable) -> Group:
    """A group with mids; browsers refuse one that names a content without a section."""
    known = {slot.name for slot in slots.slots}
    left_out = {item.name for item in jingle.contents if item.name not in known}
    names = tuple(name for name in group.names if name not in left_out)
    return group_of(group.semantics, slots.mids_of(names))


def _without_mixed(section: MediaDescription, lines: tuple[str, ...]) -> MediaDescription:
    """A section that does not repeat ``extmap-allow-mixed``, unless it did or is all its own."""
    own = section.is_rejected or not section.is_rtp or "extmap_allow_mixed" in said_twice(lines)
    return section if own else replace(section, extmap_allow_mixed=False)


def _session_reader(lines: tuple[str, ...]) -> SessionReader:
    """A reader that has read a session's residue."""
    reader = SessionReader()
    try:
        if len(lines) > MAX_LINES:
            raise SdpError(f"a residue has at most {MAX_LINES} lines")
        reader.read(0, "v=0")
        for line in lines:
            if not line.startswith(("a=group:", "a=x-jingle", "v=", "~")):
                reader.read(0, line)
    except SdpError as error:
        raise malformed_residue("<jingle>", error) from None
    return reader


def _says_connection(section: MediaDescription, explicit: dict[str, tuple[str, ...]]) -> bool:
    lines = explicit.get(section.mid, ())
    return section.is_rejected or any(line.startswith("c=") for line in lines)
