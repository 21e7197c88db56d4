"""How long until the first picture, and what an echo call costs.

One Chromium calls, in turns, ``echo`` through page, Prosody (WebSocket), bridge and media endpoint,
and an echo on aiortc's RTCPeerConnection directly, whose signalling is one HTTP request. Both run
as processes of their own, on loopback, with the same fake camera. The clock starts when the offer
leaves the page (session-initiate, or the request) and stops when the first echoed frame is shown.
Then one call through the bridge sends 640x480@30, and the CPU time of the bridge's process alone
is taken (signalling, media and the page's server; neither Prosody nor the browser).

    python benchmarks/setup_time.py [--runs N] [--seconds N] [--json] [--report PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.report import (  # below the path to it
    described,
    last_line,
    surroundings,
    table,
    write_report,
)
from jinglebridge.dev.ports import free_ports
from tests.e2e.browser import Browser, FakeVideo, LaunchOptions, Page
from tests.e2e.pictures import GRAIN, source_of

HERE = Path(__file__).parent
CAMERA = FakeVideo(width=640, height=480, fps=30)
START_WITHIN = 30.0
"""For a process to say its URL, in s."""
WARM_UP = 10.0
"""For the sender to reach its bit rate, in s."""

# The page is looked at from outside: when the stanza leaves, when a frame is on the screen.
WATCH = """(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (String(data).includes('session-initiate')) window.sent = performance.now();
    return send.call(this, data);
  };
})()"""
NEXT_FRAME = """(() => {
  const video = document.querySelector('#remote');
  window.first = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
})()"""
IN_STATE = "document.documentElement.dataset.callState === '{}'"


@dataclass(frozen=True, slots=True)
class Load:
    """What one echo call did."""

    cpu_percent: float
    """User and system time of the bridge's process, of one core."""
    bitrate: float
    """Sent by the page, in bit/s; as much comes back."""
    frame_rate: float
    """Frames decoded a second."""
    size: str


NOTES = """
- **First frame**: from the moment the offer leaves the page (session-initiate, or the HTTP request
  of the direct call) until the first echoed frame is shown. Through the bridge that is page,
  WebSocket, Prosody, component, media endpoint and back, and the candidates follow one by one; the
  direct call is one HTTP request to an echo on aiortc's RTCPeerConnection in a process of its own.
  The two kinds of calls take turns.
- **CPU**: user and system time of the process that holds signalling, media and the page's web
  server, while one page sends a lively picture and gets it back. The bound is 6 % of a core.
"""


async def main(runs: int, seconds: float, as_json: bool, report: Path | None) -> None:
    """Measure, print, and write the report if one is asked for."""
    async with (
        process("-c", "from jinglebridge.cli import main; main()", "dev", *port()) as bridge,
        process(str(HERE / "direct_echo.py")) as direct,
        Browser.launch("chromium", LaunchOptions(fake_video=CAMERA)) as browser,
    ):
        facts = surroundings("aiortc", "slixmpp", browser=browser.version)
        page = await signed_in(browser, bridge.url)
        other = await browser.page(direct.url)
        await first_frame(page)  # what is loaded once is loaded now
        await first_frame_directly(other)
        bridged, plain = [], []
        for _ in range(runs):
            bridged.append(await first_frame(page))
            plain.append(await first_frame_directly(other))
        await other.close()
        load = await cost(page, bridge.pid, seconds)
    figures = {
        "first_frame_ms": round(statistics.median(bridged), 1),
        "direct_ms": round(statistics.median(plain), 1),
        "ratio": round(statistics.median(bridged) / statistics.median(plain), 2),
        "echo_cpu_percent": round(load.cpu_percent, 2),
    }
    rows = [spread("through the bridge", bridged), spread("aiortc directly", plain)]
    text = "\n\n".join(
        (
            table(("first frame, ms", "median", "fastest", "slowest", "calls"), rows),
            table(
                ("echo call, bridge's process", "CPU, % of a core", "Mbit/s in", "frames/s"),
                [
                    (
                        f"{load.size}, {seconds:g} s",
                        f"{load.cpu_percent:.2f}",
                        f"{load.bitrate / 1e6:.2f}",
                        f"{load.frame_rate:.1f}",
                    )
                ],
            ),
        )
    )
    print(f"{text}\n\n{described(facts)}")
    if report is not None:
        write_report(
            report,
            title="Time to the first picture, and the cost of an echo call",
            command="benchmarks/setup_time.py",
            text=text,
            notes=NOTES,
            facts=facts,
            figures=figures,
        )
    if as_json:
        print(last_line({**figures, **facts}))


def spread(name: str, times: list[float]) -> tuple[str, ...]:
    """One row of the first table."""
    figures = (statistics.median(times), min(times), max(times))
    return (name, *(f"{figure:.1f}" for figure in figures), str(len(times)))


def port() -> tuple[str, str]:
    """A free port for the page."""
    [number] = free_ports(1)
    return "--port", str(number)


@dataclass(frozen=True, slots=True)
class Served:
    """A process that serves a page."""

    url: str
    pid: int


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[Served]:
    """A Python process that says ``page URL``, ended with SIGINT."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(START_WITHIN):
            url = await said_url(child)
        yield Served(url, child.pid)
    finally:
        child.send_signal(signal.SIGINT)
        await child.wait()


async def said_url(child: asyncio.subprocess.Process) -> str:
    """The word after ``page``."""
    assert child.stdout is not None
    while line := await child.stdout.readline():
        words = line.decode().split()
        if words[:1] == ["page"]:
            return words[1]
    raise RuntimeError("a server ended before it served")


async def signed_in(browser: Browser, url: str) -> Page:
    """The product's page, ready to call."""
    page = await browser.page(f"{url}?debug&transport=websocket")
    await page.evaluate(WATCH)
    await page.click("#sign-in-guest")
    await page.wait_for(IN_STATE.format("ready"))
    return page


async def first_frame(page: Page) -> float:
    """One call through the bridge; ms until its first frame is shown."""
    await page.evaluate(NEXT_FRAME)
    await page.click("#call-video")
    elapsed: float = await page.evaluate("first.then((at) => at - sent)")
    await hang_up(page)
    return elapsed


async def first_frame_directly(page: Page) -> float:
    """One call past the bridge; ms until its first frame is shown."""
    elapsed: float = await page.evaluate("directCall()")
    return elapsed


async def hang_up(page: Page) -> None:
    """End the call and wait until the page says so."""
    await page.click("#hang-up")
    await page.wait_for(IN_STATE.format("ended"))


async def cost(page: Page, pid: int, seconds: float) -> Load:
    """One long call of a lively picture."""
    await page.evaluate(source_of(GRAIN, 640, 480))
    await page.click("#call-video")
    await page.wait_for(IN_STATE.format("connected"))
    await asyncio.sleep(WARM_UP)
    before, used = await page.evaluate("jinglebridge.stats()"), cpu_seconds(pid)
    started = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    used = cpu_seconds(pid) - used
    elapsed = asyncio.get_running_loop().time() - started
    after = await page.evaluate("jinglebridge.stats()")
    await hang_up(page)
    span = (after["timestamp"] - before["timestamp"]) / 1000
    return Load(
        cpu_percent=100 * used / elapsed,
        bitrate=8 * (after["bytesSent"] - before["bytesSent"]) / span,
        frame_rate=(after["framesDecoded"] - before["framesDecoded"]) / span,
        size=f"{after['frameWidth']}x{after['frameHeight']}",
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks: int = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=20, help="calls of each kind")
    parser.add_argument("--seconds", type=float, default=20, help="length of the long call")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--report", type=Path, help="write this .md and .json")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    asyncio.run(main(given.runs, given.seconds, given.json, given.report))
