"""An XMPP client that is called: by a proposal (XEP-0353), and answers with aiortc."""

import asyncio
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import slixmpp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from jinglebridge.protocol.jingle.xep_0166 import Creator
from jinglebridge.protocol.jingle.xep_0353 import MESSAGES, NAMESPACE, JingleMessage, Propose
from jinglebridge.protocol.sdp.description import Offer
from jinglebridge.protocol.sdp.text import dumps, loads_answer
from jinglebridge.protocol.session.events import CandidatesReceived, OfferReceived, SessionEnded
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build, parse
from tests.support.caller import Caller, OutgoingCall, Tone


class IncomingCall(OutgoingCall):
    """A call to us: the same media, the other role."""

    async def _work(self) -> None:
        while True:
            match await self._inbox.get():
                case OfferReceived(offer=offer):
                    await self._answer(offer)
                case CandidatesReceived(trickled=trickled):
                    await self._add(trickled)
                case SessionEnded(reason=reason):
                    if not self.ended.done():
                        self.ended.set_result(reason)
                    return

    async def _answer(self, offer: Offer) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(dumps(offer), "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        answer = loads_answer(self.pc.localDescription.sdp)
        await self.caller.request(self.session.peer, self.session.accept(answer))


class Callee:
    """A client whose user is called.

    Args:
        client: signed in and available.
        decide: does with a proposal what the user does.
    """

    def __init__(self, client: Caller, decide: Callable[["Callee", Propose, str], None]) -> None:
        self.client = client
        self.heard: list[JingleMessage] = []
        self._decide = decide
        self._changed = asyncio.Event()
        for kind in MESSAGES:
            path = f"{{jabber:client}}message/{kind}"
            client.client.register_handler(Callback(kind, MatchXPath(path), self._on_message))  # type: ignore[arg-type] # a Message, by the path

    async def hears(self, kind: type[JingleMessage]) -> None:
        """Wait until the last message was of this kind."""
        while not (self.heard and isinstance(self.heard[-1], kind)):
            self._changed.clear()
            await self._changed.wait()

    def say(self, message: JingleMessage, peer: str) -> None:
        """Send one message of call initiation."""
        stanza: Any = self.client.client.make_message(mto=peer, mtype="chat")
        stanza.xml.append(build(message))
        SubElement(stanza.xml, "{urn:xmpp:hints}store")
        stanza.send()

    def expect(self, sid: str, peer: str) -> IncomingCall:
        """Be ready for the session of a proposal that the user takes."""
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.addTrack(Tone())
        session = JingleSession(role=Creator.RESPONDER, sid=sid, local=self.client.jid, peer=peer)
        self.client.calls[sid] = call = IncomingCall(self.client, session, pc)
        return call

    def _on_message(self, stanza: slixmpp.Message) -> None:
        payload: Element = next(item for item in stanza.xml if f"{{{NAMESPACE}}}" in item.tag)
        message = parse(MESSAGES[payload.tag], payload)
        self.heard.append(message)
        self._changed.set()
        if isinstance(message, Propose):
            self._decide(self, message, str(stanza["from"]))
