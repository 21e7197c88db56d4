"""Every test of call control has to leave nothing: no task, no row, no open media."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.bridge.callee import World
from tests.bridge.stage import Stage, idle


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    before = asyncio.all_tasks()
    stage = Stage()
    yield stage
    if any(not call.task.done() for call in stage.bridge.calls):
        await stage.bridge.close()
    await idle()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, left
    assert not stage.bridge.calls
    assert all(media.closed == 1 for media in stage.engine.sessions)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """What was logged; nothing of it is printed."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def world(stage: Stage) -> World:
    """The stage with devices to call."""
    return World(stage)
