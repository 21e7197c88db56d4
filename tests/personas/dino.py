"""Dino, from its captured stanzas: GStreamer and libnice instead of libwebrtc."""

import secrets
from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.persona import Persona
from tests.personas.session import Session
from tests.personas.webrtc import ADDRESS, Codec, payload_type
from tests.personas.xml import DTLS, GROUPING, ICE, RTP, J, description_of, media_of, tag

_VIDEO_FEEDBACK = (("goog-remb", None), ("ccm", "fir"), ("nack", None), ("nack", "pli"))
_CODECS: dict[str, tuple[Codec, ...]] = {
    "audio": (
        Codec(111, "opus", 48_000, 2, (("useinbandfec", "1"),)),
        Codec(112, "speex", 32_000),
        Codec(113, "speex", 16_000),
        Codec(114, "speex", 8_000),
        Codec(0, "PCMU", 8_000),
        Codec(8, "PCMA", 8_000),
    ),
    "video": (Codec(98, "VP8", 90_000, feedback=_VIDEO_FEEDBACK),),
}
_DEVICE = "http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification"


class Dino(Persona):
    """Dino."""

    name = "Dino"
    version = "0.4.2"
    source = "captured stanzas and its source code"
    identity = ("client", "pc", "Dino")
    node = "https://dino.im"
    beside_propose: ClassVar = ()
    wants: ClassVar = (
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:transports:ice-udp:1",
    )
    needs: ClassVar = {
        "one-content": "one content in every request but the first two: it refuses several with "
        "`bad-request`",
        "no-group": "no `<group/>` in the answer to its offer, which has none",
        "own-transport": "a transport of its own for every content, because it never bundles",
        "no-sdes": "no `<encryption/>` in the answer: DTLS is what it uses",
    }
    does: ClassVar = (
        "calls its contents `audio` and `video`; offers SDES keys beside the fingerprint and "
        "component 2 beside rtcp-mux",
        "offers its host candidates with the description; no end mark",
        "answers with one payload type, `setup='active'`, and separate ICE and DTLS per content, "
        "also when BUNDLE was offered",
        "says that it mutes, and that its camera is off, with `session-info`",
        "takes no notice when its `propose` comes back as an error: it needs a `reject`",
        "proceeds with an OMEMO `<device/>` inside",
    )

    def __init__(self, jid: str, service: str) -> None:
        super().__init__(jid, service)
        self._fingerprint = ":".join(f"{item:02X}" for item in secrets.token_bytes(32))
        self._port = 50_201

    def offer(self, session: Session) -> tuple[str, ...]:
        contents = []
        for kind in session.kinds:
            session.local[kind] = kind
            session.payload_types[kind] = frozenset(str(codec.id) for codec in _CODECS[kind])
            key = secrets.token_urlsafe(30)
            crypto = tag(
                "crypto",
                crypto_suite="AES_CM_128_HMAC_SHA1_80",
                key_params=f"inline:{key}",
                tag=1,
            )
            description = tag(
                "description",
                *map(payload_type, _CODECS[kind]),
                tag("encryption", crypto),
                tag("rtcp-mux"),
                xmlns=RTP,
                media=kind,
            )
            contents.append(self._content(kind, description, "actpass"))
        return tuple(contents)

    def answer(self, session: Session) -> tuple[str, ...]:
        assert session.described is not None
        contents = []
        for content in session.described.findall(f"{J}content"):
            name, kind = content.get("name", ""), media_of(content)
            session.local[name] = kind
            chosen = self._chosen(content)
            description = tag(
                "description", payload_type(chosen), tag("rtcp-mux"), xmlns=RTP, media=kind
            )
            contents.append(self._content(name, description, "active"))
        return tuple(contents)

    @staticmethod
    def _chosen(content: Element) -> Codec:
        """The first offered payload type that it knows."""
        known = {codec.name.lower() for codec in _CODECS[media_of(content)]}
        item = next(
            item
            for item in description_of(content).findall(f"{RTP}payload-type")
            if item.get("name", "").lower() in known
        )
        channels = item.get("channels")
        return Codec(
            int(item.get("id", "0")),
            item.get("name", ""),
            int(item.get("clockrate", "0")),
            int(channels) if channels else None,
        )

    def _content(self, name: str, description: str, setup: str) -> str:
        fingerprint = tag("fingerprint", self._fingerprint, xmlns=DTLS, hash="sha-256", setup=setup)
        transport = tag(
            "transport",
            fingerprint,
            *(self._candidate(component) for component in (1, 2)),
            xmlns=ICE,
            ufrag=secrets.token_hex(2),
            pwd=secrets.token_hex(11),
        )
        return tag(
            "content", description, transport, creator="initiator", name=name, senders="both"
        )

    def _candidate(self, component: int) -> str:
        self._port += 1
        return tag(
            "candidate",
            component=component,
            foundation=1,
            generation=0,
            id=secrets.token_hex(4),
            ip=ADDRESS,
            network=0,
            port=self._port,
            priority=2_015_363_328 - component,
            protocol="udp",
            type="host",
        )

    def trickle(self, session: Session) -> None:
        """It says that its camera is off, as it does when a call begins."""
        if session.initiates:
            for name in session.local:
                info = "{urn:xmpp:jingle:apps:rtp:info:1}"
                said = tag("unmute", xmlns=info, creator="initiator", name=name)
                self.jingle(session, "session-info", said)

    def proposed(self, session: Session) -> None:
        if self.plan == "accept":
            self.message(session, "accept", to=xml.bare(self.jid))
            device = tag("device", xmlns=_DEVICE, id="908331448")
            self.message(session, "proceed", device, to=session.peer)
        else:
            super().proposed(session)

    def acknowledge(self, stanza: Element, session: Session, jingle: Element) -> None:
        action, count = jingle.get("action", ""), len(jingle.findall(f"{J}content"))
        if action not in ("session-initiate", "session-accept", "session-terminate"):
            self.demand("one-content", count <= 1, f"{count} in {action}")
            if count > 1:
                self.line.refuse(stanza, "bad-request")
                return
        self.line.reply(stanza)

    def check_answer(self, session: Session, jingle: Element) -> None:
        self.demand("no-group", jingle.find(f"{GROUPING}group") is None, xml.text(jingle)[:300])
        contents = jingle.findall(f"{J}content")
        ufrags = {xml.transport_of(content).get("ufrag") for content in contents}
        self.demand("own-transport", len(ufrags) == len(contents), str(ufrags))
        self.demand("no-sdes", next(jingle.iter(f"{RTP}encryption"), None) is None)
