"""What our JIDs say that they understand: each a promise that the code keeps."""

from jinglebridge.protocol.chat import xep_0184
from jinglebridge.protocol.disco import xep_0030, xep_0092, xep_0115, xep_0199
from jinglebridge.protocol.jingle import (
    residue,
    xep_0166,
    xep_0167,
    xep_0176,
    xep_0293,
    xep_0294,
    xep_0320,
    xep_0338,
    xep_0339,
    xep_0353,
)

COMMON = (
    xep_0030.INFO_NAMESPACE,
    xep_0092.NAMESPACE,
    xep_0115.NAMESPACE,
    xep_0199.NAMESPACE,
)
"""Of every JID."""

CALLABLE = (
    *COMMON,
    residue.NAMESPACE,
    xep_0166.NAMESPACE,
    xep_0167.NAMESPACE,
    f"{xep_0167.NAMESPACE[:-2]}:audio",
    f"{xep_0167.NAMESPACE[:-2]}:video",
    xep_0176.NAMESPACE,
    xep_0293.NAMESPACE,
    xep_0294.NAMESPACE,
    xep_0320.NAMESPACE,
    xep_0338.NAMESPACE,
    "urn:ietf:rfc:5888",  # XEP-0338 §3
    xep_0339.NAMESPACE,
    "urn:ietf:rfc:5576",  # XEP-0339 §4
    xep_0353.NAMESPACE,
    xep_0184.NAMESPACE,
)
"""Of a JID that can be called with audio and video."""
