"""What is looked at before anything copies or walks a stanza.

A nested stanza costs a recursive walk its stack: the measure here is a loop.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from jinglebridge.errors import PolicyViolation


@dataclass(frozen=True, slots=True, kw_only=True)
class StanzaBounds:
    """The largest stanza that is read."""

    depth: int = 64
    """Levels of elements, the stanza itself being the first."""
    size: int = 262_144
    """Characters of names, values and text."""


def check_bounds(stanza: Element, bounds: StanzaBounds) -> None:
    """Look at a stanza's depth and size.

    Raises:
        PolicyViolation: it is deeper or larger than the bounds.
    """
    size = 0
    level = [stanza]
    for _ in range(bounds.depth):
        following: list[Element] = []
        for item in level:
            size += len(item.tag) + len(item.text or "") + len(item.tail or "")
            size += sum(len(name) + len(value) for name, value in item.items())
            following.extend(item)
        if size > bounds.size:
            raise PolicyViolation(f"a stanza has at most {bounds.size} characters")
        if not following:
            return
        level = following
    raise PolicyViolation(f"a stanza has at most {bounds.depth} levels")
