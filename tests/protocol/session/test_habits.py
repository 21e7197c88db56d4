"""What is done differently for a client, and for whom."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.disco.features import CALLABLE
from jinglebridge.protocol.jingle.residue import NAMESPACE as RESIDUE
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.session.habits import CLIENTS, Client, Habits, habits_of
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import parse
from jinglebridge.testing import CANDIDATE, answer_to, session_pair
from tests.protocol.helpers import AUDIO, HEAD, offered

OFFER = offered(*HEAD, *AUDIO, "a=sendrecv", "a=ice-ufrag:abcd", f"a=ice-pwd:{'a' * 24}")
LAST = TrickledCandidates(mid="0", ufrag="fake", candidates=(CANDIDATE,), end_of_candidates=True)
CLIENT_STANZAS = Path(__file__).parents[2] / "vectors" / "clients"
KNOWING = Habits(end_of_candidates=True)

# the nodes of their capabilities
OTHERS = {
    "Dino": "http://dino-im.org",
    "Conversations": "http://conversations.im",
    "Monal": "http://monal-im.org/",
    "Movim": "https://movim.eu/",
}
CALLS = frozenset({"urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:rtp:1", "urn:xmpp:jingle-message:0"})


def test_the_residue_of_a_page_or_another_bridge() -> None:
    """Who reads our residue reads what SDP says."""
    assert habits_of(frozenset({RESIDUE, "urn:xmpp:jingle:1"})) == KNOWING
    assert habits_of(frozenset(CALLABLE)) == KNOWING


@pytest.mark.parametrize("node", ["https://stanzajs.org", "https://stanzajs.org/v12"])
def test_stanza(node: str) -> None:
    """It sends the mark itself: see its captured stanzas."""
    assert habits_of(CALLS, caps_node=node) == KNOWING


@pytest.mark.parametrize("name", OTHERS)
def test_the_others_get_what_is_safe(name: str) -> None:
    assert habits_of(CALLS, OTHERS[name]) == Habits()


@pytest.mark.parametrize("node", ["", "stanzajs.org", "https://example.org/https://stanzajs.org"])
def test_somebody_unknown(node: str) -> None:
    assert habits_of(CALLS, node) == Habits()
    assert habits_of() == Habits()


def test_a_row_that_names_nothing_means_nobody() -> None:
    assert not Client(name="x", habits=KNOWING).is_meant(CALLS, "https://x.example")


def test_every_row_differs_from_what_everybody_gets() -> None:
    assert all(client.habits != Habits() for client in CLIENTS)


def active(role: Creator, habits: Habits) -> JingleSession:
    """A session of ours with a peer that has not shown anything yet."""
    initiator, responder = session_pair()
    ours, peer = (initiator, responder) if role is Creator.INITIATOR else (responder, initiator)
    session = JingleSession(role=role, sid="sid1", local=ours.local, peer=peer.local, habits=habits)
    if role is Creator.INITIATOR:
        peer.receive(session.initiate(OFFER))
        accept = peer.accept(answer_to(OFFER))
        session.receive(plain(accept))
    else:
        session.receive(plain(peer.initiate(OFFER)))
        session.accept(answer_to(OFFER))
    session.delivered()
    return session


def plain(jingle: Jingle) -> Jingle:
    """The request as a client without our residue would have written it."""
    contents = tuple(
        Content(
            creator=item.creator,
            name=item.name,
            description=item.description,
            transport=item.transport,
        )
        for item in jingle.contents
    )
    return Jingle(action=jingle.action, sid=jingle.sid, contents=contents, groups=jingle.groups)


def ends(session: JingleSession) -> list[bool]:
    transports = [item.contents[0].transport for item in session.trickle(LAST)]
    assert all(item is not None and item.ufrag == "fake" for item in transports)
    return [item.gathering_complete for item in transports if item is not None]


@pytest.mark.parametrize("role", Creator)
def test_an_unknown_client_is_not_told_of_the_end(role: Creator) -> None:
    assert ends(active(role, Habits())) == [False]


@pytest.mark.parametrize("role", Creator)
def test_a_client_that_knows_it_is_told_of_the_end(role: Creator) -> None:
    assert ends(active(role, KNOWING)) == [False, True]


def transport_info(transport: IceUdpTransport) -> Jingle:
    content = Content(name="0", transport=transport)
    return Jingle(action=Action.TRANSPORT_INFO, sid="sid1", contents=(content,))


def test_whoever_says_it_is_told_it() -> None:
    session = active(Creator.RESPONDER, Habits())
    session.receive(transport_info(IceUdpTransport(ufrag="abcd", gathering_complete=True)))
    assert ends(session) == [False, True]
    session.receive(transport_info(IceUdpTransport(ufrag="abcd")))
    assert ends(session) == [False, True]


def test_whoever_sends_our_residue_is_told_it() -> None:
    initiator, responder = session_pair()
    session = JingleSession(
        role=Creator.RESPONDER, sid="sid1", local=responder.local, peer=responder.peer
    )
    initiate = initiator.initiate(OFFER)
    assert initiate.residue or any(item.residue for item in initiate.contents)
    session.receive(initiate)
    session.accept(answer_to(OFFER))
    session.delivered()
    assert ends(session) == [False, True]


@pytest.mark.parametrize(("client", "shows"), [("stanza", True), ("dino", False)])
def test_what_the_captured_clients_show(client: str, shows: bool) -> None:
    """The rows are what clients do: stanza sends the mark, Dino never."""
    marks = []
    for path in sorted(CLIENT_STANZAS.glob(f"{client}*/*.xml")):
        element = ET.fromstring(path.read_text()).find("{urn:xmpp:jingle:1}jingle")
        if element is not None:
            jingle = parse(Jingle, element)
            marks += [c.transport.gathering_complete for c in jingle.contents if c.transport]
    assert marks
    assert any(marks) is shows
