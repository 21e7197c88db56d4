"""The messages that XEP-0353 prints come back equal, in canonical XML."""

import re
from xml.etree import ElementTree

import pytest

from jinglebridge.protocol.jingle.xep_0353 import MESSAGES
from jinglebridge.protocol.xml import build, parse
from jinglebridge.xmpp.stanzas import jingle_message
from tests.xeps.test_examples import BESIDE, EXAMPLES, canonical


def printed() -> list[ElementTree.Element]:
    """The message stanzas, in order; one of them closes with another's end tag."""
    found = []
    for path in sorted(EXAMPLES.glob("xep-0353-example-*.xml")):
        for text in re.findall(r"<message.*?</message>", path.read_text(), re.DOTALL):
            opened = re.search(r"<(retract|reject)\b", text)
            ends = opened and re.sub(r"</(retract|reject)>", f"</{opened[1]}>", text)
            found.append(ElementTree.fromstring(ends or text))
    return found


@BESIDE
@pytest.mark.parametrize("number", range(len(printed())))
def test_a_printed_message_comes_back(number: int) -> None:
    stanza = printed()[number]
    payload = stanza[0]
    value = parse(MESSAGES[payload.tag], payload)
    again = jingle_message(stanza.attrib["from"], stanza.attrib["to"], build(value), "1")
    del again.attrib["id"]
    for item in (again, again[-1]):
        item.tag = item.tag.replace("{jabber:component:accept}", "")
    assert canonical(ElementTree.tostring(again, "unicode")) == canonical(
        ElementTree.tostring(stanza, "unicode")
    )


@BESIDE
def test_all_kinds_but_the_old_accept_are_printed() -> None:
    kinds = {MESSAGES[stanza[0].tag].__name__ for stanza in printed()}
    assert kinds == {kind.__name__ for kind in MESSAGES.values()} - {"Accept"}
