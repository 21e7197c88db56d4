import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from jinglebridge import log


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_json_object_a_line_from_both_kinds_of_loggers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", "json")
    structlog.get_logger("jinglebridge.test").info("called", sid="s1")
    logging.getLogger("jinglebridge.other").warning("odd %s", "thing")
    first, second = lines(capsys)
    assert (first["event"], first["sid"], first["level"]) == ("called", "s1", "info")
    assert (second["event"], second["level"]) == ("odd thing", "warning")
    assert "timestamp" in first


def test_what_names_a_secret_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    structlog.get_logger().info("x", ice_pwd="hunter2", component_secret="hunter2", sid="s1")
    logging.getLogger("jinglebridge").warning("x", extra={"password": "hunter2"})
    output = capsys.readouterr().err
    assert "hunter2" not in output
    assert "s1" in output


def test_a_failure_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(capsys)
    assert "ValueError: broken" in str(line["exception"])


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("debug", "console")
    structlog.get_logger().debug("ours is shown")
    logging.getLogger("aioice.ice").info("theirs is not")
    output = capsys.readouterr().err
    assert "ours is shown" in output
    assert "theirs" not in output
