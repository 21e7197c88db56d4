"""The link to the server: opened, lost, restored, refused, closed."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from structlog.typing import EventDict

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.dev.ports import free_ports
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.errors import OperatorError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition, reason_of
from jinglebridge.xmpp.link import LinkState
from tests.support.leaks import Holdings, holdings, nothing_but
from tests.xmpp.attached import ECHO, Attached, attached, detached
from tests.xmpp.phone import Phone, signed_in
from tests.xmpp.test_call import call, hang_up

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

BACK_WITHIN = 5.0
"""From the server being up to the link being up, in s."""


@pytest_asyncio.fixture(loop_scope="module")
async def before(prosody: PrivateProsody) -> AsyncIterator[Holdings]:
    """What was held; nothing else is held after the test."""
    held = holdings()
    yield held
    await nothing_but(held)


async def until(whole: Attached, state: LinkState, within: float) -> None:
    async with asyncio.timeout(within):
        while whole.link.state is not state:  # noqa: ASYNC110 - as an operator would look
            await asyncio.sleep(0.01)


async def answered(phone: Phone) -> None:
    """Wait until all requests of a new call have their results; the ping comes behind them."""
    await phone.wait_for(lambda phone: len(phone.requests) == 3)
    await phone.ping(ECHO)


async def test_it_opens_and_closes(prosody: PrivateProsody, before: Holdings) -> None:
    for _ in range(3):
        async with attached(prosody) as whole:
            assert whole.link.state.value == "up"
        assert whole.link.state.value == "down"
        await nothing_but(before)


async def test_closing_twice_or_unopened_is_fine(prosody: PrivateProsody, before: Holdings) -> None:
    whole = detached(prosody.component_port, prosody.component_secret)
    await whole.link.close()
    await whole.link.open()
    await whole.link.close()
    await whole.link.close()


@pytest.mark.parametrize("how", ["terminate", "kill"])
async def test_it_is_back_soon_after_the_server(
    prosody: PrivateProsody,
    before: Holdings,
    how: Literal["terminate", "kill"],
    logged: list[EventDict],
) -> None:
    """Calls and their media live on; each can be ended properly afterwards."""
    loop = asyncio.get_running_loop()
    async with attached(prosody) as whole:
        async with signed_in(prosody.c2s_port, "juliet") as juliet:
            ours = await call(whole, juliet)
            await answered(juliet)
        (running,) = whole.bridge.calls
        first = whole.stream_id
        await getattr(prosody, how)()
        await until(whole, LinkState.DOWN, 2)
        with pytest.raises(SignalingError, match="no link"):
            await whole.component.request(ECHO, juliet.jid, Jingle(action=_INFO, sid="sid1"))
        await asyncio.sleep(2.5)
        await prosody.start()
        started = loop.time()
        await until(whole, LinkState.UP, BACK_WITHIN)
        assert loop.time() - started < BACK_WITHIN
        assert whole.stream_id != first
        assert whole.bridge.calls == (running,)
        assert running.connection is ConnectionState.CONNECTED
        assert whole.media(juliet.jid).closed == 0
        async with signed_in(prosody.c2s_port, "juliet") as again:
            assert again.jid == juliet.jid
            await again.ping(ECHO)
            await hang_up(again, ours)
            await asyncio.wait({running.task})
            await hang_up(again, await call(whole, again, "sid2"))
    events = [entry["event"] for entry in logged]
    assert events.count("link lost") == 1
    assert events.count("link restored") == 1


_INFO = Action.SESSION_INFO


async def test_a_call_ends_in_the_gap(prosody: PrivateProsody, before: Holdings) -> None:
    async with attached(prosody) as whole:
        async with signed_in(prosody.c2s_port, "juliet") as juliet:
            await call(whole, juliet)
            await answered(juliet)
        (running,) = whole.bridge.calls
        await prosody.kill()
        await until(whole, LinkState.DOWN, 2)
        running.hang_up(reason_of(ReasonCondition.EXPIRED))
        async with asyncio.timeout(3):
            await asyncio.wait({running.task})
        assert not whole.bridge.calls
        await prosody.start()
        await until(whole, LinkState.UP, BACK_WITHIN)


async def test_it_closes_while_the_server_is_away(
    prosody: PrivateProsody, before: Holdings
) -> None:
    async with attached(prosody) as whole:
        await prosody.kill()
        await until(whole, LinkState.DOWN, 2)
        await asyncio.sleep(1.7)  # within an attempt, or between two
    await nothing_but(before)
    await prosody.start()


async def test_a_server_that_says_nothing_keeps_nobody(before: Holdings) -> None:
    """Something accepts the connection and is silent; closing does not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        whole = detached(silent.getsockname()[1], "secret")
        opening = asyncio.create_task(whole.link.open())
        await asyncio.sleep(0.3)
        opening.cancel()
        await asyncio.wait({opening})
        async with asyncio.timeout(3):
            await whole.link.close()
    await nothing_but(before)


async def refusal(whole: Attached) -> str:
    with pytest.raises(OperatorError) as caught:
        await whole.link.open()
    assert whole.link.state is LinkState.DOWN
    line = str(caught.value)
    assert "\n" not in line
    await whole.link.close()
    return line


async def test_a_wrong_secret(prosody: PrivateProsody, before: Holdings) -> None:
    line = await refusal(detached(prosody.component_port, "not-the-secret"))
    where = f"127.0.0.1:{prosody.component_port}"
    assert line == (
        f"the server at {where} refuses {COMPONENT_DOMAIN}: the component secret is wrong"
    )


async def test_nothing_listens(before: Holdings) -> None:
    (port,) = free_ports(1)
    async with asyncio.timeout(5):
        line = await refusal(detached(port, "secret"))
    assert line == f"no XMPP server takes components at 127.0.0.1:{port}"


async def test_the_name_is_taken(prosody: PrivateProsody, before: Holdings) -> None:
    """The first one lives, and a second one says why it does not."""
    async with attached(prosody) as first:
        second = detached(prosody.component_port, prosody.component_secret)
        line = await refusal(second)
        assert re.fullmatch(r"the server at \S+ already has a component bridge\.localhost", line)
        async with signed_in(prosody.c2s_port, "juliet") as juliet:
            await juliet.ping(ECHO)
        assert first.link.state is LinkState.UP


async def test_a_name_that_the_server_does_not_know(
    prosody: PrivateProsody, before: Holdings
) -> None:
    whole = detached(prosody.component_port, prosody.component_secret, domain="other.localhost")
    line = await refusal(whole)
    assert line.startswith(f"the server at 127.0.0.1:{prosody.component_port} refuses other.local")


async def test_another_kind_of_server(prosody: PrivateProsody, before: Holdings) -> None:
    """The port of the clients instead of that of the components."""
    async with asyncio.timeout(12):
        line = await refusal(detached(prosody.c2s_port, prosody.component_secret))
    assert str(prosody.c2s_port) in line


async def test_secrets_are_not_logged(
    prosody: PrivateProsody, before: Holdings, logged: list[EventDict]
) -> None:
    async with attached(prosody) as whole, signed_in(prosody.c2s_port, "juliet") as juliet:
        ours = await call(whole, juliet)
        await hang_up(juliet, ours)
    text = repr(logged)
    assert "called" in text
    assert prosody.component_secret not in text
    assert "f" * 22 not in text
    offer = whole.media(juliet.jid).offer
    assert offer is not None
    for section in offer.media:
        assert section.ice_pwd
        assert section.ice_pwd not in text
