"""Put the unknown parts of an element onto another one that says the known parts anew."""

from collections import Counter, defaultdict
from xml.etree.ElementTree import Element

from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0166 import Content, Jingle
from jinglebridge.protocol.jingle.xep_0167 import Crypto, Encryption, Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import Candidate, RemoteCandidate
from jinglebridge.protocol.jingle.xep_0293 import FeedbackParameter, RtcpFeedback
from jinglebridge.protocol.jingle.xep_0294 import ExtensionParameter, RtpHeaderExtension
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint
from jinglebridge.protocol.jingle.xep_0338 import Group, GroupContent
from jinglebridge.protocol.jingle.xep_0339 import (
    Source,
    SourceGroup,
    SourceParameter,
    SourceReference,
)
from jinglebridge.protocol.jingle.xep_0343 import SctpMap
from jinglebridge.protocol.jingle.xep_0507 import Category
from jinglebridge.protocol.xml import known_children, spec_of, tag_of

_KEYS: dict[type | None, tuple[str, ...]] = {
    Content: ("creator", "name"),
    PayloadType: ("id",),
    Parameter: ("name",),
    Crypto: ("tag",),
    Candidate: ("component", "foundation", "protocol", "ip", "port", "type"),
    RemoteCandidate: ("component",),
    RtcpFeedback: ("type", "subtype"),
    FeedbackParameter: ("name",),
    RtpHeaderExtension: ("id",),
    ExtensionParameter: ("name",),
    Fingerprint: ("hash",),
    Group: ("semantics",),
    GroupContent: ("name",),
    Source: ("ssrc",),
    SourceGroup: ("semantics",),
    SourceParameter: ("name",),
    SourceReference: ("ssrc",),
    Category: ("name",),
}
"""By which attributes an element is the same one as before."""
_NOT_IN_SDP: dict[type | None, tuple[str, ...]] = {
    Content: ("disposition",),
    Candidate: ("id", "network"),
    Encryption: ("required",),
    SctpMap: ("protocol", "streams"),
}
"""Attributes that we know and no line of SDP says."""
_CONTENT = tag_of(Content)
_SAID_OF_SESSION = frozenset(tag_of(kind) for kind in (Content, Group, Residue))
"""Children of ``<jingle/>`` that are made from a description."""

Key = tuple[str, ...]


def said_children(kind: type | None) -> dict[str, type | None]:
    """The children of an element of this class that are made from a description, by tag."""
    if kind is None:
        return {}
    known = known_children(kind)
    if kind is Jingle:
        return {tag: child for tag, child in known.items() if tag in _SAID_OF_SESSION}
    return known


def graft(target: Element, source: Element, kind: type | None) -> None:
    """Give ``target`` the attributes and children of ``source`` that no description says.

    A content that ``target`` does not have is one that no section can say, and is kept.
    Children keep the order of ``source``; those that ``target`` has of its own keep theirs among
    their like. What ``source`` says and ``target`` no longer does is gone, with all inside.

    Args:
        target: what was made from a description.
        source: what the description was made from, before it was edited.
        kind: the class of both, ``None`` where it has no fields.
    """
    _graft_attributes(target, source, kind)
    said = said_children(kind)
    twins = _twins(target, source, said)
    waiting: dict[str, list[Element]] = defaultdict(list)
    for child in target:
        waiting[child.tag].append(child)
    matched = {id(twin) for twin in twins.values()}
    children: list[Element] = []
    for child in source:
        twin = twins.get(id(child))
        if twin is not None:
            graft(twin, child, said[child.tag])
            children += _up_to_matched(waiting[child.tag], matched)
        elif child.tag not in said or (kind is Jingle and child.tag == _CONTENT):
            children.append(child)
    for child in [child for child in target if child in waiting[child.tag]]:
        children.insert(_place_of(child, list(target), children), child)
    target[:] = children


def _graft_attributes(target: Element, source: Element, kind: type | None) -> None:
    names = () if kind is None else (wire for _, wire, _, _ in spec_of(kind).attributes)
    said = set(names).difference(_NOT_IN_SDP.get(kind, ()))
    for name, value in source.items():
        if name not in said:
            target.set(name, value)


def _twins(target: Element, source: Element, said: dict[str, type | None]) -> dict[int, Element]:
    """The child of ``target`` for each child of ``source`` that is still said."""
    found: dict[tuple[str, Key], list[Element]] = defaultdict(list)
    for child in target:
        found[child.tag, _key(child, said.get(child.tag))].append(child)
    used: Counter[tuple[str, Key]] = Counter()
    twins = {}
    for child in source:
        if child.tag not in said:
            continue
        key = child.tag, _key(child, said[child.tag])
        if used[key] < len(found[key]):
            twins[id(child)] = found[key][used[key]]
            used[key] += 1
    return twins


def _key(xml: Element, kind: type | None) -> Key:
    defaults = {"creator": "initiator"}
    return tuple(xml.get(name, defaults.get(name, "")) for name in _KEYS.get(kind, ()))


def _up_to_matched(waiting: list[Element], matched: set[int]) -> list[Element]:
    """Take the children that come next, the first that was there before being the last of them."""
    end = next(index for index, item in enumerate(waiting, 1) if id(item) in matched)
    taken = waiting[:end]
    del waiting[:end]
    return taken


def _place_of(child: Element, siblings: list[Element], children: list[Element]) -> int:
    """Where a new child belongs: behind the one before it, which has its place already."""
    index = siblings.index(child)
    return children.index(siblings[index - 1]) + 1 if index else 0
