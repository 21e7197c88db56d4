"""Nothing is logged that lets someone in."""

import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from jinglebridge import log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail() -> None:
    ice_pwd = "opens" + "-sesame"
    raise ValueError(f"{len(ice_pwd)} characters")


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_values(
    form: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("info", form)
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("call failed", pwd="opens-sesame")
    written = capsys.readouterr().err
    assert "call failed" in written
    assert "ValueError: 12 characters" in written
    assert "in fail" in written
    assert "opens-sesame" not in written
