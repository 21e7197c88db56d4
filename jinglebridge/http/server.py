"""The HTTP application and its server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from jinglebridge.http.headers import add_security_headers
from jinglebridge.http.page import PageConfig, add_page
from jinglebridge.http.proxy import MAX_STANZA_BYTES, add_proxy

# Long polls would hold the shutdown up for their whole wait.
_SHUTDOWN_TIMEOUT = 1.0


def create_app(
    *,
    page: Path,
    config: PageConfig,
    bosh: str | None = None,
    websocket: str | None = None,
) -> web.Application:
    """Build the application.

    Args:
        page: directory of the built page.
        config: what the page is told at `/config.json`.
        bosh: URL of Prosody's BOSH; None: not offered.
        websocket: URL of Prosody's WebSocket; None: not offered.

    Raises:
        OperatorError: The page is not built.
    """
    app = web.Application(client_max_size=MAX_STANZA_BYTES)
    app.on_response_prepare.append(add_security_headers)
    app.router.add_get("/healthz", _healthz)
    add_proxy(app, bosh=bosh, websocket=websocket)
    add_page(app, page, config.to_json(bosh=bosh is not None, websocket=websocket is not None))
    return app


@asynccontextmanager
async def serving(
    app: web.Application, listener: socket.socket, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve `app` on an open socket for the length of the block."""
    runner = web.AppRunner(
        app,
        access_log=None,
        # A browser that goes away ends its long poll at Prosody too.
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_TIMEOUT,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})
