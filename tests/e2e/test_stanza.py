"""The npm package stanza, in Chromium, calls over Prosody's WebSocket: a client that is not ours.

It knows no Jingle Message Initiation, leaves ``senders`` out, trickles TCP candidates and without
passwords, and has a Jingle and SDP implementation of its own.
"""

import json
import secrets
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.browser import Browser, FakeVideo, LaunchOptions, Page, node_binary
from tests.support.stack import ECHO, Stack, stack, until

pytestmark = pytest.mark.e2e

DRIVER = Path(__file__).parent / "driver"
BUNDLER = Path(__file__).parents[2] / "web/node_modules/rolldown/bin/cli.mjs"
CAMERA = FakeVideo(width=320, height=180, fps=15)
JINGLE = {
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle:apps:rtp:video",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:transports:ice-udp:1",
}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The phone with its library, for a browser."""
    out = tmp_path_factory.mktemp("stanza") / "phone.js"
    options = ("--format", "iife", "--platform", "browser", "--log-level", "silent")
    command = (node_binary(), BUNDLER, DRIVER / "stanza-phone.mjs", *options, "-o", out)
    subprocess.run(command, check=True, timeout=60)
    return out.read_bytes()


@pytest.fixture
async def origin(script: bytes) -> AsyncIterator[str]:
    """A page that has nothing but the phone."""
    html = "<!doctype html><title>stanza</title><body><script src='/phone.js'></script>"

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def phone(_: web.Request) -> web.Response:
        return web.Response(body=script, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/phone.js", phone)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}/".format(*runner.addresses[0][:2])
    await runner.cleanup()


@pytest.fixture
async def product(nothing_left: None) -> AsyncIterator[Stack]:
    async with stack(page=False) as running:
        yield running


@pytest.fixture
async def page(product: Stack, origin: str) -> AsyncIterator[Page]:
    """The phone, signed in, with the service found."""
    password = secrets.token_urlsafe(9)
    jid = product.prosody.add_account("stanza", password)
    async with Browser.launch("chromium", LaunchOptions(fake_video=CAMERA)) as browser:
        opened = await browser.page(origin)
        words = json.dumps([jid, password, product.prosody.websocket_url])
        assert await opened.evaluate(f"signIn(...{words})")
        found = await opened.evaluate(f"phone.find({json.dumps(ECHO)})")
        assert found["jid"] == f"{ECHO}/media"
        assert set(found["features"]) >= JINGLE
        yield opened
        errors = [item.text for item in await opened.console() if item.kind == "pageerror"]
        assert not errors
        assert await opened.evaluate("phone.log") == []


async def call(page: Page, *, video: bool) -> dict[str, Any]:
    """Call echo and wait until something comes back; what it is."""
    media = json.dumps({"audio": True, "video": video})
    await page.evaluate(f"phone.call({json.dumps(f'{ECHO}/media')}, {media})")
    picture = "heard.frames >= 30" if video else "true"
    found: dict[str, Any] = await page.wait_for(
        f"(async () => {{ const heard = await phone.heard();"
        f"return heard.energy > 0 && {picture} ? heard : null; }})()"
    )
    assert found["state"] == "active"
    return found


@pytest.mark.parametrize("video", [False, True], ids=["audio", "audio+video"])
async def test_the_client_hangs_up(product: Stack, page: Page, video: bool) -> None:
    found = await call(page, video=video)
    if video:
        # a browser begins with a smaller picture and enlarges it
        assert 0 < found["width"] <= CAMERA.width
    (running,) = product.bridge.calls
    await page.evaluate("phone.hangUp()")
    await until(lambda: not product.bridge.calls)
    assert str(running.reason) == "success"


async def test_we_hang_up(product: Stack, page: Page) -> None:
    await call(page, video=True)
    (running,) = product.bridge.calls
    running.hang_up()
    assert await page.wait_for("phone.ended") == "success"
    await until(lambda: not product.bridge.calls)


async def test_one_call_after_the_other(product: Stack, page: Page) -> None:
    for video in (True, False):
        await call(page, video=video)
        await page.evaluate("phone.hangUp()")
        await until(lambda: not product.bridge.calls)
    assert not product.events("call failed")
