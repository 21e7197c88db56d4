"""The reader of the stream: the same stanzas as the standard library's, or less of them."""

import random
import time
import tracemalloc
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, canonicalize, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.reader import StanzaReader
from tests.protocol.helpers import STANZA_FILES, read

NS = "jabber:component:accept"
HEAD = f"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='{NS}' id='1'>"
XML = "http://www.w3.org/XML/1998/namespace"
BOUNDS = StanzaBounds()


def started(bounds: StanzaBounds = BOUNDS) -> StanzaReader:
    reader = StanzaReader(bounds)
    reader.feed(HEAD)
    ((event, root),) = reader.read_events()
    assert event == "start"
    assert root.tag == "{http://etherx.jabber.org/streams}stream"
    assert root.attrib == {"id": "1"}
    return reader


def stanzas(reader: StanzaReader, text: str | bytes) -> list[tuple[Element, str | None]]:
    """The whole stanzas in this text, and why they are empty if they are."""
    reader.feed(text)
    found = []
    for event, item in reader.read_events():
        if event == "end":
            found.append((item, str(reader.excess) if reader.excess else None))
    return found


def one(text: str, bounds: StanzaBounds = BOUNDS) -> tuple[Element, str | None]:
    (found,) = stanzas(started(bounds), text)
    return found


def same(text: str) -> None:
    stanza, excess = one(text)
    assert excess is None
    (expected,) = fromstring(f"{HEAD}{text}</stream:stream>")
    assert canonicalize(tostring(stanza)) == canonicalize(tostring(expected))


@pytest.mark.parametrize(
    "text",
    [
        "<iq/>",
        "<iq a='1' b='2'>text<a/>tail<b>inner</b> more </iq>",
        "<iq xml:lang='en'><a xmlns='urn:a'><b xmlns='urn:b'/><c/></a><d/></iq>",
        "<iq xmlns:p='urn:p'><p:a p:b='1' c='2'><d/><p:e xmlns:p='urn:q'/><p:f/></p:a></iq>",
        "<iq><a xmlns=''><b/></a>&lt;&amp;&#x1F980;<![CDATA[<x>]]></iq>",
        "<iq><!-- nothing --><a/><?nothing at all?></iq>",
        "<iq>\r\n\t<a b=' \n '/></iq>",
    ],
)
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    same(text)


@pytest.mark.parametrize("path", STANZA_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_reads_what_clients_sent(path: Path) -> None:
    text = tostring(fromstring(read(path)), "unicode")
    same(text)


@given(seed=st.integers(0, 2**32), text=st.text("ax é\U0001f980<&", max_size=200))
def test_it_does_not_matter_how_the_octets_come(seed: int, text: str) -> None:
    rng, whole = random.Random(seed), Element(f"{{{NS}}}iq", {"a": text})
    whole.text = text
    octets = tostring(whole) * 3
    reader, found = started(), []
    while octets:
        size = rng.randint(1, 40)
        found += stanzas(reader, octets[:size])
        octets = octets[size:]
    assert [(item.tag, item.attrib, item.text or "", why) for item, why in found] == [
        (whole.tag, {"a": text}, text, None)
    ] * 3


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        # what Prosody makes of an attribute xml:x and of an element xml:x
        (f"<a xmlns:ns1='{XML}' ns1:x='1'/>", f"<a xmlns='{NS}' xml:x='1'/>"),
        (f"<x xmlns='{XML}'/>", "<xml:x/>"),
        ("<a xmlns:xmlns='urn:x'/>", f"<a xmlns='{NS}'/>"),
        ("<a xmlns:xml='urn:x' xml:b='1'/>", f"<a xmlns='{NS}' xmlns:p='urn:x' p:b='1'/>"),
    ],
)
def test_it_takes_what_the_namespaces_of_xml_forbid(inner: str, expected: str) -> None:
    reader = started()
    ((stanza, excess),) = stanzas(reader, f"<iq>{inner}</iq>")
    assert excess is None
    (found,) = stanza
    wanted = fromstring(expected)
    assert (found.tag, found.attrib) == (wanted.tag, wanted.attrib)
    assert stanzas(reader, "<iq/>")


def test_a_prefix_without_a_namespace_is_a_part_of_the_name() -> None:
    stanza, _ = one("<iq><p:a q:b='1'/></iq>")
    assert [item.tag for item in stanza] == ["p:a"]
    assert stanza[0].attrib == {"q:b": "1"}


@pytest.mark.parametrize(
    "text", ["<iq></message>", "<iq a='1' a='2'/>", "<!DOCTYPE x><iq/>", "&undefined;", "<a b=c/>"]
)
def test_what_is_no_xml_is_an_error_after_what_was(text: str) -> None:
    reader = started()
    reader.feed(f"<iq/>{text}")
    events = reader.read_events()
    assert [next(events)[0], next(events)[0]] == ["start", "end"]
    with pytest.raises(ParseError):
        next(events)
    with pytest.raises(ParseError):
        stanzas(reader, "<iq/>")


def test_a_document_type_is_an_error_wherever_it_could_stand() -> None:
    reader = StanzaReader(BOUNDS)
    reader.feed("<!DOCTYPE a [<!ENTITY b 'c'>]><a>")
    with pytest.raises(ParseError, match="no document type"):
        list(reader.read_events())


def test_the_end_of_the_stream() -> None:
    reader = started()
    reader.feed("<iq/></stream:stream>")
    assert [event for event, _ in reader.read_events()] == ["start", "end", "end"]


# ---- bounds --------------------------------------------------------------------------------------


def nested(levels: int) -> str:
    """A stanza of this many levels, itself being the first."""
    return f"<iq id='1'>{'<a>' * (levels - 1)}{'</a>' * (levels - 1)}</iq>"


@pytest.mark.parametrize("levels", [1, 2, 63, 64])
def test_honest_depths_pass(levels: int) -> None:
    stanza, excess = one(nested(levels))
    assert excess is None
    assert sum(1 for _ in stanza.iter()) == levels


@pytest.mark.parametrize("levels", [65, 66, 500, 36_000])
def test_what_is_deeper_is_not_built(levels: int) -> None:
    reader, began = started(), time.perf_counter()
    ((stanza, excess),) = stanzas(reader, nested(levels))
    assert time.perf_counter() - began < 1.0
    assert excess == "a stanza has at most 64 levels"
    assert (stanza.tag, stanza.attrib, len(stanza)) == (f"{{{NS}}}iq", {"id": "1"}, 0)
    assert stanzas(reader, "<iq><a/></iq>")[0][1] is None


def test_depth_is_that_of_the_deepest_branch() -> None:
    branch = "<b>" * 63 + "</b>" * 63
    assert one(f"<iq>{'<a/>' * 10}{branch}</iq>")[1] is None
    assert one(f"<iq>{'<a/>' * 10}<c>{branch}</c></iq>")[1] == "a stanza has at most 64 levels"


def padded(where: str, size: int) -> str:
    """A stanza of exactly this size, nearly all of it in one place."""
    rest = size - 2 * len(f"{{{NS}}}a") - 1
    names = " ".join(f"a{number:09}=''" for number in range(rest // 10))
    return {
        "text": f"<iq><a>{'x' * rest}</a></iq>",
        "tail": f"<iq><a/>{'x' * rest}</iq>",
        "value": f"<iq><a n='{'x' * (rest - 1)}'/></iq>",
        "name": f"<iq><a {'x' * rest}=''/></iq>",
        "own value": f"<iq n='{'x' * (rest - 1)}'><a/></iq>",
        "escapes": f"<iq><a>{'&quot;' * rest}</a></iq>",
        "attributes": f"<iq><a {names}>{'x' * (rest % 10)}</a></iq>",
    }[where]


WHERE = ["text", "tail", "value", "name", "own value", "escapes", "attributes"]


@pytest.mark.parametrize("where", WHERE)
def test_size_counts_everything(where: str) -> None:
    assert one(padded(where, 20_000), StanzaBounds(size=20_000))[1] is None
    stanza, excess = one(padded(where, 20_001), StanzaBounds(size=20_000))
    assert excess == "a stanza has at most 20000 characters"
    assert not len(stanza)


def test_a_stanza_whose_own_attributes_are_too_much() -> None:
    _, excess = one(f"<iq n='{'x' * 300_000}'/>")
    assert excess == "a stanza has at most 262144 characters"


def test_many_small_elements_are_measured() -> None:
    assert one(f"<iq>{'<a/>' * 300_000}</iq>")[1] == "a stanza has at most 262144 characters"


def test_a_long_namespace_makes_no_long_names() -> None:
    """Written once, it would stand in front of each of 10,000 names: a gigabyte."""
    names = "".join(f"<p:a{number}/>" for number in range(10_000))
    began = time.perf_counter()
    _, excess = one(f"<iq xmlns:p='{'u' * 100_000}'>{names}</iq>")
    assert excess == "a stanza has at most 262144 characters"
    assert time.perf_counter() - began < 1.0


def test_scopes_are_those_of_the_stream_again_after_a_refused_stanza() -> None:
    reader = started(StanzaBounds(depth=3))
    deep = "<iq xmlns='urn:a' xmlns:p='urn:p'><a xmlns='urn:b'><b><c><p:d/></c></b></a></iq>"
    assert [why for _, why in stanzas(reader, deep * 3)] == ["a stanza has at most 3 levels"] * 3
    ((stanza, excess),) = stanzas(reader, "<iq><a/></iq>")
    assert excess is None
    assert [item.tag for item in stanza.iter()] == [f"{{{NS}}}iq", f"{{{NS}}}a"]


def test_prefixes_are_kept_once() -> None:
    """Not once more at each level, and for each element, that declares another."""
    many = "".join(f" xmlns:p{number}='u'" for number in range(15_000))
    inside = "<b xmlns:q='u' xmlns=''>" * 60
    reader = started()
    tracemalloc.start()
    reader.feed(f"<message{many}>{inside}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
