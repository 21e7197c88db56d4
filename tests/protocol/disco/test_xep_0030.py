from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.disco.xep_0030 import (
    DiscoInfo,
    DiscoItems,
    Feature,
    Identity,
    Item,
    info_of,
)
from jinglebridge.protocol.xml import build, parse
from tests.protocol.helpers import STANZA_FILES, clark, name_of, read

QUERIES = tuple(path for path in STANZA_FILES if "disco#info" in read(path))


@pytest.mark.parametrize(
    "value",
    [
        DiscoInfo(node="x#y"),
        info_of(Identity(category="client", type="pc", name="x"), ("b", "a")),
        DiscoItems(node="n", items=(Item(jid="a@b", name="x", node="y"), Item(jid="c@d"))),
    ],
)
def test_values_come_back(value: DiscoInfo | DiscoItems) -> None:
    assert parse(type(value), ET.fromstring(ET.tostring(build(value)))) == value


def test_features_are_sorted() -> None:
    info = info_of(Identity(category="a", type="b"), ("c", "b"))
    assert info.features == (Feature(var="b"), Feature(var="c"))


@pytest.mark.parametrize("path", QUERIES, ids=name_of)
def test_captured_queries_come_back(path: object) -> None:
    query = ET.fromstring(read(path)).find("{http://jabber.org/protocol/disco#info}query")
    assert query is not None
    assert clark(build(parse(DiscoInfo, query))) == clark(query)
