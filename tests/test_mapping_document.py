import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "mapping.md"


@pytest.fixture(scope="module")
def script() -> dict[str, object]:
    return runpy.run_path(str(ROOT / "scripts" / "loss-matrix"))


def test_the_document_is_current(script: dict[str, object]) -> None:
    text = DOCUMENT.read_text("utf-8")
    renewed = script["document"](text)  # type: ignore[operator] # a function of the script
    assert text == renewed, "run scripts/loss-matrix"


def test_every_probe_survives(script: dict[str, object]) -> None:
    verdicts = Counter(verdict for _, verdict, _ in script["measured"]())  # type: ignore[operator] # as above
    assert verdicts == {"yes": 139}


def test_a_loss_is_seen(script: dict[str, object]) -> None:
    probes = list(script["probes"]())  # type: ignore[operator] # as above
    for _, sdp, wanted in probes:
        without = "\r\n".join(line for line in sdp.splitlines() if line not in wanted)
        if wanted and "m=" not in wanted[0]:
            assert script["verdict"](sdp, wanted, without) in ("no", "lossy")  # type: ignore[operator] # as above
    assert script["verdict"](sdp, wanted, None) == "refused"  # type: ignore[operator] # as above
