"""What every end-to-end test starts from: the product, and nothing left afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from tests.support import leaks, page
from tests.support.stack import Stack, stack


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    # uvloop, as the product itself; but a loop of uvloop's that had a browser's pipes may hang in
    # its close().
    if item.get_closest_marker("e2e") is None:
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def built_page() -> None:
    reason = page.outdated()
    if reason is not None:
        pytest.fail(reason, pytrace=False)


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails a test that leaves a task, a socket or another open file behind."""
    # The loop's own descriptors for child processes come with the first one and stay.
    for stdin in (asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE):
        child = await asyncio.create_subprocess_exec("true", stdin=stdin)
        await child.communicate()
    before = leaks.holdings()
    yield
    await leaks.nothing_but(before)


@pytest.fixture
async def served(built_page: None, nothing_left: None) -> AsyncIterator[Stack]:
    """The whole product with its page."""
    async with stack() as running:
        yield running
