"""An offer of ours, and what the peer's answer makes of it: no I/O, no randomness.

RFC 9429 §5.2.1 (offers) and §5.11 (answers), RFC 9143 (BUNDLE), RFC 8842 (DTLS roles). The offer
asks for one transport but has one for each section, because some clients never bundle.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinglebridge.errors import (
    FailedApplication,
    IncompatibleParameters,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.media.codecs import AgreedMedia, agree_media
from jinglebridge.media.identity import DtlsRole, usable_fingerprints
from jinglebridge.media.negotiation import MAX_TRANSPORTS
from jinglebridge.media.plan import LocalParameters, SectionParameters, TransportPlan
from jinglebridge.media.repertoire import EXTENSIONS, PAYLOAD_TYPES
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.sections import is_stub, rtp_section, transport_owner, with_stream
from jinglebridge.protocol.jingle.xep_0320 import Setup
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.sdp.description import (
    Answer,
    Direction,
    MediaDescription,
    Offer,
    Origin,
)


def make_offer(kinds: tuple[str, ...], local: LocalParameters) -> Offer:
    """Offer to send and receive these kinds of media.

    Args:
        kinds: one section each, in this order: ``audio`` or ``video``.
        local: our side's values, of as many sections at least.

    Raises:
        UnsupportedApplications: a kind is unknown, or there are none or too many.
    """
    if not 0 < len(kinds) <= MAX_TRANSPORTS:
        raise UnsupportedApplications(f"an offer has 1 to {MAX_TRANSPORTS} kinds of media")
    for kind in kinds:
        if kind not in PAYLOAD_TYPES:
            raise UnsupportedApplications(f"no {kind} is offered here")
    media = tuple(
        _offered_section(str(index), kind, local.sections[index], local)
        for index, kind in enumerate(kinds)
    )
    return Offer(
        origin=Origin(session_id=local.session_id, version="1"),
        groups=(group_of("BUNDLE", tuple(section.mid for section in media)),),
        media=media,
    )


def _offered_section(
    mid: str, kind: str, own: SectionParameters, local: LocalParameters
) -> MediaDescription:
    payload_types = PAYLOAD_TYPES[kind]
    section = MediaDescription(
        mid=mid,
        media=kind,
        direction=Direction.SENDRECV,
        payload_types=payload_types,
        header_extensions=EXTENSIONS[kind],
        rtcp_mux=True,
        ice_ufrag=own.ufrag,
        ice_pwd=own.pwd,
        ice_options=("trickle",),
        fingerprints=(local.fingerprint,),
        setup=Setup.ACTPASS,
    )
    repeats = any(item.name == "rtx" for item in payload_types)
    return with_stream(
        section,
        stream_id=local.stream_id,
        cname=local.cname,
        ssrcs=(own.ssrc, own.rtx_ssrc) if repeats else (own.ssrc,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accepted:
    """A section that the peer took."""

    index: int
    answered: MediaDescription
    media: AgreedMedia


def take_answer(offer: Offer, answer: Answer, local: LocalParameters) -> tuple[TransportPlan, ...]:
    """What runs after the peer's answer to an offer of ours.

    A section that the answer leaves out or refuses has no transport.

    Args:
        offer: ours, of :func:`make_offer`.
        answer: the peer's.
        local: the values that the offer was made with.

    Raises:
        CallError: the answer does not fit the offer, or takes nothing of it; the class says why.
    """
    accepted = _accepted(offer, answer)
    if not accepted:
        raise UnsupportedApplications("the answer takes nothing of the offer")
    return tuple(_plan(members, answer, local) for members in _bundles(answer, accepted))


def _accepted(offer: Offer, answer: Answer) -> list[_Accepted]:
    places = {section.mid: index for index, section in enumerate(offer.media)}
    accepted: list[_Accepted] = []
    for answered in answer.media:
        # Taken out, so that a second section of this name is one too many.
        index = places.pop(answered.mid, None)
        if index is None or offer.media[index].media != answered.media:
            raise FailedApplication(f"section {answered.mid} of the answer was not offered")
        if answered.is_rejected:
            continue
        if not answered.rtcp_mux:
            raise UnsupportedTransports(f"section {answered.mid}: rtcp-mux is needed")
        media = agree_media(offer.media[index], answered)
        if media is None:
            raise IncompatibleParameters(f"section {answered.mid}: no codec in common")
        accepted.append(_Accepted(index=index, answered=answered, media=media))
    return accepted


def _bundles(answer: Answer, accepted: list[_Accepted]) -> list[list[_Accepted]]:
    """Sort the sections into those that share a transport.

    Clients that never bundle have been seen to repeat the offer's group: what brings ICE
    credentials of its own is no part of a bundle, whatever the group says.
    """
    left = {item.answered.mid: item for item in accepted}
    bundles: list[list[_Accepted]] = []
    for group in answer.groups:
        if group.semantics == "BUNDLE":
            members = [left[mid] for mid in dict.fromkeys(group.names) if mid in left]
            bundle = [item for item in members if _shares(item, members)]
            for item in bundle:
                del left[item.answered.mid]
            bundles += [bundle] if bundle else []
    for item in left.values():
        if bundles and is_stub(item.answered):
            bundles[0].append(item)
        else:
            bundles.append([item])
    return bundles


def _shares(item: _Accepted, members: list[_Accepted]) -> bool:
    ufrags = (one.answered.ice_ufrag for one in members)
    first = next((ufrag for ufrag in ufrags if ufrag is not None), None)
    return item.answered.ice_ufrag in (None, first)


def _plan(members: list[_Accepted], answer: Answer, local: LocalParameters) -> TransportPlan:
    """The transport of these sections; ours is the one of the section that brings the peer's.

    Raises:
        SecurityError: nobody to trust.
        UnsupportedTransports: no ICE.
        IncompatibleParameters: the peer has not decided who opens DTLS.
    """
    answered, ufrag, pwd = transport_owner([item.answered for item in members])
    if answered.setup is Setup.ACTPASS:
        raise IncompatibleParameters(f"section {answered.mid}: an answer's setup is not actpass")
    owner = next(item for item in members if item.answered is answered)
    ordered = [owner, *(item for item in members if item is not owner)]
    own = local.sections[owner.index]
    setup = answered.setup or Setup.ACTIVE  # RFC 4145 §4
    return TransportPlan(
        mids=tuple(item.answered.mid for item in ordered),
        local_ufrag=own.ufrag,
        local_pwd=own.pwd,
        remote_ufrag=ufrag,
        remote_pwd=pwd,
        remote_is_lite=answer.ice_lite,
        remote_fingerprints=usable_fingerprints(answered.fingerprints),
        remote_candidates=tuple(
            candidate for item in ordered for candidate in item.answered.candidates
        ),
        role=DtlsRole.SERVER if setup is Setup.ACTIVE else DtlsRole.CLIENT,
        rtp=tuple(_rtp_sections(ordered, local)),
    )


def _rtp_sections(ordered: list[_Accepted], local: LocalParameters) -> Iterator[RtpSection]:
    for item in ordered:
        direction = item.answered.direction or Direction.SENDRECV
        yield rtp_section(
            item.answered,
            codecs=item.media.codecs,
            header_extensions=item.media.header_extensions,
            own=local.sections[item.index],
            cname=local.cname,
            sends=direction.receives,
            receives=direction.sends,
        )
