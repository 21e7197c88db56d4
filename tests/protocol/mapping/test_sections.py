from dataclasses import replace

import pytest

from jinglebridge.errors import (
    IncompatibleParameters,
    MalformedStanza,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator, Senders
from jinglebridge.protocol.jingle.xep_0167 import PayloadType, RtpDescription
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.jingle.xep_0294 import RtpHeaderExtension
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0343 import DataChannelDescription, SctpMap
from jinglebridge.protocol.mapping.sections import content_of, section_of
from jinglebridge.protocol.mapping.slots import Slot
from jinglebridge.protocol.sdp.description import Direction, MediaDescription
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.sdp.text import loads_section
from tests.protocol.helpers import AUDIO, DATA

SLOT = Slot(creator=Creator.RESPONDER, name="my content", mid="0")
OPUS = PayloadType(id=111, name="opus", clockrate=48_000, channels=2)


def content(**more: object) -> Content:
    values = {
        "description": RtpDescription(media="audio", payload_types=(OPUS,)),
        "transport": IceUdpTransport(),
        **more,
    }
    return Content(creator=SLOT.creator, name=SLOT.name, **values)


def section(writer: Creator = Creator.INITIATOR, **more: object) -> MediaDescription:
    return section_of(content(**more), slot=SLOT, writer=writer)


def rtp(**more: object) -> RtpDescription:
    return RtpDescription(**{"media": "audio", "payload_types": (OPUS,), **more})


def test_a_content_has_its_slots_names() -> None:
    said = content_of(loads_section(AUDIO), slot=SLOT, writer=Creator.RESPONDER)
    assert (said.creator, said.name, said.senders) == (Creator.RESPONDER, "my content", None)
    assert said.residue is None


@pytest.mark.parametrize("lines", [AUDIO, DATA])
@pytest.mark.parametrize("writer", Creator)
@pytest.mark.parametrize("direction", Direction)
def test_the_direction_survives(
    lines: tuple[str, ...], writer: Creator, direction: Direction
) -> None:
    written = replace(
        loads_section((*lines, f"a={direction.value}", f"a=extmap:1/{direction.value} urn:x")),
        mid="0",
    )
    said = content_of(written, slot=SLOT, writer=writer)
    assert section_of(said, slot=SLOT, writer=writer) == written
    other = Creator.INITIATOR if writer is Creator.RESPONDER else Creator.RESPONDER
    assert section_of(said, slot=SLOT, writer=other).direction is direction.reversed


def test_no_word_on_the_direction_survives_too() -> None:
    assert section(senders=None).direction is None
    assert section(senders=Senders.NONE).direction is Direction.INACTIVE
    data = {"description": DataChannelDescription()}
    assert section(senders=None, **data).direction is None
    assert section(senders=Senders.INITIATOR, **data).direction is Direction.SENDONLY


def test_forms_of_data_channels() -> None:
    bare = section(description=None, transport=IceUdpTransport(sctpmap=SctpMap(number=5001)))
    assert (bare.media, bare.protocol, bare.sctp_port) == ("application", "UDP/DTLS/SCTP", 5001)
    described = section(description=DataChannelDescription())
    assert (described.formats, described.sctp_port) == (("webrtc-datachannel",), None)
    said = content_of(bare, slot=SLOT, writer=Creator.INITIATOR)
    assert said.description == DataChannelDescription()
    assert said.transport.sctpmap == SctpMap(number=5001, streams=1024)


def test_what_is_no_call_of_ours() -> None:
    with pytest.raises(UnsupportedTransports):
        section(transport=None)
    with pytest.raises(UnsupportedApplications):
        section(description=None)
    with pytest.raises(IncompatibleParameters):
        section(description=RtpDescription(media="audio"))
    with pytest.raises(MalformedStanza, match="twice"):
        section(description=rtp(payload_types=(OPUS, OPUS)))


def test_a_section_has_one_setup() -> None:
    first = Fingerprint(hash="sha-256", value="AB", setup=Setup.ACTIVE)
    silent = Fingerprint(hash="sha-384", value="CD")
    taken = section(transport=IceUdpTransport(fingerprints=(silent, first)))
    assert taken.setup is Setup.ACTIVE
    assert taken.fingerprints == (silent, replace(first, setup=None))
    assert section(transport=IceUdpTransport(fingerprints=(silent,))).setup is None
    other = replace(first, setup=Setup.PASSIVE)
    with pytest.raises(MalformedStanza, match="different setups"):
        section(transport=IceUdpTransport(fingerprints=(first, other)))


@pytest.mark.parametrize(("media", "rate"), [("audio", 8_000), ("video", 90_000), ("text", 90_000)])
def test_a_clock_rate_that_is_missing(media: str, rate: int) -> None:
    nameless, named = PayloadType(id=0), PayloadType(id=1, name="X", channels=1)
    taken = section(description=rtp(media=media, payload_types=(nameless, named)))
    assert [item.clockrate for item in taken.payload_types] == [None, rate]
    assert taken.payload_types[1].channels == (None if media == "video" else 1)


def test_packet_times_stand_once_in_sdp_and_on_every_type_in_jingle() -> None:
    written = replace(loads_section((*AUDIO, "a=ptime:20", "a=maxptime:60")), mid="0")
    said = content_of(written, slot=SLOT, writer=Creator.INITIATOR)
    assert {(item.ptime, item.maxptime) for item in said.description.payload_types} == {(20, 60)}
    assert section_of(said, slot=SLOT, writer=Creator.INITIATOR) == written


def test_an_extensions_unknown_senders_are_left_out() -> None:
    extension = RtpHeaderExtension(id=1, uri="urn:x", senders="")
    taken = section(description=rtp(header_extensions=(extension,)))
    assert taken.header_extensions[0].direction is None


def test_candidates_lose_what_sdp_does_not_have() -> None:
    candidate = parse_candidate("candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0")
    on_wire = replace(candidate, id="c1", network=0)
    taken = section(transport=IceUdpTransport(candidates=(on_wire,)))
    assert taken.candidates == (candidate,)
