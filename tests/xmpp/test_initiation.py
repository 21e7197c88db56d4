"""Call initiation as stanzas: what leaves, in what order, and what comes back."""

import asyncio
from xml.etree.ElementTree import Element, fromstring

import pytest

from jinglebridge.errors import LocalProtocolError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition
from jinglebridge.protocol.jingle.xep_0353 import NAMESPACE, Proceed, Propose
from tests.xmpp.attached import ECHO, MEDIA
from tests.xmpp.test_component import (
    JULIET,
    Offline,
    offline,  # noqa: F401 # a fixture
)
from tests.xmpp.test_stanzas import NS

ACCOUNT = JULIET.partition("/")[0]
PROPOSE = (
    f"<message xmlns='{NS}' type='chat' id='m1' from='{JULIET}' to='{ECHO}'>"
    f"<propose xmlns='{NAMESPACE}' id='p1'>"
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose></message>"
)


def said(stanzas: list[Element]) -> list[str]:
    """Name of each stanza, or of the payload of a message."""
    names = [item[0].tag if item.tag.endswith("message") else item.tag for item in stanzas]
    return [name.rpartition("}")[2] for name in names]


def of_initiation(stanzas: list[Element]) -> list[Element]:
    return [item for item in stanzas if len(item) and NAMESPACE in item[0].tag]


async def test_a_proposal_is_answered_from_the_full_jid(offline: Offline) -> None:  # noqa: F811
    answers = of_initiation(offline.receive(fromstring(PROPOSE)))
    assert said(answers) == ["ringing", "proceed"]
    for answer in answers:
        assert answer.get("id") == f"jm-{said([answer])[0]}-p1"
        assert (answer.get("from"), answer.get("to")) == (MEDIA, JULIET)
        assert answer.get("type") == "chat"
        assert [item.tag for item in answer][1:] == ["{urn:xmpp:hints}store"]
        assert answer[0].attrib == {"id": "p1"}


async def test_whom_we_call_sees_us_first(offline: Offline) -> None:  # noqa: F811
    outgoing = offline.whole.bridge.call(ACCOUNT, "echo")
    async with asyncio.timeout(3):
        while len(offline.sent) < 2:  # noqa: ASYNC110 # the stream is a list
            await asyncio.sleep(0)
    presence, message = offline.sent
    assert (presence.tag, presence.get("from"), presence.get("to")) == (
        f"{{{NS}}}presence",
        MEDIA,
        ACCOUNT,
    )
    assert [item.tag for item in presence][1:] == ["{http://jabber.org/protocol/caps}c"]
    assert said([message]) == ["propose"]
    assert (message.get("from"), message.get("to")) == (MEDIA, ACCOUNT)
    refused = fromstring(
        f"<message xmlns='{NS}' type='error' id='{message.get('id')}' from='{ACCOUNT}' "
        f"to='{MEDIA}'><error type='cancel'><service-unavailable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    )
    assert not offline.receive(refused)
    async with asyncio.timeout(3):
        await outgoing.task
    assert outgoing.reason is not None
    assert outgoing.reason.condition is ReasonCondition.GONE


async def test_messages_leave_in_our_name_only(offline: Offline) -> None:  # noqa: F811
    with pytest.raises(LocalProtocolError):
        offline.whole.component.send_message(
            "echo@elsewhere.example/x", JULIET, Proceed(id="p1"), stanza_id="m1"
        )
    with pytest.raises(LocalProtocolError):
        offline.whole.component.send_message(MEDIA, JULIET, Proceed(id="\0"), stanza_id="m1")
    assert not offline.sent


async def test_only_a_proposal_needs_the_link_now(offline: Offline) -> None:  # noqa: F811
    """Whoever proposes waits for an answer; the rest of a call's words can come later."""
    stream = offline.whole.component.stream
    stream.sessionstarted = False
    with pytest.raises(SignalingError):
        offline.whole.component.send_message(MEDIA, ACCOUNT, Propose(id="p1"), stanza_id="m1")
    offline.whole.component.send_message(MEDIA, JULIET, Proceed(id="p1"), stanza_id="m2")
    assert not offline.sent
