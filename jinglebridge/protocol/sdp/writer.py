"""The one writer of session descriptions: values into lines, every value checked."""

from collections.abc import Iterator
from dataclasses import fields

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.xep_0167 import Bandwidth, PayloadType
from jinglebridge.protocol.sdp.description import (
    Attribute,
    MediaDescription,
    SectionDefaults,
    SessionDescription,
)
from jinglebridge.protocol.sdp.lines import (
    build_candidate,
    build_feedback,
    build_fmtp,
    build_rtpmap,
    checked,
    parse_fmtp,
    word,
)

_ORDER = "vosiuepcbtrzkam"
"""RFC 8866 §5's order of line types."""
_NOTHING = SectionDefaults()
_DEFAULTS = tuple(field.name for field in fields(SectionDefaults))


def write_session(description: SessionDescription) -> list[str]:
    """All lines of a description, in order, without line ends.

    Raises:
        SdpError: a value cannot stand in a line.
    """
    lines = sorted(_session_lines(description), key=_rank)
    for index, section in enumerate(description.media):
        try:
            lines += write_section(section, description.defaults)
        except SdpError as error:
            raise SdpError(error.reason, section=index, content=error.content) from None
    return lines


def _rank(line: str) -> int:
    position = _ORDER.find(line[0])
    return position if position >= 0 else len(_ORDER)


def _session_lines(description: SessionDescription) -> Iterator[str]:
    origin = description.origin
    yield "v=0"
    yield (
        f"o={word(origin.username)} {word(origin.session_id)} {word(origin.version)} "
        f"{checked(origin.address)}"
    )
    yield f"s={checked(description.name)}"
    yield f"t={checked(description.timing)}"
    if description.connection is not None:
        yield f"c={checked(description.connection)}"
    yield from (_bandwidth(item) for item in description.bandwidths)
    yield from (_other_line(line) for line in description.other_lines)
    for group in description.groups:
        yield "a=group:" + " ".join(word(text) for text in (group.semantics, *group.names))
    if description.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    if description.ice_lite:
        yield "a=ice-lite"
    yield from transport_lines(description.defaults)
    yield from (_attribute(item) for item in description.attributes)


def _bandwidth(bandwidth: Bandwidth) -> str:
    return f"b={word(bandwidth.type)}:{word(bandwidth.value)}"


def _other_line(line: str) -> str:
    if len(line) < 2 or line[1] != "=" or line[0] in "vomas":
        raise SdpError("not a line of another type", content=line)
    return checked(line)


def _attribute(attribute: Attribute) -> str:
    value = "" if attribute.value is None else f":{checked(attribute.value)}"
    return f"a={checked(attribute.name)}{value}"


def transport_lines(values: SectionDefaults) -> Iterator[str]:
    """The lines that may stand at either level."""
    if values.ice_ufrag is not None:
        yield f"a=ice-ufrag:{word(values.ice_ufrag)}"
    if values.ice_pwd is not None:
        yield f"a=ice-pwd:{word(values.ice_pwd)}"
    if values.ice_options:
        yield "a=ice-options:" + " ".join(word(option) for option in values.ice_options)
    for fingerprint in values.fingerprints:
        yield f"a=fingerprint:{word(fingerprint.hash)} {word(fingerprint.value)}"
    if values.setup is not None:
        yield f"a=setup:{values.setup.value}"
    if values.direction is not None:
        yield f"a={values.direction.value}"


def _own(section: MediaDescription, defaults: SectionDefaults) -> SectionDefaults:
    """What a section says itself: all that it did not inherit, or that differs by now."""
    own = {}
    for name in _DEFAULTS:
        value = getattr(section, name)
        if name not in section.inherited or value != getattr(defaults, name):
            own[name] = value
    return SectionDefaults(**own)


def media_line(section: MediaDescription) -> str:
    """The ``m=`` line of a section.

    Raises:
        SdpError: a value cannot stand in it.
    """
    formats = (
        tuple(str(payload.id) for payload in section.payload_types)
        if section.is_rtp
        else tuple(word(text) for text in section.formats)
    )
    words = (f"m={word(section.media)}", str(section.port), word(section.protocol))
    return " ".join((*words, *(formats or ("0",))))


def write_section(section: MediaDescription, defaults: SectionDefaults = _NOTHING) -> list[str]:
    """All lines of one m-section.

    Raises:
        SdpError: a value cannot stand in a line.
    """
    lines = [
        media_line(section),
        *sorted(_lines_before_attributes(section), key=_rank),
        *_general(section),
        *transport_lines(_own(section, defaults)),
        *_candidates(section),
    ]
    for payload in section.payload_types:
        lines += _codec(payload, section.fmtp_texts)
    lines += _feedback_for_all(section)
    lines += _streams(section)
    lines += map(_attribute, section.attributes)
    return lines


def _candidates(section: MediaDescription) -> Iterator[str]:
    yield from (f"a={build_candidate(candidate)}" for candidate in section.candidates)
    if section.remote_candidates:
        chosen = (
            f"{item.component} {word(item.ip)} {item.port}" for item in section.remote_candidates
        )
        yield "a=remote-candidates:" + " ".join(chosen)
    if section.end_of_candidates:
        yield "a=end-of-candidates"


def _lines_before_attributes(section: MediaDescription) -> Iterator[str]:
    if section.connection is not None:
        yield f"c={checked(section.connection)}"
    yield from (_bandwidth(item) for item in section.bandwidths)
    yield from (_other_line(line) for line in section.other_lines)


def _general(section: MediaDescription) -> Iterator[str]:
    yield f"a=mid:{word(section.mid)}"
    for extension in section.header_extensions:
        direction = f"/{extension.direction.value}" if extension.direction else ""
        config = f" {checked(extension.config)}" if extension.config else ""
        yield f"a=extmap:{extension.id}{direction} {word(extension.uri)}{config}"
    if section.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    if section.rtcp_mux:
        yield "a=rtcp-mux"
    if section.rtcp_rsize:
        yield "a=rtcp-rsize"
    if section.bundle_only:
        yield "a=bundle-only"
    for name, number in (
        ("ptime", section.ptime),
        ("maxptime", section.maxptime),
        ("sctp-port", section.sctp_port),
        ("max-message-size", section.max_message_size),
    ):
        if number is not None:
            yield f"a={name}:{number}"


def _codec(payload: PayloadType, fmtp_texts: tuple[tuple[int, str], ...]) -> list[str]:
    number, rtpmap = str(payload.id), build_rtpmap(payload)
    lines = [] if rtpmap is None else [f"a={rtpmap}"]
    lines += [f"a={build_feedback(number, item)}" for item in payload.rtcp_fb]
    if payload.trr_int is not None:
        lines.append(f"a={build_feedback(number, payload.trr_int)}")
    texts = [text for identifier, text in fmtp_texts if identifier == payload.id]
    said = tuple(item for text in texts for item in parse_fmtp(text)) if texts else None
    if said != payload.parameters:
        texts = [build_fmtp(payload.parameters)]
    lines += [f"a=fmtp:{number} {checked(text)}" for text in texts if text]
    return lines


def _feedback_for_all(section: MediaDescription) -> Iterator[str]:
    yield from (f"a={build_feedback('*', item)}" for item in section.rtcp_fb)
    if section.trr_int is not None:
        yield f"a={build_feedback('*', section.trr_int)}"


def _streams(section: MediaDescription) -> Iterator[str]:
    if section.categories:
        names = (word(category.name, section=None) for category in section.categories)
        yield "a=content:" + ",".join(names)
    for crypto in section.cryptos:
        words = (crypto.tag, crypto.suite, crypto.key_params)
        session = f" {checked(crypto.session_params)}" if crypto.session_params else ""
        yield "a=crypto:" + " ".join(word(text) for text in words) + session
    for msid in section.msids:
        yield f"a=msid:{word(msid.stream)}" + (f" {word(msid.track)}" if msid.track else "")
    for rid in section.rids:
        parameters = f" {checked(rid.parameters)}" if rid.parameters else ""
        yield f"a=rid:{word(rid.id)} {word(rid.direction)}{parameters}"
    if section.simulcast is not None:
        yield f"a=simulcast:{checked(section.simulcast)}"
    for group in section.source_groups:
        members = "".join(f" {ssrc}" for ssrc in group.ssrcs)
        yield f"a=ssrc-group:{word(group.semantics)}{members}"
    for source in section.sources:
        for parameter in source.parameters:
            value = "" if parameter.value is None else f":{checked(parameter.value)}"
            yield f"a=ssrc:{source.ssrc} {word(parameter.name)}{value}"
