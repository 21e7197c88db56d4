"""ICE: what is bound and offered, whom it talks to, and what it takes from whom."""

import asyncio
import socket
from dataclasses import dataclass, field, replace

import pytest
from aioice import Candidate as AioiceCandidate
from aioice import Connection, stun
from aioice.ice import CandidatePair

from jinglebridge.errors import ConnectivityError, LocalProtocolError
from jinglebridge.media.candidates import MAX_REMOTE_CANDIDATES, CandidatePolicy
from jinglebridge.media.ice import MAX_CHECKS, IceConnection, bind_udp
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.jingle.xep_0176 import Candidate

pytestmark = pytest.mark.usefixtures("nothing_left")

LOOPBACK = MediaSettings(
    bind_addresses=("127.0.0.1",), policy=CandidatePolicy(allow_loopback=True), connect_timeout_s=5
)


@dataclass
class Inbox:
    dtls: list[bytes] = field(default_factory=list)
    srtp: list[bytes] = field(default_factory=list)

    def dtls_received(self, data: bytes) -> None:
        self.dtls.append(data)

    def srtp_received(self, data: bytes) -> None:
        self.srtp.append(data)


@dataclass
class End:
    ice: IceConnection
    inbox: Inbox
    candidates: list[Candidate] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.candidates[0].port


def end(name: str, settings: MediaSettings = LOOPBACK, *, controlling: bool = False) -> End:
    inbox = Inbox()
    ice = IceConnection(
        controlling=controlling,
        ufrag=f"{name}name",
        pwd=f"{name}" * 22,
        settings=settings,
        receiver=inbox,
    )
    return End(ice, inbox)


async def establish(near: End, far: End) -> None:
    await near.ice.establish(
        remote_ufrag=far.ice.local_username,
        remote_pwd=far.ice.local_password,
    )


async def connected(settings: MediaSettings = LOOPBACK) -> tuple[End, End]:
    near, far = end("a", settings), end("b", settings, controlling=True)
    for one, other in ((near, far), (far, near)):
        await one.ice.gather(one.candidates.append)
        for candidate in one.candidates:
            assert other.ice.add_candidate(candidate)
    async with asyncio.timeout(5):
        await asyncio.gather(establish(near, far), establish(far, near))
    return near, far


async def settle() -> None:
    await asyncio.sleep(0.05)


async def close(*ends: End) -> None:
    for one in ends:
        await one.ice.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_packets_go_straight_to_their_receiver(address: str) -> None:
    near, far = await connected(replace(LOOPBACK, bind_addresses=(address,)))
    far.ice.transmit(b"\x80media")
    far.ice.transmit(b"\x16handshake")
    far.ice.transmit(b"\x40neither")
    far.ice.transmit(b"\x03not really stun")
    near.ice.transmit(b"\xbfreply")
    await settle()
    assert near.inbox == Inbox(dtls=[b"\x16handshake"], srtp=[b"\x80media"])
    assert far.inbox == Inbox(srtp=[b"\xbfreply"])
    await close(near, far)


async def test_candidates_are_what_clients_can_read() -> None:
    one = end("a", replace(LOOPBACK, bind_addresses=("127.0.0.1", "::1")))
    await one.ice.gather(one.candidates.append)
    assert [item.foundation for item in one.candidates] == ["1", "2"]
    assert [item.ip for item in one.candidates] == ["127.0.0.1", "::1"]
    assert one.candidates[0].priority > one.candidates[1].priority
    assert {item.type for item in one.candidates} == {"host"}
    await close(one)


async def test_ports_come_from_the_range() -> None:
    busy = bind_udp("127.0.0.1", 0, 0)
    port = busy.getsockname()[1]
    low = min(port, 65_000)
    settings = replace(LOOPBACK, port_min=low, port_max=low + 20)
    ends = [end("a", settings) for _ in range(5)]
    for one in ends:
        await one.ice.gather(one.candidates.append)
    ports = {one.port for one in ends}
    assert len(ports) == 5
    assert ports <= set(range(low, low + 21)) - {port}
    await close(*ends)
    busy.close()


async def test_full_port_range_is_told() -> None:
    busy = bind_udp("127.0.0.1", 0, 0)
    port = busy.getsockname()[1]
    one = end("a", replace(LOOPBACK, port_min=port, port_max=port))
    with pytest.raises(ConnectivityError, match="every UDP port of the range is taken"):
        await one.ice.gather(one.candidates.append)
    await close(one)
    busy.close()


async def test_foreign_address_is_told() -> None:
    one = end("a", replace(LOOPBACK, bind_addresses=("192.0.2.1",)))
    with pytest.raises(ConnectivityError, match=r"192\.0\.2\.1"):
        await one.ice.gather(one.candidates.append)
    await close(one)


async def test_search_for_addresses_may_be_cancelled_at_any_point() -> None:
    for turns in range(4):
        one = end("a")
        search = asyncio.create_task(one.ice.gather(one.candidates.append))
        for _ in range(turns):
            await asyncio.sleep(0)
        search.cancel()
        await asyncio.gather(search, return_exceptions=True)
        await close(one)


async def test_strangers_are_not_heard() -> None:
    near, far = await connected()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        for data in (b"\x15\xfe\xfdalert", b"\x80media", b"\x00\x01garbage", b"", b"\xff"):
            stranger.sendto(data, ("127.0.0.1", near.port))
        await settle()
    assert near.inbox == Inbox()
    far.ice.transmit(b"\x80media")
    await settle()
    assert near.inbox == Inbox(srtp=[b"\x80media"])
    await close(near, far)


async def test_damaged_stun_is_dropped() -> None:
    one = end("a")
    await one.ice.gather(one.candidates.append)
    priority_of_one_byte = b"\x00\x24\x00\x01\x05\x00\x00\x00"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        header = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12)
        stranger.sendto(header + priority_of_one_byte, ("127.0.0.1", one.port))
        await settle()
    await close(one)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1"])
async def test_policy_holds_for_peer_reflexive_candidates(address: str) -> None:
    one = end("a", replace(LOOPBACK, policy=CandidatePolicy()))
    await one.ice.gather(one.candidates.append)
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["PRIORITY"] = 1
    protocol = one.ice._protocols[0]
    one.ice.remote_password = "b" * 22
    one.ice.check_incoming(request, (address, 5000), protocol)
    learned = [(item.host, item.port) for item in one.ice.remote_candidates]
    assert learned == ([("10.0.0.1", 5000)] if address == "10.0.0.1" else [])
    await close(one)


async def test_check_without_priority_is_ignored() -> None:
    one = end("a")
    await one.ice.gather(one.candidates.append)
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    one.ice.check_incoming(request, ("127.0.0.1", 5000), one.ice._protocols[0])
    assert one.ice.remote_candidates == []
    await close(one)


async def test_remote_candidates_are_limited() -> None:
    one = end("a")
    candidate = Candidate(
        component=1, foundation="1", ip="127.0.0.1", port=1, priority=1, protocol="udp", type="host"
    )
    taken = [one.ice.add_candidate(replace(candidate, port=port)) for port in range(1, 101)]
    assert taken.count(True) == MAX_REMOTE_CANDIDATES
    await close(one)


async def test_candidates_may_come_while_connecting() -> None:
    near, far = end("a"), end("b", controlling=True)
    await near.ice.gather(near.candidates.append)
    near_side = asyncio.create_task(establish(near, far))
    await asyncio.sleep(0.1)
    await far.ice.gather(far.candidates.append)
    far_side = asyncio.create_task(establish(far, near))
    far.ice.add_candidate(near.candidates[0])
    async with asyncio.timeout(5):
        await asyncio.gather(near_side, far_side)
    await close(near, far)


async def test_two_controlled_ends_settle_their_roles() -> None:
    near, far = end("a"), end("b")
    await near.ice.gather(near.candidates.append)
    await far.ice.gather(far.candidates.append)
    near.ice.add_candidate(far.candidates[0])
    far.ice.add_candidate(near.candidates[0])
    async with asyncio.timeout(5):
        await asyncio.gather(establish(near, far), establish(far, near))
    assert near.ice.ice_controlling != far.ice.ice_controlling
    await close(near, far)


def pair_of(one: End, port: int) -> CandidatePair:
    remote = AioiceCandidate("9", 1, "udp", 1, "127.0.0.1", port, "host")
    pair = CandidatePair(one.ice._protocols[0], remote)
    one.ice._remote_candidates.append(remote)
    one.ice._check_list.append(pair)
    return pair


async def test_pair_that_lost_can_still_be_nominated(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = end("a"), end("b")
    await one.ice.gather(one.candidates.append)
    silent = bind_udp("127.0.0.1", 0, 0)
    pair = pair_of(one, silent.getsockname()[1])

    async def connect(connection: Connection) -> None:
        """What aioice leaves behind when another pair has won."""
        connection.check_start_task(pair)
        await asyncio.sleep(0)
        assert pair.task is not None
        pair.task.cancel()

    monkeypatch.setattr(Connection, "connect", connect)
    await establish(one, other)
    assert (pair.state, pair.task) == (CandidatePair.State.FAILED, None)
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["PRIORITY"] = 1
    request.attributes["USE-CANDIDATE"] = None
    one.ice.check_incoming(request, pair.remote_addr, one.ice._protocols[0])
    await asyncio.sleep(0)
    assert pair.state is CandidatePair.State.IN_PROGRESS
    assert pair.remote_nominated
    await close(one)
    silent.close()


async def test_one_pair_is_nominated_and_no_other() -> None:
    """RFC 8445 §8.1.1; a browser would go to a pair that we have given up."""
    near = end("a", replace(LOOPBACK, bind_addresses=("127.0.0.1", "127.0.0.2")))
    far = end("b", replace(LOOPBACK, bind_addresses=("127.0.0.3", "127.0.0.4")), controlling=True)
    for one, other in ((near, far), (far, near)):
        await one.ice.gather(one.candidates.append)
        for candidate in one.candidates:
            assert other.ice.add_candidate(candidate)
    async with asyncio.timeout(5):
        await asyncio.gather(establish(near, far), establish(far, near))
    await settle()
    assert [pair.nominated for pair in far.ice._check_list].count(True) == 1
    assert [pair.nominated for pair in near.ice._check_list].count(True) == 1
    await close(near, far)


async def test_another_pair_is_nominated_when_the_first_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = end("a", controlling=True)
    await one.ice.gather(one.candidates.append)
    one.ice.remote_username = one.ice.remote_password = "b" * 22
    first, second = pair_of(one, 9), pair_of(one, 10)

    async def request(
        message: stun.Message, addr: tuple[str, int], **_: object
    ) -> tuple[stun.Message, tuple[str, int]]:
        if "USE-CANDIDATE" in message.attributes and addr == first.remote_addr:
            raise stun.TransactionTimeout
        return message, addr

    monkeypatch.setattr(first.protocol, "request", request)
    for pair in (first, second):
        await one.ice.check_start(pair)
    assert (first.nominated, second.nominated) == (False, True)
    await close(one)


async def test_role_conflict_is_not_answered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    one = end("a")
    await one.ice.gather(one.candidates.append)
    one.ice.remote_username = one.ice.remote_password = "b" * 22
    pair = pair_of(one, 9)
    asked = 0

    async def conflict(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        response = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.ERROR)
        response.attributes["ERROR-CODE"] = (487, "Role Conflict")
        raise stun.TransactionFailed(response)

    monkeypatch.setattr(pair.protocol, "request", conflict)
    await one.ice.check_start(pair)
    assert asked == MAX_CHECKS
    assert pair.state is CandidatePair.State.FAILED
    await close(one)


async def test_closing_ends_a_search() -> None:
    one, other = end("a"), end("b")
    await one.ice.gather(one.candidates.append)
    search = asyncio.create_task(establish(one, other))
    await settle()
    await close(one, other)
    with pytest.raises(ConnectivityError):
        await search
    with pytest.raises(LocalProtocolError):
        await establish(one, other)


async def test_consent_is_watched_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinglebridge.media.ice.CONSENT_INTERVAL_S", 0.05)
    near, far = await connected(replace(LOOPBACK, consent_timeout_s=0.3))
    changes: list[bool] = []
    near.ice.watch_consent(changes.append)
    await asyncio.sleep(0.5)
    assert changes == []
    monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
    await close(far)
    async with asyncio.timeout(5):
        await near.ice.wait_closed()
    assert changes == [False]
