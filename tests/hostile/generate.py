"""Stanzas that nobody honest sends.

Hypothesis draws bytes; they decide a walk through the shapes of tests/schemas, with something wrong
here and there. What no schema gives (depth, width, odd addresses) is made by hand beside it. The
stanzas of a batch are always the same for the same seed.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from xml.sax.saxutils import quoteattr

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.hostile.shapes import WORDS, Shape, every_shape, shape

T = TypeVar("T")

JINGLE = shape("{urn:xmpp:jingle:1}jingle")
(ACTION,) = (item.values for item in JINGLE.attributes if item.name == "action")
INVITATIONS = tuple(item for item in every_shape() if "jingle-message" in item.tag)
QUERIES = tuple(item for item in every_shape() if "disco#" in item.tag)
CAPS = tuple(item for item in every_shape() if item.tag.endswith("caps}c"))
BRIDGE = "bridge.example.org"
"""Our domain; replaced when another server is used."""
PLACES = (
    *(f"echo@{BRIDGE}",) * 4,
    *(f"echo@{BRIDGE}/media",) * 4,
    *(BRIDGE, f"nobody@{BRIDGE}", f"echo+more@{BRIDGE}", f"echo@{BRIDGE}/\U0001f600"),
)
SIDS = ("sid1", "sid2", "sid3", "ours", "ours", "ended", "unknown")
"""Of sessions in each state; ``ours`` becomes the sid of a session that the bridge began."""
NONSENSE = (
    *("", " ", "-1", "0x10", "1e9", "99999999999999999999999", "\n", "\ta=b", "\u2028", "\x85"),
    *("\u0661", "\ufffd", "\U0001f980", "\u202e", "e\u0301", "nan", "..", "a b", "%s%n", "'\"&<>"),
    *("a=injected:1", "x" * 300, "\u00fc" * 4_000, "y" * 20_000, '"' * 5_000, "::", "@/", "null"),
)
PAYLOADS = (
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='jabber:iq:last'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>",
    "<vCard xmlns='vcard-temp'/>",
    "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='x'/></pubsub>",
    "<services xmlns='urn:xmpp:extdisco:2'/>",
    "<body>help</body>",
    "<body xmlns='urn:x'>help</body>",
    "<request xmlns='urn:xmpp:receipts'/>",
    "<received xmlns='urn:xmpp:receipts' id='1'/>",
    "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>",
    "<x xmlns='jabber:x:data' type='submit'><field var='x'><value>1</value></field></x>",
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    "<error/>",
    "",
)
GIANTS = {
    "depth": (65, 500, 5_000, 36_000),
    "attributes": (500, 5_000, 20_000),
    "text": (20_000, 131_072, 255_000),
    "children": (1_000, 10_000, 40_000),
    "namespaces": (64, 500, 5_000),
    "quotes": (1_000, 40_000),
    "contents": (33, 64, 65, 800),
    "candidates": (65, 257, 1_000),
    "payload types": (128, 129, 1_000),
}
"""What is too much of one thing, and how much of it."""
PRESENCE_TYPES = (
    *("available", "probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed"),
    *("unavailable", "error", "x"),
)
STANZA_TYPES = ("get", "set", "result", "error", "chat", "headline", "groupchat", "", "x")
_BYTES = 384
_ONE_GIANT_IN = 150


class Choices:
    """Decisions out of bytes; when they are used up, every decision is the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, count: int) -> int:
        """A number from 0 up to ``count``."""
        taken = self._data[self._at : self._at + 2]
        self._at += 2
        return int.from_bytes(taken, "big") * count >> 16 if len(taken) == 2 else 0

    def pick(self, values: Sequence[T]) -> T:
        """One of these."""
        return values[self.below(len(values))]

    def one_in(self, count: int) -> bool:
        """True once in so many; never when the bytes are used up."""
        return self._at < len(self._data) and self.below(count) == count - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One stanza, without its sender."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    inner: str = ""
    giant: str = ""
    amount: int = 0

    def text(self, sender: str | None = None, bridge: str = BRIDGE, ours: str = "ours") -> str:
        """The stanza as it stands on the wire.

        Args:
            sender: who it comes from; ``None``: the server will say.
            bridge: our domain.
            ours: sid of a session that the bridge began with that sender.
        """
        inner = giant(self.giant, self.amount) if self.giant else self.inner
        inner = inner.replace(BRIDGE, bridge).replace('id="ours"', f"id={quoteattr(ours)}")
        words = [
            f"{name}={_quoted(value.replace(BRIDGE, bridge))}" for name, value in self.attributes
        ]
        if sender is not None:
            words.append(f"from={quoteattr(sender)}")
        return f"<{self.name} {' '.join(words)}>{inner}</{self.name}>"


def _quoted(value: str) -> str:
    return f'"{html.escape(value)}"'.replace("\n", "&#10;").replace("\t", "&#9;")


def giant(kind: str, amount: int) -> str:
    """The inside of a stanza that has too much of one thing."""
    numbers = range(amount)
    made = {
        "depth": lambda: "<a>" * amount + "</a>" * amount,
        "attributes": lambda: f"<query xmlns='urn:x' {' '.join(_numbered(amount))}/>",
        "text": lambda: f"<body>{'x' * amount}</body>",
        "children": lambda: f"<query xmlns='urn:x'>{'<a/>' * amount}</query>",
        "namespaces": lambda: "".join(f"<p{n}:a xmlns:p{n}='urn:x:{n}'/>" for n in numbers),
        "quotes": lambda: f"<ping xmlns='urn:xmpp:ping' x='{'&quot;' * amount}'/>",
        "contents": lambda: initiate("".join(content(f"c{n}") for n in numbers)),
        "candidates": lambda: initiate(content("0", candidates=amount)),
        "payload types": lambda: initiate(content("0", payload_types=amount)),
    }
    return made[kind]()


def _numbered(amount: int) -> Iterator[str]:
    return (f"a{n}='1'" for n in range(amount))


def initiate(contents: str, *, sid: str = "sid1", action: str = "session-initiate") -> str:
    """A request with these contents."""
    return f'<jingle xmlns="urn:xmpp:jingle:1" action="{action}" sid="{sid}">{contents}</jingle>'


def content(name: str, *, candidates: int = 1, payload_types: int = 1) -> str:
    """A content that is as it should be."""
    types = "".join(
        f'<payload-type id="{n % 128}" name="PCMU" clockrate="8000"/>' for n in range(payload_types)
    )
    found = "".join(
        f'<candidate component="1" foundation="{n}" generation="0" id="c{n}" ip="127.0.0.1" '
        f'port="{9 + n}" priority="1" protocol="udp" type="host"/>'
        for n in range(candidates)
    )
    return (
        f'<content creator="initiator" name="{name}">'
        f'<description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio">{types}<rtcp-mux/>'
        '</description><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="abcd" '
        f'pwd="{"p" * 22}"><fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" '
        f'setup="actpass">{":".join(["AB"] * 32)}</fingerprint>{found}</transport></content>'
    )


def element(choices: Choices, made: Shape, wrong: int, parent: str = "") -> str:
    """An element of this shape; of ``wrong`` decisions one is against the schema."""
    namespace, _, name = made.tag[1:].partition("}")
    if choices.one_in(4 * wrong):
        namespace = choices.pick(("urn:x", "", "jabber:client"))
    declared = "" if namespace == parent else f' xmlns="{namespace}"'
    inner = [] if not made.text else [html.escape(choices.pick(made.text))]
    for child in made.children:
        inner += [
            element(choices, child.shape, wrong, namespace)
            for _ in range(count(choices, child.maximum))
        ]
    if choices.one_in(wrong):
        inner.append(odd(choices))
    words = attributes(choices, made, wrong)
    return f"<{name}{declared}{words}>{''.join(inner)}</{name}>"


def count(choices: Choices, maximum: int) -> int:
    """How many children: few, now and then many."""
    if choices.one_in(200):
        return min(2 * maximum, 300)
    return choices.below(min(maximum, 3) + 1)


def attributes(choices: Choices, made: Shape, wrong: int) -> str:
    """The attributes of an element, each with its chance to be missing, wrong or strange."""
    words = []
    for item in made.attributes:
        if choices.one_in(wrong) or (not item.is_required and choices.one_in(3)):
            continue
        is_sid = item.name == "sid" or (item.name == "id" and "jingle-message" in made.tag)
        values = SIDS if is_sid else item.values
        odd_values = (*NONSENSE, *WORDS)
        value = choices.pick(odd_values if choices.one_in(wrong) else values)
        words.append(f" {item.name}={_quoted(value)}")
    if choices.one_in(wrong):
        words.append(f" {choices.pick(('x', 'xml:lang', 'to', 'from', 'type'))}2='1'")
    return "".join(words)


def odd(choices: Choices) -> str:
    """Something that does not belong there."""
    kind = choices.below(5)
    if kind == 0:
        return html.escape(choices.pick(NONSENSE))
    if kind == 1:
        return element(choices, choices.pick(every_shape()), 8, "?")
    if kind == 2:
        return choices.pick(PAYLOADS)
    if kind == 3:
        return giant("depth", choices.below(70))
    return "<x xmlns='urn:x' y='1'/>"


def case(data: bytes) -> Case:
    """The stanza that these bytes decide."""
    choices = Choices(data)
    if choices.one_in(_ONE_GIANT_IN):
        kind = choices.pick(tuple(GIANTS))
        named = ("iq", "iq", "message", "presence")
        return Case(
            name=choices.pick(named),
            attributes=head(choices, "set", 60),
            giant=kind,
            amount=choices.pick(GIANTS[kind]),
        )
    wrong = choices.pick((4, 12, 40, 1_000))
    share = choices.below(20)
    if share < 11:
        return _case(choices, "iq", "set", wrong, request(choices, wrong))
    if share < 14:
        inner = element(choices, choices.pick(INVITATIONS), wrong, "?")
        return _case(choices, "message", "chat", wrong, inner)
    if share < 16:
        made = choices.pick((*QUERIES, *QUERIES, *every_shape()))
        return _case(choices, "iq", "get", wrong, element(choices, made, wrong, "?"))
    if share < 18:
        inner = element(choices, choices.pick(CAPS), wrong, "?") + choices.pick(PAYLOADS)
        return _case(choices, "presence", choices.pick(PRESENCE_TYPES), 40, inner)
    inner = "".join(choices.pick(PAYLOADS) for _ in range(choices.below(3) + 1))
    name = choices.pick(("iq", "iq", "message"))
    return _case(choices, name, choices.pick(STANZA_TYPES), 6, inner)


def _case(choices: Choices, name: str, kind: str, wrong: int, inner: str) -> Case:
    return Case(name=name, attributes=head(choices, kind, wrong), inner=inner)


def request(choices: Choices, wrong: int) -> str:
    """A Jingle request: half of them what a client would say, but at the wrong time."""
    if choices.one_in(2):
        return element(choices, JINGLE, wrong, "?")
    names = ("0", "1", "c0", "x")
    contents = "".join(content(choices.pick(names)) for _ in range(choices.below(3)))
    if choices.one_in(3):
        contents += "<reason><success/></reason>"
    return initiate(contents, sid=choices.pick(SIDS), action=choices.pick(ACTION))


def head(choices: Choices, kind: str, wrong: int) -> tuple[tuple[str, str], ...]:
    """The stanza's own attributes."""
    words = {"to": choices.pick(PLACES), "type": kind, "id": f"id{choices.below(9)}"}
    if kind == "available":
        del words["type"]
    if choices.one_in(3 * wrong):
        words[choices.pick(("type", "id"))] = choices.pick(NONSENSE)
    if choices.one_in(8 * wrong):
        words.pop(choices.pick(("type", "id")), None)
    return tuple(words.items())


def batch(seed: int, number: int, size: int) -> list[Case]:
    """So many stanzas, always the same for the same seed and number."""
    found: list[Case] = []

    @seeded(f"{seed}/{number}")
    @settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=_BYTES, max_size=_BYTES))
    def collect(data: bytes) -> None:
        found.append(case(data))

    collect()
    return found
