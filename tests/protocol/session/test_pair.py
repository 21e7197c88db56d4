"""Two sessions back to back, driven at random: nothing is lost, reordered or early."""

from collections import deque
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jinglebridge.errors import OutOfOrder
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import Active, Hold, Mute, Ringing
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.session.events import (
    AnswerReceived,
    CandidatesReceived,
    InfoReceived,
    OfferReceived,
    SessionEnded,
)
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.transitions import State
from jinglebridge.testing import CANDIDATE, answer_to, session_pair
from tests.protocol.helpers import AUDIO, HEAD, VIDEO, offered, unwire, wire

OFFER = offered(*HEAD, *AUDIO, "a=sendrecv", *VIDEO, "a=sendrecv")
ALIVE = (State.PENDING, State.ACTIVE)


class Side:
    """One session, what it has found, and the stream towards its peer."""

    def __init__(self, session: JingleSession) -> None:
        self.session = session
        self.stream: deque[str] = deque()
        self.found: list[TrickledCandidates] = []
        self.events: list[object] = []
        self.refused = 0

    def send(self, *requests: object) -> None:
        self.stream.extend(wire(item) for item in requests)

    @property
    def received(self) -> list[TrickledCandidates]:
        return [item.trickled for item in self.events if isinstance(item, CandidatesReceived)]


class Pair(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        first, second = session_pair()
        self.sides = (Side(first), Side(second))
        self.initiator, self.responder = self.sides
        self.ports = 1024

    @initialize(found=st.integers(0, 2))
    def initiate(self, found: int) -> None:
        for _ in range(found):
            self.find_a_candidate(0, "0", False)
        self.initiator.send(self.initiator.session.initiate(OFFER))

    @precondition(
        lambda self: (
            self.responder.session.state is State.PENDING
            and not self.responder.session._facts.answer
        )
    )
    @rule()
    def accept(self) -> None:
        self.responder.send(self.responder.session.accept(answer_to(OFFER)))

    @rule(index=st.integers(0, 1))
    def description_was_delivered(self, index: int) -> None:
        side = self.sides[index]
        facts = side.session._facts
        ours = facts.offer if index == 0 else facts.answer
        if ours is not None:
            side.send(*side.session.delivered())

    @rule(index=st.integers(0, 1), mid=st.sampled_from(["0", "1"]), last=st.booleans())
    def find_a_candidate(self, index: int, mid: str, last: bool) -> None:
        side = self.sides[index]
        if side.session.state is State.ENDED:
            return
        self.ports += 1
        candidate = replace(CANDIDATE, port=self.ports)
        one = TrickledCandidates(mid=mid, ufrag="fake", candidates=(candidate,))
        end = TrickledCandidates(mid=mid, ufrag="fake", end_of_candidates=True)
        side.found += [one, end] if last else [one]
        side.send(*side.session.trickle(replace(one, end_of_candidates=last)))

    @precondition(
        lambda self: (
            self.responder.session.state is State.PENDING and not self.responder.session._facts.held
        )
    )
    @rule(count=st.integers(1, 3))
    def send_candidates_before_the_answer(self, count: int) -> None:
        """As some clients do; ours waits."""
        for _ in range(count):
            self.ports += 1
            candidate = replace(CANDIDATE, port=self.ports)
            early = TrickledCandidates(mid="0", ufrag="fake", candidates=(candidate,))
            self.responder.found.append(early)
            self.responder.send(*self.responder.session._transport_infos(early))

    @rule(
        index=st.integers(0, 1), info=st.sampled_from([Hold(), Active(), Ringing(), Mute(name="0")])
    )
    def inform(self, index: int, info: object) -> None:
        side = self.sides[index]
        if side.session.state in ALIVE:
            side.send(side.session.inform(info))

    @rule(index=st.integers(0, 1), sure=st.integers(0, 4))
    def terminate(self, index: int, sure: int) -> None:
        side = self.sides[index]
        if side.session.state in ALIVE and sure == 4:
            side.send(side.session.terminate(reason_of(ReasonCondition.SUCCESS)))

    @rule(index=st.integers(0, 1), count=st.integers(1, 4))
    def deliver(self, index: int, count: int) -> None:
        sender, receiver = self.sides[index], self.sides[1 - index]
        for _ in range(min(count, len(sender.stream))):
            request = unwire(sender.stream.popleft())
            before = receiver.session._facts
            try:
                receiver.events += receiver.session.receive(request)
            except OutOfOrder:
                # only because it crossed an end
                assert before.state is State.ENDED
                assert receiver.session._facts is before
                receiver.refused += 1

    @invariant()
    def candidates_come_in_order_and_after_the_description(self) -> None:
        for side, other in (self.sides, self.sides[::-1]):
            assert side.received == other.found[: len(side.received)]
            kinds = [type(item) for item in side.events]
            if CandidatesReceived in kinds:
                described = OfferReceived if side is self.responder else AnswerReceived
                assert kinds.index(described) < kinds.index(CandidatesReceived)
            assert kinds.count(OfferReceived) <= 1
            assert kinds.count(AnswerReceived) <= 1
            assert kinds.count(SessionEnded) <= 1
            if SessionEnded in kinds:
                assert kinds[-1] is SessionEnded

    def teardown(self) -> None:
        """Let everything arrive: what was found was received, unless an end came first."""
        for index in (0, 1):
            self.description_was_delivered(index)
        for index in (0, 1, 0, 1):
            self.deliver(index, 10_000)
        self.candidates_come_in_order_and_after_the_description()
        states = {side.session.state for side in self.sides}
        assert State.ENDED not in states or states == {State.ENDED}
        if states == {State.ACTIVE}:
            for side, other in (self.sides, self.sides[::-1]):
                assert side.received == other.found
                assert not side.refused
            infos = [item for side in self.sides for item in side.events]
            assert all(item.info is not None for item in infos if isinstance(item, InfoReceived))


TestPair = Pair.TestCase
TestPair.settings = settings(settings.default, max_examples=60, stateful_step_count=50)
