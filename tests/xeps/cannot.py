"""What does not come back equal, each with the section that says why.

Three kinds: a printed example that its own specification forbids or only sketches, a transport or
application that this bridge does not take, and a request whose payload never becomes SDP and is not
among the program's values.
"""

_RAW_UDP = "raw UDP (XEP-0177 §4) has no ICE and no DTLS; the content is refused (XEP-0166 §7.4)"
_ICE_0 = "urn:xmpp:jingle:transports:ice:0 (XEP-0371 §5) is not taken; nobody sends it"
_ICE_UDP_0 = "printed with ice-udp:0, a namespace before the present one (XEP-0176 §12)"
_SDP_XEP = "urn:xmpp:jingle:apps:sdp, a proposal of 2013 (its §3), is not taken"
_SKETCH = "a sketch: words stand where values go"
_SECURITY = "a condition of RTP security inside a reason: read over, SDES being refused"

CANNOT: dict[str, str] = {
    "inbox-jingle-sdp-example-02.xml": _SDP_XEP,
    "inbox-jingle-sdp-example-03.xml": "its pwd has 16 characters, RFC 8839 §5.4 wants 22",
    "inbox-jingle-sdp-example-04.xml": _SDP_XEP,
    "inbox-jingle-sdp-example-06.xml": _SDP_XEP,
    "xep-0166-example-30.xml": "its ringing is in no namespace of XEP-0167 §8",
    "xep-0167-example-05.xml": f"{_SECURITY} (XEP-0167 §7.3)",
    "xep-0167-example-06.xml": f"{_SECURITY} (XEP-0167 §7.3)",
    "xep-0167-example-07.xml": f"{_SECURITY} (XEP-0167 §7.3)",
    "xep-0167-example-43.xml": _ICE_UDP_0,
    "xep-0167-example-47.xml": _ICE_UDP_0,
    "xep-0167-example-48.xml": _ICE_UDP_0,
    "xep-0176-example-05.xml": "its priority is above 2**31 - 1 (RFC 8445 §5.1.2)",
    "xep-0176-example-15.xml": _RAW_UDP,
    "xep-0177-example-01.xml": _RAW_UDP,
    "xep-0177-example-03.xml": _RAW_UDP,
    "xep-0269-example-03.xml": _RAW_UDP,
    "xep-0269-example-05.xml": _RAW_UDP,
    "xep-0269-example-06.xml": _RAW_UDP,
    "xep-0293-example-05.xml": "its jingle has no attributes: a > too many (XEP-0166 §7.1)",
    "xep-0294-example-05.xml": "its description has no payload type (XEP-0167 §4)",
    "xep-0320-code-04.xml": f"{_SKETCH} (XEP-0320 §1)",
    "xep-0338-code-05.xml": "its contents are left out (XEP-0338 §2)",
    "xep-0339-code-02.xml": f"{_SKETCH} (XEP-0339 §2.1)",
    "xep-0339-code-06.xml": f"{_SKETCH} (XEP-0339 §2.2)",
    "xep-0343-example-06.xml": "neither RTP nor a transport with SCTP (XEP-0343 §4.1)",
    "xep-0371-example-01.xml": _ICE_0,
    "xep-0371-example-03.xml": _ICE_0,
    "xep-0371-example-04.xml": _ICE_0,
    "xep-0371-example-05.xml": _ICE_0,
    "xep-0371-example-07.xml": _ICE_0,
    "xep-0371-example-09.xml": _ICE_0,
    "xep-0371-example-15.xml": _ICE_0,
    "xep-0371-example-17.xml": _ICE_0,
}
"""File to reason."""
