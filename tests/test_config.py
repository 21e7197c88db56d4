import os
import runpy
from pathlib import Path

import pytest
from pydantic import ValidationError

from jinglebridge.config import Settings, load, options, variable
from jinglebridge.errors import OperatorError

ROOT = Path(__file__).parent.parent
LEAST = '[component]\njid = "bridge.example.org"\nsecret = "s3cret"\n'


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("JINGLEBRIDGE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.toml"


def read(file: Path, text: str) -> Settings:
    file.write_text(text)
    return load(file)


def refusal(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(OperatorError) as caught:
        load(file)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_least_configuration_has_good_defaults(file: Path) -> None:
    settings = read(file, LEAST)
    assert settings.component.host == "127.0.0.1"
    assert settings.component.port == 5347
    assert settings.http.enabled
    assert settings.media.bind == ()
    assert settings.limits.stanza_depth == 64
    assert settings.services.enabled == ("echo",)


def test_a_secret_does_not_show(file: Path) -> None:
    settings = read(file, LEAST)
    assert settings.component.secret.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{settings!r}{settings}{settings.model_dump_json()}"


def test_values_do_not_change(file: Path) -> None:
    settings = read(file, LEAST)
    with pytest.raises(ValidationError):
        settings.component.port = 1  # type: ignore[misc] # that is what is tested


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINGLEBRIDGE_COMPONENT__SECRET", "from outside")
    monkeypatch.setenv("JINGLEBRIDGE_MEDIA__BIND", "192.0.2.1, 2001:DB8::1")
    settings = read(file, LEAST + '[media]\nbind = ["127.0.0.1"]\nport_min = 50000\n')
    assert settings.component.secret.get_secret_value() == "from outside"
    assert settings.component.jid == "bridge.example.org"
    assert settings.media.bind == ("192.0.2.1", "2001:db8::1")
    assert settings.media.port_min == 50000


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINGLEBRIDGE_COMPONENT__JID", "bridge.example.org")
    monkeypatch.setenv("JINGLEBRIDGE_COMPONENT__SECRET", "s")
    assert load(None).component.jid == "bridge.example.org"


def test_unknown_options_are_refused_by_name(file: Path) -> None:
    message = refusal(file, LEAST + "[http]\nprot = 1\n[metrics]\nport = 9\n")
    assert "unknown option http.prot" in message
    assert "unknown option metrics" in message
    assert str(file) in message


@pytest.mark.parametrize("name", ["JINGLEBRIDGE_COMPONENT__SECERT", "jinglebridge_foo"])
def test_unknown_variables_are_refused_by_name(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert name in refusal(file, LEAST)


def test_the_variable_of_the_command_line_is_not_an_option(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINGLEBRIDGE_CONFIG", str(file))
    assert read(file, LEAST).component.jid == "bridge.example.org"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "component is required"),
        ('[component]\njid = "b.example"\n', "JINGLEBRIDGE_COMPONENT__SECRET"),
        ('[component]\njid = "b.example"\nsecret = ""\n', "component.secret"),
        ('[component]\njid = "echo@b.example"\nsecret = "s"\n', "component.jid: must be a domain"),
        (LEAST + "port = 70000\n", "component.port"),
        (LEAST + '[media]\nbind = ["eth0"]\n', "media.bind.0: must be an IPv4 or IPv6 address"),
        (LEAST + "[media]\nport_min = 9\nport_max = 8\n", "port_min must not be greater"),
        (LEAST + '[http]\nbosh_upstream = "localhost:5280"\n', "http.bosh_upstream: must be a URL"),
        (LEAST + '[log]\nlevel = "loud"\n', "log.level"),
        (LEAST + "[limits]\ncalls = 0\n", "limits.calls"),
        (LEAST + '[access]\nallow = ["a@b/c"]\n', "access.allow.0: must be a bare JID, a domain"),
        (LEAST + '[access]\nallow = ["*@b"]\n', "access.allow.0: must be a bare JID"),
        (LEAST + '[access]\ndeny = ["x", ""]\n', "access.deny.1: must be a bare JID"),
        ("component = ", "not valid TOML"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_name(file: Path, text: str, words: str) -> None:
    message = refusal(file, text)
    assert words in message
    assert "s3cret" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"cannot read .*none\.toml: no such file"):
        load(tmp_path / "none.toml")


def test_every_option_is_described() -> None:
    for name, purpose, section in options():
        assert purpose
        for option, field in section.model_fields.items():
            assert field.description, variable(name, option)


def test_the_reference_is_current() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "config-reference"))
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == written["reference"]()
