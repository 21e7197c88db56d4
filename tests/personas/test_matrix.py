"""Every client in every case, over signalling in memory."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.personas.matrix import cells, play
from tests.personas.persona import Persona
from tests.personas.scenes import Case
from tests.personas.stage import piped


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


@pytest.mark.parametrize(
    ("client", "case"), cells(), ids=lambda item: item.name.replace(" ", "-").replace(",", "")
)
async def test_in_memory(client: type[Persona], case: Case, logged: list[EventDict]) -> None:
    assert await play(client, case, piped)
    wrong = [item for item in logged if item["log_level"] in ("error", "critical")]
    assert not wrong
