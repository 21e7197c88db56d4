"""From an offer to our answer and to what transports and forwarding need: no I/O, no randomness.

RFC 9429 §5.3.1 (answers), RFC 9143 (BUNDLE), RFC 8842 (DTLS roles), RFC 8841 (data channels).
A section that cannot be taken is rejected by itself; the offer is refused only when nothing is
left of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jinglebridge.errors import (
    CallError,
    IncompatibleParameters,
    SecurityError,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.media.codecs import FORWARDED_CODECS, AcceptedMedia, accept_media
from jinglebridge.media.identity import DtlsRole, usable_fingerprints
from jinglebridge.media.plan import DataSection, LocalParameters, Negotiated, TransportPlan
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.sections import is_stub, rtp_section, transport_owner, with_stream
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0338 import Group, group_of
from jinglebridge.protocol.sdp.description import (
    DEFAULT_CONNECTION,
    Answer,
    Direction,
    MediaDescription,
    Offer,
    Origin,
    direction_of,
)

DATA_CHANNEL_FORMAT = "webrtc-datachannel"
SCTP_PORT = 5000
MAX_MESSAGE_SIZE = 65_536
"""Largest data channel message that we take, in bytes."""

MAX_TRANSPORTS = 8
"""Transports of one call; each has a socket on every local address."""

_DATA_PROTOCOLS = frozenset({"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"})
_RTP_PROTOCOLS = frozenset(  # RFC 9429 §5.1.2: all of these mean the same to a DTLS-SRTP endpoint
    {
        "UDP/TLS/RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "TCP/DTLS/RTP/SAVPF",
        "TCP/DTLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
        "RTP/AVPF",
        "RTP/AVP",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A section that is acceptable by itself."""

    index: int
    offered: MediaDescription
    media: AcceptedMedia | None
    """``None`` for data channels."""


def negotiate(offer: Offer, local: LocalParameters) -> Negotiated:
    """Answer an offer.

    Args:
        offer: what the peer proposes.
        local: our side's values.

    Raises:
        CallError: no section can be taken; the class says why.
    """
    refusals: list[CallError] = []
    taken: list[_Taken] = []
    for index, offered in enumerate(offer.media):
        try:
            if any(item.offered.mid == offered.mid for item in taken):
                raise IncompatibleParameters(f"two sections are called {offered.mid}")
            taken.append(_take(index, offered, offer, local))
        except CallError as refusal:
            refusals.append(refusal)
    plans: list[TransportPlan] = []
    bundles: list[Group] = []
    for shares_transport, members in _bundles(offer, taken):
        try:
            if len(plans) >= MAX_TRANSPORTS:
                raise UnsupportedTransports("the offer needs too many transports")
            plan = _plan(members, offer, local)
        except CallError as refusal:
            refusals.append(refusal)
            continue
        plans.append(plan)
        if shares_transport:
            bundles.append(group_of("BUNDLE", plan.mids))
    if not plans:
        raise _worst(refusals)
    answer = Answer(
        origin=Origin(session_id=local.session_id, version="1"),
        groups=tuple(bundles),
        extmap_allow_mixed=offer.extmap_allow_mixed,
        media=tuple(_answer_sections(offer, taken, plans, local)),
    )
    return Negotiated(answer=answer, transports=tuple(plans))


def _worst(refusals: list[CallError]) -> CallError:
    for kind in (SecurityError, IncompatibleParameters, UnsupportedTransports):
        for refusal in refusals:
            if isinstance(refusal, kind):
                return refusal
    return refusals[0] if refusals else UnsupportedApplications("the offer has no section")


def _take(index: int, offered: MediaDescription, offer: Offer, local: LocalParameters) -> _Taken:
    """Look at what a section carries; its transport is looked at later.

    Raises:
        CallError: it is not for us.
    """
    if offered.is_rejected:
        raise UnsupportedApplications(f"section {offered.mid} is not in use")
    if offered.protocol in _DATA_PROTOCOLS and offered.media == "application":
        if not local.data_channels or DATA_CHANNEL_FORMAT not in offered.formats:
            raise UnsupportedApplications(f"section {offered.mid}: no such data here")
        return _Taken(index=index, offered=offered, media=None)
    if offered.media not in FORWARDED_CODECS or offered.protocol not in _RTP_PROTOCOLS:
        raise UnsupportedApplications(f"section {offered.mid}: {offered.media} is not taken here")
    if not offered.rtcp_mux:
        raise UnsupportedTransports(f"section {offered.mid}: rtcp-mux is needed")
    allow_mixed = offer.extmap_allow_mixed or offered.extmap_allow_mixed
    media = accept_media(offered, allow_mixed=allow_mixed)
    if media is None:
        raise IncompatibleParameters(f"section {offered.mid}: no codec in common")
    return _Taken(index=index, offered=offered, media=media)


def _bundles(offer: Offer, taken: list[_Taken]) -> list[tuple[bool, list[_Taken]]]:
    """Sort the sections into those that share a transport, in the order of the groups.

    A stub outside every group shares the first transport, as some clients mean it.
    """
    left = {item.offered.mid: item for item in taken}
    bundles: list[tuple[bool, list[_Taken]]] = []
    for group in offer.groups:
        if group.semantics == "BUNDLE":
            members = [left.pop(mid) for mid in group.names if mid in left]
            if members:
                bundles.append((True, members))
    for item in left.values():
        if bundles and is_stub(item.offered):
            bundles[0][1].append(item)
        else:
            bundles.append((False, [item]))
    return bundles


def _plan(members: list[_Taken], offer: Offer, local: LocalParameters) -> TransportPlan:
    """The transport of these sections.

    The owner is the first member that brings a transport; a bundle-only one does not (RFC 9143
    §7.3.1).

    Raises:
        SecurityError: nobody to trust.
        UnsupportedTransports: no ICE.
    """
    offered, ufrag, pwd = transport_owner([item.offered for item in members])
    owner = next(item for item in members if item.offered is offered)
    ordered = [owner, *(item for item in members if item is not owner)]
    data = [item.offered for item in ordered if item.media is None]
    if len(data) > 1:
        raise UnsupportedApplications("one transport carries one section with data channels")
    setup = offered.setup or Setup.ACTIVE  # RFC 4145 §4
    own = local.sections[owner.index]
    return TransportPlan(
        mids=tuple(item.offered.mid for item in ordered),
        local_ufrag=own.ufrag,
        local_pwd=own.pwd,
        remote_ufrag=ufrag,
        remote_pwd=pwd,
        remote_is_lite=offer.ice_lite,
        remote_fingerprints=usable_fingerprints(offered.fingerprints),
        remote_candidates=tuple(
            candidate for item in ordered for candidate in item.offered.candidates
        ),
        role=DtlsRole.SERVER if setup is Setup.ACTIVE else DtlsRole.CLIENT,
        rtp=tuple(
            _rtp_section(item, item.media, local) for item in ordered if item.media is not None
        ),
        data=_data_section(data[0]) if data else None,
    )


def _rtp_section(item: _Taken, media: AcceptedMedia, local: LocalParameters) -> RtpSection:
    direction = item.offered.direction or Direction.SENDRECV
    return rtp_section(
        item.offered,
        codecs=media.codecs,
        header_extensions=media.header_extensions,
        own=local.sections[item.index],
        cname=local.cname,
        # There is nothing to send to a peer that sends nothing.
        sends=direction is Direction.SENDRECV,
        receives=direction.sends,
    )


def _data_section(offered: MediaDescription) -> DataSection:
    size = offered.max_message_size
    return DataSection(
        mid=offered.mid,
        local_port=SCTP_PORT,
        remote_port=offered.sctp_port or SCTP_PORT,
        remote_max_message_size=65_536 if size is None else size,  # RFC 8841 §6.1
    )


def _answer_sections(
    offer: Offer, taken: list[_Taken], plans: list[TransportPlan], local: LocalParameters
) -> Iterator[MediaDescription]:
    acceptable = {item.index: item for item in taken}
    for index, offered in enumerate(offer.media):
        plan = next((plan for plan in plans if offered.mid in plan.mids), None)
        if plan is None or index not in acceptable:
            yield _rejected(offered)
            continue
        section = _with_transport(offered, plan, local.fingerprint)
        media = acceptable[index].media
        if media is None:
            yield replace(
                section,
                formats=(DATA_CHANNEL_FORMAT,),
                sctp_port=SCTP_PORT,
                max_message_size=MAX_MESSAGE_SIZE,
            )
        else:
            rtp = next(one for one in plan.rtp if one.mid == offered.mid)
            yield _with_media(section, offered, media, rtp, local.stream_id)


def _rejected(offered: MediaDescription) -> MediaDescription:
    """Port 0 and one format, whichever (RFC 9429 §5.3.1)."""
    if offered.is_rtp:
        first = PayloadType(id=offered.payload_types[0].id if offered.payload_types else 0)
        if offered.payload_types:
            named = offered.payload_types[0]
            first = replace(
                first, name=named.name, clockrate=named.clockrate, channels=named.channels
            )
        return MediaDescription(
            mid=offered.mid,
            media=offered.media,
            port=0,
            protocol=offered.protocol,
            payload_types=(first,),
            direction=Direction.INACTIVE,
        )
    return MediaDescription(
        mid=offered.mid,
        media=offered.media,
        port=0,
        protocol=offered.protocol,
        formats=offered.formats[:1] or ("0",),
    )


def _with_transport(
    offered: MediaDescription, plan: TransportPlan, fingerprint: Fingerprint
) -> MediaDescription:
    return MediaDescription(
        mid=offered.mid,
        media=offered.media,
        protocol=offered.protocol,
        connection=DEFAULT_CONNECTION,
        ice_ufrag=plan.local_ufrag,
        ice_pwd=plan.local_pwd,
        ice_options=("trickle",),
        fingerprints=(replace(fingerprint, setup=None),),
        setup=Setup.PASSIVE if plan.role is DtlsRole.SERVER else Setup.ACTIVE,
    )


def _with_media(
    section: MediaDescription,
    offered: MediaDescription,
    media: AcceptedMedia,
    rtp: RtpSection,
    stream_id: str,
) -> MediaDescription:
    accepted = replace(
        section,
        direction=direction_of(sends=rtp.sends, receives=rtp.receives),
        payload_types=media.payload_types,
        fmtp_texts=media.fmtp_texts,
        rtcp_fb=media.rtcp_fb,
        header_extensions=media.header_extensions,
        extmap_allow_mixed=offered.extmap_allow_mixed,
        rtcp_mux=True,
        rtcp_rsize=offered.rtcp_rsize,
    )
    if not rtp.sends:
        return accepted
    ssrcs = (
        (rtp.local_ssrc,) if rtp.local_rtx_ssrc is None else (rtp.local_ssrc, rtp.local_rtx_ssrc)
    )
    return with_stream(accepted, stream_id=stream_id, cname=rtp.cname, ssrcs=ssrcs)
