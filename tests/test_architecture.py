"""Keeps the arrows of docs/architecture.md: who may know whom."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jinglebridge"

MAX_LINES = 400
LONGER: dict[str, str] = {}
"""Modules above MAX_LINES, each with its reason."""

# Rooms of the project that a room may import, besides itself. None: the composition root.
ARROWS: dict[str, frozenset[str] | None] = {
    "errors": frozenset(),
    "protocol": frozenset({"errors"}),
    "bridge": frozenset({"protocol", "errors"}),
    "xmpp": frozenset({"bridge", "protocol", "errors"}),
    "media": frozenset({"bridge", "protocol", "errors"}),
    "services": frozenset({"bridge", "protocol", "errors", "media.program"}),
    "http": frozenset({"errors"}),
    "convert": frozenset({"protocol", "errors"}),
    "convert_commands": frozenset({"convert", "protocol", "errors"}),
    "testing": frozenset({"bridge", "protocol", "errors"}),
    "config": frozenset({"errors"}),
    "log": frozenset(),
    "app": None,
    "calling": None,
    "dev": None,
    "cli": None,
}
ROOTS = frozenset(room for room, allowed in ARROWS.items() if allowed is None)

# Libraries that stay in one room, so that another can take its place.
KEPT_IN = {
    "slixmpp": {"xmpp"},
    "aiortc": {"media"},
    "aioice": {"media"},
    "pylibsrtp": {"media"},
    "OpenSSL": {"media"},
    "av": {"media", "services"},
    "aiohttp": {"http", "app"},
    "sdp_transform": {"protocol"},
    "lxml": {"convert"},
    "pydantic": {"config", "dev"},
    "pydantic_settings": {"config"},
    "typer": {"cli", "convert_commands"},
    "uvloop": {"cli"},
}

PURE_LIBRARIES = {"sdp_transform"}
IMPURE = {
    "asyncio", "concurrent", "logging", "os", "queue", "random", "secrets", "select", "selectors",
    "socket", "ssl", "subprocess", "threading", "time", "uuid",
}  # fmt: skip
"""What would let a clock, chance, the network or a logger into protocol/."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    return module.partition(".")[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Full names of what a module imports, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner_imports(path: Path) -> Iterator[str]:
    for name in imports(path):
        outer, _, inner = name.partition(".")
        if outer == "jinglebridge" and not inner.startswith("__"):
            yield inner


def is_allowed(target: str, allowed: frozenset[str]) -> bool:
    return any(target == each or target.startswith(f"{each}.") for each in allowed)


every_module = pytest.mark.parametrize("path", modules(), ids=name_of)
every_pure_module = pytest.mark.parametrize(
    "path", sorted((PACKAGE / "protocol").rglob("*.py")), ids=name_of
)


@every_module
def test_rooms_know_only_whom_they_may(path: Path) -> None:
    module = name_of(path)
    if not module:
        assert not list(inner_imports(path)), "the package itself stays light"
        return
    room = room_of(module)
    assert room in ARROWS, f"{room} has no arrows yet: say whom it may know"
    allowed = ARROWS[room]
    for target in inner_imports(path):
        if room_of(target) == room:
            continue
        if allowed is None:
            continue
        assert is_allowed(target, allowed), f"{module} must not import {target}"


@every_module
def test_nothing_imports_the_composition_root(path: Path) -> None:
    room = room_of(name_of(path))
    # The roots are a line themselves: cli starts the others, which use app.
    allowed = {"cli": {"app", "calling", "dev"}, "dev": {"app"}, "calling": {"app"}}.get(
        room, set()
    ) | {room}
    for target in inner_imports(path):
        if room_of(target) in ROOTS:
            assert room_of(target) in allowed, f"{name_of(path)} must not import {target}"


@every_module
def test_libraries_stay_in_their_room(path: Path) -> None:
    room = room_of(name_of(path))
    for target in imports(path):
        library = target.partition(".")[0]
        assert room in KEPT_IN.get(library, {room}), f"{library} does not belong in {room}/"


@every_pure_module
def test_protocol_knows_little(path: Path) -> None:
    for target in imports(path):
        library = target.partition(".")[0]
        known = library == "jinglebridge" or library in PURE_LIBRARIES
        assert known or library in sys.stdlib_module_names, f"protocol/ must not import {target}"
        assert library not in IMPURE, f"protocol/ is pure, it must not import {target}"


@every_pure_module
def test_protocol_never_waits(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        waits = isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        assert not waits, f"{name_of(path)}:{getattr(node, 'lineno', 0)} waits"


@every_module
def test_modules_are_small(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    if name_of(path) in LONGER:
        assert lines > MAX_LINES, "it became small: take it off the list"
    else:
        assert lines <= MAX_LINES, f"{lines} lines: it has more than one reason to change"


def test_the_arrows_name_rooms_that_can_exist() -> None:
    for allowed in ARROWS.values():
        for target in allowed or ():
            assert room_of(target) in ARROWS
