"""What happens between a client and the bridge: one function for each column of the matrix."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.testing import FakeMediaSession
from tests.personas.engine import NegotiatingEngine
from tests.personas.persona import Persona
from tests.personas.session import AUDIO, VIDEO, Kinds
from tests.personas.stage import MOODY, House
from tests.personas.xml import bare

ROOMY = Limits(request_timeout=2.0, connect_timeout=20.0, close_timeout=0.5)
"""Nothing ends by itself."""
SHORT = replace(ROOMY, request_timeout=0.3, connect_timeout=0.4, ring_timeout=0.4)

Scene = Callable[[House, type[Persona]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One column of the matrix."""

    direction: str
    """``incoming``: the client calls us; ``outgoing``: we call it."""
    title: str
    play: Scene
    limits: Limits = ROOMY

    @property
    def name(self) -> str:
        return f"{self.direction}, {self.title}"


async def settled(house: House, *personas: Persona) -> None:
    """Nothing is left of any call, everybody got what they need, and every request its answer."""
    async with asyncio.timeout(5):
        while house.bridge.calls:  # noqa: ASYNC110 # a call tells nobody when it is gone
            await asyncio.sleep(0.01)
    for persona in personas:
        await persona.quiet()
        persona.demand("result", not persona.line.pending, str(persona.line.pending))
        assert not persona.complaints, persona.complaints
    if isinstance(house.engine, NegotiatingEngine):
        assert all(session.closed == 1 for session in house.engine.sessions)


async def _called(house: House, kind: type[Persona], kinds: Kinds = AUDIO) -> Persona:
    """The client calls, and the call is up."""
    persona = await house.sign_in(kind, "juliet")
    persona.call(kinds)
    await _answered(persona)
    house.connect_media()
    return persona


async def _answered(persona: Persona) -> None:
    if persona.current().proposed:
        await persona.until("ringing", "proceed")
        if "receipt" in persona.needs:
            await persona.until("receipt")
    await persona.until("session-accept", "transport-info")
    kinds = sorted(persona.current().answered_kinds())
    assert kinds == sorted(persona.current().kinds)


def _heard(house: House) -> int:
    """Candidates that reached the media side."""
    assert isinstance(house.engine, NegotiatingEngine)
    received = [one for session in house.engine.sessions for one in session.received]
    in_offers = [
        section.candidates
        for session in house.engine.sessions
        if session.offer is not None
        for section in session.offer.media
    ]
    return sum(len(one.candidates) for one in received) + sum(map(len, in_offers))


async def _over(house: House, persona: Persona) -> None:
    persona.hang_up()
    await persona.until("session-terminate taken", *_farewell(persona))
    await settled(house, persona)
    assert "ended" not in persona.seen, "told of an end that it said itself"


def _farewell(persona: Persona) -> tuple[str, ...]:
    """What other devices of its account learn the end of a proposed call from (XEP-0353 §3.7)."""
    return ("finish",) if persona.current().proposed else ()


async def incoming_audio(house: House, kind: type[Persona]) -> None:
    persona = await _called(house, kind)
    await _over(house, persona)


async def incoming_video(house: House, kind: type[Persona]) -> None:
    persona = await _called(house, kind, VIDEO)
    await persona.quiet()
    if isinstance(house.engine, NegotiatingEngine):
        assert _heard(house) >= 2, "the client's candidates got lost"
    await _over(house, persona)


async def incoming_decline(house: House, kind: type[Persona]) -> None:
    persona = await house.sign_in(kind, "juliet", MOODY)
    house.moody.is_closed = True
    persona.call(AUDIO)
    words = "reject decline" if kind.has_messages else "refused: not-allowed"
    await persona.until(f"ended: {words}")
    assert "session-accept" not in persona.seen
    await settled(house, persona)


async def incoming_busy(house: House, kind: type[Persona]) -> None:
    first = await _called(house, kind)
    second = await house.sign_in(kind, "romeo")
    second.call(AUDIO)
    words = "reject busy" if kind.has_messages else "refused: resource-constraint"
    await second.until(f"ended: {words}")
    assert len(house.bridge.calls) == 1, "the running call goes on"
    first.hang_up()
    await settled(house, first, second)


async def incoming_retract(house: House, kind: type[Persona]) -> None:
    persona = await house.sign_in(kind, "juliet")
    # at once, and in the moment between our answer and its session
    for hesitates in (False, True):
        persona.forget()
        persona.hesitates = hesitates
        persona.call(AUDIO)
        if hesitates and persona.current().proposed:
            await persona.until("proceed")
        persona.cancel()
        await settled(house, persona)
        assert not {"ended", "session-terminate"} & set(persona.seen), persona.seen
    persona.forget()
    persona.hesitates = False
    persona.call(AUDIO)
    await _answered(persona)
    await _over(house, persona)


async def incoming_timeout(house: House, kind: type[Persona]) -> None:
    persona = await house.sign_in(kind, "juliet")
    persona.call(AUDIO)
    await persona.until("session-accept", "ended: connectivity-error")
    await settled(house, persona)
    if persona.current().proposed:
        persona.forget()
        persona.hesitates = True
        persona.call(AUDIO)
        await persona.until("proceed", "ended")
        await settled(house, persona)


async def incoming_they_hang_up(house: House, kind: type[Persona]) -> None:
    persona = await _called(house, kind, VIDEO)
    await persona.quiet()
    await _over(house, persona)


async def incoming_we_hang_up(house: House, kind: type[Persona]) -> None:
    persona = await _called(house, kind)
    (call,) = house.bridge.calls
    call.hang_up()
    await persona.until("ended: success", *_farewell(persona))
    await settled(house, persona)


async def _rung(
    house: House, kind: type[Persona], plan: str, kinds: Kinds = AUDIO
) -> tuple[Persona, OutgoingCall]:
    """We call the client's account; it has heard of it."""
    persona = await house.sign_in(kind, "juliet")
    persona.plan = plan
    outgoing = house.bridge.call(bare(persona.jid), "echo", kinds=kinds)
    await persona.until("propose" if kind.has_messages else "session-initiate")
    return persona, outgoing


async def _taken(house: House, kind: type[Persona], kinds: Kinds) -> tuple[Persona, OutgoingCall]:
    """We call the client, and it takes the call."""
    persona, outgoing = await _rung(house, kind, "accept", kinds)
    await persona.until("session-initiate", "session-accept taken", "transport-info")
    assert sorted(persona.current().answered_kinds()) == sorted(kinds)
    house.connect_media()
    await persona.quiet()
    (call,) = house.bridge.calls
    assert call is outgoing.call
    if isinstance(house.engine, NegotiatingEngine):
        (media,) = house.engine.sessions
        assert media.committed is not None
        # one at least: Dino's second one is for RTCP, which goes with RTP
        assert _heard(house) + _heard_in_answer(media) >= 1, "the client's candidates got lost"
    return persona, outgoing


def _heard_in_answer(media: FakeMediaSession) -> int:
    sections = media.committed.media if media.committed is not None else ()
    return sum(len(section.candidates) for section in sections)


async def _ended(house: House, outgoing: OutgoingCall, persona: Persona, *reasons: str) -> None:
    async with asyncio.timeout(5):
        await asyncio.wait({outgoing.task})
    condition = outgoing.reason.condition if outgoing.reason is not None else None
    assert condition is not None
    assert condition.value in reasons, str(outgoing.reason)
    await settled(house, persona)


async def outgoing_audio(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _taken(house, kind, AUDIO)
    persona.hang_up()
    await _ended(house, outgoing, persona, "success")


async def outgoing_video(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _taken(house, kind, VIDEO)
    persona.hang_up()
    await _ended(house, outgoing, persona, "success")


async def outgoing_decline(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _rung(house, kind, "decline")
    await _ended(house, outgoing, persona, "decline")


async def outgoing_busy(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _rung(house, kind, "busy")
    await _ended(house, outgoing, persona, "busy" if kind.says_why else "decline")


async def outgoing_retract(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _rung(house, kind, "ignore")
    await persona.quiet()
    outgoing.hang_up()
    await persona.until("ended: retract cancel" if kind.has_messages else "session-terminate")
    await _ended(house, outgoing, persona, "cancel")


async def outgoing_timeout(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _rung(house, kind, "ignore")
    await persona.until("ended: retract timeout" if kind.has_messages else "ended: timeout")
    await _ended(house, outgoing, persona, "timeout")


async def outgoing_they_hang_up(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _taken(house, kind, VIDEO)
    persona.hang_up()
    await persona.until("session-terminate taken", *_farewell(persona))
    await _ended(house, outgoing, persona, "success")
    assert "session-terminate" not in persona.seen, "told of an end that it said itself"


async def outgoing_we_hang_up(house: House, kind: type[Persona]) -> None:
    persona, outgoing = await _taken(house, kind, VIDEO)
    outgoing.hang_up()
    await persona.until("session-terminate", "ended: success", *_farewell(persona))
    await _ended(house, outgoing, persona, "success")


CASES: tuple[Case, ...] = (
    Case("incoming", "audio", incoming_audio),
    Case("incoming", "audio+video", incoming_video),
    Case("incoming", "decline", incoming_decline),
    Case("incoming", "busy", incoming_busy, replace(ROOMY, calls=1)),
    Case("incoming", "retract", incoming_retract),
    Case("incoming", "time-out", incoming_timeout, SHORT),
    Case("incoming", "they hang up", incoming_they_hang_up),
    Case("incoming", "we hang up", incoming_we_hang_up),
    Case("outgoing", "audio", outgoing_audio),
    Case("outgoing", "audio+video", outgoing_video),
    Case("outgoing", "decline", outgoing_decline),
    Case("outgoing", "busy", outgoing_busy),
    Case("outgoing", "retract", outgoing_retract),
    Case("outgoing", "time-out", outgoing_timeout, SHORT),
    Case("outgoing", "they hang up", outgoing_they_hang_up),
    Case("outgoing", "we hang up", outgoing_we_hang_up),
)
