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
from copy import deepcopy
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, canonicalize, fromstring, tostring

from jinglebridge.errors import CallError, MalformedStanza, SdpError
from jinglebridge.protocol.jingle.residue import NAMESPACE, Residue
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import Mapped, mapped, offer_of
from jinglebridge.protocol.mapping.graft import graft
from jinglebridge.protocol.mapping.sections import section_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable
from jinglebridge.protocol.sdp.description import (
    Attribute,
    MediaDescription,
    SessionDescription,
)
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.xml import build, parse, tag_of

ATTRIBUTE = "x-jingle"
MAX_VALUE = 16_384
"""The longest value of a line, in characters."""
_MAX_DEPTH = 64
_ARGUMENTS = ("action", "sid", "initiator", "responder")
"""Attributes of ``<jingle/>`` that the caller gives anew."""
_SPACE = " \t\r\n"
_CONTENT = tag_of(Content)
_STUB = f"{{{NAMESPACE}}}content"
"""Holds the place of a content that a section says."""


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
    contents = parse(Jingle, xml).contents
    by_key = {
        (item.creator.value, item.name): slot
        for item, slot in zip(contents, slots.of_contents(contents), strict=True)
    }
    lines: dict[str, str] = {}
    skeleton = _without_arguments(xml)
    for index, child in enumerate(skeleton):
        if child.tag != _CONTENT:
            continue
        slot = by_key.get(_key(child))
        made = None if slot is None else fresh.get((slot.creator, slot.name))
        if slot is None or made is None:
            continue
        skeleton[index] = _in_place_of(child, _stub(slot.creator.value, slot.name))
        is_usual = (slot.creator, slot.name) == (Creator.INITIATOR, slot.mid)
        if not is_usual or _canonical(made) != _canonical(child):
            lines[slot.mid] = _line(child)
    plain = _bare(parts)
    session = "" if _canonical(plain) == _canonical(skeleton) else _line(skeleton)
    media = tuple(_with_line(item, lines.get(item.mid)) for item in description.media)
    attributes = description.attributes
    if session:
        attributes = (*attributes, Attribute(name=ATTRIBUTE, value=session))
    return replace(description, media=media, attributes=attributes)


def sayable(jingle: Jingle, *, writer: Creator) -> Jingle:
    """A request without the contents that no section can say: they are carried whole."""
    return replace(
        jingle, contents=tuple(item for item in jingle.contents if _is_sayable(item, writer))
    )


def _is_sayable(content: Content, writer: Creator) -> bool:
    slot = Slot(creator=content.creator, name=content.name, mid="0")
    try:
        section_of(content, slot=slot, writer=writer)
    except CallError:
        return False
    return True


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
    carried = {
        item.mid: _carried(item.attributes, section=index)
        for index, item in enumerate(description.media)
    }
    slots = _named(slots, carried)
    parts = mapped(bare, writer=writer, slots=slots)
    root = build(
        replace(action, groups=parts.groups, contents=parts.contents, residue=parts.residue)
    )
    contents = [child for child in root if child.tag == _CONTENT]
    live = [item for item in bare.media if not item.is_rejected]
    for child, section in zip(contents, live, strict=True):
        original = carried[section.mid]
        if original is not None:
            _restore(root, child, original, writer=writer)
    skeleton = _carried(description.attributes)
    return root if skeleton is None else _fill(skeleton, root, writer=writer, slots=slots)


def _named(slots: SlotTable, carried: dict[str, Element | None]) -> SlotTable:
    """The table with the names that were carried, where nobody kept one and mids stand in."""
    named = [
        slot if slot.name != slot.mid else _named_after(carried.get(slot.mid), slot)
        for slot in slots.slots
    ]
    are_unique = len({(slot.creator, slot.name) for slot in named}) == len(named)
    return SlotTable(tuple(named)) if are_unique else slots


def _named_after(original: Element | None, slot: Slot) -> Slot:
    if original is None:
        return slot
    try:
        content = parse(Content, original)
    except MalformedStanza:
        return slot
    return replace(slot, creator=content.creator, name=content.name)


def _restore(root: Element, made: Element, original: Element, *, writer: Creator) -> None:
    """Put the original in the place of what was made, if it says the same; else graft."""
    said = _description_of(_alone(root, original), writer)
    is_same = said is not None and said == _description_of(_alone(root, made), writer)
    if is_same and _key(original) == _key(made):
        root[list(root).index(made)] = original
    else:
        graft(made, original, Content)


def _alone(root: Element, content: Element) -> Element:
    """A request with one content and what the session says beside it."""
    alone = Element(root.tag, root.attrib)
    alone.append(content)
    alone.extend(root.findall(tag_of(Residue)))
    return alone


def _fill(skeleton: Element, root: Element, *, writer: Creator, slots: SlotTable) -> Element:
    """The carried skeleton with the contents that were made, if it still says the same."""
    made = {_key(item): item for item in root if item.tag == _CONTENT}
    stubs = [_key(item) for item in skeleton.findall(_STUB)]
    if sorted(stubs) == sorted(made):
        whole = Element(skeleton.tag, {**skeleton.attrib, **root.attrib})
        whole.text = skeleton.text
        whole.extend(
            _in_place_of(item, made[_key(item)]) if item.tag == _STUB else item for item in skeleton
        )
        if _description_of(whole, writer, slots) == _description_of(root, writer, slots):
            return whole
    for child in skeleton.findall(_STUB):
        if _key(child) in made:
            child.tag = _CONTENT
        else:
            skeleton.remove(child)
    graft(root, skeleton, Jingle)
    return root


def _description_of(xml: Element, writer: Creator, slots: SlotTable | None = None) -> str | None:
    try:
        request = sayable(parse(Jingle, xml), writer=writer)
        # read again: a value beyond what XEPs allow is a field here and a plain line there
        return dumps(loads_offer(dumps(offer_of(request, writer=writer, slots=slots)[0])))
    except (CallError, MalformedStanza):
        return None


def _key(content: Element) -> tuple[str, str]:
    return content.get("creator", "initiator"), content.get("name", "")


def _bare(parts: Mapped) -> Element:
    """What is made of a description's session part, contents as stubs."""
    root = Element(tag_of(Jingle))
    root.extend(build(item) for item in parts.groups)
    for item in parts.contents:
        root.append(_stub(item.creator.value, item.name))
    if parts.residue is not None:
        root.append(build(parts.residue))
    return root


def _without_arguments(xml: Element) -> Element:
    copy = fromstring(tostring(xml, "unicode"))  # noqa: S314 # our own text
    for name in _ARGUMENTS:
        copy.attrib.pop(name, None)
    return copy


def _stub(creator: str, name: str) -> Element:
    return Element(_STUB, {"creator": creator, "name": name})


def _in_place_of(old: Element, new: Element) -> Element:
    """The new element, with the text that follows the old one, which loses it."""
    new.tail, old.tail = old.tail, None
    return new


def _canonical(xml: Element) -> str:
    return canonicalize(tostring(xml, "unicode"), strip_text=True)


def _line(xml: Element) -> str:
    text = canonicalize(tostring(_tidied(xml), "unicode"))
    value = base64.urlsafe_b64encode(text.encode()).decode()
    if len(value) > MAX_VALUE:
        raise MalformedStanza(f"a content holds more than {MAX_VALUE} characters to be carried")
    return value


def _tidied(xml: Element) -> Element:
    """A copy without the white space that pretty-printers put between elements."""
    copy = deepcopy(xml)
    copy.tail = None
    for item in copy.iter():
        item.text = item.text if (item.text or "").strip(_SPACE) else None
        item.tail = item.tail if (item.tail or "").strip(_SPACE) else None
    return copy


def _with_line(section: MediaDescription, value: str | None) -> MediaDescription:
    if value is None:
        return section
    line = Attribute(name=ATTRIBUTE, value=value)
    return replace(section, attributes=(*section.attributes, line))


def _others(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    return tuple(item for item in attributes if item.name != ATTRIBUTE)


def _carried(attributes: tuple[Attribute, ...], section: int | None = None) -> Element | None:
    value = next((item.value for item in attributes if item.name == ATTRIBUTE), None)
    if value is None:
        return None
    if len(value) > MAX_VALUE:
        reason = f"a carried line has at most {MAX_VALUE} characters"
        raise SdpError(reason, section=section, content=value)
    try:
        text = base64.urlsafe_b64decode(value.encode()).decode()
        if "<!" in text:
            raise SdpError("a carried line declares no document type", section=section)
        xml = fromstring(text)  # noqa: S314 # without a document type there are no entities
    except (binascii.Error, ParseError, ValueError):
        raise SdpError("a carried line is no XML", section=section, content=value) from None
    level = [xml]
    for _ in range(_MAX_DEPTH):
        level = [child for item in level for child in item]
    if level:
        raise SdpError(f"a carried line has at most {_MAX_DEPTH} levels", section=section)
    return xml
