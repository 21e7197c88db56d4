"""ICE on aioice's connection, with sockets, gathering and consent of our own (RFC 8445, RFC 8838).

The one module that touches aioice's private names; ``tests/media/test_ice_private.py`` has a test
for each. What is different from aioice, and why: it binds configured addresses and ports only,
loopback among them; candidates trickle out; foundations are numbers, which some clients insist on;
the peer's addresses pass a policy; packets are taken only from addresses that ICE is talking to,
so that nobody else can feed DTLS; media goes straight to its receiver, without queue or task.
"""

import asyncio
import errno
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from aioice import Candidate as AioiceCandidate
from aioice.candidate import candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aioice.stun import Message, TransactionError

from jinglebridge.errors import ConnectivityError, LocalProtocolError
from jinglebridge.media.candidates import (
    MAX_REMOTE_CANDIDATES,
    CandidatePolicy,
    local_addresses,
    parse_address,
)
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.jingle.xep_0176 import Candidate

CONSENT_INTERVAL_S = 5.0
"""RFC 7675 §5.1; each wait is between 0.8 and 1.2 of it."""

MAX_CHECKS = 16
"""How often one pair of addresses is checked, retransmissions not counted."""

_RECEIVE_SIZE = 2048  # asyncio allocates 256 KiB for each datagram unless told
_SOCKET_BUFFER = 1 << 20
_LIVE_STATES = (CandidatePair.State.IN_PROGRESS, CandidatePair.State.SUCCEEDED)


class PacketReceiver(Protocol):
    """Takes what arrives from the peer; see :class:`~jinglebridge.media.mux.Mux`."""

    def dtls_received(self, data: bytes) -> None:
        """A DTLS datagram."""

    def srtp_received(self, data: bytes) -> None:
        """An SRTP or SRTCP packet, not yet authenticated."""


class GuardedProtocol(StunProtocol):
    """One UDP socket; sorts datagrams by their first byte (RFC 7983 §7) and by their source."""

    def __init__(self, connection: "IceConnection") -> None:
        super().__init__(connection)
        self._connection = connection
        self._admitted: set[tuple[Any, ...]] = set()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Pass on what belongs to this call, drop everything else."""
        if not data or isinstance(data, str):
            return
        first = data[0]
        if first < 4:
            # aioice reads a damaged attribute with struct, whose error is not the ValueError that
            # it expects, and hands what is not STUN to a queue that nobody reads.
            try:
                super().datagram_received(data, addr)
            except (struct.error, ValueError, KeyError):
                return
        elif 127 < first < 192:
            if addr in self._admitted or self._admit(addr):
                self._connection.receiver.srtp_received(data)
        elif 19 < first < 64 and (addr in self._admitted or self._admit(addr)):
            self._connection.receiver.dtls_received(data)

    def _admit(self, addr: tuple[Any, ...]) -> bool:
        if not self._connection.is_talking_to(self, (addr[0], addr[1])):
            return False
        self._admitted.add(addr)
        return True


class IceConnection(Connection):
    """One ICE component with one peer.

    Args:
        controlling: our first idea of the ICE role (RFC 8445 §6.1.1); a conflict may change it.
        ufrag: our username fragment.
        pwd: our password.
        settings: addresses, ports, policy and times.
        receiver: takes the peer's packets.
    """

    def __init__(
        self,
        *,
        controlling: bool,
        ufrag: str,
        pwd: str,
        settings: MediaSettings,
        receiver: PacketReceiver,
    ) -> None:
        super().__init__(ice_controlling=controlling, local_username=ufrag, local_password=pwd)
        self.receiver = receiver
        self._settings = settings
        self._policy: CandidatePolicy = settings.policy
        self._path: tuple[asyncio.DatagramTransport, tuple[str, int]] | None = None
        self._on_consent: Callable[[bool], None] | None = None
        self._checks: Counter[CandidatePair] = Counter()
        # Gathering is ours; connect() refuses to start before aioice's own has ended.
        self._local_candidates_start = True
        self._local_candidates_end = True
        # What aioice does with ice-lite peers is right with all: when we control, one pair is
        # nominated (RFC 8445 §8.1.1), and not every one that is checked.
        self.remote_is_lite = True

    async def gather(self, found: Callable[[Candidate], None]) -> None:
        """Bind every local address and report each as a host candidate.

        Args:
            found: called once per candidate, in order of preference.

        Raises:
            ConnectivityError: no address could be bound.
        """
        reasons = []
        for index, address in enumerate(local_addresses(self._settings.bind_addresses)):
            try:
                sock = bind_udp(address, self._settings.port_min, self._settings.port_max)
            except OSError as error:
                reasons.append(f"{address}: {error.strerror or error}")
                continue
            local = await self._open(sock, address, index)
            found(local)
        if not self._protocols:
            raise ConnectivityError(
                "no local address for media" + (f" ({'; '.join(reasons)})" if reasons else "")
            )

    async def _endpoint(
        self, sock: socket.socket
    ) -> tuple[asyncio.DatagramTransport, GuardedProtocol]:
        loop = asyncio.get_running_loop()
        opening = loop.create_task(
            loop.create_datagram_endpoint(lambda: GuardedProtocol(self), sock=sock)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # uvloop loses the socket when this is cancelled; it takes one turn of the loop.
            await asyncio.wait([opening])
            if opening.exception() is None:
                await opening.result()[1].close()
            else:
                sock.close()
            raise
        except BaseException:
            sock.close()
            raise

    async def _open(self, sock: socket.socket, address: str, index: int) -> Candidate:
        transport, protocol = await self._endpoint(sock)
        if hasattr(transport, "max_size"):  # asyncio's; uvloop's buffer is small already
            transport.max_size = _RECEIVE_SIZE
        port = transport.get_extra_info("sockname")[1]
        protocol.local_candidate = AioiceCandidate(
            foundation=str(index + 1),
            component=1,
            transport="udp",
            priority=candidate_priority(1, "host", 65_535 - index),
            host=address,
            port=port,
            type="host",
        )
        self._protocols.append(protocol)
        self._local_candidates.append(protocol.local_candidate)
        for remote in self._remote_candidates:
            self._pair_remote_candidate(remote)
        self.sort_check_list()
        return Candidate(
            component=1,
            foundation=protocol.local_candidate.foundation,
            generation=0,
            ip=address,
            network=0,
            port=port,
            priority=protocol.local_candidate.priority,
            protocol="udp",
            type="host",
        )

    def add_candidate(self, candidate: Candidate) -> bool:
        """Try one more address of the peer.

        Returns:
            Whether the policy and the limit allow it.

        The peer's end of candidates is not told to aioice on purpose: addresses may still show up
        as peer-reflexive, so a check list is not given up before the connect timeout (RFC 8863 §4).
        """
        if self._policy.refusal(candidate) is not None or self._is_full:
            return False
        host = str(parse_address(candidate.ip))
        remote = AioiceCandidate(
            foundation=candidate.foundation,
            component=1,
            transport="udp",
            priority=candidate.priority,
            host=host,
            port=candidate.port,
            type=candidate.type,
        )
        if not self._closing:
            self._add_remote_candidate(remote, host)
        return True

    async def establish(self, *, remote_ufrag: str, remote_pwd: str) -> None:
        """Find a path; the caller limits the time.

        Raises:
            ConnectivityError: closed before a path was found.
        """
        if self.remote_username is not None:
            raise LocalProtocolError("ICE was started before")
        self.remote_username = remote_ufrag
        self.remote_password = remote_pwd
        try:
            await self.connect()
        except ConnectionError as error:
            raise ConnectivityError("no path between the parties was found") from error
        await self._forget_cancelled_checks()

    async def _forget_cancelled_checks(self) -> None:
        # connect() cancels the other checks but leaves them "in progress": a peer that nominates
        # one of those pairs later would never get it. As failed ones they can be checked again.
        cancelled = []
        for pair in self._check_list:
            if pair.state is not CandidatePair.State.SUCCEEDED:
                if pair.task is not None:
                    cancelled.append(pair.task)
                pair.task = None
                pair.state = CandidatePair.State.FAILED
        if cancelled:
            await asyncio.wait(cancelled)

    def transmit(self, data: bytes) -> None:
        """Send on the nominated pair; before there is one, the datagram is lost."""
        if self._path is not None:
            self._path[0].sendto(data, self._path[1])

    def watch_consent(self, changed: Callable[[bool], None]) -> None:
        """Call ``changed`` when the peer stops answering checks and when it answers again."""
        self._on_consent = changed

    async def wait_closed(self) -> None:
        """Return when consent has expired or the connection was closed (RFC 7675 §5.1)."""
        await self.get_event()

    def is_talking_to(self, protocol: StunProtocol, addr: tuple[str, int]) -> bool:
        """Whether ICE checks this remote address through this socket, or has done so."""
        return any(
            pair.protocol is protocol and pair.remote_addr == addr and pair.state in _LIVE_STATES
            for pair in self._check_list
        )

    @property
    def _is_full(self) -> bool:
        return len(self._remote_candidates) >= MAX_REMOTE_CANDIDATES

    # What aioice calls.

    def check_incoming(
        self, message: Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        """Learn peer-reflexive candidates only within the policy and the limit."""
        known = any(
            (candidate._network_host, candidate.port) == addr
            for candidate in self._remote_candidates
        )
        if not known and (self._is_full or not self._policy.admits(addr[0])):
            return
        if "PRIORITY" not in message.attributes:  # RFC 8445 §7.1.1 demands it, aioice relies on it
            return
        super().check_incoming(message, addr, protocol)

    async def check_start(self, pair: CandidatePair) -> None:
        """Check a pair, but not for ever: a peer may answer each check with a role conflict."""
        self._checks[pair] += 1
        if self._checks[pair] > MAX_CHECKS:
            self.check_state(pair, CandidatePair.State.FAILED)
            self.check_complete(pair)
            return
        await super().check_start(pair)

    def check_complete(self, pair: CandidatePair) -> None:
        """Keep the sending path beside the nominated pair, for :meth:`transmit`."""
        if pair.state is CandidatePair.State.FAILED and not self._nominated:
            # aioice never tries to nominate another pair than the first that answered.
            self._nominating.discard(pair.component)
        super().check_complete(pair)
        nominated = self._nominated.get(1)
        if nominated is not None:
            self._path = (nominated.protocol.transport, nominated.remote_addr)

    def data_received(self, data: bytes, component: int) -> None:
        """Nothing reads aioice's queue: what its parser does not take for STUN is dropped."""

    async def query_consent(self) -> None:
        """Ask for consent on the nominated pair until it is refused for too long (RFC 7675 §5.1).

        aioice's own waits 0.5 s for each answer, too short for slow links, and tells nobody before
        the end.
        """
        loop = asyncio.get_running_loop()
        granted_at = loop.time()
        alive = True
        while loop.time() - granted_at < self._settings.consent_timeout_s:
            await asyncio.sleep(CONSENT_INTERVAL_S * random.uniform(0.8, 1.2))  # noqa: S311 # jitter
            answered = await self._ask_consent()
            if answered:
                granted_at = loop.time()
            if answered != alive and self._on_consent is not None:
                self._on_consent(answered)
            alive = answered
        self._query_consent_task = None
        await self.close()

    async def _ask_consent(self) -> bool:
        pair = self._nominated.get(1)
        if pair is None or self.remote_password is None:
            return False
        try:
            await pair.protocol.request(
                self.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=self.remote_password.encode(),
                retransmissions=1,
            )
        except TransactionError:
            return False
        return True

    async def close(self) -> None:
        """End checks, consent and sockets; may be called more than once."""
        self._path = None
        await super().close()


def bind_udp(address: str, port_min: int, port_max: int) -> socket.socket:
    """A UDP socket on this address, on a random free port of the range.

    Args:
        address: a local address.
        port_min: first port of the range; 0 lets the system choose.
        port_max: last port of the range.

    Raises:
        OSError: the address is not ours, or every port of the range is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        size = port_max - port_min + 1
        start = random.randrange(size)  # noqa: S311 # spreads the ports, no secret
        for offset in range(size):
            try:
                sock.bind((address, port_min + (start + offset) % size))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return sock
        raise OSError(errno.EADDRINUSE, "every UDP port of the range is taken")
    except BaseException:
        sock.close()
        raise
