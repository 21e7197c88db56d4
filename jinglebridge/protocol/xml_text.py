"""Elements as text, as people and simple parsers like it: default namespaces, no prefixes."""

from collections.abc import Callable
from functools import lru_cache
from xml.etree.ElementTree import Element

from jinglebridge.protocol.xml import Spec, local_name, namespace_of, spec_of

_REMEMBERED = 4096
"""Elements without children whose text is kept."""

_ESCAPED = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)
_ESCAPED_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def dumps(xml: Element) -> str:
    """An element as text, each namespace declared where it begins, without prefixes."""
    parts: list[str] = []
    _write(xml, "", parts.append)
    return "".join(parts)


def dumps_value(value: object) -> str:
    """What ``dumps(build(value))`` gives, without the elements in between."""
    return _value_text(value, "")


def _value_text(value: object, inherited: str) -> str:
    spec = spec_of(type(value))
    if spec.repeats and not any(getattr(value, name) for name in spec.order):
        return _leaf_text(value, inherited)
    inner: list[str] = []
    if spec.text is not None and (item := getattr(value, spec.text[0])) is not None:
        inner.append(spec.text[1].write(item).translate(_ESCAPED_TEXT))
    for field_name in spec.order:
        item = getattr(value, field_name)
        if not item:
            continue
        if field_name in spec.maxima:
            inner += [_value_text(child, spec.namespace) for child in item]
        elif (tag := spec.tag_of_member(field_name, item)) is None:
            inner.append(_value_text(item, spec.namespace))
        else:
            inner.append(_empty_text(tag, spec.namespace))
    head = _opening(value, spec, inherited)
    content = "".join(inner)
    return f"{head}>{content}</{spec.name}>" if content else f"{head}/>"


@lru_cache(maxsize=_REMEMBERED)
def _leaf_text(value: object, inherited: str) -> str:
    return f"{_opening(value, spec_of(type(value)), inherited)}/>"


def _opening(value: object, spec: Spec, inherited: str) -> str:
    parts = [f"<{spec.name}"]
    if spec.namespace != inherited:
        parts.append(f' xmlns="{spec.namespace}"')
    for field_name, wire_name, codec, _ in spec.attributes:
        item = getattr(value, field_name)
        if item is not None:
            parts.append(f' {wire_name}="{codec.write(item).translate(_ESCAPED)}"')
    return "".join(parts)


def _empty_text(tag: str, inherited: str) -> str:
    namespace = namespace_of(tag)
    declared = "" if namespace == inherited else f' xmlns="{namespace}"'
    return f"<{local_name(tag)}{declared}/>"


def _write(xml: Element, inherited: str, write: Callable[[str], None]) -> None:
    namespace, name = namespace_of(xml.tag), local_name(xml.tag)
    write(f"<{name}")
    if namespace != inherited:
        write(f' xmlns="{namespace.translate(_ESCAPED)}"')
    for number, (key, value) in enumerate(xml.attrib.items()):
        shown = key
        if key.startswith("{"):
            write(f' xmlns:a{number}="{namespace_of(key).translate(_ESCAPED)}"')
            shown = f"a{number}:{local_name(key)}"
        write(f' {shown}="{value.translate(_ESCAPED)}"')
    if not len(xml) and not xml.text:
        write("/>")
        return
    write(">")
    if xml.text:
        write(xml.text.translate(_ESCAPED_TEXT))
    for child in xml:
        _write(child, namespace, write)
        if child.tail:
            write(child.tail.translate(_ESCAPED_TEXT))
    write(f"</{name}>")
