"""Echo: every section's packets go back on the same section, untouched but for their header."""

from dataclasses import dataclass

from jinglebridge.media.program import Sink, Source


@dataclass(frozen=True, slots=True)
class EchoService:
    """Everybody may call it; an argument means nothing to it."""

    name: str = "echo"
    title: str = "Echo"
    description: str = "Sends your own picture and voice back to you."

    def admits(self, peer: str, argument: str) -> bool:
        """Take every caller."""
        return True


class EchoProgram:
    """Connects each section's sink to the section's source.

    Of several sources in one section the latest is heard, because a peer that starts another one
    has left the first; encodings of a simulcast track (RFC 8853) run side by side, and the first
    stays.
    """

    def __init__(self) -> None:
        self._sources: dict[str, list[Source]] = {}
        self._sinks: dict[str, Sink] = {}

    def source_appeared(self, source: Source, now: float) -> None:
        """Hear this source, unless it is one more encoding of what is heard already."""
        sources = self._sources.setdefault(source.section.mid, [])
        # The last of the list is heard.
        sources.insert(0 if sources and source.rid is not None else len(sources), source)
        self._connect(source.section.mid, now)

    def source_ended(self, source: Source, now: float) -> None:
        """Go on with another source of the section, if there is one."""
        mid = source.section.mid
        self._sources[mid].remove(source)
        if not self._sources[mid]:
            del self._sources[mid]
        self._connect(mid, now)

    def sink_opened(self, sink: Sink, now: float) -> None:
        """Send the section's media back here."""
        self._sinks[sink.section.mid] = sink
        self._connect(sink.section.mid, now)

    def sink_closed(self, sink: Sink, now: float) -> None:
        """Send nothing here any more."""
        self._sinks.pop(sink.section.mid, None)

    def _connect(self, mid: str, now: float) -> None:
        sink = self._sinks.get(mid)
        sources = self._sources.get(mid)
        if sink is not None and sources and sink.source is not sources[-1]:
            sources[-1].connect(sink, now)
