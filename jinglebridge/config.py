"""Every option of `jinglebridge run`, in one place: TOML file and environment.

`docs/configuration.md` is written from the descriptions below (`scripts/config-reference`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from jinglebridge.errors import OperatorError

ENV_PREFIX = "JINGLEBRIDGE_"
_NOT_OPTIONS = frozenset({f"{ENV_PREFIX}CONFIG"})
"""Variables that the command line reads, not this module."""
_NAME = re.compile(r"\*|(\*\.)?[^@*/\s]+|[^@*/\s]+@[^@*/\s]+")
"""Whom an access list can name."""


def _split(value: object) -> object:
    """Lists are comma-separated in the environment."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _domain(value: str) -> str:
    if not value or any(character in value for character in "@/ \t\r\n"):
        raise ValueError("must be a domain, without user or resource")
    # servers write domains in lower case into what they deliver
    return value.lower()


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("must be a bare JID, a domain, *.domain or *")
    return value.lower()


def _address(value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None
    if address.is_unspecified:
        raise ValueError("must be an address of this machine; leave the list empty for all of them")
    return str(address)


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must be a URL that starts with {' or '.join(schemes)}://")
        return value

    return AfterValidator(check)


Domain = Annotated[str, AfterValidator(_domain)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Address = Annotated[str, AfterValidator(_address)]
Names = Annotated[
    tuple[Annotated[str, AfterValidator(_name)], ...], NoDecode, BeforeValidator(_split)
]
"""Bare JIDs and domains."""


class Section(BaseModel):
    """Base of the sections: values do not change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ComponentOptions(Section):
    """The connection to the XMPP server (XEP-0114)."""

    jid: Domain = Field(description="Domain of the component, as in Prosody's `Component` line.")
    secret: SecretStr = Field(min_length=1, description="Prosody's `component_secret`.")
    host: str = Field(default="127.0.0.1", min_length=1, description="Where Prosody listens.")
    port: Port = Field(default=5347, description="One of Prosody's `component_ports`.")


class HttpOptions(Section):
    """The page and, for it alone, the way to Prosody's BOSH and WebSocket."""

    enabled: bool = Field(default=True, description="Whether the page is served at all.")
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: Port = Field(default=8080, description="Port to listen on.")
    page: Path | None = Field(
        default=None,
        description="Directory of the built page; default: `web/dist` of the checkout.",
    )
    domain: Domain | None = Field(
        default=None, description="Virtual host of the accounts that sign in from the page."
    )
    anonymous_domain: Domain | None = Field(
        default=None,
        description='Virtual host with `authentication = "anonymous"`, if there is one.',
    )
    bosh_upstream: Annotated[str, _url("http", "https")] | None = Field(
        default=None, description="URL of Prosody's BOSH, served to the page as `/http-bind`."
    )
    websocket_upstream: Annotated[str, _url("ws", "wss")] | None = Field(
        default=None,
        description="URL of Prosody's WebSocket, served to the page as `/xmpp-websocket`.",
    )


class MediaOptions(Section):
    """Where audio and video flow."""

    bind: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Addresses to offer as candidates; empty: every address of this machine.",
    )
    port_min: Port = Field(default=49152, description="First UDP port.")
    port_max: Port = Field(default=65535, description="Last UDP port.")
    allow_loopback: bool = Field(
        default=False, description="Whether 127.0.0.0/8 and ::1 may be used, by us and by a peer."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.port_min > self.port_max:
            raise ValueError("port_min must not be greater than port_max")
        return self


class AccessOptions(Section):
    """Who may call. An entry is a bare JID, a domain, `*.domain` for all below it, or `*`."""

    allow: Names = Field(
        default=(),
        description="Who may; empty: the server's own accounts, which are those of the "
        "component's parent domain (`example.org` for `bridge.example.org`), of `http.domain` and "
        "of `http.anonymous_domain`.",
    )
    deny: Names = Field(default=(), description="Who may not, allowed or not.")


class LimitOptions(Section):
    """Bounds on what any peer can make the bridge hold, do or wait for."""

    calls: Count = Field(default=100, description="Calls at the same time.")
    calls_per_domain: Count = Field(
        default=80, description="Calls of all accounts of one domain at the same time."
    )
    calls_per_peer: Count = Field(default=4, description="Calls of one account at the same time.")
    setups_per_minute: Count = Field(
        default=600, description="Calls that begin in a minute, a third of them at once."
    )
    setups_per_minute_per_peer: Count = Field(
        default=30,
        description="Calls of one account that begin in a minute, a third of them at once.",
    )
    stanza_depth: Count = Field(default=64, description="Nesting of an incoming stanza.")
    stanza_bytes: Count = Field(
        default=262_144,
        description="Size of an incoming stanza: characters of its names, values and text.",
    )
    contents: Count = Field(default=32, description="Contents of one session.")
    payload_types: Annotated[int, Field(ge=1, le=128)] = Field(
        default=128, description="Payload types of one content."
    )
    candidates: Annotated[int, Field(ge=1, le=64)] = Field(
        default=64,
        description="Candidates of one transport and ICE generation; more are dropped.",
    )
    request_timeout_s: Seconds = Field(
        default=15,
        description="For the answer to one of our requests, and for what waits for a lost server.",
    )
    accept_timeout_s: Seconds = Field(
        default=15, description="From session-initiate to our answer."
    )
    connect_timeout_s: Seconds = Field(
        default=30, description="From our answer to connected media."
    )
    ring_timeout_s: Seconds = Field(
        default=45,
        description="For somebody to answer a call, and for a call that was taken to begin.",
    )


class ServiceOptions(Section):
    """What can be called."""

    enabled: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=("echo",), description="Services, by the local part of their JID."
    )


class LogOptions(Section):
    """What is written to standard error. Passwords and keys never are."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="From which on."
    )
    format: Literal["console", "json"] = Field(
        default="console", description="Lines for people, or one JSON object a line."
    )


class Settings(BaseSettings):
    """All options; the environment wins over the file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    component: ComponentOptions = Field(description="")
    http: HttpOptions = HttpOptions()
    media: MediaOptions = MediaOptions()
    access: AccessOptions = AccessOptions()
    limits: LimitOptions = LimitOptions()
    services: ServiceOptions = ServiceOptions()
    log: LogOptions = LogOptions()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before the file, which comes in as arguments."""
        return env_settings, init_settings


def load(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the file and the environment.

    Args:
        path: the TOML file; None: the environment alone.
        environment: where the names of variables are checked; default: the process's own.

    Raises:
        OperatorError: The file cannot be read, or an option is unknown, missing or wrong.
    """
    _refuse_unknown_variables(os.environ if environment is None else environment)
    try:
        return Settings(**_read(path))
    except ValidationError as error:
        where = f" in {path}" if path else ""
        problems = "; ".join(_described(each) for each in error.errors(include_input=False))
        raise OperatorError(f"configuration{where}: {problems}") from None


def options() -> Iterator[tuple[str, str, type[Section]]]:
    """Yield each section's name, purpose and model, in the order of the documentation."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            yield name, (section.__doc__ or "").strip(), section


def variable(section: str, option: str) -> str:
    """Name of an option's environment variable."""
    return f"{ENV_PREFIX}{section}__{option}".upper()


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not valid TOML: {error}") from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {
        variable(name, option) for name, _, section in options() for option in section.model_fields
    }
    unknown = sorted(
        name
        for name in environment
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known | _NOT_OPTIONS
    )
    if unknown:
        raise OperatorError(f"unknown option in the environment: {', '.join(unknown)}")


def _described(problem: Any) -> str:
    location, kind = [str(part) for part in problem["loc"]], problem["type"]
    name = ".".join(location) or "configuration"
    if kind == "extra_forbidden":
        return f"unknown option {name}"
    if kind == "missing":
        return f"{name} is required" + (
            f" (or {variable(*location)})" if len(location) == 2 else " (a section)"
        )
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}"
