"""XML that SDP cannot say, carried through SDP: ``a=x-jingle:`` lines.

A section gets such a line when the content made from it would differ from the one it came from:
an unknown child or attribute, an id, another order. The line holds the content as it was, in
canonical XML; the session's line holds the rest of ``<jingle/>`` with its contents as stubs. On the
way back a content that still says what its section says is taken from the line as it is; one whose
section was changed is made anew and gets the unknown parts grafted on.

These lines are for conversions of text. No peer connection ever sees them.
"""

import base64
import binascii
from collections import Counter
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, canonicalize, fromstring, tostring

from jinglebridge.errors import CallError, MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import Mapped, mapped
from jinglebridge.protocol.mapping.sections import section_of
from jinglebridge.protocol.mapping.slots import SlotTable
from jinglebridge.protocol.sdp.description import (
    Attribute,
    MediaDescription,
    SessionDescription,
)
from jinglebridge.protocol.sdp.writer import write_section
from jinglebridge.protocol.xml import build, known_children, parse, tag_of

ATTRIBUTE = "x-jingle"
MAX_VALUE = 16_384
"""The longest value of a line, in characters."""
_MAX_DEPTH = 64
_ARGUMENTS = ("action", "sid", "initiator", "responder")
"""Attributes of ``<jingle/>`` that the caller gives anew."""
_CONTENT = tag_of(Content)


def with_carried(
    description: SessionDescription, xml: Element, *, writer: Creator, slots: SlotTable
) -> SessionDescription:
    """A description that also keeps what it could not say of the element it was made from.

    Args:
        description: what the element says.
        xml: the ``<jingle/>`` element.
        writer: the role of the party that sent it.
        slots: the session's table with this description.

    Raises:
        MalformedStanza: the element is too long to be carried.
    """
    parts = mapped(description, writer=writer, slots=slots)
    fresh = {(item.creator, item.name): build(item) for item in parts.contents}
    lines: dict[str, str] = {}
    skeleton = _without_arguments(xml)
    for child in list(skeleton):
        if child.tag != _CONTENT:
            continue
        content = parse(Content, child)
        slot = slots.by_content(content.creator, content.name)
        made = None if slot is None else fresh.get((slot.creator, slot.name))
        if slot is None or made is None:
            continue
        if _canonical(made) != _canonical(child):
            lines[slot.mid] = _line(child)
        _make_stub(child)
    plain = _bare(parts)
    session = "" if _canonical(plain) == _canonical(skeleton) else _line(skeleton)
    media = tuple(_with_line(item, lines.get(item.mid)) for item in description.media)
    attributes = description.attributes
    if session:
        attributes = (*attributes, Attribute(name=ATTRIBUTE, value=session))
    return replace(description, media=media, attributes=attributes)


def carries(description: SessionDescription) -> bool:
    """Whether a description holds ``a=x-jingle`` lines."""
    places = (description.attributes, *(section.attributes for section in description.media))
    return any(item.name == ATTRIBUTE for attributes in places for item in attributes)


def without_carried(description: SessionDescription) -> SessionDescription:
    """The description as a peer connection may see it."""
    media = tuple(
        replace(item, attributes=_others(item.attributes))
        if any(attribute.name == ATTRIBUTE for attribute in item.attributes)
        else item
        for item in description.media
    )
    return replace(description, media=media, attributes=_others(description.attributes))


def built(
    description: SessionDescription, action: Jingle, *, writer: Creator, slots: SlotTable
) -> Element:
    """The ``<jingle/>`` element for a description, with what it carries.

    Args:
        description: may hold ``a=x-jingle`` lines.
        action: the request without contents, groups and residue.
        writer: the role of the party that wrote the description.
        slots: the session's table.

    Raises:
        SdpError: a carried line is no XML.
    """
    bare = without_carried(description)
    parts = mapped(bare, writer=writer, slots=slots)
    root = build(
        replace(action, groups=parts.groups, contents=parts.contents, residue=parts.residue)
    )
    contents = [child for child in root if child.tag == _CONTENT]
    live = [item for item in bare.media if not item.is_rejected]
    carried = {item.mid: _carried(item.attributes) for item in description.media}
    for child, section in zip(contents, live, strict=True):
        original = carried[section.mid]
        if original is not None:
            _restore(root, child, original, section, writer=writer, slots=slots)
    skeleton = _carried(description.attributes)
    return root if skeleton is None else _fill(skeleton, root, parts)


def _restore(
    root: Element,
    made: Element,
    original: Element,
    section: MediaDescription,
    *,
    writer: Creator,
    slots: SlotTable,
) -> None:
    """Put the original in the place of what was made, if it says the same; else graft."""
    slot = slots.by_mid(section.mid)
    try:
        says = (
            None if slot is None else section_of(parse(Content, original), slot=slot, writer=writer)
        )
    except (CallError, MalformedStanza):
        says = None
    same = says is not None and sorted(write_section(says)) == sorted(write_section(section))
    key = (original.get("creator", "initiator"), original.get("name"))
    if same and key == (made.get("creator"), made.get("name")):
        root[list(root).index(made)] = original
    else:
        _graft(made, original, Content)


def _fill(skeleton: Element, root: Element, parts: Mapped) -> Element:
    """The carried skeleton with the contents that were made, if it still says the same."""
    if _canonical(_known_skeleton(_bare(parts))) != _canonical(_known_skeleton(skeleton)):
        _graft(root, skeleton, Jingle)
        return root
    made = {
        (item.get("creator", "initiator"), item.get("name")): item
        for item in root
        if item.tag == _CONTENT
    }
    for index, child in enumerate(list(skeleton)):
        if child.tag == _CONTENT and not len(child):
            key = (child.get("creator", "initiator"), child.get("name"))
            skeleton[index] = made.pop(key, child)
    skeleton.extend(made.values())
    for name in _ARGUMENTS:
        value = root.get(name)
        if value is not None:
            skeleton.set(name, value)
    return skeleton


def _bare(parts: Mapped) -> Element:
    """What is made of a description's session part, contents as stubs."""
    root = Element(tag_of(Jingle))
    root.extend(build(item) for item in parts.groups)
    for item in parts.contents:
        root.append(build(Content(creator=item.creator, name=item.name)))
    if parts.residue is not None:
        root.append(build(parts.residue))
    return root


def _known_skeleton(xml: Element) -> Element:
    """The parts of a skeleton that a description says, sorted."""
    known = known_children(Jingle)
    root = Element(xml.tag)
    children = []
    for child in xml:
        if child.tag == _CONTENT:
            if len(child):
                continue
            stub = Element(child.tag)
            stub.set("creator", child.get("creator", "initiator"))
            stub.set("name", child.get("name", ""))
            children.append(stub)
        elif child.tag in known and known[child.tag] is not None:
            children.append(child)
    root.extend(sorted(children, key=lambda item: tostring(item, "unicode")))
    return root


def _graft(target: Element, source: Element, kind: type | None) -> None:
    """Copy onto ``target`` the attributes and children of ``source`` that ``kind`` knows not."""
    for name, value in source.items():
        if target.get(name) is None and name.startswith("{"):
            target.set(name, value)
    known = known_children(kind) if kind is not None else {}
    places: Counter[str] = Counter()
    for position, child in enumerate(source):
        if child.tag not in known:
            target.insert(min(position, len(target)), child)
            continue
        twins = [item for item in target if item.tag == child.tag]
        index = places[child.tag]
        places[child.tag] += 1
        if index < len(twins):
            _graft(twins[index], child, known[child.tag])


def _without_arguments(xml: Element) -> Element:
    copy = fromstring(tostring(xml, "unicode"))  # noqa: S314 # our own text
    for name in _ARGUMENTS:
        copy.attrib.pop(name, None)
    return copy


def _make_stub(content: Element) -> None:
    name, creator = content.get("name", ""), content.get("creator", "initiator")
    tail = content.tail
    content.clear()
    content.tail = tail
    content.set("creator", creator)
    content.set("name", name)


def _canonical(xml: Element) -> str:
    return canonicalize(tostring(xml, "unicode"), strip_text=True)


def _line(xml: Element) -> str:
    text = canonicalize(tostring(xml, "unicode"), strip_text=True)
    value = base64.urlsafe_b64encode(text.encode()).decode()
    if len(value) > MAX_VALUE:
        raise MalformedStanza(f"a content holds more than {MAX_VALUE} characters to be carried")
    return value


def _with_line(section: MediaDescription, value: str | None) -> MediaDescription:
    if value is None:
        return section
    line = Attribute(name=ATTRIBUTE, value=value)
    return replace(section, attributes=(*section.attributes, line))


def _others(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    return tuple(item for item in attributes if item.name != ATTRIBUTE)


def _carried(attributes: tuple[Attribute, ...]) -> Element | None:
    value = next((item.value for item in attributes if item.name == ATTRIBUTE), None)
    if value is None:
        return None
    if len(value) > MAX_VALUE:
        raise SdpError(f"a carried line has at most {MAX_VALUE} characters")
    try:
        text = base64.urlsafe_b64decode(value.encode()).decode()
        if "<!" in text:
            raise SdpError("a carried line declares no document type")
        xml = fromstring(text)  # noqa: S314 # without a document type there are no entities
    except (binascii.Error, ParseError, ValueError):
        raise SdpError("a carried line is no XML", content=value) from None
    level = [xml]
    for _ in range(_MAX_DEPTH):
        level = [child for item in level for child in item]
    if level:
        raise SdpError(f"a carried line has at most {_MAX_DEPTH} levels")
    return xml
