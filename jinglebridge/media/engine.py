"""The media engine in this process, behind the very messages that another process would get."""

from collections.abc import Callable, Mapping

from jinglebridge.bridge.ports import MediaEvent, MediaSession
from jinglebridge.media.client import EngineClient
from jinglebridge.media.host import EngineHost
from jinglebridge.media.program import Program
from jinglebridge.media.settings import MediaSettings


class InProcessEngine:
    """A :class:`~jinglebridge.bridge.ports.MediaEngine` in this process.

    Args:
        settings: addresses, ports, times and limits.
        programs: makes the program of each service, by the service's name.
    """

    def __init__(
        self, settings: MediaSettings, programs: Mapping[str, Callable[[], Program]]
    ) -> None:
        self._host = EngineHost(settings, programs, self._to_bridge)
        self._client = EngineClient(settings, self._host.receive)

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> MediaSession:
        """Open the media half of a call; see ``MediaEngine``."""
        session = self._client.open(service, peer, emit)
        if session.refusal is not None:
            raise session.refusal
        return session

    async def close(self) -> None:
        """End every session and the engine."""
        await self._host.close()
        self._client.lost()

    def _to_bridge(self, data: bytes) -> None:
        self._client.receive(data)
