"""What answering and offering have in common: whose transport a bundle uses, and our streams."""

from collections.abc import Sequence
from dataclasses import replace

from jinglebridge.errors import CallError, SecurityError, UnsupportedTransports
from jinglebridge.media.identity import usable_fingerprints
from jinglebridge.media.plan import SectionParameters
from jinglebridge.media.rtp.parameters import RtpCodec, RtpSection
from jinglebridge.protocol.jingle.xep_0320 import Setup
from jinglebridge.protocol.jingle.xep_0339 import Source, SourceParameter, source_group_of
from jinglebridge.protocol.sdp.description import HeaderExtension, MediaDescription, Msid


def is_stub(section: MediaDescription) -> bool:
    """Whether a section says nothing of a transport and so means one that there is already."""
    return section.ice_ufrag is None and section.ice_pwd is None and not section.fingerprints


def transport_owner(members: Sequence[MediaDescription]) -> tuple[MediaDescription, str, str]:
    """The first of the peer's sections that brings a transport, and its ICE credentials.

    Raises:
        SecurityError: nobody to trust.
        UnsupportedTransports: no ICE.
    """
    refusal: CallError = UnsupportedTransports("no section brings a transport")
    for section in members:
        if section.bundle_only and section.port == 0 and section.ice_ufrag is None:
            continue
        if not section.fingerprints:
            refusal = SecurityError(f"section {section.mid}: no fingerprint")
        elif not usable_fingerprints(section.fingerprints):
            refusal = SecurityError(f"section {section.mid}: no fingerprint is strong enough")
        elif section.setup is Setup.HOLDCONN:
            refusal = UnsupportedTransports(f"section {section.mid}: setup holdconn")
        elif section.ice_ufrag is None or section.ice_pwd is None:
            refusal = UnsupportedTransports(f"section {section.mid}: no ICE credentials")
        else:
            return section, section.ice_ufrag, section.ice_pwd
    raise refusal


def rtp_section(
    theirs: MediaDescription,
    *,
    codecs: tuple[RtpCodec, ...],
    header_extensions: tuple[HeaderExtension, ...],
    own: SectionParameters,
    cname: str,
    sends: bool,
    receives: bool,
) -> RtpSection:
    """A section in the form that forwarding needs.

    Args:
        theirs: what the peer wrote, for its sources.
        codecs: what was agreed on.
        header_extensions: likewise.
        own: our sources.
        cname: our name as a sender.
        sends: whether we send.
        receives: whether the peer does.
    """
    pairs = tuple(
        (group.ssrcs[0], group.ssrcs[1])
        for group in theirs.source_groups
        if group.semantics == "FID" and len(group.ssrcs) == 2
    )
    repairs = {
        group.ssrcs[1]
        for group in theirs.source_groups
        if group.semantics in ("FID", "FEC-FR") and len(group.ssrcs) == 2
    }
    return RtpSection(
        mid=theirs.mid,
        kind=theirs.media,
        codecs=codecs,
        header_extensions=tuple((one.id, one.uri) for one in header_extensions),
        remote_ssrcs=tuple(one.ssrc for one in theirs.sources if one.ssrc not in repairs),
        remote_rtx=pairs,
        local_ssrc=own.ssrc,
        local_rtx_ssrc=own.rtx_ssrc if any(c.rtx_payload_type for c in codecs) else None,
        cname=cname,
        sends=sends,
        receives=receives,
    )


def with_stream(
    section: MediaDescription, *, stream_id: str, cname: str, ssrcs: tuple[int, ...]
) -> MediaDescription:
    """The section of ours with what we send in it (RFC 8830, RFC 5576).

    Args:
        section: as it is without a stream.
        stream_id: names the stream for the peer.
        cname: our name as a sender.
        ssrcs: the source, and then its retransmissions' if there are any.
    """
    track_id = f"{stream_id}-{section.mid}"
    parameters = (
        SourceParameter(name="cname", value=cname),
        SourceParameter(name="msid", value=f"{stream_id} {track_id}"),
    )
    return replace(
        section,
        msids=(Msid(stream=stream_id, track=track_id),),
        sources=tuple(Source(ssrc=ssrc, parameters=parameters) for ssrc in ssrcs),
        source_groups=(source_group_of("FID", ssrcs),) if len(ssrcs) > 1 else (),
    )
