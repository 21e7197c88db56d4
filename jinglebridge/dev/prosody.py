"""A private, throw-away Prosody: own directory, own ports, generated secrets, loopback only.

Works with Prosody 0.12 and 13.0. `prosody --version` is never called: it starts a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from jinglebridge.dev.ports import free_ports
from jinglebridge.errors import OperatorError

DOMAIN = "localhost"
"""Virtual host of the accounts."""
ANONYMOUS_DOMAIN = "anon.localhost"
"""Virtual host where everybody signs in without an account."""
COMPONENT_DOMAIN = "bridge.localhost"
"""Domain of the bridge itself."""

_SERVICE_USER = "prosody"
_LISTENING = "Activated service '{}' on [127.0.0.1]:{}"
_LISTEN_FAILED = "Failed to open server port"
_START_ATTEMPTS = 3
_POLL_INTERVAL = 0.02


class PrivateProsody:
    """One Prosody process; an async context manager that leaves nothing behind.

    Args:
        start_timeout: seconds until all ports must answer.
        stop_timeout: seconds between asking the process to end and killing it.
        log_level: Prosody's own.
        extra_config: Lua for the global section, hosts may follow in it.
    """

    def __init__(
        self,
        *,
        start_timeout: float = 15.0,
        stop_timeout: float = 5.0,
        log_level: Literal["debug", "info"] = "info",
        extra_config: str = "",
    ) -> None:
        self.component_secret = secrets.token_urlsafe(24)
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._log_level = log_level
        self._extra_config = extra_config
        self._directory: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ports = (0, 0, 0)
        self._service_ids = _service_ids()

    async def __aenter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="jinglebridge-"))
        try:
            await self._start_on_free_ports()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def directory(self) -> Path:
        """The private directory; gone after `close`."""
        if self._directory is None:
            raise RuntimeError("the private Prosody was not started")
        return self._directory

    @property
    def log_path(self) -> Path:
        """Prosody's own log."""
        return self.directory / "prosody.log"

    @property
    def c2s_port(self) -> int:
        """TCP port on 127.0.0.1 for clients, without TLS."""
        return self._ports[0]

    @property
    def http_port(self) -> int:
        """TCP port on 127.0.0.1 for BOSH and WebSocket."""
        return self._ports[1]

    @property
    def component_port(self) -> int:
        """TCP port on 127.0.0.1 for the component (XEP-0114)."""
        return self._ports[2]

    @property
    def bosh_url(self) -> str:
        """Where BOSH is served (XEP-0206)."""
        return f"http://127.0.0.1:{self.http_port}/http-bind"

    @property
    def websocket_url(self) -> str:
        """Where XMPP over WebSocket is served (RFC 7395)."""
        return f"ws://127.0.0.1:{self.http_port}/xmpp-websocket"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def add_account(self, user: str, password: str) -> str:
        """Create or overwrite an account while the server runs; returns its bare JID."""
        accounts = self.directory / "data" / _encoded(DOMAIN) / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        stored = accounts / f"{_encoded(user)}.dat"
        stored.write_text(f'return {{\n\t["password"] = {_lua_string(password)};\n}};\n')
        self._hand_over(*stored.parents[:3], stored)
        return f"{user}@{DOMAIN}"

    async def start(self) -> None:
        """Start the process on the chosen ports and wait until all of them answer.

        Raises:
            OperatorError: Prosody is not installed, ended at once, or did not answer in time.
        """
        if self.pid is not None:
            return
        self._write_config()
        self.log_path.unlink(missing_ok=True)
        with (self.directory / "output.log").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env=self._environment(),
                # Ctrl-C reaches us alone: the component says good-bye before its server goes.
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(self._start_timeout):
                await self._wait_until_ready()
        except TimeoutError:
            await self.kill()
            raise OperatorError(
                f"Prosody did not answer within {self._start_timeout:g} s: {self.last_log_line()}"
            ) from None
        except BaseException:
            await self.kill()
            raise

    async def terminate(self) -> None:
        """Ask the process to end (SIGTERM); kill it when it does not."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End the process without a word (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Terminate and start again: same ports, same accounts, same secret."""
        await self.terminate()
        await self.start()

    async def wait(self) -> int:
        """Wait until the process ends by itself; returns its exit status."""
        if self._process is None:
            raise RuntimeError("the private Prosody was not started")
        return await self._process.wait()

    async def close(self) -> None:
        """Terminate the process and remove its directory."""
        try:
            await self.terminate()
        finally:
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None

    def last_log_line(self) -> str:
        """The last thing that Prosody said, for an error message."""
        for path in (self.log_path, self.directory / "output.log"):
            lines = _read(path).strip().splitlines()
            if lines:
                return lines[-1].strip()
        return "it logged nothing"

    async def _start_on_free_ports(self) -> None:
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._ports = _three(free_ports(3))
            try:
                await self.start()
            except _PortTakenError:
                if attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    async def _wait_until_ready(self) -> None:
        waiting = list(zip(("c2s", "http", "component"), self._ports, strict=True))
        while waiting:
            if self.pid is None:
                raise OperatorError(f"Prosody ended while starting: {self.last_log_line()}")
            # Prosody goes on without a port that somebody else took in the meantime.
            log = _read(self.log_path)
            if _LISTEN_FAILED in log:
                raise _PortTakenError(f"Prosody found no free port: {self.last_log_line()}")
            service, port = waiting[0]
            # That somebody answers is not enough: it may be the one who took the port.
            if _LISTENING.format(service, port) in log and await _answers(port):
                waiting.pop(0)
            else:
                await asyncio.sleep(_POLL_INTERVAL)

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            async with asyncio.timeout(self._stop_timeout):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _command(self) -> list[str]:
        prosody, setpriv = _program("prosody"), _program("setpriv")
        # The kernel ends Prosody when we are killed; setpriv sets that after it changed the user.
        wrapper = [setpriv, "--pdeathsig", "TERM"]
        if self._service_ids is not None:
            user, group = self._service_ids
            wrapper += ["--reuid", str(user), "--regid", str(group), "--clear-groups"]
        return [*wrapper, prosody, "-F", "--config", str(self.directory / "prosody.cfg.lua")]

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LANG": "C.UTF-8"}

    def _write_config(self) -> None:
        names: dict[str, str] = {
            "PIDFILE": _lua_string(str(self.directory / "prosody.pid")),
            "DATA_PATH": _lua_string(str(self.directory / "data")),
            "CERTIFICATES": _lua_string(str(self.directory / "certificates")),
            "PLUGINS": _lua_string(str(self.directory / "plugins")),
            "LOG_FILE": _lua_string(str(self.log_path)),
            "LOG_LEVEL": _lua_string(self._log_level),
            "COMPONENT_SECRET": _lua_string(self.component_secret),
            "EXTRA": self._extra_config,
            "C2S_PORT": str(self.c2s_port),
            "HTTP_PORT": str(self.http_port),
            "COMPONENT_PORT": str(self.component_port),
        }
        template = files("jinglebridge.dev").joinpath("prosody.cfg.lua.in").read_text("utf-8")
        text = re.sub(r"@([A-Z0-9_]+)@", lambda name: names.get(name[1], name[0]), template)
        config = self.directory / "prosody.cfg.lua"
        config.touch(mode=0o600)
        config.write_text(text, "utf-8")
        created = [self.directory / name for name in ("data", "certificates", "plugins")]
        for each in created:
            each.mkdir(exist_ok=True)
        self._hand_over(self.directory, config, *created)

    def _hand_over(self, *paths: Path) -> None:
        if self._service_ids is not None:
            for path in paths:
                os.chown(path, *self._service_ids)


class _PortTakenError(OperatorError):
    """Somebody took a port between our choice and Prosody's start."""


def _service_ids() -> tuple[int, int] | None:
    """Whom to become: Prosody refuses to run as root, and should not."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_SERVICE_USER)
    except KeyError:
        raise OperatorError(
            f"there is no user {_SERVICE_USER!r} to run Prosody as: install Debian's prosody"
        ) from None
    return entry.pw_uid, entry.pw_gid


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin")
    if found is None:
        raise OperatorError(f"{name} is not installed: `make run` installs it")
    return found


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _three(ports: tuple[int, ...]) -> tuple[int, int, int]:
    first, second, third = ports
    return first, second, third


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _encoded(name: str) -> str:
    """File name that Prosody's own store gives to `name`: all but letters and digits as %xx."""
    return re.sub(rb"[^A-Za-z0-9]", _hexed, name.encode()).decode()


def _hexed(found: re.Match[bytes]) -> bytes:
    return b"%%%02x" % found[0][0]


def _lua_string(text: str) -> str:
    """A Lua literal; bytes outside plain ASCII as decimal escapes."""
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}"
        for byte in text.encode()
    )
    return f'"{escaped}"'
