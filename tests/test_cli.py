"""The command line as the operator meets it: exit codes, one line, no traceback."""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

import jinglebridge
from jinglebridge import cli
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.errors import OperatorError
from jinglebridge.http.listener import listen

PROGRAM = Path(cli.__file__).parent.parent / ".venv" / "bin" / "jinglebridge"


async def start(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if "JINGLEBRIDGE" not in name}
    return await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean | environment,
    )


async def outcome(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run to the end; returns exit code, output and errors."""
    process = await start(*arguments, **environment)
    async with asyncio.timeout(20):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


def assert_one_line(result: tuple[int, str, str], words: str) -> None:
    code, output, errors = result
    assert code == 2, errors
    assert output == ""
    assert errors.count("\n") == 1
    assert re.match(rf"jinglebridge: .*{words}", errors), errors


@asynccontextmanager
async def dev(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `jinglebridge dev` up to its banner."""
    process = await start("dev", *arguments)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            banner = (await process.stdout.readuntil(b"Ctrl-C\n")).decode()
        yield process, banner
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


def children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from (int(child) for child in (task / "children").read_text().split())


def test_main_turns_the_operators_fault_into_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OperatorError("the cable is out")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "jinglebridge: the cable is out\n"


async def test_version() -> None:
    assert await outcome("--version") == (0, f"jinglebridge {jinglebridge.__version__}\n", "")


async def test_run_names_a_missing_file() -> None:
    assert_one_line(await outcome("run", "--config", "/none.toml"), "cannot read /none.toml")


async def test_run_names_a_missing_option_and_an_unknown_variable() -> None:
    assert_one_line(await outcome("run"), "component is required")
    result = await outcome("run", JINGLEBRIDGE_COMPONENT__SECERT="s")
    assert_one_line(result, "JINGLEBRIDGE_COMPONENT__SECERT")


async def test_run_names_a_server_that_is_not_there() -> None:
    with listen("127.0.0.1", [0]) as closing:
        port = closing.getsockname()[1]
    result = await outcome(
        "run",
        JINGLEBRIDGE_COMPONENT__JID="b.example",
        JINGLEBRIDGE_COMPONENT__SECRET="s",
        JINGLEBRIDGE_COMPONENT__PORT=str(port),
        JINGLEBRIDGE_HTTP__ENABLED="false",
    )
    assert_one_line(result, f"no XMPP server takes components at 127.0.0.1:{port}")


async def test_run_names_an_unknown_service() -> None:
    result = await outcome(
        "run",
        JINGLEBRIDGE_COMPONENT__JID="b.example",
        JINGLEBRIDGE_COMPONENT__SECRET="s",
        JINGLEBRIDGE_SERVICES__ENABLED="echo,ecko",
    )
    assert_one_line(result, "no service is called 'ecko'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "::"), "one address of this machine"),
        (("--host", "bridge.example"), "must be an IP address"),
        (("--host", "192.0.2.99"), "cannot assign requested address"),
    ],
)
async def test_dev_refuses_an_address_that_is_not_of_this_machine(
    arguments: tuple[str, ...], words: str
) -> None:
    assert_one_line(await outcome("dev", *arguments), words)


async def test_dev_refuses_a_busy_port_that_was_asked_for() -> None:
    with listen("127.0.0.1", [0]) as busy:
        port = busy.getsockname()[1]
        assert_one_line(await outcome("dev", "--port", str(port)), f"port {port}: address already")


@pytest.mark.server
async def test_dev_finds_a_port_of_its_own() -> None:
    async with dev() as (_, first), dev() as (_, second):
        pages = [re.findall(r"http://127\.0\.0\.1:(80[89]\d)/", each) for each in (first, second)]
        assert pages[0] != pages[1]
        assert pages[0]
        assert pages[1]


@pytest.mark.server
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_dev_serves_and_stops_every_child(how: signal.Signals) -> None:
    async with dev("--port", str(free_port())) as (process, banner):
        assert "echo@bridge.localhost" in banner
        url = re.findall(r"http://\S+", banner)[0]
        password = re.findall(r"demo@localhost\s+password (\S+)", banner)[0]
        async with aiohttp.ClientSession() as browser:
            async with browser.get(f"{url}config.json") as response:
                config = json.loads(await response.text())
            async with browser.post(f"{url}http-bind", data=OPEN_BOSH) as response:
                assert "ANONYMOUS" in await response.text()
        assert config["demo"] == {"jid": "demo@localhost", "password": password}
        assert config["services"][0]["jid"] == "echo@bridge.localhost"
        prosody = list(children(process.pid))
        assert prosody
        process.send_signal(how)
        async with asyncio.timeout(10):
            output, errors = await process.communicate()
        assert (process.returncode, output.strip(), errors) == (0, b"", b"")
        assert not any(Path("/proc", str(pid)).exists() for pid in prosody)


@pytest.mark.server
async def test_dev_ends_with_one_line_when_prosody_dies() -> None:
    async with dev() as (process, _):
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            _, errors = await process.communicate()
        lines = errors.decode().splitlines()
        assert process.returncode == 2
        assert [line for line in lines if line.startswith("jinglebridge:")] == lines[-1:]
        assert "Prosody ended by itself" in lines[-1]
        assert "Traceback" not in errors.decode()


@pytest.mark.server
async def test_run_serves_beside_an_existing_server(tmp_path: Path) -> None:
    async with PrivateProsody() as prosody:
        file, port = tmp_path / "bridge.toml", free_port()
        file.write_text(
            f'[component]\njid = "{COMPONENT_DOMAIN}"\nport = {prosody.component_port}\n'
            f'[http]\nport = {port}\nbosh_upstream = "{prosody.bosh_url}"\n'
            '[media]\nbind = ["127.0.0.1"]\n[log]\nformat = "json"\n'
        )
        wrong = await outcome(
            "run", "--config", str(file), JINGLEBRIDGE_COMPONENT__SECRET="not the one"
        )
        assert wrong[0] == 2
        assert "the component secret is wrong" in wrong[2]
        assert "not the one" not in wrong[2]
        process = await start(
            "run",
            "--config",
            str(file),
            JINGLEBRIDGE_COMPONENT__SECRET=prosody.component_secret,
        )
        assert process.stderr is not None
        async with asyncio.timeout(15):
            event = json.loads(await process.stderr.readline())
            assert event["event"] == "link up"
            async with (
                aiohttp.ClientSession() as browser,
                browser.get(f"http://127.0.0.1:{port}/healthz") as response,
            ):
                assert response.status == 200
            process.terminate()
            _, errors = await process.communicate()
        assert process.returncode == 0
        assert prosody.component_secret not in errors.decode()


@asynccontextmanager
async def running(**environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `jinglebridge run` for the length of a block."""
    process = await start("run", **environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


@pytest.mark.server
async def test_a_second_run_is_a_standby() -> None:
    """It waits while the first has the name, says so in one line, and is on when it is gone."""
    async with PrivateProsody() as prosody:
        options = {
            "JINGLEBRIDGE_COMPONENT__JID": COMPONENT_DOMAIN,
            "JINGLEBRIDGE_COMPONENT__SECRET": prosody.component_secret,
            "JINGLEBRIDGE_COMPONENT__PORT": str(prosody.component_port),
            "JINGLEBRIDGE_HTTP__ENABLED": "false",
            "JINGLEBRIDGE_MEDIA__BIND": "127.0.0.1",
            "JINGLEBRIDGE_LOG__FORMAT": "json",
        }

        async def next_event(process: asyncio.subprocess.Process) -> dict[str, str]:
            assert process.stderr is not None
            event: dict[str, str] = json.loads(await process.stderr.readline())
            return event

        async with (
            asyncio.timeout(100),  # three times the libraries, on a busy machine
            running(**options) as first,
        ):
            assert (await next_event(first))["event"] == "link up"
            async with running(**options) as second:
                waiting = await next_event(second)
                assert waiting["event"] == "waiting as standby"
                assert waiting["reason"].endswith(f"already has a component {COMPONENT_DOMAIN}")
                await asyncio.sleep(3)  # an attempt or two, of which it says nothing
                first.terminate()
                assert (await next_event(second))["event"] == "link up"
                async with running(**options) as third:
                    assert (await next_event(third))["event"] == "waiting as standby"
        assert [item.returncode for item in (first, second, third)] == [0, 0, 0]


OPEN_BOSH = (
    "<body xmlns='http://jabber.org/protocol/httpbind' to='anon.localhost' rid='1' wait='5' "
    "hold='1' ver='1.6' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
)


def free_port() -> int:
    with listen("127.0.0.1", [0]) as found:
        return int(found.getsockname()[1])
