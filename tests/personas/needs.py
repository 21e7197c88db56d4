"""What every client needs of us, and the looks that check it."""

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.xml import DTLS, ICE, RTP, J, description_of, media_of, transport_of

if TYPE_CHECKING:
    from tests.personas.persona import Persona
from tests.personas.session import Session

COMMON = {
    "presence": "available presence from a full JID, with capabilities (XEP-0115)",
    "ver": "a `ver` that is exactly the digest of the disco#info answer",
    "features": "the features of its call button in that answer",
    "result": "a result for each of its requests, before anything else about them",
    "same-party": "every request of a session from the full JID that it began with",
    "contents": "in the answer, the contents that it offered: same names, same creator",
    "credentials": "`ufrag`, `pwd` and a fingerprint in every content's transport",
    "answer-setup": "in the answer, one `setup` in all contents, `active` or `passive`",
    "payload-types": "in the answer, only payload types that it offered",
    "candidate": "candidates only for contents that exist, after the description",
    "complete": "every candidate with foundation, component, protocol, priority, address, port "
    "and type",
    "reason": "a reason in `session-terminate`",
    "valid": "requests and messages that are valid by the XEPs' schemas",
    "offer-setup": "in an offer, `setup='actpass'` in all contents",
}
INITIATION = {
    "from-full": "`ringing`, `proceed` and receipts from the service's full JID",
    "to-full": "`ringing`, `proceed` and `reject` addressed to its own full JID",
    "propose": "a `propose` with an id and its media, as a chat message that is stored",
    "kinds": "in the offer, exactly the media that were proposed",
}
"""Of those that take part in Jingle Message Initiation."""

_COMPLETE = {"foundation", "component", "protocol", "priority", "ip", "port", "type"}


def check_answer(persona: "Persona", session: "Session", jingle: Element) -> None:
    """A session-accept to an offer of the persona's."""
    contents = jingle.findall(f"{J}content")
    found = {(item.get("name"), item.get("creator", "initiator")) for item in contents}
    offered = {(name, "initiator") for name in session.local}
    persona.demand("contents", found == offered, str(found))
    _check_credentials(persona, contents)
    setups = _setups(contents)
    persona.demand("answer-setup", setups in ({"active"}, {"passive"}), str(setups))
    for content in contents:
        ids = {item.get("id", "") for item in description_of(content).iter(f"{RTP}payload-type")}
        known = session.payload_types.get(media_of(content), frozenset())
        persona.demand("payload-types", ids and ids <= known, str(sorted(ids - known)))


def check_offer(persona: "Persona", session: "Session", jingle: Element) -> None:
    """A session-initiate to the persona."""
    contents = jingle.findall(f"{J}content")
    _check_credentials(persona, contents)
    setups = _setups(contents)
    persona.demand("offer-setup", setups == {"actpass"}, str(setups))
    if session.proposed:
        kinds = sorted(map(media_of, contents))
        persona.demand("kinds", kinds == sorted(session.kinds), str(kinds))


def check_candidates(persona: "Persona", session: "Session", jingle: Element) -> list[Element]:
    """A transport-info; its candidates."""
    contents = jingle.findall(f"{J}content")
    described = session.described
    names = () if described is None else described.findall(f"{J}content")
    known = {item.get("name") for item in names}
    found = {item.get("name") for item in contents}
    persona.demand("candidate", found and found <= known, f"{found} of {known}")
    candidates = [
        item for content in contents for item in transport_of(content).findall(f"{ICE}candidate")
    ]
    for candidate in candidates:
        persona.demand("complete", _COMPLETE.issubset(candidate.keys()), xml.text(candidate))
    return candidates


def _check_credentials(persona: "Persona", contents: list[Element]) -> None:
    for content in contents:
        transport = transport_of(content)
        persona.demand(
            "credentials",
            transport.get("ufrag")
            and transport.get("pwd")
            and transport.findtext(f"{DTLS}fingerprint"),
            xml.text(transport),
        )


def _setups(contents: list[Element]) -> set[str]:
    return {
        item.get("setup", "") for content in contents for item in content.iter(f"{DTLS}fingerprint")
    }
