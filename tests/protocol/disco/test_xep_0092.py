from xml.etree import ElementTree as ET

from jinglebridge.protocol.disco.xep_0092 import SoftwareVersion, software_version
from jinglebridge.protocol.disco.xep_0199 import Ping
from jinglebridge.protocol.xml import build, parse


def test_a_version_comes_back() -> None:
    value = software_version("jinglebridge", "1.2.3")
    xml = build(value)
    assert [(item.tag, item.text) for item in xml] == [
        ("{jabber:iq:version}name", "jinglebridge"),
        ("{jabber:iq:version}version", "1.2.3"),
    ]
    assert parse(SoftwareVersion, ET.fromstring(ET.tostring(xml))) == value


def test_the_question_is_empty() -> None:
    question = ET.fromstring("<query xmlns='jabber:iq:version'/>")
    assert parse(SoftwareVersion, question) == SoftwareVersion()


def test_a_ping() -> None:
    assert parse(Ping, build(Ping())) == Ping()
