"""The built page of this checkout, if it is the one that the sources would give."""

import hashlib
from pathlib import Path

_WEB = Path(__file__).parents[2] / "web"
_NOT_SOURCES = ("node_modules", "dist", "tests")


def outdated() -> str | None:
    """Why the built page cannot be tested; None when it can."""
    index = _WEB / "dist" / "index.html"
    if not index.is_file():
        return "the page is not built: run `make web`"
    sources = [
        path
        for entry in sorted(_WEB.iterdir())
        if entry.name not in _NOT_SOURCES
        for path in ((entry,) if entry.is_file() else entry.rglob("*"))
        if path.is_file()
    ]
    stamp = _WEB / "dist" / ".stamp"
    if stamp.is_file():
        return None if stamp.read_text().strip() == _stamp(sources) else _OLD
    built = index.stat().st_mtime
    return _OLD if any(path.stat().st_mtime > built for path in sources) else None


_OLD = "the built page is older than its sources: run `make web`"


def _stamp(sources: list[Path]) -> str:
    """The same as scripts/setup writes."""
    root = _WEB.parent
    named = sorted((str(path.relative_to(root)), path) for path in sources)
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in named)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
