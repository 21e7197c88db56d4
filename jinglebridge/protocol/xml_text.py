"""Elements as text, as people and simple parsers like it: default namespaces, no prefixes."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from jinglebridge.protocol.xml import local_name, namespace_of

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
