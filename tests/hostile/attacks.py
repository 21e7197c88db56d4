"""The attacks, over a scripted server: each returns its figures."""

import asyncio
import random
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import quoteattr

from tests.hostile.figures import spread
from tests.hostile.generate import ACTION, BRIDGE, Case, content, initiate
from tests.hostile.server import JINGLE, ScriptedServer, bare

ECHO = f"echo@{BRIDGE}"
MEDIA = f"{ECHO}/media"
HONEST = "juliet@example.org/balcony"
VICTIM = "romeo@example.org/orchard"
ATTACKERS = tuple(
    f"mallory{number}@example.org/{resource}"
    for number in range(10)
    for resource in ("fast", "slow")
)
MUTE = ATTACKERS[-6:]
"""Clients that answer nothing."""
OFFER = content("0")


async def stanzas(
    server: ScriptedServer, cases: Iterable[Case], *, rate: float, settle: float = 1.0
) -> dict[str, Any]:
    """Send generated stanzas at a steady rate while an honest client pings.

    Args:
        server: with the bridge on it.
        cases: what to send.
        rate: stanzas a second.
        settle: how long answers may come after the last one, in s.
    """
    server.silent = lambda jid: jid in MUTE
    call = await HonestCall.begun(server, HONEST, "honest")
    sent: Counter[str] = Counter()
    before = server.total
    async with pinging(server, HONEST) as times:
        started = perf_counter()
        for number, case in enumerate(cases):
            if number % 50 == 0:
                _renew(server, number // 50)
            sender = ATTACKERS[number % len(ATTACKERS)]
            server.write(case.text(sender, ours=server.ours.get(bare(sender), "ours")))
            sent[case.giant or case.name] += 1
            wait = started + number / rate - perf_counter()
            if wait > 0.002:
                await asyncio.sleep(wait)
            elif number % 20 == 0:
                await server.drain()
        await server.ping(HONEST, ECHO)
        took = perf_counter() - started
        await asyncio.sleep(settle)
    alive = await call.is_alive()
    await call.end()
    return {
        "stanzas": sum(sent.values()),
        "kinds": dict(sent.most_common()),
        "rate": round(sum(sent.values()) / took),
        "answers": server.total - before,
        "pings": spread(times),
        "honest_call_alive": alive,
    }


def _renew(server: ScriptedServer, turn: int) -> None:
    """Sessions in each state, again and again: stanzas meet a state that they can hurt."""
    sender = ATTACKERS[turn % len(ATTACKERS)]
    for sid in ("sid1", "sid2", "sid3", "ended"):
        server.write(_request(sender, initiate(OFFER, sid=sid), f"renew-{sid}"))
    ended = initiate("<reason><success/></reason>", sid="ended", action="session-terminate")
    server.write(_request(sender, ended, "renew-end"))


def _request(sender: str, payload: str, identifier: str, to: str = ECHO) -> str:
    return (
        f"<iq type='set' id={quoteattr(identifier)} from={quoteattr(sender)} to={quoteattr(to)}>"
        f"{payload}</iq>"
    )


@asynccontextmanager
async def pinging(
    server: ScriptedServer, sender: str, *, every: float = 0.05
) -> AsyncIterator[list[float]]:
    """Ping for the length of the block; yields the times in s."""
    times: list[float] = []

    async def run() -> None:
        while True:
            times.append(await server.ping(sender, ECHO))
            await asyncio.sleep(every)

    task = asyncio.create_task(run())
    try:
        yield times
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):
            raise AssertionError("the honest client failed") from ended


class HonestCall:
    """A call as any client makes it."""

    def __init__(self, server: ScriptedServer, jid: str, sid: str) -> None:
        self._server, self._jid, self._sid = server, jid, sid
        self.accepted = asyncio.Event()
        self.received: list[Element] = []

    @classmethod
    async def begun(
        cls, server: ScriptedServer, jid: str, sid: str, offer: str = OFFER, within: float = 30.0
    ) -> "HonestCall":
        """Call, and wait for the session-accept.

        Raises:
            TimeoutError: it did not come.
            AssertionError: the call was refused.
        """
        call = cls(server, jid, sid)
        server.takers[jid] = call._take
        async with asyncio.timeout(within):
            answer = await server.ask(jid, ECHO, initiate(offer, sid=sid), within=within)
            if answer.get("type") != "result":
                raise AssertionError(tostring(answer, "unicode"))
            await call.accepted.wait()
        return call

    def _take(self, stanza: Element) -> None:
        self.received.append(stanza)
        jingle = stanza.find(JINGLE)
        accept = {"sid": self._sid, "action": "session-accept"}
        if jingle is not None and accept.items() <= jingle.attrib.items():
            self.accepted.set()

    async def is_alive(self) -> bool:
        """Whether the bridge still knows the session (XEP-0166 §6.8: an empty session-info)."""
        payload = initiate("", sid=self._sid, action="session-info")
        answer = await self._server.ask(self._jid, MEDIA, payload)
        return answer.get("type") == "result"

    async def end(self) -> None:
        """Hang up."""
        words = "<reason><success/></reason>"
        payload = initiate(words, sid=self._sid, action="session-terminate")
        await self._server.ask(self._jid, MEDIA, payload)
        self._server.takers.pop(self._jid, None)


# ---- hijack --------------------------------------------------------------------------------------

KNOWN, UNKNOWN = "a5c1f3e7b9d20468", "b6d2e4f8c0a31579"
THIEVES = (
    "mallory@example.org/orchard",
    "romeo@example.org/other",
    "romeo@example.org",
    "romeo@example.net/orchard",
    "romeo@example.org.example.net/orchard",
    "romeo@example.org/ORCHARD",
    "Romeo@example.org/orchard",
    "romeo@example.org/orchard/",
    "example.org",
    "mallory@example.org/romeo@example.org/orchard",
)
LIES: tuple[dict[str, str], ...] = (
    {},
    {"initiator": VICTIM},
    {"initiator": VICTIM, "responder": MEDIA},
    {"responder": VICTIM},
    {"initiator": MEDIA, "responder": VICTIM},
)
_SAID = 3
"""Messages for a propose: ringing, proceed and a receipt."""
JMI = ("propose", "ringing", "proceed", "accept", "reject", "retract", "finish")


async def hijack(server: ScriptedServer, *, attempts: int, seed: int) -> dict[str, Any]:
    """Try to get at a session whose sid is known.

    Each attempt is made twice, with the victim's sid and with one that nobody has: the answers must
    be the same, so that not even the sid's existence shows.
    """
    rng = random.Random(seed)
    server.silent = lambda _: False
    call = await HonestCall.begun(server, VICTIM, KNOWN)
    await asyncio.sleep(0.3)
    call.received.clear()
    outcomes: Counter[str] = Counter()
    different: list[str] = []
    accepted: list[str] = []
    known_times: list[float] = []
    unknown_times: list[float] = []
    for number in range(attempts):
        attempt = Attempt.random(rng, number)
        known, took = await attempt.made(server, KNOWN)
        unknown, other = await attempt.made(server, UNKNOWN)
        known_times.append(took)
        unknown_times.append(other)
        outcomes[known] += 1
        if known != unknown:
            different.append(f"{attempt}: {known} / {unknown}")
        if known == "result" and attempt.action != "session-initiate":
            accepted.append(str(attempt))
    heard = len(call.received)
    alive = await call.is_alive()
    await call.end()
    return {
        "attempts": attempts,
        "accepted": len(accepted),
        "distinguishable": len(different),
        "examples": [*accepted[:5], *different[:5]],
        "heard_by_victim": heard,
        "victim_alive": alive,
        "answers": dict(outcomes.most_common()),
        "known_sid_p50_ms": round(statistics.median(known_times) * 1e3, 3),
        "unknown_sid_p50_ms": round(statistics.median(unknown_times) * 1e3, 3),
    }


def _summary(stanza: Element) -> str:
    """All of an answer that is not an address or an id of the stanza's own."""
    error = stanza.find("{jabber:component:accept}error")
    if error is not None:
        names = [item.tag.partition("}")[2] for item in error if not item.text]
        words = "".join(item.text or "" for item in error)
        return f"{error.get('type')} {' '.join(names)}: {words}"
    inside = [item.tag.partition("}")[2] for item in stanza]
    return " ".join((stanza.get("type", ""), *inside))


class Attempt:
    """One way to pretend."""

    def __init__(self, thief: str, to: str, action: str, lie: dict[str, str], kind: str) -> None:
        self.thief, self.to, self.action, self.lie, self.kind = thief, to, action, lie, kind

    def __str__(self) -> str:
        return f"{self.kind} {self.action} of {self.thief} to {self.to} with {self.lie}"

    @classmethod
    def random(cls, rng: random.Random, number: int) -> "Attempt":
        """An attempt; all kinds take turns."""
        kind = ("iq", "iq", "iq", "replay", "message", "answer")[number % 6]
        action = rng.choice(JMI if kind == "message" else ACTION)
        to = rng.choice((ECHO, MEDIA, MEDIA, BRIDGE))
        thief = rng.choice(THIEVES)
        if action == "propose":
            # an earlier call of the same account would make the answers differ by itself
            thief = f"thief{number}@example.org/orchard"
        return cls(thief, to, action, rng.choice(LIES), kind)

    async def made(self, server: ScriptedServer, sid: str) -> tuple[str, float]:
        """Make it; what was answered and how long it took, in s."""
        started = perf_counter()
        if self.kind in ("message", "answer"):
            heard = await self._said(server, sid)
            return heard, perf_counter() - started
        contents = OFFER if "initiate" in self.action or "content" in self.action else ""
        reason = "<reason><success/></reason>" if self.action == "session-terminate" else ""
        payload = initiate(contents + reason, sid=sid, action=self.action)
        for name, value in self.lie.items():
            payload = payload.replace(" sid=", f" {name}={quoteattr(value)} sid=", 1)
        if self.kind == "replay":
            # the id of a request of the victim's own
            server.write(_request(self.thief, payload, "ask1", self.to))
        answer = await server.ask(self.thief, self.to, payload)
        took = perf_counter() - started
        if self.action == "session-initiate":
            # what began is the thief's own session; the next attempt is not to meet it
            ends = initiate("<reason><cancel/></reason>", sid=sid, action="session-terminate")
            await server.ask(self.thief, self.to, ends)
        return _summary(answer).replace(sid, "SID"), took

    async def _said(self, server: ScriptedServer, sid: str) -> str:
        """Send what has no answer by itself, and say what came all the same."""
        heard: list[str] = []

        def take(item: Element) -> None:
            if item.tag.endswith("}message"):
                heard.append(_summary(item))

        server.takers[self.thief] = take
        server.write(
            self._message(sid, self.action) if self.kind == "message" else self._answer(sid)
        )
        for _ in range(20):
            if self.action != "propose" or len(heard) >= _SAID:
                break
            await asyncio.sleep(0.025)  # a task of the bridge's proceeds
        await server.ping(self.thief, ECHO)
        del server.takers[self.thief]
        if self.action == "propose":
            server.write(self._message(sid, "retract"))
        return ", ".join(heard).replace(sid, "SID") or "nothing"

    def _message(self, sid: str, name: str) -> str:
        inside = ""
        if name == "propose":
            inside = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>"
        return (
            f"<message type='chat' id='m1' from={quoteattr(self.thief)} to={quoteattr(self.to)}>"
            f"<{name} xmlns='urn:xmpp:jingle-message:0' id='{sid}'>{inside}</{name}></message>"
        )

    def _answer(self, sid: str) -> str:
        kind = "error" if sid == KNOWN else "result"
        return (
            f"<iq type='{kind}' id='ask{len(self.thief)}' from={quoteattr(self.thief)} "
            f"to={quoteattr(self.to)}><jingle xmlns='urn:xmpp:jingle:1' sid='{sid}'/></iq>"
        )


# ---- flood ---------------------------------------------------------------------------------------

FLOODER = "flood@example.org/x"


async def flood(
    server: ScriptedServer, *, rate: float, seconds: float, offer: str, setups: float = 2.0
) -> dict[str, Any]:
    """One JID initiates sessions while honest callers set up theirs.

    Args:
        server: with the bridge on it.
        rate: session-initiates a second.
        seconds: how long.
        offer: the contents of each.
        setups: honest ones a second.
    """
    server.silent = lambda _: False
    times: list[float] = []
    refused: list[str] = []
    callers: set[asyncio.Task[None]] = set()
    answers: Counter[str] = Counter()

    def answered(stanza: Element) -> None:
        jingle = stanza.find(JINGLE)
        answers["" if jingle is None else jingle.get("action", "")] += 1

    server.takers[FLOODER] = answered
    started, sent, honest = perf_counter(), 0, 0
    errors_before = server.seen["iq error"]
    async with pinging(server, HONEST) as pings:
        while (now := perf_counter() - started) < seconds:
            for _ in range(int(now * rate) - sent):
                server.write(_request(FLOODER, initiate(offer, sid=f"f{sent}"), f"f{sent}"))
                sent += 1
            if now * setups > honest:
                jid = f"honest{honest % 40}@example.org/phone"
                task = asyncio.create_task(
                    _set_up(server, jid, honest, offer=offer, times=times, refused=refused)
                )
                callers.add(task)
                honest += 1
            await server.drain()
            await asyncio.sleep(0.005)
        flooded = perf_counter() - started
        if callers:
            await asyncio.wait(callers)
        for task in callers:
            task.result()
    return {
        "initiates": sent,
        "rate": round(sent / flooded),
        "seconds": round(flooded, 1),
        "bytes_each": len(_request(FLOODER, initiate(offer, sid="f00000"), "f00000")),
        "refused": server.seen["iq error"] - errors_before,
        "accepted": answers["session-accept"],
        "honest_refused": len(refused),
        "honest_examples": refused[:3],
        "honest_setups": spread(times),
        "pings": spread(pings),
    }


async def _set_up(
    server: ScriptedServer,
    jid: str,
    number: int,
    *,
    offer: str,
    times: list[float],
    refused: list[str],
) -> None:
    started = perf_counter()
    try:
        call = await HonestCall.begun(server, jid, f"honest{number}", offer)
    except (AssertionError, TimeoutError) as error:
        refused.append(repr(error)[:500])
        return
    times.append(perf_counter() - started)
    await call.end()
