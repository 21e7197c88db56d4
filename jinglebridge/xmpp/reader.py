"""The stream as stanzas: read with few conditions, measured while they are read.

What a server passes on is not always what a strict reader takes. Prosody writes an attribute
``xml:x`` of some client's as ``xmlns:ns1='http://www.w3.org/XML/1998/namespace' ns1:x``, which the
namespaces of XML forbid: a reader that insists on them ends the stream, and anybody with an account
could end every call. This one looks up namespaces by itself and lets be what it does not know.

It also stops building where the bounds are passed, and keeps of such a stanza what an answer needs,
while slixmpp's builds it whole and runs through each of its elements first. It stands in for
``XMLPullParser``, with events for whole stanzas alone.
"""

from collections import ChainMap, deque
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from jinglebridge.errors import PolicyViolation
from jinglebridge.xmpp.guard import MAX_ID, StanzaBounds

_STREAM = 1
"""Level of the stream's own element."""
_XML = "http://www.w3.org/XML/1998/namespace"
_REMEMBERED = 4_096
"""Names that are kept."""


class _Scope(NamedTuple):
    """Namespaces at a place."""

    default: str
    prefixes: ChainMap[str, str]
    """Those of the elements around it are looked up, not copied: there may be many of them."""


class StanzaReader:
    """Takes bytes, gives stanzas; see ``xml.etree.ElementTree.XMLPullParser``.

    Args:
        bounds: the largest stanza that is built.
    """

    def __init__(self, bounds: StanzaBounds) -> None:
        self.excess: PolicyViolation | None = None
        """Why the stanza of the latest event has no content: it passed the bounds."""
        self._bounds = bounds
        self._depth = 0
        self._size = 0
        self._scopes = [_Scope("", ChainMap({"xml": _XML}))]
        self._names: dict[tuple[str, str], str] = {}
        self._builder: TreeBuilder | None = None
        self._stanza: Element | None = None
        self._passed: PolicyViolation | None = None
        self._error: ParseError | None = None
        self._ready: deque[tuple[str, Element, PolicyViolation | None]] = deque()
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, data: bytes | str) -> None:
        """Take what came."""
        if self._error is not None:
            return
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            self._error = ParseError(str(error))
        except ParseError as error:
            self._error = error

    def read_events(self) -> Iterator[tuple[str, Element]]:
        """Start and end of the stream, and of each stanza once it is whole.

        Raises:
            ParseError: what came is no XML, or none that a stream may hold (RFC 6120 §11.1).
        """
        while self._ready:
            event, element, self.excess = self._ready.popleft()
            yield event, element
        if self._error is not None:
            raise self._error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if self._passed is not None:
            return
        scope = self._scopes[-1]
        size = 0
        if attributes:
            words = "".join(attributes)
            size = len(words) + len("".join(attributes.values()))
            if "xmlns" in words:
                scope = self._declared(scope, attributes)
            if ":" in words:
                attributes = self._resolved(scope, attributes)
        self._scopes.append(scope)
        tag = self._names.get((scope.default, name)) or self._tag(scope, name)
        if depth == _STREAM:
            self._ready.append(("start", Element(tag, attributes), None))
            return
        # a namespace is written once and makes many names long
        self._size += size + len(tag)
        if self._builder is None:
            self._builder = TreeBuilder()
            self._stanza = self._builder.start(tag, attributes)
        elif depth - _STREAM > self._bounds.depth:
            self._pass(f"a stanza has at most {self._bounds.depth} levels")
        elif self._size > self._bounds.size:
            self._pass(f"a stanza has at most {self._bounds.size} characters")
        else:
            self._builder.start(tag, attributes)

    def _end(self, name: str) -> None:
        depth = self._depth = self._depth - 1
        if depth == 0:
            self._ready.append(("end", Element(name), None))
        elif self._passed is None:
            self._scopes.pop()
            if self._builder is not None:
                # which element ends is known to the builder; it does not look at the name
                self._builder.end(name)
        if depth == _STREAM:
            self._finish()

    def _text(self, data: str) -> None:
        if self._builder is not None and self._passed is None:
            self._size += len(data)
            if self._size > self._bounds.size:
                self._pass(f"a stanza has at most {self._bounds.size} characters")
            else:
                self._builder.data(data)

    def _finish(self) -> None:
        stanza = self._stanza
        if stanza is None:
            return
        if self._size > self._bounds.size and self._passed is None:
            self._pass(f"a stanza has at most {self._bounds.size} characters")
        passed = self._passed
        if passed is not None:
            stanza = Element(stanza.tag, stanza.attrib)
            del self._scopes[_STREAM + 1 :]
        self._ready.append(("start", stanza, passed))
        self._ready.append(("end", stanza, passed))
        self._builder = self._stanza = self._passed = None
        self._size = 0

    def _pass(self, words: str) -> None:
        self._passed = PolicyViolation(words)

    def _doctype(self, *_: object) -> None:
        raise ParseError("a stream has no document type")

    def _declared(self, scope: _Scope, attributes: dict[str, str]) -> _Scope:
        """The scope inside an element, whose declarations are taken out of its attributes."""
        default, prefixes = attributes.pop("xmlns", scope.default), scope.prefixes
        found = [name for name in attributes if name.startswith("xmlns:")]
        if found:
            prefixes = prefixes.new_child({name[6:]: attributes.pop(name) for name in found})
        return _Scope(default, prefixes)

    def _resolved(self, scope: _Scope, attributes: dict[str, str]) -> dict[str, str]:
        return {
            self._prefixed(scope, name) if ":" in name else name: value
            for name, value in attributes.items()
        }

    def _tag(self, scope: _Scope, name: str) -> str:
        if ":" in name:
            return self._prefixed(scope, name)
        tag = f"{{{scope.default}}}{name}" if scope.default else name
        if len(self._names) < _REMEMBERED and len(tag) <= MAX_ID:
            self._names[scope.default, name] = tag
        return tag

    def _prefixed(self, scope: _Scope, name: str) -> str:
        """The name with the namespace of its prefix; as it stands when there is none."""
        prefix, _, local = name.partition(":")
        namespace = scope.prefixes.get(prefix)
        return f"{{{namespace}}}{local}" if namespace else name
