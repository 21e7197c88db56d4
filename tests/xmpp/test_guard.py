"""What can be answered at all, and the one way out."""

from xml.etree.ElementTree import Element

import pytest

from jinglebridge.errors import LocalProtocolError, SignalingError
from jinglebridge.xmpp.guard import (
    MAX_ID,
    MAX_JID,
    MAX_OUTGOING,
    checked_text,
    is_answerable,
)

IQ = "{jabber:component:accept}iq"
BRIDGE = "bridge.example.org"
ECHO = f"echo@{BRIDGE}"
JULIET = "juliet@example.org/balcony"


def request(**attributes: str) -> Element:
    return Element(IQ, {"from": JULIET, "to": ECHO, "id": "1"} | attributes)


@pytest.mark.parametrize("to", [ECHO, BRIDGE, f"{ECHO}/media", f"{BRIDGE}/x@elsewhere.org"])
def test_what_is_for_us_can_be_answered(to: str) -> None:
    assert is_answerable(request(to=to), BRIDGE)


@pytest.mark.parametrize(
    "to",
    [
        "romeo@example.org",
        "",
        f"x.{BRIDGE}",
        f"romeo@example.org/{BRIDGE}",
        f"romeo@example.org/@{BRIDGE}",
        BRIDGE.upper(),
        f"{'x' * MAX_JID}@{BRIDGE}",
    ],
)
def test_what_is_for_others_cannot(to: str) -> None:
    assert not is_answerable(request(to=to), BRIDGE)


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_stanza_without_an_address_cannot_be_answered(name: str) -> None:
    stanza = request()
    del stanza.attrib[name]
    assert not is_answerable(stanza, BRIDGE)


def test_an_answer_repeats_nothing_long() -> None:
    assert is_answerable(request(id="x" * MAX_ID), BRIDGE)
    assert not is_answerable(request(id="x" * (MAX_ID + 1)), BRIDGE)
    assert not is_answerable(request(**{"from": f"a@b/{'x' * MAX_JID}"}), BRIDGE)


@pytest.mark.parametrize("sender", [JULIET, BRIDGE.upper(), f"a@b/{ECHO}", "", None])
def test_nothing_leaves_in_a_foreign_name(sender: str | None) -> None:
    stanza = Element(IQ, {"to": JULIET})
    if sender is not None:
        stanza.set("from", sender)
    with pytest.raises(LocalProtocolError, match="is not of"):
        checked_text(stanza, BRIDGE)


def test_nothing_leaves_that_is_no_xml() -> None:
    with pytest.raises(LocalProtocolError, match="not allowed in XML"):
        checked_text(Element(IQ, {"from": ECHO, "id": "\x00"}), BRIDGE)


@pytest.mark.parametrize("character", ["x", '"', "\U0001f980"])
def test_nothing_leaves_that_is_larger_than_servers_take(character: str) -> None:
    stanza = Element(IQ, {"from": ECHO})
    size = {"x": 1, '"': 1, "\U0001f980": 4}[character]
    stanza.text = character * ((MAX_OUTGOING - 200) // size)
    assert character * 9 in checked_text(stanza, BRIDGE)
    stanza.text += character * 400
    with pytest.raises(SignalingError, match="bytes"):
        checked_text(stanza, BRIDGE)
    stanza.text, escaped = None, '"' * (MAX_OUTGOING // 6)
    stanza.set("id", escaped)
    with pytest.raises(SignalingError, match="bytes"):
        checked_text(stanza, BRIDGE)
