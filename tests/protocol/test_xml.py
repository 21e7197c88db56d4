from enum import Enum
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import LocalProtocolError, MalformedStanza
from jinglebridge.protocol.xml import (
    MAX_NAME,
    MAX_TEXT,
    MULTILINE,
    TOKEN,
    attribute,
    build,
    child,
    children,
    choice,
    element,
    flag,
    foreign,
    local,
    local_name,
    matching,
    namespace_of,
    parse,
    tag_of,
    text,
    uint,
    which,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@element("urn:t", "leaf")
class Leaf:
    name: str = attribute(TOKEN)
    note: str | None = attribute(default=None)


@element("urn:t", "other")
class Other:
    words: str = text(default="none")


@element("urn:t", "needy")
class Needy:
    words: str = text()


@element("urn:t", "maybe")
class Maybe:
    words: str | None = text(default=None)


@element("urn:t", "tree")
class Tree:
    size: int = attribute(uint(10), name="how-big")
    colour: Colour | None = attribute(choice(Colour), default=None)
    code: str = attribute(matching("[a-z]{1,3}"), default="x")
    one: Leaf | Other | None = child(Leaf, Other, default=None)
    many: tuple[Needy, ...] = children(Needy, maximum=2, default=())
    wet: bool = flag("urn:t", "wet", default=False)
    kind: Colour | None = which("urn:k", Colour, default=None)
    unknown: tuple[str, ...] = foreign(default=())
    beside: int = local(default=0)


@element("urn:t", "note")
class Note:
    words: str = text(MULTILINE, default="")


def read(xml: str, cls: type = Tree) -> object:
    return parse(cls, ET.fromstring(xml.replace("<tree", "<tree xmlns='urn:t'", 1)))


FULL = Tree(
    size=3,
    colour=Colour.BLUE,
    code="abc",
    one=Leaf(name="n", note="a b"),
    many=(Needy(words="1"), Needy(words="2")),
    wet=True,
    kind=Colour.RED,
)


def test_what_is_built_is_read() -> None:
    assert parse(Tree, ET.fromstring(ET.tostring(build(FULL)))) == FULL
    assert parse(Tree, build(Tree(size=0))) == Tree(size=0)
    assert parse(Tree, build(Tree(size=0, one=Other(words="x")))).one == Other(words="x")


def test_how_it_looks() -> None:
    text = ET.tostring(build(FULL), encoding="unicode").replace("ns0:", "").replace("ns1:", "k:")
    assert text == (
        '<tree xmlns:ns0="urn:t" xmlns:ns1="urn:k" how-big="3" colour="blue" code="abc">'
        '<leaf name="n" note="a b" /><needy>1</needy><needy>2</needy><wet /><k:red /></tree>'
    )


def test_text_that_may_be_absent() -> None:
    assert parse(Maybe, build(Maybe())) == Maybe()
    assert build(Maybe()).text is None
    assert parse(Maybe, build(Maybe(words="x"))) == Maybe(words="x")


def test_what_only_the_program_knows_is_not_written() -> None:
    assert "beside" not in ET.tostring(build(Tree(size=1, beside=5)), encoding="unicode")


def test_strangers_are_named_and_else_ignored() -> None:
    tree = read("<tree how-big='1' x='y'><a/><!-- c --><b xmlns='urn:b'/></tree>")
    assert tree == Tree(size=1, unknown=("{urn:t}a", "{urn:b}b"))
    long = "n" * 1000
    assert len(read(f"<tree how-big='1'><{long}/></tree>").unknown[0]) == MAX_NAME
    assert read("<leaf xmlns='urn:t' name='x'><a/></leaf>", Leaf) == Leaf(name="x")
    tree = ET.fromstring("<tree xmlns='urn:t' how-big='1'/>")
    tree.append(ET.Comment("no element"))
    assert parse(Tree, tree) == Tree(size=1)


def test_the_first_of_several_counts() -> None:
    tree = read(
        "<tree how-big='1'><other>a</other><leaf name='n'/><red xmlns='urn:k'/>"
        "<blue xmlns='urn:k'/><wet/><wet/></tree>"
    )
    assert tree == Tree(size=1, one=Other(words="a"), kind=Colour.RED, wet=True)


def test_white_space_around_text_is_no_text() -> None:
    assert read("<other xmlns='urn:t'>  \n </other>", Other) == Other()
    assert read("<other xmlns='urn:t'>\n a b </other>", Other) == Other(words="a b")
    assert read("<note xmlns='urn:t'>a\nb</note>", Note) == Note(words="a\nb")


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("<leaf xmlns='urn:t'/>", "expected <tree>, found <leaf>"),
        ("<tree/>", "no attribute 'how-big'"),
        ("<tree how-big='11'/>", "larger than 10"),
        ("<tree how-big='-1'/>", "not a number"),
        ("<tree how-big='\u0661'/>", "not a number"),
        ("<tree how-big='1e1'/>", "not a number"),
        ("<tree how-big=''/>", "not a number"),
        (f"<tree how-big='{'0' * 21}'/>", "not a number"),
        ("<tree how-big='1' colour='green'/>", "not one of red, blue"),
        ("<tree how-big='1' code='abcd'/>", "not of the right form"),
        ("<tree how-big='1' code='a&#10;'/>", "control characters"),
        ("<tree how-big='1'><leaf/></tree>", "<leaf> has no attribute 'name'"),
        ("<tree how-big='1'><leaf name='a b'/></tree>", "<leaf name>: not of the right form"),
        ("<tree how-big='1'><leaf name='a' note='&#9;'/></tree>", "control characters"),
        ("<tree how-big='1'><needy/></tree>", "<needy> is empty"),
        (
            "<tree how-big='1'><needy>1</needy><needy>2</needy><needy>3</needy></tree>",
            "more than 2",
        ),
    ],
)
def test_what_is_refused(xml: str, reason: str) -> None:
    with pytest.raises(MalformedStanza, match=reason.replace("?", ".")):
        read(xml)


@pytest.mark.parametrize("end", ["\r", "\n", "\x00", "\x7f", "\x85", "\u2028", "\u2029", "\x1b"])
def test_no_line_end_gets_in(end: str) -> None:
    leaf = ET.Element("{urn:t}leaf", name="x", note=f"a{end}b")
    with pytest.raises(MalformedStanza):
        parse(Leaf, leaf)


def test_values_are_bounded() -> None:
    assert parse(Leaf, ET.Element("{urn:t}leaf", name="x" * MAX_TEXT)).name == "x" * MAX_TEXT
    with pytest.raises(MalformedStanza, match="longer than"):
        parse(Leaf, ET.Element("{urn:t}leaf", name="x" * (MAX_TEXT + 1)))


def test_an_error_shows_only_a_part_of_the_value() -> None:
    with pytest.raises(MalformedStanza) as caught:
        parse(Leaf, ET.Element("{urn:t}leaf", name="x " * 5000))
    assert len(str(caught.value)) < 200


def test_names() -> None:
    assert tag_of(Leaf) == "{urn:t}leaf"
    assert (namespace_of("{urn:t}leaf"), local_name("{urn:t}leaf")) == ("urn:t", "leaf")
    assert (namespace_of("leaf"), local_name("leaf")) == ("", "leaf")


def test_only_declared_values_are_written() -> None:
    with pytest.raises(LocalProtocolError, match="str is no declared element"):
        build(Tree(size=1, many=("text",)))


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError):
        FULL.size = 4
