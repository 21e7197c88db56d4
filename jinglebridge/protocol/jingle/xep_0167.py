"""XEP-0167: Jingle RTP Sessions, version 1.2.3.

The description also holds XEP-0293 (feedback), XEP-0294 (header extensions), XEP-0339 (sources)
and XEP-0507 (category). Deviations: a payload type's ``id`` goes to 127 only; a parameter may have
an empty or missing name (``fmtp`` words without ``=``). SDES keys pass through a conversion; no
call uses them.
"""

from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedback, RtcpFeedbackInterval
from jinglebridge.protocol.jingle.xep_0294 import NAMESPACE as HDREXT_NAMESPACE
from jinglebridge.protocol.jingle.xep_0294 import RtpHeaderExtension
from jinglebridge.protocol.jingle.xep_0339 import Source, SourceGroup
from jinglebridge.protocol.jingle.xep_0507 import Category
from jinglebridge.protocol.xml import (
    TEXT,
    TOKEN,
    attribute,
    child,
    children,
    element,
    flag,
    matching,
    text,
    uint,
)

NAMESPACE = "urn:xmpp:jingle:apps:rtp:1"
INFO_NAMESPACE = "urn:xmpp:jingle:apps:rtp:info:1"

_NAME = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,32}"
"""What a medium and a codec are called in SDP (RFC 8866 §9)."""


@element(NAMESPACE, "parameter", repeats=True)
class Parameter:
    """One word of ``a=fmtp``: ``name=value``, or ``value`` alone when the name is empty."""

    name: str = attribute(TEXT, default="")
    value: str | None = attribute(TEXT, default=None)


@element(NAMESPACE, "payload-type", repeats=True)
class PayloadType:
    """One codec with its parameters (XEP-0167 §5, RFC 8866 §6.6)."""

    id: int = attribute(uint(127))
    name: str | None = attribute(matching(_NAME), default=None)
    """Encoding name; optional for the static types of RFC 3551."""
    clockrate: int | None = attribute(uint(), default=None)
    """In Hz."""
    channels: int | None = attribute(uint(255), default=None)
    ptime: int | None = attribute(uint(), default=None)
    """Preferred length of media in a packet, in ms."""
    maxptime: int | None = attribute(uint(), default=None)
    """Largest length of media in a packet, in ms."""
    parameters: tuple[Parameter, ...] = children(Parameter, maximum=64, default=())
    rtcp_fb: tuple[RtcpFeedback, ...] = children(RtcpFeedback, maximum=32, default=())
    trr_int: RtcpFeedbackInterval | None = child(RtcpFeedbackInterval, default=None)

    def parameter(self, name: str) -> str | None:
        """The value of the first parameter of this name."""
        return next((item.value for item in self.parameters if item.name == name), None)


@element(NAMESPACE, "bandwidth")
class Bandwidth:
    """``b=`` of a section (RFC 8866 §5.8)."""

    type: str = attribute(TOKEN)
    value: str = text(TOKEN)
    """In the unit of the type: kbit/s for ``AS``, bit/s for ``TIAS`` (RFC 3890)."""


@element(NAMESPACE, "crypto")
class Crypto:
    """One SDES key (XEP-0167 §7, RFC 4568)."""

    suite: str = attribute(TOKEN, name="crypto-suite")
    key_params: str = attribute(TOKEN, name="key-params")
    session_params: str | None = attribute(TEXT, name="session-params", default=None)
    tag: str = attribute(TOKEN)


@element(NAMESPACE, "encryption")
class Encryption:
    """SDES keys, which some clients send beside a DTLS fingerprint."""

    required: str | None = attribute(TOKEN, default=None)
    cryptos: tuple[Crypto, ...] = children(Crypto, maximum=16, default=())


@element(NAMESPACE, "description")
class RtpDescription:
    """One RTP session: what may be sent and how (XEP-0167 §4)."""

    media: str = attribute(matching(_NAME))
    payload_types: tuple[PayloadType, ...] = children(PayloadType, maximum=128, default=())
    bandwidths: tuple[Bandwidth, ...] = children(Bandwidth, maximum=8, default=())
    encryption: Encryption | None = child(Encryption, default=None)
    rtcp_fb: tuple[RtcpFeedback, ...] = children(RtcpFeedback, maximum=32, default=())
    trr_int: RtcpFeedbackInterval | None = child(RtcpFeedbackInterval, default=None)
    header_extensions: tuple[RtpHeaderExtension, ...] = children(
        RtpHeaderExtension, maximum=64, default=()
    )
    extmap_allow_mixed: bool = flag(HDREXT_NAMESPACE, "extmap-allow-mixed", default=False)
    sources: tuple[Source, ...] = children(Source, maximum=64, default=())
    source_groups: tuple[SourceGroup, ...] = children(SourceGroup, maximum=32, default=())
    rtcp_mux: bool = flag(NAMESPACE, "rtcp-mux", default=False)
    categories: tuple[Category, ...] = children(Category, maximum=16, default=())


@element(INFO_NAMESPACE, "active")
class Active:
    """The sender takes part again (XEP-0167 §8.1)."""


@element(INFO_NAMESPACE, "hold")
class Hold:
    """The sender listens no more (XEP-0167 §8.2)."""


@element(INFO_NAMESPACE, "unhold")
class Unhold:
    """The end of a hold."""


@element(INFO_NAMESPACE, "ringing")
class Ringing:
    """The sender's device rings (XEP-0167 §8.5)."""


@element(INFO_NAMESPACE, "mute")
class Mute:
    """The sender stopped sending a content, or all of them (XEP-0167 §8.3)."""

    creator: str | None = attribute(TOKEN, default=None)
    name: str | None = attribute(TEXT, default=None)


@element(INFO_NAMESPACE, "unmute")
class Unmute:
    """The end of a mute."""

    creator: str | None = attribute(TOKEN, default=None)
    name: str | None = attribute(TEXT, default=None)


SessionInfo = Active | Hold | Unhold | Ringing | Mute | Unmute
