"""The peer of ``setup_time``: an echo on aiortc's RTCPeerConnection that a page calls directly.

Its signalling is one HTTP request: the offer goes out, the answer comes back. Run as a process of
its own, as the bridge is; prints the URL of its page.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamTrack

sys.path.insert(0, str(Path(__file__).parents[1]))

from jinglebridge.app import stop_signals  # below the path to it
from tests.support.caller import loopback_candidates  # below the path to it

PAGE = """<!doctype html>
<html lang="en">
<title>Direct call</title>
<link rel="icon" href="data:,">
<video id="remote" autoplay playsinline></video>
<script src="/call.js"></script>
</html>
"""

# Nothing waits for candidates: the page's checks reach the peer as soon as it has the answer.
SCRIPT = """
window.directCall = async () => {
  const constraints = { audio: true, video: { width: 640, height: 480, frameRate: 30 } };
  const stream = await navigator.mediaDevices.getUserMedia(constraints);
  const video = document.querySelector('#remote');
  const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  const pc = new RTCPeerConnection({ iceServers: [] });
  const remote = new MediaStream();
  video.srcObject = remote;
  pc.ontrack = ({ track }) => remote.addTrack(track);
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await pc.setLocalDescription(await pc.createOffer());
  const sent = performance.now();
  const response = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  const first = await shown;
  pc.close();
  video.srcObject = null;
  for (const track of stream.getTracks()) track.stop();
  await fetch('/close', { method: 'POST' });
  return first - sent;
};
"""


class Echo:
    """One call after another."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._pc: RTCPeerConnection | None = None

    async def answer(self, request: web.Request) -> web.Response:
        """Take the offer and send every track back."""
        pc = self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))

        def echo(track: MediaStreamTrack) -> None:
            pc.addTrack(self._relay.subscribe(track))

        pc.add_listener("track", echo)
        await pc.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        return web.Response(text=pc.localDescription.sdp)

    async def close(self, _: web.Request) -> web.Response:
        """End the call."""
        if self._pc is not None:
            await self._pc.close()
        return web.Response()


async def main() -> None:
    """Serve until the process is ended."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/javascript")

    echo = Echo()
    app = web.Application()
    app.add_routes(
        [
            web.get("/", page),
            web.get("/call.js", script),
            web.post("/offer", echo.answer),
            web.post("/close", echo.close),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with loopback_candidates():
        with stop_signals() as stop:
            print(f"page http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
            await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as uv:
        uv.run(main())
