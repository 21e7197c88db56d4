"""The command line: `run` beside an existing server, `dev` with a private one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop

from jinglebridge import __version__, convert_commands, log
from jinglebridge.config import ENV_PREFIX, load
from jinglebridge.errors import JinglebridgeError

_FAILED = 2
T = TypeVar("T")

app = typer.Typer(
    name="jinglebridge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(convert_commands.app, name="convert")


def main() -> None:
    """Entry point: what the operator can mend is one line and exit code 2, never a traceback."""
    try:
        app()
    except JinglebridgeError as error:
        print(f"jinglebridge: {error}", file=sys.stderr)
        sys.exit(_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"jinglebridge {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Jingle to SDP/JSEP and back: call echo@bridge from a browser or any Jingle client."""


@app.command()
def run(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar=f"{ENV_PREFIX}CONFIG",
            help="TOML file; docs/configuration.md explains every option.",
        ),
    ] = None,
) -> None:
    """Connect to an existing XMPP server; TOML file and JINGLEBRIDGE_… variables say how."""
    settings = load(config)
    log.configure(settings.log.level, settings.log.format)
    # Media libraries take a second to load: a wrong option is told without them.
    from jinglebridge import app as application  # noqa: PLC0415 # slow to load

    _run(application.run(settings))


@app.command()
def dev(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address of this machine to serve others on: HTTPS, and media bound there.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the page; default: a free one from 8080 on."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
) -> None:
    """Start a private XMPP server, the bridge and the page."""
    log.configure("debug" if verbose else "warning", "console")
    from jinglebridge.dev import command  # noqa: PLC0415 # as above

    _run(command.run(command.DevOptions(host=host, port=port)))


@app.command()
def call(
    jid: Annotated[
        str, typer.Argument(metavar="JID", help="Whom to call; without a resource: any device.")
    ],
    service: Annotated[
        str, typer.Option(metavar="NAME", help="Service that they are connected with.")
    ] = "echo",
    video: Annotated[bool, typer.Option("--video", help="Offer video beside audio.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", envvar=f"{ENV_PREFIX}CONFIG", help="TOML file."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
) -> None:
    """Call somebody, and tell how it goes; exit code 0 when the call was connected, else 1.

    It is a component of its own: stop another one that runs with the same configuration first.
    """
    settings = load(config)
    log.configure("debug" if verbose else "warning", settings.log.format)
    from jinglebridge import calling  # noqa: PLC0415 # as above

    options = calling.CallOptions(jid=jid, service=service, video=video)
    if not _run(calling.place(settings, options)):
        raise typer.Exit(1)


def _run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
