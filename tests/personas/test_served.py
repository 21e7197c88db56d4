"""Every client in every case, over a real Prosody, answered by the real media endpoint."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from structlog.typing import EventDict

from jinglebridge.dev.prosody import PrivateProsody
from tests.personas.matrix import cells, play
from tests.personas.persona import Persona
from tests.personas.scenes import Case
from tests.personas.stage import served

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prosody() -> AsyncIterator[PrivateProsody]:
    async with PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as server:
        yield server


@pytest.mark.parametrize(
    ("client", "case"), cells(), ids=lambda item: item.name.replace(" ", "-").replace(",", "")
)
async def test_over_a_server(
    prosody: PrivateProsody, client: type[Persona], case: Case, logged: list[EventDict]
) -> None:
    assert await play(client, case, partial(served, prosody))
    wrong = [item for item in logged if item["log_level"] in ("error", "critical")]
    assert not wrong
