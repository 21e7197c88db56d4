"""Conversations: what it sends is what libwebrtc on Android says, in its own Jingle."""

from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.session import Session
from tests.personas.webrtc import WebRtcPersona
from tests.personas.xml import HINTS, ICE, RECEIPTS, SOURCES, J, bare, media_of, tag


class Conversations(WebRtcPersona):
    """Conversations and its forks."""

    name = "Conversations"
    version = "2.12.8"
    source = "its source code, and that of a fork of 2026"
    identity = ("client", "phone", "Conversations")
    node = "https://conversations.im"
    wants: ClassVar = (
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:transports:ice-udp:1",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:apps:dtls:0",
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle:apps:rtp:video",
        "urn:xmpp:jingle-message:0",
    )
    heeds_bounces = True
    message_prefix = "jm-propose-"
    beside_propose: ClassVar = (tag("request", xmlns=RECEIPTS), tag("store", xmlns=HINTS))
    needs: ClassVar = {
        "receipt": "a receipt (XEP-0184) for its `propose`: only then it shows that it rings",
        "same-media": "in the answer, the same set of media as in its offer, or it hangs up with "
        "`security-error`",
        "one-setup": "the same `setup` on every fingerprint",
        "no-restart": "no `transport-info` without a candidate: it takes it for an ICE restart",
        "sources": "no `<source/>` parameter with an empty name or value",
    }
    does: ClassVar = (
        "gives up when its `propose` comes back as an error",
        "asks for a receipt for its `propose`, and shows “ringing” only once it has it",
        "ignores `ringing` and `proceed` from a bare JID",
        "offers BUNDLE without candidates; each candidate in a `transport-info` of its own, UDP "
        "only, no end mark",
        "acknowledges `session-info` and ignores it",
        "ends a call with `session-terminate` and a JMI `finish`",
    )

    def proposed(self, session: Session) -> None:
        if self.plan in ("accept", "ignore"):
            self.message(session, "ringing", to=session.peer)
        if self.plan == "accept":
            self.message(session, "accept", to=bare(self.jid))
        super().proposed(session)

    def say_hung_up(self, session: Session) -> None:
        self.terminate(session, "success")
        if session.proposed:
            reason = tag("reason", tag("success"), xmlns=J)
            self.message(session, "finish", reason, to=session.peer)

    def check_answer(self, session: Session, jingle: Element) -> None:
        kinds = {media_of(item) for item in jingle.findall(f"{J}content")}
        self.demand("same-media", kinds == set(session.kinds), str(kinds))
        if kinds != set(session.kinds):
            self.terminate(session, "security-error")
        self._check_description(jingle)

    def check_offer(self, session: Session, jingle: Element) -> None:
        self._check_description(jingle)

    def _check_description(self, jingle: Element) -> None:
        setups = {item.get("setup") for item in jingle.iter(f"{xml.DTLS}fingerprint")}
        self.demand("one-setup", len(setups) == 1 and None not in setups, str(setups))
        empty = [
            xml.text(item)
            for item in jingle.iter(f"{SOURCES}parameter")
            if not item.get("name") or not item.get("value")
        ]
        self.demand("sources", not empty, str(empty))

    def check_candidates(self, session: Session, jingle: Element) -> None:
        found = next(jingle.iter(f"{ICE}candidate"), None)
        self.demand("no-restart", found is not None, xml.text(jingle))
