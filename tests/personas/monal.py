"""Monal: initiation messages only, and silence where others acknowledge."""

from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.session import Session
from tests.personas.webrtc import WebRtcPersona
from tests.personas.xml import ICE, J, media_of, tag, transport_of

_ANSWERED = ("session-initiate", "session-accept", "transport-info")


class Monal(WebRtcPersona):
    """Monal for iOS and macOS."""

    name = "Monal"
    version = "of October 2024"
    source = "its source code"
    identity = ("client", "phone", "Monal")
    node = "http://monal-im.org/"
    says_why = True
    wants: ClassVar = ("urn:xmpp:jingle-message:0",)
    needs: ClassVar = {
        "own-credentials": "in each `transport-info` the `ufrag` and `pwd` of that content's "
        "description, or it answers `not-authorized`",
        "one-candidate": "one candidate in each `transport-info`: it never answers one without",
        "audio": "a `propose` with audio",
        "announced": "no video in the session after a `propose` with audio alone",
        "ringing": "`ringing` or `proceed` within 30 s",
    }
    does: ClassVar = (
        "takes calls by JMI alone: a `session-initiate` without `propose` gets no answer",
        "never answers `session-terminate`, `session-info`, `content-*`, nor a `transport-info` "
        "without a candidate",
        "sends its candidates one by one, with `ufrag` and `pwd`, UDP only, no end mark",
        "ends a call with `session-terminate` and a JMI `finish`",
        "says `busy` or `decline` inside its `reject`",
    )

    def acknowledge(self, stanza: Element, session: Session, jingle: Element) -> None:
        action = jingle.get("action", "")
        if action not in _ANSWERED or not (session.proposed or session.initiates):
            return
        if action == "transport-info":
            found = list(jingle.iter(f"{ICE}candidate"))
            if not found:
                return
            if not self._matches(session, jingle):
                self.line.refuse(stanza, "not-authorized", kind="auth")
                return
        self.line.reply(stanza)

    def _matches(self, session: Session, jingle: Element) -> bool:
        described = session.described
        contents = () if described is None else described.findall(f"{J}content")
        known = {
            item.get("name"): (transport_of(item).get("ufrag"), transport_of(item).get("pwd"))
            for item in contents
        }
        return all(
            known.get(item.get("name"))
            == (transport_of(item).get("ufrag"), transport_of(item).get("pwd"))
            for item in jingle.findall(f"{J}content")
        )

    def check_candidates(self, session: Session, jingle: Element) -> None:
        self.demand("own-credentials", self._matches(session, jingle), xml.text(jingle))
        count = len(list(jingle.iter(f"{ICE}candidate")))
        self.demand("one-candidate", count == 1, str(count))

    def check_answer(self, session: Session, jingle: Element) -> None:
        self.demand("ringing", "ringing" in self.seen)
        self._check_announced(session, jingle)

    def check_offer(self, session: Session, jingle: Element) -> None:
        self.demand("audio", "audio" in session.kinds, str(session.kinds))
        self._check_announced(session, jingle)

    def _check_announced(self, session: Session, jingle: Element) -> None:
        kinds = {media_of(item) for item in jingle.findall(f"{J}content")}
        self.demand("announced", kinds <= set(session.kinds), str(kinds))

    def proposed(self, session: Session) -> None:
        if self.plan != "busy":
            self.message(session, "ringing", to=session.peer)
        super().proposed(session)

    def rings(self, session: Session) -> None:
        """Nothing: it knows no such call."""

    def reject(self, session: Session, condition: str) -> None:
        self.message(session, "reject", self._reason(condition), to=session.peer)

    def say_hung_up(self, session: Session) -> None:
        self.terminate(session, "success")
        self.message(session, "finish", self._reason("success"), to=session.peer)

    @staticmethod
    def _reason(condition: str) -> str:
        return tag("reason", tag(condition), xmlns=J)
