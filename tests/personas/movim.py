"""Movim: a web page whose server turns its SDP into Jingle, line by line."""

from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas.session import Session
from tests.personas.webrtc import WebRtcPersona
from tests.personas.xml import ICE, J, tag


class Movim(WebRtcPersona):
    """Movim."""

    name = "Movim"
    version = "of August 2026"
    source = "its source code"
    identity = ("client", "web", "Movim")
    node = "https://movim.eu"
    trickles_pwd = False
    wants: ClassVar = (
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle:apps:rtp:video",
        "urn:xmpp:jingle-message:0",
    )
    needs: ClassVar = {
        "one-candidate": "one content and one candidate in a `transport-info`: it glues several "
        "into one",
        "parameters": "a name and a value in every codec parameter that matters: it writes a "
        "valueless one as nothing",
    }
    does: ClassVar = (
        "sends its candidates one by one, with `ufrag` and without `pwd`",
        "says `creator='initiator'` for every content",
        "takes `senders` as its own direction, whoever it is",
        "rings with JMI `ringing`, and gives no reason when it refuses",
    )

    def check_candidates(self, session: Session, jingle: Element) -> None:
        contents = jingle.findall(f"{J}content")
        count = len(list(jingle.iter(f"{ICE}candidate")))
        self.demand("one-candidate", len(contents) == 1 and count <= 1, f"{len(contents)}, {count}")

    def check_answer(self, session: Session, jingle: Element) -> None:
        self._check_parameters(jingle)

    def check_offer(self, session: Session, jingle: Element) -> None:
        self._check_parameters(jingle)

    def _check_parameters(self, jingle: Element) -> None:
        broken = [
            item.attrib
            for item in jingle.iter("{urn:xmpp:jingle:apps:rtp:1}parameter")
            if not item.get("name") or not item.get("value")
        ]
        self.demand("parameters", not broken, str(broken))

    def proposed(self, session: Session) -> None:
        if self.plan != "busy":
            self.message(session, "ringing", to=session.peer)
        super().proposed(session)

    def candidate(self, index: int, found: dict[str, str]) -> str:
        return tag("candidate", **found, network_id="1")
