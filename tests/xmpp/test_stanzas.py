"""What leaves: errors exactly as the specifications say them, and never in another's name."""

from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from jinglebridge import errors
from jinglebridge.errors import LocalProtocolError, RemoteProtocolError
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.component import InternalError, NotUnderstood

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
JINGLE_ERRORS = "urn:xmpp:jingle:errors:1"
NS = "jabber:component:accept"

TYPES = {
    "bad-request": {"modify"},
    "conflict": {"cancel"},
    "feature-not-implemented": {"cancel", "modify"},
    "forbidden": {"auth"},
    "gone": {"cancel"},
    "internal-server-error": {"cancel"},
    "item-not-found": {"cancel"},
    "jid-malformed": {"modify"},
    "not-acceptable": {"modify"},
    "not-allowed": {"cancel"},
    "not-authorized": {"auth"},
    "policy-violation": {"modify", "wait"},
    "recipient-unavailable": {"wait"},
    "redirect": {"modify"},
    "registration-required": {"auth"},
    "remote-server-not-found": {"cancel"},
    "remote-server-timeout": {"wait"},
    "resource-constraint": {"wait"},
    "service-unavailable": {"cancel"},
    "subscription-required": {"auth"},
    "unexpected-request": {"wait", "modify"},
}
"""The types that RFC 6120 §8.3.3 gives to each condition."""

BESIDE = {
    "out-of-order": "unexpected-request",
    "security-required": "not-acceptable",
    "tie-break": "conflict",
    "unknown-session": "item-not-found",
    "unsupported-info": "feature-not-implemented",
}
"""The stanza condition beside each Jingle condition (XEP-0166 §10)."""

EXPECTED: dict[type[RemoteProtocolError], tuple[str, str, str | None]] = {
    RemoteProtocolError: ("cancel", "bad-request", None),
    errors.MalformedStanza: ("modify", "bad-request", None),
    errors.SdpError: ("modify", "bad-request", None),
    errors.UnsupportedAction: ("cancel", "feature-not-implemented", None),
    errors.UnsupportedInfo: ("modify", "feature-not-implemented", "unsupported-info"),
    errors.UnknownSession: ("cancel", "item-not-found", "unknown-session"),
    errors.OutOfOrder: ("wait", "unexpected-request", "out-of-order"),
    errors.TieBreak: ("cancel", "conflict", "tie-break"),
    errors.ServiceUnknown: ("cancel", "item-not-found", None),
    errors.NotAllowed: ("cancel", "not-allowed", None),
    errors.Forbidden: ("auth", "forbidden", None),
    errors.PolicyViolation: ("modify", "policy-violation", None),
    errors.ResourceConstraint: ("wait", "resource-constraint", None),
    InternalError: ("cancel", "internal-server-error", None),
    NotUnderstood: ("cancel", "service-unavailable", None),
}


def subclasses(kind: type[RemoteProtocolError]) -> set[type[RemoteProtocolError]]:
    return {kind}.union(*(subclasses(item) for item in kind.__subclasses__()))


def test_every_error_is_listed_here() -> None:
    ours = {kind for kind in subclasses(RemoteProtocolError) if "tests" not in kind.__module__}
    assert ours == set(EXPECTED)


def request() -> Element:
    return fromstring(
        f"<iq xmlns='{NS}' type='set' id='i1' from='a@b/c' to='echo@bridge.x'>"
        "<deep><er/></deep></iq>"
    )


@pytest.mark.parametrize(("kind", "expected"), EXPECTED.items(), ids=str)
def test_each_error_on_the_wire(
    kind: type[RemoteProtocolError], expected: tuple[str, str, str | None]
) -> None:
    error_type, condition, jingle = expected
    if kind is not RemoteProtocolError:
        assert error_type in TYPES[condition]
    if jingle is not None:
        assert BESIDE[jingle] == condition

    answer = fromstring(tostring(stanzas.error_answer(request(), kind("a word for people"))))
    assert answer.tag == f"{{{NS}}}iq"
    assert answer.attrib == {"type": "error", "id": "i1", "to": "a@b/c", "from": "echo@bridge.x"}
    (error,) = answer
    assert error.tag == f"{{{NS}}}error"
    assert error.attrib == {"type": error_type}
    tags = [f"{{{STANZAS}}}{condition}", f"{{{STANZAS}}}text"]
    tags += [f"{{{JINGLE_ERRORS}}}{jingle}"] if jingle else []
    assert [item.tag for item in error] == tags
    words = error[1].text or ""
    assert "a word for people" in words
    assert not len(error[0])


def test_words_of_an_error_are_fit_for_xml() -> None:
    error = errors.MalformedStanza("\x00\x1b\ud800\uffff\r\n<&>" + "x" * 10_000)
    answer = stanzas.error_answer(request(), error)
    words = fromstring(tostring(answer))[0][1].text
    assert words is not None
    assert words.startswith("??????<&>x")
    assert len(words) == 500


def test_an_answer_copies_nothing_of_the_request() -> None:
    deep = request()
    here = deep
    for _ in range(36_000):
        child = Element("a")
        here.append(child)
        here = child
    answer = stanzas.error_answer(deep, errors.PolicyViolation("too deep"))
    assert len(tostring(answer)) < 500


DOMAIN = "bridge.example.org"
OURS = [DOMAIN, f"echo@{DOMAIN}", f"echo@{DOMAIN}/media", f"{DOMAIN}/x", f"a@{DOMAIN}/b@c/d"]
FOREIGN = [
    None,
    "",
    "example.org",
    "romeo@example.org/orchard",
    f"x.{DOMAIN}",
    f"echo@x.{DOMAIN}",
    f"{DOMAIN}.evil.org",
    f"evil.org/@{DOMAIN}",
    f"romeo@evil.org/echo@{DOMAIN}",
    f"evil.org/{DOMAIN}",
    DOMAIN.upper(),
    f" {DOMAIN}",
    f"{DOMAIN} ",
]


@pytest.mark.parametrize("sender", OURS)
def test_our_own_names_pass(sender: str) -> None:
    stanzas.check_sender(stanzas.presence(sender, "a@b"), DOMAIN)


@pytest.mark.parametrize("sender", FOREIGN)
def test_no_other_name_passes(sender: str | None) -> None:
    stanza = Element(f"{{{NS}}}presence", {"to": "a@b"})
    if sender is not None:
        stanza.set("from", sender)
    with pytest.raises(LocalProtocolError):
        stanzas.check_sender(stanza, DOMAIN)


def test_a_messages_error_has_the_words_of_an_iqs() -> None:
    received = fromstring(
        f"<message xmlns='{NS}' type='chat' id='m1' from='a@b/c' to='echo@bridge.x'>"
        "<body>hi</body></message>"
    )
    reply = stanzas.message_error(received, errors.ServiceUnknown("nobody"))
    assert reply.tag == f"{{{NS}}}message"
    assert reply.attrib == {"type": "error", "id": "m1", "from": "echo@bridge.x", "to": "a@b/c"}
    found = stanzas.error_of(reply)
    assert (found.condition, found.text, found.jingle_condition) == (
        "item-not-found",
        "nobody",
        None,
    )


@pytest.mark.parametrize("inside", ["", "<error/>", "<error><text xmlns='urn:x'>a</text></error>"])
def test_an_error_that_says_little(inside: str) -> None:
    found = stanzas.error_of(fromstring(f"<message xmlns='{NS}' type='error'>{inside}</message>"))
    assert (found.condition, found.text) == ("undefined-condition", "")
