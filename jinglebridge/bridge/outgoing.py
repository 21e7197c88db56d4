"""A call that we place: whom to reach and how, from the first question to the end.

A client that knows call initiation is proposed to, so that all its devices ring; another one gets
session-initiate at once, device by device. Where the peer calls us at the same moment and wins,
or moves to another device, its call is ours from then on.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog

from jinglebridge.bridge.call import Call, Progress
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import ConnectionState, Signaling
from jinglebridge.bridge.proposals import Proposal, Proposals
from jinglebridge.bridge.reasons import reason_for, refusal
from jinglebridge.errors import (
    CallError,
    Gone,
    RemoteProtocolError,
    SignalingError,
    UnsupportedApplications,
)
from jinglebridge.protocol.jingle.xep_0166 import NAMESPACE as JINGLE
from jinglebridge.protocol.jingle.xep_0166 import Reason, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0353 import NAMESPACE as INITIATION
from jinglebridge.protocol.session.initiation import (
    InitiationEvent,
    PeerFinished,
    PeerProceeded,
    PeerRang,
    ProposalEnded,
)
from jinglebridge.protocol.session.table import bare

_NEXT = ("gone", "item-not-found", "recipient-unavailable", "service-unavailable")
"""Errors of one device that say nothing of the account's others."""

_ASKED = 5.0
"""For a device to say what it knows, in s; while it is asked, nothing rings."""


@dataclass(frozen=True, slots=True)
class _Route:
    """How to reach somebody: by a proposal to this JID, or these devices one after another."""

    proposal: str | None
    devices: tuple[str, ...]


class OutgoingCall:
    """A call that we place, by whatever ways it needs.

    Args:
        jid: whom to call; bare: any device.
        local: our full JID.
        kinds: the media that we offer, ``audio`` or ``video``.
        signaling: the way to peers.
        proposals: those of the bridge.
        limits: bounds and time-outs.
        dial: begins the session of this sid with a device; raises ``RemoteProtocolError`` when
            there is no room for it.
        ended: told once, when it is over.
    """

    def __init__(
        self,
        *,
        jid: str,
        local: str,
        kinds: tuple[str, ...],
        signaling: Signaling,
        proposals: Proposals,
        limits: Limits,
        dial: Callable[[str, str], Call],
        ended: Callable[["OutgoingCall"], None],
    ) -> None:
        self.jid = jid
        self._local = local
        self._kinds = kinds
        self._signaling = signaling
        self._proposals = proposals
        self._limits = limits
        self._begin = dial
        self._ended = ended
        self._call: Call | None = None
        self._proposal: Proposal | None = None
        self._heard: asyncio.Queue[InitiationEvent | SignalingError] = asyncio.Queue()
        self._expected = ""
        self._inheritance: asyncio.Future[Call] | None = None
        self._steps: asyncio.Queue[Progress] = asyncio.Queue()
        self._step: Progress | None = None
        self._running = False
        self._wanted: Reason | None = None
        self._reason: Reason | None = None
        self._log = structlog.get_logger().bind(peer=jid)
        self.task = asyncio.create_task(self._run(), name=f"outgoing call {jid}")

    @property
    def call(self) -> Call | None:
        """The session, once somebody is there to have one with."""
        return self._call

    @property
    def proposal(self) -> Proposal | None:
        """What was proposed, if the call began so."""
        return self._proposal

    @property
    def reason(self) -> Reason | None:
        """Why it ended, once it has."""
        return self._reason

    async def steps(self) -> AsyncIterator[Progress]:
        """Yield how far the call gets, the end being the last; for one reader."""
        step = None
        while step is not Progress.ENDED:
            step = await self._steps.get()
            yield step

    def hang_up(self, reason: Reason | None = None) -> None:
        """End the call, however far it got; before it is answered it is cancelled."""
        if self._wanted is not None:
            return
        answered = self._step in (Progress.ANSWERED, Progress.CONNECTED)
        usual = ReasonCondition.SUCCESS if answered else ReasonCondition.CANCEL
        self._wanted = reason = reason or reason_of(usual)
        if self._inheritance is not None and self._inheritance.done():
            self._inheritance.result().hang_up(reason)
            return  # its end is this one's
        self._inheritance = None
        if self._call is not None and self._call.reason is None:
            self._call.hang_up(reason)
        elif self._running:
            self.task.cancel()

    def failed(self, error: SignalingError) -> None:
        """Our proposal came back."""
        self._heard.put_nowait(error)

    def expect(self, sid: str) -> None:
        """Await a session of the peer that goes on in this call's place."""
        if self._wanted is not None:
            return
        self._expected = sid
        self._inheritance = asyncio.get_running_loop().create_future()

    def inherit(self, call: Call) -> None:
        """Take over a call of the peer, if it is the one that is expected."""
        awaited = self._inheritance
        mine = call.session.sid == self._expected and bare(call.session.peer) == bare(self.jid)
        if mine and awaited is not None and not awaited.done():
            awaited.set_result(call)

    async def _run(self) -> None:
        self._running = True
        try:
            self._reason = self._wanted or await self._place()
        except CallError as error:
            self._reason = reason_for(error)
        except RemoteProtocolError as error:
            self._reason = reason_of(ReasonCondition.BUSY, str(error))
        except SignalingError as error:
            self._reason = refusal(error)
        except asyncio.CancelledError:
            if self._wanted is None:
                self._reason = reason_of(ReasonCondition.GONE, "the bridge stops")
                raise
            self._reason = self._wanted
        except Exception:
            self._log.exception("call failed")
            self._reason = reason_of(ReasonCondition.GENERAL_ERROR, "internal error")
        finally:
            self._finish(self._reason or reason_of(ReasonCondition.GENERAL_ERROR))

    def _finish(self, reason: Reason) -> None:
        if self._proposal is not None and self._proposal.call is None:
            withdrawn = reason_of(ReasonCondition.CANCEL) if self._wanted else reason
            self._proposals.end(self._proposal, withdrawn)
        expected = self._proposals.find(self.jid, self._expected) if self._wanted else None
        if expected is not None and expected.call is None:
            self._proposals.end(expected, reason)
        self._log.info("outgoing call ended", reason=str(reason))
        self._ended(self)
        self._steps.put_nowait(Progress.ENDED)

    async def _place(self) -> Reason:
        route = await self._route()
        reason = None
        if route.proposal is not None:
            reason = await self._propose(route.proposal, last=not route.devices)
        for device in route.devices:
            if reason is not None:
                break
            reason = await self._dial(device, str(uuid.uuid4()))
        while self._inheritance is not None:
            reason = await self._inherit(self._inheritance)
        return reason or reason_for(Gone(f"no device of {self.jid} can be reached"))

    async def _route(self) -> _Route:
        if "/" in self.jid:
            features = await self._features(self.jid)
            if features is None or INITIATION in features:
                return _Route(self.jid, ())
            if JINGLE not in features:
                raise UnsupportedApplications(f"{self.jid} takes no calls")
            return _Route(None, (self.jid,))
        devices = self._signaling.resources(self.jid)
        known = await asyncio.gather(*(self._features(device) for device in devices))
        direct = tuple(
            device
            for device, features in zip(devices, known, strict=True)
            if features is not None and JINGLE in features and INITIATION not in features
        )
        everybody_known = all(features is not None for features in known)
        proposes = any(features is not None and INITIATION in features for features in known)
        if devices and everybody_known and not proposes:
            if not direct:
                raise UnsupportedApplications(f"no device of {self.jid} takes calls")
            return _Route(None, direct)
        return _Route(self.jid, direct)

    async def _features(self, device: str) -> frozenset[str] | None:
        """What a device knows; nothing, when it does not say in time."""
        try:
            async with asyncio.timeout(min(_ASKED, self._limits.request_timeout)):
                return await self._signaling.features(self._local, device)
        except (SignalingError, TimeoutError):
            return None

    async def _propose(self, jid: str, *, last: bool) -> Reason | None:
        """Propose, and lead the call with the first device that takes it.

        Returns:
            Why it ended; nothing, when it came back and there are devices to try without.
        """
        self._proposal = self._proposals.propose(
            local=self._local,
            peer=jid,
            id_=str(uuid.uuid4()),
            kinds=self._kinds,
            tell=self._heard.put_nowait,
        )
        while True:
            match await self._heard.get():
                case PeerRang():
                    self._observed(Progress.RINGING)
                case PeerProceeded() as taken if self._proposal.is_taken:
                    return await self._dial(taken.device, self._proposal.initiation.id)
                case ProposalEnded() | PeerFinished() as ended:
                    return ended.reason or reason_of(ReasonCondition.DECLINE)
                case SignalingError() as error:
                    return refusal(error) if last else None

    async def _dial(self, device: str, sid: str) -> Reason | None:
        """Begin a session and wait for its end.

        Returns:
            Why it ended; nothing, when another device is to be tried.
        """
        call = self._begin(device, sid)
        if self._proposal is not None and self._proposal.initiation.id == sid:
            self._proposals.begin(self._proposal, call)
        reason = await self._follow(call)
        refused = call.refusal is not None and call.refusal.condition in _NEXT
        return None if refused and self._wanted is None else reason

    async def _follow(self, call: Call) -> Reason:
        self._call = call
        call.observe(self._observed)
        if call.connection is ConnectionState.CONNECTED:  # before we looked
            self._observed(Progress.CONNECTED)
        await asyncio.wait({call.task})
        return call.reason or reason_of(ReasonCondition.GENERAL_ERROR)

    def _observed(self, step: Progress) -> None:
        late = step is Progress.RINGING and self._step is not None
        if not late and step not in (Progress.ENDED, self._step):
            self._step = step
            self._steps.put_nowait(step)

    async def _inherit(self, inheritance: asyncio.Future[Call]) -> Reason:
        try:
            async with asyncio.timeout(self._limits.ring_timeout):
                call = await inheritance
        except TimeoutError:
            return reason_of(ReasonCondition.TIMEOUT, "the peer's own call did not begin")
        finally:
            if self._inheritance is inheritance:
                self._inheritance = None
        self._observed(Progress.ANSWERED)
        return await self._follow(call)


class OutgoingCalls:
    """The calls that we place, until they are over."""

    def __init__(self) -> None:
        self._calls: set[OutgoingCall] = set()

    def add(self, outgoing: OutgoingCall) -> None:
        """Remember a call."""
        self._calls.add(outgoing)

    def remove(self, outgoing: OutgoingCall) -> None:
        """Forget a call."""
        self._calls.discard(outgoing)

    def expect(
        self, sid: str, *, call: Call | None = None, proposal: Proposal | None = None
    ) -> None:
        """Whoever leads this call, or proposed it, goes on in another session of the peer."""
        for outgoing in self._calls:
            led = call is not None and outgoing.call is call
            if led or (proposal is not None and outgoing.proposal is proposal):
                outgoing.expect(sid)

    def inherit(self, call: Call) -> None:
        """Hand a call of the peer to whoever expects it."""
        for outgoing in self._calls:
            outgoing.inherit(call)

    def failed(self, proposal: Proposal, error: SignalingError) -> None:
        """A proposal came back."""
        for outgoing in self._calls:
            if outgoing.proposal is proposal:
                outgoing.failed(error)

    def hang_up(self, reason: Reason) -> None:
        """End all of them."""
        for outgoing in tuple(self._calls):
            outgoing.hang_up(reason)
