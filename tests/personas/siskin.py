"""Siskin and Beagle, on Tigase's Martin: strict types in Swift."""

from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.session import Session
from tests.personas.webrtc import WebRtcPersona
from tests.personas.xml import DTLS, ICE, RTP, J, bare, description_of


class Siskin(WebRtcPersona):
    """Siskin IM."""

    name = "Siskin"
    version = "of February 2024"
    source = "its source code, and that of its library Martin of January 2025"
    identity = ("client", "phone", "Siskin IM")
    node = "http://siskin.im"
    group_first = False
    beside_propose: ClassVar = ()
    wants: ClassVar = (
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:transports:ice-udp:1",
        "urn:xmpp:jingle:apps:dtls:0",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle:apps:rtp:video",
    )
    needs: ClassVar = {
        "integers": "foundation, component, port, priority and generation as unsigned integers: "
        "it drops a candidate that has another",
        "creator": "a `creator` on every content: it drops one without",
        "one-fingerprint": "a `setup` on the fingerprint, of which it reads the first alone",
        "rtcp-mux": "`<rtcp-mux/>` in every description",
    }
    does: ClassVar = (
        "calls by JMI when the service's capabilities have it, else with a `session-initiate` to "
        "each resource",
        "puts `<group/>` behind the contents",
        "tells its own devices with JMI `accept`; knows neither `ringing` nor `finish`",
        "takes no notice when its `propose` comes back as an error: it needs a `reject`",
        "refuses a request of an unknown session with `item-not-found`",
        "sends its candidates one by one, with `ufrag` and `pwd`",
    )

    def check_candidates(self, session: Session, jingle: Element) -> None:
        for candidate in jingle.iter(f"{ICE}candidate"):
            numbers = ("foundation", "component", "port", "priority", "generation")
            valid = all(candidate.get(name, "").isdecimal() for name in numbers)
            self.demand("integers", valid, xml.text(candidate))
        self._check_creators(jingle)

    def check_answer(self, session: Session, jingle: Element) -> None:
        self._check_description(jingle)

    def check_offer(self, session: Session, jingle: Element) -> None:
        self._check_description(jingle)

    def _check_description(self, jingle: Element) -> None:
        self._check_creators(jingle)
        for content in jingle.findall(f"{J}content"):
            muxed = description_of(content).find(f"{RTP}rtcp-mux") is not None
            self.demand("rtcp-mux", muxed, str(content.get("name")))
            first = next(content.iter(f"{DTLS}fingerprint"), None)
            setup = None if first is None else first.get("setup")
            self.demand("one-fingerprint", setup in ("actpass", "active", "passive"), str(setup))

    def _check_creators(self, jingle: Element) -> None:
        creators = {item.get("creator") for item in jingle.findall(f"{J}content")}
        self.demand("creator", creators <= {"initiator", "responder"}, str(creators))

    def proposed(self, session: Session) -> None:
        if self.plan == "accept":
            self.message(session, "accept", to=bare(self.jid))
        elif self.plan != "ignore":
            self.message(session, "reject", to=bare(self.jid))
        super().proposed(session)
