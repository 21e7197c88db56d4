"""What the schemas in tests/schemas allow, as shapes that a generator can walk."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from lxml import etree

from tests.support.schema import overlay, schema_files

XS = "{http://www.w3.org/2001/XMLSchema}"
MANY = 200
"""How often ``unbounded`` is, at most."""

WORDS = (
    *("1", "0", "9", "96", "111", "255", "65535", "4294967295", "abcd", "a" * 22, "x" * 256),
    *("AB:CD", ":".join(["AB"] * 32), "sha-256", "sha-1", "127.0.0.1", "192.0.2.7", "::1"),
    *("2001:db8::1", "fe80::1%eth0", "0.0.0.0", "255.255.255.255", "a1b2.local", "host"),  # noqa: S104 # what a peer may claim
    *("opus", "VP8", "telephone-event", "nack", "pli", "FID", "cname", "apt", "m=audio 9 X 0"),
    *("urn:ietf:params:rtp-hdrext:sdes:mid", "juliet@example.org/balcony", "BUNDLE", "LS"),
)
BUILT_IN = {
    "boolean": ("true", "false", "0", "1"),
    "unsignedByte": ("0", "1", "96", "255"),
    "unsignedShort": ("0", "1", "9", "50000", "65535"),
    "unsignedInt": ("0", "1", "48000", "2130706431", "4294967295"),
    "integer": ("0", "-1", "1", "99999999999999999999"),
    "positiveInteger": ("1", "2", "99999999999999999999"),
    "nonNegativeInteger": ("0", "1", "99999999999999999999"),
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute and values that the schema allows."""

    name: str
    is_required: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A child and how often it may stand there."""

    shape: "Shape"
    maximum: int


@dataclass(frozen=True, slots=True)
class Shape:
    """One element."""

    tag: str
    attributes: tuple[Attribute, ...] = ()
    text: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()


class _Reader:
    """One schema file."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.namespace: str = root.get("targetNamespace")

    def shapes(self) -> Iterator[Shape]:
        for item in self.root.findall(f"{XS}element"):
            yield self.element(item)

    def element(self, item: Any) -> Shape:
        if item.get("ref") is not None:
            item = self._named("element", item.get("ref"))
        tag = f"{{{self.namespace}}}{item.get('name')}"
        inline = item.find(f"{XS}complexType")
        if inline is None and item.get("type"):
            inline = self._named("complexType", item.get("type"))
        if inline is None:
            simple = item.find(f"{XS}simpleType")
            text = self._values(item.get("type"), simple)
            return Shape(tag, text=text, children=tuple(self._foreign(tag)))
        return Shape(
            tag,
            attributes=tuple(self._attributes(inline)),
            text=self._text(inline),
            children=(*self._children(inline), *self._foreign(tag)),
        )

    def _named(self, kind: str, name: str) -> Any:
        return self.root.find(f"{XS}{kind}[@name='{name.rpartition(':')[2]}']")

    def _attributes(self, item: Any) -> Iterator[Attribute]:
        for each in item:
            if each.tag == f"{XS}attribute":
                simple = each.find(f"{XS}simpleType")
                values = self._values(each.get("type"), simple)
                yield Attribute(each.get("name"), each.get("use") == "required", values)
            elif each.tag == f"{XS}attributeGroup" and each.get("ref"):
                yield from self._attributes(self._named("attributeGroup", each.get("ref")))
            elif each.tag in (f"{XS}simpleContent", f"{XS}extension"):
                yield from self._attributes(each)

    def _text(self, item: Any) -> tuple[str, ...]:
        extension = item.find(f"{XS}simpleContent/{XS}extension")
        if extension is not None:
            return self._values(extension.get("base"), None)
        return ("words",) if item.get("mixed") == "true" else ()

    def _children(self, item: Any) -> Iterator[Child]:
        for group in item:
            if group.tag in (f"{XS}sequence", f"{XS}choice", f"{XS}all"):
                for child in group.findall(f"{XS}element"):
                    yield Child(self.element(child), _maximum(child))
                yield from self._children(group)

    def _foreign(self, tag: str) -> Iterator[Child]:
        for row in overlay().extensions:
            if row.parent != tag:
                continue
            namespace, _, name = row.child[1:].partition("}")
            for shape in shapes_of(namespace):
                if name in ("*", shape.tag.rpartition("}")[2]):
                    yield Child(shape, row.maximum or MANY)

    def _values(self, name: str | None, simple: Any) -> tuple[str, ...]:
        if simple is None and name is not None:
            simple = self._named("simpleType", name)
        if simple is None:
            return BUILT_IN.get((name or "").rpartition(":")[2], WORDS)
        union = simple.find(f"{XS}union")
        if union is not None:
            members = [
                self._values(each, None) for each in (union.get("memberTypes") or "").split()
            ]
            members += [self._values(None, each) for each in union]
            return tuple(value for values in members for value in values)
        restriction = simple.find(f"{XS}restriction")
        enumerated = [item.get("value") for item in restriction.findall(f"{XS}enumeration")]
        if enumerated:
            return tuple(enumerated)
        bounds = [
            item.get("value")
            for kind in ("minInclusive", "maxInclusive")
            for item in restriction.findall(f"{XS}{kind}")
        ]
        values = (*self._values(restriction.get("base"), None), *bounds)
        patterns = [item.get("value") for item in restriction.findall(f"{XS}pattern")]
        kept = tuple(
            value for value in values if all(re.fullmatch(each, value) for each in patterns)
        )
        return kept or values


def _maximum(item: Any) -> int:
    given = item.get("maxOccurs", "1")
    return MANY if given == "unbounded" else int(given)


@cache
def shapes_of(namespace: str) -> tuple[Shape, ...]:
    """The elements of a namespace that stand on their own."""
    path = schema_files().get(namespace)
    return () if path is None else tuple(_Reader(etree.parse(str(path)).getroot()).shapes())


@cache
def shape(tag: str) -> Shape:
    """The element of this Clark name."""
    namespace = tag[1:].partition("}")[0]
    return next(item for item in shapes_of(namespace) if item.tag == tag)


@cache
def every_shape() -> tuple[Shape, ...]:
    """All elements of all schemas that stand on their own."""
    return tuple(item for namespace in sorted(schema_files()) for item in shapes_of(namespace))
