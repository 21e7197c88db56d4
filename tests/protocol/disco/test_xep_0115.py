"""Digests of disco answers: the specification's own, and what is refused."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.disco.features import CALLABLE, COMMON
from jinglebridge.protocol.disco.xep_0004 import Field, Form, Value
from jinglebridge.protocol.disco.xep_0030 import (
    DiscoInfo,
    Feature,
    Identity,
    info_of,
)
from jinglebridge.protocol.disco.xep_0115 import (
    Capabilities,
    capabilities_of,
    check_digest,
    verification_string,
)
from jinglebridge.protocol.xml import build, parse

SIMPLE = """
<query xmlns='http://jabber.org/protocol/disco#info' node='http://code.example/#x'>
  <identity category='client' name='Exodus 0.9.1' type='pc'/>
  <feature var='http://jabber.org/protocol/caps'/>
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/muc'/>
</query>"""
COMPLEX = """
<query xmlns='http://jabber.org/protocol/disco#info' node='http://psi-im.example#x'>
  <identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
  <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>
  <feature var='http://jabber.org/protocol/caps'/>
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/muc'/>
  <x xmlns='jabber:x:data' type='result'>
    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
    <field var='ip_version' type='text-multi'><value>ipv4</value><value>ipv6</value></field>
    <field var='os'><value>Mac</value></field>
    <field var='os_version'><value>10.5.1</value></field>
    <field var='software'><value>Psi</value></field>
    <field var='software_version'><value>0.11</value></field>
  </x>
</query>"""
INFO = info_of(
    Identity(category="client", type="pc", name="Exodus 0.9.1"), ("urn:b", "urn:a", "vcard-temp")
)


def read(text: str) -> DiscoInfo:
    return parse(DiscoInfo, ET.fromstring(text))


def caps(info: DiscoInfo, algorithm: str = "sha-1") -> Capabilities:
    return Capabilities(hash=algorithm, node="n", ver=verification_string(info, algorithm))


@pytest.mark.parametrize(
    ("text", "ver"),
    [(SIMPLE, "QgayPKawpkPSDYmwT/WM94uAlu0="), (COMPLEX, "q07IKJEyjvHSyhy//CH0CxmKi8w=")],
    ids=["5.2", "5.3"],
)
def test_the_examples_of_the_standard(text: str, ver: str) -> None:
    """XEP-0115 §5.2 and §5.3."""
    info = read(text)
    assert verification_string(info) == ver
    assert parse(DiscoInfo, ET.fromstring(ET.tostring(build(info)))) == info


def test_the_simple_example_is_believed() -> None:
    check_digest(read(SIMPLE), caps(read(SIMPLE)))


@pytest.mark.parametrize("algorithm", ["sha-1", "SHA-1", "sha-256", "sha-384", "sha-512"])
def test_an_answer_is_believed(algorithm: str) -> None:
    check_digest(INFO, caps(INFO, algorithm))


def test_an_answer_with_a_form_is_believed() -> None:
    info = read(COMPLEX)
    info = replace(info, features=(*info.features, Feature(var="vcard-temp")))
    check_digest(info, caps(info))


def test_the_order_of_what_is_said_does_not_matter() -> None:
    one, two = Identity(category="a", type="b"), Identity(category="a", type="c", name="x")
    features = tuple(Feature(var=var) for var in "bca")
    first = DiscoInfo(identities=(one, two), features=features)
    second = DiscoInfo(identities=(two, one), features=features[::-1])
    assert verification_string(first) == verification_string(second)
    other = DiscoInfo(identities=(one,), features=features)
    assert verification_string(first) != verification_string(other)


def form(*types: str, kind: str | None = "hidden", **fields: str) -> Form:
    values = tuple(Value(text=text) for text in types)
    typed = (Field(var="FORM_TYPE", type=kind, values=values),) if types else ()
    others = (Field(var=name, values=(Value(text=text),)) for name, text in fields.items())
    return Form(type="result", fields=(*typed, *others))


@pytest.mark.parametrize(
    "ignored",
    [
        form(os="x"),
        form("urn:type", kind="text-single", os="x"),
        form("urn:type", kind=None, os="x"),
        Form(fields=(Field(var="FORM_TYPE", type="hidden"),)),
    ],
    ids=["no type", "type not hidden", "type of no kind", "empty type"],
)
def test_forms_that_do_not_count(ignored: Form) -> None:
    """XEP-0115 §5.4: without a hidden FORM_TYPE a form is ignored, and all else goes on."""
    with_form = replace(INFO, forms=(ignored,))
    assert verification_string(with_form) == verification_string(INFO)
    check_digest(with_form, caps(INFO))


TYPED = form("urn:c", os="x")


@pytest.mark.parametrize(
    "info",
    [
        replace(INFO, identities=INFO.identities * 2),
        replace(INFO, features=(*INFO.features, Feature(var="urn:a"))),
        replace(INFO, forms=(TYPED, form("urn:c", os="y"))),
        replace(INFO, forms=(form("urn:c", "urn:d"),)),
        replace(INFO, features=(Feature(var="urn:a<urn:b"), *INFO.features)),
        replace(INFO, identities=(Identity(category="client", type="pc", name="x<urn:a"),)),
        replace(INFO, forms=(form("urn:c", os="x<y"),)),
        replace(INFO, identities=(Identity(category="http:", type="", name="jabber.org"),)),
        replace(INFO, identities=(Identity(category="", type="pc"),)),
        replace(INFO, identities=(Identity(category="client/pc", type="x"),)),
        replace(INFO, identities=(Identity(category="client", type="p/c"),)),
        replace(INFO, identities=(Identity(category="client", type="pc", lang="e/n"),)),
        replace(INFO, features=(Feature(var="client/pc//Exodus"), *INFO.features)),
        replace(INFO, forms=(form("vcard-temp", os="x"),)),
        replace(INFO, forms=(form("z"),)),
        replace(INFO, features=(), forms=(form("urn:a"),)),
    ],
    ids=[
        "identity twice",
        "feature twice",
        "form type twice",
        "form of two types",
        "feature that is two",
        "identity that is two",
        "value that is two",
        "feature as identity",
        "no category",
        "category with a separator",
        "type with a separator",
        "language with a separator",
        "identity as feature",
        "form of a feature's name",
        "features as form",
        "nothing but a form",
    ],
)
def test_what_is_ill_formed_or_reads_in_two_ways(info: DiscoInfo) -> None:
    with pytest.raises(MalformedStanza, match=r"^(?!the digest is another)"):
        check_digest(info, caps(info))


def test_answers_in_disguise_have_the_digest_and_are_refused() -> None:
    """What the checks are for: other answers, the same text, the same digest."""
    first, second, third = (feature.var for feature in INFO.features)
    hidden = form(second)
    disguises = (
        replace(INFO, features=(Feature(var="<".join((first, second, third))),)),
        replace(
            INFO,
            identities=(),
            features=(Feature(var="client/pc//Exodus 0.9.1"), *INFO.features),
        ),
        replace(
            INFO,
            features=INFO.features[:1],
            forms=(replace(hidden, fields=(*hidden.fields, Field(var=third))),),
        ),
    )
    announced = caps(INFO)
    for disguise in disguises:
        assert disguise != INFO
        assert verification_string(disguise) == announced.ver
        with pytest.raises(MalformedStanza):
            check_digest(disguise, announced)


@pytest.mark.parametrize(
    "announced",
    [
        replace(caps(INFO), ver="AAAA"),
        replace(caps(INFO), hash="md5"),
        replace(caps(INFO), hash="sha-256"),
    ],
    ids=["digest", "weak algorithm", "other algorithm"],
)
def test_another_digest(announced: Capabilities) -> None:
    with pytest.raises(MalformedStanza):
        check_digest(INFO, announced)


def test_presence_names_the_digest() -> None:
    info = info_of(Identity(category="a", type="b"), CALLABLE)
    caps = capabilities_of(info, "urn:x")
    assert caps == Capabilities(hash="sha-1", node="urn:x", ver=verification_string(info))
    assert parse(Capabilities, build(caps)) == caps
    check_digest(info, caps)


def test_what_is_promised() -> None:
    assert len(set(CALLABLE)) == len(CALLABLE)
    assert set(COMMON) < set(CALLABLE)
    assert "urn:xmpp:jingle:apps:rtp:audio" in CALLABLE
    assert "urn:xmpp:jingle:apps:rtp:video" in CALLABLE
