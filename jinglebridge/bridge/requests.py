"""The requests of one call: sent in order, their results awaited beside the call's own work."""

import asyncio
from collections.abc import Callable

from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import Signaling
from jinglebridge.errors import GeneralError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle
from jinglebridge.protocol.session.session import JingleSession

_NEEDED = (Action.SESSION_INITIATE, Action.SESSION_ACCEPT)
"""Without a result to these there is no session; to others, some clients never give one."""


class Requests:
    """What was asked of the peer and is not answered yet.

    Args:
        session: whose requests they are.
        signaling: the way to the peer.
        limits: how many, and for how long.
        failed: told of every request that failed, and why; an error that is no
            :class:`SignalingError` is a bug.
    """

    def __init__(
        self,
        *,
        session: JingleSession,
        signaling: Signaling,
        limits: Limits,
        failed: Callable[[Jingle, Exception], None],
    ) -> None:
        self._session = session
        self._signaling = signaling
        self._limits = limits
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()
        self._acknowledged: set[Action] = set()

    def acknowledged(self, action: Action) -> bool:
        """Whether a request of this action had its result."""
        return action in self._acknowledged

    def send(self, *requests: Jingle) -> None:
        """Send without waiting for results.

        Raises:
            GeneralError: too many of them wait.
        """
        for request in requests:
            if len(self._tasks) >= self._limits.requests:
                raise GeneralError("the peer answers none of our requests")
            self._start(request)

    def send_last(self, request: Jingle) -> None:
        """Send the session's end, however many wait: who answers nothing has to learn of it too."""
        self._start(request)

    def _start(self, request: Jingle) -> None:
        task = asyncio.create_task(self._request(request), name=request.action.value)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, request: Jingle) -> None:
        try:
            async with asyncio.timeout(self._limits.request_timeout):
                await self._signaling.request(self._session.local, self._session.peer, request)
        except TimeoutError:
            if request.action in _NEEDED:
                words = "no answer in time"
                self._failed(request, SignalingError("remote-server-timeout", words))
        except Exception as error:
            self._failed(request, error)
        else:
            self._acknowledged.add(request.action)

    async def finish(self) -> None:
        """Give the last requests (session-terminate among them) time to be answered."""
        if not self._tasks:
            return
        try:
            await asyncio.wait(self._tasks, timeout=self._limits.close_timeout)
        finally:  # cancelled or not, nothing is left
            late = tuple(self._tasks)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
