"""The bridge: finds the call for a request, opens new ones, ends all of them."""

import asyncio
from collections.abc import Iterable

import structlog

from jinglebridge.bridge.access import Access, AccessRules
from jinglebridge.bridge.call import Call
from jinglebridge.bridge.limits import Limits, check_request
from jinglebridge.bridge.ports import MediaEngine, Signaling
from jinglebridge.bridge.service import Service, address_of
from jinglebridge.errors import (
    NotAllowed,
    ResourceConstraint,
    ServiceUnknown,
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
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.table import SessionTable, bare


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
        call = self._table.find(peer, jingle.sid)
        if bare(call.session.local) != bare(local):
            raise UnknownSession("no session of yours has this sid")
        call.receive(jingle)

    def _initiated(self, peer: str, local: str, jingle: Jingle) -> None:
        if jingle.initiator is not None and bare(jingle.initiator) != bare(peer):
            raise NotAllowed("a session is initiated for oneself only")
        service = self.service_for(peer, local)
        if self._closing:
            raise ResourceConstraint("the bridge stops")
        self._table.check_room(peer, jingle.sid)
        self._access.admit(peer)
        session = JingleSession(
            role=Creator.RESPONDER,
            sid=jingle.sid,
            local=local,
            peer=peer,
            max_candidates=self._limits.candidates,
        )
        events = session.receive(jingle)
        call = Call(
            session=session,
            events=events,
            service=service.name,
            signaling=self._signaling,
            engine=self._engine,
            limits=self._limits,
            ended=self._ended,
        )
        self._table.add(peer, jingle.sid, call)
        self._tasks.add(call.task)
        call.task.add_done_callback(self._tasks.discard)
        self._log.info("called", sid=jingle.sid, peer=peer, service=service.name)

    def _ended(self, call: Call) -> None:
        self._table.remove(call.session.peer, call.session.sid)

    def peer_gone(self, peer: str) -> None:
        """End the calls of a full JID that went offline."""
        for call in self.calls:
            if call.session.peer == peer:
                call.hang_up(reason_of(ReasonCondition.GONE, "you went offline"))

    async def close(self, reason: Reason | None = None) -> None:
        """End every call, then the engine; from now on no call is taken."""
        self._closing = True
        for call in self.calls:
            call.hang_up(reason or reason_of(ReasonCondition.GONE, "the bridge stops"))
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
