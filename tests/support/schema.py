"""Asks the schemas in tests/schemas about what we emit.

Two questions. ``alone``: is each namespace's part of a tree what its own schema says, children of
other namespaces taken away? ``whole``: does every one of those children stand where the overlay
allows it? What goes beyond a specification is listed in the overlay with its reason.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from lxml import etree

SCHEMAS = Path(__file__).parents[1] / "schemas"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_OVERLAY = "{urn:jinglebridge:test:overlay}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A child of one namespace in an element of another."""

    parent: str
    child: str
    """A Clark name, or ``{namespace}*``."""
    maximum: int | None
    is_last: bool
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What we say in a specification's namespace without its word for it."""

    element: str
    attribute: str | None
    values: str
    """A regular expression."""
    stands_for: str | None
    child: str | None
    maximum: int | None
    section: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The form of each line of text in an element that may have children."""

    element: str
    form: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that no single schema knows."""

    extensions: tuple[Extension, ...]
    beyond: tuple[Beyond, ...]
    lines: tuple[Lines, ...]


@cache
def schema_files() -> dict[str, Path]:
    """The schema of each namespace."""
    return {
        etree.parse(str(path)).getroot().get("targetNamespace"): path
        for path in sorted(SCHEMAS.glob("*.xsd"))
    }


@cache
def schema_of(namespace: str) -> Any:
    """The compiled schema of a namespace, ``None`` when there is none."""
    path = schema_files().get(namespace)
    return None if path is None else etree.XMLSchema(etree.parse(str(path)))


@cache
def overlay() -> Overlay:
    """The overlay, read from its file."""
    root = etree.parse(str(SCHEMAS / "overlay.xml")).getroot()

    def clark(item: Any, name: str) -> str | None:
        text = item.get(name)
        if text is None:
            return None
        prefix, _, local = text.partition(":")
        return f"{{{item.nsmap[prefix]}}}{local}"

    def number(item: Any) -> int | None:
        text = item.get("at-most")
        return None if text is None else int(text)

    return Overlay(
        tuple(
            Extension(
                parent=clark(item, "parent") or "",
                child=clark(item, "child") or "",
                maximum=number(item),
                is_last=item.get("place") == "last",
                section=item.get("section"),
            )
            for item in root.iter(f"{_OVERLAY}extension")
        ),
        tuple(
            Beyond(
                element=clark(item, "element") or "",
                attribute=item.get("attribute"),
                values=item.get("values", ""),
                stands_for=item.get("stands-for"),
                child=clark(item, "child"),
                maximum=number(item),
                section=item.get("section"),
                reason=" ".join(item.text.split()),
            )
            for item in root.iter(f"{_OVERLAY}beyond")
        ),
        tuple(
            Lines(element=clark(item, "element") or "", form=item.get("form"))
            for item in root.iter(f"{_OVERLAY}lines")
        ),
    )


def tree_of(xml: str | ElementTree.Element) -> Any:
    """An lxml element of text or of an element of the standard library."""
    text = xml if isinstance(xml, str) else ElementTree.tostring(xml, "unicode")
    return etree.fromstring(text, etree.XMLParser(remove_comments=True, remove_pis=True))


def _namespace(tag: str) -> str:
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def parts(tree: Any) -> Iterator[Any]:
    """Every part of a tree that is of one namespace, as a tree of its own."""
    for item in tree.iter(etree.Element):
        if item is tree or _namespace(item.getparent().tag) != _namespace(item.tag):
            yield _own(item, _namespace(item.tag))


def _own(item: Any, namespace: str) -> Any:
    """An element without its children of other namespaces and the white space around them."""
    copy = etree.Element(item.tag, item.attrib)
    copy.text = item.text
    for child in item:
        if _namespace(child.tag) == namespace:
            below = _own(child, namespace)
            below.tail = child.tail
            copy.append(below)
        else:
            copy.text = (copy.text or "") + (child.tail or "")
    # text stays, for the schema to refuse
    if len(item) and not len(copy) and not (copy.text or "").strip():
        copy.text = None
    return copy


def _without_beyond(part: Any) -> set[Beyond]:
    """Make of a part what its specification knows; the rows of the overlay that were needed."""
    used = set()
    for row in overlay().beyond:
        for item in list(part.iter(row.element)):
            if row.child is not None:
                for child in item.findall(row.child)[: row.maximum]:
                    if not len(child) and not child.attrib and not (child.text or "").strip():
                        item.remove(child)
                        used.add(row)
            elif row.attribute is not None and re.fullmatch(
                row.values, item.get(row.attribute, "")
            ):
                used.add(row)
                if row.stands_for is None:
                    del item.attrib[row.attribute]
                else:
                    item.set(row.attribute, row.stands_for)
    return used


def _wrong_lines(part: Any) -> Iterator[str]:
    for row in overlay().lines:
        for item in part.iter(row.element):
            text = "".join((item.text or "", *(child.tail or "" for child in item)))
            for line in text.split("\n") if text or not len(item) else ():
                if re.fullmatch(row.form, line) is None:
                    yield f"{item.tag}: a line of another form: {line[:60]!r}"


def beyond_in(xml: str | ElementTree.Element) -> set[Beyond]:
    """What of a tree goes beyond the specifications."""
    return set().union(*map(_without_beyond, parts(tree_of(xml))))


def alone(xml: str | ElementTree.Element) -> list[str]:
    """What the schema of each namespace says against its own parts of a tree."""
    found = []
    for part in parts(tree_of(xml)):
        schema = schema_of(_namespace(part.tag))
        if schema is None:
            found.append(f"{part.tag}: no schema")
            continue
        _without_beyond(part)
        found.extend(_wrong_lines(part))
        if not schema.validate(part):
            found.extend(f"{part.tag}: {error.message}" for error in schema.error_log)
    return found


def _matches(name: str, tag: str) -> bool:
    return name == tag or (name.endswith("}*") and _namespace(name) == _namespace(tag))


def extension_at(parent: str, child: str) -> Extension | None:
    """The row that allows this child there."""
    rows = overlay().extensions
    return next((row for row in rows if row.parent == parent and _matches(row.child, child)), None)


def whole(xml: str | ElementTree.Element) -> list[str]:
    """What is wrong with a tree as a whole: its parts, and where they stand."""
    tree = tree_of(xml)
    found = alone(xml)
    for item in tree.iter(etree.Element):
        counts: Counter[Extension] = Counter()
        for child in item:
            if _namespace(child.tag) == _namespace(item.tag):
                continue
            row = extension_at(item.tag, child.tag)
            if row is None:
                found.append(f"{child.tag} in {item.tag}: no extension point")
                continue
            counts[row] += 1
            if row.is_last and child is not item[-1]:
                found.append(f"{child.tag} in {item.tag}: not the last child")
        found.extend(
            f"{row.child} in {row.parent}: {count} times"
            for row, count in counts.items()
            if row.maximum is not None and count > row.maximum
        )
    return found
