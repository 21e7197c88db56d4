"""Messages: call initiation, receipts, help; and that nothing goes round in circles."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from jinglebridge.bridge.access import AccessRules, Names
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.errors import ResourceConstraint
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage, Proceed, Propose, Retract
from jinglebridge.xmpp.messages import HelpDesk, Messages
from jinglebridge.xmpp.notes import IN_ALL, Notes
from tests.bridge.stage import JULIET, Stage

DOMAIN = "bridge.example.net"
ECHO = f"echo@{DOMAIN}"
MEDIA = f"{ECHO}/media"
NS = "jabber:component:accept"
BODY = f"{{{NS}}}body"
RECEIVED = "{urn:xmpp:receipts}received"
JMI = "urn:xmpp:jingle-message:0"
PROPOSE = (
    f"<propose xmlns='{JMI}' id='call1'>"
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"
)
REQUEST = "<request xmlns='urn:xmpp:receipts'/>"
HELLO = "<body>Hello?</body>"


@dataclass(slots=True)
class Scene:
    stage: Stage
    now: float = 1000.0
    sent: list[Element] = field(default_factory=list)
    bridge: Bridge | None = None
    _messages: Messages | None = None

    @property
    def messages(self) -> Messages:
        if self._messages is None:
            bridge = self.bridge or self.stage.bridge
            notes = Notes(clock=lambda: self.now)
            self._messages = Messages(
                DOMAIN, bridge, self.sent.append, notes, clock=lambda: self.now
            )
        return self._messages

    def receive(self, inside: str = HELLO, **more: str) -> list[Element]:
        stanza = fromstring(f"<message xmlns='{NS}'>{inside}</message>")
        values = {"type": "chat", "from": JULIET, "to": ECHO, "id": "m1", **more}
        for name, value in values.items():
            if value:
                stanza.set(name, value)
        before = len(self.sent)
        self.messages.handle(stanza)
        return self.sent[before:]


@dataclass(slots=True)
class Told:
    """What reached the bridge."""

    messages: list[tuple[str, str, JingleMessage]] = field(default_factory=list)
    failed: list[tuple[str, str, str, str]] = field(default_factory=list)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    stage = Stage()
    yield Scene(stage)
    await stage.bridge.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    def deliver(self: Bridge, peer: str, local: str, message: JingleMessage) -> None:
        told.messages.append((peer, local, message))

    def fail(self: Bridge, peer: str, local: str, message_id: str, condition: str) -> None:
        told.failed.append((peer, local, message_id, condition))

    monkeypatch.setattr(Bridge, "deliver_message", deliver)
    monkeypatch.setattr(Bridge, "message_failed", fail)
    return told


def error_in(stanzas: list[Element]) -> tuple[str | None, str, str | None]:
    (stanza,) = stanzas
    assert stanza.tag == f"{{{NS}}}message"
    assert stanza.get("type") == "error"
    (error,) = stanza
    return error.get("type"), error[0].tag.rpartition("}")[2], stanza.get("id")


@pytest.mark.parametrize("kind", ["chat", "normal", ""])
@pytest.mark.parametrize("local", [ECHO, MEDIA])
async def test_a_proposal_is_taken_and_confirmed_from_the_full_jid(
    scene: Scene, told: Told, kind: str, local: str
) -> None:
    (receipt,) = scene.receive(PROPOSE, type=kind, to=local)
    ((peer, addressed, message),) = told.messages
    assert (peer, addressed) == (JULIET, local)
    assert isinstance(message, Propose)
    assert message.id == "call1"
    assert (receipt.get("from"), receipt.get("to"), receipt.get("type")) == (MEDIA, JULIET, "chat")
    (received,) = receipt
    assert (received.tag, received.get("id")) == (RECEIVED, "m1")


async def test_a_proposal_without_an_id_cannot_be_confirmed(scene: Scene, told: Told) -> None:
    assert not scene.receive(PROPOSE, id="")
    assert len(told.messages) == 1


async def test_other_messages_of_call_initiation(scene: Scene, told: Told) -> None:
    assert not scene.receive(f"<proceed xmlns='{JMI}' id='a'/>{HELLO}")
    assert not scene.receive(f"<store xmlns='urn:xmpp:hints'/><retract xmlns='{JMI}' id='b'/>")
    assert [item for _, _, item in told.messages] == [Proceed(id="a"), Retract(id="b")]


async def test_a_malformed_proposal_is_refused(scene: Scene, told: Told) -> None:
    assert error_in(scene.receive(f"<propose xmlns='{JMI}'/>")) == ("modify", "bad-request", "m1")
    assert not told.messages


async def test_a_refused_proposal_is_an_error_and_not_confirmed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Bridge, peer: str, local: str, message: JingleMessage) -> None:
        raise ResourceConstraint("too many")

    monkeypatch.setattr(Bridge, "deliver_message", refuse)
    assert error_in(scene.receive(PROPOSE)) == ("wait", "resource-constraint", "m1")


async def test_a_proposal_to_nobody(scene: Scene) -> None:
    stanzas = scene.receive(PROPOSE, to=f"nobody@{DOMAIN}")
    assert error_in(stanzas) == ("cancel", "item-not-found", "m1")
    assert stanzas[0].get("from") == f"nobody@{DOMAIN}"


async def test_an_error_that_came_back_reaches_the_bridge(scene: Scene, told: Told) -> None:
    error = (
        f"<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        f"</error>{PROPOSE}"
    )
    assert not scene.receive(error, type="error", to=MEDIA, id="p1")
    assert not scene.receive("", type="error", id="")
    assert told.failed == [
        (JULIET, MEDIA, "p1", "service-unavailable"),
        (JULIET, ECHO, "", "undefined-condition"),
    ]
    assert not told.messages


@pytest.mark.parametrize("kind", ["chat", "normal", ""])
async def test_words_get_a_short_help(scene: Scene, kind: str) -> None:
    (help_text,) = scene.receive(type=kind)
    assert (help_text.get("from"), help_text.get("to")) == (MEDIA, JULIET)
    assert help_text.get("type") == "chat"
    assert help_text.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    words = help_text.findtext(BODY) or ""
    assert words.startswith("Echo: Sends your own picture and voice back to you. ")
    assert f"call {ECHO} " in words
    assert len(words) < 200
    origin = help_text.find("{urn:xmpp:sid:0}origin-id")
    assert origin is not None
    assert origin.get("id") == help_text.get("id")


async def test_every_text_has_an_id_of_its_own(scene: Scene) -> None:
    ids = {scene.receive(**{"from": f"user{n}@example.org/x"})[0].get("id") for n in range(20)}
    assert len(ids) == 20
    assert None not in ids


async def test_a_receipt_for_words_when_it_is_asked_for(scene: Scene) -> None:
    receipt, help_text = scene.receive(HELLO + REQUEST)
    assert [item.tag for item in receipt] == [RECEIVED]
    assert help_text.find(BODY) is not None
    (receipt,) = scene.receive(HELLO + REQUEST, id="m2")
    assert receipt[0].get("id") == "m2"


@pytest.mark.parametrize("kind", ["error", "groupchat", "headline", "strange"])
async def test_kinds_that_are_never_answered(scene: Scene, kind: str) -> None:
    assert not scene.receive(HELLO + REQUEST, type=kind)
    assert not scene.receive(HELLO, type=kind, to=f"nobody@{DOMAIN}")


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<body/>",
        "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>",
        "<received xmlns='urn:xmpp:receipts' id='x'/>",
        "<received xmlns='urn:xmpp:receipts' id='x'/><body>got it</body>",
        f"{HELLO}<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>",
        "<body xmlns='http://www.w3.org/1999/xhtml'>Hello?</body>",
    ],
    ids=[
        "nothing", "no words", "typing", "read", "receipt", "receipt with words", "delayed", "html"
    ],
)  # fmt: skip
async def test_what_is_not_said_to_us_now(scene: Scene, inside: str) -> None:
    assert not scene.receive(inside)


async def test_words_to_nobody(scene: Scene) -> None:
    stanzas = scene.receive(to=f"nobody@{DOMAIN}")
    assert error_in(stanzas) == ("cancel", "item-not-found", "m1")


async def test_words_to_the_component_itself(scene: Scene) -> None:
    (help_text,) = scene.receive(to=DOMAIN)
    assert help_text.get("from") == DOMAIN
    words = help_text.findtext(BODY) or ""
    assert ECHO in words
    assert "closed" not in words


async def test_words_where_nothing_is_open(scene: Scene) -> None:
    scene.stage.services = scene.stage.services[1:]
    (help_text,) = scene.receive(to=DOMAIN)
    assert help_text.findtext(BODY) == "Nobody here takes your calls."


async def test_whom_the_rules_refuse(scene: Scene) -> None:
    scene.bridge = Bridge(
        signaling=scene.stage.signaling,
        engine=scene.stage.engine,
        services=scene.stage.services,
        limits=scene.stage.limits,
        rules=AccessRules(deny=Names.of(["example.org"])),
    )
    for local in (ECHO, DOMAIN):
        assert error_in(scene.receive(to=local))[1] == "forbidden"
    assert error_in(scene.receive(PROPOSE))[1] == "forbidden"
    await scene.bridge.close()


@pytest.mark.parametrize(
    "more", [{"from": f"{ECHO}/media"}, {"from": ""}, {"to": ""}, {"to": "romeo@example.net"}]
)
async def test_not_between_others_and_us(scene: Scene, told: Told, more: dict[str, str]) -> None:
    for inside in (HELLO, PROPOSE):
        assert not scene.receive(inside, **more)
    assert not told.messages


async def test_messages_have_a_rate(scene: Scene, told: Told) -> None:
    for _ in range(200):
        scene.receive(PROPOSE)
    assert len(told.messages) == 60
    scene.receive(PROPOSE, **{"from": "romeo@example.net/orchard"})
    assert len(told.messages) == 61
    scene.now += 60
    scene.receive(PROPOSE)
    assert len(told.messages) == 62


async def test_help_is_given_once_in_ten_seconds(scene: Scene) -> None:
    assert scene.receive()
    assert not scene.receive()
    scene.now += 9.9
    assert not scene.receive(**{"from": "juliet@example.org/another"})
    assert scene.receive(**{"from": "romeo@example.net/orchard"})
    scene.now += 0.2
    assert scene.receive()


@given(st.floats(0, 3599), st.floats(0, 3599))
def test_two_programs_that_answer_each_other_come_to_an_end(first: float, pause: float) -> None:
    """One that answers each of our texts after this long, but never by itself."""
    desk, now, texts = HelpDesk(), first, 0
    while desk.admit("bot@example.org", now):
        texts += 1
        assert texts <= 10
        now += pause
    assert texts


def test_after_an_hour_somebody_is_new() -> None:
    desk = HelpDesk()
    assert desk.admit("a", 0)
    assert desk.admit("a", 10)
    assert not desk.admit("a", 29)
    assert desk.admit("a", 30)
    assert desk.admit("a", 30 + 3600)
    assert desk.admit("a", 30 + 3610)


def test_the_help_desk_is_bounded() -> None:
    desk = HelpDesk()
    for number in range(10_000):
        assert desk.admit(f"user{number}", number / 1000)
    assert len(desk) == HelpDesk.MAXIMUM
    assert not desk.admit("user9999", 10)


async def test_two_of_our_own_kind_fall_silent(scene: Scene) -> None:
    """Two bridges whose services write to each other: every stanza is delivered."""
    other = Scene(scene.stage)
    waiting, rounds = scene.receive(HELLO + REQUEST, **{"from": "echo@other.example/x"}), 0
    while waiting:
        rounds += 1
        assert rounds < 10
        one = other if rounds % 2 else scene
        waiting = [
            answer
            for stanza in waiting
            for answer in one.receive(
                "".join(tostring(item, "unicode") for item in stanza),
                **{"from": "echo@other.example/x", "id": stanza.get("id", "")},
            )
        ]


async def test_lines_about_what_is_refused_are_bounded(
    scene: Scene, logged: list[EventDict]
) -> None:
    for number in range(1_000):
        peer = f"guest{number}@anon.example.org/x"
        (refused,) = scene.receive(**{"from": peer, "to": f"nobody@{DOMAIN}"})
        assert refused.get("type") == "error"
    assert len([entry for entry in logged if entry["event"] == "refused"]) == IN_ALL // 3
