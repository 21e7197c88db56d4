"""Requests that come twice: a server or client that resumes its stream may send one again.

The first time, a request changed something; the second time it would be out of order. It gets the
same result again and changes nothing. A request that was refused changed nothing, so that it can
simply be looked at once more.
"""

from collections import OrderedDict
from hashlib import blake2b
from xml.etree.ElementTree import Element, tostring

_MAXIMUM = 4096
"""Requests that are remembered, the latest; a digest each."""


class Repeats:
    """Remembers what was taken, by sender, recipient and id of the stanza.

    Args:
        maximum: how many requests are remembered.
    """

    def __init__(self, maximum: int = _MAXIMUM) -> None:
        self._maximum = maximum
        self._taken: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._taken)

    def knows(self, stanza: Element, payload: Element) -> bool:
        """Whether this very request was taken before: the same id with the same content."""
        digest = self._taken.get(_key(stanza))
        return digest is not None and digest == _digest(payload)

    def add(self, stanza: Element, payload: Element) -> None:
        """Remember a request that was taken."""
        key = _key(stanza)
        self._taken[key] = _digest(payload)
        self._taken.move_to_end(key)
        if len(self._taken) > self._maximum:
            self._taken.popitem(last=False)


def _key(stanza: Element) -> tuple[str, str, str]:
    return stanza.get("from", ""), stanza.get("to", ""), stanza.get("id", "")


def _digest(payload: Element) -> bytes:
    return blake2b(tostring(payload), digest_size=16).digest()
