import asyncio
import hashlib
import re
from pathlib import Path

import aiohttp
import pytest

from jinglebridge.dev.prosody import PrivateProsody

ROOT = Path(__file__).parent.parent.parent
SNIPPET = (ROOT / "prosody" / "jinglebridge.cfg.lua").read_text("utf-8")


def lua_blocks(name: str) -> list[str]:
    return re.findall(r"```lua\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)


async def handshake(port: int, domain: str, secret: str) -> str:
    """Sign in as a component (XEP-0114 §3); returns what the server says."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"<stream:stream xmlns='jabber:component:accept' to='{domain}' "
            "xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        opened = (await reader.readuntil(b"id='") + await reader.readuntil(b"'")).decode()
        stream_id = opened.rpartition("id='")[2].rstrip("'")
        await reader.readuntil(b">")
        digest = hashlib.sha1(f"{stream_id}{secret}".encode()).hexdigest()  # noqa: S324 - XEP-0114
        writer.write(f"<handshake>{digest}</handshake>".encode())
        answer = await reader.readuntil(b">")
        writer.close()
        return answer.decode()


async def cors(url: str, origin: str) -> str | None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with aiohttp.ClientSession() as session, session.options(url, headers=headers) as answer:
        return answer.headers.get("Access-Control-Allow-Origin")


def test_the_readme_shows_what_the_file_says() -> None:
    blocks = lua_blocks("README.md")
    assert blocks
    for block in blocks:
        assert block in SNIPPET


def test_every_option_is_explained() -> None:
    text = (ROOT / "prosody" / "README.md").read_text("utf-8")
    for option in re.findall(r"^\s*([a-z_]+) = (?!{ enabled)", SNIPPET, re.MULTILINE):
        assert f"`{option}" in text or f"{option} =" in text, option
    for module in re.findall(r'^\s*"([a-z_]+)";', SNIPPET, re.MULTILINE):
        assert f'`"{module}"`' in text, module


@pytest.mark.server
async def test_prosody_takes_the_snippet_without_a_complaint() -> None:
    secret = re.findall(r'component_secret = "(.*)"', SNIPPET)[0]
    async with PrivateProsody(extra_config=SNIPPET) as prosody:
        answer = await handshake(prosody.component_port, "bridge.example.org", secret)
        assert answer == "<handshake/>"
        # The private server says some of it too; beside a real one nothing stands twice.
        complaints = [
            line
            for line in prosody.log_path.read_text().splitlines()
            if re.search(r"\t(warn|error)\t", line) and "Duplicate option" not in line
        ]
        allowed = await cors(prosody.bosh_url, "https://call.example.org")
        foreign = await cors(prosody.bosh_url, "https://evil.example")
    assert complaints == []
    assert (allowed, foreign) == ("https://call.example.org", None)
