"""slixmpp's component stream, with every stanza looked at before slixmpp does anything with it.

slixmpp copies a stanza to refuse it and walks it recursively, so that one deep stanza would end
the stream for all calls; it keeps a roster row for everybody who ever sent presence, and it
answers an error that it does not understand. All of it is kept away from it here: stanzas go to
one handler, as elements.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import structlog
from slixmpp import ComponentXMPP

from jinglebridge.errors import PolicyViolation
from jinglebridge.xmpp.guard import StanzaBounds, check_bounds
from jinglebridge.xmpp.stanzas import NAMESPACE

_STANZAS = frozenset(f"{{{NAMESPACE}}}{name}" for name in ("iq", "message", "presence"))


class ComponentStream(ComponentXMPP):
    """The stream to the server.

    Args:
        jid: the component's domain.
        secret: shared with the server.
        host: where the server listens.
        port: one of its component ports.
        bounds: the largest stanza that is read.
        handle: takes every other stanza; never raises.
        refuse: answers a request beyond the bounds; never raises.
    """

    def __init__(
        self,
        jid: str,
        secret: str,
        *,
        host: str,
        port: int,
        bounds: StanzaBounds,
        handle: Callable[[Element], None],
        refuse: Callable[[Element, PolicyViolation], None],
    ) -> None:
        # slixmpp leaves this method without types
        super().__init__(jid, secret, host, port, fix_error_ns=True)  # type: ignore[no-untyped-call]
        self._bounds = bounds
        self._handle = handle
        self._refuse = refuse
        self._stream_log = structlog.get_logger()

    def _spawn_event(self, xml: Element) -> None:
        if xml.tag.startswith("{jabber:client}"):
            xml.tag = xml.tag.replace("jabber:client", NAMESPACE)
        if xml.tag not in _STANZAS:
            super()._spawn_event(xml)
            return
        try:
            check_bounds(xml, self._bounds)
        except PolicyViolation as error:
            self._stream_log.warning("stanza refused", peer=xml.get("from"), error=str(error))
            if xml.tag.endswith("}iq") and xml.get("type") in ("get", "set"):
                self._refuse(xml, error)
            return
        self._handle(xml)
