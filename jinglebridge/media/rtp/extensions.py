"""The header extensions that forwarding itself reads or writes, by a section's ids."""

from jinglebridge.media.rtp.parameters import RtpSection

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


def extension_id(section: RtpSection, uri: str) -> int:
    """The id that the section uses for an extension, 0 when it was not negotiated."""
    return next((item for item, name in section.header_extensions if name == uri), 0)
