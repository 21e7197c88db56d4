"""What no XEP can say: one element per content and one per session, ours alone.

The text is SDP lines separated by LF. Standard elements always win; a peer that ignores this
element still gets a working call. The session's element also keeps the m-sections that have no
content because they are rejected.
"""

from enum import Enum

from jinglebridge.protocol.xml import (
    MULTILINE,
    attribute,
    children,
    choice,
    element,
    text,
    uint,
)

NAMESPACE = "urn:jinglebridge:sdp:0"
MAX_LINES = 512


class Encoding(Enum):
    """How the lines of a section are packed."""

    DEFLATE = "deflate"
    """RFC 1951, then base64 (RFC 4648 §4)."""


@element(NAMESPACE, "section")
class RejectedSection:
    """The lines of an m-section with port 0, ``m=`` first."""

    index: int = attribute(uint(63))
    """Of the m-section in its description."""
    encoding: Encoding | None = attribute(choice(Encoding), default=None)
    text: str = text(MULTILINE)


@element(NAMESPACE, "residue")
class Residue:
    """SDP lines that the standard elements beside it cannot express."""

    text: str = text(MULTILINE, default="")
    sections: tuple[RejectedSection, ...] = children(RejectedSection, maximum=64, default=())

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines, white space around each removed, empty ones left out."""
        return lines_of(self.text)


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a text, XML's white space around each removed, empty ones left out."""
    stripped = (line.strip(" \t\r") for line in text.split("\n"))
    return tuple(line for line in stripped if line)


def residue_of(
    lines: tuple[str, ...], sections: tuple[RejectedSection, ...] = ()
) -> Residue | None:
    """An element with these, or ``None`` when there are none."""
    return Residue(text="\n".join(lines), sections=sections) if lines or sections else None
