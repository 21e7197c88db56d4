"""The measure that every stanza passes before anything copies or walks it."""

import time
from xml.etree.ElementTree import Element, SubElement, XMLParser, fromstring

import pytest

from jinglebridge.errors import LocalProtocolError, PolicyViolation, SignalingError
from jinglebridge.xmpp.guard import (
    MAX_ID,
    MAX_JID,
    MAX_OUTGOING,
    StanzaBounds,
    check_bounds,
    checked_text,
    is_answerable,
)

BOUNDS = StanzaBounds()
IQ = "{jabber:component:accept}iq"


def nested(levels: int) -> Element:
    """A stanza of this many levels, itself being the first."""
    parser = XMLParser()
    parser.feed("<iq>" + "<a>" * (levels - 1) + "</a>" * (levels - 1) + "</iq>")
    root: Element = parser.close()
    return root


@pytest.mark.parametrize("levels", [1, 2, 63, 64])
def test_honest_depths_pass(levels: int) -> None:
    check_bounds(nested(levels), BOUNDS)


@pytest.mark.parametrize("levels", [65, 66, 500, 2_000, 36_000])
def test_deeper_stanzas_are_refused_at_once(levels: int) -> None:
    stanza = nested(levels)
    started = time.perf_counter()
    with pytest.raises(PolicyViolation, match="at most 64 levels"):
        check_bounds(stanza, BOUNDS)
    assert time.perf_counter() - started < 1.0


def test_depth_costs_no_stack() -> None:
    """Bounds beyond the recursion limit still measure: nothing here recurses."""
    check_bounds(nested(36_000), StanzaBounds(depth=36_000, size=10**9))
    with pytest.raises(PolicyViolation):
        check_bounds(nested(36_001), StanzaBounds(depth=36_000, size=10**9))


def test_depth_is_that_of_the_deepest_branch() -> None:
    root = Element(IQ)
    for _ in range(10):
        SubElement(root, "a")
    here = SubElement(root, "b")
    for _ in range(62):
        here = SubElement(here, "c")
    check_bounds(root, BOUNDS)
    SubElement(here, "d")
    with pytest.raises(PolicyViolation):
        check_bounds(root, BOUNDS)


def padded(where: str, size: int) -> Element:
    """A stanza of exactly this size, nearly all of it in one place."""
    root = Element("iq")
    item = SubElement(root, "a")
    rest = size - len("iq") - len("a")
    match where:
        case "text":
            item.text = "x" * rest
        case "tail":
            item.tail = "x" * rest
        case "value":
            item.set("n", "x" * (rest - 1))
        case "name":
            item.set("x" * rest, "")
        case "tag":
            SubElement(root, "x" * rest)
        case "attributes":
            for number in range(rest // 10):
                item.set(f"{number:010}", "")
            item.tail = "x" * (rest % 10)
    return root


@pytest.mark.parametrize("where", ["text", "tail", "value", "name", "tag", "attributes"])
def test_size_counts_everything(where: str) -> None:
    check_bounds(padded(where, BOUNDS.size), BOUNDS)
    with pytest.raises(PolicyViolation, match="at most 262144 characters"):
        check_bounds(padded(where, BOUNDS.size + 1), BOUNDS)


def test_many_small_elements_are_measured() -> None:
    wide = fromstring("<iq>" + "<a/>" * 300_000 + "</iq>")
    with pytest.raises(PolicyViolation, match="characters"):
        check_bounds(wide, BOUNDS)


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
