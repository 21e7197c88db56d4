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
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar, dataclass_transform
from xml.etree.ElementTree import Element, SubElement

from jinglebridge.errors import LocalProtocolError, MalformedStanza

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_SPEC = "__xml_spec__"
_KEY = "jinglebridge.xml"
_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
"""What some reader of the text that a value gets into could take for the end of a line."""
_SPACE = " \t\r\n"
"""White space of XML."""
MAX_TEXT = 16_384
"""The longest attribute or text value that is read, in characters."""
MAX_NAME = 256
"""The longest name of an unknown element that is kept, in characters."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Both directions of one value: text on the wire, ``T`` in the program."""

    read: Callable[[str], T]
    """Raises ``ValueError`` with a reason."""
    write: Callable[[T], str] = str


def _no_control(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    if _CONTROL.search(value):
        raise ValueError("control characters are not allowed")
    return value


def matching(pattern: str) -> Codec[str]:
    """A codec for text that matches the whole regular expression."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: str) -> str:
        if compiled.fullmatch(_no_control(value)) is None:
            raise ValueError("not of the right form")
        return value

    return Codec(read)


def uint(maximum: int = 2**32 - 1) -> Codec[int]:
    """A codec for a decimal number from 0 to ``maximum``."""

    def read(value: str) -> int:
        value = value.strip()
        if not (value.isascii() and value.isdigit() and len(value) <= 20):
            raise ValueError("not a number")
        number = int(value)
        if number > maximum:
            raise ValueError(f"larger than {maximum}")
        return number

    return Codec(read)


def choice(kind: type[E]) -> Codec[E]:
    """A codec for the values of an enum."""

    def read(value: str) -> E:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(str(member.value) for member in kind)
            raise ValueError(f"not one of {known}") from None

    return Codec(read, lambda member: str(member.value))


TEXT = Codec(_no_control)
"""Any text on one line."""
TOKEN = matching(r"[^\s]+")
"""One word without white space."""
MULTILINE: Codec[str] = Codec(lambda value: value)
"""Text as it is, which only people or its own reader look at; the size of a stanza bounds it."""


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
class _Spec:
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


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(attribute, text, flag, child, children, which, foreign, local),
)
def element(namespace: str, tag: str) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen value that knows its element ``{namespace}tag``."""

    def decorate(cls: type[T]) -> type[T]:
        value_class = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        setattr(value_class, _SPEC, _specify(value_class, f"{{{namespace}}}{tag}"))
        return value_class

    return decorate


def _specify(cls: type, tag: str) -> _Spec:
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
    return _Spec(
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
    )


def _spec_of(cls: type) -> _Spec:
    spec: _Spec = getattr(cls, _SPEC)
    return spec


def tag_of(cls: type) -> str:
    """The Clark name ``{namespace}tag`` of a declared class."""
    return _spec_of(cls).tag


def known_children(cls: type) -> dict[str, type | None]:
    """The children that a declared class knows by Clark name, with their class if they have one."""
    spec = _spec_of(cls)
    typed = {tag: kind for tag, (_, kind) in (*spec.single.items(), *spec.many.items())}
    return {**typed, **dict.fromkeys((*spec.flags, *spec.which))}


def namespace_of(tag: str) -> str:
    """The namespace of a Clark name, empty when there is none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def local_name(tag: str) -> str:
    """A Clark name without its namespace."""
    return tag.rpartition("}")[2]


def _read(codec: Codec[Any], value: str, where: str) -> Any:
    try:
        return codec.read(value)
    except ValueError as error:
        raise MalformedStanza(f"{where}: {error}: {value[:60]!r}") from None


def parse(cls: type[T], xml: Element) -> T:
    """Read an element into a value of ``cls``.

    Raises:
        MalformedStanza: a required part is missing or a value breaks its grammar.
    """
    spec = _spec_of(cls)
    name = local_name(spec.tag)
    if xml.tag != spec.tag:
        raise MalformedStanza(f"expected <{name}>, found <{local_name(str(xml.tag))[:60]}>")
    values: dict[str, Any] = {}
    for field_name, wire_name, codec, required in spec.attributes:
        raw = xml.get(wire_name)
        if raw is not None:
            values[field_name] = _read(codec, raw, f"<{name} {wire_name}>")
        elif required:
            raise MalformedStanza(f"<{name}> has no attribute {wire_name!r}")
    if spec.text is not None:
        field_name, codec, required = spec.text
        raw = (xml.text or "").strip(_SPACE)
        if raw:
            values[field_name] = _read(codec, raw, f"<{name}>")
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
    codecs = {name: codec for name, _, codec, _ in _spec_of(cls).attributes}
    return cls(**{name: _read(codecs[name], text, name) for name, text in texts.items()})


def _parse_children(spec: _Spec, xml: Element, values: dict[str, Any], name: str) -> None:
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
    spec = _spec_of(type(value))
    for field_name, wire_name, codec, _ in spec.attributes:
        item = getattr(value, field_name)
        if item is not None:
            target.set(wire_name, codec.write(item))
    if spec.text is not None:
        item = getattr(value, spec.text[0])
        if item is not None:
            target.text = spec.text[1].write(item)
    tags_of_flags = {name: tag for tag, name in spec.flags.items()}
    tags_of_members = {(name, member): tag for tag, (name, member) in spec.which.items()}
    for field_name in spec.order:
        item = getattr(value, field_name)
        if field_name in tags_of_flags:
            if item:
                SubElement(target, tags_of_flags[field_name])
        elif field_name in spec.maxima:
            _append(target, item)
        elif isinstance(item, Enum):
            SubElement(target, tags_of_members[field_name, item])
        elif item is not None:
            _append(target, (item,))


def _append(target: Element, items: Iterable[Any]) -> None:
    for item in items:
        if not hasattr(type(item), _SPEC):
            raise LocalProtocolError(f"{type(item).__name__} is no declared element")
        _fill(SubElement(target, tag_of(type(item))), item)
