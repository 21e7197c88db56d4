"""The XMPP side runs on uvloop, as the product does; its tests leave nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
import uvloop
from structlog.testing import capture_logs
from structlog.typing import EventDict

from jinglebridge.dev.prosody import PrivateProsody
from jinglebridge.xmpp.link import LinkState
from tests.support.leaks import holdings, nothing_but
from tests.xmpp.attached import Attached, attached
from tests.xmpp.phone import PASSWORD, Phone, signed_in


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """What was logged; nothing of it is printed."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture(autouse=True)
def no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A component has no TLS; reading the system's authorities is most of the time to make one."""
    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda self: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prosody() -> AsyncIterator[PrivateProsody]:
    """A server with three accounts."""
    async with PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as server:
        for user in ("juliet", "romeo", "mallory"):
            server.add_account(user, PASSWORD)
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def whole(prosody: PrivateProsody) -> AsyncIterator[Attached]:
    """The bridge on that server; a test ends its calls, and nothing is left after it."""
    before = holdings()
    async with attached(prosody) as running:
        stream_id = running.stream_id
        yield running
        stays = running.stream_id == stream_id and running.link.state is LinkState.UP
        calls = running.bridge.calls
    assert stays, "the component's stream was lost"
    assert not calls
    assert all(media.closed == 1 for media in running.engine.sessions)
    await nothing_but(before)


@pytest_asyncio.fixture(loop_scope="module")
async def juliet(prosody: PrivateProsody) -> AsyncIterator[Phone]:
    async with signed_in(prosody.c2s_port, "juliet") as phone:
        yield phone


@pytest_asyncio.fixture(loop_scope="module")
async def mallory(prosody: PrivateProsody) -> AsyncIterator[Phone]:
    async with signed_in(prosody.c2s_port, "mallory") as phone:
        yield phone
