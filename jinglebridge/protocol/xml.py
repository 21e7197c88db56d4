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
class Spec:
    """What is declared of a class: how each field stands on the wire."""

    tag: str
    attributes: tuple[tuple[str, str, Codec[Any], bool], ...]
    text: tuple[str, Codec[Any], bool] | None
    flags: dict[str, str]
    single: dict[str, tuple[str, type]]
    many: dict[str, tuple[str, type]]
    maxima: dict[str, int]
    order: tuple[str, ...]
    which: dict[str, tuple[str, Enum]]
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
    flags: dict[str, str] = {}
    single: dict[str, tuple[str, type]] = {}
    many: dict[str, tuple[str, type]] = {}
    maxima: dict[str, int] = {}
    order: list[str] = []
    named: dict[str, tuple[str, Enum]] = {}
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
                flags[info["tag"]] = item.name
                order.append(item.name)
            case "child":
                single |= {tag_of(kind): (item.name, kind) for kind in info["kinds"]}
                order.append(item.name)
            case "children":
                many |= {tag_of(kind): (item.name, kind) for kind in info["kinds"]}
                maxima[item.name] = info["maximum"]
                order.append(item.name)
            case "which":
                named |= {
                    f"{{{info['namespace']}}}{member.value}": (item.name, member)
                    for member in info["enum"]
                }
                order.append(item.name)
            case "foreign":
                foreign_field = item.name
    return Spec(
        tag,
        tuple(attributes),
        text_spec,
        flags,
        single,
        many,
        maxima,
        tuple(order),
        named,
        foreign_field,
        local_name(tag),
        namespace_of(tag),
        repeats,
        {
            **{(field_name, True): tag for tag, field_name in flags.items()},
            **{(field_name, member): tag for tag, (field_name, member) in named.items()},
        },
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
    spec = spec_of(cls)
    typed = {tag: kind for tag, (_, kind) in (*spec.single.items(), *spec.many.items())}
    return {**typed, **dict.fromkeys((*spec.flags, *spec.which))}


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
    items = tuple(xml.attrib.items())
    if spec.repeats and not len(xml) and sum(map(len, xml.attrib.values())) <= _SHORT:
        return _leaf(cls, items)  # type: ignore[return-value,arg-type] # the cache forgets types
    return _parse(cls, spec, items, xml)


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


def _parse(cls: type[T], spec: Spec, items: tuple[tuple[str, str], ...], xml: Element) -> T:
    name = spec.name
    values = _attributes(spec, dict(items))
    if spec.text is not None:
        field_name, codec, required = spec.text
        raw = (xml.text or "").strip(_SPACE)
        if raw:
            values[field_name] = _read(codec, raw, name)
        elif required:
            raise MalformedStanza(f"<{name}> is empty")
    if spec.order or spec.foreign:
        _parse_children(spec, xml, values, name)
    return cls(**values)


def parse_value(cls: type[T], **texts: str) -> T:
    """Make a value from the texts of its attributes, checked as if they had come in an element.

    Raises:
        MalformedStanza: a text breaks its grammar.
    """
    codecs = {name: codec for name, _, codec, _ in spec_of(cls).attributes}
    spec = spec_of(cls)
    return cls(**{name: _read(codecs[name], text, spec.name, name) for name, text in texts.items()})


def _parse_children(spec: Spec, xml: Element, values: dict[str, Any], name: str) -> None:
    collected: dict[str, list[Any]] = {}
    for item in xml:
        tag = item.tag
        if tag in spec.many:
            field_name, kind = spec.many[tag]
            found = collected.setdefault(field_name, [])
            if len(found) >= spec.maxima[field_name]:
                raise MalformedStanza(
                    f"<{name}> has more than {spec.maxima[field_name]} <{local_name(tag)}>"
                )
            found.append(parse(kind, item))
        elif tag in spec.single:
            field_name, kind = spec.single[tag]
            if field_name not in values:
                values[field_name] = parse(kind, item)
        elif tag in spec.flags:
            values[spec.flags[tag]] = True
        elif tag in spec.which:
            field_name, member = spec.which[tag]
            values.setdefault(field_name, member)
        elif spec.foreign is not None and isinstance(tag, str):
            collected.setdefault(spec.foreign, []).append(tag[:MAX_NAME])
    for field_name, found in collected.items():
        values[field_name] = tuple(found)


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
        if field_name in spec.maxima:
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
