"""Elements as text, as people and simple parsers like it: default namespaces, no prefixes."""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

from jinglebridge.protocol.xml import Spec, local_name, namespace_of, spec_of, too_many

_REMEMBERED, _SHORT = 4096, 256
"""Elements without children whose text is kept, and how long it may be, in characters."""
_leaf_texts: dict[tuple[object, str], str] = {}

_SPECIAL = re.compile(r"[&<>\"\t\n\r]")
_SPECIAL_IN_TEXT = re.compile(r"[&<>\r]")
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


def _escaped(value: str) -> str:
    # few values hold anything to translate, which takes far longer than to look
    return value if _SPECIAL.search(value) is None else value.translate(_ESCAPED)


def _escaped_text(value: str) -> str:
    return value if _SPECIAL_IN_TEXT.search(value) is None else value.translate(_ESCAPED_TEXT)


def dumps(xml: Element) -> str:
    """An element as text, each namespace declared where it begins, without prefixes."""
    parts: list[str] = []
    _write(xml, "", parts.append)
    return "".join(parts)


def dumps_value(value: object) -> str:
    """What ``dumps(build(value))`` gives, without the elements in between.

    Raises:
        MalformedStanza: it has more children of a kind than ``parse`` reads.
    """
    return _value_text(value, "")


def _value_text(value: object, inherited: str) -> str:
    spec = spec_of(type(value))
    content = _content_text(value, spec)
    if content:
        return f"{_opening(value, spec, inherited)}>{content}</{spec.name}>"
    if spec.repeats:
        return _leaf_text(value, inherited)
    return f"{_opening(value, spec, inherited)}/>"


def _content_text(value: object, spec: Spec) -> str:
    parts: list[str] = []
    if spec.text is not None and (item := getattr(value, spec.text[0])) is not None:
        parts.append(_escaped_text(spec.text[1].write(item)))
    namespace = spec.namespace
    for field_name in spec.order:
        item = getattr(value, field_name)
        if not item:
            continue
        if field_name in spec.several:
            if len(item) > spec.several[field_name]:
                raise too_many(spec, spec.several[field_name], spec_of(type(item[0])).name)
            parts += [_value_text(child, namespace) for child in item]
        elif (tag := spec.tag_of_member(field_name, item)) is None:
            parts.append(_value_text(item, namespace))
        else:
            parts.append(_empty_text(tag, namespace))
    return "".join(parts)


def _leaf_text(value: object, inherited: str) -> str:
    key = value, inherited
    text = _leaf_texts.get(key)
    if text is None:
        text = f"{_opening(value, spec_of(type(value)), inherited)}/>"
        if len(text) <= _SHORT:  # a peer chooses how long its words are
            if len(_leaf_texts) >= _REMEMBERED:
                _leaf_texts.clear()
            _leaf_texts[key] = text
    return text


def _opening(value: object, spec: Spec, inherited: str) -> str:
    text = f"<{spec.name}"
    if spec.namespace != inherited:
        text += f' xmlns="{spec.namespace}"'
    for field_name, wire_name, codec, _ in spec.attributes:
        item = getattr(value, field_name)
        if item is not None:
            text += f' {wire_name}="{_escaped(codec.write(item))}"'
    return text


def _empty_text(tag: str, inherited: str) -> str:
    namespace = namespace_of(tag)
    declared = "" if namespace == inherited else f' xmlns="{namespace}"'
    return f"<{local_name(tag)}{declared}/>"


def _write(xml: Element, inherited: str, write: Callable[[str], None]) -> None:
    namespace, name = namespace_of(xml.tag), local_name(xml.tag)
    write(f"<{name}")
    if namespace != inherited:
        write(f' xmlns="{_escaped(namespace)}"')
    for number, (key, value) in enumerate(xml.attrib.items()):
        shown = key
        if key.startswith("{"):
            write(f' xmlns:a{number}="{_escaped(namespace_of(key))}"')
            shown = f"a{number}:{local_name(key)}"
        write(f' {shown}="{_escaped(value)}"')
    if not len(xml) and not xml.text:
        write("/>")
        return
    write(">")
    if xml.text:
        write(_escaped_text(xml.text))
    for child in xml:
        _write(child, namespace, write)
        if child.tail:
            write(_escaped_text(child.tail))
    write(f"</{name}>")
