"""Codecs of single values: text in an element, a checked value in the program."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
"""What some reader of the text that a value gets into could take for the end of a line."""
MAX_TEXT = 16_384
"""The longest attribute or text value that is read, in characters."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Both directions of one value: text on the wire, ``T`` in the program."""

    read: Callable[[str], T]
    """Raises ``ValueError`` with a reason."""
    write: Callable[[T], str] = str


def _no_control(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    # what is printable holds none, and is known far sooner
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError("control characters are not allowed")
    return value


def matching(pattern: str) -> Codec[str]:
    """A codec for text that matches the whole regular expression."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: str) -> str:
        if compiled.fullmatch(_no_control(value)) is None:
            raise ValueError("not of the right form")
        return value

    return Codec(read)


def uint(maximum: int = 2**32 - 1) -> Codec[int]:
    """A codec for a decimal number from 0 to ``maximum``."""

    def read(value: str) -> int:
        value = value.strip()
        if not (value.isascii() and value.isdigit() and len(value) <= 20):
            raise ValueError("not a number")
        number = int(value)
        if number > maximum:
            raise ValueError(f"larger than {maximum}")
        return number

    return Codec(read)


def choice(kind: type[E]) -> Codec[E]:
    """A codec for the values of an enum."""
    members = {str(member.value): member for member in kind}

    def read(value: str) -> E:
        try:
            return members[value]
        except KeyError:
            raise ValueError(f"not one of {', '.join(members)}") from None

    return Codec(read, lambda member: str(member.value))


TEXT = Codec(_no_control)
"""Any text on one line."""
TOKEN = matching(r"[^\s]+")
"""One word without white space."""
MULTILINE: Codec[str] = Codec(lambda value: value)
"""Text as it is, which only people or its own reader look at; the size of a stanza bounds it."""
