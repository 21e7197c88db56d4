"""Every client in every case, over signalling in memory; and the document that says so."""

from pathlib import Path

import pytest
from structlog.typing import EventDict

from tests.personas.document import document, unchecked
from tests.personas.matrix import CLIENTS, Played, cells, play
from tests.personas.persona import Persona
from tests.personas.scenes import Case
from tests.personas.stage import piped

DOCUMENT = Path(__file__).parents[2] / "docs" / "interop.md"


@pytest.mark.parametrize(
    ("client", "case"), cells(), ids=lambda item: item.name.replace(" ", "-").replace(",", "")
)
async def test_in_memory(
    client: type[Persona], case: Case, logged: list[EventDict], played: Played
) -> None:
    played[client, case] = await play(client, case, piped)
    wrong = [item for item in logged if item["log_level"] in ("error", "critical")]
    assert not wrong


async def test_the_document_is_current(played: Played) -> None:
    for cell in cells():
        if cell not in played:  # this test runs alone, or in another order
            played[cell] = await play(*cell, piped)
    assert DOCUMENT.read_text("utf-8") == document(played), "run scripts/interop"
    for client in CLIENTS:
        assert not unchecked(client, played), f"{client.name}: says more than is looked at"
