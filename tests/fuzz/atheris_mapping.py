#!/usr/bin/env python3
"""The conversion under atheris, which looks for inputs that reach new code.

atheris is not among the dependencies; install it by hand where there is a wheel for the Python at
hand, then give libFuzzer's own options::

    .venv/bin/pip install atheris
    .venv/bin/python tests/fuzz/atheris_mapping.py -max_total_time=120 -max_len=20000

The first byte chooses role, carry and whether the rest is a description or an element. Only typed
errors may come out, and what was read once must be read again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["jinglebridge"]):
    from tests.fuzz.mapping import ACTIONS, ROLES, Case, jingles, sdps, tried


def one_input(data: bytes) -> None:
    """Try one input; any error but a typed one ends the run."""
    if not data:
        return
    first, text = data[0], data[1:].decode("utf-8", "surrogateescape")
    tried(
        Case(
            kind="sdp" if first & 1 else "xml",
            text=text,
            role=ROLES[first >> 1 & 1],
            action=ACTIONS[first >> 2 & 3],
            carry=bool(first >> 4 & 1),
        ),
        holds=bool(first >> 5 & 1),
    )


def main() -> None:
    """Begin with the vectors as a corpus."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, text in enumerate({*sdps(), *jingles()}):
            first = (number << 1 & 0xFE) | (not text.startswith("<"))
            Path(corpus, f"{number:04}").write_bytes(bytes([first]) + text.encode())
        atheris.Setup([*sys.argv, corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
