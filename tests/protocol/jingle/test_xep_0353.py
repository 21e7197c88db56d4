"""The elements of call initiation: written and read again, and what their grammar refuses."""

from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import (
    MESSAGES,
    NAMESPACE,
    Accept,
    Finish,
    JingleMessage,
    Migrated,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from jinglebridge.protocol.xml import build, parse

ID = "7d2f4a06-9d3c-4a41-8b5e-0f6c1f6a9c11"
OTHER = "e0a1c7d2-1f4b-4f0e-9d0b-3c5d7e9f1a2b"
RTP = "urn:xmpp:jingle:apps:rtp:1"
JINGLE = "urn:xmpp:jingle:1"
EXPIRED = reason_of(ReasonCondition.EXPIRED, "Tie-Break")

PRINTED: list[tuple[JingleMessage, str]] = [
    (
        Propose(id=ID, descriptions=(RtpDescription(media="audio"), RtpDescription(media="video"))),
        f"<propose xmlns='{NAMESPACE}' id='{ID}'><description xmlns='{RTP}' media='audio'/>"
        f"<description xmlns='{RTP}' media='video'/></propose>",
    ),
    (Ringing(id=ID), f"<ringing xmlns='{NAMESPACE}' id='{ID}'/>"),
    (Proceed(id=ID), f"<proceed xmlns='{NAMESPACE}' id='{ID}'/>"),
    (Accept(id=ID), f"<accept xmlns='{NAMESPACE}' id='{ID}'/>"),
    (
        Retract(id=ID, reason=reason_of(ReasonCondition.CANCEL, "Retracted")),
        f"<retract xmlns='{NAMESPACE}' id='{ID}'><reason xmlns='{JINGLE}'><cancel/>"
        "<text>Retracted</text></reason></retract>",
    ),
    (
        Reject(id=ID, reason=EXPIRED, tie_break=True),
        f"<reject xmlns='{NAMESPACE}' id='{ID}'><reason xmlns='{JINGLE}'><expired/>"
        "<text>Tie-Break</text></reason><tie-break/></reject>",
    ),
    (
        Retract(id=ID, reason=EXPIRED, tie_break=True),
        f"<retract xmlns='{NAMESPACE}' id='{ID}'><reason xmlns='{JINGLE}'><expired/>"
        "<text>Tie-Break</text></reason><tie-break/></retract>",
    ),
    (
        Finish(
            id=ID,
            reason=reason_of(ReasonCondition.EXPIRED, "Session migrated"),
            migrated=Migrated(to=OTHER),
        ),
        f"<finish xmlns='{NAMESPACE}' id='{ID}'><reason xmlns='{JINGLE}'><expired/>"
        f"<text>Session migrated</text></reason><migrated to='{OTHER}'/></finish>",
    ),
    # before 0.4 nobody gave a reason
    (Reject(id=ID), f"<reject xmlns='{NAMESPACE}' id='{ID}'/>"),
    (Retract(id=ID), f"<retract xmlns='{NAMESPACE}' id='{ID}'/>"),
]


def canonical(element: ET.Element) -> str:
    return ET.canonicalize(ET.tostring(element, "unicode"))


@pytest.mark.parametrize(("value", "xml"), PRINTED)
def test_each_message_is_written_and_read(value: JingleMessage, xml: str) -> None:
    element = ET.fromstring(xml)
    assert canonical(build(value)) == canonical(element)
    assert parse(MESSAGES[element.tag], element) == value


def test_there_are_seven() -> None:
    assert {type(value) for value, _ in PRINTED} == set(MESSAGES.values())
    assert {tag.removeprefix(f"{{{NAMESPACE}}}") for tag in MESSAGES} == {
        "propose",
        "ringing",
        "proceed",
        "accept",
        "reject",
        "retract",
        "finish",
    }


@pytest.mark.parametrize("kind", MESSAGES.values())
@pytest.mark.parametrize("wrong", ["", " x", "x" * 257, "a\nb"])
def test_an_id_is_what_a_sid_may_be(kind: type[JingleMessage], wrong: str) -> None:
    element = build(kind(id=ID))
    element.set("id", wrong)
    with pytest.raises(MalformedStanza, match=" id>"):
        parse(kind, element)
    del element.attrib["id"]
    with pytest.raises(MalformedStanza, match="no attribute 'id'"):
        parse(kind, element)


def test_other_applications_are_known_by_name() -> None:
    xml = (
        f"<propose xmlns='{NAMESPACE}' id='a'>"
        "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></propose>"
    )
    propose = parse(Propose, ET.fromstring(xml))
    assert propose.descriptions == ()
    assert propose.foreign == ("{urn:xmpp:jingle:apps:file-transfer:5}description",)


def test_what_is_proposed_is_bounded() -> None:
    element = build(Propose(id=ID, descriptions=(RtpDescription(media="audio"),) * 17))
    with pytest.raises(MalformedStanza, match="more than 16"):
        parse(Propose, element)
