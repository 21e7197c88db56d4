from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.chat.xep_0184 import Received, Request
from jinglebridge.protocol.chat.xep_0203 import Delay
from jinglebridge.protocol.chat.xep_0359 import OriginId
from jinglebridge.protocol.xml import build, parse

ELEMENTS = {
    "<request xmlns='urn:xmpp:receipts'/>": Request(),
    "<received xmlns='urn:xmpp:receipts' id='a'/>": Received(id="a"),
    "<received xmlns='urn:xmpp:receipts'/>": Received(),
    "<origin-id xmlns='urn:xmpp:sid:0' id='a'/>": OriginId(id="a"),
    "<delay xmlns='urn:xmpp:delay'/>": Delay(),
}


@pytest.mark.parametrize("text", ELEMENTS)
def test_elements_are_read_and_written(text: str) -> None:
    value = ELEMENTS[text]
    assert parse(type(value), ET.fromstring(text)) == value
    assert ET.tostring(build(value)) == ET.tostring(ET.fromstring(text))
