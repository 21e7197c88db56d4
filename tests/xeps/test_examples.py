"""The examples that the specifications print, and what real clients sent, come back equal.

What describes a session goes through SDP, with what SDP cannot say carried along; every other
request through the program's values. Equal is equal in canonical XML (C14N 2.0), prefixes and the
white space around text normalised. What cannot come back has a row that says why.

The specifications' examples are not part of this project; they are read where they lie.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jinglebridge.convert import Role, jingle_to_sdp, sdp_to_jingle
from jinglebridge.errors import JinglebridgeError
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.xml import build, parse
from tests.xeps.cannot import CANNOT

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT.parent / "shared" / "vectors" / "xeps"
CLIENTS = ROOT / "tests" / "vectors" / "clients"

BESIDE = pytest.mark.skipif(
    not EXAMPLES.is_dir(),
    reason="the XEPs' examples do not lie beside this checkout, in ../shared/vectors/xeps",
)

JINGLE = "urn:xmpp:jingle:1"
RTP = "urn:xmpp:jingle:apps:rtp:1"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
SSMA = "urn:xmpp:jingle:apps:rtp:ssma:0"
GROUPING = "urn:xmpp:jingle:apps:grouping:0"

DESCRIBES = frozenset({"session-initiate", "session-accept", "content-add", "content-accept"})
"""Actions whose contents have an application and a transport (XEP-0166 §7.2): SDP can say them."""

_LEFT_OUT = re.compile(r"(?<=>)\s*(\.\.\.|\[ \.\.\. \]|\[\.\.\.\])\s*(?=<)")
"""How the specifications print that they leave something out."""

_REQUEST = (
    f"<jingle xmlns='{JINGLE}' action='session-initiate' sid='a73sjjvkla37jfea' "
    "initiator='romeo@montague.example/orchard'>{}</jingle>"
)
_CONTENT = _REQUEST.format("<content creator='initiator' name='0'>{}</content>")
_TRANSPORT = f"<transport xmlns='{ICE}' ufrag='8hhy' pwd='asd88fgpdd777uzjYhagZg'>{{}}</transport>"
_DESCRIPTION = (
    f"<description xmlns='{RTP}' media='video'><payload-type id='100' name='VP8' "
    "clockrate='90000'/>{}</description>"
)
AROUND = {
    f"{{{RTP}}}description": _CONTENT.format("{}" + _TRANSPORT.format("")),
    f"{{{RTP}}}encryption": _CONTENT.format(_DESCRIPTION + _TRANSPORT.format("")),
    f"{{{SSMA}}}source": _CONTENT.format(_DESCRIPTION + _TRANSPORT.format("")),
    f"{{{SSMA}}}ssrc-group": _CONTENT.format(_DESCRIPTION + _TRANSPORT.format("")),
    f"{{{ICE}}}transport": _CONTENT.format(_DESCRIPTION.format("") + "{}"),
    f"{{{DTLS}}}fingerprint": _CONTENT.format(_DESCRIPTION.format("") + _TRANSPORT),
    f"{{{GROUPING}}}group": _REQUEST,
}
"""A request around a fragment that is printed alone."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """A request, and who wrote it."""

    name: str
    jingle: str
    writer: Role

    @property
    def describes(self) -> bool:
        """Whether it says what SDP says."""
        return ElementTree.fromstring(self.jingle).get("action") in DESCRIBES


def stanzas_of(name: str, text: str) -> Iterator[Stanza]:
    """The requests in a file: some hold more than one element, most no request at all."""
    found = 0
    for item in ElementTree.fromstring(f"<file>{_LEFT_OUT.sub('', text)}</file>"):
        item.tail = None
        around = AROUND.get(item.tag)
        request = None if around else next(item.iter(f"{{{JINGLE}}}jingle"), None)
        if around is None and request is None:
            continue
        found += 1
        known = name if found == 1 else f"{name}#{found}"
        if around is not None:
            yield Stanza(known, around.format(_filled(item)), "initiator")
        elif request is not None:
            request.tail = None
            yield Stanza(known, ElementTree.tostring(request, "unicode"), writer_of(item, request))


def _filled(fragment: ElementTree.Element) -> str:
    """A fragment, and what it speaks of beside it."""
    contents = [
        f"<content creator='initiator' name='{item.get('name')}'>{_DESCRIPTION.format('')}"
        f"{_TRANSPORT.format('')}</content>"
        for item in fragment
        if item.tag == f"{{{GROUPING}}}content"
    ]
    return "".join((ElementTree.tostring(fragment, "unicode"), *contents))


def writer_of(stanza: ElementTree.Element, jingle: ElementTree.Element) -> Role:
    """Who wrote a request: the initiator is named in it, or its action tells."""
    initiator, sender = jingle.get("initiator"), stanza.get("from")
    if initiator is not None and sender is not None:
        return "initiator" if sender == initiator else "responder"
    return "responder" if jingle.get("action") == "session-accept" else "initiator"


@cache
def examples() -> tuple[Stanza, ...]:
    """The well-formed examples of RTP, ICE and DTLS that hold a request or a part of one."""
    if not EXAMPLES.is_dir():
        return ()
    found: list[Stanza] = []
    for line in (EXAMPLES / "INDEX.tsv").read_text().splitlines()[1:]:
        name, _, form, about, *_ = [*line.split("\t"), "", ""]
        if (form, about) == ("wellformed", "rtp"):
            found.extend(stanzas_of(name, (EXAMPLES / name).read_text()))
    return tuple(found)


def captured() -> Iterator[Stanza]:
    """What real clients sent."""
    for path in sorted(CLIENTS.rglob("*.xml")):
        yield from stanzas_of(str(path.relative_to(CLIENTS)), path.read_text())


def come_back(stanza: Stanza) -> str:
    """A request after the way through SDP, or through our values when it describes nothing."""
    element = ElementTree.fromstring(stanza.jingle)
    request = parse(Jingle, element)
    if not stanza.describes:
        return ElementTree.tostring(build(request), "unicode")
    _, slots = offer_of(request, writer=Creator(stanza.writer))
    sdp = jingle_to_sdp(stanza.jingle, role=stanza.writer, slots=slots, carry=True)
    return sdp_to_jingle(
        sdp,
        role=stanza.writer,
        action=request.action.value,
        sid=request.sid,
        initiator=request.initiator,
        responder=request.responder,
        slots=slots,
    )


def canonical(xml: str) -> str:
    """One text for everything that means the same XML."""
    # written anew for the prefixes: canonicalize's own rewriting undeclares some
    anew = ElementTree.tostring(ElementTree.fromstring(xml), "unicode")
    return ElementTree.canonicalize(anew, strip_text=True)


def check(stanza: Stanza) -> None:
    """Equal, or known not to be."""
    reason = CANNOT.get(stanza.name)
    try:
        back = canonical(come_back(stanza))
    except JinglebridgeError:
        if reason is None:
            raise
        return
    if reason is None:
        assert back == canonical(stanza.jingle)
    else:
        assert back != canonical(stanza.jingle), f"comes back after all: {reason}"


@pytest.mark.parametrize("stanza", tuple(captured()), ids=lambda stanza: stanza.name)
def test_captured(stanza: Stanza) -> None:
    check(stanza)


@BESIDE
@pytest.mark.parametrize("stanza", examples(), ids=lambda stanza: stanza.name)
def test_printed(stanza: Stanza) -> None:
    check(stanza)


@BESIDE
def test_the_table_names_what_there_is() -> None:
    assert set(CANNOT) <= {stanza.name for stanza in (*examples(), *captured())}
    assert all("§" in reason for reason in CANNOT.values())
