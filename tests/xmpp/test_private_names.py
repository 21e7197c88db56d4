"""One test for each name of slixmpp that is private, or that we take the place of.

A failing test names what an upgrade broke; only ``stream.py`` touches any of them.
"""

import asyncio
import inspect
import re
from pathlib import Path

import pytest
from slixmpp import ComponentXMPP
from slixmpp.xmlstream import XMLStream

from jinglebridge.xmpp import stream
from tests.xmpp.attached import detached

TOUCHED = {"_run_out_filters": type(None), "_current_connection_attempt": type(None)}
REPLACED = {
    "_spawn_event": ["self", "xml"],
    "connection_lost": ["self", "exception"],
    "connection_made": ["self", "transport", "send_event"],
    "data_received": ["self", "data"],
    "init_parser": ["self"],
    "reschedule_connection_attempt": ["self"],
    "send": ["self", "data", "use_filters"],
}
OURS = {
    name
    for name in re.findall(r"(?:self\.|def )(_[a-z]\w*)", Path(stream.__file__).read_text("utf-8"))
    if name not in TOUCHED | REPLACED
}
"""Private names that are the stream's own, and that slixmpp must not have too."""


@pytest.mark.parametrize(("name", "kind"), TOUCHED.items())
async def test_a_stream_has(name: str, kind: type) -> None:
    assert isinstance(getattr(detached(1, "secret").component.stream, name), kind)


@pytest.mark.parametrize(("name", "parameters"), REPLACED.items())
def test_a_stream_does(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(XMLStream, name)).parameters) == parameters


@pytest.mark.parametrize("name", sorted(OURS))
async def test_our_own_names_are_free(name: str) -> None:
    bare = ComponentXMPP("bridge.localhost", "secret", "127.0.0.1", 1)  # type: ignore[no-untyped-call] # slixmpp has no types here
    assert not hasattr(bare, name)


async def test_what_the_link_waits_for() -> None:
    component = detached(1, "secret").component.stream
    assert isinstance(component.disconnected, asyncio.Future)
    assert component.transport is None
    assert component.sessionstarted is False
    assert not component.is_connecting()
    assert not component.is_connected()


def test_nobody_else_touches_slixmpp() -> None:
    rooms = Path(stream.__file__).parent
    users = {
        path.name
        for path in rooms.glob("*.py")
        if re.search(r"^(?:from|import) slixmpp", path.read_text("utf-8"), re.MULTILINE)
    }
    assert users == {"stream.py"}
    for path in rooms.glob("*.py"):
        found = re.findall(r"stream\.(_\w+)", path.read_text("utf-8"))
        assert not found, f"{path.name}: {found}"
