"""What no XEP can say, as SDP lines in one element per content and one per session.

Standard elements win: a residue line that repeats something a standard element says (a
candidate's extensions, the exact text of ``fmtp``) counts only while the two agree.
"""

from dataclasses import replace
from typing import Any

from jinglebridge.errors import MalformedStanza, SdpError
from jinglebridge.protocol.jingle.residue import MAX_LINES, Residue
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.protocol.mapping.parameters import config_of, parameters_of
from jinglebridge.protocol.sdp import codecs, grammar
from jinglebridge.protocol.sdp.description import (
    DEFAULT_CONNECTION,
    RTP_PROTOCOL,
    SCTP_PROTOCOL,
    Attribute,
    Direction,
    HeaderExtension,
    MediaDescription,
)
from jinglebridge.protocol.sdp.reader import SectionReader
from jinglebridge.protocol.sdp.writer import media_line, write_section

_PER_CODEC = ("rtpmap", "fmtp", "rtcp-fb")
_NEVER_ADDED = ("mid", "x-jingle", *(direction.value for direction in Direction))
"""Attributes that every content says by itself."""
_STANDARD = (
    *("ptime", "maxptime", "extmap", "extmap-allow-mixed", "rtcp-mux", "ssrc", "ssrc-group"),
    *("ice-ufrag", "ice-pwd", "end-of-candidates", "fingerprint", "setup"),
    *("sctp-port", "content", "crypto", "remote-candidates"),
)
"""Attributes that standard elements say."""
_SUSPECT = frozenset((*_STANDARD, *_PER_CODEC))
_KEYS = frozenset(("ice-ufrag", "ice-pwd", "fingerprint", "setup"))
"""Attributes that say with whom a section may connect."""
_RTP_FIELDS = (
    *("bandwidths", "rtcp_fb", "trr_int", "ptime", "maxptime", "header_extensions"),
    *("extmap_allow_mixed", "rtcp_mux", "sources", "source_groups", "categories", "cryptos"),
)
"""What only an RTP description has elements for."""


def malformed_residue(where: str, error: SdpError) -> MalformedStanza:
    """The error for a residue's line: its element is named, as it stands in no description."""
    shown = f": {error.content[:120]!r}" if error.content else ""
    return MalformedStanza(f"{where}, <residue>: {error.reason}{shown}")


def default_protocol(section: MediaDescription) -> str:
    """The protocol that a content without word on it has."""
    return SCTP_PROTOCOL if section.media == "application" else RTP_PROTOCOL


def residue_lines(section: MediaDescription) -> tuple[str, ...]:
    """The SDP lines of a section that its content's standard elements cannot rebuild."""
    return (*_media_lines(section), *write_lines(_only_residue(section)))


def _media_lines(section: MediaDescription) -> tuple[str, ...]:
    protocol = default_protocol(section)
    formats = ("webrtc-datachannel",) if protocol == SCTP_PROTOCOL else ()
    is_usual = (section.port, section.protocol) == (9, protocol)
    if is_usual and (section.is_rtp or section.formats == formats):
        return ()
    return (media_line(section),)


def _only_residue(section: MediaDescription) -> MediaDescription:
    is_usual = section.connection == DEFAULT_CONNECTION and not any(
        line.startswith("c=") for line in section.other_lines
    )
    bare = MediaDescription(
        mid=section.mid,
        media=section.media,
        connection=None if is_usual else section.connection,
        fmtp_texts=section.fmtp_texts,
        payload_types=tuple(
            PayloadType(id=payload.id, parameters=payload.parameters)
            for payload in section.payload_types
            if any(number == payload.id for number, _ in section.fmtp_texts)
        ),
        header_extensions=tuple(
            item for item in section.header_extensions if not _is_standard(item)
        ),
        rtcp_rsize=section.rtcp_rsize,
        msids=section.msids,
        rids=section.rids,
        simulcast=section.simulcast,
        ice_options=() if "ice_options" in section.inherited else section.ice_options,
        bundle_only=section.bundle_only,
        max_message_size=section.max_message_size,
        setup=None if section.fingerprints else section.setup,
        attributes=section.attributes,
        other_lines=section.other_lines,
    )
    if section.is_rtp:
        return bare if section.sctp_port is None else replace(bare, sctp_port=section.sctp_port)
    return replace(bare, **{name: getattr(section, name) for name in _RTP_FIELDS})


def write_lines(section: MediaDescription) -> tuple[str, ...]:
    """The lines of a section but ``m=`` and ``a=mid``."""
    mid = f"a=mid:{section.mid}"
    return tuple(
        line for line in write_section(section) if line != mid and not line.startswith("m=")
    )


def _is_standard(extension: HeaderExtension) -> bool:
    """Whether XEP-0294 can say it exactly: it has no word for inactive, nor for free text."""
    direction = extension.direction.value if extension.direction else ""
    return direction != "inactive" and config_of(parameters_of(extension.config)) == (
        extension.config
    )


def apply_residue(section: MediaDescription, residue: Residue | None) -> MediaDescription:
    """Add to a section what its residue says and no standard element contradicts.

    Raises:
        SdpError: a line breaks SDP's form.
    """
    if residue is None:
        return section
    lines = residue.lines
    if len(lines) > MAX_LINES:
        raise SdpError(f"a residue has at most {MAX_LINES} lines")
    said_line = next((line for line in lines if line.startswith("m=")), None)
    reader = SectionReader(0, 0, _media_line_of(section, said_line) or media_line(section))
    for line in lines:
        if not line.startswith(("m=", "~")):
            reader.read(0, line)
    carried = reader.finish()
    if section.is_rtp:
        said = {(item.id, item.uri): item for item in carried.header_extensions}
        extensions = tuple(
            _agreed(item, said.get((item.id, item.uri))) for item in section.header_extensions
        )
        more: dict[str, Any] = {"header_extensions": extensions, "sctp_port": carried.sctp_port}
    else:
        more = {name: getattr(carried, name) for name in _RTP_FIELDS}
    return replace(
        section,
        media=carried.media,
        # a content is there, so its section is not rejected
        port=carried.port or (0 if carried.bundle_only else section.port),
        protocol=carried.protocol,
        formats=carried.formats,
        connection=section.connection if carried.connection is None else carried.connection,
        fmtp_texts=carried.fmtp_texts,
        rtcp_rsize=carried.rtcp_rsize,
        msids=carried.msids,
        rids=carried.rids,
        simulcast=carried.simulcast,
        ice_options=carried.ice_options,
        bundle_only=carried.bundle_only,
        max_message_size=carried.max_message_size,
        setup=section.setup if section.fingerprints else carried.setup,
        attributes=_additions(section, carried.attributes),
        other_lines=carried.other_lines,
        **more,
    )


def _additions(
    section: MediaDescription, attributes: tuple[Attribute, ...]
) -> tuple[Attribute, ...]:
    """The attributes that stand beside the standard elements and add to none of them.

    Read behind the lines of the standard elements, such an attribute fills no field: it is
    unknown, not of its form, or of a codec that is not offered. What says once more what a
    standard element says is left out, since other readers may take the last of two; of keys and
    codecs even what is not of its form.
    """
    attributes = tuple(item for item in attributes if item.name not in _NEVER_ADDED)
    if not any(item.name in _SUSPECT for item in attributes):
        return attributes
    head, *lines = write_section(section)
    reader = SectionReader(0, 0, head)
    for line in lines:
        reader.read(0, line)
    said = {subject for line in lines if (subject := _subject(line.removeprefix("a=")))}
    return tuple(
        item
        for item in attributes
        if item.name not in _SUSPECT
        or (
            reader.keeps(item) and not _repeats(section, item) and _subject(_text(item)) not in said
        )
    )


def _text(item: Attribute) -> str:
    return item.name if item.value is None else f"{item.name}:{item.value}"


def _subject(text: str) -> tuple[str, str] | None:
    """Of what an attribute speaks that only standard elements may say.

    Readers that are more lenient than ours (``ice-ufrag:a-bc``, ``rtpmap:0111 x/8000/1/1``) would
    take it as well, and the last of two.
    """
    name, _, value = text.partition(":")
    if name in _PER_CODEC:
        return name, value.partition(" ")[0].lstrip("0")
    return (name, "") if name in _KEYS else None


def _repeats(section: MediaDescription, item: Attribute) -> bool:
    """Whether an attribute is well-formed and one that a standard element says."""
    text = _text(item)
    if item.name not in codecs.NAMES:
        return grammar.read(item.name, text) is not None
    line = codecs.read(text)
    offered = {str(payload.id) for payload in section.payload_types} | {"", "*"}
    return line is not None and line.payload in offered


def _media_line_of(section: MediaDescription, line: str | None) -> str | None:
    """The residue's media line with the standard elements' media and payload types."""
    if line is None or len(words := line.split(" ")) < 4:
        return None
    formats = (
        [str(payload.id) for payload in section.payload_types] if section.is_rtp else words[3:]
    )
    if ("RTP/" in words[2]) != section.is_rtp:
        return None
    media = f"m={section.media}" if section.is_rtp else words[0]
    return " ".join([media, *words[1:3], *(formats or ["0"])])


def _agreed(standard: HeaderExtension, said: HeaderExtension | None) -> HeaderExtension:
    """The residue's exact form of an extension, where the standard element says the same."""
    if said is None or _is_standard(said):
        return standard
    same_words = parameters_of(said.config) == parameters_of(standard.config)
    inactive = said.direction is not None and said.direction.value == "inactive"
    same_direction = said.direction == standard.direction or (
        inactive and standard.direction is None
    )
    return said if same_words and same_direction else standard
