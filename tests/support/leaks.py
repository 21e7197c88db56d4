"""What this process holds: tasks and open files, to be compared before and after."""

import asyncio
import contextlib
import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SETTLE_WITHIN = 5.0
"""For what was closed to be gone, in s."""
_POLL = 0.05

Filter = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Holdings:
    """A snapshot."""

    tasks: frozenset[asyncio.Task[Any]]
    files: Counter[str]
    """What the open files are; network sockets by their ports, the rest by kind."""


def holdings() -> Holdings:
    """Look now; the task that asks is not counted."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return Holdings(frozenset(task for task in tasks if task is not None), _open_files())


async def nothing_but(before: Holdings, *, ignore: Filter = lambda _: False) -> None:
    """Wait until nothing is held that was not held before.

    Args:
        before: what may remain.
        ignore: says of a description whether it may remain too.

    Raises:
        AssertionError: something is left after a few seconds; it says what.
    """
    deadline = asyncio.get_running_loop().time() + _SETTLE_WITHIN
    while left := [each for each in _gained(before) if not ignore(each)]:
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("left behind: " + "; ".join(sorted(left)))
        await asyncio.sleep(_POLL)


def of_the_page(description: str) -> bool:
    """Whether it belongs to a page's connections to the HTTP server, which outlive its calls."""
    return description.startswith("tcp ") or "/aiohttp/" in description


def _gained(before: Holdings) -> Iterator[str]:
    gc.collect()  # a socket that nobody closed shows as a warning, not as a leak
    now = holdings()
    for task in now.tasks - before.tasks:
        if not task.done():
            yield _described(task)
    yield from (now.files - before.files).elements()


def _described(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    where = f" at {code.co_filename}:{code.co_firstlineno}" if code else ""
    return f"task {task.get_name()}{where}"


def _open_files() -> Counter[str]:
    sockets = _sockets()
    files: Counter[str] = Counter()
    for entry in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the descriptor of this very listing
            target = os.readlink(f"/proc/self/fd/{entry}")
            # The loop renews some of its own: their inodes tell nothing.
            kind, _, inode = target.rstrip("]").partition(":[")
            files[sockets.get(inode, kind)] += 1
    return files


def _sockets() -> dict[str, str]:
    """Protocol and ports of this network namespace's sockets, by inode."""
    found = {}
    for protocol in ("udp", "udp6", "tcp", "tcp6"):
        table = Path(f"/proc/self/net/{protocol}")
        with contextlib.suppress(OSError):  # no IPv6 here
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                local, remote = (int(end.rpartition(":")[2], 16) for end in fields[1:3])
                found[fields[9]] = f"{protocol.removesuffix('6')} {local} to {remote}"
    return found
