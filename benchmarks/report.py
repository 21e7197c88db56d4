"""What every benchmark prints and writes: tables for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns as wide as they need to be; numbers go to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [
        "-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    ]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])


def surroundings(*packages: str, **programs: str) -> dict[str, str]:
    """Where and when this is measured.

    Args:
        packages: Python packages whose versions matter.
        programs: versions that the caller found out, by name.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "load": f"{os.getloadavg()[0]:.1f} at the start",
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        **programs,
    }


def described(facts: Mapping[str, str]) -> str:
    """The surroundings in one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def last_line(figures: Mapping[str, object]) -> str:
    """One JSON object in one line."""
    return json.dumps(figures, separators=(", ", ": "))


def write_report(
    path: Path,
    *,
    title: str,
    command: str,
    text: str,
    notes: str,
    facts: Mapping[str, str],
    figures: Mapping[str, object],
) -> None:
    """Write ``path`` twice: ``.md`` for people, ``.json`` for programs.

    Args:
        path: without an ending that matters.
        title: of the page.
        command: what was run.
        text: the tables.
        notes: what their columns mean.
        facts: the surroundings.
        figures: the same as one object.
    """
    page = f"# {title}\n\n`{command}`: {described(facts)}.\n\n{text}\n\n{notes.strip()}\n"
    path.with_suffix(".md").write_text(page, "utf-8")
    written = json.dumps({**figures, **facts}, indent=2) + "\n"
    path.with_suffix(".json").write_text(written, "utf-8")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 # whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return shown.stdout.strip()
