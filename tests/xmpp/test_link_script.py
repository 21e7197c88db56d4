"""The link with a server that does as a test says, in times that a test can wait for."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from xml.etree.ElementTree import tostring

import pytest
import pytest_asyncio
from structlog.typing import EventDict

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import AnswerLost, OperatorError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle
from jinglebridge.protocol.jingle.xep_0353 import Finish, Propose
from jinglebridge.xmpp.link import LinkState, LinkTimes, pause
from tests.support.leaks import Holdings, holdings, nothing_but
from tests.xmpp.attached import ECHO, Attached, detached
from tests.xmpp.scripted import Connection, Script, Word, scripted
from tests.xmpp.test_component import PLAIN, initiate

JULIET = "juliet@localhost/balcony"
TIMES = LinkTimes(
    connect=0.3,
    handshake=0.4,
    shortest=0.02,
    soon=0.1,
    later=0.5,
    refused=0.6,
    first_minute=2.0,
    question=0.15,
    answer=0.15,
    patience=0.3,
)
REAL = LinkTimes()


@pytest_asyncio.fixture
async def before() -> AsyncIterator[Holdings]:
    """What was held; nothing else is held after the test."""
    async with scripted(Word.CLOSE):
        pass  # with the first server the loop opens a descriptor that it keeps
    held = holdings()
    yield held
    await nothing_but(held)


@asynccontextmanager
async def opened(script: Script, *, times: LinkTimes = TIMES) -> AsyncIterator[Attached]:
    whole = detached(script.port, "secret", times=times, request_timeout=3.0)
    try:
        await whole.link.open()
        yield whole
    finally:
        await whole.link.close()
        await whole.bridge.close()


async def until(whole: Attached, state: LinkState, within: float = 3.0) -> None:
    async with asyncio.timeout(within):
        while whole.link.state is not state:  # noqa: ASYNC110 - as an operator would look
            await asyncio.sleep(0.005)


async def heard(here: Connection, action: str, count: int = 1) -> None:
    """Wait until the server got that many requests of this action."""
    async with asyncio.timeout(3):
        while len(here.requests(action)) < count:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.005)


def ask(whole: Attached, action: Action) -> "asyncio.Task[None]":
    return asyncio.create_task(
        whole.component.request(ECHO, JULIET, Jingle(action=action, sid="sid1"))
    )


def events(logged: list[EventDict]) -> list[str]:
    return [entry["event"] for entry in logged]


@pytest.mark.parametrize(
    ("condition", "since", "shortest", "longest"),
    [
        (None, 0.0, 0.3, 2.0),
        (None, 59.0, 0.3, 2.0),
        (None, 61.0, 0.3, 10.0),
        ("no answer", 0.0, 0.3, 2.0),
        ("system-shutdown", 3_600.0, 0.3, 10.0),
        ("conflict", 0.0, 1.5, 2.0),
        ("conflict", 3_600.0, 1.5, 2.0),
        ("not-authorized", 0.0, 30.0, 30.0),
    ],
)
def test_pauses_between_attempts(
    condition: str | None, since: float, shortest: float, longest: float
) -> None:
    assert pause(condition, since, 0.0, REAL) == pytest.approx(shortest)
    assert pause(condition, since, 1.0, REAL) == pytest.approx(longest)
    assert shortest <= pause(condition, since, 0.5, REAL) <= longest


def test_silence_is_noticed_before_callers_give_up() -> None:
    """A request waits 15 s: found dead and connected again, there is time left for it."""
    assert 2 * REAL.question + REAL.answer + REAL.patience + REAL.soon < 15


@pytest.mark.parametrize("word", [Word.CLOSE, Word.RESET, Word.NOTHING, Word.HEADER])
async def test_a_server_that_ends_or_ignores_attempts(
    before: Holdings, word: Word, logged: list[EventDict]
) -> None:
    """One connection after the other, never two at once, and it is on at the first chance."""
    async with scripted(Word.TAKE, word, word, word, Word.TAKE) as script, opened(script) as whole:
        script.last.reset()
        await until(whole, LinkState.DOWN)
        await until(whole, LinkState.UP, within=5)
        assert [item.word for item in script.connections] == [Word.TAKE, *[word] * 3, Word.TAKE]
        assert script.most == 1
        assert script.last.handshakes == 1
        times = [item.at for item in script.connections[1:]]
        gaps = [after - earlier for earlier, after in itertools.pairwise(times)]
        assert min(gaps) >= TIMES.shortest
        assert max(gaps) < TIMES.handshake + TIMES.soon + 1.0
    assert events(logged).count("link restored") == 1


async def test_a_server_that_takes_and_ends_at_once(before: Holdings) -> None:
    """However often: the pauses stay."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        started = asyncio.get_running_loop().time()
        for _ in range(10):
            await until(whole, LinkState.UP)
            script.last.reset()
            await until(whole, LinkState.DOWN)
        elapsed = asyncio.get_running_loop().time() - started
        assert elapsed > 9 * TIMES.shortest
        assert script.most == 1
        assert len(script.connections) <= 11


async def test_nothing_listens_for_a_while(before: Holdings, logged: list[EventDict]) -> None:
    """After the first minute attempts are rare; what stays the same is told once."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        await script.stop()
        script.last.reset()
        await until(whole, LinkState.DOWN)
        await asyncio.sleep(1.0)
        assert len(script.connections) == 1
        assert events(logged).count("no link") == 1
        await script.start()
        await until(whole, LinkState.UP)
        assert len(script.connections) == 2


async def test_a_conflict_is_no_storm(before: Holdings, logged: list[EventDict]) -> None:
    async with scripted(Word.TAKE, Word.CONFLICT) as script, opened(script) as whole:
        script.last.reset()
        await until(whole, LinkState.STANDBY)
        seen = len(script.connections)
        await asyncio.sleep(1.0)
        assert 3 <= len(script.connections) - seen <= 1.0 / TIMES.soon * 1.4 + 1
        assert script.most == 1
        assert whole.link.state is LinkState.STANDBY
        assert events(logged).count("no link") == 1
        script.words[:] = [Word.TAKE]
        await until(whole, LinkState.UP)


async def test_a_standby_waits_from_the_start(before: Holdings, logged: list[EventDict]) -> None:
    async with scripted(Word.CONFLICT) as script:
        whole = detached(script.port, "secret", times=TIMES)
        opening = asyncio.create_task(whole.link.open(standby=True))
        await until(whole, LinkState.STANDBY)
        await asyncio.sleep(0.5)
        assert not opening.done()
        (entry,) = [item for item in logged if item["event"] == "waiting as standby"]
        assert entry["reason"].endswith("already has a component bridge.localhost")
        assert "no link" not in events(logged)
        script.words[:] = [Word.TAKE]
        async with asyncio.timeout(2):
            await opening
        await until(whole, LinkState.UP, within=0.1)
        await whole.link.close()
        await until(whole, LinkState.DOWN, within=0.1)


@pytest.mark.parametrize("standby", [False, True])
@pytest.mark.parametrize("word", list(Word))
async def test_the_first_attempt_decides(before: Holdings, word: Word, standby: bool) -> None:
    async with scripted(word) as script:
        whole = detached(script.port, "secret", times=TIMES)
        if word is Word.TAKE:
            await whole.link.open(standby=standby)
        elif not (word is Word.CONFLICT and standby):
            with pytest.raises(OperatorError):
                await whole.link.open(standby=standby)
            assert whole.link.state is LinkState.DOWN
            assert len(script.connections) == 1
        await whole.link.close()


async def test_a_standby_can_be_stopped(before: Holdings) -> None:
    async with scripted(Word.CONFLICT) as script:
        whole = detached(script.port, "secret", times=TIMES)
        opening = asyncio.create_task(whole.link.open(standby=True))
        await until(whole, LinkState.STANDBY)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await whole.link.close()


async def test_a_secret_that_is_wrong_all_at_once(
    before: Holdings, logged: list[EventDict]
) -> None:
    """Somebody changed the server's settings: said plainly, and asked rarely."""
    async with scripted(Word.TAKE, Word.NOT_AUTHORIZED) as script, opened(script) as whole:
        script.last.reset()
        await until(whole, LinkState.DOWN)
        await asyncio.sleep(1.0)
        assert 2 <= len(script.connections) <= 3
        told = [item["reason"] for item in logged if item["event"] == "no link"]
        assert told
        assert all("the component secret is wrong" in words for words in told)
        script.words[:] = [Word.TAKE]
        await until(whole, LinkState.UP)


async def test_nobody_is_followed_to_another_host(before: Holdings) -> None:
    async with scripted(Word.TAKE, Word.OTHER_HOST, Word.TAKE) as script, opened(script) as whole:
        script.last.reset()
        await until(whole, LinkState.DOWN)
        await until(whole, LinkState.UP)
        assert whole.component.stream.server_port == script.port
        assert len(script.connections) == 3


async def test_a_port_that_does_not_even_refuse(before: Holdings) -> None:
    """A firewall that drops: asked again soon, not by the kernel's ever longer pauses."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        clogs = [socket.socket() for _ in range(4)]
        for each in clogs:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        try:
            whole = detached(deaf.getsockname()[1], "secret", times=TIMES)
            started = asyncio.get_running_loop().time()
            with pytest.raises(OperatorError, match="no XMPP server"):
                await whole.link.open()
            assert asyncio.get_running_loop().time() - started < TIMES.connect + 0.5
            await whole.link.close()
        finally:
            for each in clogs:
                each.close()


async def test_a_server_that_speaks_is_not_lost(before: Holdings) -> None:
    """It is only asked when it is silent."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        await asyncio.sleep(1.5)
        assert 2 <= script.last.pings <= 10
        assert whole.link.state is LinkState.UP
        asked = script.last.pings
        for _ in range(20):
            script.last.send(" ")
            await asyncio.sleep(0.05)
        assert script.last.pings <= asked + 1  # on a busy machine
        assert len(script.connections) == 1


async def test_a_pause_of_the_server_costs_nothing(before: Holdings) -> None:
    """Silent, but not for too long: what is meant for it waits, and then leaves in order."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        here = script.last
        here.speaks = False
        await until(whole, LinkState.STALLED)
        asked = [ask(whole, Action.SESSION_ACCEPT), ask(whole, Action.SESSION_TERMINATE)]
        await asyncio.sleep(0.1)
        assert not here.requests("session-accept")
        here.speaks = True
        here.send(" ")
        await until(whole, LinkState.UP, within=1)
        await asyncio.sleep(0.05)
        sent = [item for item in here.received if item.get("to") == JULIET]
        assert [item[0].get("action") for item in sent] == ["session-accept", "session-terminate"]
        for item in sent:
            here.send(f"<iq type='result' id='{item.get('id')}' from='{JULIET}' to='{ECHO}'/>")
        await asyncio.gather(*asked)
        assert len(script.connections) == 1


async def test_a_dead_connection_is_given_up(before: Holdings, logged: list[EventDict]) -> None:
    """Nobody ends it, nothing comes: a path that broke without a word."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        loop = asyncio.get_running_loop()
        script.last.speaks = False
        silent_from = loop.time()
        once, again = ask(whole, Action.SESSION_ACCEPT), ask(whole, Action.TRANSPORT_INFO)
        await until(whole, LinkState.STALLED)
        later = ask(whole, Action.CONTENT_ADD)
        await until(whole, LinkState.DOWN)
        noticed = loop.time() - silent_from
        assert noticed < 2 * TIMES.question + TIMES.answer + TIMES.patience + 1.0
        with pytest.raises(AnswerLost):
            await once
        await until(whole, LinkState.UP)
        await asyncio.sleep(0.05)
        first, second = script.connections
        assert first.end == "reset"  # else the server would refuse us for its sake
        assert [item[0].get("action") for item in second.received] == [
            "transport-info", "content-add"
        ]  # fmt: skip
        assert first.requests("transport-info")[0].get("id") == second.received[0].get("id")
        for item in second.received:
            second.send(f"<iq type='result' id='{item.get('id')}' from='{JULIET}' to='{ECHO}'/>")
        await asyncio.gather(again, later)
    assert [item.get("reason") for item in logged if item["event"] == "link lost"] == ["no answer"]


async def test_a_dead_connection_ends_when_the_server_can_hear_of_it(before: Holdings) -> None:
    """What is sent into nothing is lost; so the end is told when a new connection is made."""
    async with scripted(Word.TAKE) as script:
        async with opened(script) as whole:
            first = script.last
            first.speaks = False
            await script.stop()
            await until(whole, LinkState.DOWN)
            await asyncio.sleep(0.3)
            assert script.open == 1
            await script.start()
            await until(whole, LinkState.UP)
            await asyncio.sleep(0.02)
            assert first.end == "reset"
            second = script.last
            second.speaks = False
            await script.stop()
            await until(whole, LinkState.DOWN)
        await asyncio.sleep(0.02)
        assert second.end == "reset"  # nor does it outlive us


@pytest.mark.parametrize("connected", [True, False])
async def test_a_call_that_begins_when_the_link_is_lost(before: Holdings, connected: bool) -> None:
    """Our session-accept may have arrived; media tells."""
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        first = script.last
        first.send(tostring(initiate(*PLAIN), "unicode"))
        await heard(first, "session-accept")
        await heard(first, "transport-info")
        if connected:
            whole.media(JULIET).change(ConnectionState.CONNECTED)
            await asyncio.sleep(0.02)
        first.reset()
        await until(whole, LinkState.DOWN)
        await until(whole, LinkState.UP)
        second = script.last
        await heard(second, "transport-info")
        (call,) = whole.bridge.calls
        if connected:
            call.hang_up()
            await heard(second, "session-terminate")
            assert not second.requests("session-accept")
            return
        await heard(second, "session-accept")
        old, new = first.requests("session-accept"), second.requests("session-accept")
        assert tostring(old[0][0]) == tostring(new[0][0])


async def test_a_server_that_reads_nothing_holds_nothing_of_ours_for_long(
    before: Holdings,
) -> None:
    """What it leaves unread is bounded; it goes on where it stopped."""
    patient = LinkTimes(question=60)
    async with scripted(Word.TAKE) as script, opened(script, times=patient) as whole:
        stream = whole.component.stream
        here = script.last
        here.reads.clear()
        await asyncio.sleep(0.01)
        words = "x" * 20_000
        count = 0
        while stream.is_writable:
            whole.component.send_message(ECHO, JULIET, Finish(id=words), stanza_id="a")
            count += 1
            await asyncio.sleep(0)
            assert count < 5_000
        with pytest.raises(SignalingError, match="no link"):
            whole.component.send_message(
                ECHO, JULIET, Propose(id="a", descriptions=()), stanza_id="a"
            )
        for _ in range(5):
            whole.component.send_message(ECHO, JULIET, Finish(id=words), stanza_id="a")
        assert stream.transport is not None
        assert stream.transport.get_write_buffer_size() < 1_000_000
        here.reads.set()
        async with asyncio.timeout(5):
            while len(here.received) < count + 5:  # noqa: ASYNC110 - the server sets no event
                await asyncio.sleep(0.01)
        assert whole.link.state is LinkState.UP


async def test_a_server_that_ends_the_stream_and_reads_nothing(before: Holdings) -> None:
    """What it leaves unread keeps the connection half closed; that is no reason to wait."""
    patient = replace(TIMES, question=0.5, answer=60)
    async with scripted(Word.TAKE) as script, opened(script, times=patient) as whole:
        first = script.last
        first.reads.clear()
        await asyncio.sleep(0.01)
        while whole.component.stream.is_writable:
            whole.component.send_message(ECHO, JULIET, Finish(id="x" * 20_000), stanza_id="a")
            await asyncio.sleep(0)
        first.send("</stream:stream>")
        await until(whole, LinkState.DOWN)
        await until(whole, LinkState.UP)
        assert script.last is not first


async def test_a_process_that_stood_still_loses_nothing(before: Holdings) -> None:
    async with scripted(Word.TAKE) as script, opened(script) as whole:
        for _ in range(3):
            time.sleep(1.0)  # noqa: ASYNC251 - nothing runs meanwhile, that is the point
            await asyncio.sleep(0.1)
        assert whole.link.state is LinkState.UP
        assert len(script.connections) == 1


@pytest.mark.parametrize("after", [0.0, 0.01, 0.1, 0.35, 0.5])
@pytest.mark.parametrize("word", [Word.NOTHING, Word.CONFLICT, Word.TAKE, Word.RESET])
async def test_closing_at_any_time_leaves_nothing(
    before: Holdings, word: Word, after: float
) -> None:
    async with scripted(Word.TAKE, word) as script, opened(script) as whole:
        script.last.reset()
        await until(whole, LinkState.DOWN)
        await asyncio.sleep(after)
        async with asyncio.timeout(2):
            await whole.link.close()
        assert whole.link.state is LinkState.DOWN
