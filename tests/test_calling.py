"""`jinglebridge call` against a real server and a client that is called."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from pydantic import SecretStr

from jinglebridge.calling import CallOptions, place
from jinglebridge.config import ComponentOptions, Settings
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.errors import OperatorError
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0353 import (
    Finish,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from tests.support.callee import Callee
from tests.support.caller import loopback_candidates, signed_in
from tests.test_cli import assert_one_line, outcome, start

pytestmark = pytest.mark.server

JULIET = "juliet@localhost"
Decide = Callable[[Callee, Propose, str], None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prosody() -> AsyncIterator[PrivateProsody]:
    async with PrivateProsody() as server:
        server.add_account("juliet", "secret")
        yield server


def environment(prosody: PrivateProsody) -> dict[str, str]:
    return {
        "JINGLEBRIDGE_COMPONENT__JID": COMPONENT_DOMAIN,
        "JINGLEBRIDGE_COMPONENT__SECRET": prosody.component_secret,
        "JINGLEBRIDGE_COMPONENT__PORT": str(prosody.component_port),
        "JINGLEBRIDGE_MEDIA__BIND": "127.0.0.1",
        "JINGLEBRIDGE_MEDIA__ALLOW_LOOPBACK": "true",
    }


@asynccontextmanager
async def juliet(prosody: PrivateProsody, decide: Decide) -> AsyncIterator[Callee]:
    async with (
        loopback_candidates(),
        signed_in(f"{JULIET}/balcony", "secret", port=prosody.c2s_port) as client,
    ):
        yield Callee(client, decide)


def take(callee: Callee, propose: Propose, peer: str) -> None:
    callee.expect(propose.id, peer)
    callee.say(Ringing(id=propose.id), peer)
    callee.say(Proceed(id=propose.id), peer)


def ring(callee: Callee, propose: Propose, peer: str) -> None:
    callee.say(Ringing(id=propose.id), peer)


def decline(callee: Callee, propose: Propose, peer: str) -> None:
    callee.say(Reject(id=propose.id, reason=reason_of(ReasonCondition.BUSY)), peer)


@asynccontextmanager
async def calling(prosody: PrivateProsody, jid: str = JULIET) -> AsyncIterator[Process]:
    """The program at work; it does not outlive a test that fails."""
    process = await start("call", jid, **environment(prosody))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def until(output: asyncio.StreamReader, words: str) -> None:
    async with asyncio.timeout(40):
        while words not in (line := (await output.readline()).decode()):
            assert line, f"ended before {words!r}"


async def test_a_call_with_media_that_the_operator_ends(prosody: PrivateProsody) -> None:
    async with juliet(prosody, take) as callee, calling(prosody) as process:
        assert process.stdout is not None
        await until(process.stdout, "connected")
        (call,) = callee.client.calls.values()
        async with asyncio.timeout(40):
            while call.heard.loudest < 2_000:  # what Juliet says comes back as an echo
                call.heard.changed.clear()
                await call.heard.changed.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(40):
            output, errors = await process.communicate()
            reason = await call.ended
        assert (process.returncode, errors) == (0, b"")
        assert output.decode() == "ended: success\n"
        assert reason == reason_of(ReasonCondition.SUCCESS)
        assert isinstance(callee.heard[-1], Finish)


async def test_a_call_that_the_callee_ends(prosody: PrivateProsody) -> None:
    balcony = f"{JULIET}/balcony"
    async with juliet(prosody, take) as callee, calling(prosody, balcony) as process:
        assert process.stdout is not None
        await until(process.stdout, "connected")
        (call,) = callee.client.calls.values()
        await call.hang_up()
        async with asyncio.timeout(40):
            output, errors = await process.communicate()
    assert (process.returncode, output.decode(), errors) == (0, "ended: success\n", b"")


async def test_a_call_that_is_declined(prosody: PrivateProsody) -> None:
    async with juliet(prosody, decline):
        result = await outcome("call", JULIET, "--video", **environment(prosody))
    assert result == (1, f"calling {JULIET}\nended: busy\n", "")


async def test_a_call_that_the_operator_gives_up(prosody: PrivateProsody) -> None:
    async with juliet(prosody, ring) as callee, calling(prosody) as process:
        assert process.stdout is not None
        await until(process.stdout, "ringing")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(40):
            output, errors = await process.communicate()
        assert (process.returncode, output.decode(), errors) == (1, "ended: cancel\n", b"")
        async with asyncio.timeout(5):
            await callee.hears(Retract)


async def test_nobody_is_there(prosody: PrivateProsody) -> None:
    code, output, errors = await outcome("call", "ghost@localhost", **environment(prosody))
    assert (code, errors) == (1, "")
    assert output.startswith("calling ghost@localhost\nended: gone: the call was refused: ")


async def test_another_instance_has_the_component(prosody: PrivateProsody) -> None:
    async with juliet(prosody, ring), calling(prosody) as first:
        assert first.stdout is not None
        await until(first.stdout, "ringing")
        result = await outcome("call", JULIET, **environment(prosody))
        assert_one_line(result, f"already has a component {COMPONENT_DOMAIN}")
        first.send_signal(signal.SIGINT)
        async with asyncio.timeout(40):
            await first.communicate()


@pytest.mark.parametrize("jid", ["juliet", "@localhost", "a b@localhost", "juliet@local host"])
async def test_nobody_s_address(jid: str) -> None:
    component = ComponentOptions(jid=COMPONENT_DOMAIN, secret=SecretStr("s"))
    with pytest.raises(OperatorError, match="nobody's address"):
        await place(Settings(component=component), CallOptions(jid=jid, service="echo"))


async def test_an_unknown_service(prosody: PrivateProsody) -> None:
    result = await outcome("call", JULIET, "--service", "ecko", **environment(prosody))
    assert_one_line(result, "no service answers at 'ecko'")
