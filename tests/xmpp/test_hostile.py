"""What an attacker with an account can send: refused, and nobody else notices."""

import asyncio
import re
import statistics
from collections.abc import Callable
from xml.etree.ElementTree import tostring

import pytest

from jinglebridge.dev.prosody import COMPONENT_DOMAIN
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition, reason_of
from jinglebridge.protocol.sdp.text import dumps
from jinglebridge.protocol.xml import build
from tests.xmpp.attached import ECHO, MEDIA, Attached
from tests.xmpp.phone import Phone, Refusal, refusal_of
from tests.xmpp.test_call import UNKNOWN, call, hang_up, refused, request

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

POLICY = Refusal("modify", "policy-violation", None, "")
BAD = Refusal("modify", "bad-request", None, "")
DEPTHS = [64, 500, 2_000, 36_000]
PINGS = 60


def nested(levels: int) -> str:
    return "<a>" * levels + "</a>" * levels


async def pings(phone: Phone, until: asyncio.Event) -> list[float]:
    """Times of an honest client's pings, as long as the attack lasts and a while longer."""
    times: list[float] = []
    while not until.is_set() or len(times) < PINGS:
        times.append(await phone.ping(ECHO))
        await asyncio.sleep(0.005)
    return times


@pytest.mark.parametrize(
    ("depth", "places"),
    [
        (64, [ECHO, MEDIA, COMPONENT_DOMAIN, f"nobody@{COMPONENT_DOMAIN}"]),
        (500, [ECHO, MEDIA, COMPONENT_DOMAIN, f"nobody@{COMPONENT_DOMAIN}"]),
        (2_000, [ECHO, COMPONENT_DOMAIN]),
        (36_000, [ECHO]),  # the server alone takes a second for it
    ],
)
async def test_a_deep_request_is_refused(
    whole: Attached, juliet: Phone, mallory: Phone, depth: int, places: list[str]
) -> None:
    ours = await call(whole, juliet)
    for kind in ("get", "set"):
        for to in places:
            refusal = refusal_of(await mallory.ask(to, nested(depth), kind=kind))
            assert (refusal.type, refusal.condition) == ("modify", "policy-violation")
    await juliet.ping(ECHO)
    assert len(whole.bridge.calls) == 1
    await hang_up(juliet, ours)


@pytest.mark.parametrize(
    "inside",
    [
        request("session-initiate", nested(100)),
        request(
            "session-initiate", f"<content creator='initiator' name='a'>{nested(62)}</content>"
        ),
        f"<query xmlns='http://jabber.org/protocol/disco#info'>{nested(70)}</query>",
        f"<ping xmlns='urn:xmpp:ping'>{nested(70)}</ping>",
    ],
    ids=["jingle", "content", "disco", "ping"],
)
async def test_depth_hides_behind_nothing(whole: Attached, mallory: Phone, inside: str) -> None:
    kind = "set" if "jingle" in inside else "get"
    refusal = refusal_of(await mallory.ask(ECHO, inside, kind=kind))
    assert (refusal.type, refusal.condition) == ("modify", "policy-violation")


@pytest.mark.parametrize("name", ["message", "presence"])
@pytest.mark.parametrize("depth", DEPTHS)
async def test_deep_messages_and_presence_are_dropped(
    whole: Attached, juliet: Phone, mallory: Phone, depth: int, name: str
) -> None:
    ours = await call(whole, juliet)
    await mallory.send(f"<{name} to='{ECHO}'>{nested(depth)}</{name}>")
    await mallory.send(f"<{name} to='{ECHO}' type='error'>{nested(depth // 20)}</{name}>")
    await mallory.ping(ECHO)
    await juliet.ping(ECHO)
    await hang_up(juliet, ours)


@pytest.mark.parametrize("kind", ["result", "error"])
async def test_deep_answers_that_nobody_asked_for_are_dropped(
    whole: Attached, juliet: Phone, mallory: Phone, kind: str
) -> None:
    ours = await call(whole, juliet)
    for depth in DEPTHS[:-1]:
        await mallory.send(f"<iq type='{kind}' id='x' to='{ECHO}'>{nested(depth)}</iq>")
    await mallory.ping(ECHO)
    await hang_up(juliet, ours)


async def test_a_deep_answer_to_a_request_of_ours_ends_nobody_elses_call(
    whole: Attached, juliet: Phone, mallory: Phone
) -> None:
    ours = await call(whole, juliet)
    mallory.answers = False
    theirs = await call(whole, mallory, "sid2")
    for item in [item for item in mallory.received if item.get("type") == "set"]:
        id_ = item.get("id")
        await mallory.send(f"<iq type='error' id='{id_}' to='{ECHO}'>{nested(2_000)}</iq>")
    await mallory.ping(ECHO)
    await hang_up(juliet, ours)
    await hang_up(mallory, theirs)


async def test_wide_stanzas(whole: Attached, juliet: Phone, mallory: Phone) -> None:
    ours = await call(whole, juliet)
    attributes = " ".join(f"a{number}='1'" for number in range(15_000))
    await refused(mallory, f"<query xmlns='urn:x' {attributes}/>")
    await refused(mallory, f"<query xmlns='urn:x'>{'<a/>' * 40_000}</query>")
    await refused(mallory, f"<query xmlns='urn:x'>{'x' * 250_000}</query>")
    contents = "".join(f"<content creator='initiator' name='{n}'/>" for n in range(65))
    assert await refused(mallory, request("session-initiate", contents)) == BAD
    await juliet.ping(ECHO)
    await hang_up(juliet, ours)


async def test_an_attack_delays_nobody(whole: Attached, juliet: Phone, mallory: Phone) -> None:
    ours = await call(whole, juliet)
    over = asyncio.Event()

    async def attack() -> None:
        for _ in range(5):
            for depth in DEPTHS[:-1]:
                refusal = refusal_of(await mallory.ask(ECHO, nested(depth)))
                assert refusal.condition == "policy-violation"
                await mallory.send(f"<message to='{ECHO}'>{nested(depth)}</message>")
        over.set()

    _, times = await asyncio.gather(attack(), pings(juliet, over))
    assert statistics.median(times) < 0.1
    assert statistics.quantiles(times, n=10)[8] < 0.5
    await hang_up(juliet, ours)


async def test_the_deepest_stanza_does_not_stop_us(whole: Attached, mallory: Phone) -> None:
    """Time that it takes on our side, apart from the server's own second."""
    await mallory.ping(ECHO)
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            started = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - started)

    watching = asyncio.create_task(watch())
    refusal = refusal_of(await mallory.ask(ECHO, nested(36_000)))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert refusal.condition == "policy-violation"
    assert longest < 0.5


VALUES = ("name", "payload", "ufrag", "hash_", "foundation", "address", "parameter")
ONE_WORD = ("payload", "ufrag", "hash_", "foundation", "address")
LINES = ("&#13;&#10;a=x:1", "&#10;a=x:1", "&#13;a=x:1", "&#9;a=x:1")


def described(
    *,
    name: str = "0",
    payload: str = "PCMU",
    ufrag: str = "abcd",
    hash_: str = "sha-256",
    foundation: str = "1",
    address: str = "127.0.0.1",
    parameter: str = "1",
) -> str:
    """A content in which one value may hold more than it should."""
    return (
        f"<content creator='initiator' name='{name}'>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
        f"<payload-type id='0' name='{payload}' clockrate='8000'>"
        f"<parameter name='x' value='{parameter}'/></payload-type></description>"
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
        f"ufrag='{ufrag}' pwd='{'p' * 22}'>"
        f"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='{hash_}' setup='actpass'>"
        f"{':'.join(['AB'] * 32)}</fingerprint>"
        f"<candidate component='1' foundation='{foundation}' generation='0' id='a' "
        f"ip='{address}' port='9' priority='1' protocol='udp' type='host'/></transport></content>"
    )


@pytest.mark.parametrize("line", LINES, ids=["crlf", "lf", "cr", "tab"])
async def test_no_value_brings_another_line(
    whole: Attached, juliet: Phone, mallory: Phone, line: str
) -> None:
    """Prosody writes CR and LF as they are, so that they arrive as spaces: harmless, or refused."""
    ours = await call(whole, juliet)
    for value in VALUES:
        before = len(whole.engine.sessions)
        content = described(**{value: f"abcd{line}"})
        answer = await mallory.ask(ECHO, request("session-initiate", content, value))
        if answer.get("type") == "error":
            assert refusal_of(answer).condition == "bad-request"
            assert len(whole.engine.sessions) == before
            continue
        assert value not in ONE_WORD, value
        await mallory.wait_for(_accepted(value))
        offer = whole.media(mallory.jid).offer
        assert offer is not None
        assert not re.search(r"^a=x:1", dumps(offer), re.MULTILINE)
        await mallory.jingle(ECHO, _end(value))
    await hang_up(juliet, ours)


def _accepted(sid: str) -> Callable[[Phone], bool]:
    return lambda phone: (
        (sid, Action.SESSION_ACCEPT) in [(item.sid, item.action) for item in phone.requests]
    )


def _end(sid: str) -> Jingle:
    reason = reason_of(ReasonCondition.SUCCESS)
    return Jingle(action=Action.SESSION_TERMINATE, sid=sid, reason=reason)


async def test_a_foreign_session_stays_foreign(
    whole: Attached, juliet: Phone, mallory: Phone
) -> None:
    """Knowing a sid opens nothing: every action, with every lie about who one is."""
    ours = await call(whole, juliet)
    media = whole.media(juliet.jid)
    before = len(media.received)
    for action in Action:
        if action is Action.SESSION_INITIATE:
            continue
        for lie in (None, juliet.jid):
            forged = Jingle(action=action, sid="sid1", initiator=lie, responder=lie)
            text = tostring(build(forged), "unicode")
            for to in (ECHO, MEDIA):
                assert await refused(mallory, text, to=to) == UNKNOWN
    assert len(media.received) == before
    assert media.closed == 0
    (running,) = whole.bridge.calls
    assert running.session.peer == juliet.jid
    await hang_up(juliet, ours)


async def test_an_initiate_in_anothers_name(whole: Attached, juliet: Phone, mallory: Phone) -> None:
    forged = request("session-initiate", described()).replace(
        "sid=", f"initiator='{juliet.jid}' sid="
    )
    assert await refused(mallory, forged) == Refusal("cancel", "not-allowed", None, "")
    assert not whole.bridge.calls


async def test_the_same_sid_of_two_clients_is_two_sessions(
    whole: Attached, juliet: Phone, mallory: Phone
) -> None:
    ours = await call(whole, juliet)
    theirs = await call(whole, mallory)
    await hang_up(mallory, theirs)
    (running,) = whole.bridge.calls
    assert running.session.peer == juliet.jid
    await hang_up(juliet, ours)


async def test_one_account_has_its_share_of_calls(
    whole: Attached, juliet: Phone, mallory: Phone
) -> None:
    sessions = [await call(whole, mallory, f"sid{number}") for number in range(4)]
    full = await refused(mallory, request("session-initiate", described(), "more"))
    assert full == Refusal("wait", "resource-constraint", None, "")
    ours = await call(whole, juliet, "mine")
    for theirs in sessions:
        await hang_up(mallory, theirs)
    await hang_up(juliet, ours)


@pytest.mark.parametrize(
    "to",
    ["ECHO@BRIDGE.LOCALHOST", "Echo@bridge.localhost/media", "echo@bridge.localhost/ü\U0001f600"],
)
async def test_strange_spellings_of_our_names(whole: Attached, mallory: Phone, to: str) -> None:
    """Whatever of them the server lets pass, the answer leaves in a name that is ours."""
    answer = await mallory.ask(to, nested(500))
    assert refusal_of(answer).condition == "policy-violation"
    await mallory.ping(to)
