"""The component without a server: what may come in, what may go out, and what never raises."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest
from structlog.typing import EventDict

from jinglebridge import __version__
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.errors import LocalProtocolError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Jingle,
    Reason,
    ReasonCondition,
    ReasonText,
)
from tests.xmpp.attached import ECHO, MEDIA, Attached, detached
from tests.xmpp.test_stanzas import JINGLE_ERRORS, NS, STANZAS

JULIET = "juliet@localhost/balcony"


@dataclass(slots=True)
class Offline:
    """A component whose stream is a list."""

    whole: Attached
    sent: list[Element] = field(default_factory=list)

    def receive(self, stanza: Element) -> list[Element]:
        """Let a stanza arrive as the stream would; returns what is sent at once."""
        before = len(self.sent)
        self.whole.component.stream._spawn_event(stanza)
        return self.sent[before:]

    def read(self, text: str) -> list[Element]:
        """Let a stanza arrive as text, through the stream's own reader."""
        before, stream = len(self.sent), self.whole.component.stream
        stream.init_parser()
        stream._reader.feed(f"<stream xmlns='{NS}'>{text}")
        for event, item in stream._reader.read_events():
            if event == "end":
                stream._spawn_event(item)
        return self.sent[before:]

    def write(self, data: object, use_filters: bool = True) -> None:
        self.sent.append(fromstring(str(data)))

    def refuse(self, stanza: Element) -> tuple[str, str, str | None]:
        """Type, condition and Jingle condition of the one answer, which is an error."""
        (answer,) = self.receive(stanza)
        assert answer.get("type") == "error"
        (error,) = answer
        jingle = [item.tag for item in error if JINGLE_ERRORS in item.tag]
        return (
            error.get("type", ""),
            error[0].tag.removeprefix(f"{{{STANZAS}}}"),
            jingle[0].removeprefix(f"{{{JINGLE_ERRORS}}}") if jingle else None,
        )


MANY = Limits(close_timeout=0.05, setups_per_minute=60_000, setups_per_minute_per_peer=60_000)
FEW = replace(MANY, setups_per_minute_per_peer=9)


@pytest.fixture
async def offline(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Offline]:
    limits = getattr(request, "param", MANY)
    whole = detached(1, "secret", limits=limits, request_timeout=0.05)
    here = Offline(whole)
    stream = whole.component.stream
    monkeypatch.setattr(stream, "send", here.write)
    monkeypatch.setattr(stream, "is_connected", lambda: True)
    stream.sessionstarted = True
    yield here
    await whole.bridge.close()
    await whole.component.close()
    stream.sessionstarted = False


def iq(payload: str = "", kind: str = "set", **more: str) -> Element:
    """A request of Juliet's."""
    stanza = fromstring(f"<iq xmlns='{NS}'>{payload}</iq>")
    for name, value in {"type": kind, "id": "i1", "from": JULIET, "to": ECHO, **more}.items():
        stanza.set(name, value)
    return stanza


PING = "<ping xmlns='urn:xmpp:ping'/>"


async def test_both_namespaces_of_a_stanza_are_taken(offline: Offline) -> None:
    for namespace in (NS, "jabber:client"):
        stanza = iq(PING, "get")
        stanza.tag = f"{{{namespace}}}iq"
        (answer,) = offline.receive(stanza)
        assert answer.attrib == {"type": "result", "id": "i1", "to": JULIET, "from": ECHO}
        assert not len(answer)


async def test_a_request_without_an_id(offline: Offline) -> None:
    stanza = iq(PING, "get")
    del stanza.attrib["id"]
    assert offline.refuse(stanza) == ("modify", "bad-request", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": None},
        {"to": None},
        {"to": "romeo@example.org"},
        {"to": ECHO.upper()},
        {"id": "x" * 1_025},
        {"from": f"a@b/{'x' * 3_071}"},
    ],
    ids=str,
)
async def test_what_cannot_be_answered_is_dropped(
    offline: Offline, wrong: dict[str, str | None]
) -> None:
    stanza = iq(PING, "get")
    for name, value in wrong.items():
        if value is None:
            del stanza.attrib[name]
        else:
            stanza.set(name, value)
    assert offline.receive(stanza) == []


async def test_a_request_without_a_payload(offline: Offline) -> None:
    assert offline.refuse(iq()) == ("modify", "bad-request", None)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("<x xmlns='urn:x'/>", "set"),
        ("<x/>", "get"),
        (PING, "set"),
        ("<jingle xmlns='urn:xmpp:jingle:1'/>", "get"),
        ("<jingle xmlns='urn:xmpp:jingle:0'/>", "set"),
        (PING, "strange"),
    ],
)
async def test_what_nobody_understands(offline: Offline, payload: str, kind: str) -> None:
    assert offline.refuse(iq(payload, kind)) == ("cancel", "service-unavailable", None)


async def test_a_bug_of_ours_is_an_error_and_no_more(
    offline: Offline, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    def fail(self: Bridge, peer: str, local: str, jingle: Jingle) -> None:
        raise ZeroDivisionError("where the bug is")

    monkeypatch.setattr(Bridge, "deliver", fail)
    payload = "<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='a'/>"
    (answer,) = offline.receive(iq(payload))
    assert answer[0].get("type") == "cancel"
    assert answer[0][0].tag == f"{{{STANZAS}}}internal-server-error"
    assert "bug is" not in (answer[0][1].text or "")
    assert [entry["event"] for entry in logged] == ["request failed"]
    assert len(offline.receive(iq(PING, "get"))) == 1


async def test_errors_are_not_answered(offline: Offline) -> None:
    for name in ("message", "presence", "iq"):
        stanza = Element(f"{{{NS}}}{name}", {"from": JULIET, "to": ECHO, "type": "error"})
        SubElement(stanza, f"{{{NS}}}body").text = "hello?"
        assert not offline.receive(stanza)


async def test_messages_are_routed(offline: Offline) -> None:
    stanza = Element(f"{{{NS}}}message", {"from": JULIET, "to": ECHO, "type": "chat"})
    SubElement(stanza, f"{{{NS}}}body").text = "hello?"
    (help_text,) = offline.receive(stanza)
    assert help_text.tag.endswith("}message")


async def test_the_software_has_a_version(offline: Offline) -> None:
    (answer,) = offline.receive(iq("<query xmlns='jabber:iq:version'/>", "get"))
    ((query,),) = (answer,)
    assert [item.text for item in query] == ["jinglebridge", __version__]
    nobody = iq("<query xmlns='jabber:iq:version'/>", "get", to=f"nobody@{ECHO.partition('@')[2]}")
    assert offline.refuse(nobody) == ("cancel", "item-not-found", None)


def presence(peer: str, node: str = "https://phone.example", ver: str = "AAAA") -> Element:
    """A device shows itself and its capabilities."""
    return fromstring(
        f"<presence xmlns='{NS}' from='{peer}' to='{ECHO}'><priority>3</priority>"
        f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='{node}' ver='{ver}'/>"
        "</presence>"
    )


async def answered_with(
    offline: Offline, inside: str, kind: str = "result", asked: str = "get"
) -> None:
    """Answer the request that was sent last."""
    await asyncio.sleep(0)
    request = offline.sent[-1]
    assert request.get("type") == asked
    reply = fromstring(f"<iq xmlns='{NS}'>{inside}</iq>")
    for name, value in {"type": kind, "from": JULIET, "to": ECHO, "id": request.get("id")}.items():
        reply.set(name, value or "")
    assert not offline.receive(reply)


async def test_a_device_that_shows_itself_is_known(offline: Offline) -> None:
    component = offline.whole.component
    (ours,) = offline.receive(presence(JULIET, "https://stanzajs.org"))
    assert ours.get("to") == JULIET
    assert component.resources("juliet@localhost") == (JULIET,)
    assert component.habits(JULIET).end_of_candidates
    info = "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:x'/></query>"
    await answered_with(offline, info)
    assert offline.sent[-1][0].get("node") == "https://stanzajs.org#AAAA"
    assert await component.features(MEDIA, JULIET) == {"urn:x"}


@pytest.mark.parametrize(
    ("condition", "is_there"),
    [("recipient-unavailable", False), ("service-unavailable", False), ("item-not-found", True)],
)
async def test_a_device_that_went_without_a_word_is_forgotten(
    offline: Offline, condition: str, is_there: bool
) -> None:
    """As after an outage: whoever is not there any more is not tried first the next time."""
    component = offline.whole.component
    shown = presence(JULIET)
    shown.remove(shown[1])
    offline.receive(shown)
    jingle = Jingle(action=Action.SESSION_INFO, sid="a")
    task = asyncio.create_task(component.request(MEDIA, JULIET, jingle))
    error = f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"
    await answered_with(offline, error, "error", asked="set")
    with pytest.raises(SignalingError, match=condition):
        await task
    assert component.resources("juliet@localhost") == ((JULIET,) if is_there else ())


@pytest.mark.parametrize(
    ("inside", "kind", "condition"),
    [
        ("", "result", "undefined-condition"),
        (
            "<query xmlns='http://jabber.org/protocol/disco#info'><feature/></query>",
            "result",
            "undefined-condition",
        ),
        (
            f"<error type='cancel'><forbidden xmlns='{STANZAS}'/></error>",
            "error",
            "forbidden",
        ),
    ],
    ids=["empty", "malformed", "refused"],
)
async def test_a_device_that_says_nothing_of_itself(
    offline: Offline, inside: str, kind: str, condition: str
) -> None:
    task = asyncio.create_task(offline.whole.component.features(MEDIA, JULIET))
    await asyncio.sleep(0)
    await answered_with(offline, inside, kind)
    with pytest.raises(SignalingError, match=condition):
        await task


@pytest.mark.parametrize("name", ["iq", "message", "presence"])
@pytest.mark.parametrize("kind", ["get", "set", "result", "error", "normal", ""])
async def test_deep_stanzas_raise_nothing(offline: Offline, name: str, kind: str) -> None:
    deep = "<a>" * 36_000 + "</a>" * 36_000
    words = f"from='{JULIET}' to='{ECHO}' type='{kind}' id='i'"
    answers = offline.read(f"<{name} {words}>{deep}</{name}>")
    assert len(answers) == (name == "iq" and kind in ("get", "set"))


@pytest.mark.parametrize(
    "to", ["", "other.localhost", "echo@evil.org", "evil.org/@bridge.localhost"]
)
@pytest.mark.parametrize("depth", [1, 500])
async def test_nothing_is_answered_in_anothers_name(offline: Offline, to: str, depth: int) -> None:
    """The server would close the stream; so would an exception on its way to slixmpp."""
    payload = "<a>" * depth + "</a>" * depth
    assert not offline.receive(iq(payload, to=to))
    without = iq(payload)
    del without.attrib["to"]
    assert not offline.receive(without)
    assert len(offline.receive(iq(PING, "get"))) == 1


INSIDE = (
    "<content creator='initiator' name='{0}'>"
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
    "<payload-type id='0' name='{1}' clockrate='8000'><parameter name='x' value='{2}'/>"
    "</payload-type></description>"
    "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='{3}' pwd='{4}'>"
    "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='{5}' setup='actpass'>{6}</fingerprint>"
    "<candidate component='1' foundation='{7}' generation='0' id='{8}' ip='{9}' port='9' "
    "priority='1' protocol='{10}' type='{11}'/></transport></content>"
)
PLAIN = (
    "a",
    "PCMU",
    "1",
    "abcd",
    "p" * 22,
    "sha-256",
    "AB:CD",
    "1",
    "a",
    "127.0.0.1",
    "udp",
    "host",
)
CONTROLS = ("&#13;&#10;a=x:1", "&#10;a=x:1", "&#13;a=x:1", "&#9;", "&#127;")


def initiate(*values: str, sid: str = "sid1") -> Element:
    return iq(
        f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='{sid}'>"
        f"{INSIDE.format(*values)}</jingle>"
    )


@pytest.mark.parametrize("place", range(len(PLAIN)))
async def test_control_characters_are_refused_everywhere(offline: Offline, place: int) -> None:
    """A server that writes them as references brings them to us as they are."""
    for control in CONTROLS:
        values = list(PLAIN)
        values[place] = f"{PLAIN[place]}{control}{PLAIN[place]}"
        assert offline.refuse(initiate(*values)) == ("modify", "bad-request", None)
        assert offline.refuse(initiate(*PLAIN, sid=f"s{control}s")) == (
            "modify", "bad-request", None
        )  # fmt: skip
    assert not offline.whole.bridge.calls
    (answer,) = offline.receive(initiate(*PLAIN))
    assert answer.get("type") == "result"


BUSY = ("wait", "resource-constraint", None)
NONSENSE = ("modify", "bad-request", None)


@pytest.mark.parametrize("offline", [FEW], indirect=True)
async def test_nonsense_counts_as_a_set_up(offline: Offline) -> None:
    """What is refused for its form was read first, and nobody may have that for nothing."""
    wrong = ["a\x7f", *PLAIN[1:]]
    refused = [offline.refuse(initiate(*wrong, sid=f"s{number}")) for number in range(6)]
    assert refused == [NONSENSE] * 3 + [BUSY] * 3
    assert offline.refuse(initiate(*PLAIN)) == BUSY


@pytest.mark.parametrize("offline", [FEW], indirect=True)
async def test_a_proposal_is_no_licence_for_nonsense(offline: Offline) -> None:
    offline.receive(
        fromstring(
            f"<message xmlns='{NS}' type='chat' id='p' from='{JULIET}' to='{ECHO}'>"
            "<propose xmlns='urn:xmpp:jingle-message:0' id='sid1'>"
            "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose></message>"
        )
    )
    wrong = ["a\x7f", *PLAIN[1:]]
    refused = [offline.refuse(initiate(*wrong)) for _ in range(6)]
    assert refused == [NONSENSE] * 3 + [BUSY] * 3


@pytest.mark.parametrize("sender", ["juliet@localhost", "localhost", "", "echo@bridge.localhost.x"])
async def test_a_request_leaves_in_our_name_only(offline: Offline, sender: str) -> None:
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    with pytest.raises(LocalProtocolError):
        await offline.whole.component.request(sender, JULIET, request)
    assert not offline.sent


async def test_without_a_link_a_request_waits_no_longer_than_others(offline: Offline) -> None:
    offline.whole.component.stream.sessionstarted = False
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    with pytest.raises(SignalingError, match="no link to the server"):
        await offline.whole.component.request(ECHO, JULIET, request)


async def test_a_request_that_nobody_answers(offline: Offline) -> None:
    """The time-out is the component's own; nothing of the request stays behind."""
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    with pytest.raises(SignalingError) as caught:
        await offline.whole.component.request(ECHO, JULIET, request)
    assert caught.value.condition == "remote-server-timeout"
    (sent,) = offline.sent
    assert (sent.get("from"), sent.get("to"), sent.get("type")) == (ECHO, JULIET, "set")


@pytest.mark.parametrize("jingle", [None, "unknown-session", "tie-break"])
async def test_an_error_of_the_peer(offline: Offline, jingle: str | None) -> None:
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    asking = asyncio.create_task(offline.whole.component.request(ECHO, JULIET, request))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (sent,) = offline.sent
    condition = f"<{jingle} xmlns='{JINGLE_ERRORS}'/>" if jingle else ""
    answer = iq(
        f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/>"
        f"<text xmlns='{STANZAS}'>who?</text>{condition}</error>",
        "error",
        id=sent.get("id", ""),
    )
    for stranger in ("mallory@localhost/balcony", "juliet@localhost", "localhost", ""):
        for kind in ("result", "error"):
            assert not offline.receive(iq("", kind, **{"id": sent.get("id", ""), "from": stranger}))
    await asyncio.sleep(0.01)
    assert not asking.done()
    assert not offline.receive(answer)
    with pytest.raises(SignalingError) as caught:
        await asking
    error = caught.value
    assert (error.condition, error.text, error.jingle_condition) == (
        "item-not-found", "who?", jingle
    )  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        "",
        "<error/>",
        "<error type='cancel'/>",
        f"<error type='cancel'><text xmlns='{STANZAS}'>no</text></error>",
        "<error type='cancel'><wave xmlns='urn:x'/></error>",
    ],
)
async def test_an_error_that_says_nothing(offline: Offline, error: str) -> None:
    """It is an error all the same, and never answered: errors that answer errors have no end."""
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    asking = asyncio.create_task(offline.whole.component.request(ECHO, JULIET, request))
    await asyncio.sleep(0)
    (sent,) = offline.sent
    answer = iq(error, "error", id=sent.get("id", ""))
    assert not offline.receive(answer)
    assert not offline.receive(answer)
    with pytest.raises(SignalingError) as caught:
        await asking
    assert caught.value.condition == "undefined-condition"
    assert not offline.receive(answer)


async def test_a_result(offline: Offline) -> None:
    request = Jingle(action=Action.SESSION_INFO, sid="a")
    asking = asyncio.create_task(offline.whole.component.request(ECHO, JULIET, request))
    await asyncio.sleep(0)
    (sent,) = offline.sent
    assert not offline.receive(iq("", "result", id=sent.get("id", "")))
    await asking


@pytest.mark.parametrize("words", ["\x00", "\x1b[31m", "\ud800", "\uffff", "a\x0bb"])
async def test_what_xml_forbids_never_leaves(offline: Offline, words: str) -> None:
    """One such character and the server closes the stream for every call."""
    reason = Reason(condition=ReasonCondition.GONE, text=ReasonText(text=words))
    request = Jingle(action=Action.SESSION_TERMINATE, sid="a", reason=reason)
    with pytest.raises(LocalProtocolError):
        await offline.whole.component.request(ECHO, JULIET, request)
    assert not offline.sent


async def test_a_request_before_a_bridge_is_attached(offline: Offline) -> None:
    component = offline.whole.component
    component._bridge = component._discovery = component._presence = None
    payload = "<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='a'/>"
    for stanza in (
        iq(payload),
        iq("<query xmlns='http://jabber.org/protocol/disco#info'/>", "get"),
        iq("<query xmlns='http://jabber.org/protocol/disco#items'/>", "get"),
    ):
        assert offline.refuse(stanza) == ("cancel", "internal-server-error", None)
    presence = Element(f"{{{NS}}}presence", {"from": JULIET, "to": ECHO, "type": "probe"})
    assert not offline.receive(presence)
