"""A scripted client: stanzas in, stanzas out, and what it demands of those it gets.

It knows nothing of how they travel: ``tests/personas/stage.py`` gives it a pipe, or a server. What
a client needs stands in its ``needs``, by name; ``demand`` checks it by that name and remembers
that it was checked, so that the document lists nothing that no test looks at.
"""

import asyncio
import uuid
from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import discovery, needs, xml
from tests.personas.line import Line, condition_of
from tests.personas.session import CALLABLE, MESSAGES, Kinds, Session
from tests.personas.xml import CLIENT, HINTS, INFO, JMI, RECEIPTS, J, bare, is_full, tag
from tests.support import schema


class Persona:
    """One client, signed in with one JID.

    Args:
        jid: its full JID.
        service: bare JID of the service that it calls, or that calls it.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    source: ClassVar[str]
    """Where its behaviour was taken from."""
    has_messages: ClassVar[bool] = True
    """Whether it takes part in Jingle Message Initiation."""
    features: ClassVar[tuple[str, ...]] = (*CALLABLE, MESSAGES)
    wants: ClassVar[tuple[str, ...]] = (*CALLABLE, MESSAGES)
    """Features that its call button needs."""
    identity: ClassVar[tuple[str, str, str]]
    node: ClassVar[str]
    needs: ClassVar[dict[str, str]] = {}
    does: ClassVar[tuple[str, ...]] = ()
    says_why: ClassVar[bool] = False
    """Whether it gives a reason when it refuses a proposed call."""
    heeds_bounces: ClassVar[bool] = False
    """Whether its call ends when its ``propose`` comes back as an error."""
    message_prefix: ClassVar[str] = ""
    """Of the id of the message with a propose."""
    beside_propose: ClassVar[tuple[str, ...]] = (tag("store", xmlns=HINTS),)

    def __init__(self, jid: str, service: str) -> None:
        self.jid = jid
        self.service = service
        self.plan = "accept"
        self.hesitates = False
        """Whether it does nothing about a ``proceed``."""
        self.seen: list[str] = []
        self.complaints: list[str] = []
        self.checked: set[str] = set()
        self.candidates: list[Element] = []
        """The peer's, in the order in which they came."""
        self.peer_full = ""
        self.peer_features: frozenset[str] = frozenset()
        self.session: Session | None = None
        self.line = Line(type(self).__name__.lower())
        self.proposed_by: set[str] = set()
        """Ids of the messages that held its proposals."""
        self._changed = asyncio.Event()

    # what a test says to it

    def sign_in(self) -> None:
        """Become available to the service, as a contact does."""
        self.line.send(tag("presence", discovery.capabilities(self), to=self.service))
        self.line.send(tag("presence", to=self.service, type="subscribe"))

    def call(self, kinds: Kinds) -> None:
        """Call the service."""
        self.session = Session(str(uuid.uuid4()), kinds, self.peer_full, initiates=True)
        if self.has_messages and MESSAGES in self.peer_features:
            self.propose(self.session)
        else:
            self.initiate(self.session)

    def hang_up(self) -> None:
        """End the running call as its user would."""
        session = self.current()
        self.say_hung_up(session)
        session.ended = True

    def cancel(self) -> None:
        """Take back a call that nobody answered yet."""
        session = self.current()
        if session.message_id and session.described is None:
            self.message(session, "retract", to=bare(session.peer))
        else:
            self.terminate(session, "cancel")
        session.ended = True

    def forget(self) -> None:
        """Begin anew: what happened so far is not asked for again."""
        self.seen = [event for event in self.seen if event == "callable"]
        self.session = None

    async def quiet(self, within: float = 5.0) -> None:
        """Wait until it has all answers, and nothing comes any more."""
        async with asyncio.timeout(within):
            before = -1
            while before != len(self.seen) or self.line.pending:
                before = len(self.seen)
                await asyncio.sleep(0.03)

    async def until(self, *events: str, within: float = 5.0) -> None:
        """Wait until all of these have happened.

        Raises:
            AssertionError: they have not, in time.
        """
        try:
            async with asyncio.timeout(within):
                while not set(events) <= set(self.seen):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            missing = [event for event in events if event not in self.seen]
            raise AssertionError(f"no {missing} in {self.seen}; {self.complaints}") from None

    def current(self) -> Session:
        assert self.session is not None
        return self.session

    # what it looks at

    def demand(self, need: str, met: object, found: str = "") -> None:
        """Look at one of the things that this client needs."""
        words = self.all_needs()[need]
        self.checked.add(need)
        if not met:
            self.complaints.append(f"{need}: {words}; found {found}" if found else words)

    @classmethod
    def all_needs(cls) -> dict[str, str]:
        """Everything that this client needs, by name."""
        return needs.COMMON | (needs.INITIATION if cls.has_messages else {}) | cls.needs

    def note(self, event: str) -> None:
        self.seen.append(event)
        self._changed.set()

    # what it sends

    def jingle(self, session: Session, action: str, *children: str, **values: object) -> None:
        """Send a Jingle request."""
        payload = tag("jingle", *children, xmlns=J, action=action, sid=session.sid, **values)

        def heard(answer: Element) -> None:
            if answer.get("type") == "result":
                self.demand("result", action != "session-initiate" or session.described is None)
                self.note(f"{action} taken")
            else:
                self.refused(session, action, answer)

        self.line.ask(session.peer, payload, heard, "set")

    def refused(self, session: Session, action: str, answer: Element) -> None:
        """An error to a request of ours: the call is over when it was the first or the last."""
        condition = condition_of(answer)
        self.note(f"{action} refused: {condition}")
        if action in ("session-initiate", "session-accept"):
            self.ended(session, f"refused: {condition}")

    def ended(self, session: Session, why: str) -> None:
        session.ended = True
        self.note("ended")
        self.note(f"ended: {why}")

    def message(self, session: Session, name: str, *children: str, to: str) -> None:
        """Send a message of the initiation (XEP-0353)."""
        payload = tag(name, *children, xmlns=JMI, id=session.sid)
        self.line.send(
            tag("message", payload, tag("store", xmlns=HINTS), id=uuid.uuid4(), to=to, type="chat")
        )

    def propose(self, session: Session) -> None:
        """Ask whether the service takes a call (XEP-0353 §3.1)."""
        session.message_id = f"{self.message_prefix}{session.sid}"
        session.proposed = True
        self.proposed_by.add(session.message_id)
        descriptions = (tag("description", xmlns=xml.RTP, media=kind) for kind in session.kinds)
        self.line.send(
            tag(
                "message",
                tag("propose", *descriptions, xmlns=JMI, id=session.sid),
                *self.beside_propose,
                id=session.message_id,
                to=bare(session.peer),
                type="chat",
            )
        )

    def terminate(self, session: Session, condition: str) -> None:
        self.jingle(session, "session-terminate", tag("reason", tag(condition)))

    def say_hung_up(self, session: Session) -> None:
        """What it sends when its user ends a running call."""
        self.terminate(session, "success")

    def reject(self, session: Session, condition: str) -> None:
        """Refuse a proposed call; older clients give no reason."""
        self.message(session, "reject", to=session.peer)

    def initiate(self, session: Session) -> None:
        """Offer."""
        children = self.offer(session)
        self.jingle(session, "session-initiate", *children, initiator=self.jid)

    def accept(self, session: Session) -> None:
        """Answer the offer."""
        self.jingle(session, "session-accept", *self.answer(session), responder=self.jid)
        self.trickle(session)

    def offer(self, session: Session) -> tuple[str, ...]:
        """The children of its session-initiate; it fills ``session.local``."""
        raise NotImplementedError

    def answer(self, session: Session) -> tuple[str, ...]:
        """The children of its session-accept."""
        raise NotImplementedError

    def trickle(self, session: Session) -> None:
        """Send its candidates once both descriptions are known."""

    # what it gets

    def take(self, stanza: Element) -> None:
        """One stanza, as the server delivers it."""
        try:
            self._take(stanza)
        except Exception as error:
            # whoever reads the stream is not the test
            self.complaints.append(f"{error!r} at {xml.text(stanza)}")
            self.note("broken")

    def _take(self, stanza: Element) -> None:
        kind = stanza.tag.removeprefix(CLIENT)
        if kind == "presence":
            discovery.take_presence(self, stanza)
        elif kind == "message":
            self._take_message(stanza)
        elif stanza.get("type") in ("result", "error"):
            self.line.heard(stanza)
        else:
            self._take_request(stanza)

    def _take_message(self, stanza: Element) -> None:
        session, peer = self.session, stanza.get("from", "")
        if stanza.get("type") == "error":
            if session is None or stanza.get("id") != session.message_id:
                return
            self.note("bounced")
            if self.heeds_bounces:
                self.ended(session, f"bounced: {condition_of(stanza)}")
            return
        receipt = stanza.find(f"{RECEIPTS}received")
        if receipt is not None and session is not None:
            if "receipt" in self.needs:
                self.demand("receipt", receipt.get("id") in self.proposed_by, xml.text(stanza))
            self.demand("from-full", is_full(peer), peer)
            if receipt.get("id") == session.message_id:  # not of a call that is over
                self.note("receipt")
        found = [item for item in stanza if item.tag.startswith(JMI)]
        if found and self.has_messages:
            self._take_initiation(stanza, found[0])

    def _take_initiation(self, stanza: Element, item: Element) -> None:
        peer, name = stanza.get("from", ""), xml.name_of(item)
        if bare(peer) == bare(self.jid):
            self.note(f"sibling's {name}")
            return
        self.demand("valid", not (wrong := schema.whole(item)), str(wrong))
        if name == "propose":
            self._take_propose(stanza, item)
            return
        session = self.session
        if session is None or item.get("id") != session.sid:
            return
        if name in ("ringing", "proceed", "reject"):
            self.demand("from-full", is_full(peer), peer)
            self.demand("to-full", stanza.get("to") == self.jid, stanza.get("to", ""))
        if name == "proceed" and session.initiates and not session.ended:
            session.peer = peer
            if not self.hesitates:
                self.initiate(session)
        elif name in ("reject", "retract", "finish") and not session.ended:
            self.ended(session, f"{name} {xml.reason_of(item)}".rstrip())
        self.note(name)

    def _take_propose(self, stanza: Element, item: Element) -> None:
        kinds = tuple(child.get("media", "") for child in item.findall(f"{xml.RTP}description"))
        stored = stanza.find(f"{HINTS}store") is not None
        self.demand(
            "propose",
            item.get("id") and kinds and stanza.get("type") == "chat" and stored,
            xml.text(stanza),
        )
        session = Session(item.get("id", ""), kinds, stanza.get("from", ""), initiates=False)
        session.proposed = True
        self.session = session
        self.note("propose")
        self.proposed(session)

    def proposed(self, session: Session) -> None:
        """Do what its user does about a proposed call."""
        match self.plan:
            case "accept":
                self.message(session, "proceed", to=session.peer)
            case "decline":
                self.reject(session, "decline")
            case "busy":
                self.reject(session, "busy")

    def _take_request(self, stanza: Element) -> None:
        payload = next(iter(stanza), None)
        if payload is not None and payload.tag == f"{INFO}query":
            self.line.reply(stanza, discovery.info(self, payload.get("node")))
        elif payload is not None and payload.tag == f"{J}jingle":
            self._take_jingle(stanza, payload)
        elif stanza.get("type") == "get" and payload is not None and "ping" in payload.tag:
            self.line.reply(stanza)
        else:
            self.line.refuse(stanza, "service-unavailable")

    def _take_jingle(self, stanza: Element, jingle: Element) -> None:
        action, peer = jingle.get("action", ""), stanza.get("from", "")
        self.demand("valid", not (wrong := schema.whole(jingle)), str(wrong))
        session = self.session
        if action == "session-initiate" and (session is None or session.sid != jingle.get("sid")):
            session = Session(jingle.get("sid", ""), (), peer, initiates=False)
            self.session = session
        if session is None or session.sid != jingle.get("sid") or bare(peer) != bare(session.peer):
            self.line.refuse(stanza, "item-not-found", "unknown-session")
            return
        self.acknowledge(stanza, session, jingle)
        self.demand("same-party", peer == session.peer, peer)
        self.note(action)
        match action:
            case "session-initiate":
                self._initiated(session, jingle)
            case "session-accept":
                needs.check_answer(self, session, jingle)
                session.described = jingle
                self.check_answer(session, jingle)
                self.trickle(session)
            case "transport-info":
                found = needs.check_candidates(self, session, jingle)
                self.check_candidates(session, jingle)
                self.candidates += found
            case "session-terminate":
                why = xml.reason_of(jingle)
                self.demand("reason", why, xml.text(jingle))
                self.ended(session, why)

    def acknowledge(self, stanza: Element, session: Session, jingle: Element) -> None:
        """Answer a request of the running session; some clients do not."""
        self.line.reply(stanza)

    def _initiated(self, session: Session, jingle: Element) -> None:
        needs.check_offer(self, session, jingle)
        session.described = jingle
        self.check_offer(session, jingle)
        if session.proposed:
            self.accept(session)
        else:
            session.kinds = tuple(map(xml.media_of, jingle.findall(f"{J}content")))
            self.rings(session)

    def rings(self, session: Session) -> None:
        """A call came without a propose; do what its user does."""
        match self.plan:
            case "accept":
                self.accept(session)
            case "decline" | "busy":
                self.terminate(session, self.plan)
                session.ended = True

    def check_answer(self, session: Session, jingle: Element) -> None:
        """What this client alone demands of a session-accept."""

    def check_offer(self, session: Session, jingle: Element) -> None:
        """What this client alone demands of a session-initiate."""

    def check_candidates(self, session: Session, jingle: Element) -> None:
        """What this client alone demands of a transport-info."""
