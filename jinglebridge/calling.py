"""`jinglebridge call`: one call from the command line, told step by step.

A server takes one component of a name, so that this runs a bridge of its own: it works where no
other instance is up with the same configuration, and says so where one is.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from jinglebridge.app import running, stop_signals
from jinglebridge.bridge.call import Progress
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.bridge.reasons import printable
from jinglebridge.config import Settings
from jinglebridge.errors import OperatorError, ResourceConstraint, ServiceUnknown

_JID = re.compile(r"[^@/\s]{1,1023}@[^@/\s]{1,1023}(/\S.{0,1022})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What the command line says."""

    jid: str
    """Whom to call; bare: any device."""
    service: str
    """Name of the service that they are connected with."""
    video: bool = False
    """Whether video is offered beside audio."""


async def place(settings: Settings, options: CallOptions) -> bool:
    """Call somebody and stay until the call ends; SIGINT and SIGTERM hang up.

    Args:
        settings: of the bridge that calls; its page is not served.
        options: whom to call and how.

    Returns:
        Whether the call was connected.

    Raises:
        OperatorError: the server or the service is not there, or another instance is up.
    """
    if _JID.fullmatch(options.jid) is None:
        raise OperatorError(f"{options.jid!r} is nobody's address: name@domain or a full JID")
    http = settings.http.model_copy(update={"enabled": False})
    kinds = ("audio", "video") if options.video else ("audio",)
    async with running(settings.model_copy(update={"http": http})) as application:
        try:
            outgoing = application.bridge.call(options.jid, options.service, kinds=kinds)
        except (ServiceUnknown, ResourceConstraint) as error:
            raise OperatorError(str(error)) from None
        with stop_signals() as stop:
            hanging_up = asyncio.create_task(_hang_up(stop, outgoing), name="hang up")
            try:
                return await _tell(outgoing)
            finally:
                hanging_up.cancel()
                await asyncio.gather(hanging_up, return_exceptions=True)


async def _hang_up(stop: asyncio.Event, outgoing: OutgoingCall) -> None:
    await stop.wait()
    outgoing.hang_up()


async def _tell(outgoing: OutgoingCall) -> bool:
    print(f"calling {outgoing.jid}", flush=True)
    connected = False
    async for step in outgoing.steps():
        connected = connected or step is Progress.CONNECTED
        words = f"ended: {outgoing.reason}" if step is Progress.ENDED else step.value
        print(printable(words), flush=True)  # a reason holds the peer's words
    return connected
