"""`jinglebridge convert`: the functions of ``convert.py`` on standard input and output."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree

import typer

from jinglebridge import convert
from jinglebridge.errors import OperatorError
from jinglebridge.protocol.xml_text import dumps

app = typer.Typer(no_args_is_help=True, help="Translate between SDP and Jingle.")


class Role(Enum):
    """Of the party that wrote the description."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


RoleOption = Annotated[
    Role, typer.Option(help="Role in the session of the party that wrote the description.")
]
PrettyOption = Annotated[bool, typer.Option("--pretty", help="Indent for people.")]


@app.command("to-jingle")
def to_jingle(  # noqa: PLR0917 # typer calls by name
    role: RoleOption = Role.INITIATOR,
    action: Annotated[str, typer.Option(help="The Jingle action.")] = "session-initiate",
    sid: Annotated[str, typer.Option(help="The session's id.")] = "sid",
    initiator: Annotated[str | None, typer.Option(help="Full JID.")] = None,
    responder: Annotated[str | None, typer.Option(help="Full JID.")] = None,
    pretty: PrettyOption = False,
) -> None:
    """Read a session description, write a <jingle/> element."""
    text = convert.sdp_to_jingle(
        _read(), role=role.value, action=action, sid=sid, initiator=initiator, responder=responder
    )
    _write((_indented(text) if pretty else text) + "\n")


@app.command("to-sdp")
def to_sdp(
    role: RoleOption = Role.INITIATOR,
    offer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The description that is answered."),
    ] = None,
    carry: Annotated[
        bool, typer.Option("--carry", help="Keep XML that SDP cannot say as a=x-jingle lines.")
    ] = False,
) -> None:
    """Read a <jingle/> element, write a session description."""
    offered = None if offer is None else _read_file(offer)
    sdp = convert.jingle_to_sdp(_read(), role=role.value, offer=offered, carry=carry)
    _write(sdp.replace("\r\n", "\n") if sys.stdout.isatty() else sdp)


@app.command("explain")
def explain(role: RoleOption = Role.INITIATOR) -> None:
    """Read a description or a <jingle/> element, write which element carries each line."""
    rows = []
    for row in convert.explain(_read(), role=role.value):
        section = "-" if row.section is None else str(row.section)
        carrier = f"{row.carrier} {row.element}".strip()
        rows.append(f"{section:>2}  {carrier:<42}  {row.line}\n")
    _write("".join(rows))


def _read() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OperatorError("standard input is not UTF-8") from None


def _write(text: str) -> None:
    """Write UTF-8 whatever the locale is; a reader that has enough is no error."""
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except OSError as error:
        # nor may what Python writes at its end fail once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OperatorError(f"cannot write: {(error.strerror or '').lower()}") from None


def _read_file(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path} is not UTF-8") from None


def _indented(text: str) -> str:
    element = ElementTree.fromstring(text)  # noqa: S314 # our own text
    ElementTree.indent(element)
    return dumps(element)
