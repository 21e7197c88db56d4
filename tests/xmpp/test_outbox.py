"""What waits for the link: how long, how much, in which order, and what is sent again."""

import asyncio
from xml.etree.ElementTree import Element

import pytest

from jinglebridge.errors import AnswerLost, SignalingError
from jinglebridge.xmpp.outbox import Outbox, OutboxBounds

PEER = "juliet@localhost/balcony"
RESULT = Element("iq", {"type": "result"})


class Wire:
    """A stream that can be closed, and the outbox before it."""

    def __init__(self, **bounds: float) -> None:
        self.is_open = True
        self.sent: list[str] = []
        self.room = 1_000_000
        self.outbox = Outbox(self.write, self.takes, OutboxBounds(**bounds))  # type: ignore[arg-type] # two are int

    def write(self, text: str) -> None:
        assert self.takes()
        self.sent.append(text)

    def takes(self) -> bool:
        return self.is_open and len(self.sent) < self.room

    def ask(self, text: str, *, repeatable: bool = False) -> "asyncio.Task[Element]":
        return asyncio.create_task(self.outbox.ask(PEER, text, text, repeatable=repeatable))

    def lose(self) -> None:
        self.is_open = False
        self.outbox.lost()

    def restore(self) -> None:
        self.is_open = True
        self.outbox.flush()


async def refused(task: "asyncio.Task[Element]") -> SignalingError:
    with pytest.raises(SignalingError) as caught:
        await task
    assert caught.value.condition == "remote-server-timeout"
    return caught.value


async def test_an_open_stream_takes_everything_at_once() -> None:
    wire = Wire()
    wire.outbox.keep("a")
    asking = wire.ask("b")
    await asyncio.sleep(0)
    assert wire.sent == ["a", "b"]
    wire.outbox.answered(PEER, "b", RESULT)
    assert await asking is RESULT
    assert wire.outbox.waiting == 0


async def test_only_whom_we_asked_can_answer() -> None:
    wire = Wire(age=0.05)
    asking = wire.ask("a")
    await asyncio.sleep(0)
    for peer, id_ in (("juliet@localhost", "a"), (PEER, "b"), ("", ""), ("mallory@localhost", "a")):
        wire.outbox.answered(peer, id_, RESULT)
    assert "no answer" in str(await refused(asking))
    wire.outbox.answered(PEER, "a", RESULT)


async def test_a_gap_changes_no_order() -> None:
    wire = Wire()
    wire.lose()
    requests = [wire.ask(text) for text in "ab"]
    await asyncio.sleep(0)
    wire.outbox.keep("c")
    requests += [wire.ask(text) for text in "de"]
    await asyncio.sleep(0)
    assert not wire.sent
    wire.restore()
    wire.outbox.keep("f")
    assert wire.sent == list("abcdef")
    for text in "abde":
        wire.outbox.answered(PEER, text, RESULT)
    assert await asyncio.gather(*requests) == [RESULT] * 4


async def test_what_was_sent_before_a_loss() -> None:
    """What does no harm twice goes again, first, with its id; the rest has an unknown outcome."""
    wire = Wire()
    once, again, done = wire.ask("accept"), wire.ask("candidate", repeatable=True), wire.ask("x")
    await asyncio.sleep(0)
    wire.outbox.answered(PEER, "x", RESULT)
    wire.lose()
    later = wire.ask("terminate", repeatable=True)
    assert await done is RESULT
    assert not once.done()
    wire.restore()
    assert isinstance(await refused(once), AnswerLost)
    assert wire.sent == ["accept", "candidate", "x", "candidate", "terminate"]
    wire.lose()
    wire.restore()
    assert wire.sent[5:] == ["candidate", "terminate"]
    wire.outbox.answered(PEER, "candidate", RESULT)
    wire.outbox.answered(PEER, "terminate", RESULT)
    assert [await again, await later] == [RESULT] * 2


async def test_the_link_does_not_come_back_in_time() -> None:
    """What has left may have arrived; what has not, has not."""
    wire = Wire(age=0.1)
    left = wire.ask("a")
    await asyncio.sleep(0)
    wire.lose()
    waits = wire.ask("b")
    assert isinstance(await refused(left), AnswerLost)
    assert not isinstance(await refused(waits), AnswerLost)
    wire.restore()
    assert wire.sent == ["a"]


async def test_nothing_waits_longer_than_its_age() -> None:
    wire = Wire(age=0.1)
    wire.lose()
    asking = wire.ask("a")
    wire.outbox.keep("b")
    assert "no link" in str(await refused(asking))
    await asyncio.sleep(0.02)  # a loop's timers may be early by a tick of its clock
    wire.outbox.keep("c")
    assert wire.outbox.waiting == 1
    wire.restore()
    assert wire.sent == ["c"]


async def test_what_was_asked_long_ago_is_not_sent_again() -> None:
    wire = Wire(age=0.05)
    asking = wire.ask("a", repeatable=True)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.sleep(0.06)
    wire.lose()
    wire.restore()
    assert wire.sent == ["a"]


async def test_who_stops_waiting_stops_nothing() -> None:
    """A call that ended in a gap waits for no result of its last request."""
    wire = Wire()
    wire.lose()
    asking = wire.ask("terminate", repeatable=True)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    wire.restore()
    wire.lose()
    wire.restore()
    assert wire.sent == ["terminate", "terminate"]
    wire.outbox.answered(PEER, "terminate", RESULT)
    wire.lose()
    wire.restore()
    assert wire.sent == ["terminate", "terminate"]


async def test_nobody_rings_for_a_call_that_was_given_up() -> None:
    wire = Wire()
    wire.lose()
    asking = [wire.ask("initiate"), wire.ask("candidate", repeatable=True), wire.ask("other")]
    await asyncio.sleep(0)
    for task in asking[:2]:
        task.cancel()
    await asyncio.gather(*asking[:2], return_exceptions=True)
    wire.restore()
    assert wire.sent == ["candidate", "other"]
    wire.outbox.answered(PEER, "other", RESULT)
    assert await asking[2] is RESULT


@pytest.mark.parametrize("bounds", [{"stanzas": 3}, {"size": 30}])
async def test_so_much_and_no_more(bounds: dict[str, float]) -> None:
    wire = Wire(**bounds)
    wire.lose()
    for number in range(3):
        wire.outbox.keep(f"number {number:02d}")
    for _ in range(3):
        with pytest.raises(SignalingError, match="too much"):
            wire.outbox.keep("one more")
        assert "too much" in str(await refused(wire.ask("one more")))
    wire.restore()
    assert len(wire.sent) == 3
    wire.lose()
    wire.outbox.keep("number 03")
    assert wire.outbox.waiting == 1


async def test_a_stream_that_fills_up_takes_the_rest_later() -> None:
    wire = Wire()
    wire.room = 2
    for text in "abcd":
        wire.outbox.keep(text)
    assert wire.sent == ["a", "b"]
    wire.room = 3
    wire.outbox.flush()
    wire.outbox.keep("e")
    assert wire.sent == ["a", "b", "c"]
    wire.room = 10
    wire.outbox.flush()
    assert wire.sent == list("abcde")


async def test_answered_requests_are_forgotten() -> None:
    wire = Wire(age=0.02)
    for number in range(50):
        asking = wire.ask(f"{number}")
        await asyncio.sleep(0)
        asking.cancel()
    await asyncio.sleep(0.03)
    wire.outbox.keep("a")
    assert not wire.outbox._asked
