"""On uvloop, as the product runs; what was played is remembered for the document."""

import asyncio
import ssl
from collections.abc import Callable, Iterator

import pytest
import uvloop
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.personas.matrix import Played


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


@pytest.fixture(scope="session")
def played() -> Played:
    """The cells that went well in memory, so far."""
    return {}
