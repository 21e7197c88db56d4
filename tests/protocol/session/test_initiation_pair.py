"""A caller and two devices of the callee over a server that loses, doubles and delays messages.

Whatever happens, the caller ends or has a session with exactly one device, no device awaits a
session for ever, and no two devices have one.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jinglebridge.protocol.jingle.xep_0166 import Creator, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage, Propose, Reject
from jinglebridge.protocol.session.glare import overrules
from jinglebridge.protocol.session.initiation import (
    CallProposed,
    Initiation,
    PeerFinished,
    PeerProceeded,
    Stage,
)

CANCEL = reason_of(ReasonCondition.CANCEL)
ROMEO, JULIET = "romeo@example.net", "juliet@example.org"
ORCHARD = f"{ROMEO}/orchard"
DEVICES = (f"{JULIET}/balcony", f"{JULIET}/garden")
UNDECIDED = (Stage.PROPOSED, Stage.RINGING)


class OneCall(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.caller = Initiation(role=Creator.INITIATOR, id="a", local=ORCHARD, peer=JULIET)
        self.devices = {
            jid: Initiation(role=Creator.RESPONDER, id="a", local=jid, peer=ORCHARD)
            for jid in DEVICES
        }
        self.wire: list[tuple[str, str, JingleMessage]] = []
        """Sender, recipient and message, in the order of sending."""
        self.chosen: list[str] = []
        """The devices that the caller began a session with."""
        self.over: set[str] = set()
        """Who ended it, or gave up."""
        self.troubles = 0
        self.say(ORCHARD, JULIET, self.caller.propose(()))

    def say(self, sender: str, recipient: str, message: JingleMessage | None) -> None:
        """Send; the server hands a copy to all devices of an account that is addressed."""
        if message is None:
            return
        reached = DEVICES if recipient == JULIET else (recipient,)
        self.wire += [(sender, device, message) for device in reached]

    def party(self, jid: str) -> Initiation:
        return self.devices.get(jid, self.caller)

    @precondition(lambda self: self.wire)
    @rule(late=st.integers(0, 3), twice=st.booleans())
    def arrives(self, late: int, twice: bool) -> None:
        """A message that is on its way, not always the oldest."""
        at = min(late, len(self.wire) - 1)
        sender, recipient, message = self.wire[at] if twice else self.wire.pop(at)
        self.hear(sender, recipient, message)

    def hear(self, sender: str, recipient: str, message: JingleMessage) -> None:
        it = self.party(recipient)
        for event in it.receive(message, sender):
            match event:
                case PeerProceeded():
                    self.chosen.append(event.device)
                    self.begin(event.device)
                case PeerFinished():
                    self.say(recipient, it.peer, it.end(CANCEL))
                case CallProposed() if it.stage is Stage.PROCEEDED:
                    self.say(recipient, ORCHARD, it.proceed())

    def begin(self, device: str) -> None:
        """Session-initiate is an IQ: it arrives, or its sender learns that it does not."""
        it = self.devices[device]
        if it.stage is Stage.PROCEEDED:
            self.caller.start()
            it.start()
        else:
            self.end(ORCHARD)

    @rule(device=st.sampled_from(DEVICES))
    def user_takes_it(self, device: str) -> None:
        it = self.devices[device]
        if it.stage in UNDECIDED:
            self.say(device, ORCHARD, it.ring())
            self.say(device, ORCHARD, it.proceed())

    @precondition(lambda self: self.troubles < 3)
    @rule(kind=st.sampled_from(["lost", "end", "time"]), who=st.integers(0, 2))
    def trouble(self, kind: str, who: int) -> None:
        """A message is lost, somebody ends or declines, or somebody's time is up."""
        jid = (ORCHARD, *DEVICES)[who]
        self.troubles += 1
        if kind == "lost" and self.wire:
            self.wire.pop(min(who, len(self.wire) - 1))
        elif kind == "end":
            self.end(jid)
        elif kind == "time":
            self.expire(jid)

    def end(self, jid: str) -> None:
        self.over.add(jid)
        self.say(jid, self.party(jid).peer, self.party(jid).end(CANCEL))

    def expire(self, jid: str) -> None:
        it = self.party(jid)
        if it.waiting:
            self.over.add(jid)
        self.say(jid, it.peer, it.expire())

    @invariant()
    def there_is_one_session_at_most(self) -> None:
        assert len(self.chosen) <= 1
        started = [jid for jid, it in self.devices.items() if it.stage is Stage.STARTED]
        assert set(started) <= set(self.chosen)
        if self.chosen and not self.over & {ORCHARD, *self.chosen}:
            assert self.caller.stage is Stage.STARTED, "only who is in a call can end it"
            assert self.caller.peer == self.chosen[0]
            assert started == self.chosen

    def teardown(self) -> None:
        """When all has arrived and time has passed, everybody is done or in the one session."""
        while self.wire:
            self.hear(*self.wire.pop(0))
        self.there_is_one_session_at_most()
        for jid in (ORCHARD, *DEVICES):
            self.expire(jid)
        stages = {jid: self.party(jid).stage for jid in (ORCHARD, *DEVICES)}
        assert set(stages.values()) <= {Stage.NEW, Stage.STARTED, Stage.ENDED}, stages


class BothAtOnce(RuleBasedStateMachine):
    """Two parties that propose to each other: one call is left, on both sides the same."""

    def __init__(self) -> None:
        super().__init__()
        self.jids = (ORCHARD, DEVICES[0])
        self.ids = ("0", "1")
        self.own = {
            jid: Initiation(role=Creator.INITIATOR, id=id_, local=jid, peer=self.other(jid))
            for jid, id_ in zip(self.jids, self.ids, strict=True)
        }
        self.theirs: dict[str, Initiation] = {}
        self.wire: dict[str, list[JingleMessage]] = {jid: [] for jid in self.jids}
        self.proposed: set[str] = set()

    def other(self, jid: str) -> str:
        return self.jids[1 - self.jids.index(jid)]

    def say(self, sender: str, message: JingleMessage | None) -> None:
        if message is not None:
            self.wire[self.other(sender)].append(message)

    @rule(who=st.integers(0, 1))
    def proposes(self, who: int) -> None:
        jid = self.jids[who]
        # nobody calls whom it is being called by
        if jid not in self.proposed and jid not in self.theirs:
            self.proposed.add(jid)
            self.say(jid, self.own[jid].propose(()))

    @rule(who=st.integers(0, 1))
    def hears(self, who: int) -> None:
        jid = self.jids[who]
        if self.wire[jid]:
            self.hear(jid, self.wire[jid].pop(0))

    def hear(self, jid: str, message: JingleMessage) -> None:
        other, own = self.other(jid), self.own[jid]
        if message.id == own.id:
            for event in own.receive(message, other):
                if isinstance(event, PeerProceeded):
                    own.start()
                    self.theirs[other].start()
            return
        if isinstance(message, Propose):
            if own.undecided and overrules(own.id, jid, message.id, other):
                self.say(jid, Reject(id=message.id, reason=CANCEL, tie_break=True))
                return
            if own.undecided:
                self.say(jid, own.end(CANCEL, tie_break=True))
            self.theirs[jid] = Initiation(
                role=Creator.RESPONDER, id=message.id, local=jid, peer=other
            )
            self.theirs[jid].receive(message, other)
            self.say(jid, self.theirs[jid].proceed())
        elif jid in self.theirs:
            self.theirs[jid].receive(message, other)

    def teardown(self) -> None:
        while any(self.wire.values()):
            for jid in self.jids:
                if self.wire[jid]:
                    self.hear(jid, self.wire[jid].pop(0))
        machines = (*self.own.values(), *self.theirs.values())
        started = [it.id for it in machines if it.stage is Stage.STARTED]
        if self.proposed:
            assert len(started) == 2, {it.local: it.stage for it in machines}
            assert len(set(started)) == 1
        if len(self.proposed) == 2:
            assert started[0] == "0"
        assert all(it.stage in (Stage.NEW, Stage.STARTED, Stage.ENDED) for it in machines)


TestOneCall = OneCall.TestCase
TestOneCall.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestBothAtOnce = BothAtOnce.TestCase
TestBothAtOnce.settings = settings(max_examples=100, stateful_step_count=15, deadline=None)
