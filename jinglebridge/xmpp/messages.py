"""Messages: those of call initiation go to the bridge, words of people get a short help text.

Nothing here can go round in circles: errors are never answered, one help text follows another to
the same account only after twice as long, and our own domain gets no answer at all.
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

import structlog

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.rates import Rate
from jinglebridge.bridge.service import full_jid
from jinglebridge.errors import NotAllowed, RemoteProtocolError
from jinglebridge.protocol.chat.xep_0184 import Received, Request
from jinglebridge.protocol.chat.xep_0203 import Delay
from jinglebridge.protocol.chat.xep_0359 import OriginId
from jinglebridge.protocol.jingle.xep_0353 import MESSAGES, JingleMessage, Propose
from jinglebridge.protocol.session.table import bare
from jinglebridge.protocol.xml import build, parse, tag_of
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.discovery import local_part_of
from jinglebridge.xmpp.notes import Notes

_PER_MINUTE, _BURST = 120, 60
"""Messages of one account that are looked at; a call takes about four."""
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class HelpDesk:
    """Who may be helped again: each time only after twice as long, until an hour has passed.

    So two programs that answer each other come to an end: one that answers within an hour gets ten
    texts at most, since what it says to the last of them comes too early for another.
    """

    FIRST, FORGET = 10.0, 3600.0
    """Between the first texts, and until all is forgotten, in s."""
    MAXIMUM = 4096
    """Accounts that are remembered."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def admit(self, account: str, now: float) -> bool:
        """Whether this account is to be helped now; if so, that is remembered."""
        helped_at, pause = self._rows.get(account, (now - self.FORGET, 0.0))
        if now - helped_at < pause:
            return False
        is_new = now - helped_at >= self.FORGET
        self._rows[account] = now, self.FIRST if is_new else min(2 * pause, self.FORGET)
        self._rows.move_to_end(account)
        if len(self._rows) > self.MAXIMUM:
            self._rows.popitem(last=False)
        return True


class Messages:
    """Messages to all JIDs of a component.

    Args:
        domain: the component's.
        bridge: takes those of call initiation.
        send: takes a stanza to send.
        notes: on what peers did wrong.
        clock: any that does not go back, in s.
    """

    def __init__(
        self,
        domain: str,
        bridge: Bridge,
        send: Callable[[Element], None],
        notes: Notes,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._domain = domain
        self._bridge = bridge
        self._send = send
        self._notes = notes
        self._clock = clock
        self._rate = Rate(_PER_MINUTE, _BURST)
        self._help_desk = HelpDesk()
        self._log = structlog.get_logger()

    def handle(self, stanza: Element) -> None:
        """Take a message of a peer."""
        peer, local = stanza.get("from"), stanza.get("to")
        if peer is None or local is None or not stanzas.is_ours(local, self._domain):
            return
        if stanzas.is_ours(peer, self._domain) or not self._may_speak(peer):
            return
        match stanza.get("type", "normal"):
            case "chat" | "normal":
                self._spoken(peer, local, stanza)
            case "error":
                condition = stanzas.error_of(stanza).condition
                self._bridge.message_failed(peer, local, stanza.get("id", ""), condition)

    def _may_speak(self, peer: str) -> bool:
        account, now = bare(peer), self._clock()
        if self._rate.wait(account, now) > 0:
            self._log.debug("message not read: too many", peer=peer)
            return False
        self._rate.take(account, now)
        return True

    def _spoken(self, peer: str, local: str, stanza: Element) -> None:
        try:
            message = _initiation_of(stanza)
            if message is None:
                self._chatted(peer, local, stanza)
                return
            self._bridge.deliver_message(peer, local, message)
            if isinstance(message, Propose):
                # Conversations shows that it rings only when it gets this
                self._confirm(peer, local, stanza)
        except RemoteProtocolError as error:
            self._notes.write("refused", peer, error=str(error))
            self._send(stanzas.message_error(stanza, error))

    def _chatted(self, peer: str, local: str, stanza: Element) -> None:
        """Answer words.

        Raises:
            RemoteProtocolError: there is nobody of that name, or nobody for this peer.
        """
        words = stanza.findtext(f"{{{stanzas.NAMESPACE}}}body")
        if not words or stanza.find(tag_of(Received)) is not None:
            return
        text = self._help(peer, local)
        if stanza.find(tag_of(Request)) is not None:
            self._confirm(peer, local, stanza)
        # what waited somewhere was said to somebody who is not there any more
        if stanza.find(tag_of(Delay)) is None and self._help_desk.admit(bare(peer), self._clock()):
            self._send(self._message(peer, local, text))

    def _help(self, peer: str, local: str) -> str:
        if local_part_of(local):
            service = self._bridge.service_for(peer, local)
            return (
                f"{service.title}: {service.description} "
                f"I only take calls: call {bare(local)} with audio or video."
            )
        names = (f"{service.name}@{self._domain}" for service in self._bridge.services)
        open_to_peer = [name for name in names if self._takes(peer, name)]
        if not open_to_peer:
            return "Nobody here takes your calls."
        return f"Call one of these with audio or video: {', '.join(open_to_peer)}"

    def _takes(self, peer: str, name: str) -> bool:
        try:
            self._bridge.service_for(peer, name)
        except NotAllowed:
            return False
        return True

    def _confirm(self, peer: str, local: str, stanza: Element) -> None:
        """Say that a message arrived (XEP-0184), if it can be named."""
        identifier = stanza.get("id")
        if identifier:
            receipt = self._message(peer, local)
            receipt.append(build(Received(id=identifier)))
            self._send(receipt)

    def _message(self, peer: str, local: str, words: str = "") -> Element:
        """A message from our full JID: clients trust a receipt from no other."""
        identifier = str(uuid.uuid4())
        sender = full_jid(bare(local)) if local_part_of(local) else local
        stanza = stanzas.message(sender, peer, identifier)
        if words:
            stanza.set(_LANG, "en")
            SubElement(stanza, f"{{{stanzas.NAMESPACE}}}body").text = words
            stanza.append(build(OriginId(id=identifier)))
        return stanza


def _initiation_of(stanza: Element) -> JingleMessage | None:
    """The first element of call initiation.

    Raises:
        MalformedStanza: it breaks its grammar.
    """
    for item in stanza:
        kind = MESSAGES.get(item.tag)
        if kind is not None:
            return parse(kind, item)
    return None
