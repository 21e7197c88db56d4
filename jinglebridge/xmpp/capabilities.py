"""What devices of peers can do: from the capabilities in their presence, else by asking them.

An answer is kept for everybody who announces its digest, once it was checked; one that no
digest vouches for is kept for that device, as long as it is there. Everything is bounded: the least
recently used goes first, and what is too large to keep is used once.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import structlog

from jinglebridge.bridge.rates import Rate
from jinglebridge.errors import MalformedStanza, SignalingError
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo
from jinglebridge.protocol.disco.xep_0115 import Capabilities, check_digest
from jinglebridge.protocol.session.habits import Habits, habits_of
from jinglebridge.protocol.session.table import bare
from jinglebridge.protocol.xml import parse, tag_of
from jinglebridge.xmpp import stanzas

Ask = Callable[[str, str, DiscoInfo], Awaitable[DiscoInfo]]
"""Sender, peer and question; raises ``SignalingError``."""

_PRIORITY = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_MAX_NAME = 256
"""Characters of a node or digest that are kept."""
_NODE_UNKNOWN = ("item-not-found", "service-unavailable", "feature-not-implemented", "bad-request")
"""Errors of a device that does not know its own node, but may know itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityBounds:
    """How much is kept, and how often peers are asked."""

    devices: int = 8192
    devices_per_account: int = 16
    answers: int = 256
    """That were checked."""
    answer_size: int = 16_384
    """Characters of an answer that is kept."""
    questions: int = 32
    """At the same time."""
    questions_per_minute: int = 12
    """To the devices of one account."""
    timeout: float = 5.0
    """For what a device says of itself, in s."""


@dataclass(slots=True, kw_only=True)
class _Device:
    """One device that is there."""

    priority: int
    seen: int
    caps: Capabilities | None
    answer: DiscoInfo | None = None
    """Its own, when no digest vouches for it."""


class PeerCapabilities:
    """What is known of the devices of peers.

    Args:
        ask: asks a device.
        bounds: on what is kept.
        clock: any that does not go back, in s.
    """

    def __init__(
        self,
        ask: Ask,
        bounds: CapabilityBounds | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._bounds = bounds or CapabilityBounds()
        self._clock = clock
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._accounts: dict[str, dict[str, None]] = {}
        self._answers: OrderedDict[tuple[str, str], DiscoInfo] = OrderedDict()
        self._questions: dict[str, asyncio.Task[DiscoInfo]] = {}
        self._rate = Rate(self._bounds.questions_per_minute)
        self._seen = 0
        self._log = structlog.get_logger()

    def available(self, peer: str, local: str, stanza: Element) -> None:
        """Take a device's available presence; ask it when its capabilities are new.

        Args:
            peer: its full JID; one without a resource is no device.
            local: our JID to ask from.
            stanza: the presence.
        """
        if "/" not in peer:
            return
        caps = _caps_of(stanza)
        before = self._devices.get(peer)
        self._seen += 1
        device = _Device(priority=_priority_of(stanza), seen=self._seen, caps=caps)
        if before is not None and before.caps == caps:
            device.answer = before.answer
        self._devices[peer] = device
        self._devices.move_to_end(peer)
        self._accounts.setdefault(bare(peer), {})[peer] = None
        self._make_room(bare(peer))
        if caps is not None and self._known(device) is None:
            self._ask_ahead(peer, local, caps)

    def unavailable(self, peer: str) -> None:
        """Forget a device, or all of an account."""
        for gone in self._devices_of(peer) if "/" not in peer else (peer,):
            self._forget(gone)

    def resources(self, account: str) -> tuple[str, ...]:
        """Full JIDs of an account's devices, best priority first, among equals the latest first."""
        rows = ((self._devices[peer], peer) for peer in self._devices_of(account))
        order = sorted(rows, key=lambda row: (-row[0].priority, -row[0].seen))
        return tuple(peer for _, peer in order)

    def habits(self, peer: str) -> Habits:
        """The habits of a device, from what is known of it now."""
        device = self._devices.get(peer)
        if device is None:
            return Habits()
        known = self._known(device)
        node = device.caps.node if device.caps is not None else ""
        return habits_of(known.vars if known is not None else frozenset(), node)

    async def features(self, sender: str, peer: str) -> frozenset[str]:
        """What a device understands; it is asked when that is not known.

        Args:
            sender: our JID to ask from.
            peer: its full JID.

        Raises:
            SignalingError: it does not say, or too many are asked at the moment.
        """
        device = self._devices.get(peer)
        known = self._known(device) if device is not None else None
        if known is not None:
            self._devices.move_to_end(peer)
            return known.vars
        task = self._questions.get(peer)
        if task is None:
            if len(self._questions) >= self._bounds.questions:
                raise SignalingError("resource-constraint", "too many devices are asked now")
            task = self._begin(sender, peer, device.caps if device is not None else None)
        # whoever stops waiting does not stop the others
        answer = await asyncio.shield(task)
        return answer.vars

    async def close(self) -> None:
        """Ask no more."""
        tasks = tuple(self._questions.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, device: _Device) -> DiscoInfo | None:
        caps = device.caps
        if caps is not None and (answer := self._answers.get((caps.hash, caps.ver))) is not None:
            self._answers.move_to_end((caps.hash, caps.ver))
            return answer
        return device.answer

    def _ask_ahead(self, peer: str, local: str, caps: Capabilities) -> None:
        """Ask before anybody needs it: a session-initiate is not going to wait for that."""
        account, now = bare(peer), self._clock()
        asked = peer in self._questions or len(self._questions) >= self._bounds.questions
        if not asked and self._rate.wait(account, now) <= 0:
            self._rate.take(account, now)
            self._begin(local, peer, caps)

    def _begin(self, sender: str, peer: str, caps: Capabilities | None) -> asyncio.Task[DiscoInfo]:
        task = asyncio.create_task(self._learn(sender, peer, caps), name=f"disco {peer}")
        self._questions[peer] = task
        task.add_done_callback(lambda done: self._answered(peer, done))
        return task

    def _answered(self, peer: str, task: asyncio.Task[DiscoInfo]) -> None:
        self._questions.pop(peer, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, SignalingError):
            self._log.debug("device says nothing of itself", peer=peer, error=str(error))
        elif error is not None:
            self._log.error("question failed", peer=peer, exc_info=error)

    async def _learn(self, sender: str, peer: str, caps: Capabilities | None) -> DiscoInfo:
        try:
            async with asyncio.timeout(self._bounds.timeout):
                answer = await self._question(sender, peer, caps)
        except TimeoutError:
            raise SignalingError("remote-server-timeout", "no answer in time") from None
        self._keep(peer, caps, answer)
        return answer

    async def _question(self, sender: str, peer: str, caps: Capabilities | None) -> DiscoInfo:
        if caps is not None:
            try:
                return await self._ask(sender, peer, DiscoInfo(node=f"{caps.node}#{caps.ver}"))
            except SignalingError as error:
                if error.condition not in _NODE_UNKNOWN:
                    raise
        return await self._ask(sender, peer, DiscoInfo())

    def _keep(self, peer: str, caps: Capabilities | None, answer: DiscoInfo) -> None:
        if _size_of(answer) > self._bounds.answer_size:
            return
        kept = replace(answer, forms=())
        if caps is not None:
            try:
                check_digest(answer, caps)
            except MalformedStanza as error:
                self._log.debug("capabilities not believed", peer=peer, error=str(error))
            else:
                self._answers[caps.hash, caps.ver] = kept
                if len(self._answers) > self._bounds.answers:
                    self._answers.popitem(last=False)
                return
        device = self._devices.get(peer)
        if device is not None and device.caps == caps:
            device.answer = kept

    def _devices_of(self, account: str) -> tuple[str, ...]:
        return tuple(self._accounts.get(account, ()))

    def _make_room(self, account: str) -> None:
        others = self._devices_of(account)
        if len(others) > self._bounds.devices_per_account:
            self._forget(min(others, key=lambda peer: self._devices[peer].seen))
        if len(self._devices) > self._bounds.devices:
            self._forget(next(iter(self._devices)))

    def _forget(self, peer: str) -> None:
        if self._devices.pop(peer, None) is None:
            return
        devices = self._accounts[bare(peer)]
        del devices[peer]
        if not devices:
            del self._accounts[bare(peer)]


def _caps_of(stanza: Element) -> Capabilities | None:
    element = stanza.find(tag_of(Capabilities))
    if element is None:
        return None
    try:
        caps = parse(Capabilities, element)
    except MalformedStanza:
        return None
    kept = max(map(len, (caps.hash, caps.node, caps.ver))) <= _MAX_NAME and caps.ver
    return caps if kept else None


def _priority_of(stanza: Element) -> int:
    """From -128 to 127 (RFC 6121 §4.7.2.3); what is no number is none."""
    text = (stanza.findtext(f"{{{stanzas.NAMESPACE}}}priority") or "").strip()
    number = int(text) if _PRIORITY.fullmatch(text) else 0
    return max(-128, min(127, number))


def _size_of(answer: DiscoInfo) -> int:
    identities: Iterable[str] = (
        f"{item.category}{item.type}{item.name}{item.lang}" for item in answer.identities
    )
    return sum(map(len, (*identities, *(item.var for item in answer.features))))
