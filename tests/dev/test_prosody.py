import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import slixmpp

from jinglebridge.dev import prosody as module
from jinglebridge.dev.ports import free_ports
from jinglebridge.dev.prosody import PrivateProsody
from jinglebridge.errors import OperatorError
from jinglebridge.http.listener import listen

pytestmark = pytest.mark.server


async def sign_in(prosody: PrivateProsody, jid: str, password: str) -> str:
    """Sign in over c2s; returns the full JID, or the word refused."""
    client = slixmpp.ClientXMPP(jid, password)
    client.enable_starttls = client.enable_direct_tls = False
    client.enable_plaintext = True
    mechanisms = client.plugin["feature_mechanisms"]
    mechanisms.unencrypted_scram = True
    if "@" not in jid:
        mechanisms.use_mech = "ANONYMOUS"
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def settle(value: str) -> None:
        if not outcome.done():
            outcome.set_result(value)

    client.add_event_handler("session_start", lambda event: settle(client.boundjid.full))
    client.add_event_handler("failed_all_auth", lambda event: settle("refused"))
    client.connect("127.0.0.1", prosody.c2s_port)
    try:
        async with asyncio.timeout(10):
            return await outcome
    finally:
        await client.disconnect()


async def reaches(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


async def test_accounts_made_while_it_runs_sign_in() -> None:
    async with PrivateProsody() as prosody:
        strange = 'quo"te \\ back'
        assert prosody.add_account("demo", strange) == "demo@localhost"
        assert (await sign_in(prosody, "demo@localhost", strange)).startswith("demo@localhost/")
        assert await sign_in(prosody, "demo@localhost", "wrong") == "refused"
        prosody.add_account("first.last_2", "p")
        full = await sign_in(prosody, "first.last_2@localhost", "p")
        assert full.startswith("first.last_2@localhost/")


async def test_anybody_signs_in_to_the_anonymous_host() -> None:
    async with PrivateProsody() as prosody:
        assert "@anon.localhost/" in await sign_in(prosody, "anon.localhost", "")


async def test_it_is_not_root_and_leaves_nothing() -> None:
    async with PrivateProsody() as prosody:
        directory, pid, ports = prosody.directory, prosody.pid, (prosody.c2s_port,)
        assert pid is not None
        assert user_of(pid) != 0
        assert directory.stat().st_mode & 0o077 == 0
        assert (directory / "prosody.cfg.lua").stat().st_mode & 0o077 == 0
    assert not directory.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert not await reaches(ports[0])


async def test_only_loopback_listens() -> None:
    async with PrivateProsody() as prosody:
        table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        for port in (prosody.c2s_port, prosody.http_port, prosody.component_port):
            listening = re.findall(rf"([0-9A-F]+):{port:04X} 0+:0000 0A", table)
            assert listening == ["0100007F"]


@pytest.mark.parametrize("how", ["terminate", "kill"])
async def test_it_comes_back_on_the_same_ports(how: str) -> None:
    async with PrivateProsody() as prosody:
        prosody.add_account("demo", "p")
        ports = (prosody.c2s_port, prosody.http_port, prosody.component_port)
        await getattr(prosody, how)()
        assert prosody.pid is None
        assert not await reaches(ports[0])
        await prosody.start()
        assert (prosody.c2s_port, prosody.http_port, prosody.component_port) == ports
        assert (await sign_in(prosody, "demo@localhost", "p")).startswith("demo@localhost/")


async def test_waiting_ends_when_it_dies() -> None:
    async with PrivateProsody() as prosody:
        ended = asyncio.create_task(prosody.wait())
        assert prosody.pid is not None
        os.kill(prosody.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            assert await ended == -signal.SIGKILL


async def test_a_taken_port_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", [0]) as taken:
        first = [(*free_ports(2), int(taken.getsockname()[1]))]
        monkeypatch.setattr(
            module, "free_ports", lambda count: first.pop() if first else free_ports(count)
        )
        async with PrivateProsody() as prosody:
            assert first == []
            assert prosody.component_port != taken.getsockname()[1]


async def test_a_server_that_ends_at_once_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prosody").write_text("#!/bin/sh\necho 'lua5.4: out of luck' >&2\nexit 1\n")
    (tmp_path / "prosody").chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(
        module, "_program", lambda name: str(tmp_path / name) if name == "prosody" else name
    )
    monkeypatch.setattr(module, "_service_ids", lambda: None)
    with pytest.raises(OperatorError, match=r"^Prosody ended while starting: .*out of luck$"):
        async with PrivateProsody():
            pass


async def test_a_server_that_never_answers_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prosody").write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 60\n")
    (tmp_path / "prosody").chmod(0o755)
    monkeypatch.setattr(
        module, "_program", lambda name: str(tmp_path / name) if name == "prosody" else name
    )
    monkeypatch.setattr(module, "_service_ids", lambda: None)
    with pytest.raises(OperatorError, match=r"did not answer within 0\.5 s: it logged nothing"):
        async with PrivateProsody(start_timeout=0.5):
            pass
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


async def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name, path: None)
    with pytest.raises(OperatorError, match="prosody is not installed"):
        async with PrivateProsody():
            pass


def test_it_ends_when_its_parent_is_killed() -> None:
    script = (
        "import asyncio\n"
        "from jinglebridge.dev.prosody import PrivateProsody\n"
        "async def main():\n"
        "    async with PrivateProsody() as prosody:\n"
        "        print(prosody.pid, prosody.directory, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        pid, directory = parent.stdout.readline().split()
        parent.kill()
        parent.wait(10)
    for _ in range(100):
        if not Path("/proc", pid).exists():
            break
        signal.sigtimedwait([], 0.05)
    assert not Path("/proc", pid).exists()
    subprocess.run(["rm", "-rf", directory], check=True)  # noqa: S607 - the killed one's
