import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from jinglebridge.http.listener import listen
from jinglebridge.http.page import PageConfig
from jinglebridge.http.proxy import MAX_STANZA_BYTES
from jinglebridge.http.server import create_app, serving


class Upstream:
    """What Prosody would be: remembers what reached it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.polling = asyncio.Event()
        self.polls_lost = asyncio.Event()
        self.sockets: list[web.WebSocketResponse] = []
        self.close_codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def bosh(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.requests.append((body, dict(request.headers)))
        if body == "<hold/>":
            self.polling.set()
            try:
                await asyncio.sleep(60)
            finally:
                self.polls_lost.set()
        status = 404 if body == "<unknown/>" else 200
        return web.Response(
            text=f"<answer to='{body[1:5]}'/>", content_type="text/xml", status=status
        )

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("xmpp",), max_msg_size=0)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.data == "<bye/>":
                await socket.close()
            else:
                await socket.send_str(f"{socket.ws_protocol}:{message.data}")
        self.close_codes.put_nowait(socket.close_code)
        return socket


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, str]]:
    server = Upstream()
    app = web.Application()
    app.router.add_post("/http-bind", server.bosh)
    app.router.add_get("/xmpp-websocket", server.websocket)
    async with TestServer(app, handler_cancellation=True) as running:
        yield server, f"127.0.0.1:{running.port}"


@asynccontextmanager
async def proxy(page: Path, address: str) -> AsyncIterator[str]:
    (page / "index.html").write_text("<!doctype html>")
    app = create_app(
        page=page,
        config=PageConfig(),
        bosh=f"http://{address}/http-bind",
        websocket=f"ws://{address}/xmpp-websocket",
    )
    listener = listen("127.0.0.1", [0])
    async with serving(app, listener):
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def address(tmp_path: Path, upstream: tuple[Upstream, str]) -> AsyncIterator[str]:
    async with proxy(tmp_path, upstream[1]) as address:
        yield address


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_bosh_passes_body_type_status_and_the_real_address(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str]
) -> None:
    forged = {"Content-Type": "text/xml; charset=utf-8", "X-Forwarded-For": "8.8.8.8"}
    url = f"http://{address}/http-bind"
    async with browser.post(url, data="<body/>", headers=forged) as response:
        assert (response.status, response.content_type) == (200, "text/xml")
        assert await response.text() == "<answer to='body'/>"
        assert response.headers["Cache-Control"] == "no-store"
    body, headers = upstream[0].requests[0]
    assert body == "<body/>"
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    async with browser.post(url, data="<unknown/>") as response:
        assert response.status == 404


async def test_bosh_refuses_a_body_that_prosody_would_refuse(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str]
) -> None:
    async with browser.post(
        f"http://{address}/http-bind", data=b"x" * (MAX_STANZA_BYTES + 1)
    ) as response:
        assert response.status == 413
    assert upstream[0].requests == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_another_origin_is_refused(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str], origin: str
) -> None:
    headers = {"Origin": origin}
    async with browser.post(f"http://{address}/http-bind", data="<b/>", headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await browser.ws_connect(
            f"ws://{address}/xmpp-websocket", protocols=("xmpp",), headers=headers
        )
    assert (upstream[0].requests, upstream[0].sockets) == ([], [])


async def test_our_own_origin_is_served(browser: aiohttp.ClientSession, address: str) -> None:
    headers = {"Origin": f"http://{address}"}
    async with browser.post(f"http://{address}/http-bind", data="<b/>", headers=headers) as answer:
        assert answer.status == 200


async def test_a_lost_browser_ends_its_long_poll_upstream(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str]
) -> None:
    poll = asyncio.create_task(browser.post(f"http://{address}/http-bind", data="<hold/>"))
    async with asyncio.timeout(5):
        await upstream[0].polling.wait()
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    async with asyncio.timeout(5):
        await upstream[0].polls_lost.wait()


async def test_websocket_passes_text_both_ways_and_the_browsers_close(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str]
) -> None:
    async with browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",)) as socket:
        assert socket.protocol == "xmpp"
        await socket.send_str("<open/>")
        assert (await socket.receive(timeout=5)).data == "xmpp:<open/>"
    async with asyncio.timeout(5):
        assert await upstream[0].close_codes.get() == 1000


async def test_websocket_passes_the_servers_close(
    browser: aiohttp.ClientSession, address: str
) -> None:
    async with browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",)) as socket:
        await socket.send_str("<bye/>")
        message = await socket.receive(timeout=5)
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1000)


async def test_websocket_of_a_killed_browser_is_closed_upstream(
    address: str, upstream: tuple[Upstream, str]
) -> None:
    session = aiohttp.ClientSession()
    socket = await session.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",))
    await socket.send_str("<open/>")
    await socket.receive(timeout=5)
    connection = socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()
    async with asyncio.timeout(5):
        assert await upstream[0].close_codes.get() is not None
    await session.close()


async def test_websocket_refuses_what_is_too_large(
    browser: aiohttp.ClientSession, address: str, upstream: tuple[Upstream, str]
) -> None:
    async with browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",)) as socket:
        await socket.send_str("x" * (MAX_STANZA_BYTES + 1))
        await socket.receive(timeout=5)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    async with asyncio.timeout(5):
        await upstream[0].close_codes.get()


async def test_websocket_needs_the_subprotocol(
    browser: aiohttp.ClientSession, address: str
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        await browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("soap",))


async def test_a_dead_server_is_a_bad_gateway(
    browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    silent = listen("127.0.0.1", [0])
    port = silent.getsockname()[1]
    silent.close()
    async with proxy(tmp_path, f"127.0.0.1:{port}") as address:
        async with browser.post(f"http://{address}/http-bind", data="<body/>") as response:
            assert response.status == 502
        with pytest.raises(aiohttp.WSServerHandshakeError, match="502"):
            await browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",))


async def test_stopping_closes_sockets_and_long_polls_soon(
    browser: aiohttp.ClientSession, tmp_path: Path, upstream: tuple[Upstream, str]
) -> None:
    loop = asyncio.get_running_loop()
    async with proxy(tmp_path, upstream[1]) as address:
        socket = await browser.ws_connect(f"ws://{address}/xmpp-websocket", protocols=("xmpp",))
        poll = asyncio.create_task(browser.post(f"http://{address}/http-bind", data="<hold/>"))
        closed = asyncio.create_task(socket.receive())
        async with asyncio.timeout(5):
            await upstream[0].polling.wait()
        began = loop.time()
    assert loop.time() - began < 4
    assert (await closed).type is WSMsgType.CLOSE
    assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
    with pytest.raises(aiohttp.ClientError):
        await poll
    async with asyncio.timeout(5):
        await upstream[0].close_codes.get()
