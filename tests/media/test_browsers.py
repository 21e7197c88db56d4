"""Real browsers call the endpoint directly: pages offer, the engine answers, media comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
    MediaSession,
)
from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.services.echo import EchoProgram
from tests.e2e.browser import Browser, BrowserKind, LaunchOptions, Page

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("nothing_left")]

LOOPBACK = MediaSettings(bind_addresses=("127.0.0.1",), policy=CandidatePolicy(allow_loopback=True))

# Firefox does not pair its own addresses with a loopback address, so the endpoint has to ask first,
# as it can when Firefox shows its addresses: to a page with a real camera it does.
OPTIONS = {
    "chromium": LaunchOptions(),
    "firefox": LaunchOptions(prefs={"media.peerconnection.ice.obfuscate_host_addresses": False}),
}

PAGE = """<!doctype html>
<title>Caller</title>
<link rel="icon" href="data:,">
<video id="remote" autoplay playsinline></video>
<audio id="sound" autoplay></audio>
<script src="/caller.js"></script>
"""

SCRIPT = """
window.candidates = [];
// Noise in a quarter of the picture: it takes all that a browser will send, but is not so hard that
// the browser shrinks the picture, and its highest rate with it, for want of quality.
window.canvasTrack = () => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 480];
  const context = canvas.getContext('2d');
  const small = document.createElement('canvas');
  [small.width, small.height] = [80, 60];
  const cells = new Uint32Array(80 * 60);
  const paint = () => {
    for (let at = 0; at < cells.length; at += 1) {
      cells[at] = (Math.random() * 0xffffff) | 0xff000000;
    }
    const picture = new ImageData(new Uint8ClampedArray(cells.buffer), 80, 60);
    small.getContext('2d').putImageData(picture, 0, 0);
    context.drawImage(small, 160, 120, 320, 240);
  };
  setInterval(paint, 1000 / 30);
  return canvas.captureStream(30).getVideoTracks()[0];
};
window.openCall = async (configuration, source) => {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: source === 'noise' ? false : { width: 640, height: 480, frameRate: 30 },
  });
  const pc = window.pc = new RTCPeerConnection({ iceServers: [], ...configuration });
  pc.onicecandidate = ({ candidate }) => {
    window.candidates.push(candidate && {
      line: candidate.candidate, mid: candidate.sdpMid, ufrag: candidate.usernameFragment,
    });
  };
  pc.ontrack = ({ track }) => {
    const element = document.querySelector(track.kind === 'video' ? '#remote' : '#sound');
    element.srcObject = new MediaStream([track]);
  };
  return stream;
};
window.addTracks = (stream, source) => {
  const tracks = stream.getTracks();
  if (source === 'noise') tracks.push(window.canvasTrack());
  for (const track of tracks) window.pc.addTrack(track, stream);
};
window.offer = async (configuration, source) => {
  const stream = await window.openCall(configuration, source);
  const pc = window.pc;
  window.addTracks(stream, source);
  if (source === 'data') {
    window.channel = pc.createDataChannel('echo');
    window.echoed = [];
    window.channel.onmessage = ({ data }) => window.echoed.push(data);
  }
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
};
window.answer = async (configuration, source, sdp) => {
  const stream = await window.openCall(configuration, source);
  await window.pc.setRemoteDescription({ type: 'offer', sdp });
  window.addTracks(stream, source);
  await window.pc.setLocalDescription();
  return window.pc.localDescription.sdp;
};
window.accept = (sdp) => window.pc.setRemoteDescription({ type: 'answer', sdp });
window.takeCandidates = () => window.candidates.splice(0);
window.trickle = (line, mid, ufrag) => window.pc.addIceCandidate({
  candidate: line, sdpMid: mid, usernameFragment: ufrag,
});
window.report = async (type, kind) => {
  for (const entry of (await window.pc.getStats()).values()) {
    if (entry.type === type && entry.kind === kind) return entry;
  }
  return {};
};
window.energy = async () => (await window.report('inbound-rtp', 'audio')).totalAudioEnergy ?? 0;
window.decoded = async () => (await window.report('inbound-rtp', 'video')).framesDecoded ?? 0;
"""


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/caller.js", script)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


class Call:
    """One call of a page, with the signalling done by hand."""

    def __init__(self, page: Page, engine: InProcessEngine) -> None:
        self._page = page
        self._engine = engine
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.states: list[ConnectionState] = []
        self.failed = asyncio.Event()
        self.session: MediaSession | None = None

    async def start(self, configuration: str = "{}", source: str = "camera") -> None:
        """The page calls."""
        session = await self._open()
        sdp = await self._page.evaluate(f"offer({configuration}, '{source}')")
        answer = await session.answer(loads_offer(sdp))
        await self._page.evaluate(f"accept({dumps(answer)!r})")
        self._carry(session)

    async def start_here(
        self,
        configuration: str = "{}",
        source: str = "camera",
        change: Callable[[Offer], Offer] = lambda offer: offer,
    ) -> Answer:
        """We call the page, with audio and video."""
        session = await self._open()
        offer = change(await session.prepare_offer(("audio", "video")))
        sdp = await self._page.evaluate(f"answer({configuration}, '{source}', {dumps(offer)!r})")
        answer = loads_answer(sdp)
        await session.commit(answer)
        self._carry(session)
        return answer

    async def _open(self) -> MediaSession:
        self.session = await self._engine.open("echo", "page@localhost/a", self._events.put_nowait)
        return self.session

    def _carry(self, session: MediaSession) -> None:
        self._tasks = [
            asyncio.create_task(self._carry_ours()),
            asyncio.create_task(self._carry_theirs(session)),
        ]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.session is not None:
            await self.session.close()

    async def wait_for(self, expression: str) -> Any:
        for task in self._tasks:
            if task.done():
                task.result()
        return await self._page.wait_for(expression, within=25)

    async def _carry_ours(self) -> None:
        while True:
            event = await self._events.get()
            if isinstance(event, ConnectionChanged):
                self.states.append(event.state)
                if event.state is ConnectionState.FAILED:
                    self.failed.set()
            elif isinstance(event, LocalCandidates):
                trickled = event.trickled
                lines = [build_candidate(one) for one in trickled.candidates]
                for line in [*lines, *([""] if trickled.end_of_candidates else [])]:
                    await self._page.evaluate(
                        f"trickle({line!r}, {trickled.mid!r}, {trickled.ufrag!r})"
                    )

    async def _carry_theirs(self, session: MediaSession) -> None:
        while True:
            for found in await self._page.evaluate("takeCandidates()"):
                if found is None:
                    return
                line = found["line"]
                await session.add_candidates(
                    TrickledCandidates(
                        mid=found["mid"],
                        ufrag=found["ufrag"],
                        candidates=(parse_candidate(line),) if line else (),
                        end_of_candidates=not line,
                    )
                )
            await asyncio.sleep(0.1)


@asynccontextmanager
async def calling(kind: BrowserKind, origin: str) -> AsyncIterator[tuple[Call, Page]]:
    async with AsyncExitStack() as stack:
        engine = InProcessEngine(LOOPBACK, {"echo": EchoProgram})
        stack.push_async_callback(engine.close)
        browser = await stack.enter_async_context(Browser.launch(kind, OPTIONS[kind]))
        page = await browser.page(origin)
        call = Call(page, engine)
        stack.push_async_callback(call.end)
        yield call, page


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
@pytest.mark.parametrize("policy", ["balanced", "max-bundle"])
async def test_sound_and_picture_come_back(kind: BrowserKind, policy: str, origin: str) -> None:
    async with calling(kind, origin) as (call, page):
        await call.start(f"{{bundlePolicy: '{policy}'}}")
        await call.wait_for("pc.connectionState === 'connected'")
        await call.wait_for("decoded().then(frames => frames >= 60)")
        await call.wait_for("energy().then(energy => energy > 0)")
        assert call.states[-1] is ConnectionState.CONNECTED
        await page.evaluate("pc.close()")
        async with asyncio.timeout(10):
            await call.failed.wait()


def unbundled(offer: Offer) -> Offer:
    return replace(offer, groups=())


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
@pytest.mark.parametrize(
    ("policy", "bundled"),
    [("balanced", True), ("max-bundle", True), ("balanced", False)],
    ids=["balanced", "max-bundle", "unbundled"],
)
async def test_called_browser_gets_its_sound_and_picture_back(
    kind: BrowserKind, policy: str, bundled: bool, origin: str
) -> None:
    async with calling(kind, origin) as (call, page):
        answer = await call.start_here(
            f"{{bundlePolicy: '{policy}'}}",
            change=(lambda offer: offer) if bundled else unbundled,
        )
        assert bool(answer.groups) is bundled
        await call.wait_for("pc.connectionState === 'connected'")
        await call.wait_for("decoded().then(frames => frames >= 60)")
        await call.wait_for("energy().then(energy => energy > 0)")
        assert call.states[-1] is ConnectionState.CONNECTED
        transports = "[...stats.values()].filter(one => one.type === 'transport').length"
        count = f"pc.getStats().then(stats => {transports})"
        assert await page.evaluate(count) == (1 if bundled else 2)
        await page.evaluate("pc.close()")
        async with asyncio.timeout(10):
            await call.failed.wait()


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_data_channel_echoes(kind: BrowserKind, origin: str) -> None:
    async with calling(kind, origin) as (call, page):
        await call.start(source="data")
        await call.wait_for("channel.readyState === 'open'")
        await page.evaluate("channel.send('grüß dich')")
        await call.wait_for("echoed[0] === 'grüß dich'")
        await call.wait_for("decoded().then(frames => frames >= 10)")


@pytest.mark.parametrize("calls", ["the page", "the endpoint"])
async def test_chromium_sends_at_full_quality(calls: str, origin: str) -> None:
    async with calling("chromium", origin) as (call, page):
        if calls == "the page":
            await call.start(source="noise")
        else:
            await call.start_here(source="noise")
        await call.wait_for("pc.connectionState === 'connected'")
        await asyncio.sleep(10)
        before = await page.evaluate("report('outbound-rtp', 'video')")
        await asyncio.sleep(4)
        after = await page.evaluate("report('outbound-rtp', 'video')")
    seconds = (after["timestamp"] - before["timestamp"]) / 1000
    rate = 8 * (after["bytesSent"] - before["bytesSent"]) / seconds
    print(f"\n{calls} calls: {rate / 1e6:.2f} Mbit/s")
    assert rate >= 1_000_000
