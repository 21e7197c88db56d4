"""The browsers themselves: fake media, loopback peer connections, and nothing left behind."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.browser import (
    Browser,
    BrowserError,
    BrowserKind,
    ConsoleMessage,
    FakeVideo,
    LaunchOptions,
)

pytestmark = pytest.mark.e2e

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE = """<!doctype html>
<html lang="en">
<title>Loopback</title>
<link rel="icon" href="data:,">
<button id="call" disabled>Call</button>
<input id="name">
<video id="remote" autoplay playsinline muted></video>
<script src="/call.js"></script>
<script>window.inlineRan = true;</script>
</html>
"""

SCRIPT = """
const button = document.querySelector('#call');
const pcs = [];
button.addEventListener('click', async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  window.local = stream;
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  pcs.push(near, far);
  near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
  far.ontrack = ({ streams }) => { document.querySelector('#remote').srcObject = streams[0]; };
  for (const track of stream.getTracks()) {
    near.addTrack(track, stream);
  }
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
});
window.inbound = async (kind) => {
  for (const report of (await pcs[1].getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.kind === kind) {
      return report;
    }
  }
  return null;
};
window.state = () => pcs.map((pc) => pc.connectionState).join(' ');
setTimeout(() => { button.disabled = false; }, 100);
console.warn('ready', 1);
setTimeout(() => { throw new RangeError('on purpose'); }, 0);
"""

KINDS: tuple[BrowserKind, ...] = ("chromium", "firefox")


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(
            text=PAGE, content_type="text/html", headers={"Content-Security-Policy": CSP}
        )

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/call.js", script)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/"
    await runner.cleanup()


@pytest.fixture
def temporary_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: it is too long for the Unix socket that Chromium makes below it.
    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)
        monkeypatch.undo()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def processes_of_group(leader: int) -> list[int]:
    """Live processes in the group or session of a browser's main process."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, group, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if state not in "ZX" and leader in (int(group), int(session)):
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_fake_media_decodes_over_loopback(
    kind: BrowserKind, origin: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    async with Browser.launch(kind) as browser:
        print(f"\n{kind} {browser.version}: launched in {browser.launch_ms} ms", end="")
        print(f" ({time.monotonic() - started:.2f} s with the driver)")
        page = await browser.page(origin)
        await page.click("#call")
        tracks = await page.wait_for("window.local?.getTracks().map((track) => track.kind).sort()")
        assert tracks == ["audio", "video"]
        assert await page.wait_for("state() === 'connected connected'", within=20)

        frames = await page.wait_for(
            "inbound('video').then((report) => report?.framesDecoded > 15 && report.framesDecoded)",
            within=20,
        )
        assert frames > 15
        assert await page.wait_for("inbound('audio').then((r) => r?.packetsReceived > 20)")
        # Senders may scale down to the bandwidth they believe in, but keep the shape.
        video = "document.querySelector('#remote')"
        shape = f"{video}.videoWidth && {video}.videoWidth / {video}.videoHeight"
        assert await page.wait_for(shape) == pytest.approx(4 / 3)

        picture = tmp_path / "shots" / f"{kind}.png"
        await page.screenshot(picture)
        assert picture.read_bytes().startswith(b"\x89PNG")
        leader = browser.pid
        assert processes_of_group(leader)
    assert processes_of_group(leader) == []
    print(f"{kind}: {time.monotonic() - started:.2f} s in all, {frames} frames decoded")


@pytest.mark.parametrize("kind", KINDS)
async def test_page_input_console_and_errors_under_a_strict_policy(
    kind: BrowserKind, origin: str
) -> None:
    small = FakeVideo(width=320, height=240, fps=10)
    options = LaunchOptions(color_scheme="dark", fake_video=small)
    async with Browser.launch(kind, options) as browser:
        page = await browser.page(origin)
        await page.type("#name", "Romeo é")
        assert await page.evaluate("document.querySelector('#name').value") == "Romeo é"
        await page.press("Tab")
        assert await page.evaluate("await Promise.resolve({ a: [1, null, 'x'] });") == {
            "a": [1, None, "x"]
        }
        assert await page.evaluate("undefined") is None
        assert await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is True
        await page.set_viewport(390, 844)
        assert await page.wait_for("innerWidth === 390 && innerHeight === 844")
        width = await page.evaluate(
            "navigator.mediaDevices.getUserMedia({ video: true })"
            ".then((stream) => stream.getVideoTracks()[0].getSettings().width)"
        )
        assert width == 320

        with pytest.raises(BrowserError, match="TypeError"):
            await page.evaluate("null.missing")
        with pytest.raises(BrowserError, match="longer than 300 ms"):
            await page.evaluate("new Promise(() => {})", within=0.3)
        with pytest.raises(BrowserError, match="did not become true within 300 ms; last: "):
            await page.wait_for("0", within=0.3)
        with pytest.raises(BrowserError, match="300"):
            await page.click("#absent", within=0.3)

        other = await browser.page(origin)
        assert await page.evaluate("document.visibilityState") == "visible"
        await other.close()
        with pytest.raises(BrowserError, match="no page"):
            await other.evaluate("1")

        assert await page.evaluate("window.inlineRan") is None
        messages = await page.console()
        assert ConsoleMessage(kind="warn", text="ready 1", url=f"{origin}call.js") in messages
        errors = [message for message in messages if message.kind == "pageerror"]
        assert ["on purpose" in message.text for message in errors] == [True], errors
        violations = [message.text for message in messages if message.kind == "csp"]
        assert any("script-src-elem blocked inline" in text for text in violations), violations


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_survives_a_failing_block_or_a_killed_driver(
    kind: BrowserKind, origin: str, temporary_files: Path
) -> None:
    leaders = []

    async def fail_in_the_middle() -> None:
        async with Browser.launch(kind) as browser:
            await browser.page(origin)
            leaders.append(browser.pid)
            raise RuntimeError("the test failed")

    with pytest.raises(RuntimeError, match="the test failed"):
        await fail_in_the_middle()
    assert processes_of_group(leaders[0]) == []

    async with Browser.launch(kind) as browser:
        page = await browser.page(origin)
        os.kill(parent_of(browser.pid), signal.SIGKILL)
        with pytest.raises(BrowserError, match="the driver has ended"):
            await page.evaluate("1")
    assert processes_of_group(browser.pid) == []
    assert os.listdir(temporary_files) == []


async def test_a_launch_that_fails_says_why() -> None:
    options = LaunchOptions(executable="/nonexistent/chromium")
    with pytest.raises(BrowserError, match="/nonexistent/chromium"):
        async with Browser.launch("chromium", options):
            pytest.fail("the launch was to fail")
