import pytest

from jinglebridge.protocol.jingle.xep_0294 import ExtensionParameter
from jinglebridge.protocol.mapping.parameters import config_of, parameters_of


@pytest.mark.parametrize("text", [None, "vad=on", "urn:x", "a=b c d=e=f g="])
def test_words_come_back(text: str | None) -> None:
    assert config_of(parameters_of(text)) == text


def test_a_word_without_a_sign_has_no_value() -> None:
    assert parameters_of("a b=c") == (
        ExtensionParameter(name="a"),
        ExtensionParameter(name="b", value="c"),
    )


def test_nothing_makes_no_word() -> None:
    assert config_of((ExtensionParameter(name=""),)) is None
