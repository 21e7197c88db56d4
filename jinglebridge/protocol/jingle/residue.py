"""What no XEP can say: one element per content and one per session, ours alone.

The text is SDP lines separated by LF. Standard elements always win; a peer that ignores this
element still gets a working call.
"""

from jinglebridge.protocol.xml import MULTILINE, element, text

NAMESPACE = "urn:jinglebridge:sdp:0"


@element(NAMESPACE, "residue")
class Residue:
    """SDP lines that the standard elements beside it cannot express."""

    text: str = text(MULTILINE, default="")

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines, white space around each removed, empty ones left out."""
        stripped = (line.strip(" \t\r") for line in self.text.split("\n"))
        return tuple(line for line in stripped if line)


def residue_of(lines: tuple[str, ...]) -> Residue | None:
    """An element with these lines, or ``None`` when there are none."""
    return Residue(text="\n".join(lines)) if lines else None
