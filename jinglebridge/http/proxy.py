"""BOSH and WebSocket passed on to Prosody: the page needs one origin and one certificate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from jinglebridge.http.headers import is_same_origin

MAX_STANZA_BYTES = 256 * 1024
"""Prosody closes a client's stream above this size (`c2s_stanza_size_limit`)."""

# BOSH answers after `wait` seconds at the latest (the page asks for up to 75); then the slack.
_BOSH_TIMEOUT = aiohttp.ClientTimeout(total=95, sock_connect=5)
_CONNECT_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 2.0
_HEARTBEAT = 30.0
_SUBPROTOCOL = "xmpp"
# Long polls occupy a connection each; beyond this many the next ones wait for their time-out.
_MAX_POLLS = 4096

_HTTP_SESSION = web.AppKey("http_session", aiohttp.ClientSession)
_SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])


def add_proxy(app: web.Application, *, bosh: str | None, websocket: str | None) -> None:
    """Serve `/http-bind` and `/xmpp-websocket` from the URLs given; None leaves one out."""
    app[_SOCKETS] = set()
    app.cleanup_ctx.append(_client_session)
    app.on_shutdown.append(_close_sockets)
    if bosh is not None:
        app.router.add_post("/http-bind", _Bosh(bosh).handle)
    if websocket is not None:
        app.router.add_get("/xmpp-websocket", _WebSocket(websocket).handle)


class _Bosh:
    """One POST in, one POST out (XEP-0124 §7)."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise web.HTTPForbidden(text="another origin\n")
        body = await request.read()
        try:
            async with request.app[_HTTP_SESSION].post(
                self._upstream,
                data=body,
                headers=_forwarded(request),
                timeout=_BOSH_TIMEOUT,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
            ) as answer:
                return await _pass_on(request, answer)
        except (aiohttp.ClientError, TimeoutError):
            raise web.HTTPBadGateway(text="the XMPP server does not answer\n") from None


class _WebSocket:
    """Text frames both ways until either side closes (RFC 7395)."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise web.HTTPForbidden(text="another origin\n")
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if _SUBPROTOCOL not in (name.strip() for name in offered.split(",")):
            raise web.HTTPBadRequest(text="the WebSocket subprotocol must be xmpp\n")
        server = await self._connect(request)
        try:
            client = web.WebSocketResponse(
                protocols=(_SUBPROTOCOL,),
                max_msg_size=MAX_STANZA_BYTES,
                heartbeat=_HEARTBEAT,
                timeout=_CLOSE_TIMEOUT,
                compress=False,
            )
            await client.prepare(request)
            sockets = request.app[_SOCKETS]
            sockets.add(client)
            try:
                await _relay(client, server)
            finally:
                sockets.discard(client)
        finally:
            await server.close()
        return client

    async def _connect(self, request: web.Request) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                return await request.app[_HTTP_SESSION].ws_connect(
                    self._upstream,
                    protocols=(_SUBPROTOCOL,),
                    headers={"X-Forwarded-For": request.remote or ""},
                    max_msg_size=4 * MAX_STANZA_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                )
        except (aiohttp.ClientError, TimeoutError):
            raise web.HTTPBadGateway(text="the XMPP server does not answer\n") from None


async def _relay(client: web.WebSocketResponse, server: aiohttp.ClientWebSocketResponse) -> None:
    pumps = (
        asyncio.create_task(_pump(client, server), name="websocket to server"),
        asyncio.create_task(_pump(server, client), name="websocket to client"),
    )
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    code = aiohttp.WSCloseCode.OK if server.close_code else aiohttp.WSCloseCode.GOING_AWAY
    await client.close(code=code)


async def _pump(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    """Pass text on; anything else (close, error, binary) ends it: XMPP frames are text."""
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        while (message := await source.receive()).type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)


async def _pass_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status)
    response.content_type = answer.content_type
    response.charset = answer.charset
    response.headers["Cache-Control"] = "no-store"
    if answer.content_length is not None:
        response.content_length = answer.content_length
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _forwarded(request: web.Request) -> dict[str, str]:
    # Overwritten, never appended: the browser could name any address.
    return {
        "Content-Type": request.headers.get("Content-Type", "text/xml; charset=utf-8"),
        "X-Forwarded-For": request.remote or "",
    }


async def _close_sockets(app: web.Application) -> None:
    closing = (socket.close(code=aiohttp.WSCloseCode.GOING_AWAY) for socket in app[_SOCKETS])
    await asyncio.gather(*closing, return_exceptions=True)


async def _client_session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=_MAX_POLLS)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        app[_HTTP_SESSION] = session
        yield
