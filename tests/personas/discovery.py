"""What a client says of itself, and what it looks at before it shows a call button."""

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.xml import CAPS, INFO, bare, is_full, tag

if TYPE_CHECKING:
    from tests.personas.persona import Persona


def capabilities(persona: "Persona") -> str:
    """What stands in its presence (XEP-0115)."""
    ver = xml.caps_ver_of(persona.identity, persona.features)
    return tag("c", xmlns=CAPS, hash="sha-1", node=persona.node, ver=ver)


def info(persona: "Persona", node: str | None) -> str:
    """Its answer to disco#info."""
    category, kind, name = persona.identity
    return tag(
        "query",
        tag("identity", category=category, type=kind, name=name),
        *(tag("feature", var=feature) for feature in persona.features),
        xmlns=INFO,
        node=node,
    )


def take_presence(persona: "Persona", stanza: Element) -> None:
    """The service shows itself: what can it do?"""
    if bare(stanza.get("from", "")) != persona.service:
        return
    if stanza.get("type") is not None:
        persona.note(f"presence {stanza.get('type')}")
        return
    peer, caps = stanza.get("from", ""), stanza.find(f"{CAPS}c")
    persona.demand("presence", is_full(peer) and caps is not None, xml.text(stanza))
    if caps is None or persona.peer_full:
        return
    persona.peer_full = peer
    ver = caps.get("ver", "")

    def heard(answer: Element) -> None:
        query = answer.find(f"{INFO}query")
        persona.demand("ver", query is not None and xml.caps_ver(query) == ver, xml.text(answer))
        items = () if query is None else query.findall(f"{INFO}feature")
        persona.peer_features = frozenset(item.get("var", "") for item in items)
        missing = set(persona.wants) - persona.peer_features
        persona.demand("features", not missing, str(sorted(missing)))
        persona.note("callable")

    query = tag("query", xmlns=INFO, node=f"{caps.get('node')}#{ver}")
    persona.line.ask(peer, query, heard, "get")
