"""stanza 12, the library, from its captured stanzas: no initiation messages."""

from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas.session import CALLABLE, Session
from tests.personas.webrtc import WebRtcPersona, candidates
from tests.personas.xml import J, media_of, tag


class Stanza(WebRtcPersona):
    """The npm package ``stanza`` in a browser."""

    name = "stanza"
    version = "12.22.1"
    source = "captured stanzas, its source code, and itself in Chromium"
    identity = ("client", "web", "stanza")
    node = "https://stanzajs.org"
    has_messages = False
    says_why = True
    senders = None
    trickles_pwd = False
    features: ClassVar = CALLABLE
    wants: ClassVar = ("urn:xmpp:jingle:1",)
    needs: ClassVar = {
        "names": "contents called as they were offered, whatever their order",
    }
    does: ClassVar = (
        "knows no JMI: it calls with a `session-initiate` to the full JID, and is called so",
        "leaves `senders` out",
        "sends candidates one by one with `ufrag` and without `pwd`, TCP ones among them",
        "says `<gathering-complete/>` alone in a `transport-info`",
        "takes its call back with `session-terminate`",
    )

    def trickle(self, session: Session) -> None:
        super().trickle(session)
        tcp = dict(next(candidates(1)), protocol="tcp", tcptype="active", port="9")
        self.say_transport(session, self.candidate(9, tcp))
        self.say_transport(session, tag("gathering-complete"))

    def candidate(self, index: int, found: dict[str, str]) -> str:
        found = {name: value for name, value in found.items() if name != "generation"}
        return tag("candidate", **found)

    def check_answer(self, session: Session, jingle: Element) -> None:
        kinds = {item.get("name", ""): media_of(item) for item in jingle.findall(f"{J}content")}
        self.demand("names", kinds == session.local, str(kinds))
