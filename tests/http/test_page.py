import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from jinglebridge.errors import OperatorError
from jinglebridge.http.headers import content_security_policy
from jinglebridge.http.page import DemoAccount, OfferedService, PageConfig
from jinglebridge.http.server import create_app

CONFIG = PageConfig(
    domain="localhost",
    anonymous_domain="anon.localhost",
    services=(OfferedService(jid="echo@bridge.localhost", name="Echo", description="Hear you."),),
    demo=DemoAccount(jid="demo@localhost", password="p"),
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Call</title>")
    (tmp_path / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "assets" / "index-Ab12.js").write_text("export {};")
    (tmp_path / ".stamp").write_text("not for the page")
    return tmp_path


@pytest.fixture
async def client(built: Path) -> AsyncIterator[TestClient]:
    app = create_app(page=built, config=CONFIG, bosh="http://127.0.0.1:9/http-bind")
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_index_is_checked_again_each_time(client: TestClient) -> None:
    response = await client.get("/")
    assert response.status == 200
    assert response.content_type == "text/html"
    assert response.headers["Cache-Control"] == "no-cache"


async def test_assets_are_kept_for_ever(client: TestClient) -> None:
    response = await client.get("/assets/index-Ab12.js")
    assert response.status == 200
    assert response.content_type in ("text/javascript", "application/javascript")
    assert "immutable" in response.headers["Cache-Control"]


async def test_other_files_of_the_build_are_checked_again(client: TestClient) -> None:
    response = await client.get("/favicon.svg")
    assert response.content_type == "image/svg+xml"
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/.stamp", "/assets/", "/assets/..%2f..%2fetc/passwd", "/..%2f.stamp", "/nothing", "/%00"],
)
async def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    response = await client.get(path)
    assert response.status == 404
    assert "Content-Security-Policy" in response.headers


async def test_the_page_is_told_what_it_needs(client: TestClient) -> None:
    response = await client.get("/config.json")
    assert json.loads(await response.text()) == {
        "domain": "localhost",
        "anonymousDomain": "anon.localhost",
        "bosh": "/http-bind",
        "websocket": None,
        "services": [{"jid": "echo@bridge.localhost", "name": "Echo", "description": "Hear you."}],
        "demo": {"jid": "demo@localhost", "password": "p"},
        "iceServers": [],
    }
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/config.json", "/healthz", "/nothing"])
async def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"ws://{client.host}:{client.port} " in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert headers["Server"] == "jinglebridge"


def test_a_strange_host_cannot_write_the_policy() -> None:
    policy = content_security_policy("a; script-src *")
    assert "*" not in policy
    assert "connect-src 'self';" in policy
    assert "ws://[::1]:80 " in content_security_policy("[::1]:80")


async def test_health(client: TestClient) -> None:
    response = await client.get("/healthz")
    assert (response.status, await response.text()) == (200, "ok\n")


def test_a_page_that_is_not_built_is_the_operators_fault(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="not built"):
        create_app(page=tmp_path, config=CONFIG)
