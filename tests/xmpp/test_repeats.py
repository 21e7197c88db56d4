"""A request that comes twice changes things once."""

from xml.etree.ElementTree import Element, tostring

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Creator, ReasonCondition, reason_of
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build
from jinglebridge.testing import offer_of
from jinglebridge.xmpp.repeats import Repeats
from tests.xmpp.attached import ECHO
from tests.xmpp.test_component import (
    JULIET,
    Offline,
    iq,
    offline,  # noqa: F401 # a fixture
)

OTHER = "juliet@localhost/garden"


def initiate(sid: str = "sid1") -> tuple[JingleSession, str]:
    session = JingleSession(role=Creator.INITIATOR, sid=sid, local=JULIET, peer=ECHO)
    return session, tostring(build(session.initiate(offer_of(("audio",)))), "unicode")


def of_type(answers: list[Element]) -> list[str | None]:
    return [answer.get("type") for answer in answers if answer.get("to") == JULIET]


async def test_the_same_result_again_and_one_call(offline: Offline) -> None:  # noqa: F811
    _, request = initiate()
    assert of_type(offline.receive(iq(request))) == ["result"]
    assert of_type(offline.receive(iq(request))) == ["result"]
    assert len(offline.whole.bridge.calls) == 1


async def test_with_another_id_it_is_out_of_order(offline: Offline) -> None:  # noqa: F811
    _, request = initiate()
    offline.receive(iq(request))
    assert offline.refuse(iq(request, id="i2")) == ("wait", "unexpected-request", "out-of-order")


async def test_an_id_may_be_used_again(offline: Offline) -> None:  # noqa: F811
    session, request = initiate()
    offline.receive(iq(request))
    end = tostring(build(session.terminate(reason_of(ReasonCondition.SUCCESS))), "unicode")
    assert of_type(offline.receive(iq(end))) == ["result"]
    assert of_type(offline.receive(iq(end))) == ["result"]


async def test_what_was_refused_is_looked_at_again(offline: Offline) -> None:  # noqa: F811
    _, request = initiate()
    stanza = iq(request, to="nobody@" + ECHO.partition("@")[2])
    for _ in range(2):
        assert offline.refuse(stanza)[1] == "item-not-found"


@pytest.mark.parametrize("changed", [{"from": OTHER}, {"to": f"{ECHO}/media"}, {"id": "i2"}])
def test_only_the_very_same_request_is_a_repeat(changed: dict[str, str]) -> None:
    repeats = Repeats()
    stanza = iq("<a xmlns='urn:a'/>")
    repeats.add(stanza, stanza[0])
    assert repeats.knows(stanza, stanza[0])
    other = iq("<a xmlns='urn:a'/>", **changed)
    assert not repeats.knows(other, other[0])
    other = iq("<a xmlns='urn:a' b=''/>")
    assert not repeats.knows(other, other[0])


def test_the_latest_are_remembered() -> None:
    repeats = Repeats(maximum=3)
    stanzas = [iq("<a xmlns='urn:a'/>", id=f"i{number}") for number in range(5)]
    for stanza in stanzas:
        repeats.add(stanza, stanza[0])
    assert len(repeats) == 3
    assert [repeats.knows(stanza, stanza[0]) for stanza in stanzas] == [False] * 2 + [True] * 3
    repeats.add(stanzas[2], stanzas[2][0])
    repeats.add(stanzas[0], stanzas[0][0])
    assert repeats.knows(stanzas[2], stanzas[2][0])
    assert len(repeats) == 3
