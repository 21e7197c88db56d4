"""The page as a person uses it: its buttons, and what it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.e2e.browser import Browser, BrowserKind, ColorScheme, FakeVideo, LaunchOptions, Page
from tests.e2e.pictures import source_of
from tests.support.stack import ECHO, Stack

Transport = Literal["bosh", "websocket"]

CAMERA = FakeVideo(width=320, height=180, fps=15)
# Firefox does not pair its own addresses with a loopback address, so the bridge has to ask first,
# as it can when Firefox shows its addresses: to a page with a real camera it does.
PREFERENCES: dict[BrowserKind, dict[str, bool | int | str]] = {
    "chromium": {},
    "firefox": {"media.peerconnection.ice.obfuscate_host_addresses": False},
}


class Softphone:
    """One page of the product."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    async def open(self, transport: Transport) -> None:
        """Load the page."""
        assert await self.page.goto(f"{self._url}?debug&transport={transport}") in (200, 304)
        await self.page.wait_for("window.jinglebridge !== undefined")

    async def sign_in(self, way: Literal["guest", "demo"] = "guest") -> None:
        """Sign in with one click."""
        await self.page.click(f"#sign-in-{way}")
        await self.wait_for_state("ready")

    async def call(self, jid: str = ECHO, media: Literal["video", "audio"] = "video") -> None:
        """Type an address and call it."""
        await self.page.evaluate("document.querySelector('#call-jid').value = ''")
        await self.page.type("#call-jid", jid)
        await self.page.click(f"#call-{media}")

    async def wait_for_state(self, state: str) -> None:
        """Wait until the page is in this state."""
        await self.page.wait_for(f"document.documentElement.dataset.callState === '{state}'")

    async def words(self) -> str:
        """What the status line says."""
        text: str = await self.page.evaluate(
            "document.querySelector('#call-state').textContent.trim()"
        )
        return text

    async def problem(self) -> str:
        """What the problem box says, empty when there is none."""
        text: str = await self.page.evaluate(
            "document.querySelector('#problem').checkVisibility()"
            " ? document.querySelector('#problem p').textContent.replace(/\\s+/g, ' ').trim() : ''"
        )
        return text

    async def stats(self) -> dict[str, Any]:
        """The figures of the call."""
        figures: dict[str, Any] = await self.page.evaluate("jinglebridge.stats()")
        return figures

    async def wait_for_frames(self, more: int = 60) -> int:
        """Wait until that many more frames were decoded; returns how many are in all."""
        await self.wait_for_state("connected")
        wanted = (await self.stats())["framesDecoded"] + more
        frames: int = await self.page.wait_for(
            f"jinglebridge.stats().then((s) => s.framesDecoded >= {wanted} && s.framesDecoded)"
        )
        return frames

    async def wait_for_sound(self) -> None:
        """Wait until something is heard within a second."""
        await self.page.wait_for(f"{_energy_gained(1000)}.then((gained) => gained > {_AUDIBLE})")

    async def wait_for_silence(self) -> None:
        """Wait until nothing is heard for a while."""
        await self.page.wait_for(f"{_energy_gained(1500)}.then((gained) => gained < {_AUDIBLE})")

    async def paint(self, picture: str, width: int, height: int) -> None:
        """Show a canvas in place of the camera from the next call on; see ``pictures``."""
        await self.page.evaluate(source_of(picture, width, height))

    async def brightness(self) -> float:
        """Mean luminance of the picture of the other side, 0 to 255."""
        value: float = await self.page.evaluate(_BRIGHTNESS)
        return value

    async def check_manners(self) -> None:
        """See that the page kept to its policy, to its origin, and raised no error."""
        messages = await self.page.console()
        assert not [m for m in messages if m.kind in ("csp", "pageerror", "crash", "error")]
        origin = urlsplit(self._url).netloc
        asked = await self.page.requests()
        assert asked
        listed = await self.page.evaluate(
            "performance.getEntriesByType('resource').map(({ name }) => name)"
        )
        elsewhere = [url for url in (*asked, *listed) if not _stays(url, origin)]
        assert not elsewhere


@asynccontextmanager
async def softphone(
    running: Stack,
    kind: BrowserKind = "chromium",
    transport: Transport = "websocket",
    *,
    scheme: ColorScheme | None = None,
) -> AsyncIterator[Softphone]:
    """The page in a browser, not signed in yet; its manners are looked at in the end."""
    options = LaunchOptions(fake_video=CAMERA, prefs=PREFERENCES[kind], color_scheme=scheme)
    async with Browser.launch(kind, options) as browser:
        phone = Softphone(await browser.page(), running.url)
        await phone.open(transport)
        yield phone
        await phone.check_manners()


async def eventually(question: Any, *, within: float = 10.0) -> None:
    """Ask the page again until it says yes."""
    async with asyncio.timeout(within):
        while not await question():  # noqa: ASYNC110 # the page sets no events of ours
            await asyncio.sleep(0.1)


def _stays(url: str, origin: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.netloc == origin


_AUDIBLE = 1e-4
"""Energy that is more than the rounding of a codec at rest."""


def _energy_gained(milliseconds: int) -> str:
    return f"""(async () => {{
      const heard = async () => (await jinglebridge.stats()).totalAudioEnergy;
      const before = await heard();
      await new Promise((resolve) => setTimeout(resolve, {milliseconds}));
      return (await heard()) - before;
    }})()"""


_BRIGHTNESS = """(() => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [32, 18];
  const context = canvas.getContext('2d');
  context.drawImage(document.querySelector('#remote'), 0, 0, 32, 18);
  const { data } = context.getImageData(0, 0, 32, 18);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) {
    sum += 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
  }
  return sum / (data.length / 4);
})()"""
