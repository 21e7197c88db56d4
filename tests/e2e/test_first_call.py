"""The first call: page, Prosody, bridge and media endpoint, all of them real."""

from pathlib import Path

import pytest

from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from tests.e2e.browser import BrowserKind, ColorScheme
from tests.e2e.pictures import LANDSCAPE, NOISE
from tests.e2e.softphone import Transport, eventually, softphone
from tests.support import leaks
from tests.support.stack import ECHO, Stack, until

pytestmark = pytest.mark.e2e

ARTIFACTS = Path(__file__).parent / "artifacts"
EVERYWHERE = pytest.mark.parametrize(
    ("kind", "transport"),
    [("chromium", "bosh"), ("chromium", "websocket"), ("firefox", "websocket")],
)
IN_BOTH = pytest.mark.parametrize("kind", ["chromium", "firefox"])


@EVERYWHERE
async def test_picture_and_sound_come_back_until_one_hangs_up(
    kind: BrowserKind, transport: Transport, served: Stack
) -> None:
    async with softphone(served, kind, transport) as phone:
        await phone.sign_in()
        assert await phone.words() == "Ready to call"
        before = leaks.holdings()

        await phone.call()
        await phone.wait_for_state("connected")
        assert await phone.words() == "Connected"
        assert await phone.wait_for_frames(60) >= 60
        await phone.wait_for_sound()
        [call] = served.bridge.calls
        assert call.service == "echo"

        await phone.page.click("#hang-up")
        await phone.wait_for_state("ended")
        assert await phone.words() == "Call ended. You hung up."
        assert await phone.problem() == ""
        await until(lambda: not served.bridge.calls)
        await leaks.nothing_but(before, ignore=leaks.of_the_page)

        # The page is as good as new.
        await phone.call(media="audio")
        await phone.wait_for_state("connected")
        await phone.wait_for_sound()
        await phone.page.click("#sign-out")
        await phone.wait_for_state("signed-out")
        await until(lambda: not served.bridge.calls)


@IN_BOTH
async def test_microphone_and_camera_go_off_and_on(kind: BrowserKind, served: Stack) -> None:
    async with softphone(served, kind) as phone:
        await phone.sign_in()
        await phone.call()
        await phone.wait_for_frames(10)
        await phone.wait_for_sound()

        def informed() -> list[str]:
            return [entry["info"] for entry in served.events("peer informed")]

        await phone.page.click("#toggle-microphone")
        await until(lambda: informed() == ["mute"])
        await phone.wait_for_silence()
        await phone.page.click("#toggle-microphone")
        await until(lambda: informed() == ["mute", "unmute"])
        await phone.wait_for_sound()

        bright = await phone.brightness()
        await phone.page.click("#toggle-camera")
        await until(lambda: informed() == ["mute", "unmute", "mute"])

        async def is_dark() -> bool:
            return await phone.brightness() < bright / 3

        async def is_bright() -> bool:
            return await phone.brightness() > bright / 2

        await eventually(is_dark)
        await phone.page.click("#toggle-camera")
        await until(lambda: informed() == ["mute", "unmute", "mute", "unmute"])
        await eventually(is_bright)
        await phone.wait_for_frames(10)
        assert await phone.words() == "Connected"


@IN_BOTH
async def test_the_bridge_hangs_up_and_the_page_says_why(kind: BrowserKind, served: Stack) -> None:
    async with softphone(served, kind) as phone:
        await phone.sign_in()
        before = leaks.holdings()
        await phone.call()
        await phone.wait_for_frames(10)
        [call] = served.bridge.calls
        call.hang_up()
        await phone.wait_for_state("ended")
        assert await phone.words() == "Call ended. The other side hung up."
        assert await phone.problem() == ""
        await until(lambda: not served.bridge.calls)
        await leaks.nothing_but(before, ignore=leaks.of_the_page)

        await phone.call()
        await phone.wait_for_frames(10)
        [call] = served.bridge.calls
        call.hang_up(reason_of(ReasonCondition.EXPIRED, "one hour is enough"))
        await phone.wait_for_state("ended")
        sentence = "The call lasted as long as it may."
        assert await phone.words() == f"Call ended. {sentence}"
        assert await phone.problem() == f"{sentence} “one hour is enough” Call again to go on."


async def test_the_demo_account_calls(served: Stack) -> None:
    async with softphone(served) as phone:
        await phone.sign_in("demo")
        shown = await phone.page.evaluate("document.querySelector('#account-name').textContent")
        assert shown == served.demo.jid
        await phone.call()
        await phone.wait_for_frames(10)
        [call] = served.bridge.calls
        assert call.session.peer.partition("/")[0] == served.demo.jid
        await phone.page.click("#hang-up")
        await until(lambda: not served.bridge.calls)


async def test_a_closed_page_leaves_no_call(served: Stack) -> None:
    async with softphone(served) as phone:
        await phone.sign_in()
        await phone.call()
        await phone.wait_for_frames(10)
        await phone.check_manners()
        await phone.page.goto("about:blank")
        await until(lambda: not served.bridge.calls)
        await phone.open("websocket")


@pytest.mark.parametrize(
    ("jid", "sentence"),
    [
        ("nobody@bridge.localhost", "Nobody is known under this address."),
        ("nobody@localhost", "Nobody answers at this address."),
        # The private server talks to no other.
        ("echo@elsewhere.invalid", "You may not call this address."),
    ],
)
async def test_an_unknown_address_is_explained(jid: str, sentence: str, served: Stack) -> None:
    async with softphone(served) as phone:
        await phone.sign_in()
        await phone.call(jid)
        await phone.wait_for_state("ended")
        assert (await phone.words()).startswith(f"Call ended. {sentence}")
        assert (await phone.problem()).startswith(sentence)
        assert not served.bridge.calls
        await phone.call(ECHO)
        await phone.wait_for_state("connected")


async def test_a_noisy_picture_is_sent_at_full_quality(served: Stack) -> None:
    async with softphone(served) as phone:
        await phone.sign_in()
        await phone.paint(NOISE, 640, 480)
        await phone.call()
        await phone.wait_for_state("connected")
        rate = await phone.page.evaluate(
            """new Promise((resolve) => {
              const readBoth = async () => {
                await jinglebridge.stats();
                setTimeout(async () => resolve((await jinglebridge.stats()).outboundBitrate), 3000);
              };
              setTimeout(readBoth, 10_000);
            })"""
        )
        print(f"\noutbound after 10 s: {rate / 1e6:.2f} Mbit/s")
        assert rate >= 1e6
        figures = await phone.stats()
        assert (figures["frameWidth"], figures["frameHeight"]) == (640, 480)


SHAPES = {"desktop": (1280, 800), "phone": (360, 740)}


@pytest.mark.parametrize(
    ("shape", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light")]
)
async def test_pictures_of_the_page(shape: str, scheme: ColorScheme, served: Stack) -> None:
    async with softphone(served, scheme=scheme) as phone:
        page = phone.page
        await page.set_viewport(*SHAPES[shape])

        async def picture(moment: str) -> None:
            path = ARTIFACTS / f"{shape}-{scheme}-{moment}.png"
            await page.screenshot(path)
            assert path.stat().st_size > 10_000
            sideways = "document.documentElement.scrollWidth > innerWidth"
            assert not await page.evaluate(sideways), f"{moment}: the page scrolls sideways"

        await picture("1-before")
        await phone.sign_in()
        await picture("2-ready")
        await phone.paint(LANDSCAPE, 1280, 720)
        await phone.call()
        await phone.wait_for_state("connected")
        await phone.wait_for_frames(30)
        await picture("3-during")
        await page.click("#hang-up")
        await phone.wait_for_state("ended")
        await picture("4-after")
        await phone.call("nobody@bridge.localhost")
        await phone.wait_for_state("ended")
        await picture("5-refused")
