"""Dino sends SDES keys beside its fingerprint: no peer connection gets to see both."""

from pathlib import Path
from xml.etree import ElementTree

from jinglebridge.protocol.jingle.xep_0166 import Jingle
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.sdp.text import dumps
from jinglebridge.protocol.session.events import OfferReceived
from jinglebridge.protocol.xml import parse
from jinglebridge.testing import session_pair

DINO = Path(__file__).parents[2] / "vectors" / "clients" / "dino" / "010-in-session-initiate.xml"


def test_sdes_keys_beside_a_fingerprint_stay_out_of_the_offer() -> None:
    stanza = ElementTree.parse(DINO).getroot()
    element = stanza.find("{urn:xmpp:jingle:1}jingle")
    assert element is not None
    jingle = parse(Jingle, element)
    description = jingle.contents[0].description
    assert isinstance(description, RtpDescription)
    assert description.encryption is not None
    assert description.encryption.cryptos

    _, responder = session_pair(jingle.sid)
    (event,) = responder.receive(jingle)

    assert isinstance(event, OfferReceived)
    sdp = dumps(event.offer)
    assert "a=fingerprint:" in sdp
    assert "a=crypto:" not in sdp
