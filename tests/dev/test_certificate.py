import ssl
from pathlib import Path

import aiohttp
import pytest

from jinglebridge.dev import certificate
from jinglebridge.dev.certificate import self_signed, self_signed_context
from jinglebridge.http.listener import listen
from jinglebridge.http.page import PageConfig
from jinglebridge.http.server import create_app, serving


async def test_a_browser_that_accepts_it_reaches_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = self_signed("127.0.0.1")
    monkeypatch.setattr(certificate, "self_signed", lambda address: made)
    (tmp_path / "index.html").write_text("<!doctype html>")
    app = create_app(page=tmp_path, config=PageConfig())
    trusting = ssl.create_default_context(cadata=made[0].decode())
    with listen("127.0.0.1", [0]) as listener:
        port = listener.getsockname()[1]
        async with (
            serving(app, listener, self_signed_context("127.0.0.1")),
            aiohttp.ClientSession() as browser,
        ):
            async with browser.get(f"https://127.0.0.1:{port}/", ssl=trusting) as response:
                assert response.status == 200
            # It is for the address, not for any name that leads there.
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await browser.get(f"https://localhost:{port}/", ssl=trusting)


def test_two_certificates_have_nothing_in_common() -> None:
    assert self_signed("192.0.2.10")[1] != self_signed("192.0.2.10")[1]
