"""The media endpoint runs on uvloop and on asyncio's own loop; its tests run on both."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "uvloop": uvloop.new_event_loop
    }
    if item.path.parent.name == "media" and item.get_closest_marker("e2e") is None:
        factories["asyncio"] = asyncio.new_event_loop
    return factories


def open_sockets() -> int:
    names = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return sum(name.startswith("socket:") for name in names)


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails a test that leaves a task or a socket behind."""
    gc.collect()
    before = open_sockets()
    tasks = asyncio.all_tasks()
    yield
    for _ in range(5):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - tasks - {asyncio.current_task()}
    assert not left, left
    assert open_sockets() == before
