"""A client's end of its stream: requests with their answers, and answers to requests."""

import itertools
from collections.abc import Callable
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.xml import CLIENT, tag


class Line:
    """Sends, and remembers what still has to be answered.

    Args:
        name: begins the ids of its requests.
    """

    def __init__(self, name: str) -> None:
        self.send: Callable[[str], None] = _not_there
        """Takes a stanza's text, without ``from``; set by whatever it is connected to."""
        self.pending: dict[str, Callable[[Element], None]] = {}
        """By id: who hears the answer."""
        self._name = name
        self._ids = itertools.count(1)

    def ask(self, to: str, payload: str, heard: Callable[[Element], None], kind: str) -> None:
        """Send a request; ``heard`` takes its answer."""
        number = f"{self._name}-{next(self._ids)}"
        self.pending[number] = heard
        self.send(tag("iq", payload, id=number, to=to, type=kind))

    def heard(self, answer: Element) -> None:
        """Give an answer to whoever waits for it."""
        waiting = self.pending.pop(answer.get("id", ""), None)
        if waiting is not None:
            waiting(answer)

    def reply(self, request: Element, *payload: str) -> None:
        """Answer a request with a result."""
        self.send(tag("iq", *payload, type="result", id=request.get("id"), to=request.get("from")))

    def refuse(
        self,
        request: Element,
        condition: str,
        jingle: str | None = None,
        *,
        kind: str = "cancel",
    ) -> None:
        """Answer a request with an error."""
        parts = [tag(condition, xmlns=xml.STANZAS)]
        if jingle is not None:
            parts.append(tag(jingle, xmlns="urn:xmpp:jingle:errors:1"))
        error = tag("error", *parts, type=kind)
        self.send(tag("iq", error, type="error", id=request.get("id"), to=request.get("from")))


def _not_there(text: str) -> None:
    raise AssertionError(f"not signed in: {text}")


def condition_of(stanza: Element) -> str:
    """The stanza condition of an error."""
    error = stanza.find(f"{CLIENT}error")
    names = () if error is None else (item.tag for item in error if xml.STANZAS in item.tag)
    conditions = (name.removeprefix(xml.STANZAS) for name in names)
    return next((name for name in conditions if name != "text"), "undefined-condition")
