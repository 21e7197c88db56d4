"""The bridge: finds the call for a request, opens new ones, ends all of them."""

import asyncio
from collections.abc import Iterable

import structlog

from jinglebridge.bridge.access import Access, AccessRules
from jinglebridge.bridge.call import Call
from jinglebridge.bridge.limits import Limits, check_request
from jinglebridge.bridge.outgoing import OutgoingCall, OutgoingCalls
from jinglebridge.bridge.ports import MediaEngine, Signaling
from jinglebridge.bridge.proposals import Proposal, Proposals
from jinglebridge.bridge.reception import Reception
from jinglebridge.bridge.service import Service, address_of, full_jid
from jinglebridge.errors import (
    NotAllowed,
    OutOfOrder,
    ResourceConstraint,
    ServiceUnknown,
    SignalingError,
    TieBreak,
    UnknownSession,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage, Propose
from jinglebridge.protocol.session.events import Event
from jinglebridge.protocol.session.glare import overrules
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.table import SessionTable, bare
from jinglebridge.protocol.session.transitions import State


class Bridge:
    """All calls of one component.

    Args:
        signaling: the way to peers.
        engine: opens media.
        services: what can be called.
        limits: bounds and time-outs.
        rules: who may call; default: everybody.
    """

    def __init__(
        self,
        *,
        signaling: Signaling,
        engine: MediaEngine,
        services: Iterable[Service],
        limits: Limits,
        rules: AccessRules | None = None,
    ) -> None:
        self._signaling = signaling
        self._engine = engine
        self._services = {service.name: service for service in services}
        self._limits = limits
        self._table: SessionTable[Call] = SessionTable(
            maximum=limits.calls,
            maximum_per_peer=limits.calls_per_peer,
            maximum_per_domain=limits.calls_per_domain,
        )
        self._access = Access(rules, limits)
        self._proposals = Proposals(signaling, limits)
        self._outgoing = OutgoingCalls()
        self._reception = Reception(self._proposals, self._outgoing, self._check_room)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._log = structlog.get_logger()

    @property
    def calls(self) -> tuple[Call, ...]:
        """The running calls, oldest first."""
        return self._table.rows

    @property
    def services(self) -> tuple[Service, ...]:
        """What can be called."""
        return tuple(self._services.values())

    def service_at(self, local_part: str) -> Service:
        """The service that a JID's local part names.

        Raises:
            ServiceUnknown: there is none.
        """
        service = self._services.get(address_of(local_part).service)
        if service is None:
            raise ServiceUnknown(f"no service answers at {local_part[:60]!r}")
        return service

    def service_for(self, peer: str, local: str) -> Service:
        """The service at a JID of ours, for a peer that may call it.

        Args:
            peer: bare or full JID, as the server stamped it.
            local: JID that was addressed.

        Raises:
            Forbidden: this bridge has nothing to do with the peer.
            ServiceUnknown: there is no such service.
            NotAllowed: the service does not take this peer's calls.
        """
        self._access.check(peer)
        local_part = local.partition("@")[0] if "@" in local else ""
        service = self.service_at(local_part)
        if not service.admits(peer, address_of(local_part).argument):
            raise NotAllowed(f"{service.name} does not take this call")
        return service

    def expect(self, peer: str, local: str, sid: str) -> None:
        """Refuse a session-initiate that cannot be taken, whatever it holds; see ``deliver``."""
        self.service_for(peer, local)
        self._check_place(peer, sid, self._crossing(peer, local))
        counted = self._proposed_by(peer, local, sid) is not None
        self._access.check_rate(peer, counted=counted)

    def spend(self, peer: str) -> None:
        """Count a session-initiate that was read for nothing: nonsense costs work too."""
        self._access.count(peer)

    def deliver(self, peer: str, local: str, jingle: Jingle) -> None:
        """Take a Jingle request; when this returns, it is to be acknowledged.

        Args:
            peer: full JID of the sender, as the server stamped it.
            local: JID that was addressed.
            jingle: the request.

        Raises:
            RemoteProtocolError: the request is refused; nothing was changed.
        """
        check_request(jingle, self._limits)
        if jingle.action is Action.SESSION_INITIATE:
            self._initiated(peer, local, jingle)
            return
        call = self._find(peer, jingle)
        if bare(call.session.local) != bare(local):
            raise UnknownSession("no session of yours has this sid")
        call.receive(jingle)
        if call.session.peer != peer:
            self._table.move(call.session.peer, peer, jingle.sid)
            call.session.peer = peer

    def _find(self, peer: str, jingle: Jingle) -> Call:
        """The call of a request; a call of ours may be accepted by another device of the account.

        Raises:
            UnknownSession: there is none.
        """
        try:
            return self._table.find(peer, jingle.sid)
        except UnknownSession:
            for call in self._table.rows:
                if jingle.action is Action.SESSION_ACCEPT and call.session.may_be_answered_by(
                    peer, jingle.sid
                ):
                    return call
            raise

    def _initiated(self, peer: str, local: str, jingle: Jingle) -> None:
        if jingle.initiator is not None and bare(jingle.initiator) != bare(peer):
            raise NotAllowed("a session is initiated for oneself only")
        service = self.service_for(peer, local)
        if self._closing:
            raise ResourceConstraint("the bridge stops")
        ours = self._crossing(peer, local)
        if ours is not None and self._wins(ours, jingle.sid):
            raise TieBreak("our call to you came first")
        proposal = self._proposed_by(peer, local, jingle.sid)
        self._check_place(peer, jingle.sid, ours)
        if proposal is None:
            self._access.admit(peer)
        session = self._session(Creator.RESPONDER, jingle.sid, local, peer)
        events = session.receive(jingle)
        if ours is not None:
            self._give_way(ours, jingle.sid)
        call = self._start(session, service.name, events=events)
        if proposal is not None:
            self._proposals.begin(proposal, call)
        else:
            self._reception.give_way(peer, local, jingle.sid)
        self._outgoing.inherit(call)
        self._log.info("called", sid=jingle.sid, peer=peer, service=service.name)

    def _check_place(self, peer: str, sid: str, ours: Call | None) -> None:
        """See whether a call of a peer has room, or a call of ours whose room it takes.

        Raises:
            OutOfOrder: the peer has another session of this sid.
            ResourceConstraint: a bound is reached.
        """
        if ours is None:
            self._table.check_room(peer, sid)
        elif sid != ours.session.sid and self._table.has(peer, sid):
            raise OutOfOrder("a session of this sid exists")

    def _crossing(self, peer: str, local: str) -> Call | None:
        """A call of ours to this device that it did not accept yet (XEP-0166 §7.2.16)."""
        for call in self._table.rows:
            session = call.session
            begun = session.role is Creator.INITIATOR and session.state in (
                State.NEW,
                State.PENDING,
            )
            if begun and session.peer == peer and bare(session.local) == bare(local):
                return call if call.reason is None else None
        return None

    def _wins(self, ours: Call, sid: str) -> bool:
        session = ours.session
        sent = session.state is State.PENDING
        return sent and overrules(session.sid, session.local, sid, session.peer)

    def _give_way(self, ours: Call, sid: str) -> None:
        self._outgoing.expect(sid, call=ours)
        ours.supersede(reason_of(ReasonCondition.ALTERNATIVE_SESSION, "you called first"))
        self._table.remove(ours.session.peer, ours.session.sid)

    def _proposed_by(self, peer: str, local: str, sid: str) -> Proposal | None:
        """The proposal that a device's session-initiate goes on from."""
        proposal = self._proposals.find(peer, sid)
        if proposal is None or proposal.is_ours:
            return None
        initiation = proposal.initiation
        same = initiation.peer == peer and bare(initiation.local) == bare(local)
        return proposal if same and proposal.is_taken else None

    def _session(self, role: Creator, sid: str, local: str, peer: str) -> JingleSession:
        return JingleSession(
            role=role,
            sid=sid,
            local=local,
            peer=peer,
            max_candidates=self._limits.candidates,
            habits=self._signaling.habits(peer),
        )

    def _start(
        self,
        session: JingleSession,
        service: str,
        *,
        events: Iterable[Event] = (),
        kinds: tuple[str, ...] = (),
    ) -> Call:
        call = Call(
            session=session,
            events=events,
            kinds=kinds,
            service=service,
            signaling=self._signaling,
            engine=self._engine,
            limits=self._limits,
            ended=self._ended,
        )
        self._table.add(session.peer, session.sid, call)
        self._own(call.task)
        return call

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ended(self, call: Call) -> None:
        if call in self._table.rows:  # another one may have its key by now
            self._table.remove(call.session.peer, call.session.sid)
        self._proposals.ended(call, call.reason or reason_of(ReasonCondition.SUCCESS))

    def deliver_message(self, peer: str, local: str, message: JingleMessage) -> None:
        """Take a message of call initiation (XEP-0353).

        Args:
            peer: full JID of the sender, as the server stamped it.
            local: JID that was addressed.
            message: what was said.

        Raises:
            RemoteProtocolError: a proposal is refused; nothing was changed.
        """
        if not isinstance(message, Propose):
            self._proposals.receive(peer, local, message)
            return
        try:
            self.service_for(peer, local)
        except NotAllowed as error:
            # Dino and Siskin look at no message that comes back as an error, and would ring on
            declined = reason_of(ReasonCondition.DECLINE, str(error))
            self._proposals.refuse(peer, local, message.id, declined)
        else:
            self._reception.take(peer, local, message)

    def message_failed(self, peer: str, local: str, message_id: str, condition: str) -> None:
        """Take an error that came back for a message of ours; most are of no interest.

        Args:
            peer: JID that it came from.
            local: our JID that the message came from.
            message_id: id of the message.
            condition: the stanza error condition (RFC 6120 §8.3.3).
        """
        proposal = self._proposals.failed(peer, local, message_id, condition)
        if proposal is not None:
            self._outgoing.failed(proposal, SignalingError(condition))

    def _check_room(self, peer: str, sid: str) -> None:
        if self._closing:
            raise ResourceConstraint("the bridge stops")
        self._table.check_room(peer, sid)
        self._access.admit(peer)

    def call(self, jid: str, service: str, *, kinds: tuple[str, ...] = ("audio",)) -> OutgoingCall:
        """Call somebody and connect them with a service.

        Args:
            jid: whom; bare: any device of the account.
            service: the service's name, with its argument if it takes one.
            kinds: the media that we offer, ``audio`` or ``video``.

        Raises:
            ServiceUnknown: there is no such service.
            ResourceConstraint: the bridge stops. Too many calls end this one as ``busy``.
        """
        name = self.service_at(service).name
        # as servers write them: what comes back is compared
        jid = bare(jid).lower() + jid[len(bare(jid)) :]
        local = full_jid(f"{service.lower()}@{self._signaling.domain}")
        if self._closing:
            raise ResourceConstraint("the bridge stops")

        def dial(device: str, sid: str) -> Call:
            self._table.check_room(device, sid)
            session = self._session(Creator.INITIATOR, sid, local, device)
            return self._start(session, name, kinds=kinds)

        outgoing = OutgoingCall(
            jid=jid,
            local=local,
            kinds=kinds,
            signaling=self._signaling,
            proposals=self._proposals,
            limits=self._limits,
            dial=dial,
            ended=self._outgoing.remove,
        )
        self._outgoing.add(outgoing)
        self._own(outgoing.task)
        return outgoing

    def peer_gone(self, peer: str) -> None:
        """End the calls of a full JID that went offline."""
        for call in self.calls:
            if call.session.peer == peer:
                call.hang_up(reason_of(ReasonCondition.GONE, "you went offline"))

    async def close(self, reason: Reason | None = None) -> None:
        """End every call, then the engine; from now on no call is taken."""
        self._closing = True
        reason = reason or reason_of(ReasonCondition.GONE, "the bridge stops")
        self._outgoing.hang_up(reason)
        for call in self.calls:
            call.hang_up(reason)
        self._proposals.close(reason)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._limits.close_timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            async with asyncio.timeout(self._limits.close_timeout):
                await self._engine.close()
        except TimeoutError:
            self._log.warning("the engine did not close in time")
