"""Declare a dataclass once, get ``parse()`` and ``build()``.

A class decorated with :func:`element` says with its fields what stands on the wire::

    @element("urn:xmpp:jingle:apps:dtls:0", "fingerprint")
    class Fingerprint:
        hash: str = attribute(TOKEN)
        value: str = text(TOKEN)
        setup: Setup | None = attribute(choice(Setup), default=None)

Every optional field names its ``default`` at the call, where type checkers look for it.
``parse(Fingerprint, xml)`` gives the value or raises :class:`MalformedStanza` naming element and
attribute; ``build(fingerprint)`` gives the element. Unknown attributes and children are ignored,
never an error: protocols grow.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, dataclass_transform
from xml.etree.ElementTree import Element, SubElement

from jinglebridge.errors import LocalProtocolError, MalformedStanza
from jinglebridge.protocol.xml_codecs import (
    MAX_TEXT,
    MULTILINE,
    TEXT,
    TOKEN,
    Codec,
    choice,
    matching,
    uint,
)

__all__ = [
    "MAX_NAME",
    "MAX_TEXT",
    "MULTILINE",
    "TEXT",
    "TOKEN",
    "Codec",
    "Spec",
    "attribute",
    "build",
    "child",
    "children",
    "choice",
    "element",
    "flag",
    "foreign",
    "known_children",
    "local",
    "local_name",
    "matching",
    "namespace_of",
    "parse",
    "parse_value",
    "spec_of",
    "tag_of",
    "text",
    "too_many",
    "uint",
    "which",
]

T = TypeVar("T")

_SPEC = "__xml_spec__"
_KEY = "jinglebridge.xml"
_SPACE = " \t\r\n"
"""White space of XML."""
_REMEMBERED, _SHORT = 4096, 128
"""How many elements of repeating classes are kept, and the length of their values."""
MAX_NAME = 256
"""The longest name of an unknown element that is kept, in characters."""


def _field(kind: str, default: Any, **more: Any) -> Any:
    metadata = {_KEY: {"kind": kind, "default": default, **more}}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def attribute(
    codec: Codec[Any] = TEXT, *, name: str | None = None, default: Any = dataclasses.MISSING
) -> Any:
    """A field that is an XML attribute; left out when its value is ``None``."""
    return _field("attribute", default, codec=codec, name=name)


def text(codec: Codec[Any] = TEXT, *, default: Any = dataclasses.MISSING) -> Any:
    """A field that is the element's text, white space around it removed."""
    return _field("text", default, codec=codec)


def flag(namespace: str, tag: str, *, default: Any) -> Any:
    """A ``bool`` field that is the presence of an empty child."""
    return _field("flag", default, tag=f"{{{namespace}}}{tag}")


def child(*kinds: type, default: Any) -> Any:
    """A field that is at most one child of one of these classes; the first one counts."""
    return _field("child", default, kinds=kinds)


def children(*kinds: type, default: Any, maximum: int = 256) -> Any:
    """A tuple field of all children of these classes, in document order."""
    return _field("children", default, kinds=kinds, maximum=maximum)


def which(namespace: str, kind: type[Enum], *, default: Any) -> Any:
    """An enum field whose value is the local name of an empty child in ``namespace``."""
    return _field("which", default, namespace=namespace, enum=kind)


def foreign(*, default: Any) -> Any:
    """A tuple field of the Clark names of children that the class does not know."""
    return _field("foreign", default)


def local(*, default: Any) -> Any:
    """A field that has no place in the element: another carrier brings it."""
    return _field("local", default)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a child goes: into which field, as what."""

    field: str
    kind: type | None = None
    """The class that reads it; without one, its presence says ``value``."""
    value: object = None
    maximum: int | None = None
    """How many there may be; without it, the first one counts."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is declared of a class: how each field stands on the wire."""

    tag: str
    attributes: tuple[tuple[str, str, Codec[Any], bool], ...]
    text: tuple[str, Codec[Any], bool] | None
    children: dict[str, Place]
    """By Clark name."""
    order: tuple[str, ...]
    """The fields that are children."""
    several: dict[str, int]
    """Those that hold a tuple of them, and how many there may be."""
    foreign: str | None
    name: str
    """The tag without its namespace."""
    namespace: str
    repeats: bool
    members: dict[tuple[str, object], str]
    """Tag of the empty child by field and value, for flags and enums."""

    def tag_of_member(self, field_name: str, value: object) -> str | None:
        """The tag of the empty child that says this value, if the field is said so."""
        if value is not True and not isinstance(value, Enum):
            return None
        return self.members[field_name, value]


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(attribute, text, flag, child, children, which, foreign, local),
)
def element(namespace: str, tag: str, *, repeats: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen value that knows its element ``{namespace}tag``.

    Args:
        namespace: the element's.
        tag: its local name.
        repeats: every call says the same elements again (codecs, not keys or addresses), so that
            it pays to remember those without children.
    """

    def decorate(cls: type[T]) -> type[T]:
        value_class = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        setattr(value_class, _SPEC, _specify(value_class, f"{{{namespace}}}{tag}", repeats))
        return value_class

    return decorate


def _specify(cls: type, tag: str, repeats: bool) -> Spec:
    attributes: list[tuple[str, str, Codec[Any], bool]] = []
    text_spec: tuple[str, Codec[Any], bool] | None = None
    places: dict[str, Place] = {}
    order: list[str] = []
    foreign_field: str | None = None
    for item in dataclasses.fields(cls):
        info = item.metadata[_KEY]
        required = info["default"] is dataclasses.MISSING
        match info["kind"]:
            case "attribute":
                attributes.append((item.name, info["name"] or item.name, info["codec"], required))
            case "text":
                text_spec = (item.name, info["codec"], required)
            case "flag":
                places[info["tag"]] = Place(item.name, value=True)
                order.append(item.name)
            case "child" | "children":
                maximum = info.get("maximum")
                places |= {
                    tag_of(kind): Place(item.name, kind, maximum=maximum) for kind in info["kinds"]
                }
                order.append(item.name)
            case "which":
                places |= {
                    f"{{{info['namespace']}}}{member.value}": Place(item.name, value=member)
                    for member in info["enum"]
                }
                order.append(item.name)
            case "foreign":
                foreign_field = item.name
    return Spec(
        tag,
        tuple(attributes),
        text_spec,
        places,
        tuple(order),
        {place.field: place.maximum for place in places.values() if place.maximum is not None},
        foreign_field,
        local_name(tag),
        namespace_of(tag),
        repeats,
        {(place.field, place.value): tag for tag, place in places.items() if place.kind is None},
    )


def spec_of(cls: type) -> Spec:
    """The declaration of a class."""
    spec: Spec = getattr(cls, _SPEC)
    return spec


def tag_of(cls: type) -> str:
    """The Clark name ``{namespace}tag`` of a declared class."""
    return spec_of(cls).tag


def known_children(cls: type) -> dict[str, type | None]:
    """The children that a declared class knows by Clark name, with their class if they have one."""
    return {tag: place.kind for tag, place in spec_of(cls).children.items()}


def namespace_of(tag: str) -> str:
    """The namespace of a Clark name, empty when there is none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def local_name(tag: str) -> str:
    """A Clark name without its namespace."""
    return tag.rpartition("}")[2]


def _read(codec: Codec[Any], value: str, element_name: str, attribute_name: str = "") -> Any:
    try:
        return codec.read(value)
    except ValueError as error:
        where = f"<{element_name} {attribute_name}".rstrip()
        raise MalformedStanza(f"{where}>: {error}: {value[:60]!r}") from None


def parse(cls: type[T], xml: Element) -> T:
    """Read an element into a value of ``cls``.

    Raises:
        MalformedStanza: a required part is missing or a value breaks its grammar.
    """
    spec = spec_of(cls)
    if xml.tag != spec.tag:
        name = local_name(spec.tag)
        raise MalformedStanza(f"expected <{name}>, found <{local_name(str(xml.tag))[:60]}>")
    return _value(cls, spec, xml)


def _value(cls: type[T], spec: Spec, xml: Element) -> T:
    raw_values = xml.attrib
    if spec.repeats and not len(xml) and sum(map(len, raw_values.values())) <= _SHORT:
        items = tuple(raw_values.items())
        return _leaf(cls, items)  # type: ignore[return-value,arg-type] # the cache forgets types
    values = _attributes(spec, raw_values)
    if spec.text is not None:
        field_name, codec, required = spec.text
        raw = (xml.text or "").strip(_SPACE)
        if raw:
            values[field_name] = _read(codec, raw, spec.name)
        elif required:
            raise MalformedStanza(f"<{spec.name}> is empty")
    if spec.children or spec.foreign:
        _parse_children(spec, xml, values)
    return cls(**values)


@lru_cache(maxsize=_REMEMBERED)
def _leaf(cls: type, items: tuple[tuple[str, str], ...]) -> object:
    return cls(**_attributes(spec_of(cls), dict(items)))


def _attributes(spec: Spec, raw_values: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field_name, wire_name, codec, required in spec.attributes:
        raw = raw_values.get(wire_name)
        if raw is not None:
            values[field_name] = _read(codec, raw, spec.name, wire_name)
        elif required:
            raise MalformedStanza(f"<{spec.name}> has no attribute {wire_name!r}")
    return values


def parse_value(cls: type[T], **texts: str) -> T:
    """Make a value from the texts of its attributes, checked as if they had come in an element.

    Raises:
        MalformedStanza: a text breaks its grammar.
    """
    spec = spec_of(cls)
    codecs = {name: codec for name, _, codec, _ in spec.attributes}
    return cls(**{name: _read(codecs[name], text, spec.name, name) for name, text in texts.items()})


def _parse_children(spec: Spec, xml: Element, values: dict[str, Any]) -> None:
    collected: dict[str, list[Any]] = {}
    for item in xml:
        tag = item.tag
        place = spec.children.get(tag)
        if place is None:
            if spec.foreign is not None and isinstance(tag, str):
                collected.setdefault(spec.foreign, []).append(tag[:MAX_NAME])
        elif place.maximum is not None:
            found = collected.setdefault(place.field, [])
            if len(found) >= place.maximum:
                raise too_many(spec, place.maximum, local_name(tag))
            found.append(_child(place, item))
        elif place.field not in values:
            values[place.field] = _child(place, item)
    for field_name, found in collected.items():
        values[field_name] = tuple(found)


def too_many(spec: Spec, maximum: int, name: str) -> MalformedStanza:
    """The error for more children of a name than are read."""
    return MalformedStanza(f"<{spec.name}> has more than {maximum} <{name}>")


def _child(place: Place, xml: Element) -> Any:
    return place.value if place.kind is None else _value(place.kind, spec_of(place.kind), xml)


def build(value: Any) -> Element:
    """Write a declared value as an element."""
    root = Element(tag_of(type(value)))
    _fill(root, value)
    return root


def _fill(target: Element, value: Any) -> None:
    spec = spec_of(type(value))
    for field_name, wire_name, codec, _ in spec.attributes:
        item = getattr(value, field_name)
        if item is not None:
            target.set(wire_name, codec.write(item))
    if spec.text is not None:
        item = getattr(value, spec.text[0])
        if item is not None:
            target.text = spec.text[1].write(item)
    for field_name in spec.order:
        item = getattr(value, field_name)
        if field_name in spec.several:
            _append(target, item)
        elif not item:
            continue
        elif (tag := spec.tag_of_member(field_name, item)) is None:
            _append(target, (item,))
        else:
            SubElement(target, tag)


def _append(target: Element, items: Iterable[Any]) -> None:
    for item in items:
        if not hasattr(type(item), _SPEC):
            raise LocalProtocolError(f"{type(item).__name__} is no declared element")
        _fill(SubElement(target, tag_of(type(item))), item)
