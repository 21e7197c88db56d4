"""The measure that every stanza passes before anything copies or walks it."""

import time
from xml.etree.ElementTree import Element, SubElement, XMLParser, fromstring

import pytest

from jinglebridge.errors import PolicyViolation
from jinglebridge.xmpp.guard import StanzaBounds, check_bounds

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
