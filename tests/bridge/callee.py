"""Whom the bridge calls: a device with the real state machines, as a client runs them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.call import Progress
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.errors import RemoteProtocolError
from jinglebridge.protocol.jingle.xep_0166 import NAMESPACE as JINGLE
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import NAMESPACE as INITIATION
from jinglebridge.protocol.jingle.xep_0353 import (
    Finish,
    JingleMessage,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from jinglebridge.protocol.session.events import AnswerReceived, Event, OfferReceived
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.transitions import State
from jinglebridge.testing import SentMessage, SentRequest, answer_to
from tests.bridge.stage import CONNECTED, ECHO, JULIET, OFFER, Stage, eventually, idle

ACCOUNT = "juliet@example.org"
GARDEN = "juliet@example.org/garden"
JINGLE_ONLY = frozenset({JINGLE})
WITH_INITIATION = frozenset({JINGLE, INITIATION})
FULL = f"{ECHO}/media"
AUDIO = (RtpDescription(media="audio"),)
PROPOSED = "7d2f4a06-9d3c-4a41-8b5e-0f6c1f6a9c11"


@dataclass(slots=True)
class Device:
    """One device of an account: takes what reaches it, and does what its user does."""

    bridge: Bridge
    jid: str = JULIET
    heard: list[JingleMessage] = field(default_factory=list)
    sessions: dict[str, JingleSession] = field(default_factory=dict)
    requests: list[Jingle] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    on_propose: Callable[["Device", Propose], None] = lambda _device, _propose: None
    on_offer: Callable[["Device", str], None] = lambda _device, _sid: None

    def hear(self, sent: SentMessage) -> None:
        self.heard.append(sent.message)
        if isinstance(sent.message, Propose):
            self.on_propose(self, sent.message)

    def take(self, sent: SentRequest) -> None:
        """Take a request as a client does: an error is the answer to what is illegal."""
        jingle = sent.jingle
        self.requests.append(jingle)
        if jingle.action is Action.SESSION_INITIATE:
            self.sessions[jingle.sid] = JingleSession(
                role=Creator.RESPONDER, sid=jingle.sid, local=self.jid, peer=sent.sender
            )
        session = self.sessions.get(jingle.sid)
        assert session is not None, f"a request of an unknown session: {jingle.action}"
        self.events += session.receive(jingle)
        if jingle.action is Action.SESSION_INITIATE:
            self.on_offer(self, jingle.sid)

    def say(self, message: JingleMessage, local: str = FULL) -> None:
        self.bridge.deliver_message(self.jid, local, message)

    def propose(self, id_: str = PROPOSED, local: str = ECHO) -> None:
        self.say(Propose(id=id_, descriptions=AUDIO), local)

    def ring(self) -> None:
        self.say(Ringing(id=self.proposed))

    def proceed(self) -> None:
        self.say(Proceed(id=self.proposed))

    def reject(self, condition: ReasonCondition = ReasonCondition.BUSY) -> None:
        self.say(Reject(id=self.proposed, reason=reason_of(condition)))

    def begin(self, sid: str = PROPOSED) -> JingleSession:
        """Initiate a session, after a proposal or without."""
        session = JingleSession(role=Creator.INITIATOR, sid=sid, local=self.jid, peer=FULL)
        self.sessions[sid] = session
        self.bridge.deliver(self.jid, FULL, session.initiate(OFFER))
        return session

    def accept(self, sid: str, *, as_device: str | None = None) -> None:
        offer = [item for item in self.events if isinstance(item, OfferReceived)][-1].offer
        request = self.sessions[sid].accept(answer_to(offer))
        self.bridge.deliver(as_device or self.jid, FULL, request)

    def terminate(self, sid: str, condition: ReasonCondition = ReasonCondition.SUCCESS) -> None:
        self.bridge.deliver(self.jid, FULL, self.sessions[sid].terminate(reason_of(condition)))

    @property
    def proposed(self) -> str:
        return [item for item in self.heard if isinstance(item, Propose)][-1].id

    @property
    def said_to_it(self) -> list[str]:
        return [type(item).__name__.lower() for item in self.heard]

    @property
    def actions(self) -> list[Action]:
        return [request.action for request in self.requests]

    @property
    def answers(self) -> list[AnswerReceived]:
        return [item for item in self.events if isinstance(item, AnswerReceived)]

    def reason_of(self, kind: type[Reject | Retract | Finish]) -> Reason | None:
        (message,) = [item for item in self.heard if isinstance(item, kind)]
        return message.reason

    def state(self, sid: str) -> State:
        return self.sessions[sid].state


def answer_at_once(device: Device, sid: str) -> None:
    """What a client does whose user took the call before its session came."""
    device.accept(sid)


def proceed_at_once(device: Device, _propose: Propose) -> None:
    device.ring()
    device.proceed()


@dataclass(slots=True)
class World:
    """A stage with devices: messages to a bare JID reach all devices of the account."""

    stage: Stage
    devices: dict[str, Device] = field(default_factory=dict)
    away: Callable[[SentMessage], None] = lambda _: None
    """Told of messages to an account without devices."""

    def __post_init__(self) -> None:
        _ = self.stage.bridge
        self.stage.signaling.deliver = self._take
        self.stage.signaling.deliver_message = self._hear

    def limited(self, **limits: float) -> "World":
        """The same stage with another bridge, which has these limits."""
        self.stage.limits = replace(self.stage.limits, **limits)  # type: ignore[arg-type] # or int
        self.stage._bridge = None
        self.__post_init__()
        return self

    def add(self, jid: str = JULIET, features: frozenset[str] | None = WITH_INITIATION) -> Device:
        """A device; with features: it is seen available and says what it knows."""
        self.devices[jid] = device = Device(self.stage.bridge, jid)
        if features is not None:
            self.stage.signaling.devices[jid] = features
        return device

    def _take(self, sent: SentRequest) -> None:
        device = self.devices.get(sent.peer)
        if device is None:
            raise Unavailable("nobody there")
        device.take(sent)

    def _hear(self, sent: SentMessage) -> None:
        reached = [
            device
            for jid, device in self.devices.items()
            if sent.peer in (jid, jid.partition("/")[0])
        ]
        for device in reached:
            device.hear(sent)
        if not reached:
            self.away(sent)


class Unavailable(RemoteProtocolError):
    """What a server answers for a device that is not there."""

    condition = "service-unavailable"


async def over(outgoing: OutgoingCall) -> tuple[ReasonCondition | None, str]:
    """Wait for the end; condition and words of its reason."""
    async with asyncio.timeout(3):
        await asyncio.wait({outgoing.task})
    assert outgoing.task.exception() is None
    reason = outgoing.reason
    assert reason is not None
    return reason.condition, reason.text.text if reason.text else ""


async def steps(outgoing: OutgoingCall) -> list[Progress]:
    async with asyncio.timeout(3):
        return [step async for step in outgoing.steps()]


async def connected(
    world: World, jid: str = ACCOUNT, features: frozenset[str] = WITH_INITIATION
) -> tuple[OutgoingCall, Device]:
    """A call of ours with media."""
    device = world.devices.get(JULIET) or world.add(features=features)
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(jid, "echo")
    await eventually(lambda: world.stage.engine.sessions and world.stage.media().committed)
    world.stage.media().change(CONNECTED)
    await idle()
    return outgoing, device
