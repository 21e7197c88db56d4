"""One content and one m-section, both ways (XEP-0167 §6, XEP-0176 §6, XEP-0320 §3)."""

from dataclasses import replace
from typing import Any

from jinglebridge.errors import (
    IncompatibleParameters,
    MalformedStanza,
    SdpError,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.protocol.jingle.residue import residue_of
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator, Senders
from jinglebridge.protocol.jingle.xep_0167 import Encryption, PayloadType, RtpDescription
from jinglebridge.protocol.jingle.xep_0176 import Candidate, IceUdpTransport
from jinglebridge.protocol.jingle.xep_0294 import RtpHeaderExtension
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0343 import DataChannelDescription, SctpMap
from jinglebridge.protocol.mapping.candidates import wired, with_extensions
from jinglebridge.protocol.mapping.parameters import config_of, parameters_of
from jinglebridge.protocol.mapping.perspective import direction_of_senders, senders_of
from jinglebridge.protocol.mapping.residue import (
    apply_residue,
    malformed_residue,
    residue_lines,
)
from jinglebridge.protocol.mapping.slots import Slot, unusual_mid
from jinglebridge.protocol.sdp.description import (
    SCTP_PROTOCOL,
    Direction,
    HeaderExtension,
    MediaDescription,
)

_CLOCK_RATES = {"audio": 8_000, "video": 90_000}
"""In Hz, where a peer left the rate out (RFC 3551 §6)."""
_SCTP_STREAMS = 1024


def content_of(
    section: MediaDescription,
    *,
    slot: Slot,
    writer: Creator,
    extmap_allow_mixed: bool = False,
    explicit: tuple[str, ...] = (),
) -> Content:
    """The content that says what ``writer`` wrote in this section.

    Args:
        section: of an offer or an answer.
        slot: the section's.
        writer: the role of the party that wrote it.
        extmap_allow_mixed: whether the session says so.
        explicit: lines that the section repeats although they stand at session level.
    """
    description: RtpDescription | DataChannelDescription = (
        _rtp_description_of(section, writer, extmap_allow_mixed or section.extmap_allow_mixed)
        if section.is_rtp
        else DataChannelDescription()
    )
    candidates = wired(section.candidates)
    said = tuple(line for _, line in candidates if line is not None)
    return Content(
        creator=slot.creator,
        name=slot.name,
        senders=None if section.direction is None else senders_of(section.direction, writer),
        description=description,
        transport=_transport_of(section, tuple(sent for sent, _ in candidates)),
        residue=residue_of((*unusual_mid(slot), *residue_lines(section), *said, *explicit)),
    )


def _rtp_description_of(
    section: MediaDescription, writer: Creator, extmap_allow_mixed: bool
) -> RtpDescription:
    return RtpDescription(
        media=section.media,
        payload_types=_timed(section),
        bandwidths=section.bandwidths,
        rtcp_fb=section.rtcp_fb,
        trr_int=section.trr_int,
        header_extensions=tuple(_extension_of(item, writer) for item in section.header_extensions),
        extmap_allow_mixed=extmap_allow_mixed,
        sources=section.sources,
        source_groups=section.source_groups,
        rtcp_mux=section.rtcp_mux,
        encryption=Encryption(cryptos=section.cryptos) if section.cryptos else None,
        categories=section.categories,
    )


def _timed(section: MediaDescription) -> tuple[PayloadType, ...]:
    """The payload types with the section's packet times, which XEP-0167 §5 puts on each."""
    if section.ptime is None and section.maxptime is None:
        return section.payload_types
    return tuple(
        replace(payload, ptime=section.ptime, maxptime=section.maxptime)
        for payload in section.payload_types
    )


def _extension_of(extension: HeaderExtension, writer: Creator) -> RtpHeaderExtension:
    senders = None
    if extension.direction not in (None, Direction.INACTIVE):
        senders = senders_of(extension.direction, writer).value
    return RtpHeaderExtension(
        id=extension.id,
        uri=extension.uri,
        senders=senders,
        parameters=parameters_of(extension.config),
    )


def _transport_of(section: MediaDescription, candidates: tuple[Candidate, ...]) -> IceUdpTransport:
    sctpmap = None
    if not section.is_rtp and section.sctp_port is not None:
        sctpmap = SctpMap(number=section.sctp_port, streams=_SCTP_STREAMS)
    return IceUdpTransport(
        ufrag=section.ice_ufrag,
        pwd=section.ice_pwd,
        fingerprints=tuple(
            replace(fingerprint, setup=section.setup) for fingerprint in section.fingerprints
        ),
        sctpmap=sctpmap,
        candidates=candidates,
        remote_candidates=section.remote_candidates,
        gathering_complete=section.end_of_candidates,
    )


def section_of(content: Content, *, slot: Slot, writer: Creator) -> MediaDescription:
    """The section that ``writer`` would have written for this content.

    Raises:
        UnsupportedApplications: the content's application is not RTP or data channels.
        UnsupportedTransports: its transport is not ICE-UDP.
        IncompatibleParameters: it has no payload type (XEP-0167 §4 wants one at least).
        MalformedStanza: its parts contradict each other, or a line of its residue is none.
    """
    transport = content.transport
    if transport is None:
        raise UnsupportedTransports(f"content {content.name!r} has no ICE-UDP transport")
    try:
        section = _standard_section(content, transport, slot.mid, writer)
        return apply_residue(section, content.residue)
    except SdpError as error:
        raise malformed_residue(f"content {content.name!r}", error) from None


def _standard_section(
    content: Content, transport: IceUdpTransport, mid: str, writer: Creator
) -> MediaDescription:
    """What the standard elements say; candidates with what the residue says of them."""
    said = _transport_values(content, transport)
    if isinstance(content.description, RtpDescription):
        return _rtp_section(content, content.description, mid, writer, said)
    if content.description is not None or transport.sctpmap is not None:
        sctpmap = transport.sctpmap
        return MediaDescription(
            mid=mid,
            media="application",
            protocol=SCTP_PROTOCOL,
            formats=("webrtc-datachannel",),
            sctp_port=None if sctpmap is None else sctpmap.number,
            direction=(
                None if content.senders is None else direction_of_senders(content.senders, writer)
            ),
            **said,
        )
    raise UnsupportedApplications(f"content {content.name!r} is neither RTP nor data channels")


def _transport_values(content: Content, transport: IceUdpTransport) -> dict[str, Any]:
    """The fields of a section that its transport says."""
    return {
        "ice_ufrag": transport.ufrag,
        "ice_pwd": transport.pwd,
        "fingerprints": tuple(replace(item, setup=None) for item in transport.fingerprints),
        "setup": _setup_of(transport.fingerprints, content.name),
        "candidates": with_extensions(transport.candidates, content.residue),
        "remote_candidates": transport.remote_candidates,
        "end_of_candidates": transport.gathering_complete,
    }


def _setup_of(fingerprints: tuple[Fingerprint, ...], name: str) -> Setup | None:
    setups = {item.setup for item in fingerprints if item.setup is not None}
    if len(setups) > 1:
        raise MalformedStanza(f"content {name!r}: its fingerprints have different setups")
    return setups.pop() if setups else None


def _rtp_section(
    content: Content,
    description: RtpDescription,
    mid: str,
    writer: Creator,
    said: dict[str, Any],
) -> MediaDescription:
    payloads = description.payload_types
    if not payloads:
        raise IncompatibleParameters(f"content {content.name!r} has no payload type")
    if len({payload.id for payload in payloads}) != len(payloads):
        raise MalformedStanza(f"content {content.name!r}: a payload type's id appears twice")
    senders = content.senders
    return MediaDescription(
        mid=mid,
        media=description.media,
        direction=None if senders is None else direction_of_senders(senders, writer),
        payload_types=tuple(_plain_payload(item, description.media) for item in payloads),
        bandwidths=description.bandwidths,
        rtcp_fb=description.rtcp_fb,
        trr_int=description.trr_int,
        ptime=next((item.ptime for item in payloads if item.ptime is not None), None),
        maxptime=next((item.maxptime for item in payloads if item.maxptime is not None), None),
        header_extensions=tuple(
            _plain_extension(item, writer) for item in description.header_extensions
        ),
        extmap_allow_mixed=description.extmap_allow_mixed,
        sources=description.sources,
        source_groups=description.source_groups,
        rtcp_mux=description.rtcp_mux,
        cryptos=description.encryption.cryptos if description.encryption else (),
        categories=description.categories,
        **said,
    )


def _plain_payload(payload: PayloadType, media: str) -> PayloadType:
    clockrate = payload.clockrate
    if payload.name is not None and clockrate is None:
        clockrate = _CLOCK_RATES.get(media, 90_000)
    channels = None if media == "video" else payload.channels
    if (payload.ptime, payload.maxptime, payload.clockrate, payload.channels) == (
        *(None, None),
        *(clockrate, channels),
    ):
        return payload
    return replace(payload, ptime=None, maxptime=None, clockrate=clockrate, channels=channels)


def _plain_extension(extension: RtpHeaderExtension, writer: Creator) -> HeaderExtension:
    direction = None
    if extension.senders:
        direction = direction_of_senders(Senders(extension.senders), writer)
    return HeaderExtension(
        id=extension.id,
        uri=extension.uri,
        direction=direction,
        config=config_of(extension.parameters),
    )
